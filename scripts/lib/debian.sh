# Packages of Debian 13 for amd64, unpacked beside the system: nothing is installed, and no rights are needed.
# Sourced by other scripts, in the repository's root. It keeps an apt with a world of its own in the cache, as
# tests/board/assemble does.
# shellcheck shell=bash

# shellcheck source=scripts/lib/debian-mirror.sh
. scripts/lib/debian-mirror.sh

picam_cache() {
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/picam"
}

# apt with a world of its own: another release, nothing of this machine's but its mirrors and the way to them.
debian_apt() {
    APT_CONFIG=$(picam_cache)/apt/conf "$@"
}

debian_world() {
    local world keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    world=$(picam_cache)/apt
    [ -r "$keyring" ] || {
        echo "$keyring is missing; as root: apt-get install debian-archive-keyring" >&2
        return 1
    }
    mkdir -p "$world"/{lists/partial,archives/partial,etc/parts}
    : >"$world/status"
    {
        debian_sources trixie deb "[signed-by=$keyring]"
        debian_sources trixie deb-src "[signed-by=$keyring]"
    } >"$world/etc/sources.list"
    cat >"$world/conf" <<CONF
Dir::State "$world";
Dir::State::status "$world/status";
Dir::Cache "$world";
Dir::Cache::archives "$world/archives";
Dir::Etc "$world/etc";
Dir::Etc::sourceparts "$world/etc/parts";
Dir::Etc::parts "$world/etc/parts";
Dir::Etc::preferencesparts "$world/etc/parts";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
CONF
    debian_access >>"$world/conf"
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
