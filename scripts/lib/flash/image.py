"""An image: what it is, writing it, and reading back whether the card really holds it."""

import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from . import BadInput, Refused

SECTOR = 512
BLOCK = 4096
CHUNK = 4 << 20
DECOMPRESSORS = {".xz": "xz", ".zst": "zstd", ".gz": "gzip"}
FAT_TYPES = (0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E)


@dataclass
class Range:
    """Bytes that must be on the card, by their checksum."""

    start: int
    length: int
    sha256: str


class Image:
    """A .wic file, maybe compressed, maybe with a block map beside it."""

    def __init__(self, path):
        self.path = path
        base, extension = os.path.splitext(path)
        self.decompressor = DECOMPRESSORS.get(extension)
        if not os.path.isfile(path):
            raise BadInput(f"there is no image {path}")
        name = os.path.basename(base if self.decompressor else path)
        if not name.endswith((".wic", ".img")):
            raise BadInput(f"{path} is no image: .wic, .wic.xz, .wic.zst or .wic.gz is expected")
        if self.decompressor and not shutil.which(self.decompressor):
            raise Refused(f"{self.decompressor} is missing; run: scripts/setup flash")
        self.bmap = next((f for f in (path + ".bmap", base + ".bmap") if os.path.isfile(f)), None)
        self.ranges = None
        self.size = None
        if self.bmap:
            self.size, self.ranges = read_bmap(self.bmap)
        elif not self.decompressor:
            self.size = os.path.getsize(path)
        elif self.decompressor == "xz":
            self.size = xz_size(path)
        self.check_first_sector()

    def check_first_sector(self):
        """Keeps a wrong file from being noticed only when the card has been overwritten."""
        with self.open() as stream:
            boot_partition(stream.read(SECTOR), self.path)

    def open(self):
        """The image's bytes, uncompressed."""
        return Stream(self.path, self.decompressor)


