"""The card's layout: what docs/image.md promises, what the .wks asks for, what an image has."""

import json
import shlex
import subprocess
import sys

WKS = "meta-picam/files/wic/picam.wks.in"
MIB = 1024 * 1024
# number: start and size in MiB, type. p4 is made by wic around p5 and p6, two sectors earlier.
CARD = {
    1: (4, 256, 0x0C),
    2: (260, 4, 0xDA),
    3: (264, 512, 0xDA),
    5: (780, 512, 0xDA),
    6: (1296, 256, 0xDA),
}
# Footage begins here once the card was started for the first time.
FOOTAGE_START = 1600


def entries(wks):
    """Options of each `part` line."""
    for line in wks.read_text().splitlines():
        fields = shlex.split(line, comments=True)
        if fields[:1] == ["part"]:
            yield dict(field.split("=", 1) if "=" in field else (field, "") for field in pairs(fields[1:]))


def pairs(fields):
    """`--size 4M` as `--size=4M`."""
    index = 0
    while index < len(fields):
        has_value = index + 1 < len(fields) and not fields[index + 1].startswith("--")
        if fields[index].startswith("--") and "=" not in fields[index] and has_value:
            yield f"{fields[index]}={fields[index + 1]}"
            index += 2
        else:
            yield fields[index]
            index += 1


def check_wks(root, _skip):
    """Sizes, alignment and types as the .wks has them come out as CARD."""
    offset, numbers = 0, iter([1, 2, 3, 5, 6])
    found = list(entries(root / WKS))
    if len(found) != len(CARD):
        yield f"{len(found)} partitions in {WKS}, {len(CARD)} expected"
        return
    for part in found:
        number = next(numbers)
        align = int(part["--align"])
        if align != 4096:
            yield f"p{number} is aligned to {align} KiB, not to 4096"
        size = int(part["--fixed-size"].removesuffix("M"))
        # wic puts a table's sector in front of a logical partition, then aligns.
        offset += 1 if number == 1 or number > 4 else 0
        start = -(-offset // align) * align if offset else align
        kind = {"vfat": 0x0C, "ext4": 0x83}.get(part.get("--fstype"))
        kind = int(part["--system-id"], 16) if "--system-id" in part else kind
        have = (start // 1024, size, kind)
        if have != CARD[number]:
            yield f"p{number} (start, size in MiB, type): {have}, promised: {CARD[number]}"
        offset = start + size * 1024


def check_image(image):
    """The table of an image file, as sfdisk reads it."""
    report = subprocess.run(["sfdisk", "--json", image], check=True, capture_output=True, text=True)
    table = json.loads(report.stdout)["partitiontable"]
    if table["label"] != "dos" or table.get("sectorsize", 512) != 512:
        yield f"no MBR of 512-byte sectors: {table['label']}"
    have = {int(part["node"].removeprefix(image)): part for part in table["partitions"]}
    if sorted(have) != [1, 2, 3, 4, 5, 6]:
        yield f"partitions {sorted(have)}, expected 1 to 6"
        return
    for number, wanted in CARD.items():
        part = have[number]
        found = (part["start"] * 512 / MIB, part["size"] * 512 / MIB, int(part["type"], 16))
        if found != wanted:
            yield f"p{number} (start, size in MiB, type): {found}, promised: {wanted}"
    extended = have[4]
    end = (extended["start"] + extended["size"]) * 512 / MIB
    if int(extended["type"], 16) != 0x0F:
        yield f"p4 is of type {extended['type']}, not f (extended, LBA)"
    if extended["start"] * 512 / MIB < 776 or end < 1552 or end > FOOTAGE_START:
        yield f"p4 ends at {end} MiB and must hold p6 and end before {FOOTAGE_START}"
    if not have[1].get("bootable"):
        yield "p1 is not marked active"


if __name__ == "__main__":
    problems = list(check_image(sys.argv[1]))
    print("\n".join(problems) or "the table is as promised")
    sys.exit(1 if problems else 0)
