# Runs the device's scripts with the device's programs: the image's busybox, and what else the scripts call. Sourced by
# the judges of those scripts.
# shellcheck shell=bash disable=SC2154

# What comes before busybox's applets.
device=$scratch/device
mkdir "$device" "$scratch/run" "$scratch/answers"
for program in e2fsck mkfs.ext4; do
    ln -s "$(command -v $program)" "$device/$program"
done
# These note what they are asked; nothing more of them can be had here.
for program in chronyc gpsd iw journalctl nft picam systemctl; do
    install -m 755 /dev/stdin "$device/$program" <<NOTE
#!/bin/sh
echo "$program \$*" >>$scratch/asked
[ ! -x $scratch/answers/$program ] || exec $scratch/answers/$program "\$@"
NOTE
done

answer() { # answer PROGRAM: its standard input is what that program does from now on
    install -m 755 /dev/stdin "$scratch/answers/$1"
}

# on_device [VARIABLE=VALUE...] SCRIPT [ARGUMENT...]: runs a script of libexec with the device's shell and programs
on_device() {
    local -a variables=("E2FSCK_CONFIG=$PWD/$rootfs/etc/e2fsck.conf")
    while [[ $1 == *=* ]]; do
        variables+=("$1")
        shift
    done
    local script=$rootfs/usr/libexec/picam/$1
    shift
    if [ -n "$busybox" ]; then
        env -i PATH="$device:$applets" "${variables[@]}" "$busybox" sh "$script" "$@"
    else
        env PATH="$device:$PATH" "${variables[@]}" sh "$script" "$@"
    fi
}

asked() { # asked WHAT WANTED: what the noting programs were asked since the last time
    diff <(echo "$2") "$scratch/asked" >"$scratch/out" || { cat "$scratch/out"; fail "$1"; }
    rm -f "$scratch/asked"
}
