FILESEXTRAPATHS:prepend:distro-picam := "${THISDIR}/files:"
SRC_URI:append:distro-picam = " file://picam.cfg"
