//! Hotspot and a network that is joined, at once, on one radio. Long form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::*;
use picam_board_tests::phone::Phone;

const SETTINGS: &str = "segment = \"10s\"\nslot-size = \"2MiB\"\nslots = 8\n\
    [[camera]]\nname = \"front\"\nsource = \"sim:?size=160x120&fps=10&bitrate=200k\"\n\
    [wifi]\nmode = \"hotspot+station\"\ncountry = \"DE\"\npassphrase = \"emulated board\"\n\
    [[wifi.network]]\nssid = \"home\"\npassphrase = \"somewhere at home\"\n\
    [web]\npassword = \"emulated board\"\n";

/// A network of somebody's: the third radio, in a namespace of its own, with addresses 192.168.77.x.
const HOME: &[&str] = &[
    "mkdir -p /run/home && ip netns add home && iw phy $(cat /sys/class/net/wlan2/phy80211/name) set netns name home",
    "printf 'interface=wlan2\\nssid=home\\nhw_mode=g\\nchannel=11\\nwpa=2\\nwpa_key_mgmt=WPA-PSK\\nrsn_pairwise=CCMP\\nwpa_passphrase=somewhere at home\\n' > /run/home/hostapd.conf",
    "ip -n home link set lo up; ip -n home addr add 192.168.77.1/24 dev wlan2; ip netns exec home hostapd -B -f /run/home/hostapd.log /run/home/hostapd.conf",
    "ip netns exec home dnsmasq -C /dev/null -u root -p 0 -i wlan2 --bind-interfaces --dhcp-range=192.168.77.10,192.168.77.50 --dhcp-leasefile=/run/home/leases --pid-file=/run/home/dnsmasq.pid",
];

#[test]
fn a_hotspot_and_a_network_at_home_at_once() {
    if !long_form("access point and station at once") {
        return;
    }
    let Some((image, run)) = prepare("station") else {
        return;
    };
    let card = new_card(&image, &run);
    card.put_boot_file("picam.toml", SETTINGS.as_bytes())
        .unwrap();
    let board = start(&image, card, &run, "mac80211_hwsim.radios=3");
    let mut shell = board.shell("serial").unwrap();
    await_recorder(&mut shell);
    for command in HOME {
        shell.ok(command).unwrap();
    }
    await_all(&mut shell);
    let address = shell
        .until(
            "an address at home",
            "ip -4 -br addr show wlan0 | grep -o '192\\.168\\.77\\.[0-9]*'",
            ALL_UP,
        )
        .unwrap();
    shell
        .until("the hotspot", "systemctl is-active picam-hostapd picam-dnsmasq picam-web && ip -4 -br addr show ap0 | grep 192.168.66.1", ALL_UP)
        .unwrap();
    let address = address.trim().to_owned();
    let mut phone = Phone::new(&mut shell).unwrap();
    let (in_, said) = phone.join("picam-0000", "emulated board").unwrap();
    assert!(in_, "{said}");
    println!("{}", phone.lease().unwrap());
    let ask = "curl -sS -m 60 -o /dev/null -w '%{http_code}'";
    // The page, from both sides; and nothing goes from one side to the other.
    assert_eq!(
        phone
            .ok(&format!("{ask} http://192.168.66.1/login"))
            .unwrap()
            .trim(),
        "200"
    );
    let home = phone
        .board()
        .ok(&format!("ip netns exec home {ask} http://{address}/login"))
        .unwrap();
    assert_eq!(home.trim(), "200");
    let through = phone
        .run("ip route add 192.168.77.0/24 via 192.168.66.1; busybox ping -c 2 -W 3 192.168.77.1")
        .unwrap();
    assert_ne!(through.code, 0, "{}", through.text);
    println!("{}", phone.board().ok("iw dev; ip -br addr").unwrap());
}
