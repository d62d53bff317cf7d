//! The texts, whole, as they are for the four uses of the radio.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{access_point, client, extras, hotspot};
use picam_hotspot::wifi::{AuthMethod, Configuration, PmfConfiguration, Protocol};
use picam_hotspot::{Channel, Extras, Files, PskError, Radio, Unusable, render};

/// Of that name and passphrase (IEEE 802.11-2020, J.4.2).
const KEY: &str = "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af";

#[test]
fn a_hotspot_alone() {
    let files = hotspot("picam-1a2b", "correct horse");
    assert_eq!(
        files.hostapd.unwrap(),
        "\
# Written by `picam hotspot`; changes go into picam.toml.
interface=wlan0
driver=nl80211
ctrl_interface=/run/picam-hotspot/hostapd
logger_syslog=0
logger_stdout=-1
logger_stdout_level=2
# Name and passphrase as hexadecimal digits: nothing in them can be taken for a setting.
ssid2=706963616d2d31613262
utf8_ssid=1
ignore_broadcast_ssid=0
country_code=DE
ieee80211d=1
hw_mode=g
channel=6
ieee80211n=1
wmm_enabled=1
auth_algs=1
wpa=2
wpa_key_mgmt=WPA-PSK
rsn_pairwise=CCMP
group_cipher=CCMP
ieee80211w=0
wpa_psk=5ac00906364727e02009533fe0e5733fe20ddddcdac952b5b44d209b26a88d53
wps_state=0
max_num_sta=7
ap_isolate=1
"
    );
    assert_eq!(
        files.dnsmasq.unwrap(),
        "\
# Written by `picam hotspot`; changes go into picam.toml.
# On the hotspot's interface alone, whenever it comes and goes.
interface=wlan0
except-interface=lo
bind-dynamic
# Nobody is asked, and nothing is read from the device: there are the names below or none.
no-resolv
no-poll
no-hosts
# None is written.
pid-file
dhcp-authoritative
dhcp-rapid-commit
# Phones look themselves whether an address is taken; asking for them costs 3 s.
no-ping
dhcp-leasefile=/run/picam-hotspot/dnsmasq.leases
dhcp-range=192.168.66.10,192.168.66.200,255.255.255.0,12h
dhcp-option=option:dns-server,192.168.66.1
# No router: phones keep their mobile data for the internet.
dhcp-option=option:router
host-record=picam.local,192.168.66.1
local=/picam.local/
host-record=captive.apple.com,192.168.66.1
local=/captive.apple.com/
host-record=connectivitycheck.gstatic.com,192.168.66.1
local=/connectivitycheck.gstatic.com/
host-record=dns.msftncsi.com,131.107.255.255
local=/dns.msftncsi.com/
"
    );
    assert_eq!(files.wpa_supplicant, None);
    let [(name, network)] = &files.networkd[..] else {
        panic!("{:?}", files.networkd)
    };
    assert_eq!(*name, "50-picam-hotspot.network");
    assert_eq!(
        network,
        "\
# Written by `picam hotspot`; changes go into picam.toml.
[Match]
Name=wlan0

[Link]
RequiredForOnline=no

[Network]
Address=192.168.66.1/24
ConfigureWithoutCarrier=yes
IgnoreCarrierLoss=yes
DHCP=no
IPv6AcceptRA=no
LinkLocalAddressing=no
LLMNR=no
MulticastDNS=yes
"
    );
    assert_eq!(
        files.environment,
        "\
# Written by `picam hotspot`; changes go into picam.toml.
MODE=hotspot
COUNTRY=DE
RADIO=wlan0
AP_INTERFACE=wlan0
AP_MAC=dc:a6:32:01:1a:2b
AP_ADDRESS=192.168.66.1
AP_CHANNEL=6
STA_INTERFACE=
"
    );
}

fn mixed() -> Files {
    let more = [client("guest \"A\"", None)];
    let mut home = client("home", Some("say \"#1\"; ok  "));
    home.channel = Some(6);
    home.bssid = Some([0x3c, 0xa6, 0x2f, 0x11, 0x22, 0x33]);
    home.pmf_cfg = PmfConfiguration::Capable { required: false };
    let configuration = Configuration::Mixed(home, access_point("picam-1a2b", "correct horse"));
    let extras = Extras {
        name: "van-2",
        country: None,
        more_networks: &more,
        ..extras()
    };
    render(&configuration, &extras).unwrap()
}

