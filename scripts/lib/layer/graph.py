"""What bitbake would build for a board, and with which settings.

    graph.py MACHINE BUILD-FOLDER CONFIG.TXT

Reads pn-buildlist (of `bitbake -g`) and picam-image.env (of `bitbake -e picam-image`). Both come out
the same if a setting has no effect, so what a typing error would do away with is asked for here.
"""

import pathlib
import re
import sys

ALWAYS = """base-files busybox chrony dnsmasq dosfstools dropbear e2fsprogs exfatprogs gpsd hostapd iw kmod libcamera
    nftables packagegroup-core-boot picam picam-board picam-boot picam-csi systemd tzdata util-linux v4l-utils wireless-regdb
    wpa-supplicant""".split()
RASPBERRY_PI = """libpisp linux-firmware-rpidistro linux-raspberrypi rpi-bootfiles rpi-cmdline
    rpi-config""".split()
QEMU = ["linux-yocto"]
NEVER = """avahi bluez5 connman ffmpeg kbd libx11 mesa modemmanager neard networkmanager nfs-utils ntp openssh
    packagegroup-base polkit pulseaudio rpcbind sysvinit userland vulkan-loader wayland weston xserver-xorg""".split()
# Those of the firmware's camera_auto_detect
CAMERAS = ["imx219", "imx296", "imx477", "imx500", "imx708", "ov5647"]


def environment(path):
    """Variables of `bitbake -e`, expanded."""
    text = path.read_text(errors="replace").replace("\\\n", " ")
    return dict(re.findall(r'^(?:export )?([A-Za-z_][\w:-]*)="(.*)"$', text, re.MULTILINE))


def check(machine, build, config):
    """What is wrong."""
    recipes = set((build / "pn-buildlist").read_text().split())
    pi = machine.startswith("raspberrypi")
    for name in ALWAYS + (RASPBERRY_PI if pi else QEMU):
        if name not in recipes:
            yield f"{name} is not built"
    for name in NEVER:
        if name in recipes:
            yield f"{name} is built, and nothing of a camera should need it"

    have = environment(build / "picam-image.env")
    expected = {
        "DISTRO": "picam",
        "IMAGE_LINK_NAME": f"picam-image-{machine}.rootfs",
        "DEPLOY_DIR_IMAGE": f"{build}/tmp/deploy/images/{machine}",
        "SYSTEMD_DEFAULT_TARGET": "picam.target",
        "COPY_LIC_MANIFEST": "1",
        "COPY_LIC_DIRS": "1",
        "DISTRO_FEATURES": "alsa ipv4 ipv6 seccomp systemd usbhost usrmerge vfat wifi zeroconf",
    }
    for name, wanted in expected.items():
        found = " ".join(have.get(name, "").split())
        if name == "DISTRO_FEATURES":
            found = " ".join(sorted(found.split()))
        if found != wanted:
            yield f"{name} is {found!r}, expected {wanted!r}"
    contained = {
        "IMAGE_FEATURES": "read-only-rootfs",
        "IMAGE_FSTYPES": "wic.xz",
        "IMAGE_BOOT_FILES": "picam-boot/*",
        "INHERIT": "create-spdx",
    }
    for name, wanted in contained.items():
        if wanted not in have.get(name, "").split():
            yield f"{name} lacks {wanted}: {have.get(name)}"
    template = pathlib.Path(have.get("WKS_TEMPLATE_PATH") or "/nowhere")
    if template.name != "picam.wks.in" or not template.exists():
        yield f"the card would be made by {template}"

    if pi:
        trees = {pathlib.PurePath(name).stem for name in have.get("KERNEL_DEVICETREE", "").split()}
        wanted = re.findall(r"^dtoverlay=([\w-]+)", config.read_text(), re.MULTILINE)
        for name in [*wanted, *CAMERAS]:
            if name not in trees:
                yield f"overlay {name} is not in KERNEL_DEVICETREE, so it will not be on the card"
        image = "kernel_2712.img" if machine == "raspberrypi5" else "kernel8.img"
        if f"Image.gz;{image}" not in have.get("IMAGE_BOOT_FILES", "").split():
            yield f"no compressed kernel on the boot partition as {image}"
        if "vc4graphics" in have.get("MACHINE_FEATURES", "").split():
            yield "the kernel has the graphics driver built in"


if __name__ == "__main__":
    problems = list(check(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])))
    print("\n".join(problems) or f"{sys.argv[1]}: recipes and settings as expected")
    sys.exit(1 if problems else 0)
