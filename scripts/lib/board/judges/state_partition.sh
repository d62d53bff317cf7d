# A state partition in three conditions; the clock of 2001, as on a Pi without one, must not matter.
# shellcheck shell=bash disable=SC2154

# shellcheck source=scripts/lib/board/device.sh
. scripts/lib/board/device.sh

have mkfs.ext4 e2fsprogs && have debugfs e2fsprogs || return 0
image=$scratch/state
export E2FSCK_CONFIG=$rootfs/etc/e2fsck.conf
check_state() {
    on_device check-state "$image" >"$scratch/out" 2>&1 || { cat "$scratch/out"; fail "check-state fails $1"; }
    e2fsck -nf "$image" >"$scratch/out" 2>&1 || { cat "$scratch/out"; fail "the state partition is not clean $1"; }
}
truncate -s 16M "$image"
mkfs.ext4 -q -F "$image"
check_state "when all is well"
debugfs -w -R 'set_super_value lastcheck 20400101' "$image" 2>/dev/null
debugfs -w -R 'set_super_value wtime 20400101' "$image" 2>/dev/null
on_device check-state "$image" >"$scratch/out" 2>&1
! grep -qi future "$scratch/out" || fail "check-state minds a superblock from the future"
dd if=/dev/zero of="$image" bs=1024 seek=1 count=300 conv=notrunc status=none
check_state "with its first superblock and group gone"
dd if=/dev/zero of="$image" bs=1M count=16 conv=notrunc status=none
check_state "with nothing left of it"
on_device check-state "$scratch/run" >"$scratch/out" 2>&1 || grep -q "^<3>state partition: " "$scratch/out" || fail "check-state says no error to the journal"
dumpe2fs -h "$image" 2>/dev/null | grep -q '^Filesystem volume name: *picam-state$' || fail "a new state partition is not labelled picam-state"
# What cannot be read is not made anew, and neither is what is not there.
! on_device check-state "$scratch/run" >"$scratch/out" 2>&1 || fail "check-state takes what it cannot read"
! on_device check-state "$scratch/nothing" >"$scratch/out" 2>&1 || fail "check-state takes what is not there"
[ ! -e "$scratch/nothing" ] || fail "check-state makes a file"
