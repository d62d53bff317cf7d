# With distribution picam the camera's own config.txt is used as it is, and not assembled from
# variables: the emulated board boots from the same file.
FILESEXTRAPATHS:prepend:distro-picam := "${PICAM_REPO_ROOT}:"
SRC_URI:append:distro-picam = " file://board/boot/config.txt"

do_deploy:append:distro-picam() {
    install -m 0644 ${UNPACKDIR}/board/boot/config.txt ${DEPLOYDIR}/${BOOTFILES_DIR_NAME}/config.txt
}
