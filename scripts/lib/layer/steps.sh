# The steps of scripts/check-layer, which sources this. Each runs in a shell of its own with set -e.
# shellcheck shell=bash disable=SC2154

step_crates() {
    scripts/update-crates --check
}

step_static() {
    PICAM_LAYERS=${PICAM_LAYERS:-} python3 scripts/lib/layer/static.py
}

step_script() {
    scripts/lib/layer/test-build-image
}

step_lint() {
    if ! command -v oelint-adv >/dev/null; then
        skip "oelint-adv is not installed" "scripts/setup test"
        return
    fi
    local -a recipes suppressed
    mapfile -t recipes < <(git ls-files --cached --others --exclude-standard -- 'meta-picam/*.bb' 'meta-picam/*.bbappend')
    mapfile -t suppressed < <(sed -E '/^ *(#|$)/d; s/[[:space:]].*//; s/^/--suppress=/' scripts/lib/layer/oelint.exceptions)
    oelint-adv --release wrynose --quiet --nobackup --relpaths --jobs 2 \
        --constantmods +scripts/lib/layer/oelint.constants.json \
        "${suppressed[@]}" -- "${recipes[@]}"
}

step_wic() {
    layers_at_hand || return 0
    scripts/lib/layer/test-wic
}

step_parse() {
    layers_at_hand || return 0
    prepare all
    in_build "$(boards | head -n 1)" "bitbake -p"
}

step_graph() {
    layers_at_hand || return 0
    prepare
    local board
    for board in $(boards); do
        in_build "$board" "bitbake -g picam-image picam-image-dev && bitbake -e picam-image >picam-image.env"
        python3 scripts/lib/layer/graph.py "$board" "$cache/work/build" board/boot/config.txt
    done
}

step_dry() {
    layers_at_hand || return 0
    prepare
    local board
    for board in ${PICAM_BOARDS:-$(boards | head -n 1)}; do
        in_build "$board" "bitbake -n picam-image"
    done
}

step_compat() {
    layers_at_hand || return 0
    prepare
    # kas checks the layers out; the build folder of this step is another one.
    in_build "$(boards | head -n 1)" true
    local build=$cache/compat
    rm -rf "$build"
    install -d "$build"
    [ "$(id -u)" != 0 ] || chown builder: "$build"
    # shellcheck disable=SC2016 # for the inner shell to expand
    unprivileged bash -c '
        set -e
        work=$1 build=$2 repo=$3 mask=$4
        cd "$work/openembedded-core"
        . ./oe-init-build-env "$build" >/dev/null
        cat >>conf/local.conf <<CONF
BB_NO_NETWORK = "1"
CONNECTIVITY_CHECK_URIS = ""
INHERIT_DISTRO:remove = "uninative"
MACHINE = "raspberrypi4-64"
DISTRO = "nodistro"
SANITY_TESTED_DISTROS = ""
LICENSE_FLAGS_ACCEPTED = "synaptics-killswitch commercial_picam"
DISTRO_FEATURES_OPTED_OUT = "ptest"
BBMASK = "$mask"
BBFILE_PATTERN_IGNORE_EMPTY_meta-python = "1"
CONF
        dependencies=("$work"/meta-openembedded/meta-{oe,python,networking,filesystems,multimedia} "$work/meta-raspberrypi")
        yocto-check-layer --no-auto-dependency --dependency "${dependencies[@]}" -- "$repo/meta-picam"
    ' bash "$cache/work" "$build" "$cache/repo" "$needed_mask"
}

step_fetch() {
    layers_at_hand || return 0
    prepare
    scripts/lib/layer/test-fetch
}
