//! Hotspot and a network that is joined, at once, on one radio, beside two cameras, one of which is a film. Long form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::*;
use picam_board_tests::phone::Phone;
use picam_system_tests::card::segments;
use picam_testkit::judges;

const SETTINGS: &str = "segment = \"10s\"\nslot-size = \"2MiB\"\nslots = 8\n\
    [[camera]]\nname = \"front\"\nsource = \"sim:?size=160x120&fps=10&bitrate=200k\"\n\
    [[camera]]\nname = \"rear\"\nsource = \"file:/run/picam/road.mp4?loop=1\"\n\
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
    let Some((image, run)) = prepare_long("station", "access point and station at once") else {
        return;
    };
    let card = new_card(&image, &run);
    card.put_boot_file("picam.toml", SETTINGS.as_bytes())
        .unwrap();
    let film = run.dir().join("road.mp4");
    let made = std::process::Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=160x120:rate=10:duration=20",
        ])
        .args(["-c:v", "libx264", "-b:v", "200k", "-g", "10", "-bf", "0"])
        .arg(&film)
        .status()
        .unwrap();
    assert!(made.success());
    card.put_boot_file("road.mp4", &std::fs::read(&film).unwrap())
        .unwrap();
    let board = start(&image, card, &run, "mac80211_hwsim.radios=3");
    let mut shell = board.shell("serial").unwrap();
    await_recorder(&mut shell);
    // The recorder does not read the boot partition.
    shell
        .ok("install -o picam -m 0640 /boot/road.mp4 /run/picam/road.mp4 && systemctl restart picam-record.service")
        .unwrap();
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

    let status = status(&mut shell);
    for camera in [0, 1] {
        let camera = &status["status"]["cameras"][camera];
        assert_eq!(camera["state"], "recording", "{status}");
    }
    let (card, _) = board.pull().unwrap();
    let footage = card.footage(run.dir()).unwrap();
    let (code, said) = picam_check(footage.path());
    assert_eq!(code, 0, "{said}");
    let all = segments(footage.path());
    for segment in &all {
        judges::ffmpeg_decodes(&segment.path).unwrap();
    }
    let of = |letter: char| {
        all.iter()
            .filter(|s| {
                s.path
                    .file_name()
                    .unwrap()
                    .to_string_lossy()
                    .contains(letter)
            })
            .count()
    };
    println!(
        "{} segments: {:?}",
        all.len(),
        all.iter()
            .map(|s| s.path.file_name().unwrap())
            .collect::<Vec<_>>()
    );
    assert!(of('F') > 0 && of('R') > 0);
}
