# udev's rules.
# shellcheck shell=bash disable=SC2154

# A radio that is plugged in is never the hotspot's.
grep -E '^SUBSYSTEM=="net"' "$rootfs/usr/lib/udev/rules.d/99-picam.rules" | grep -qv 'DRIVERS=="brcmfmac|' &&
    fail "99-picam.rules starts the hotspot on any radio"
# Who looks at button and LED is in this group.
grep -qx 'SUBSYSTEM=="gpio", KERNEL=="gpiochip\*", GROUP="gpio", MODE="0660"' "$rootfs/usr/lib/udev/rules.d/99-picam.rules" ||
    fail "99-picam.rules does not give the pins to group gpio"
if udevadm verify --help >/dev/null 2>&1; then
    udevadm verify "$rootfs/usr/lib/udev/rules.d/99-picam.rules" || fail "udevadm refuses 99-picam.rules"
else
    skip "this udevadm has no verify (systemd 254 or newer has)" "scripts/check-board on Debian 13"
fi