#[test]
fn hotspot_and_station_on_one_radio() {
    let files = mixed();
    assert_eq!(
        files.wpa_supplicant.unwrap(),
        "\
# Written by `picam hotspot`; changes go into picam.toml.
ctrl_interface=/run/picam-hotspot/wpa_supplicant
update_config=0
p2p_disabled=1
network={
\tssid=686f6d65
\tbssid=3c:a6:2f:11:22:33
\tscan_ssid=1
\tpriority=2
\tfreq_list=2412 2417 2422 2427 2432 2437 2442 2447 2452 2457 2462
\tscan_freq=2412 2417 2422 2427 2432 2437 2442 2447 2452 2457 2462
\tkey_mgmt=WPA-PSK
\tproto=RSN
\tpairwise=CCMP
\tpsk=86f082b2976bf1a2cca0e4d7fd7c9710db9ffb49f40a77fb0813bbeb91d8253a
\tieee80211w=1
}
network={
\tssid=677565737420224122
\tscan_ssid=1
\tpriority=1
\tfreq_list=2412 2417 2422 2427 2432 2437 2442 2447 2452 2457 2462
\tscan_freq=2412 2417 2422 2427 2432 2437 2442 2447 2452 2457 2462
\tkey_mgmt=NONE
}
"
    );
    let hostapd = files.hostapd.unwrap();
    assert!(hostapd.contains("\ninterface=ap0\n"));
    // The world's rules: no country is claimed.
    assert!(!hostapd.contains("country") && !hostapd.contains("80211d"));
    let dnsmasq = files.dnsmasq.unwrap();
    assert!(dnsmasq.contains("\ninterface=ap0\n"));
    assert!(dnsmasq.contains(
        "\nhost-record=van-2.local,192.168.66.1\nlocal=/van-2.local/\n\
         host-record=picam.local,192.168.66.1\nlocal=/picam.local/\n"
    ));
    let names: Vec<&str> = files.networkd.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "50-picam-hotspot.network",
            "50-picam-hotspot.link",
            "50-picam-station.network"
        ]
    );
    assert_eq!(
        files.networkd[1].1,
        "\
# Written by `picam hotspot`; changes go into picam.toml.
[Match]
OriginalName=ap0

[Link]
NamePolicy=kernel
MACAddressPolicy=none
"
    );
    assert_eq!(
        files.networkd[2].1,
        "\
# Written by `picam hotspot`; changes go into picam.toml.
[Match]
Name=wlan0

[Link]
RequiredForOnline=no

[Network]
DHCP=yes
LLMNR=no
MulticastDNS=yes
"
    );
    assert_eq!(
        files.environment,
        "\
# Written by `picam hotspot`; changes go into picam.toml.
MODE=hotspot+station
COUNTRY=00
RADIO=wlan0
AP_INTERFACE=ap0
AP_MAC=de:a6:32:01:1a:2b
AP_ADDRESS=192.168.66.1
AP_CHANNEL=6
STA_INTERFACE=wlan0
"
    );
}

#[test]
fn a_station_alone_and_nothing_at_all() {
    let home = client("ThisIsASSID", Some("ThisIsAPassword"));
    let files = render(&Configuration::Client(home), &extras()).unwrap();
    assert_eq!((files.hostapd, files.dnsmasq), (None, None));
    let text = files.wpa_supplicant.unwrap();
    assert!(text.contains("\ncountry=DE\n"), "{text}");
    assert!(text.contains(&format!("\n\tpsk={KEY}\n")), "{text}");
    // Alone, it may be on any channel that the kernel allows.
    assert!(!text.contains("freq"), "{text}");
    assert_eq!(files.networkd[0].0, "50-picam-station.network");
    assert!(files.environment.contains("MODE=station\n"));
    assert!(files.environment.contains("AP_INTERFACE=\n"));
    assert!(files.environment.contains("STA_INTERFACE=wlan0\n"));

    let files = render(&Configuration::None, &extras()).unwrap();
    assert_eq!(
        (files.hostapd, files.dnsmasq, files.wpa_supplicant),
        (None, None, None)
    );
    assert_eq!(files.networkd, []);
    assert!(files.environment.contains("MODE=off\n"));
}

#[test]
fn five_gigahertz_and_a_hidden_name() {
    let mut ap = access_point("ThisIsASSID", "ThisIsAPassword");
    ap.channel = 149;
    ap.ssid_hidden = true;
    ap.protocols = Protocol::P802D11BG.into();
    let station = client("home", None);
    let files = render(&Configuration::Mixed(station, ap), &extras()).unwrap();
    let hostapd = files.hostapd.unwrap();
    for line in [
        "hw_mode=a\nchannel=149\nwmm_enabled=1\n",
        "\nignore_broadcast_ssid=1\n",
    ] {
        assert!(hostapd.contains(line), "{line}: {hostapd}");
    }
    assert!(hostapd.contains(&format!("\nwpa_psk={KEY}\n")));
    let supplicant = files.wpa_supplicant.unwrap();
    assert!(
        supplicant.contains("\n\tfreq_list=5745 5765 5785 5805 5825\n"),
        "{supplicant}"
    );
}

