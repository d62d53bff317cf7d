"""Does a card hold as much as it says? Every block of it is written with what tells its place, and read back.

A forged card drops what is written beyond its end, or lets it land on what was written before: both show when all of
it is read once all of it was written. What each block holds follows from its offset and a seed of this run, so that
nothing left from an earlier test looks right.
"""

import hashlib
import mmap
import os

from . import Refused
from .image import BLOCK, CHUNK, DirectReader, Progress


def pattern(seed, offset):
    """What stands in the chunk at `offset`: its blocks begin with their own offsets."""
    fill = hashlib.sha256(seed + offset.to_bytes(8, "big")).digest() * (BLOCK // 32)
    chunk = bytearray(fill * (CHUNK // BLOCK))
    for at in range(0, CHUNK, BLOCK):
        chunk[at : at + 8] = (offset + at).to_bytes(8, "big")
    return bytes(chunk)


def test(device, seed=None):
    """Writes and reads all of a card. Raises Refused with how much of it is good, if not all is."""
    seed = seed if seed is not None else os.urandom(16)
    size = fill(device, seed)
    good, bad = read_back(device, size, seed)
    if bad is not None:
        raise Refused(
            f"the card does not hold what it says: of {size / 1e9:.1f} GB, {good / 1e9:.1f} GB are good, and what is"
            f" written at byte {bad} is lost; it is worn out, or forged: take another card"
        )


def fill(device, seed):
    """Writes all of the card, past the page cache. Its size in bytes."""
    progress = Progress("filling")
    target = os.open(device, os.O_WRONLY | os.O_EXCL | os.O_DIRECT)
    buffer = mmap.mmap(-1, CHUNK)
    try:
        size = os.lseek(target, 0, os.SEEK_END)
        for offset in range(0, size, CHUNK):
            buffer[:] = pattern(seed, offset)
            length = min(CHUNK, size - offset)
            done = 0
            while done < length:
                done += os.pwritev(target, [memoryview(buffer)[done:length]], offset + done)
            progress.show(offset / size, offset)
        os.fsync(target)
    finally:
        os.close(target)
    progress.end(size)
    return size


def read_back(device, size, seed):
    """How many bytes hold what was written, and where the first block is that does not."""
    progress = Progress("reading all back")
    good, bad, position = 0, None, 0
    with DirectReader(device) as reader:
        for data in reader.read(0, size):
            chunk = position - position % CHUNK
            want = pattern(seed, chunk)[position - chunk : position - chunk + len(data)]
            if data == want:
                good += len(data)
            else:
                for at in range(0, len(data), BLOCK):
                    if data[at : at + BLOCK] == want[at : at + BLOCK]:
                        good += len(data[at : at + BLOCK])
                    elif bad is None:
                        bad = position + at
            position += len(data)
            progress.show(position / size, position)
    progress.end(size)
    return good, bad
