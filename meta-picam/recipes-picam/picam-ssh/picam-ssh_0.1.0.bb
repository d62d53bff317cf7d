SUMMARY = "SSH through the camera's firewall"
DESCRIPTION = "A drop-in for picam-firewall.service, for images of developers"
SECTION = "base"
LICENSE = "MIT | Apache-2.0"
LIC_FILES_CHKSUM = "\
    file://LICENSE-MIT;md5=9157c2e1aa55fac5588f594b7292ac70 \
    file://LICENSE-APACHE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
"

# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext - the licences are this repository's
FILESEXTRAPATHS:prepend := "${PICAM_REPO_ROOT}:"
SRC_URI = "\
    file://LICENSE-APACHE \
    file://LICENSE-MIT \
    file://ssh.conf \
"
S = "${UNPACKDIR}"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -D -m 0644 ${S}/ssh.conf ${D}${systemd_system_unitdir}/picam-firewall.service.d/ssh.conf
}

FILES:${PN} += "${systemd_system_unitdir}"
RDEPENDS:${PN} = "dropbear picam-board"
