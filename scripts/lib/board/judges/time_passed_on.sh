# The time: asked for until chrony has it, then passed on.
# shellcheck shell=bash disable=SC2154

# shellcheck source=scripts/lib/board/device.sh
. scripts/lib/board/device.sh

answer chronyc <<CHRONYC
#!/bin/sh
case "\$*" in
*tracking*) echo "47505300,GPS,1,1795172880.0,0.000000031,0.0,0.0,0.0,0.0,0.0,0.1,0.1,8.0,Normal" ;;
*) [ \$(grep -c ^chronyc $scratch/asked) = 3 ] ;;
esac
CHRONYC
rm -f "$scratch/device/sleep"
install -m 755 /dev/stdin "$scratch/device/sleep" <<SLEEP
#!/bin/sh
echo "sleep \$*" >>$scratch/asked
SLEEP
on_device anchor || fail "anchor fails"
ask="chronyc -h /run/picam-time/chronyd.sock waitsync 0 1 0 5"
asked "anchor does not wait for the time and pass it on" "$ask
sleep 5
$ask
sleep 5
$ask
chronyc -c -h /run/picam-time/chronyd.sock tracking
picam time --recorder /run/picam/recorder.sock --source gps"
