#!/bin/busybox sh
# shellcheck shell=dash
# The guest's first process. Its root is the host's, over which a memory disk lies for whatever is written; /out is the
# host's too, and can be written to. Runs each script that the host names on ttyS0, any number at a time, and says
# there how it ended.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
# Held open: at its last close, what the host has sent meanwhile would be lost.
exec 3<>/dev/ttyS0
stty -F /dev/ttyS0 raw -echo
say() { echo "GUEST $*" >&3; }
give_up() {
    say "failed $*"
    poweroff -f
}
modules=/lib/modules/$(uname -r)
while read -r module; do
    insmod "$modules/$module" || give_up "module $module"
done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /host || give_up "the host's files"
mount -t tmpfs tmpfs /over
mkdir /over/up /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/up,workdir=/over/work overlay /root || give_up "the root"
mkdir -p /root/out /root/proc /root/sys /root/dev /root/run /root/tmp "/root$modules" /root/usr/local/sbin
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none out /root/out || give_up "the output"
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -o bind /dev /root/dev
mkdir -p /root/dev/shm
for memory in run tmp dev/shm; do
    mount -t tmpfs tmpfs "/root/$memory"
done
mount -o bind "$modules" "/root$modules"
# The host may have none, or one that wants an index which only the host's depmod would make.
cp /bin/busybox /root/usr/local/sbin/modprobe
cp /bin/busybox /root/usr/local/sbin/rmmod
ip link set lo up
in_root() { env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot /root "$@"; }
# Names by which cameras are found again; before any driver, as on a camera.
if [ -x /root/usr/lib/systemd/systemd-udevd ]; then
    in_root /usr/lib/systemd/systemd-udevd --daemon >/dev/null 2>&1 3>&-
fi
say ready
while read -r number <&3; do
    {
        in_root /bin/bash "/out/.jobs/$number" >"/root/out/.jobs/$number.log" 2>&1 </dev/null 3>&-
        say "ended $number $?"
    } &
done
