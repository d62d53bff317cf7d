"""How long until the first fragment is durable, and how fast the list is, with a full card."""

import argparse
import ctypes
import http.client
import os
import select
import socket
import statistics
import subprocess
import time
from pathlib import Path

from measure import CACHE, PICAM, scratch

IN_MOVED_TO = 0x80
SLOT_MIB = 1


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench start", description=__doc__)
    parser.add_argument("--slots", type=int, default=4000, help="slots on the card (4000)")
    parser.add_argument("--rounds", type=int, default=9, help="starts that are measured (9)")
    return parser.parse_args()


def clip(seconds, name):
    """A small picture that moves, with a key frame a second."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / name
    if not path.exists():
        part = path.with_suffix(".part")
        encode = ("ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=320x240:rate=30"
                  f" -t {seconds} -c:v libx264 -preset veryfast -bf 0 -g 30 -f mp4")
        subprocess.run([*encode.split(), str(part)], check=True)
        part.rename(path)
    return path


def picam(command, card, slots, source, *more, program=PICAM):
    return [program, command, "--quiet", "--camera", f"x=file:{source}", "--footage", str(card),
            "--segment", "1s", "--slots", str(slots), "--slot-size", f"{SLOT_MIB}MiB", *more]


def fill(card, slots, program=PICAM):
    """Records until every slot holds a segment."""
    # A segment ends at the first key frame after twice its nominal length.
    source = clip(60, "small-60s.mp4")
    recorder = subprocess.Popen(picam("record", card, slots, f"{source}?pace=off&loop=1", program=program))
    while len(list(card.glob("*_*_XN_*.mp4"))) < slots:
        if recorder.poll() is not None:
            raise SystemExit(f"picam ended with exit code {recorder.returncode}")
        time.sleep(0.5)
    recorder.terminate()
    recorder.wait()


class Renames:
    """Waits for files to get a new name in a directory (inotify(7))."""

    def __init__(self, directory):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        watch = self.libc.inotify_add_watch(self.fd, os.fsencode(directory), IN_MOVED_TO)
        if self.fd < 0 or watch < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def wait_for_segment(self, patience):
        """Time at which a slot got a segment's name: its first fragment is durable by then."""
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                now = time.monotonic()
                if b".mp4" in os.read(self.fd, 1 << 16):
                    return now
        raise SystemExit("no segment was recorded")

    def close(self):
        os.close(self.fd)


def first_fragment_ms(card, slots, source, program=PICAM):
    renames = Renames(card)
    start = time.monotonic()
    recorder = subprocess.Popen(picam("record", card, slots, source, program=program))
    durable = renames.wait_for_segment(30)
    recorder.terminate()
    recorder.wait()
    renames.close()
    return (durable - start) * 1000


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def list_ms(card, slots, rounds):
    """Answers of /api/segments, after a first one, as the page asks for them and all at once."""
    port = free_port()
    source = f"{clip(60, 'small-60s.mp4')}?loop=1"
    server = subprocess.Popen(picam("run", card, slots, source, "--listen", f"127.0.0.1:{port}"))
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                ask(port, "/api/segments")
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        # The housekeeper looks the card over once after the start.
        time.sleep(10)
        ask(port, "/api/segments")
        page = [ask(port, "/api/segments") for _ in range(rounds)]
        whole = [ask(port, "/api/segments?limit=5000") for _ in range(rounds)]
    finally:
        server.terminate()
        server.wait()
    return page, whole


def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    start = time.monotonic()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    took = (time.monotonic() - start) * 1000
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")
    return took


def row(name, values, target):
    print(f"| {name} | {statistics.median(values):.0f} ms | {max(values):.0f} ms | {target} |")


def main():
    asked = arguments()
    with scratch() as root:
        card = Path(root)
        fill(card, asked.slots)
        print(f"{asked.slots} slots that hold segments, {asked.rounds} rounds\n")
        print("| | median | worst | target |")
        print("|---|---|---|---|")
        unpaced = f"{clip(60, 'small-60s.mp4')}?pace=off"
        paced = f"{clip(60, 'small-60s.mp4')}?loop=1"
        for name, source, target in (
            ("start to first fragment durable, source as fast as the disk", unpaced, "<= 150 ms"),
            ("the same, source of 30 frames a second", paced, ""),
        ):
            times = [first_fragment_ms(card, asked.slots, source) for _ in range(asked.rounds)]
            row(name, times, target)
        page, whole = list_ms(card, asked.slots, asked.rounds)
        row("/api/segments, warm", page, "<= 50 ms")
        row(f"/api/segments, warm, all {asked.slots}", whole, "")


if __name__ == "__main__":
    main()
