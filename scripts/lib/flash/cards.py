"""Which disks are cards that may be erased, and which must never be."""

import json
import os
import stat
import subprocess
from dataclasses import dataclass, field

from . import BadInput, Refused

MIB = 1 << 20
# docs/card-format.md and board/: the footage begins at 1600 MiB, and a ring needs a few slots.
SMALLEST_CARD = (1600 + 512) * MIB
# Sector numbers in an MBR have 32 bits.
LARGEST_CARD = 2 << 40
# Where desktops mount what is plugged in (udisks2); whatever is mounted elsewhere, somebody put there.
AUTOMOUNTED = ("/media/", "/run/media/")
# Signatures of disks that are a part of something bigger, even while that is not running.
MEMBERS = {
    "LVM2_member": "LVM",
    "linux_raid_member": "a RAID",
    "zfs_member": "a ZFS pool",
    "crypto_LUKS": "an encrypted volume",
    "bcache": "bcache",
    "BitLocker": "an encrypted volume",
}
COLUMNS = "NAME,KNAME,PATH,MAJ:MIN,TYPE,SIZE,START,RO,RM,TRAN,VENDOR,MODEL,SERIAL,FSTYPE,LABEL,MOUNTPOINTS"


@dataclass
class Part:
    """Anything that lies on a disk: a partition, or what is stacked on one."""

    name: str
    path: str
    kind: str
    size: int
    start: int
    fstype: str
    label: str
    mountpoints: list


@dataclass
class Disk:
    """A whole disk, and everything on it."""

    name: str
    path: str
    number: str
    kind: str
    size: int
    read_only: bool
    removable: bool
    transport: str
    model: str
    serial: str
    built_in: bool
    parts: list = field(default_factory=list)

    def identity(self):
        """What changes when another card is put in."""
        return [self.path, self.number, self.size, self.model, self.serial]

    def automounted(self):
        """Mount points to give up, the inner ones first."""
        points = {point for part in self.parts for point in part.mountpoints}
        return sorted(points, key=len, reverse=True)


def list_disks():
    """Every disk of this computer."""
    command = ["lsblk", "--json", "--bytes", "--output", COLUMNS]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(
            f"lsblk does not say what disks there are: {done.stderr.strip()} (needs util-linux 2.38)"
        )
    return [read_disk(entry, is_built_in) for entry in json.loads(done.stdout)["blockdevices"]]


def is_built_in(name):
    """Whether a disk on an MMC bus is no card but soldered in: an eMMC, says the kernel."""
    try:
        with open(f"/sys/block/{name}/device/type", encoding="ascii") as kind:
            return name.startswith("mmcblk") and kind.read().strip() != "SD"
    except OSError:
        return False


def read_disk(entry, built_in):
    """A disk from lsblk's tree."""
    disk = Disk(
        name=entry["kname"],
        path=entry["path"],
        number=entry["maj:min"],
        kind=entry["type"],
        size=int(entry["size"] or 0),
        read_only=bool(entry["ro"]),
        removable=bool(entry["rm"]),
        transport=entry["tran"] or "",
        model=" ".join((entry[key] or "").strip() for key in ("vendor", "model")).strip(),
        serial=entry["serial"] or "",
        built_in=built_in(entry["kname"]),
    )
    collect(entry, disk.parts)
    return disk


def collect(entry, parts):
    # A disk without partitions may carry a filesystem itself.
    parts.append(
        Part(
            name=entry["kname"],
            path=entry["path"],
            kind=entry["type"],
            size=int(entry["size"] or 0),
            start=int(entry.get("start") or 0) * 512,
            fstype=entry["fstype"] or "",
            label=entry["label"] or "",
            mountpoints=[point for point in entry["mountpoints"] if point],
        )
    )
    for child in entry.get("children", []):
        collect(child, parts)


def in_use(disk):
    """Why the disk belongs to this computer or to something bigger; None if it does not."""
    for part in disk.parts:
        if part.kind not in ("disk", "part", "loop"):
            return f"it is a part of {part.name} ({part.kind})"
        if part.fstype in MEMBERS:
            return f"{part.name} is a part of {MEMBERS[part.fstype]}"
        for point in part.mountpoints:
            if point == "[SWAP]":
                return f"{part.name} is this computer's swap"
            if point == "/":
                return "it is this computer's system disk"
            if not point.startswith(AUTOMOUNTED):
                return f"{part.name} is mounted on {point}; if it is the card, unmount it first"
    return None


def refusal(disk, image_size, named=False):
    """Why the disk must not be written; None if it may. What may be no card only counts when it was named: a USB disk
    whose medium cannot be taken out (a hard disk, most often with somebody's backups), a loop device."""
    reason = in_use(disk)
    if reason:
        return reason
    whole = disk.kind == "disk" and not disk.built_in
    card = whole and (disk.removable or disk.transport == "mmc" or disk.name.startswith("mmcblk"))
    on_usb = whole and disk.transport == "usb"
    if on_usb and not card and not named:
        return f"it looks like a hard disk, no card; if it is the card, say so: --device {disk.path}"
    if not (card or (named and (on_usb or disk.kind == "loop"))):
        return "it is built in, no card"
    if disk.size == 0:
        return "there is no card in it"
    if disk.read_only:
        return "it is write-protected; push the small switch on the card's side"
    needed = max(image_size, SMALLEST_CARD)
    if disk.size < needed:
        sizes = f"{show_size(disk.size)}, and {show_size(needed)} are needed"
        return f"it is too small: {sizes}; take a card of 4 GB or more"
    if disk.size > LARGEST_CARD:
        return "it is larger than 2 TiB, which no card is"
    return None


def find(disks, device):
    """The disk that a path names."""
    path = os.path.realpath(device)
    try:
        if not stat.S_ISBLK(os.stat(path).st_mode):
            raise BadInput(f"{device} is no disk; give the whole card, such as /dev/sdb")
    except FileNotFoundError:
        raise BadInput(f"there is no {device}; without --device, the cards there are get listed") from None
    for disk in disks:
        if disk.path == path:
            return disk
        if any(part.path == path for part in disk.parts):
            raise BadInput(f"{device} is a part of a disk; give the whole card: {disk.path}")
    raise BadInput(f"{device} is no disk that lsblk knows")


def show_size(size):
    """As printed on cards: powers of ten."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def describe(disk, image_size):
    """Lines by which a person recognises the card."""
    bus = disk.transport or ("mmc" if disk.name.startswith("mmcblk") else "")
    model = (disk.model or "no model name") + (f" ({bus})" if bus else "")
    lines = [f"  {disk.name:<10} {show_size(disk.size):>9}  {model}"]
    for part in disk.parts[1:]:
        what = " ".join(word for word in (part.fstype, part.label) if word)
        mounted = f", mounted on {', '.join(part.mountpoints)}" if part.mountpoints else ""
        kept = ""
        if part.fstype == "exfat" and part.start >= max(image_size, 1600 * MIB):
            kept = "; lies behind the image, is not overwritten"
        lines.append(
            f"    {part.name:<8} {show_size(part.size):>9}  {what or 'empty or unknown'}{mounted}{kept}"
        )
    return lines
