# The device's scripts, by shellcheck.
# shellcheck shell=bash disable=SC2154

have shellcheck shellcheck || return 0
shellcheck "$rootfs"/usr/libexec/picam/* || fail "shellcheck complains about the device's scripts"
