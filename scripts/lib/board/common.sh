# What the judges of scripts/check-board share; sourced by it. Each judge runs in a shell of its own with set -e, with
# the board's files in $rootfs, a root of them in $root ($prepared/root), and a folder of its own, $scratch.
# shellcheck shell=bash disable=SC2034,SC2154

rootfs=board/rootfs
# Where programs are that a judge fetched, and those that are not found in a user's PATH.
tools=${CARGO_TARGET_DIR:-target}/board-tools
PATH=$PATH:/usr/sbin:/sbin:$tools/usr/sbin

status=0
fail() { # fail MESSAGE
    echo "board: $1"
    status=1
}

have() { # have PROGRAM PACKAGE: whether it is there
    command -v "$1" >/dev/null && return
    skip "$1 is not installed" "apt-get install $2"
    return 1
}

# apart NAMESPACES COMMAND...: runs it as root in namespaces of its own, such as net,mount
apart() {
    local -a namespaces
    read -ra namespaces <<<"--${1//,/ --}"
    [ "$(id -u)" = 0 ] || namespaces+=(--user --map-root-user)
    shift
    unshare "${namespaces[@]}" "$@"
}
