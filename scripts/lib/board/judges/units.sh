# The units, as systemd judges them, and the order of their starts.
# shellcheck shell=bash disable=SC2154

for unit in "$rootfs"/usr/lib/systemd/system/*.*; do
    [ -f "$unit" ] || continue
    name=${unit##*/}
    # Silent about a good unit.
    systemd-analyze verify --root="$root" "$name" >"$scratch/out" 2>&1 || fail "$name is refused"
    [ ! -s "$scratch/out" ] || { cat "$scratch/out"; fail "$name: systemd-analyze verify complains"; }
done
# Whatever picam.target names is there.
while read -r name; do
    [ -e "$root/usr/lib/systemd/system/$name" ] || fail "picam.target wants $name, which does not exist"
done < <(sed -n 's/^Wants=//p' "$rootfs/usr/lib/systemd/system/picam.target" | tr ' ' '\n')
# The recorder comes first: everything of the network is ordered after it, or after what is.
for name in firewall hotspot names time gps web anchor guard; do
    grep -qE '^After=.*picam-record.service' "$rootfs/usr/lib/systemd/system/picam-$name.service" ||
        fail "picam-$name.service is not ordered after picam-record.service"
done
grep -qE '^After=.*picam-record.service' "$rootfs/usr/lib/systemd/system/picam-web.socket" ||
    fail "picam-web.socket is not ordered after picam-record.service"
# systemd-networkd waits for network-pre.target, and that for the firewall.
grep -qE '^Before=.*network-pre.target' "$rootfs/usr/lib/systemd/system/picam-firewall.service" ||
    fail "picam-firewall.service is not ordered before network-pre.target"
# The kernels have no scheduler that heeds it (BFQ); what they do heed is IOSchedulingClass=.
! grep -rn '^IOWeight=' "$rootfs/usr/lib/systemd" || fail "IOWeight= does nothing on the device"
