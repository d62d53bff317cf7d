use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::keys::OTHER_CAMERAS;
use super::*;
use picam_capture::CameraSpec;
use picam_firstboot::settings::{Access as KeyAccess, Reset, public};
use picam_hotspot::{Channel, Mode};
use picam_web::{Access, hash_password};

const DOCUMENTED: &str = include_str!("../../../../docs/picam.toml");
const OWNERS: &str = include_str!("../../../../board/boot/picam.toml");
const DEVICES: &str = include_str!("../../../../board/rootfs/usr/share/picam/device.toml");
const FORM: &str = include_str!("../../../web/page/settings.html");
const FORM_SCRIPT: &str = include_str!("../../../web/page/settings.js");

/// The only problem of a text, as shown to a person.
fn problem(text: &str) -> String {
    let parsed = parse_config(text);
    match &parsed.problems[..] {
        [problem] => problem.to_string(),
        other => panic!("{text}: {other:?}"),
    }
}

/// Every key, as `section.key`.
fn all_keys() -> impl Iterator<Item = (String, &'static table::Key)> {
    keys::all().map(|(section, key)| (section.full(key.name), key))
}

#[test]
fn the_files_that_explain_the_keys_are_made_of_the_table() {
    assert_eq!(
        DOCUMENTED,
        example(None),
        "picam config example >docs/picam.toml"
    );
    assert_eq!(
        OWNERS,
        example(Some(&parse_config(DEVICES).config)),
        "picam config example --defaults board/rootfs/usr/share/picam/device.toml >board/boot/picam.toml"
    );
    let too_wide = |line: &&str| line.len() > 120 && !line.contains("password-hash =");
    assert_eq!(DOCUMENTED.lines().find(too_wide), None);
}

#[test]
fn the_form_has_what_the_page_may_change_and_warns_of_what_interrupts_it() {
    let fields = FORM.split("data-key=\"").skip(1);
    let mut fields: Vec<&str> = fields.filter_map(|rest| rest.split('"').next()).collect();
    // Networks are joined and left as wholes.
    fields.retain(|&key| key != "wifi.network");
    let on_page = all_keys().filter(|(_, key)| key.access.is_on_page());
    let mut on_page: Vec<String> = on_page.map(|(full, _)| full).collect();
    fields.sort_unstable();
    on_page.sort_unstable();
    assert_eq!(fields, on_page);
    let interrupting = all_keys().map(|(full, _)| full);
    let interrupting: Vec<String> = interrupting
        .filter(|full| interrupts_page(full))
        .map(|full| format!("\"{full}\""))
        .collect();
    let list = format!("[{}].filter((key) => key in", interrupting.join(", "));
    assert!(FORM_SCRIPT.contains(&list), "settings.js: {list}");
}

#[test]
fn whoever_has_the_page_cannot_take_footage_or_cameras_away() {
    let never = [
        "device.footage",
        "device.format-disk",
        "device.factory-reset",
        "web.enabled",
        "web.listen",
    ];
    let sections = ["device.", "wifi.", "web.", "log."];
    for (full, key) in all_keys().filter(|(_, key)| key.access.is_on_page()) {
        let in_section = sections.iter().any(|section| full.starts_with(section));
        assert!(
            in_section && !never.contains(&full.as_str()),
            "{full}: {key:?}"
        );
    }
}

#[test]
fn what_is_called_like_a_secret_is_one_and_no_service_sees_it() {
    for (full, key) in all_keys() {
        let is_secret = matches!(key.access, KeyAccess::Secret | KeyAccess::PageSecret);
        assert_eq!(
            is_secret,
            full.contains("pass") && !full.ends_with("-hash"),
            "{full}"
        );
        assert_eq!(
            key.access == KeyAccess::Hash,
            full.ends_with("-hash"),
            "{full}"
        );
        let section = full.rsplit_once('.').map_or("top", |(section, _)| section);
        let text = format!("[{section}]\n{} = \"xyzzy\"\n", key.name);
        let shown = public(text.as_bytes(), &card_keys());
        // What is no hash may be what it should be the hash of.
        assert_eq!(
            shown.contains("xyzzy"),
            !is_secret && key.access != KeyAccess::Hash,
            "{full}: {shown}"
        );
    }
}

#[test]
fn the_documented_file_states_the_defaults() {
    let parsed = parse_config(DOCUMENTED);
    assert_eq!(parsed.problems, []);
    let expected = Config {
        cameras: Some(vec![CameraSpec::parse(DEFAULT_CAMERA).unwrap()]),
        ..Config::default()
    };
    assert_eq!(parsed.config, expected);
}

