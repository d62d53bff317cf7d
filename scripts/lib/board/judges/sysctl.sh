# The kernel's settings.
# shellcheck shell=bash disable=SC2154

grep -vE '^(#|$)' "$rootfs/usr/lib/sysctl.d/60-picam.conf" >"$scratch/sysctl"
if grep -vE '^-?[a-z0-9_.]+ = [0-9]+$' "$scratch/sysctl"; then fail "60-picam.conf: these lines are no settings"; fi
key=$(sed 's/^-//; s/ = .*//' "$scratch/sysctl" | sort | uniq -d)
[ -z "$key" ] || fail "60-picam.conf sets $key twice"
