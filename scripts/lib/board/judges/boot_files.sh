# What the firmware and the kernel read of the boot partition.
# shellcheck shell=bash disable=SC2154

long=$(awk 'length > 80 { print FNR }' board/boot/config.txt)
[ -z "$long" ] || fail "config.txt: more than 80 characters in line(s) $long"
[ "$(wc -l <board/boot/cmdline.txt)" = 1 ] || fail "cmdline.txt must be one line"
for word in root=/dev/mmcblk0p3 rootfstype=squashfs ro rootwait cma=128M cgroup_enable=memory net.ifnames=0 noresume usbcore.autosuspend=-1; do
    tr ' ' '\n' <board/boot/cmdline.txt | grep -qx "$word" || fail "cmdline.txt: $word is missing"
done
