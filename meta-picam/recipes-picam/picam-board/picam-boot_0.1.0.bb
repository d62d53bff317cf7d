SUMMARY = "picam.toml, config.txt and cmdline.txt"
DESCRIPTION = "Every file of board/boot, for the FAT partition of the card"

require picam-board.inc

SRC_URI += "file://board/boot"

inherit deploy nopackages

# DEPLOY_DIR_IMAGE is the machine's.
PACKAGE_ARCH = "${MACHINE_ARCH}"
INHIBIT_DEFAULT_DEPS = "1"

do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install[noexec] = "1"

do_deploy() {
    install -d ${DEPLOYDIR}/picam-boot
    install -m 0644 ${S}/board/boot/* ${DEPLOYDIR}/picam-boot/
}
addtask deploy after do_unpack before do_build
