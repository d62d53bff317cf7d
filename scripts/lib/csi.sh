# libcamera without a camera: a Debian of its own in the cache, in which picam-csi is built and runs with libcamera's imitated
# cameras (pipeline "virtual"). Sourced by other scripts, in the repository's root.
# shellcheck shell=bash

# shellcheck source=scripts/lib/debian.sh
. scripts/lib/debian.sh

# Debian 13's libcamera 0.4 stamps imitated pictures with rubbish; the release after it has 0.7.
CSI_SUITE=forky
CSI_PACKAGES=g++,make,pkg-config,libcamera-dev,libcamera-ipa

csi_root() {
    echo "$(picam_cache)/csi/root"
}

# csi_lock, csi_unlock: around all that changes the root.
csi_lock() {
    mkdir -p "$(picam_cache)/csi"
    exec 8>"$(picam_cache)/csi/lock"
    flock 8
}
csi_unlock() { exec 8>&-; }

csi_fetched() {
    [ "$(cat "$(csi_root)/.wanted" 2>/dev/null)" = "$CSI_SUITE $CSI_PACKAGES" ]
}

# csi_fetch: the root; two minutes and 800 MB.
csi_fetch() {
    local root tool
    root=$(csi_root)
    ! csi_fetched || return 0
    for tool in mmdebstrap flock; do
        command -v $tool >/dev/null || {
            echo "$tool is missing; run: scripts/setup test" >&2
            return 1
        }
    done
    local -a options=() lines=()
    mapfile -t options < <(debian_access | sed 's/^/--aptopt=/')
    # A mirror that stands still (of a closed network, say) has a testing release that is past its date; signatures still count.
    options+=(--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"')
    mapfile -t lines < <(debian_sources "$CSI_SUITE" deb "[signed-by=$DEBIAN_KEYRING]" | head -n 1)
    echo "fetching from Debian $CSI_SUITE: $CSI_PACKAGES"
    rm -rf "$root.new"
    mmdebstrap --quiet --variant=minbase --include="$CSI_PACKAGES" "${options[@]}" --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' "$CSI_SUITE" "$root.new" "${lines[@]}" >"$root.log" 2>&1 || {
        tail -n 5 "$root.log" >&2
        rm -rf "$root.new"
        return 1
    }
    mkdir -p "$root.new/picam-csi"
    echo "$CSI_SUITE $CSI_PACKAGES" >"$root.new/.wanted"
    rm -rf "$root"
    mv "$root.new" "$root"
}

# csi_inside COMMAND...: in the root; as root of this machine, or of a namespace of one's own.
csi_inside() {
    local -a as_root=(chroot)
    [ "$(id -u)" = 0 ] || as_root=(unshare --map-root-user chroot)
    "${as_root[@]}" "$(csi_root)" /usr/bin/env -i PATH=/usr/bin:/usr/sbin "$@"
}

# csi_program: builds picam-csi of these sources in the root, and prints the path of a program that runs it there.
csi_program() {
    local root made program
    root=$(csi_root)
    made=$root/picam-csi
    program=$(picam_cache)/csi/picam-csi
    cp -p firmware/csi/*.cpp firmware/csi/*.hpp firmware/csi/Makefile tests/csi/udmabuf.c "$made/"
    mkdir -p "$made/tests" "$root/usr/share/libcamera/pipeline/virtual"
    cp -p firmware/csi/tests/*.cpp "$made/tests/"
    cp -p tests/csi/virtual.yaml "$root/usr/share/libcamera/pipeline/virtual/"
    csi_inside make -s -j2 -C /picam-csi WERROR=-Werror build/picam-csi >&2 &&
        csi_inside gcc -shared -fPIC -O2 -Wall -Wextra -Werror -o /picam-csi/udmabuf.so /picam-csi/udmabuf.c >&2 || return 1
    # Whoever runs it already goes on with the old one.
    cat >"$program.new" <<PROGRAM
#!/bin/sh
root=$(printf %q "$root")
set -- "\$root" /usr/bin/env -i PATH=/usr/bin LD_PRELOAD=/picam-csi/udmabuf.so LIBCAMERA_PIPELINES_MATCH_LIST=virtual \\
    /picam-csi/build/picam-csi "\$@"
[ "\$(id -u)" != 0 ] || exec chroot "\$@"
exec unshare --map-root-user chroot "\$@"
PROGRAM
    chmod 755 "$program.new"
    mv "$program.new" "$program"
    echo "$program"
}
