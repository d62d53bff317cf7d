//! How a `picam.toml` is read.

mod explained;
mod problems;

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::keys::OTHER_CAMERAS;
use super::*;
use picam_capture::CameraSpec;
use picam_firstboot::settings::{Access as KeyAccess, Reset, public};
use picam_hotspot::{Channel, Mode};
use picam_web::{Access, hash_password};

/// The only problem of a text, as shown to a person.
fn problem(text: &str) -> String {
    let parsed = parse_config(text);
    match &parsed.problems[..] {
        [problem] => problem.to_string(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn nothing_at_all_is_a_configuration() {
    for text in [
        "",
        "\u{feff}",
        "\r\n# nothing\r\n",
        "[web]\n[log]\n[shares]\n[retention]\n",
    ] {
        let parsed = parse_config(text);
        assert_eq!(parsed.problems, [], "{text:?}");
        assert_eq!(parsed.config, Config::default());
    }
}

#[test]
fn open_to_the_network_only_with_a_password() {
    let hash = hash_password("correct horse").unwrap();
    let text = format!("[web]\nlisten = \"0.0.0.0:80\"\npassword-hash = \"{hash}\"\n");
    let parsed = parse_config(&text);
    assert_eq!(parsed.problems, []);
    assert_eq!(parsed.config.web.listen.to_string(), "0.0.0.0:80");
    let bad = parse_config("[web]\nlisten = \"0.0.0.0:80\"\npassword-hash = \"x\"\n");
    assert_eq!(bad.problems.len(), 2);
    assert_eq!(bad.config.web, Config::default().web);
    let off = parse_config("[web]\nlisten = \"0.0.0.0:80\"\nenabled = false\n");
    assert_eq!(off.problems, []);
}

#[test]
fn a_name_a_country_and_networks_are_read() {
    let parsed = parse_config(
        "[device]\nname = \"van-2\"\ntime-zone = \"America/Argentina/Buenos_Aires\"\n\
         factory-reset = \"settings\"\nfootage = \"usb\"\nformat-disk = \"0781:5583:4C53:1000:1bde53ce\"\n[wifi]\nmode = \"hotspot+station\"\ncountry = \"de\"\n\
         ssid = \"Caf\u{e9}; \\\"1\\\"\"\npassphrase = \"correct horse\"\nchannel = 36\n\
         [[wifi.network]]\nssid = \"home\"\npassphrase = \"12345678\"\n\
         [[wifi.network]]\nssid = \"open\"\n",
    );
    assert_eq!(parsed.problems, []);
    let device = parsed.config.device;
    assert_eq!(device.name, "van-2");
    assert_eq!(device.time_zone, "America/Argentina/Buenos_Aires");
    assert_eq!(device.factory_reset, Reset::Settings);
    assert_eq!(device.footage, Place::Usb);
    assert_eq!(
        device.format_disk.as_deref(),
        Some("0781:5583:4C53:1000:1bde53ce")
    );
    let wifi = parsed.config.wifi;
    assert_eq!(wifi.mode, Mode::HotspotAndStation);
    assert_eq!(wifi.country.as_deref(), Some("DE"));
    assert_eq!(wifi.ssid.as_deref(), Some("Caf\u{e9}; \"1\""));
    assert_eq!(wifi.passphrase.unwrap().reveal(), "correct horse");
    assert_eq!(wifi.channel, Channel::new(36));
    let [home, open] = &wifi.networks[..] else {
        panic!("{:?}", wifi.networks)
    };
    assert_eq!(home.passphrase.as_ref().unwrap().reveal(), "12345678");
    assert_eq!(
        (open.ssid.as_str(), open.passphrase.as_ref()),
        ("open", None)
    );
}

#[test]
fn what_the_owner_left_out_or_got_wrong_is_as_the_device_has_it() {
    let base = parse_config(
        "footage = \"/footage\"\nslots = \"fill\"\nsystem-clock = false\n\
         [[camera]]\nname = \"road\"\nsource = \"sim:\"\n[shares]\nevent = 0.2\n\
         [device]\nname = \"car\"\n",
    );
    assert_eq!(base.problems, []);
    for (text, instead) in [
        ("", None),
        ("slots = \"many\"\n", Some("fill")),
        ("[device]\nname = \"My Car\"\n", Some("car")),
        ("[shares]\nevent = 0.9\n", Some("0.2 + 0.1 + 0.1")),
        (
            "[[camera]]\nname = \"road\"\nsource = \"webcam\"\n",
            Some(OTHER_CAMERAS),
        ),
    ] {
        let parsed = parse_over(base.config.clone(), text);
        assert_eq!(parsed.config, base.config, "{text}");
        let problem = parsed.problems.first();
        assert_eq!(
            problem.and_then(|p| p.instead.as_deref()),
            instead,
            "{text}"
        );
    }
}

#[test]
fn a_new_password_goes_before_an_old_hash() {
    let hash = hash_password("correct horse").unwrap();
    let text = format!("[web]\npassword = \"battery staple\"\npassword-hash = \"{hash}\"\n");
    let parsed = parse_config(&text);
    assert_eq!(parsed.problems, []);
    assert!(!format!("{:?}", parsed.config).contains("battery staple"));
    let Ok(Access::Password(newer)) = access(&parsed.config.web, hash_password) else {
        panic!("open")
    };
    assert!(newer.verify("battery staple") && !newer.verify("correct horse"));
    let text = format!("{text}viewer-password = \"only looking\"\n");
    let parsed = parse_config(&text);
    assert_eq!(parsed.problems, []);
    let Ok(Access::Passwords { owner, viewer }) = access(&parsed.config.web, hash_password) else {
        panic!("no viewers")
    };
    assert!(owner.verify("battery staple") && viewer.verify("only looking"));
    let alone = problem("[web]\nviewer-password = \"only looking\"\n");
    assert!(
        alone.contains("none of the owner") && !alone.contains("looking"),
        "{alone}"
    );
    let short = problem("[web]\npassword = \"1234567\"\n");
    assert!(
        short.contains("8 characters") && !short.contains("1234567"),
        "{short}"
    );
}

fn key_or_noise() -> impl Strategy<Value = String> {
    let keys: Vec<&str> = keys::all().map(|(_, key)| key.name).collect();
    prop_oneof![
        proptest::sample::select(keys).prop_map(str::to_owned),
        "\\PC{0,6}"
    ]
}

proptest! {
    #[test]
    fn any_text_gives_a_usable_configuration(text in "(?s).{0,200}") {
        let parsed = parse_config(&text);
        prop_assert!(parsed.config.shares.validate().is_ok());
        prop_assert!(is_safe(&parsed.config.web));
    }

    #[test]
    fn anything_like_a_configuration_gives_a_usable_one(
        lines in proptest::collection::vec(
            (key_or_noise(), prop_oneof!["\"\\PC{0,8}\"", "[0-9.e-]{1,5}", "true", "\\[[0-9, ]{0,4}\\]"])
                .prop_map(|(key, value)| format!("{key} = {value}\n")).boxed()
            .prop_union("\\[{1,2}(web|log|camera|shares|retention|device|wifi|wifi\\.network|a)\\]{1,2}\n".boxed()),
            0..12,
        )
    ) {
        let text: String = lines.concat();
        let parsed = parse_config(&text);
        prop_assert!(parsed.config.shares.validate().is_ok());
        prop_assert!(values::check_segment(parsed.config.segment).is_ok());
        prop_assert!(values::check_slot_size(parsed.config.slot_size).is_ok());
        prop_assert!(is_safe(&parsed.config.web));
        for problem in &parsed.problems {
            prop_assert!(problem.line <= text.matches('\n').count() + 1);
        }
    }

    #[test]
    fn what_is_written_is_read(
        slots in 3u32..1000,
        segment in 1u64..=600,
        mebibytes in 1u64..=1024,
        event in 0.0f64..0.4,
        days in 1u64..1000,
        port: u16,
    ) {
        let segment = Duration::from_secs(segment);
        let text = format!(
            "slots = {slots}\nsegment = \"{}\"\nslot-size = \"{}\"\n[shares]\nevent = {event:?}\n\
             [gps]\nsource = \"gpsd:roof:{days}\"\n[retention]\nmax-age = \"{days}d\"\n[web]\nlisten = \"[::1]:{port}\"\n",
            show_duration(segment),
            show_size(mebibytes << 20),
        );
        let parsed = parse_config(&text);
        prop_assert_eq!(&parsed.problems, &[]);
        let config = parsed.config;
        prop_assert_eq!(config.slots, SlotCount::Count(slots));
        prop_assert_eq!(config.segment, segment);
        prop_assert_eq!(config.slot_size, mebibytes << 20);
        prop_assert_eq!(config.shares.event, event);
        prop_assert_eq!(config.gps.source.to_string(), format!("gpsd:roof:{days}"));
        prop_assert_eq!(config.retention.max_age, Some(Duration::from_secs(days * 86_400)));
        prop_assert_eq!(config.web.listen, SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, port)));
    }
}

/// As a value of a TOML file.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[test]
fn passwords_and_passphrases_are_what_they_are_elsewhere() {
    let passwords = picam_testkit::secrets("password");
    for (text, usable, why) in &passwords {
        let parsed = parse_config(&format!("[web]\npassword = {}\n", quoted(text)));
        let taken = parsed.config.web.password.map(|it| it.reveal().to_owned());
        assert_eq!(taken, usable.then(|| text.clone()), "{why}: {text:?}");
        assert_eq!(parsed.problems.is_empty(), *usable, "{why}: {text:?}");
    }
    let passphrases = picam_testkit::secrets("passphrase");
    for (text, usable, why) in &passphrases {
        let text_of = |at: &str| format!("[wifi]\n{at}passphrase = {}\n", quoted(text));
        let wifi = parse_config(&text_of("")).config.wifi;
        assert_eq!(wifi.passphrase.is_some(), *usable, "{why}: {text:?}");
        let wifi = parse_config(&text_of("[[wifi.network]]\nssid = \"home\"\n"))
            .config
            .wifi;
        assert_eq!(wifi.networks.len(), usize::from(*usable), "{why}: {text:?}");
    }
    assert!(passwords.len() > 10 && passphrases.len() > 10);
}

/// What picam.toml takes can be hashed. (Slow on purpose; so only at the bounds, and what is refused for its length.)
#[test]
fn what_may_be_a_password_can_be_hashed() {
    for (text, usable, why) in picam_testkit::secrets("password") {
        let at_a_bound = text.chars().count() == 8 || text.len() == 1024;
        // Nobody asks a hash for control characters.
        if !text.contains(char::is_control) && (at_a_bound || !usable) {
            assert_eq!(hash_password(&text).is_ok(), usable, "{why}: {text:?}");
        }
    }
}
