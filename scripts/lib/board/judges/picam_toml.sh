# The device's picam.toml: what the program prints and takes.
# shellcheck shell=bash disable=SC2154

picam=${PICAM_BIN:-}
if [ -z "$picam" ]; then
    have cargo cargo || return 0
    cargo build --quiet --locked -p picam
    picam=${CARGO_TARGET_DIR:-target}/debug/picam
fi
"$picam" config example --defaults "$rootfs/usr/share/picam/device.toml" | diff board/boot/picam.toml - >"$scratch/out" ||
    { cat "$scratch/out"; fail "board/boot/picam.toml is not what picam config example --defaults $rootfs/usr/share/picam/device.toml prints"; }
# As it is, and with every example switched on; a camera's password needs one of the network.
sed -E -e 's/^#(\[|[a-z-]+ = )/\1/' \
    -e '1,/^\[gps\]/s|^source = .*|source = "rtsp://user@192.168.1.20/stream1"|' \
    board/boot/picam.toml >"$scratch/all.toml"
for file in board/boot/picam.toml "$scratch/all.toml" "$rootfs/usr/share/picam/device.toml"; do
    "$picam" config check "$file" >"$scratch/out" 2>&1 || { cat "$scratch/out"; fail "picam refuses $file"; }
done
