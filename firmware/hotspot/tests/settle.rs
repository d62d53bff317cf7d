//! What becomes of what owners write.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use picam_hotspot::wifi::{AccessPointConfiguration, AuthMethod, Configuration};
use picam_hotspot::{
    Air, Bss, Mac, Mode, NoHotspot, PskError, Requested, RequestedNetwork, Settled, default_ssid,
    settle,
};

const RADIO: Mac = Mac::new([0xdc, 0xa6, 0x32, 0x01, 0x1a, 0x2b]);
const QUIET: Air<'static> = Air {
    radio: RADIO,
    five_ghz: true,
    heard: &[],
};

fn requested() -> Requested<'static> {
    Requested {
        name: "picam",
        mode: Mode::Hotspot,
        country: Some("DE"),
        ssid: None,
        passphrase: Some("correct horse"),
        channel: None,
        networks: vec![RequestedNetwork {
            ssid: "home",
            passphrase: Some("12345678"),
        }],
    }
}

fn bss(ssid: &str, frequency: u16, signal_dbm: i16) -> Bss {
    Bss {
        frequency,
        signal_dbm,
        ssid: Some(ssid.to_owned()),
    }
}

fn access_point(settled: &Settled) -> &AccessPointConfiguration {
    settled.configuration.as_ap_conf_ref().unwrap()
}

#[test]
fn each_use_of_the_radio() {
    for (mode, hotspot, station) in [
        (Mode::Hotspot, true, false),
        (Mode::HotspotAndStation, true, true),
        (Mode::Station, false, true),
        (Mode::Off, false, false),
    ] {
        let settled = settle(
            &Requested {
                mode,
                ..requested()
            },
            QUIET,
        );
        let configuration = &settled.configuration;
        assert_eq!(
            configuration.as_ap_conf_ref().is_some(),
            hotspot,
            "{mode:?}"
        );
        assert_eq!(
            configuration.as_client_conf_ref().is_some(),
            station,
            "{mode:?}"
        );
        assert_eq!(settled.notes, [""; 0]);
        assert_eq!(settled.refused, None);
    }
}

#[test]
fn every_field_of_the_hotspot_is_set() {
    let settled = settle(&requested(), QUIET);
    let ap = access_point(&settled);
    assert_eq!(ap.ssid, "picam-1a2b");
    assert_eq!(ap.password, "correct horse");
    assert_eq!(ap.auth_method, AuthMethod::WPA2Personal);
    let default = AccessPointConfiguration::default();
    assert_eq!(default.auth_method, AuthMethod::None);
    assert_ne!(ap.ssid, default.ssid);
    assert_ne!(ap.channel, default.channel);
    assert_ne!(ap.max_connections, default.max_connections);
    assert_eq!((ap.channel, ap.max_connections), (6, 7));
}

#[test]
fn without_a_passphrase_there_is_no_hotspot() {
    for mode in [Mode::Hotspot, Mode::HotspotAndStation, Mode::Station] {
        let request = Requested {
            mode,
            passphrase: None,
            networks: Vec::new(),
            ..requested()
        };
        let settled = settle(&request, QUIET);
        assert_eq!(settled.configuration, Configuration::None, "{mode:?}");
        assert_eq!(settled.refused, Some(NoHotspot::NoPassphrase), "{mode:?}");
        let error = settled.refused.unwrap().to_string();
        assert!(error.contains("`picam firstboot settings`"), "{error}");
    }
    let short = Requested {
        passphrase: Some("1234567"),
        ..requested()
    };
    let refused = settle(&short, QUIET).refused.unwrap();
    assert_eq!(refused, NoHotspot::Passphrase(PskError::Length(7)));
    // Nothing is refused to whom it was not asked for.
    for mode in [Mode::Off, Mode::Station] {
        let request = Requested {
            mode,
            passphrase: None,
            ..requested()
        };
        assert_eq!(settle(&request, QUIET).refused, None, "{mode:?}");
    }
}

#[test]
fn what_can_be_had_is_had_and_the_rest_said() {
    let both = |networks, passphrase| {
        let mode = Mode::HotspotAndStation;
        let request = Requested {
            mode,
            networks,
            passphrase,
            ..requested()
        };
        settle(&request, QUIET)
    };
    let bad = RequestedNetwork {
        ssid: "home",
        passphrase: Some("short"),
    };
    let settled = both(vec![bad], Some("correct horse"));
    assert!(matches!(
        settled.configuration,
        Configuration::AccessPoint(_)
    ));
    let [first, second] = &settled.notes[..] else {
        panic!("{:?}", settled.notes)
    };
    assert!(
        first.contains("wifi.network 1") && !first.contains("short "),
        "{first}"
    );
    assert!(second.contains("hotspot alone"), "{second}");

    let settled = both(requested().networks, None);
    assert!(matches!(settled.configuration, Configuration::Client(_)));
    assert!(settled.notes[0].contains("station alone"));
    assert_eq!(settled.refused, None);

    // A station whose list is unusable would lock its owner out.
    let alone = Requested {
        mode: Mode::Station,
        networks: vec![bad],
        ..requested()
    };
    let settled = settle(&alone, QUIET);
    assert!(matches!(
        settled.configuration,
        Configuration::AccessPoint(_)
    ));

    let good = requested().networks[0];
    let open = RequestedNetwork {
        ssid: "open",
        passphrase: None,
    };
    let long = RequestedNetwork {
        ssid: "a name of more than thirty-two bytes",
        passphrase: None,
    };
    let settled = both(vec![open, long, good], Some("correct horse"));
    let first = settled.configuration.as_client_conf_ref().unwrap();
    assert_eq!(
        (first.ssid.as_str(), first.auth_method),
        ("open", AuthMethod::None)
    );
    assert_eq!(settled.more_networks.len(), 1);
    assert_eq!(settled.more_networks[0].ssid, "home");
    assert!(settled.notes[0].contains("wifi.network 2"));
}

