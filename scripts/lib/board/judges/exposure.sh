# Tenths of systemd's exposure level, as low as each can be and still do its work.
# shellcheck shell=bash disable=SC2154

while read -r name line; do
    systemd-analyze security --offline=true --root="$root" --threshold="$line" "picam-$name.service" >"$scratch/out" 2>&1 ||
        { grep -a 'exposure level' "$scratch/out" || cat "$scratch/out"; fail "picam-$name.service is more exposed than $line tenths"; }
done <<LIST
web 10
dnsmasq 22
hostapd 23
station 23
names 20
time 27
gps 18
gps-device@x 15
firewall 24
hotspot 25
journal 17
settings 45
anchor 15
record 35
guard 15
hotspot-switch 17
LIST
