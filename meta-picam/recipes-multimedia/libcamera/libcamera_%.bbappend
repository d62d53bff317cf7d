# A Raspberry Pi 5's cameras: wrynose's libcamera 0.6.0 knows the nodes of Linux' own driver, and Raspberry Pi's kernel calls
# them otherwise. Without hyphens it finds none.
FILESEXTRAPATHS:prepend:distro-picam := "${THISDIR}/files:"
SRC_URI:append:distro-picam = " file://0001-rpi-pisp-names-of-the-raspberry-pi-s-kernel.patch"
