# The links to the card's partitions, on an SD card and on a virtual disk; and none without a card.
# shellcheck shell=bash disable=SC2154

# shellcheck source=scripts/lib/board/device.sh
. scripts/lib/board/device.sh

mkdir "$scratch/links"
for given in /dev/mmcblk0p3:/dev/mmcblk0p2 /dev/vda3:/dev/vda2 PARTUUID=5049434d-03: /dev/sdab:; do
    wanted=${given#*:}
    rm -f "$scratch/links/footage"
    echo "quiet root=${given%%:*} ro" >"$scratch/cmdline"
    on_device partitions "$scratch/links" "$scratch/cmdline" 2>"$scratch/out" || [ -z "$wanted" ] || fail "partitions fails for ${given%%:*}"
    [ "$(readlink "$scratch/links/footage")" = "$wanted" ] || fail "partitions: ${given%%:*} does not give ${wanted:-an error}"
done
