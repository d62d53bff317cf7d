#!/bin/busybox sh
# shellcheck shell=dash
# The laboratory's guest: mounts the footage disk as the camera does, runs the job beside a root filesystem
# that the host lends read-only, unmounts, and switches itself off. Lines to the host go to ttyS0.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
say() { echo "LAB $*" >/dev/ttyS0; }
give_up() {
    say "failed: $*"
    poweroff -f
}
stty -F /dev/ttyS0 raw
while read -r module; do
    insmod "/lib/modules/$(uname -r)/$module" || give_up "module $module"
done </modules/order
say ready
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /host || give_up "the host's files"
mount -t tmpfs tmpfs /over
mkdir /over/up /over/work
mount -t overlay -o "lowerdir=/host$LAB_ROOT,upperdir=/over/up,workdir=/over/work" overlay /root || give_up "the root"
mkdir -p /root/dev /root/proc /root/host /root/footage
mount -o bind /dev /root/dev
mount -t proc proc /root/proc
mount -o bind /host /root/host
# As footage.mount of the camera does.
mount -t exfat -o rw,noatime,lazytime,iocharset=utf8,errors=continue /dev/vda /root/footage || give_up "the footage"
cp /job /root/lab-job
chroot /root /host"$LAB_BIN" guest clock >/dev/ttyS0 &
clock=$!
sleep 1
chroot /root /bin/sh -eu /lab-job || say "failed: the job"
umount /root/footage || say "failed: unmounting"
sleep 1
kill $clock
say "done"
poweroff -f
