"""What a GPS receiver of ten fixes a second adds to picam record, which stores 1080p30 at 12 Mbit/s."""

import argparse
import glob
import os
import pty
import statistics
import subprocess
import threading
import time
import tty

from measure import PICAM, input_file, scratch

WARM_UP_S = 5


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench gps", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long to record each time (60)")
    parser.add_argument("--rounds", type=int, default=3, help="with and without a receiver (3)")
    return parser.parse_args()


def sentence(body):
    """With its frame and checksum."""
    total = 0
    for byte in body.encode():
        total ^= byte
    return f"${body}*{total:02X}\r\n"


def moment(n, now):
    """What a u-blox says of a moment, of a car that drives north at 20 m/s."""
    at = time.gmtime(now)
    of_day = time.strftime("%H%M%S", at) + f".{int(now * 10) % 10}0"
    place = f"48{n * 0.00108 % 59:08.5f},N,01131.00000,E"
    said = [
        f"GNRMC,{of_day},A,{place},38.9,0.00,{time.strftime('%d%m%y', at)},,,A",
        "GNVTG,0.00,T,,M,38.9,N,72.0,K,A",
        f"GNGGA,{of_day},{place},1,12,0.90,545.4,M,46.9,M,,",
        "GNGSA,A,3,04,05,09,12,24,25,29,31,,,,,1.80,0.90,1.50",
        "GNGSA,A,3,67,83,76,82,68,,,,,,,,1.80,0.90,1.50",
    ]
    if n % 10 == 0:
        said += ["GPGSV,2,1,08,04,45,120,38,05,30,210,35,09,60,060,41,12,15,300,30",
                 "GPGSV,2,2,08,24,50,180,40,25,20,090,33,29,70,015,43,31,35,250,37"]  # fmt: skip
    return "".join(map(sentence, said)).encode()


def speak(line, stop):
    start, n = time.time(), 0
    while not stop.is_set():
        os.write(line, moment(n, time.time()))
        n += 1
        time.sleep(max(0, start + n / 10 - time.time()))


def cpu_ns(pid):
    """Of each thread, by name."""
    used = {}
    for task in glob.glob(f"/proc/{pid}/task/*"):
        with open(f"{task}/comm", encoding="ascii") as comm, open(f"{task}/schedstat", encoding="ascii") as stat:
            name = comm.read().strip()
            used[name] = used.get(name, 0) + int(stat.read().split()[0])
    return used


def record(seconds, with_gps):
    """Milliseconds of processor time a second: of all threads, and of the receiver's."""
    stop = threading.Event()
    options, speaker = [], None
    if with_gps:
        line, device = pty.openpty()
        tty.setraw(device)
        options = ["--gps", f"serial:{os.ttyname(device)}?baud=115200"]
        speaker = threading.Thread(target=speak, args=(line, stop))
        speaker.start()
    with scratch() as root:
        camera = f"x=file:{input_file(seconds + 2 * WARM_UP_S)}?fps=30"
        recorder = subprocess.Popen(
            [PICAM, "record", "--quiet", "--camera", camera, "--footage", root,
             "--segment", "60s", "--slots", "4", "--slot-size", "96MiB", *options])  # fmt: skip
        time.sleep(WARM_UP_S)
        before = cpu_ns(recorder.pid)
        time.sleep(seconds)
        after = cpu_ns(recorder.pid)
        recorder.terminate()
        recorder.wait()
    stop.set()
    if speaker:
        speaker.join()
    spent = {name: (after[name] - before.get(name, 0)) / 1e6 / seconds for name in after}
    return sum(spent.values()), spent.get("gps", 0)


def main():
    asked = arguments()
    rounds = [(record(asked.seconds, False), record(asked.seconds, True)) for _ in range(asked.rounds)]
    without = statistics.median(total for (total, _), _ in rounds)
    total = statistics.median(total for _, (total, _) in rounds)
    thread = statistics.median(gps for _, (_, gps) in rounds)
    print("| | ms of processor time a second | of a core | target |")
    print("|---|---|---|---|")
    print(f"| without a receiver | {without:.2f} | {without / 10:.2f} % | |")
    print(f"| with one | {total:.2f} | {total / 10:.2f} % | |")
    print(f"| of it the thread that listens | {thread:.2f} | {thread / 10:.2f} % | <= 1.5 % |")


if __name__ == "__main__":
    main()
