"""busybox as the image has it: which of its options are on.

    busybox.py options SOURCE LAYERS     prints busybox.options anew: of openembedded-core in LAYERS
    busybox.py configure SOURCE          makes SOURCE/.config of busybox.options and meta-picam's picam.cfg

busybox.options is openembedded-core's selection as kconfig resolves it, without meta-picam's. With it,
scripts/check-board builds that very busybox where there are no layers. SOURCE is busybox's source tree.
"""

import pathlib
import re
import subprocess
import sys
import textwrap

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "layer"))

from bitbake_text import statements

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPTIONS = ROOT / "scripts/lib/layer/busybox.options"
OURS = ROOT / "meta-picam/recipes-core/busybox/files/picam.cfg"
# What busybox.inc sets by DISTRO_FEATURES, for those of conf/distro/picam.conf
BY_DISTRO = {
    "FEATURE_IFUPDOWN_IPV4": "y",
    "FEATURE_IFUPDOWN_IPV6": "y",
    "FEATURE_IPV6": "y",
    "FDISK_SUPPORT_LARGE_DISKS": "y",
    "LFS": "y",
    "LOCALE_SUPPORT": "n",
    "RFKILL": "y",
    "SELINUX": "n",
    "STATIC": "n",
}


def read(path):
    """Settings of a configuration or a fragment, without CONFIG_; "n" is off."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"CONFIG_(\w+)=(.*)", line):
            found[match[1]] = match[2]
        elif match := re.match(r"# CONFIG_(\w+) is not set", line):
            found[match[1]] = "n"
    return found


def text(settings):
    """As kconfig reads it."""
    lines = (
        f"# CONFIG_{name} is not set" if value == "n" else f"CONFIG_{name}={value}"
        for name, value in settings.items()
    )
    return "\n".join(lines) + "\n"


def of_layers(layers):
    """What openembedded-core asks for with distribution picam, before kconfig."""
    folder = pathlib.Path(layers) / "openembedded-core/meta/recipes-core/busybox"
    recipe = "\n".join(line for path in sorted(folder.glob("busybox_*.bb")) for line in statements(path))
    settings = read(folder / "busybox/defconfig") | BY_DISTRO
    # In the order of SRC_URI; those behind a condition are for another init, device manager, libc or processor.
    unconditional = re.sub(r"\$\{@.*?\}\s", " ", recipe)
    unconditional = re.sub(r'SRC_URI:append:\S+ = "[^"]*"', "", unconditional)
    for name in re.findall(r"file://([\w-]+\.cfg)", unconditional):
        settings |= read(folder / "busybox" / name)
    return settings


def resolved(settings, source):
    """What kconfig makes of settings in a source tree."""
    config = pathlib.Path(source) / ".config"
    config.write_text(text(settings), encoding="utf-8")
    subprocess.run(["make", "-s", "oldconfig"], cwd=source, input=b"\n" * 2000, capture_output=True, check=True)
    return read(config)


def stored():
    """busybox.options."""
    words = " ".join(
        line for line in OPTIONS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ).split()
    return {name: value or "y" for name, _, value in (word.partition("=") for word in words)}


def options(source, layers):
    """busybox.options anew."""
    settings = resolved(of_layers(layers), source)
    words = []
    for name, value in sorted(settings.items()):
        if value == "y":
            words.append(name)
        elif re.fullmatch(r"\d+", value):
            words.append(f"{name}={value}")
    head = OPTIONS.read_text(encoding="utf-8").split("\n\n")[0] if OPTIONS.exists() else "#"
    return head + "\n\n" + textwrap.fill(" ".join(words), 110, break_on_hyphens=False) + "\n"


def image():
    """Settings of the image's busybox: openembedded-core's and ours."""
    return stored() | read(OURS)


def configure(source):
    """.config for the image's busybox; what is in neither list is off. An option that does not come out is named."""
    subprocess.run(["make", "-s", "allyesconfig"], cwd=source, capture_output=True, check=True)
    off = dict.fromkeys(read(pathlib.Path(source) / ".config"), "n")
    wanted = image()
    found = resolved({name: value for name, value in off.items() if name not in wanted} | wanted, source)
    return [name for name, value in wanted.items() if found.get(name, "n") != value]


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "configure":
        lost = configure(sys.argv[2])
        sys.exit(f"busybox does not take these options: {' '.join(lost)}" if lost else 0)
    elif len(sys.argv) == 4 and sys.argv[1] == "options":
        print(options(sys.argv[2], sys.argv[3]), end="")
    else:
        sys.exit(__doc__)
