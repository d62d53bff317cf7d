# What virtual machines for tests are made of, kept in the cache: QEMU, busybox and the kernel of Debian 13 for amd64
# (tests/guest/src/kit.rs finds them). Sourced by other scripts, in the repository's root.
# shellcheck shell=bash

# shellcheck source=scripts/lib/debian.sh
. scripts/lib/debian.sh

guest_cache() {
    echo "$(picam_cache)/power-lab"
}

# guest_lock, guest_unlock: around all fetching, for it shares an apt.
guest_lock() {
    [ "$(uname -m)" = x86_64 ] || {
        echo "the guest runs this machine's picam, and is an x86-64 PC" >&2
        return 1
    }
    local tool
    for tool in apt-get dpkg-deb flock tar xz; do
        command -v $tool >/dev/null || {
            echo "$tool is missing" >&2
            return 1
        }
    done
    mkdir -p "$(guest_cache)"
    exec 9>"$(guest_cache)/lock"
    flock 9
}
guest_unlock() { exec 9>&-; }

# guest_kernel: the version of the kernel that was unpacked, such as 6.12.57+deb13-amd64.
guest_kernel() {
    basename "$(guest_cache)"/kernel/usr/lib/modules/*
}

# guest_kit: QEMU, busybox and the newest kernel with its modules.
guest_kit() {
    local at kernel
    at=$(guest_cache)
    debian_tree "$at/qemu" qemu-system-x86 || return 1
    debian_tree "$at/busybox" --alone busybox-static || return 1
    # Cameras' drivers were left out once.
    if ! [ -e "$at/kernel/.wanted" ] || ! [ -e "$at/kernel/usr/lib/modules/$(guest_kernel)/kernel/drivers/media" ]; then
        debian_world || return 1
        # The package of that name only names the newest one.
        kernel=$(debian_apt apt-cache depends linux-image-amd64 | sed -n 's/^  Depends: //p' | head -n 1)
        [ -n "$kernel" ] || return 1
        rm -rf "$at/kernel"
        debian_tree "$at/kernel" --alone "$kernel" || return 1
    fi
}

# guest_codec: v4l2-mem2mem.ko and vicodec.ko for that kernel in the cache, which Debian does not build: from the
# kernel's source, with the compiler of Debian 13 in a root of its own. Under a minute, and 600 MB while it lasts.
guest_codec() {
    local at kernel series version made root
    at=$(guest_cache)
    kernel=$(guest_kernel)
    made=$at/codec/$kernel
    [ ! -e "$made/.made" ] || return 0
    root=$at/kbuild
    debian_tree "$root" base-files dash coreutils sed grep mawk findutils make "linux-headers-$kernel" || return 1
    # What the packages' own scripts would have done
    ln -sf mawk "$root/usr/bin/awk"
    # Not every mirror keeps the newest source; these two modules hardly change within a series.
    series=$(cut -d . -f 1,2 <<<"$kernel")
    rm -rf "$root/source" "$root/codec"
    mkdir -p "$root/source" "$root/codec" "$root/dev" "$root/tmp"
    for version in $(debian_apt apt-cache madison "linux-source-$series" | cut -d '|' -f 2 | uniq | head -n 5); do
        (cd "$root/source" && debian_apt apt-get download -qq "linux-source-$series=$version" 2>/dev/null) && break
    done
    dpkg-deb --fsys-tarfile "$root/source"/linux-source-*.deb | tar -x -O "./usr/src/linux-source-$series.tar.xz" |
        tar -x -J -C "$root/codec" --strip-components=3 --wildcards '*/drivers/media/test-drivers/vicodec' \
            '*/drivers/media/v4l2-core/v4l2-mem2mem.c' || return 1
    guest_codec_sources "$root/codec" || return 1
    # As root, or as one in a namespace of one's own.
    local -a as_root=()
    [ "$(id -u)" = 0 ] || as_root=(--map-root-user)
    # shellcheck disable=SC2016
    unshare "${as_root[@]}" --mount sh -c '
        touch "$1/dev/null" && mount --bind /dev/null "$1/dev/null" &&
            exec chroot "$1" /usr/bin/env -i PATH=/usr/bin:/usr/sbin make -s -j2 -C "/usr/src/linux-headers-$2" M=/codec modules' \
        sh "$root" "$kernel" >"$at/codec.log" 2>&1 || {
        tail -n 20 "$at/codec.log" >&2
        return 1
    }
    rm -rf "$at/codec"
    mkdir -p "$made"
    cp "$root"/codec/m2m/v4l2-mem2mem.ko "$root"/codec/vicodec/vicodec.ko "$made/"
    touch "$made/.made"
    rm -rf "$root"
}

# Makes the kernel's files a tree of modules of their own.
guest_codec_sources() {
    mkdir -p "$1/m2m" "$1/vicodec"
    mv "$1/v4l2-core/v4l2-mem2mem.c" "$1/m2m/"
    mv "$1/test-drivers/vicodec"/*.[ch] "$1/vicodec/"
    echo 'obj-m += m2m/ vicodec/' >"$1/Kbuild"
    echo 'obj-m += v4l2-mem2mem.o' >"$1/m2m/Kbuild"
    printf '%s\n' 'vicodec-objs := vicodec-core.o codec-fwht.o codec-v4l2-fwht.o' 'obj-m += vicodec.o' >"$1/vicodec/Kbuild"
    # Small pictures, that an hour of them takes a minute and a half in emulation.
    sed -i -E 's/^(#define MIN_WIDTH\s+).*/\164U/; s/^(#define MIN_HEIGHT\s+).*/\148U/' "$1/vicodec/vicodec-core.c"
    grep -qE '^#define MIN_WIDTH\s+64U' "$1/vicodec/vicodec-core.c"
}
