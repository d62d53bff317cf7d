"""What the benchmarks share: the binary, the input, and what a process cost."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PICAM = os.environ["PICAM_BIN"]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "picam-bench"

CLIP_SECONDS = 20
BITRATE = 12_000_000


@dataclass
class Cost:
    """What a process and its children cost."""

    user_s: float
    system_s: float
    wall_s: float
    peak_rss_bytes: int
    written_bytes: int

    @property
    def cpu_s(self):
        return self.user_s + self.system_s


def peak_rss(pid):
    """The most memory that a process has had so far, in bytes; 0 once it has ended.

    Not ru_maxrss: that begins with the memory of whoever started the process (getrusage(2), exec_mmap in Linux).
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peak[0]) * 1024 if peak else 0


def memory(pid):
    """Resident memory in kB by kind, as /proc/PID/status says."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = (line.split() for line in lines if line.startswith(("VmHWM", "VmRSS", "Rss")))
    return {name.rstrip(":"): int(value) for name, value, *_ in fields}


def run(command):
    """Runs a command to its end and says what it cost."""
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        peak, ended = 0, 0
        while not ended:
            time.sleep(0.005)
            peak = max(peak, peak_rss(child.pid))
            ended, status, usage = os.wait4(child.pid, os.WNOHANG)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            sys.exit(f"{command}: exit code {child.returncode}\n{said.read().decode()}")
    # ru_oublock is in blocks of 512 bytes (getrusage(2)).
    return Cost(usage.ru_utime, usage.ru_stime, wall, peak, usage.ru_oublock * 512)


def flushes(command):
    """How often a command asks the disk to flush, by system call."""
    with tempfile.NamedTemporaryFile("r") as trace:
        strace = ["strace", "-f", "-q", "-o", trace.name, "-e", "trace=fsync,fdatasync,syncfs,sync"]
        subprocess.run(strace + command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        calls = [line.split()[1].split("(")[0] for line in trace if "(" in line]
    return {name: calls.count(name) for name in sorted(set(calls))}


def median(costs, field):
    return statistics.median(getattr(cost, field) for cost in costs)


def input_file(seconds):
    """A raw H.264 stream of at least so many seconds at 12 Mbit/s, 1080p30, made once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    stream = CACHE / f"1080p30-12M-{seconds}s.h264"
    if stream.exists():
        return stream
    clip = CACHE / f"1080p30-12M-{CLIP_SECONDS}s.clip.h264"
    if not clip.exists():
        print(f"making {clip}", file=sys.stderr)
        part = clip.with_suffix(".part")
        encode = (
            "ffmpeg -nostdin -v error -y -f lavfi -i"
            f" testsrc2=size=1920x1080:rate=30,noise=alls=12:allf=t -t {CLIP_SECONDS}"
            " -pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 0 -g 30 -keyint_min 30"
            f" -sc_threshold 0 -b:v {BITRATE} -minrate {BITRATE} -maxrate {BITRATE}"
            f" -bufsize {BITRATE} -x264-params repeat-headers=1:filler=0 -f h264"
        )
        subprocess.run([*encode.split(), str(part)], check=True)
        part.rename(clip)
    part = stream.with_suffix(".part")
    with part.open("wb") as out:
        for _ in range(-(-seconds // CLIP_SECONDS)):
            with clip.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)
    part.rename(stream)
    return stream


def scratch():
    """A directory on the disk that holds the input; removed at the end."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=CACHE, prefix="card-")
