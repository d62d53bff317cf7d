"""What live viewers cost picam record, at 1080p30 and 12 Mbit/s: its processor time and memory with 0, 1 and 8 of them."""

import argparse
import socket
import statistics
import struct
import subprocess
import threading
import time
from pathlib import Path

from measure import PICAM, input_file, scratch

VIEWERS = (0, 1, 8)
HEADER = struct.Struct(">BBHI")
PICTURE = 2


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench live", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="length of a measurement (10)")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (5)")
    return parser.parse_args()


class Viewer:
    """Takes a camera's pictures from the control socket, as picam_control::live has them, and counts them."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.sendall(b'{"ask":"live","camera":"X"}\n')
        self.file = self.socket.makefile("rb")
        said = self.file.readline()
        if said != b'{"live":{"protocol":1}}\n':
            raise SystemExit(f"no live view: {said}")
        self.pictures = self.dropped = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while head := self.file.read(HEADER.size):
            kind, _, _, length = HEADER.unpack(head)
            body = self.file.read(length)
            if kind == PICTURE:
                self.pictures += 1
                self.dropped += int.from_bytes(body[24:28], "big")

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.file.close()
        self.socket.close()


def processor_ns(pid):
    """What its threads that are running now have used, in nanoseconds (/proc/PID/task/*/schedstat)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return {task.parent.name: int(task.read_text().split()[0]) for task in tasks}


def used(pid, seconds):
    """Milliseconds of processor time in a second, while the same threads run."""
    before, start = processor_ns(pid), time.monotonic()
    time.sleep(seconds)
    after, took = processor_ns(pid), time.monotonic() - start
    return sum(ns - before.get(task, 0) for task, ns in after.items()) / took / 1e6


def rss(pid):
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) * 1.024 / 1000


def main():
    asked = arguments()
    stream = input_file(len(VIEWERS) * asked.rounds * (asked.seconds + 4) + 20)
    cpu, memory = {n: [] for n in VIEWERS}, {n: [] for n in VIEWERS}
    pictures = dropped = 0
    with scratch() as root:
        control = f"{root}/control"
        recorder = subprocess.Popen(
            [PICAM, "record", "--quiet", "--camera", f"x=file:{stream}?fps=30", "--footage", f"{root}/card",
             "--segment", "60s", "--slots", "4", "--slot-size", "96MiB", "--control", control])
        time.sleep(3)
        for _ in range(asked.rounds):
            for n in VIEWERS:
                viewers = [Viewer(control) for _ in range(n)]
                time.sleep(2)
                cpu[n].append(used(recorder.pid, asked.seconds))
                memory[n].append(rss(recorder.pid))
                for viewer in viewers:
                    pictures += viewer.pictures
                    dropped += viewer.dropped
                    viewer.close()
                time.sleep(0.5)
        with socket.socket(socket.AF_UNIX) as asker:
            asker.connect(control)
            asker.sendall(b'{"ask":"status"}\n')
            status = asker.makefile().readline()
        recorder.terminate()
        recorder.wait()
    print(f"{asked.rounds} rounds of {asked.seconds} s; viewers took {pictures} pictures, {dropped} were left out")
    lost = status[status.index('"dropped_encoder"'):status.index('"last_durable_ms_ago"')]
    print(f"the recorder's own: {lost.rstrip(',')}\n")
    print("| viewers | ms of processor time a second | ratio | RSS in MB |")
    print("|---|---|---|---|")
    none = statistics.median(cpu[0])
    for n in VIEWERS:
        took = statistics.median(cpu[n])
        print(f"| {n} | {took:.1f} | {took / none:.2f} | {statistics.median(memory[n]):.1f} |")


if __name__ == "__main__":
    main()
