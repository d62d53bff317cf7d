# With distribution picam the camera's own cmdline.txt is used as it is.
FILESEXTRAPATHS:prepend:distro-picam := "${PICAM_REPO_ROOT}:"
SRC_URI:append:distro-picam = " file://board/boot/cmdline.txt"

do_compile:append:distro-picam() {
    install -m 0644 ${UNPACKDIR}/board/boot/cmdline.txt ${WORKDIR}/cmdline.txt
}
