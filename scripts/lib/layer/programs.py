"""Every program that board/ starts is in the image."""

import os
import pathlib
import re

from bitbake_text import statements, words

IMAGE = "meta-picam/recipes-core/images/picam-image.inc"
ROOTFS = "board/rootfs"

# Which package of the image has a program. Those of systemd and util-linux come with
# packagegroup-core-boot; BUSYBOX is looked up in busybox's configuration where the layers are there.
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
    "cat", "date", "install", "ip", "mkdir", "mv", "rm", "stat", "sync", "tail", "head", "sed", "grep",
    "cut", "ln", "chmod", "chown", "cp", "touch", "sleep", "true", "false", "test", "find", "sort", "wc", "tr",
    "basename", "dirname", "readlink", "mktemp", "printf", "echo", "awk", "kill", "ls", "rmdir", "sysctl",
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
    yield from applets(root, sorted(busybox), skip)


def applets(root, wanted, skip):
    """busybox is built with what is used of it."""
    layers = os.environ.get("PICAM_LAYERS")
    if not layers:
        skip("PICAM_LAYERS is not set: busybox's applets were not compared", "scripts/check-layer --help")
        return
    folder = pathlib.Path(layers) / "openembedded-core/meta/recipes-core/busybox"
    recipe = " ".join(line for path in folder.glob("busybox*.bb") for line in statements(path))
    on = set()
    ours = root / "meta-picam/recipes-core/busybox/files/picam.cfg"
    fragments = [path for path in sorted((folder / "busybox").glob("*.cfg")) if path.name in recipe]
    for path in [folder / "busybox/defconfig", *fragments, ours]:
        for line in path.read_text().splitlines():
            if match := re.match(r"(CONFIG_\w+)=y", line):
                on.add(match.group(1))
            elif match := re.match(r"# (CONFIG_\w+) is not set", line):
                on.discard(match.group(1))
    for name, where in wanted:
        if f"CONFIG_{name.upper()}" not in on:
            yield f"{where} uses {name}, which busybox is built without"
