SUMMARY = "Cameras on the ribbon cable for a dashcam's recorder"
DESCRIPTION = "One camera of libcamera in a process that can be killed without harm to the others; picam's recorder starts it"
SECTION = "multimedia"

LICENSE = "MIT | Apache-2.0"
LIC_FILES_CHKSUM = "\
    file://LICENSE-MIT;md5=9157c2e1aa55fac5588f594b7292ac70 \
    file://LICENSE-APACHE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
"

DEPENDS = "libcamera"

# The repository itself, by content, as in picam's recipe.
# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext - the sources are this repository
FILESEXTRAPATHS:prepend := "${PICAM_REPO_ROOT}:"
SRC_URI = "\
    file://LICENSE-APACHE \
    file://LICENSE-MIT \
    file://firmware/csi \
"
S = "${UNPACKDIR}"

inherit pkgconfig

EXTRA_OEMAKE = "-C ${S}/firmware/csi 'CXX=${CXX}' 'CXXFLAGS=${CXXFLAGS}' 'LDFLAGS=${LDFLAGS}' build=${B}/csi"
B = "${WORKDIR}/build"

do_compile() {
    oe_runmake
}

do_install() {
    oe_runmake install DESTDIR=${D} PREFIX=${prefix}
}
