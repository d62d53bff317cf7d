"""Memory of picam record, paced, at 1080p30 and 12 Mbit/s."""

import argparse
import subprocess
import time

from measure import PICAM, input_file, memory, scratch


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench rss", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="how long to record (600)")
    return parser.parse_args()


def main():
    asked = arguments()
    stream = input_file(asked.seconds)
    with scratch() as root:
        camera = f"x=file:{stream}?fps=30"
        recorder = subprocess.Popen(
            [PICAM, "record", "--quiet", "--camera", camera, "--footage", root,
             "--segment", "60s", "--slots", "4", "--slot-size", "96MiB"])
        start = time.monotonic()
        samples = []
        while recorder.poll() is None and time.monotonic() - start < asked.seconds - 2:
            time.sleep(1)
            samples.append(memory(recorder.pid))
        recorder.terminate()
        if recorder.wait() != 0:
            raise SystemExit(f"picam ended with exit code {recorder.returncode}")
    last = samples[-1]
    print(f"{len(samples)} s recorded\n")
    print("| | MB | target |")
    print("|---|---|---|")
    print(f"| peak RSS | {last['VmHWM'] * 1.024 / 1000:.1f} | <= 16 |")
    print(f"| RSS at the end | {last['VmRSS'] * 1.024 / 1000:.1f} | |")
    print(f"| of it memory of its own (anonymous) | {last['RssAnon'] * 1.024 / 1000:.1f} | |")
    print(f"| of it pages of the program file | {last['RssFile'] * 1.024 / 1000:.1f} | |")


if __name__ == "__main__":
    main()
