# What systemd-tmpfiles makes at every start.
# shellcheck shell=bash disable=SC2154

systemd-tmpfiles --create --root="$root" --prefix=/run/systemd/network picam.conf >"$scratch/out" 2>&1 || { cat "$scratch/out"; fail "tmpfiles.d is refused"; }
[ -d "$root/run/systemd/network" ] || fail "tmpfiles.d did not make /run/systemd/network"
