"""One picam against another, an older one say: the same input, to the same disk, in alternating rounds."""

import argparse
import os
import statistics
import subprocess
import time
from pathlib import Path

import mux
import start
from measure import PICAM, input_file, memory, run, scratch

SIDES = ("this", "other")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench against", description=__doc__)
    parser.add_argument("other", type=Path, help="the other program, as `cargo build --release` of its commit made it")
    parser.add_argument("--seconds", type=int, default=600, help="length of the input as fast as the disk takes it (600)")
    parser.add_argument("--paced", type=int, default=60, help="seconds recorded in real time, a round (60)")
    parser.add_argument("--slots", type=int, default=4000, help="slots on the card of the start (4000)")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (5)")
    parser.add_argument("--times", type=int, default=8, help="how often a round does what takes a second (8)")
    return parser.parse_args()


def unpaced(program, stream, card, seconds):
    os.sync()
    cost = run(mux.picam(stream, card, seconds, program))
    return {"user": cost.user_s, "user + system": cost.cpu_s, "peak RSS": cost.peak_rss_bytes / 1e6,
            "written": cost.written_bytes / 1e6}


def paced(program, stream, card, seconds):
    """Processor time and memory of a camera in real time: the figures of a recorder at work."""
    camera = f"x=file:{stream}?fps=30"
    recorder = subprocess.Popen(
        [program, "record", "--quiet", "--camera", camera, "--footage", str(card),
         "--segment", "10s", "--slots", "8", "--slot-size", "32MiB"])
    time.sleep(seconds)
    kinds = memory(recorder.pid)
    recorder.terminate()
    _, status, usage = os.wait4(recorder.pid, 0)
    recorder.returncode = os.waitstatus_to_exitcode(status)
    if recorder.returncode != 0:
        raise SystemExit(f"{program} ended with exit code {recorder.returncode}")
    return {"paced: user + system": usage.ru_utime + usage.ru_stime, "paced: peak RSS": kinds["VmHWM"] / 1e3,
            "paced: memory of its own": kinds["RssAnon"] / 1e3}


def starts(program, card, slots):
    source = start.clip(60, "small-60s.mp4")
    return {"start": start.first_fragment_ms(card, slots, f"{source}?pace=off", program),
            "start, paced": start.first_fragment_ms(card, slots, f"{source}?loop=1", program)}


UNITS = {"start": "ms", "start, paced": "ms", "peak RSS": "MB", "paced: peak RSS": "MB", "paced: memory of its own": "MB", "written": "MB"}
TARGETS = {"written": "<= 1.03"}


def main():
    asked = arguments()
    programs = dict(zip(SIDES, (PICAM, asked.other)))
    stream = input_file(asked.seconds)
    figures = {side: {} for side in SIDES}
    with scratch() as root:
        cards = {}
        for side, program in programs.items():
            cards[side] = [Path(root) / f"{side}-{what}" for what in ("mux", "paced", "start")]
            for card in cards[side]:
                card.mkdir()
            # Makes the slots and warms the page cache.
            run(mux.picam(stream, cards[side][0], asked.seconds, program))
            start.fill(cards[side][2], asked.slots, program)
        for number in range(asked.rounds * asked.times):
            # Who goes first takes turns, too.
            for side in SIDES[::-1] if number % 2 else SIDES:
                program = programs[side]
                on_mux, on_paced, on_start = cards[side]
                values = unpaced(program, stream, on_mux, asked.seconds)
                values |= starts(program, on_start, asked.slots)
                if number % asked.times == 0:
                    values |= paced(program, stream, on_paced, asked.paced)
                for name, value in values.items():
                    figures[side].setdefault(name, []).append(value)
    print(f"{asked.seconds} s as fast as the disk takes them, {asked.paced} s in real time, {asked.slots} slots full,")
    print(f"{asked.rounds} rounds; of the lower quartile, for a machine shared with others makes all of it slower at times\n")
    print("| | this | other | ratio | target |")
    print("|---|---|---|---|---|")
    for name in figures["this"]:
        ours, theirs = (statistics.quantiles(figures[side][name], n=4)[0] for side in SIDES)
        unit, target = UNITS.get(name, "s"), TARGETS.get(name, "<= 1.05")
        print(f"| {name} | {ours:.2f} {unit} | {theirs:.2f} {unit} | {ours / theirs:.2f} | {target} |")


if __name__ == "__main__":
    main()
