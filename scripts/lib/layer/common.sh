# What the steps of scripts/check-layer share; sourced by it.
# shellcheck shell=bash

# shellcheck source=scripts/lib/skip.sh
. scripts/lib/skip.sh

cache=${PICAM_LAYER_CACHE:-/var/tmp/picam-layer}
clones=(bitbake openembedded-core meta-openembedded meta-raspberrypi)
# kas and oelint-adv, as scripts/setup test or layer installs them, or else as they are on the PATH
tools=$cache/tools/bin
PATH=$PATH:$tools

# Of meta-openembedded's 2,100 recipes the images need a dozen, and those need jansson and catch2 with other settings
# than ours (`compat`). `parse` reads all, the other steps leave the rest
# out: each board and each setting costs a parse. A recipe that is missing here shows as "Nothing PROVIDES".
needed="catch2|chrony|dnsmasq|exfatprogs|gpsd|hostapd|jansson|libcamera|libgpiod|libnftnl|nftables|nlohmann-json|pps-tools|tcpdump|v4l2apps"
# Nothing of meta-python is left then; bitbake would warn of that.
needed_mask="/meta-openembedded/(?!.*/($needed)/) /meta-raspberrypi/dynamic-layers/(?!.*/(libcamera|libpisp)/)"

# Machines of yocto/, the first one is the default.
boards() {
    printf '%s\n' raspberrypi3-64 raspberrypi0-2w-64 raspberrypi4-64 raspberrypi5 qemuarm64
}

# Whether bitbake can be run here; says so if not.
layers_at_hand() {
    local clone
    if [ -z "${PICAM_LAYERS:-}" ]; then
        skip "PICAM_LAYERS is not set: the layer was not checked by bitbake" "scripts/check-layer --help"
        return 1
    fi
    for clone in "${clones[@]}"; do
        if [ ! -d "$PICAM_LAYERS/$clone" ]; then
            skip "$PICAM_LAYERS/$clone is missing" "scripts/check-layer --help"
            return 1
        fi
    done
    if [ "$(id -u)" = 0 ] && ! id builder >/dev/null 2>&1; then
        skip "bitbake refuses root, and there is no user builder" "scripts/setup layer"
        return 1
    fi
    if [ ! -x "$tools/kas" ]; then
        skip "kas is not in $tools" "scripts/setup layer"
        return 1
    fi
    if ! locale -a 2>/dev/null | grep -qix 'en_US.utf-\?8'; then
        skip "bitbake wants the locale en_US.UTF-8" "scripts/setup layer"
        return 1
    fi
}

# Runs a command as somebody who is not root, at low priority, in an environment with nothing of
# the caller's in it.
unprivileged() {
    local -a who=()
    [ "$(id -u)" != 0 ] || who=(setpriv --reuid builder --regid builder --init-groups)
    env -i HOME="$cache/home" USER=builder LANG=en_US.UTF-8 TERM=dumb \
        PATH="$tools:/usr/sbin:/usr/bin:/sbin:/bin" \
        GITCONFIG_FILE="$cache/home/.gitconfig" KAS_WORK_DIR="$cache/work" \
        KAS_PREMIRRORS="https://[^/]+/ file://$PICAM_LAYERS/" \
        "${who[@]}" nice "$@"
}

# prepare [all]
#
# A copy of this tree, which that user can read, and clones of the layers that share the objects of
# those in PICAM_LAYERS. Times of change stay, so that bitbake's cache holds.
prepare() {
    local clone
    mkdir -p "$cache/home" "$cache/work" "$cache/repo"
    printf '[safe]\n\tdirectory = *\n' >"$cache/home/.gitconfig"
    find "$cache/repo" -mindepth 1 -delete
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -rd '' file; do
            # A file may be deleted and not yet committed so.
            if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
        done |
        tar --create --null --files-from=- | tar --extract --directory="$cache/repo"
    git -C "$cache/repo" init --quiet
    cat >"$cache/repo/yocto/offline.yml" <<'YAML'
header:
  version: 20
local_conf_header:
  offline: |
    BB_NO_NETWORK = "1"
    CONNECTIVITY_CHECK_URIS = ""
    INHERIT_DISTRO:remove = "uninative"
YAML
    [ "${1:-}" = all ] || sed 's/^/    /' <<CONF >>"$cache/repo/yocto/offline.yml"
BBMASK = "$needed_mask"
BBFILE_PATTERN_IGNORE_EMPTY_meta-python = "1"
CONF
    if [ "$(cat "$cache/work/layers" 2>/dev/null)" != "$PICAM_LAYERS" ]; then
        for clone in "${clones[@]}"; do rm -rf "${cache:?}/work/$clone"; done
        echo "$PICAM_LAYERS" >"$cache/work/layers"
    fi
    [ "$(id -u)" != 0 ] || chown -R builder: "$cache/home" "$cache/repo" "$cache/work/layers"
    [ "$(id -u)" != 0 ] || chown builder: "$cache" "$cache/work"
    for clone in "${clones[@]}"; do
        [ -d "$cache/work/$clone" ] ||
            unprivileged git clone --quiet --shared --no-checkout "$PICAM_LAYERS/$clone" "$cache/work/$clone"
        check_pin "$clone"
    done
}

# kas would go to the network for a revision that the clone does not have.
check_pin() {
    local pin
    pin=$(sed -n "/^    $1:\$/{n;s/.*commit: //p}" yocto/picam.lock.yml)
    unprivileged git -C "$cache/work/$1" cat-file -e "$pin^{commit}" || {
        echo "$PICAM_LAYERS/$1 does not have $pin of yocto/picam.lock.yml; run: git -C $PICAM_LAYERS/$1 fetch"
        return 1
    }
}

# in_build BOARD COMMAND: a shell command in the build folder that kas sets up for a board. bitbake is not started
# by kas itself, which gives it another home each time, so that its cache of recipes would never hold.
in_build() {
    local log=$cache/bitbake.log
    unprivileged kas --log-level warning checkout "$cache/repo/yocto/$1.yml:$cache/repo/yocto/offline.yml"
    # shellcheck disable=SC2016 # for the inner shell to expand
    unprivileged bash -c '
        cd "$1/openembedded-core"
        . ./oe-init-build-env "$1/build" >/dev/null
        eval "$2"
    ' bash "$cache/work" "$2" 2>&1 | tee "$log"
    # bitbake says WARNING and goes on, and takes any of two packages of one name; here nothing is to be warned of.
    ! grep -E '^(WARNING|ERROR): |^NOTE: Multiple providers' "$log"
}