#[test]
fn names_that_cannot_be_used_are_replaced() {
    let odd = Requested {
        name: "My Car",
        ssid: Some("a name of more than thirty-two bytes"),
        country: Some("XX"),
        ..requested()
    };
    let settled = settle(&odd, QUIET);
    assert_eq!(settled.name, "picam");
    assert_eq!(access_point(&settled).ssid, "picam-1a2b");
    assert_eq!(settled.country, None);
    assert_eq!(settled.notes.len(), 3, "{:?}", settled.notes);

    let named = Requested {
        ssid: Some("Caf\u{e9}\n#"),
        ..requested()
    };
    assert_eq!(access_point(&settle(&named, QUIET)).ssid, "Caf\u{e9}\n#");
}

#[test]
fn a_default_name_has_room_for_the_address() {
    assert_eq!(default_ssid("picam", RADIO), "picam-1a2b");
    assert_eq!(default_ssid(&"x".repeat(27), RADIO).len(), 32);
    assert_eq!(
        default_ssid(&"x".repeat(63), RADIO),
        format!("{}-1a2b", "x".repeat(27))
    );
    // Cut between letters, should a name ever have others.
    assert_eq!(
        default_ssid(&"\u{e9}".repeat(20), RADIO),
        format!("{}-1a2b", "\u{e9}".repeat(13))
    );
}

#[test]
fn a_channel_is_taken_if_country_and_radio_allow_it() {
    for (country, five_ghz, channel, taken, word) in [
        (Some("DE"), true, Some(13), 13, ""),
        (Some("DE"), true, Some(149), 149, ""),
        (Some("DE"), false, Some(149), 6, "5 GHz"),
        (
            Some("DE"),
            true,
            Some(36),
            6,
            "not free for hotspots in cars in DE",
        ),
        (Some("US"), true, Some(36), 36, ""),
        (Some("US"), true, Some(13), 6, "not free"),
        (None, true, Some(12), 6, "needs wifi.country"),
        (None, true, Some(36), 6, "needs wifi.country"),
        (None, true, Some(11), 11, ""),
        (
            Some("DE"),
            true,
            Some(100),
            6,
            "none that a hotspot can be on",
        ),
        (
            Some("DE"),
            true,
            Some(0),
            6,
            "none that a hotspot can be on",
        ),
        (Some("DE"), true, None, 6, ""),
    ] {
        let request = Requested {
            country,
            channel,
            ..requested()
        };
        let settled = settle(&request, Air { five_ghz, ..QUIET });
        assert_eq!(
            access_point(&settled).channel,
            taken,
            "{country:?} {channel:?}"
        );
        match word {
            "" => assert_eq!(settled.notes, [""; 0]),
            word => assert!(settled.notes[0].contains(word), "{:?}", settled.notes),
        }
    }
}

#[test]
fn the_least_used_channel_is_taken_if_none_is_requested() {
    let heard = [bss("a", 2437, -40), bss("b", 2412, -40)];
    let settled = settle(
        &requested(),
        Air {
            heard: &heard,
            ..QUIET
        },
    );
    assert_eq!(access_point(&settled).channel, 11);
}

#[test]
fn with_a_station_the_channel_is_the_networks() {
    let both = |country, channel, heard: &[Bss]| {
        let mut networks = requested().networks;
        networks.push(RequestedNetwork {
            ssid: "work",
            passphrase: None,
        });
        let request = Requested {
            mode: Mode::HotspotAndStation,
            country,
            channel,
            networks,
            ..requested()
        };
        let settled = settle(&request, Air { heard, ..QUIET });
        let client = settled.configuration.as_client_conf_ref().unwrap();
        (access_point(&settled).channel, client.channel)
    };
    let (de, us) = (Some("DE"), Some("US"));
    let heard = [
        bss("home", 2412, -70),
        bss("home", 2462, -50),
        bss("home", 5745, -30),
        bss("work", 2437, -20),
    ];
    // The loudest of the preferred network, on the band that was not excluded.
    assert_eq!(both(de, None, &heard), (11, Some(11)));
    assert_eq!(both(de, Some(3), &heard), (11, Some(11)));
    assert_eq!(both(de, Some(149), &heard), (149, Some(149)));
    // The next network, if the first is not there or where no hotspot may be.
    assert_eq!(both(de, None, &heard[3..]), (6, Some(6)));
    let far = [bss("home", 2472, -30), bss("work", 2412, -60)];
    assert_eq!(both(us, None, &far), (1, Some(1)));
    assert_eq!(both(de, None, &far), (13, Some(13)));
    // None is heard: as without a station.
    assert_eq!(both(de, Some(3), &[]), (3, None));
    assert_eq!(both(de, None, &[bss("other", 2437, -30)]), (1, None));
}