#[test]
fn the_documented_file_names_every_key_and_its_examples_are_good() {
    // Examples stand behind `#` without a space.
    let examples: String = DOCUMENTED
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
                .unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    // A password goes with a network camera.
    let source = "name = \"front\"\n";
    let (before, behind) = examples.split_once(source).unwrap();
    let behind = behind.replacen("\"auto\"", "\"rtsp://user@camera/stream1\"", 1);
    let examples = [before, source, &behind].concat();
    let parsed = parse_config(&examples);
    assert_eq!(parsed.problems, []);
    let config = &parsed.config;
    assert_eq!(config.cameras.as_ref().map(Vec::len), Some(1));
    assert_eq!(config.wifi.networks.len(), 1);
    assert!(config.wifi.ssid.is_some() && config.wifi.passphrase.is_some());
    assert!(config.web.password.is_some());
    assert_eq!(
        parsed.config.retention.max_age,
        Some(Duration::from_secs(30 * 86_400))
    );
    assert!(parsed.config.web.password_hash.is_some());
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
fn a_problem_says_where_what_and_how() {
    for (text, parts) in [
        (
            "slots = 8\nsegmnt = \"60s\"\n",
            &["2:1: ", "unknown key 'segmnt'", "did you mean 'segment'?"][..],
        ),
        (
            "slotsize = \"1MiB\"",
            &["1:1: ", "did you mean 'slot-size'?"],
        ),
        ("[wep]\n", &["'wep'", "did you mean [web]?"]),
        ("[[cameras]]\n", &["'cameras'", "did you mean [[camera]]?"]),
        (
            "zzz = 1",
            &["'zzz'", "known here: 'footage'", "[[camera]]", "[log]"],
        ),
        (
            "[wifi]\nchannel = 14",
            &["wifi.channel: 14 is no channel", "1 to 13"],
        ),
        (
            "[wifi]\ncountry = \"Germany\"",
            &["wifi.country: 'Germany'", "\"DE\""],
        ),
        (
            "[device]\nfactory-reset = true",
            &["device.factory-reset: true", "\"everything\""],
        ),
        (
            "[wifi.network]\nssid = \"home\"",
            &["networks are a list", "[[wifi.network]]"],
        ),
        (
            "[web]\nslots = 8",
            &["2:1: ", "'slots' in [web]", "goes at the top of the file"],
        ),
        (
            "listen = \"127.0.0.1:80\"",
            &["'listen'", "goes below [web]"],
        ),
        (
            "segment = \"ten\"",
            &["1:11: segment: 'ten' is no length of time", "60s"],
        ),
        (
            "segment = 60",
            &["segment: 60 is no text in quotes", "\"60s\""],
        ),
        (
            "segment = \"2h\"",
            &["segment: a segment of 2h is not possible", "1s to 10m"],
        ),
        ("slots = \"full\"", &["slots: 'full'", "\"fill\""]),
        ("slots = 2", &["slots: 2 slots are not possible", "3 to"]),
        ("slots = -5", &["slots: -5"]),
        (
            "slot-size = \"16MB\"",
            &["slot-size: '16MB' is no size", "MiB"],
        ),
        (
            "slot-size = 5000000",
            &["slot-size: slots of 5000000", "4KiB"],
        ),
        (
            "slot-size = \"64KiB\"",
            &["slots of 64KiB", "1MiB to 16GiB"],
        ),
        ("reserve = \"101%\"", &["reserve: '101%'", "\"90%\""]),
        ("footage = \"\"", &["footage: the directory has no name"]),
        (
            "system-clock = \"yes\"",
            &["system-clock: 'yes' is no yes or no", "true or false"],
        ),
        ("web = 8080", &["'web' is a section", "[web]"]),
        (
            "[web]\nlisten = \"8080\"",
            &["2:10: web.listen: '8080'", "127.0.0.1:8080"],
        ),
        (
            "[web]\nlisten = \"0.0.0.0:80\"",
            &["web.listen: 0.0.0.0:80 is open to others", "picam password"],
        ),
        (
            "[log]\nformat = \"xml\"",
            &["log.format: 'xml'", "\"json\""],
        ),
        ("[log]\nlevel = \"3\"", &["log.level: '3'", "\"info\""]),
        (
            "[shares]\nevent = 30",
            &["shares.event: 30 is no share", "0.0 to 1.0"],
        ),
        (
            "[shares]\nevent = 0.8\n",
            &["shares add up to 1.00", "at or below 0.90"],
        ),
        (
            "[retention]\nmax-age = \"0d\"",
            &["retention.max-age: nothing could be kept", "30d"],
        ),
        (
            "[gps]\nsource = \"serial:ttyS0\"",
            &[
                "gps.source: 'serial:ttyS0' is no GPS source",
                "gpsd:HOST:PORT",
            ],
        ),
        (
            "[motion]\nsensor = \"bma180\"",
            &["motion.sensor: 'bma180' is no accelerometer", "lis3dh"],
        ),
        (
            "[motion]\nimpact = \"loud\"",
            &["motion.impact: 'loud' is no sensitivity", "\"medium\""],
        ),
        (
            "[microphone]\nsource = \"hw:1\"",
            &[
                "microphone.source: 'hw:1' is no microphone",
                "alsa:plughw:CARD=Device",
            ],
        ),
        (
            "[overlay]\ncolour = \"pink\"",
            &["overlay.colour: 'pink' is no colour", "#ffcc00"],
        ),
        (
            "[overlay]\nsize = 1",
            &["overlay.size: 1 is no size", "2 to 20"],
        ),
        (
            "[overlay]\ntext = \"a\\nb\"",
            &["overlay.text:", "on one line"],
        ),
        (
            "[stills]\nevery = \"500h\"",
            &[
                "stills.every: '500h' is no time between stills",
                "\"1s\" to \"1d\"",
            ],
        ),
        (
            "[stills]\nquality = 101",
            &["stills.quality: 101 is no quality", "1 to 100"],
        ),
        (
            "[stills]\nfor = \"8h\"",
            &[
                "stills.for: no still is taken by itself",
                "set stills.every, too",
            ],
        ),
        (
            "[stills]\nroom = \"64KiB\"",
            &[
                "stills.room: '64KiB' is no room for stills",
                "\"1MiB\" or more",
            ],
        ),
        (
            "[battery]\ngauge = \"ina219\"",
            &[
                "battery.gauge: 'ina219' is no battery gauge",
                "ina219:0x43?cells=1",
            ],
        ),
        (
            "[[camera]]\nname = \"front\"",
            &["camera has no source", "source = \"sim:\""],
        ),
        ("[[camera]]\nsource = \"sim:\"", &["camera has no name"]),
        (
            "[camera]\nname = \"front\"",
            &["cameras are a list", "[[camera]]"],
        ),
        ("camera = [1]", &["this is no camera"]),
        (
            "[[camera]]\nname = \"front\"\nsource = \"sim:?fps=99\"",
            &["3:10: ", "fps=99", "1 to 60"],
        ),
        (
            "[[camera]]\nname = \"a=file\"\nsource = \"sim:\"",
            &["holds '='", "'a'"],
        ),
        ("slots = \n", &["1:", "not TOML"]),
        ("slots = 5\nslots = 6\n", &["2:1: ", "not TOML"]),
    ] {
        let shown = problem(text);
        for part in parts {
            assert!(shown.contains(part), "{text:?}: {shown}");
        }
    }
}

#[test]
fn a_password_in_the_wrong_place_is_not_repeated() {
    let shown = problem("[web]\npassword-hash = \"hunter2hunter2\"");
    assert!(
        shown.contains("picam password") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn one_slip_costs_one_key() {
    let parsed = parse_config(
        "slots = 7\nsegment = oops\n[[camera]]\nname = \"rear\"\nsource = \"sim:\"\n\
         [[camera]]\nname = \"rear\"\nsource = \"sim:\"\n[log]\nformat = \"json\"\n",
    );
    assert_eq!(parsed.problems.len(), 2, "{:?}", parsed.problems);
    assert_eq!(parsed.problems[0].line, 2);
    assert!(parsed.problems[1].what.contains("two cameras"));
    let config = parsed.config;
    assert_eq!(config.slots, SlotCount::Count(7));
    assert_eq!(config.segment, Config::default().segment);
    assert_eq!(config.cameras.unwrap().len(), 1);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn all_bad_cameras_are_no_cameras_rather_than_the_simulated_one() {
    let parsed = parse_config("[[camera]]\nname = \"front\"\nsource = \"webcam\"\n");
    assert_eq!(parsed.config.cameras, Some(Vec::new()));
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
fn a_slip_never_sends_footage_elsewhere_and_never_formats() {
    for value in [
        "footage = \"disk\"",
        "footage = true",
        "format-disk = true",
        "format-disk = \"two words\"",
    ] {
        let parsed = parse_config(&format!("[device]\n{value}\n"));
        assert_eq!(parsed.problems.len(), 1, "{value}");
        assert_eq!(parsed.config.device, Device::default(), "{value}");
    }
    // As a reset of the word leaves it.
    let empty = parse_config("[device]\nformat-disk = \"\"\n");
    assert_eq!(
        (empty.problems, empty.config.device),
        (vec![], Device::default())
    );
}

#[test]
fn a_slip_in_a_network_never_makes_it_an_open_one() {
    let parsed = parse_config(
        "[[wifi.network]]\nssid = \"home\"\npassphrase = \"1234567\"\n\
         [[wifi.network]]\nssid = \"other\"\npasphrase = \"12345678\"\n",
    );
    assert!(
        parsed.problems[0]
            .to_string()
            .contains("8 to 63 characters")
    );
    assert!(!parsed.problems[0].to_string().contains("1234567"));
    assert!(parsed.problems[1].remedy.contains("'passphrase'"));
    let names: Vec<&str> = parsed
        .config
        .wifi
        .networks
        .iter()
        .map(|network| network.ssid.as_str())
        .collect();
    // The second one is reported, and asks for no passphrase: it can only fail to join.
    assert_eq!(names, ["other"]);
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
