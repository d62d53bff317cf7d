"""What the tests of scripts/flash share: a small image, cards that are loop devices, runs of the script."""

import atexit
import contextlib
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
FLASH = REPO / "scripts" / "flash"
sys.dont_write_bytecode = True
sys.path.insert(0, str(REPO / "scripts" / "lib"))

MIB = 1 << 20
PAGE = 4096
P1_START, P1_SIZE = 4 * MIB, 16 * MIB
ROOT_START = 24 * MIB
CARD_SIZE = 4 * 1024 * MIB
TOOLS = [
    "bmaptool",
    "jq",
    "losetup",
    "lsblk",
    "mcopy",
    "mkfs.ext4",
    "mkfs.vfat",
    "mtype",
    "partx",
    "qrencode",
    "sfdisk",
    "unshare",
    "xz",
    "zbarimg",
    "zstd",
]


def say_skipped(reason, command):
    """Makes scripts/test show what is left out."""
    line = f"SKIPPED: {reason}; run: {command}"
    print(line)
    if "PICAM_SKIPS" in os.environ:
        with open(os.environ["PICAM_SKIPS"], "a", encoding="utf-8") as file:
            file.write(line + "\n")


def skip(reason, command):
    """Leaves a whole test out."""
    say_skipped(reason, command)
    raise unittest.SkipTest(reason)


def need_cards():
    """Skips where there are no loop devices or tools."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        skip(
            f"scripts/flash onto a card: {' '.join(missing)} missing", "scripts/setup test && tests/flash/run"
        )
    if os.geteuid() != 0 or subprocess.run(["losetup", "--find"], capture_output=True).returncode != 0:
        skip("scripts/flash onto a card needs root and loop devices", "sudo tests/flash/run")


def sh(*command, **options):
    """Runs a tool that must succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr!r}")
    return done.stdout


def template():
    """The picam.toml of the image."""
    return (REPO / "board" / "boot" / "picam.toml").read_text(encoding="utf-8")


def make_image(path, files):
    """A card in small, as its real layout begins: FAT, the footage's placeholder, a root filesystem."""
    with open(path, "wb") as file:
        file.truncate(48 * MIB)
    partitions = (
        "start=4MiB,size=16MiB,type=c",
        "start=20MiB,size=4MiB,type=da",
        "start=24MiB,size=8MiB,type=da",
    )
    sh("sfdisk", "--quiet", path, input="\n".join(("label: dos", *partitions)).encode())
    boot = path.with_suffix(".boot")
    with open(boot, "wb") as file:
        file.truncate(P1_SIZE)
    sh("mkfs.vfat", "-F", "16", "-n", "PICAM", boot)
    for name, content in files.items():
        sh("mcopy", "-i", boot, "-", f"::{name}", input=content)
    with open(path, "r+b") as file:
        file.seek(P1_START)
        file.write(boot.read_bytes())
        file.seek(ROOT_START)
        file.write(os.urandom(5 * MIB))
    boot.unlink()
    # Deallocated again, so that the block map has holes.
    sh("fallocate", "--dig-holes", path)


def memory():
    """Where flushing costs nothing, if there is room for an image in all its forms and a card or two."""
    shm = Path("/dev/shm")
    roomy = shm.is_dir() and os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 1024 * MIB
    return shm if roomy else None


class Images:
    """The image and its compressed forms, made once."""

    def __init__(self):
        directory = tempfile.mkdtemp(prefix="picam-flash-", dir=memory())
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        os.chmod(directory, 0o755)
        self.directory = Path(directory)
        self.files = {"config.txt": b"arm_64bit=1\n", "picam.toml": template().encode()}
        self.raw = self.directory / "picam.wic"
        make_image(self.raw, self.files)
        sh("bmaptool", "create", self.raw, "-o", self.directory / "picam.wic.bmap")
        sh("xz", "--keep", "-0", self.raw)
        sh("zstd", "--quiet", self.raw)
        sh("gzip", "--keep", "-1", self.raw)
        # The same without a block map beside it.
        self.bare = self.directory / "bare"
        self.bare.mkdir()
        for form in self.directory.glob("picam.wic*"):
            if form.suffix != ".bmap":
                os.link(form, self.bare / form.name)


@functools.cache
def images():
    """The image, made when it is first needed."""
    return Images()


class Card:
    """A sparse file behind a loop device."""

    def __init__(self, directory, size=CARD_SIZE):
        descriptor, name = tempfile.mkstemp(dir=directory)
        os.ftruncate(descriptor, size)
        os.close(descriptor)
        self.file = Path(name)
        self.device = None

    def __enter__(self):
        self.device = sh("losetup", "--find", "--show", "--partscan", self.file).decode().strip()
        self.name = os.path.basename(self.device)
        return self

    def __exit__(self, *_):
        sh("losetup", "--detach", self.device)
        self.file.unlink()

    def bytes(self, start, length):
        """What the card holds."""
        with open(self.file, "rb") as file:
            file.seek(start)
            return file.read(length)

    def put(self, start, data):
        """Writes past the loop device, before it is used."""
        with open(self.device, "r+b") as file:
            file.seek(start)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def state(self):
        """Everything on the card: a digest of each page that is not all zero, by its offset.

        Where the file has holes is no part of it: a filesystem may write zeros there late.
        """
        sh("sync", self.device)
        state = {}
        with open(self.file, "rb") as file:
            end = 0
            while True:
                try:
                    start = os.lseek(file.fileno(), end, os.SEEK_DATA)
                except OSError:
                    return state
                end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
                for at in range(start, end, PAGE):
                    page = os.pread(file.fileno(), PAGE, at)
                    if any(page):
                        state[at] = hashlib.sha256(page).hexdigest()

    def boot_file(self, name):
        """A file of the FAT partition."""
        return sh("mtype", "-i", f"{self.file}@@{P1_START}", f"::{name}")


class Run:
    """One run of scripts/flash to its end."""

    def __init__(self, *arguments, answer="", tools=None, **environment):
        path = os.environ["PATH"]
        if tools:
            path = f"{tools}:{path}"
        done = subprocess.run(
            [sys.executable, str(FLASH), *map(str, arguments)],
            input=answer.encode(),
            capture_output=True,
            check=False,
            env={**os.environ, "PATH": path, **environment},
        )
        self.status = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()
        self.said = self.out + self.err


@contextlib.contextmanager
def tool(name, script):
    """A directory with a program of that name, to be found before the real one."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        program = Path(directory) / name
        program.write_text(script, encoding="utf-8")
        program.chmod(0o755)
        yield directory
