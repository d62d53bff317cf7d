# gpsd gets the receivers that are there, by their real names.
# shellcheck shell=bash disable=SC2154

# shellcheck source=scripts/lib/board/device.sh
. scripts/lib/board/device.sh

mkdir "$scratch/gps"
on_device receivers "$scratch/gps" || fail "receivers fails without a receiver"
asked "gpsd is not started without a receiver" "gpsd -n -P /run/picam-gps/gpsd.pid -F /run/picam-gps/control"
touch "$scratch/gps/ttyACM0"
ln -s ttyACM0 "$scratch/gps/gps-ttyACM0"
on_device receivers "$scratch/gps" || fail "receivers fails with a receiver"
asked "gpsd does not get its receiver" "gpsd -n -P /run/picam-gps/gpsd.pid -F /run/picam-gps/control $scratch/gps/ttyACM0"
