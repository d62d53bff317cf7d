SUMMARY = "A dashcam's recorder, page, hotspot and first boot in one program"
DESCRIPTION = "Records cameras such that every file is a valid MP4 at every instant, and shows them"
SECTION = "multimedia"

# picam's own sources are under either licence; the others are of crates that are linked in.
# scripts/check-layer compares this with what each of them says.
LICENSE = "(MIT | Apache-2.0) & MIT & Apache-2.0 & BSD-2-Clause & BSD-3-Clause & MPL-2.0 & IJG & OFL-1.1"
# openh264 is linked in, built from source, which Cisco's patent licence does not cover: docs/licences.md.
LICENSE_FLAGS = "commercial"
LIC_FILES_CHKSUM = "\
    file://LICENSE-MIT;md5=9157c2e1aa55fac5588f594b7292ac70 \
    file://LICENSE-APACHE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://firmware/capture/src/overlay/LICENSE-OFL;md5=9b76a7dc81a70975190b161abfaadefe \
    file://${@picam_crate('openh264-sys2', d)}/upstream/LICENSE;md5=13137733874892e926e19d2f4f8cf17e \
    file://${@picam_crate('jpeg-encoder', d)}/LICENSE-IJG;md5=958fa2aa0476ff043cbb268770d240c0 \
    file://${@picam_crate('matchit', d)}/LICENSE.httprouter;md5=f85688063699957f6fa44fa2caacd4a1 \
    file://${@picam_crate('subtle', d)}/LICENSE;md5=cff47234d8cf608834b44ad9405e5493 \
"

# Microphones.
DEPENDS = "alsa-lib"

# The repository itself, by content: no git state is needed, and an unchanged tree is not rebuilt.
# tests/ is part of the workspace, so cargo wants to see it.
# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext - the sources are this repository
FILESEXTRAPATHS:prepend := "${PICAM_REPO_ROOT}:"
SRC_URI = "\
    file://Cargo.toml \
    file://Cargo.lock \
    file://LICENSE-APACHE \
    file://LICENSE-MIT \
    file://firmware \
    file://tests \
"
S = "${UNPACKDIR}"

inherit cargo pkgconfig

# Made from Cargo.lock by scripts/update-crates; scripts/test fails if the two differ.
require ${BPN}-crates.inc

CARGO_BUILD_FLAGS += "--package picam"

# Cargo.toml strips debug information for those who build by hand; here it goes to picam-dbg.
export CARGO_PROFILE_RELEASE_STRIP = "none"
export CARGO_PROFILE_RELEASE_DEBUG = "line-tables-only"

# As .cargo/config.toml, which is not among the sources here: the few functions that C++ itself needs are linked in.
export CXXSTDLIB = "supc++"

def picam_crate(name, d):
    """The folder of a crate in S, whatever version Cargo.lock asks for."""
    for uri in (d.getVar('SRC_URI') or '').split():
        if uri.startswith('crate://crates.io/%s/' % name):
            return 'cargo_home/bitbake/%s-%s' % (name, uri.split(';')[0].rsplit('/', 1)[1])
    return 'no-crate-%s-in-Cargo.lock' % name
