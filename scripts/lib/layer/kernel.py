"""What the kernel is asked for: our fragment, and what in board/ only a built-in or a module takes."""

import os
import pathlib
import re

FRAGMENT = "meta-picam/recipes-kernel/linux/files/picam.cfg"
FRAGMENTS_OF_RASPBERRYPI = "meta-raspberrypi/recipes-kernel/linux/files"
# Needed before a module could be loaded: the root, the footage, the boot partition, the state, the watchdog
BUILT_IN = ["SQUASHFS", "SQUASHFS_ZSTD", "EXFAT_FS", "VFAT_FS", "EXT4_FS", "TMPFS", "WATCHDOG"]
# Built into Raspberry Pi's kernels: options in modprobe.d do nothing for these.
NOT_MODULES = {"usbcore", "ext4", "exfat", "vfat", "squashfs", "mmc_core"}
# Drivers of radios that are plugged in. The board's own is of Broadcom.
RADIOS = """ADMTEK ATH ATMEL INTEL INTERSIL MARVELL MEDIATEK MICROCHIP PURELIFI QUANTENNA RALINK REALTEK RSI SILABS ST TI
    ZYDAS""".split()


def check(root, skip):
    """The fragment has what the card needs, and nothing that would take the hotspot's place or read the footage."""
    asked = read(root / FRAGMENT)
    for name in BUILT_IN:
        if asked.get(name) != "y":
            yield f"{FRAGMENT} does not build {name} in"
    off = ["HIBERNATION", "BRCMFMAC_USB", "USB_NET_RNDIS_WLAN", *(f"WLAN_VENDOR_{name}" for name in RADIOS)]
    for name in off:
        if asked.get(name) != "n":
            yield f"{FRAGMENT} does not switch {name} off"
    for path in sorted((root / "board/rootfs/usr/lib/modprobe.d").glob("*.conf")):
        for module in re.findall(r"^options (\S+)", path.read_text(), re.MULTILINE):
            if module in NOT_MODULES:
                yield f"{path.name} has options for {module}, which is no module; they belong into cmdline.txt"
    cmdline = (root / "board/boot/cmdline.txt").read_text().split()
    for word in ("noresume", "usbcore.autosuspend=-1"):
        if word not in cmdline:
            yield f"cmdline.txt lacks {word}"
    distro = (root / "meta-picam/conf/distro/picam.conf").read_text()
    for line in ('KERNEL_IMAGETYPE_DIRECT = "Image.gz"', 'DISABLE_VC4GRAPHICS = "1"'):
        if line not in distro:
            yield f"conf/distro/picam.conf lacks {line}"
    layers = os.environ.get("PICAM_LAYERS")
    if not layers:
        skip("PICAM_LAYERS is not set: the kernel's options were not compared", "scripts/check-layer --help")
        return
    yield from over_raspberrypi(asked, pathlib.Path(layers))
    yield from metadata_by_https(distro, pathlib.Path(layers))


def read(path):
    """Options of a fragment, without CONFIG_."""
    text = path.read_text()
    found = dict(re.findall(r"^CONFIG_(\w+)=(\S+)", text, re.MULTILINE))
    return found | dict.fromkeys(re.findall(r"^# CONFIG_(\w+) is not set", text, re.MULTILINE), "n")


def over_raspberrypi(asked, layers):
    """No fragment of meta-raspberrypi that is always there names a partition of the card, unless ours undoes it."""
    for path in sorted((layers / FRAGMENTS_OF_RASPBERRYPI).glob("*.cfg")):
        for name, value in read(path).items():
            if "mmcblk" in value and not (name == "PM_STD_PARTITION" and asked.get("HIBERNATION") == "n"):
                yield f"{path.name} of meta-raspberrypi has {name}={value}"


def metadata_by_https(distro, layers):
    """bitbake itself asks for the kernel's metadata by https first."""
    mirrors = re.search(r'^PREMIRRORS:prepend = "(.*) "$', distro, re.MULTILINE)
    recipe = next((layers / "meta-raspberrypi/recipes-kernel/linux").glob("linux-raspberrypi_6.18.bb")).read_text()
    metadata = re.search(r"git://\S+type=kmeta\S*", recipe)[0].replace("${LINUX_RPI_KMETA_BRANCH}", "b").replace("${KMETA}", "m")
    import sys

    sys.path.insert(0, str(layers / "bitbake/lib"))
    import bb.data
    import bb.fetch2

    data = bb.data.init()
    for name, value in {"DL_DIR": "/nowhere", "PN": "linux", "SRCREV_meta": "0" * 40}.items():
        data.setVar(name, value)
    asked = bb.fetch2.FetchData(metadata, data)
    if asked.proto == "https":
        return
    rules = bb.fetch2.mirror_from_string(mirrors[1].replace("\\\\", "\\") if mirrors else "")
    _, found = bb.fetch2.build_mirroruris(asked, rules, data)
    if [mirror.proto for mirror in found] != ["https"]:
        yield f"the kernel's metadata is asked for by {asked.proto}:// alone: {metadata}"
