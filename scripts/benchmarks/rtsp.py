"""picam record against ffmpeg -c copy: the same stream of the same RTSP server, at the same time, into MP4."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from measure import CACHE, PICAM, input_file, scratch

SERVE = Path(__file__).parent.parent.parent / "tests" / "rtsp" / "serve"
WARM_UP_S = 5
TICKS = os.sysconf("SC_CLK_TCK")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench rtsp", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="length of a measurement (60)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    return parser.parse_args()


def movie(seconds):
    """The input with the times that a server needs."""
    made = CACHE / f"rtsp-{seconds}s.mp4"
    if not made.exists():
        part = made.with_suffix(".part")
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-framerate", "30", "-i", str(input_file(seconds)),
                        "-c", "copy", "-f", "mp4", str(part)], check=True)
        part.rename(made)
    return made


def cpu_s(pid):
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def anonymous_mb(pid):
    """Memory of its own."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    kib = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(kib[0]) * 1024 / 1e6


def picam(card, cameras):
    command = [PICAM, "record", "--quiet", "--footage", str(card), "--slots", str(4 * max(1, len(cameras))),
               "--slot-size", "128MiB"]
    for n, url in enumerate(cameras):
        command += ["--camera", f"c{n}={url}"]
    return command


def ffmpeg(card, url):
    return ["ffmpeg", "-nostdin", "-v", "error", "-y", "-rtsp_transport", "tcp", "-i", url, "-c", "copy", "-f", "segment",
            "-segment_time", "60", "-segment_format", "mp4", "-reset_timestamps", "1", str(card / "ffmpeg%03d.mp4")]


def side_by_side(commands, seconds):
    """CPU seconds of each over the same span of time, and memory of its own at the end."""
    children = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for command in commands]
    try:
        time.sleep(WARM_UP_S)
        before = [cpu_s(child.pid) for child in children]
        time.sleep(seconds)
        costs = [cpu_s(child.pid) - start for child, start in zip(children, before)]
        memory = [anonymous_mb(child.pid) for child in children]
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()
    return costs, memory


def main():
    asked = arguments()
    clip = movie(asked.seconds + 2 * WARM_UP_S)
    pipeline = (f"filesrc location={clip} ! qtdemux name=d d.video_0 ! queue ! h264parse config-interval=-1 ! "
                "rtph264pay name=pay0 pt=96")
    server = subprocess.Popen([str(SERVE), f"/x={pipeline}"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        url = f"rtsp://127.0.0.1:{int(server.stdout.readline())}/x"
        with scratch() as root:
            ours, theirs = Path(root) / "picam", Path(root) / "ffmpeg"
            ours.mkdir()
            theirs.mkdir()
            rounds = []
            for number in range(asked.rounds):
                commands = [picam(ours, [url]), ffmpeg(theirs, url)]
                rounds.append(side_by_side(commands, asked.seconds))
                print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
            two = Path(root) / "two"
            two.mkdir()
            memory_of_two = side_by_side([picam(two, [url, url])], asked.seconds)[1][0]
    finally:
        server.terminate()
        server.wait()
    rounds.sort(key=lambda measured: measured[0][0] / measured[0][1])
    (own_cpu, their_cpu), (own_memory, their_memory) = rounds[len(rounds) // 2]
    print(f"{asked.seconds} s of H.264 at 12 Mbit/s over TCP, median of {asked.rounds} rounds\n")
    print("| | picam | ffmpeg | ratio | target |")
    print("|---|---|---|---|---|")
    print(f"| user + system | {own_cpu:.2f} s | {their_cpu:.2f} s | {own_cpu / their_cpu:.2f} | <= 0.60 |")
    print(f"| memory of its own | {own_memory:.1f} MB | {their_memory:.1f} MB | | <= 13 MB |")
    print(f"| of two streams | {memory_of_two:.1f} MB | | | <= 18 MB |")


if __name__ == "__main__":
    main()
