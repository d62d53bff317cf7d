# The firewall's rules, as nft judges and loads them.
# shellcheck shell=bash disable=SC2154

have nft nftables && have unshare util-linux || return 0
apart net true 2>/dev/null || { skip "no network namespace can be made here" "as root: scripts/check-board"; return 0; }
apart net nft -c -f "$rootfs/usr/share/picam/nftables.conf" || fail "nft refuses nftables.conf"
# Loading it again, as a restart does, replaces it; libexec/picam/radio's line fits the set.
# shellcheck disable=SC2016 # $0 is the inner shell's
apart net sh -ec 'nft -f "$0"; nft -f "$0"; nft add element inet picam hotspot "{ \"ap0\" }"; nft list ruleset' \
    "$rootfs/usr/share/picam/nftables.conf" >"$scratch/out" || fail "nftables.conf cannot be loaded twice"
[ "$(grep -c 'hook input' "$scratch/out")" = 1 ] || fail "loading nftables.conf twice leaves two rule sets"
[ "$(grep -c 'policy drop' "$scratch/out")" = 2 ] || fail "nftables.conf does not drop input and forwarding by default"
