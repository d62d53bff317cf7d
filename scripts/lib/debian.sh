# Packages of Debian 13 for amd64, unpacked beside the system: nothing is installed, and no rights are needed.
# Sourced by other scripts, in the repository's root.
# shellcheck shell=bash

# shellcheck source=scripts/lib/apt-world.sh
. scripts/lib/apt-world.sh

picam_cache() {
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/picam"
}

debian_apt() { # debian_apt COMMAND...: with the apt of that Debian
    apt_in "$(picam_cache)/apt" "$@"
}

debian_world() {
    local world
    world=$(picam_cache)/apt
    {
        debian_sources trixie deb "[signed-by=$DEBIAN_KEYRING]"
        debian_sources trixie deb-src "[signed-by=$DEBIAN_KEYRING]"
    } | apt_world "$world" amd64 || return 1
    # Once a week, and for another mirror.
    if [ -z "$(find "$world/etc/sources.kept" -mtime -7 -print -quit 2>/dev/null)" ] ||
        ! cmp -s "$world/etc/sources.list" "$world/etc/sources.kept"; then
        debian_apt apt-get update -qq || return 1
        cp "$world/etc/sources.list" "$world/etc/sources.kept"
    fi
}

# debian_tree DIRECTORY [--alone] PACKAGE...: unpacks packages into DIRECTORY, and all that they need unless they
# are wanted alone. Does nothing if DIRECTORY holds them already.
debian_tree() {
    local tree=$1 archives alone=false list
    shift
    if [ "$1" = --alone ]; then
        alone=true
        shift
    fi
    [ "$(cat "$tree/.wanted" 2>/dev/null)" != "$*" ] || return 0
    debian_world || return 1
    archives=$(picam_cache)/apt/archives
    echo "fetching from Debian 13: $*"
    # What is there stays until all of the new is.
    rm -rf "$archives" "$tree.new"
    mkdir -p "$archives/partial" "$tree.new"
    if $alone; then
        (cd "$archives" && debian_apt apt-get download -qq "$@") || return 1
    else
        debian_apt apt-get install -y -qq --download-only "$@" >/dev/null || return 1
    fi
    # base-files brings the links /bin, /lib and /sbin that the others' files go through.
    list=$(cd "$archives" && ls base-files_*.deb ./*.deb 2>/dev/null)
    local package
    for package in $list; do
        dpkg-deb --fsys-tarfile "$archives/$package" |
            tar -x -C "$tree.new" --keep-directory-symlink --no-same-owner --exclude='./usr/share/doc' \
                --exclude='./usr/share/man' --exclude='./usr/share/locale' --exclude='./usr/share/icons' \
                --exclude='./usr/lib/modules/*/kernel/drivers/gpu' --exclude='./usr/lib/modules/*/kernel/drivers/net' || return 1
    done
    echo "$*" >"$tree.new/.wanted"
    rm -rf "$archives" "$tree"
    mv "$tree.new" "$tree"
}
