# Passwords and passphrases stand in /boot, what outlives a start in /state: who does not need them does not see them.
# Everything that is ours, and what of systemd's speaks with the network, is held to this list of exceptions.
# shellcheck shell=bash disable=SC2154

declare -A sees=()
while read -r name path why; do
    [ -n "$why" ] || fail "no reason why picam-$name.service sees $path"
    sees[$name]+=" $path"
done <<LIST
firstboot /boot makes passwords of what the owner wrote
firstboot /state makes the machine id and the page's key
settings /boot shows and changes the owner's settings
settings /state has the log for the support file
card /boot whether the footage shall be erased, and the copies that others read
time /state the clock's drift
guard /state how the last starts ended
journal /state the log's copy
machine-id /boot what it mounts is for everybody: no view of its own
machine-id /state lays a file of there over /etc/machine-id
LIST
for name in "${!sees[@]}"; do
    [ -e "$rootfs/usr/lib/systemd/system/picam-$name.service" ] || fail "there is no picam-$name.service to see${sees[$name]}"
done
for unit in "$rootfs"/usr/lib/systemd/system/picam-*.service "$rootfs"/usr/lib/systemd/system/systemd-networkd.service.d/*.conf; do
    name=${unit##*/}
    name=${name%.service}
    name=${name#picam-}
    used=$(grep -v '^#' "$unit")
    seen=${sees[$name]-}
    for path in /boot /state; do
        [[ " $seen " == *" $path "* ]] && continue
        grep -qE "^InaccessiblePaths=(.* )?-$path( |\$)" <<<"$used" || fail "${unit##*/systemd/system/} sees $path"
    done
    # A command with all rights (+) or a bind mount would bring it back.
    [[ " $seen " == *" /boot "* ]] || ! grep -v '^InaccessiblePaths=' <<<"$used" | grep -qE '[ =:]/boot\b' ||
        fail "${unit##*/systemd/system/} names /boot"
done
grep -q '^Options=.*uid=0,gid=0,umask=0077' "$rootfs/usr/lib/systemd/system/boot.mount" || fail "boot.mount lets others than root read picam.toml"
grep -q '^RestrictAddressFamilies=AF_UNIX AF_NETLINK$' "$rootfs/usr/lib/systemd/system/picam-firstboot.service" || fail "picam-firstboot.service has a network"
{ grep -q '^RestrictAddressFamilies=AF_UNIX$' "$rootfs/usr/lib/systemd/system/picam-settings.service" && grep -q '^PrivateNetwork=yes$' "$rootfs/usr/lib/systemd/system/picam-settings.service"; } || fail "picam-settings.service has a network"
