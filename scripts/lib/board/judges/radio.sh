# The radio is switched on, in a network of its own, with a /run and a wlan0 of its own.
# shellcheck shell=bash disable=SC2154

# shellcheck source=scripts/lib/board/device.sh
. scripts/lib/board/device.sh

have ip iproute2 && have unshare util-linux || return 0
apart net,mount sh -c 'mount -t tmpfs none /run && ip link add wlan0 type veth peer name air' 2>/dev/null || { skip "no network namespace with a pair of interfaces can be made here" "as root: scripts/check-board"; return 0; }
export -f on_device
export rootfs device applets busybox
ip=$(command -v ip)
# shellcheck disable=SC2016 # for the inner shell
apart net,mount bash -euc '
    mount -t tmpfs none /run
    mkdir /run/picam-hotspot
    "$0" link add wlan0 type veth peer name air
    on_device radio wake
    "$0" -br link show wlan0
    : >/run/picam-hotspot/hotspot.env
    on_device radio up
    printf "RADIO=wlan0\nCOUNTRY=DE\nAP_INTERFACE=ap0\nAP_MAC=02:00:00:00:00:01\n" >/run/picam-hotspot/hotspot.env
    on_device radio up
' "$ip" >"$scratch/links.up" || fail "radio fails"
grep -Eq "^wlan0.*[<,]UP[,>]" "$scratch/links.up" || fail "radio wake does not switch wlan0 on"
asked "radio up does not do what is asked of it" 'iw reg set DE
iw dev wlan0 set power_save off
iw dev wlan0 interface add ap0 type __ap addr 02:00:00:00:00:01
nft add element inet picam hotspot { "ap0" }'
on_device radio switch || fail "radio switch fails"
answer systemctl <<'NOT_ACTIVE'
#!/bin/sh
[ "$2" != is-active ]
NOT_ACTIVE
on_device radio switch || fail "radio switch fails where there is no hotspot"
asked "radio switch does not switch the hotspot off and on" 'systemctl --quiet is-active picam-hostapd.service
systemctl stop picam-hostapd.service picam-dnsmasq.service
systemctl --quiet is-active picam-hostapd.service
systemctl start picam-hostapd.service picam-dnsmasq.service'
