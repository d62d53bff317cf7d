# What the judges of scripts/check-board look at, made once for all; sourced by it.
# shellcheck shell=bash disable=SC2034,SC2154

# shellcheck source=scripts/lib/busybox.sh
. scripts/lib/busybox.sh

# This machine's units with the device's over them, something executable for each program they start, and the users.
prepare_root() {
    root=$prepared/root
    mkdir -p "$root"/usr/{lib,bin} "$root/etc"
    cp -a /usr/lib/systemd "$root/usr/lib/"
    cp -a "$rootfs/." "$root/"
    ln -s usr/lib usr/bin "$root/"
    ln -s usr/bin "$root/sbin"
    ln -s bin "$root/usr/sbin"
    local program
    for program in picam $(sed -nE 's/^Exec[A-Za-z]*=[-+!@:]*([^ /]+).*/\1/p' "$rootfs"/usr/lib/systemd/system/*.service | sort -u); do
        printf '#!/bin/sh\n' >"$root/usr/bin/$program"
        chmod 755 "$root/usr/bin/$program"
    done
    # Not on every machine, and only looked at for being there.
    [ -e "$root/usr/lib/systemd/systemd-resolved" ] ||
        install -m 755 /dev/stdin "$root/usr/lib/systemd/systemd-resolved" <<<'#!/bin/sh'
    printf 'root:x:0:0::/root:/bin/sh\nsystemd-resolve:x:990:990::/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nsystemd-resolve:x:990:\nsystemd-journal:x:991:\n' >"$root/etc/group"
    sysusers_status=0
    systemd-sysusers --root="$root" >"$prepared/sysusers" 2>&1 || sysusers_status=$?
}

# The image's busybox by its own options. Without it (no network, no sources of Debian's) this machine's programs take
# its place, and much is not shown.
prepare_busybox() {
    applets=$prepared/applets
    mkdir "$applets"
    local applet
    if busybox=$(busybox_built); then
        for applet in $("$busybox" --list); do ln -s "$busybox" "$applets/$applet"; done
    else
        skip "the image's busybox cannot be built: the device's scripts run with this machine's programs" "scripts/check-board, with a network"
        busybox=
    fi
}
