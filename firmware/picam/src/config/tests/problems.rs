//! What is said of slips, and that each costs no more than it must.

use super::*;

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
