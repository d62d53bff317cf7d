"""What needs root: erasing one card. Reads a job as JSON from its input, so that nothing secret stands
in a command line or in sudo's log."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager

if __package__ in (None, ""):
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = "flash"

from flash import Refused, cards, toml_edit, whole
from flash.image import SECTOR, Image, boot_partition, copy, verify

# linux/fs.h
BLKRRPART = 0x125F
BLKFLSBUF = 0x1261


class Interrupted(Exception):
    """Ctrl-C, or the terminal went away."""


def interrupted(*_):
    # Once is enough: what follows only makes the card safe.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Interrupted


def run(job):
    """Writes the card, or raises Refused."""
    image = Image(job["image"])
    # The names of disks are given out anew whenever something is plugged in.
    disk = cards.find(cards.list_disks(), job["device"])
    if disk.identity() != job["identity"]:
        raise Refused(f"{job['device']} is another card than the one chosen; nothing was written")
    reason = cards.refusal(disk, image.size or 0, named=True)
    if reason:
        raise Refused(f"{disk.path}: {reason}")
    unmount(disk)
    with locked(disk.path):
        try:
            if job["verify_all"]:
                whole.test(disk.path)
            ranges = write(image, disk.path)
            if job["verify"]:
                verify(disk.path, ranges)
            write_settings(disk.path, job["settings"])
        except BaseException as error:
            spoil(disk.path)
            incomplete = "the card is incomplete and starts no camera"
            if isinstance(error, Interrupted):
                raise Refused(f"interrupted: {incomplete}; run scripts/flash again") from None
            if isinstance(error, Refused):
                raise Refused(f"{error}; {incomplete}") from None
            if isinstance(error, OSError):
                raise Refused(
                    f"{disk.path}: {error.strerror}; {incomplete}; take another card or reader"
                ) from None
            raise


def unmount(disk):
    for point in disk.automounted():
        print(f"unmounting {point}", file=sys.stderr)
        done = subprocess.run(["umount", point], capture_output=True, text=True)
        if done.returncode != 0:
            raise Refused(
                f"{point} cannot be unmounted: {done.stderr.strip()}; close what uses it, then try again"
            )


@contextmanager
def locked(device):
    """Holds the card alone. udev leaves a disk alone that somebody has locked (systemd.io,
    "Locking Block Device Access"), so no desktop mounts the half-written card."""
    try:
        # Fails if any filesystem, swap, LVM or RAID of any namespace uses a part of it.
        os.close(os.open(device, os.O_RDONLY | os.O_EXCL))
    except OSError as error:
        raise Refused(f"{device} is in use ({error.strerror}); nothing was written") from None
    file = os.open(device, os.O_RDONLY)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another program is working on {device}; nothing was written") from None
        yield
        reread_table(file)
    finally:
        os.close(file)


def reread_table(file):
    try:
        fcntl.ioctl(file, BLKRRPART)
    except OSError:
        pass  # a card reader does it when the card is put in again


def write(image, device):
    """Writes the image, and says what must be read back."""
    if not image.bmap or not shutil.which("bmaptool"):
        whole = copy(image, device)
        return image.ranges or whole
    command = ["bmaptool", "copy", "--bmap", image.bmap, image.path, device]
    # In a session of its own, so that Ctrl-C reaches this program alone and is answered in plain words.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as child:
        try:
            status = child.wait()
        except Interrupted:
            child.terminate()
            child.wait()
            raise
    if status != 0:
        raise Refused("bmaptool could not write the image")
    return image.ranges


def spoil(device):
    """Takes the partition table away: a card that is half old, half new must not start a camera."""
    try:
        file = os.open(device, os.O_WRONLY)
        try:
            os.pwrite(file, bytes(SECTOR), 0)
            os.fsync(file)
        finally:
            os.close(file)
    except OSError:
        pass  # a card that takes no writes cannot be spoilt either


def write_settings(device, changes):
    """Changes picam.toml on the FAT partition, and reads it back from the card."""
    with open(device, "rb") as file:
        offset = boot_partition(file.read(SECTOR), "the card")
    with mtools(device, offset) as tool:
        before = tool("mtype", "p:/picam.toml")
        try:
            text = before.decode()
        except UnicodeDecodeError:
            raise Refused("the image's picam.toml is not UTF-8") from None
        after = toml_edit.set_values(text, {(s, k): v for s, k, v in changes}).encode()
        tool("mcopy", "-o", "-", "p:/picam.toml", data=after)
        file = os.open(device, os.O_RDWR)
        try:
            os.fsync(file)
            fcntl.ioctl(file, BLKFLSBUF)
        finally:
            os.close(file)
        if tool("mtype", "p:/picam.toml") != after:
            raise Refused("the card does not hold the picam.toml that was written to it; take another card")


@contextmanager
def mtools(device, offset):
    """Runs mtools on the partition; no mount is needed, and no partition device."""
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "mtoolsrc")
        # nolock: where mtools takes a lock, it is the one that is held here already.
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'mtools_skip_check=1\ndrive p: file="{device}" offset={offset} nolock\n')
        # File names only, which are ASCII; but mtools reads them in the locale's character set.
        environment = {**os.environ, "MTOOLSRC": config, "LC_ALL": "C"}

        def tool(*command, data=None):
            try:
                done = subprocess.run(list(command), input=data, capture_output=True, env=environment)
            except FileNotFoundError:
                raise Refused(f"{command[0]} is missing; run: scripts/setup flash") from None
            if done.returncode != 0:
                said = " ".join(done.stderr.decode(errors="replace").split())
                raise Refused(
                    f"picam.toml on the card cannot be read or written ({said}); is this an image of picam?"
                )
            return done.stdout

        yield tool


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        run(json.load(sys.stdin))
    except Interrupted:
        print("\nflash: interrupted; nothing was written", file=sys.stderr)
        return 130
    except Refused as error:
        print(f"\nflash: {error}" if sys.stderr.isatty() else f"flash: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
