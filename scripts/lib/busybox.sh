# The image's busybox for this machine: its source as Debian keeps it, openembedded-core's and picam's options.
# Sourced by other scripts, in the repository's root.
# shellcheck shell=bash

# shellcheck source=scripts/lib/debian.sh
. scripts/lib/debian.sh

# What openembedded-core's recipe has as tarball.sha256sum
BUSYBOX=1.37.0
BUSYBOX_SHA256=3311dff32e746499f4df0d5df04d7eb396382d7e108bb9250e7b519b837043a4

# busybox_built: the path of the program; it is built if it is not there yet, in a minute or two. Fails without a
# network, sources of Debian or a compiler.
busybox_built() {
    local kept tarball source
    kept=$(picam_cache)/busybox
    source=$kept/busybox-$BUSYBOX
    # Of whatever decides what comes out
    local key
    key=$(cat scripts/lib/busybox.sh scripts/lib/busybox.py scripts/lib/layer/busybox.options meta-picam/recipes-core/busybox/files/*.cfg | sha256sum | cut -c 1-16)
    if [ -x "$kept/busybox-$key" ]; then
        echo "$kept/busybox-$key"
        return
    fi
    mkdir -p "$kept"
    tarball=$kept/busybox_$BUSYBOX.orig.tar.bz2
    if ! busybox_is_it "$tarball"; then
        debian_world >&2 || return 1
        (cd "$kept" && debian_apt apt-get source -qq --download-only --tar-only busybox) >&2 || return 1
        busybox_is_it "$tarball" || {
            echo "Debian's busybox is not the image's ($BUSYBOX, ${BUSYBOX_SHA256:0:12}...)" >&2
            return 1
        }
    fi
    rm -rf "$source"
    tar -xf "$tarball" -C "$kept" || return 1
    {
        PYTHONDONTWRITEBYTECODE=1 python3 scripts/lib/busybox.py configure "$source" &&
            make -s -C "$source" -j"$(nproc)" SKIP_STRIP=y busybox
    } >"$kept/log" 2>&1 || {
        tail -n 20 "$kept/log" >&2
        return 1
    }
    rm -f "$kept"/busybox-????????????????
    mv "$source/busybox" "$kept/busybox-$key"
    echo "$kept/busybox-$key"
}

busybox_is_it() {
    [ -r "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$BUSYBOX_SHA256" ]
}
