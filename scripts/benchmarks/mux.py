"""picam record against ffmpeg -c copy -f segment: the same stream, unpaced, to the same disk."""

import argparse
import os
from pathlib import Path

from measure import PICAM, flushes, input_file, median, run, scratch

SEGMENT_S = 60
SLOT_MIB = 96


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench mux", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="length of the input (600)")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (5)")
    return parser.parse_args()


def picam(stream, card, seconds, program=PICAM):
    slots = max(3, -(-seconds // SEGMENT_S) + 1)
    camera = f"x=file:{stream}?pace=off&fps=30"
    return [program, "record", "--quiet", "--camera", camera, "--footage", str(card),
            "--segment", f"{SEGMENT_S}s", "--slots", str(slots), "--slot-size", f"{SLOT_MIB}MiB"]


def ffmpeg(stream, card):
    return ["ffmpeg", "-nostdin", "-v", "error", "-y", "-framerate", "30", "-i", str(stream),
            "-c", "copy", "-f", "segment", "-segment_time", str(SEGMENT_S), "-segment_format", "mp4",
            "-reset_timestamps", "1", str(card / "ffmpeg%03d.mp4")]


def clear(card):
    for file in card.glob("ffmpeg*.mp4"):
        file.unlink()


def row(name, ours, theirs, unit, target):
    ratio = f"{ours / theirs:.2f}" if theirs else "-"
    return f"| {name} | {ours:.2f} {unit} | {theirs:.2f} {unit} | {ratio} | {target} |"


def main():
    asked = arguments()
    stream = input_file(asked.seconds)
    with scratch() as root:
        ours, theirs = Path(root) / "picam", Path(root) / "ffmpeg"
        ours.mkdir()
        theirs.mkdir()
        # The first rounds make the slots, count flushes, and warm the page cache for both.
        picam_command = picam(stream, ours, asked.seconds)
        ffmpeg_command = ffmpeg(stream, theirs)
        run(picam_command)
        picam_flushes = flushes(picam_command)
        ffmpeg_flushes = flushes(ffmpeg_command)
        picam_costs, ffmpeg_costs = [], []
        for _ in range(asked.rounds):
            os.sync()
            picam_costs.append(run(picam_command))
            clear(theirs)
            os.sync()
            ffmpeg_costs.append(run(ffmpeg_command))
    report(asked, stream, (picam_costs, ffmpeg_costs), (picam_flushes, ffmpeg_flushes))


def report(asked, stream, costs, flush_counts):
    seconds = asked.seconds
    size = stream.stat().st_size
    print(f"{seconds} s of H.264, {size * 8 / seconds / 1e6:.1f} Mbit/s, medians of {asked.rounds} rounds\n")
    print("| | picam | ffmpeg | ratio | target |")
    print("|---|---|---|---|---|")
    both = [[median(side, field) for side in costs]
            for field in ("user_s", "cpu_s", "wall_s", "peak_rss_bytes", "written_bytes")]
    user, cpu, wall, rss, written = both
    print(row("user", *user, "s", "<= 0.5"))
    print(row("user + system", *cpu, "s", "<= 1.0"))
    print(row("wall", *wall, "s", ""))
    print(row("peak RSS", *(n / 1e6 for n in rss), "MB", "<= 0.25"))
    print(row("written a second of video", *(n / seconds / 1e6 for n in written), "MB", ""))
    totals = [sum(counts.values()) for counts in flush_counts]
    print(row("flushes a second of video", *(n / seconds for n in totals), "", ""))
    print(f"\nflushes in all: picam {flush_counts[0]}, ffmpeg {flush_counts[1]}")
    print(f"payload: {size / seconds / 1e6:.2f} MB a second of video")


if __name__ == "__main__":
    main()
