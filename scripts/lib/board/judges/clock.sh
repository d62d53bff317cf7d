# The configuration of chrony, as chronyd judges it.
# shellcheck shell=bash disable=SC2154

# Without its service, which would take over the clock of this machine.
fetch_chronyd() {
    command -v chronyd >/dev/null && return
    command -v apt-get >/dev/null || return 0
    mkdir -p "$tools"
    (cd "$tools" && apt-get download -q chrony && dpkg-deb -x chrony_*.deb .) >"$scratch/apt" 2>&1 ||
        cat "$scratch/apt" >&2
}

fetch_chronyd
have chronyd chrony || return 0
chronyd -p -f "$rootfs/usr/share/picam/chrony.conf" >"$scratch/out" 2>&1 || { cat "$scratch/out"; fail "chronyd refuses chrony.conf"; }
for line in 'port 0' 'cmdport 0'; do
    grep -qx "$line" "$rootfs/usr/share/picam/chrony.conf" || fail "chrony.conf opens a port: no line '$line'"
done