#[test]
fn what_is_not_safe_is_not_written() {
    type Change = fn(&mut picam_hotspot::wifi::AccessPointConfiguration);
    let cases: [(Change, Unusable); 14] = [
        (|ap| *ap = Default::default(), Unusable::OpenHotspot),
        (
            |ap| ap.auth_method = AuthMethod::None,
            Unusable::OpenHotspot,
        ),
        (|ap| ap.password.clear(), Unusable::OpenHotspot),
        (
            |ap| ap.auth_method = AuthMethod::WPAWPA2Personal,
            Unusable::Security(AuthMethod::WPAWPA2Personal),
        ),
        (
            |ap| ap.auth_method = AuthMethod::WPA3Personal,
            Unusable::Security(AuthMethod::WPA3Personal),
        ),
        (|ap| ap.ssid.clear(), Unusable::Ssid),
        (|ap| ap.channel = 0, Unusable::Channel(0)),
        (|ap| ap.channel = 52, Unusable::Channel(52)),
        (
            |ap| ap.channel = 36,
            Unusable::Forbidden(Channel::new(36).unwrap()),
        ),
        (
            |ap| ap.secondary_channel = Some(10),
            Unusable::SecondaryChannel,
        ),
        (
            |ap| ap.protocols = Protocol::P802D11B.into(),
            Unusable::Protocols,
        ),
        (
            |ap| ap.protocols |= Protocol::P802D11LR,
            Unusable::Protocols,
        ),
        (|ap| ap.max_connections = 255, Unusable::Clients(255)),
        (
            |ap| ap.password = "1234567\n8".try_into().unwrap(),
            Unusable::Psk(PskError::Characters),
        ),
    ];
    for (change, error) in cases {
        let mut ap = access_point("picam", "correct horse");
        change(&mut ap);
        let refused = render(&Configuration::AccessPoint(ap), &extras());
        assert_eq!(refused, Err(error));
    }
}

#[test]
fn stations_are_judged_too() {
    let ap = access_point("picam", "correct horse");
    let mut far = client("home", Some("correct horse"));
    far.channel = Some(11);
    let both = Configuration::Mixed(far, ap);
    assert_eq!(render(&both, &extras()), Err(Unusable::TwoChannels(6, 11)));

    let mut open = client("home", None);
    open.password = "12345678".try_into().unwrap();
    let refused = render(&Configuration::Client(open), &extras());
    assert_eq!(refused, Err(Unusable::UnusedPassphrase));

    let mut nameless = client("home", None);
    nameless.ssid.clear();
    let more = [nameless];
    let extras = Extras {
        more_networks: &more,
        ..extras()
    };
    let refused = render(&Configuration::Client(client("home", None)), &extras);
    assert_eq!(refused, Err(Unusable::Ssid));
}

#[test]
fn what_stands_around_them_is_judged() {
    let radio = extras().radio;
    let spaced = Radio {
        interface: "wlan0\ndriver=none",
        ..radio
    };
    let twice = Radio {
        second: "wlan0",
        ..radio
    };
    let hosts = ["ok.example", "evil\nserver=8.8.8.8"];
    let text = |text: &str| text.to_owned();
    let (dynamic, public) = ([192, 168, 66, 10].into(), [8, 8, 8, 1].into());
    for (extras, error) in [
        (
            Extras {
                name: "picam.local",
                ..extras()
            },
            Unusable::Name(text("picam.local")),
        ),
        (
            Extras {
                name: "a\nb",
                ..extras()
            },
            Unusable::Name(text("a\nb")),
        ),
        (
            Extras {
                radio: spaced,
                ..extras()
            },
            Unusable::Interface(text(spaced.interface)),
        ),
        (
            Extras {
                radio: twice,
                ..extras()
            },
            Unusable::OneInterface(text("wlan0")),
        ),
        (
            Extras {
                probe_hosts: &hosts,
                ..extras()
            },
            Unusable::Name(text(hosts[1])),
        ),
        (
            Extras {
                address: dynamic,
                ..extras()
            },
            Unusable::Address(dynamic),
        ),
        (
            Extras {
                address: public,
                ..extras()
            },
            Unusable::Address(public),
        ),
        (
            Extras {
                run_dir: "/run/a b",
                ..extras()
            },
            Unusable::Directory(text("/run/a b")),
        ),
    ] {
        let configuration = Configuration::AccessPoint(access_point("picam", "correct horse"));
        assert_eq!(render(&configuration, &extras), Err(error));
    }
}

#[test]
fn passphrases_stay_out_of_logs() {
    let files = format!("{:?}", hotspot("picam", "correct horse"));
    assert!(!files.contains("correct"), "{files}");
}
