# What units call of busybox themselves, as they call it. (Owners need root, and users who are not here.)
# shellcheck shell=bash disable=SC2154

[ -n "$busybox" ] || return 0
{
    "$busybox" install -d -m 0700 "$scratch/units/chrony"
    "$busybox" install -m 0600 /dev/null "$scratch/units/leases"
} || fail "busybox's install does not make what units want"
[ "$(stat -c '%a %F' "$scratch/units/chrony" "$scratch/units/leases" | tr '\n' ,)" = "700 directory,600 regular empty file," ] ||
    fail "busybox's install does not set the modes that units want"