class Stream:
    """The uncompressed bytes of a file, which also knows how much of the file has been read."""

    def __init__(self, path, decompressor):
        self.name = path
        self.file = open(path, "rb")
        self.size = os.fstat(self.file.fileno()).st_size
        self.child = None
        self.bytes = self.file
        if decompressor:
            # The child shares the file's position: how far it has read is known here, too.
            self.child = subprocess.Popen(
                [decompressor, "-dc"], stdin=self.file, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            self.bytes = self.child.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child:
            self.child.terminate()
            self.child.communicate()
        self.file.close()

    def read(self, length):
        """Exactly this many bytes; fewer only at the end."""
        data = self.bytes.read(length)
        if len(data) < length and self.child and self.child.wait() != 0:
            said = self.child.stderr.read().decode(errors="replace").strip()
            raise Refused(f"{self.name} is damaged: {said}; download or build it again")
        return data

    def progress(self):
        """Fraction of the file that has been read."""
        return os.lseek(self.file.fileno(), 0, os.SEEK_CUR) / max(self.size, 1)


def xz_size(path):
    """The uncompressed size, which xz keeps at a file's end."""
    done = subprocess.run(["xz", "--robot", "--list", path], capture_output=True, text=True)
    fields = [line.split("\t") for line in done.stdout.splitlines()]
    totals = [f for f in fields if f[0] == "totals"]
    if done.returncode != 0 or not totals:
        raise Refused(f"{path} is damaged: {done.stderr.strip()}; download or build it again")
    return int(totals[0][4])


def read_bmap(path):
    """Size of the image and the ranges that hold data. Format: bmap 2.0, as bmaptool writes it."""
    damaged = Refused(f"{path} is no block map that can be used; move it away to write the whole image")
    try:
        root = ElementTree.parse(path).getroot()
        size = int(root.findtext("ImageSize"))
        block = int(root.findtext("BlockSize"))
        kind = (root.findtext("ChecksumType") or "").strip()
        ranges = []
        for element in root.find("BlockMap"):
            first, _, last = element.text.strip().partition("-")
            start = int(first) * block
            end = min((int(last or first) + 1) * block, size)
            ranges.append(Range(start, end - start, element.attrib["chksum"]))
    except (ElementTree.ParseError, TypeError, ValueError, KeyError):
        raise damaged from None
    if kind != "sha256" or size % SECTOR or any(r.start % BLOCK or r.length <= 0 for r in ranges):
        raise damaged
    return size, ranges


def boot_partition(first_sector, name):
    """Offset in bytes of the FAT partition that the Pi boots from: the first one in the MBR."""
    if len(first_sector) == SECTOR and first_sector[510:] == b"\x55\xaa" and first_sector[450] in FAT_TYPES:
        return struct.unpack_from("<I", first_sector, 454)[0] * SECTOR
    raise Refused(f"{name} is no card image: it does not begin with a FAT partition in an MBR")


class Progress:
    """One line on a terminal that says how far something is; silent elsewhere."""

    def __init__(self, what):
        self.what = what
        self.begun = time.monotonic()
        self.shown = 0.0
        self.tty = sys.stderr.isatty()

    def show(self, fraction, done):
        now = time.monotonic()
        if self.tty and now - self.shown > 0.2:
            self.shown = now
            rate = done / max(now - self.begun, 0.001) / 1e6
            print(f"\r{self.what} {fraction:4.0%}  {rate:6.1f} MB/s ", end="", file=sys.stderr, flush=True)

    def end(self, done):
        took = time.monotonic() - self.begun
        start = "\r" if self.tty else ""
        print(f"{start}{self.what} {done / 1e6:.0f} MB in {took:.0f} s      ", file=sys.stderr)


def copy(image, device):
    """Writes every byte of the image, and says what must be read back."""
    progress = Progress("writing")
    digest = hashlib.sha256()
    written = 0
    target = os.open(device, os.O_WRONLY | os.O_EXCL)
    try:
        with image.open() as stream:
            while data := stream.read(CHUNK):
                digest.update(data)
                view = memoryview(data)
                while view:
                    view = view[os.write(target, view) :]
                written += len(data)
                # Else gigabytes would wait in memory, and the progress shown would be a lie.
                os.fdatasync(target)
                progress.show(stream.progress(), written)
    finally:
        os.close(target)
    progress.end(written)
    return [Range(0, written, digest.hexdigest())]


def verify(device, ranges):
    """Reads the ranges from the device itself, past the page cache, and compares their checksums."""
    progress = Progress("reading back")
    total = sum(r.length for r in ranges)
    done = 0
    with DirectReader(device) as reader:
        for wanted in ranges:
            digest = hashlib.sha256()
            for data in reader.read(wanted.start, wanted.length):
                digest.update(data)
                done += len(data)
                progress.show(done / max(total, 1), done)
            if digest.hexdigest() != wanted.sha256:
                end = wanted.start + wanted.length
                raise Refused(
                    f"the card does not hold what was written to it (bytes {wanted.start} to {end} differ);"
                    " take another card or card reader"
                )
    progress.end(done)


class DirectReader:
    """Reads with O_DIRECT, which wants aligned offsets, lengths and memory (open(2))."""

    def __init__(self, device):
        self.file = os.open(device, os.O_RDONLY | os.O_DIRECT)
        self.end = os.lseek(self.file, 0, os.SEEK_END)
        self.buffer = mmap.mmap(-1, CHUNK)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.file)

    def read(self, start, length):
        """The bytes of a range that begins on a block, in pieces."""
        position = start
        stop = start + length
        while position < stop:
            wanted = min(CHUNK, -(-(stop - position) // BLOCK) * BLOCK, self.end - position)
            got = os.preadv(self.file, [memoryview(self.buffer)[:wanted]], position) if wanted > 0 else 0
            if got == 0:
                raise Refused(
                    "the card ends before the image does; it may claim a size that it does not have"
                )
            yield self.buffer[: min(got, stop - position)]
            position += got
