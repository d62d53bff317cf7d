"""Every program that board/ starts is in the image."""

import os
import pathlib
import re
import sys

from bitbake_text import words

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import busybox as options  # noqa: E402

IMAGE = "meta-picam/recipes-core/images/picam-image.inc"
ROOTFS = "board/rootfs"

# Which package of the image has a program. Those of systemd and util-linux come with
# packagegroup-core-boot; BUSYBOX is looked up in busybox's options. That those suffice for what scripts ask of each
# program is seen by running them (scripts/check-board).
PACKAGES = {
    "chronyc": "chronyc",
    "chronyd": "chrony",
    "dnsmasq": "dnsmasq",
    "e2fsck": "e2fsprogs-e2fsck",
    "fsck.exfat": "exfatprogs",
    "fsck.fat": "dosfstools",
    "gpsd": "gpsd",
    "gpsdctl": "gpsd",
    "hostapd": "hostapd",
    "iw": "iw",
    "mkfs.exfat": "exfatprogs",
    "mkfs.ext4": "e2fsprogs-mke2fs",
    "nft": "nftables",
    "partx": "util-linux-partx",
    "picam": "picam",
    "wpa_supplicant": "wpa-supplicant",
}
# What the binary itself starts (docs/image.md): no unit names these.
BY_PICAM = ["fsck.exfat", "iw", "mkfs.exfat", "mkfs.ext4", "partx"]
ALWAYS = {
    "journalctl", "modprobe", "mount", "networkctl", "sh", "systemctl", "umount",
    "systemd-networkd", "systemd-resolved",
}  # fmt: skip
BUSYBOX = {
    "cat", "date", "dd", "install", "ip", "mkdir", "mv", "rm", "stat", "sync", "tail", "head", "sed", "grep",
    "cut", "ln", "chmod", "chown", "cp", "touch", "sleep", "true", "false", "test", "find", "sort", "wc", "tr",
    "basename", "dirname", "readlink", "mktemp", "printf", "echo", "awk", "kill", "ls", "rmdir", "sysctl",
}  # fmt: skip
# Asked for by openembedded-core, and dropped by kconfig: what they belong to is off.
NOT_MET = {
    "FDISK_SUPPORT_LARGE_DISKS", "FEATURE_ADDGROUP_LONG_OPTIONS", "FEATURE_ADDUSER_LONG_OPTIONS",
    "FEATURE_BC_LONG_OPTIONS", "FEATURE_FTPGETPUT_LONG_OPTIONS", "FEATURE_INSTALL_LONG_OPTIONS",
    "FEATURE_IPCALC_LONG_OPTIONS", "FEATURE_NSLOOKUP_LONG_OPTIONS",
}  # fmt: skip
SHELL = {
    "!", ".", "[", ":", "break", "case", "cd", "command", "continue", "do", "done", "echo", "elif", "else",
    "esac", "eval", "exec", "exit", "export", "fi", "for", "if", "local", "printf", "read", "return", "set",
    "shift", "test", "then", "trap", "true", "false", "umask", "unset", "wait", "while", "until", "in", "{", "}",
}  # fmt: skip


def started_by_units(root):
    """(program, unit) of every Exec line."""
    for path in sorted((root / ROOTFS / "usr/lib/systemd/system").glob("*.service")):
        for line in re.findall(r"^Exec\w+=(.+)$", path.read_text(), re.MULTILINE):
            yield line.split()[0].lstrip("@-:+!|"), path.name


def started_by_scripts(root):
    """(program, script) of every command word of the shell scripts in usr/libexec."""
    for path in sorted((root / ROOTFS / "usr/libexec").rglob("*")):
        if path.is_file() and path.read_text().startswith("#!/bin/sh"):
            for word in command_words(path.read_text()):
                yield word, path.name


def command_words(script):
    """Words of a POSIX shell script that stand where a command stands; simple scripts only."""
    functions = set(re.findall(r"^(\w+)\(\)", script, re.MULTILINE))
    script = re.sub(r"^\s*#.*$|\s#\s.*$", "", script, flags=re.MULTILINE)
    script = re.sub(r"^\s*[\w-]+\)|^\s*\*\)", "\n", script, flags=re.MULTILINE)
    for inner in re.findall(r"\$\(([^()]*)\)", script):
        script += "\n" + inner
    script = re.sub(r"\\\n", " ", script)
    script = re.sub(r"'[^']*'|\"[^\"]*\"", "S", script)
    for command in re.split(r"\n|;|\|\||&&|\||&(?!\d)", script):
        fields = command.split()
        while fields and (fields[0] in {"!", "if", "then", "else", "elif", "while", "until", "do", "{"}
                          or re.match(r"\w+=", fields[0])):  # fmt: skip
            fields = fields[1:]
        if fields and re.fullmatch(r"[a-z][\w.-]*", fields[0]) and fields[0] not in SHELL | functions:
            yield fields[0]


def check(root, skip):
    """Each program has a package, and that package is installed."""
    installed = set(words(root / IMAGE, "IMAGE_INSTALL"))
    busybox = set()
    named = [*started_by_units(root), *started_by_scripts(root)]
    named += [(program, "the binary") for program in BY_PICAM]
    for program, where in named:
        if program.startswith("/usr/libexec/"):
            file = root / ROOTFS / program.lstrip("/")
            if not file.exists() or not os.access(file, os.X_OK):
                yield f"{where} starts {program}, which board/ does not have as an executable"
            continue
        name = pathlib.PurePath(program).name
        if name in PACKAGES:
            if PACKAGES[name] not in installed:
                yield f"{where} starts {name}, but the image has no {PACKAGES[name]}"
        elif name in BUSYBOX:
            busybox.add((name, where))
        elif name not in ALWAYS:
            yield f"{where} starts {name}; say in {pathlib.Path(__file__).name} which package has it"
    yield from applets(sorted(busybox), skip)


def applets(wanted, skip):
    """busybox is built with what is used of it; and our list of its options is what openembedded-core asks for."""
    on = options.image()
    for name, where in wanted:
        if on.get(name.upper()) != "y":
            yield f"{where} uses {name}, which busybox is built without"
    layers = os.environ.get("PICAM_LAYERS")
    if not layers:
        skip("PICAM_LAYERS is not set: busybox's options were not compared", "scripts/check-layer --help")
        return
    stored = options.stored()
    for name, value in options.of_layers(layers).items():
        if value in ("y", "n") and (stored.get(name) == "y") != (value == "y") and name not in NOT_MET:
            yield f"openembedded-core has {name}={value}, {options.OPTIONS.name} has not; see {options.__name__}.py"
