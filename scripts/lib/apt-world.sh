# An apt with a world of its own, beside this machine's: another release or architecture, packages and sources that are
# fetched and not installed. Sourced by other scripts, in the repository's root.
# shellcheck shell=bash

# shellcheck source=scripts/lib/debian-mirror.sh
. scripts/lib/debian-mirror.sh

DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# apt_world WORLD ARCHITECTURE: makes one in the folder WORLD, with the lines of its input as sources.list. Nothing of
# this machine's is in it but the way to its mirrors. The lists still have to be fetched: apt_in WORLD apt-get update.
apt_world() {
    local world=$1 architecture=$2
    [ -r "$DEBIAN_KEYRING" ] || {
        echo "$DEBIAN_KEYRING is missing; as root: apt-get install debian-archive-keyring" >&2
        return 1
    }
    mkdir -p "$world"/{lists/partial,archives/partial,etc/parts}
    : >"$world/status"
    cat >"$world/etc/sources.list"
    cat >"$world/conf" <<CONF
Dir::State "$world";
Dir::State::status "$world/status";
Dir::State::lists "$world/lists";
Dir::Cache "$world";
Dir::Cache::archives "$world/archives";
Dir::Etc "$world/etc";
Dir::Etc::sourcelist "$world/etc/sources.list";
Dir::Etc::sourceparts "$world/etc/parts";
Dir::Etc::parts "$world/etc/parts";
Dir::Etc::preferencesparts "$world/etc/parts";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
CONF
    debian_access >>"$world/conf"
}

apt_in() { # apt_in WORLD COMMAND...
    local world=$1
    shift
    APT_CONFIG=$world/conf "$@"
}
