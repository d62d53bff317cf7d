# The users and groups that systemd-sysusers makes.
# shellcheck shell=bash disable=SC2154

[ "$sysusers_status" = 0 ] || { cat "$prepared/sysusers"; fail "sysusers.d is refused"; }
[ "$(grep -cE '^picam(-[a-z]+)?:x:80[0-6]:80[0-6]:' "$root/etc/passwd")" = 7 ] || fail "picam's seven users do not have ids 800 to 806"
grep -qxE 'picam:x:800:picam-web' "$root/etc/group" || fail "picam-web is not the one other member of group picam (800)"
