use proptest::prelude::*;

use super::*;

include!("../../tests/settings/keys.rs");

fn public(bytes: &[u8]) -> String {
    super::public(bytes, KEYS)
}

fn for_hotspot(bytes: &[u8]) -> String {
    super::for_hotspot(bytes, KEYS)
}

/// Wherever one may stand: it must not be in what services read.
const SECRET: &str = "xyzzy plugh";

#[track_caller]
fn assert_hidden(text: &str) -> String {
    let shown = public(text.as_bytes());
    assert!(
        !shown.contains("xyzzy") && !shown.contains("plugh"),
        "{text}\n---\n{shown}"
    );
    assert_eq!(
        shown.matches('\n').count(),
        text.matches('\n').count(),
        "{text}\n---\n{shown}"
    );
    shown
}

/// A token that stands where its hash belongs opens the page to whoever reads it.
#[test]
fn the_hash_of_a_token_stays_and_a_token_goes() {
    let digits = "0123456789abcdef".repeat(4);
    for role in ["viewer", "owner"] {
        let line = format!("[web]\ntoken-hash = \"{role}-{digits}\"\n");
        assert_eq!(public(line.as_bytes()), line);
    }
    for token in [
        format!("picam-{digits}"),
        format!("viewer-{digits}0"),
        format!("viewer-{}", &digits[1..]),
        format!("viewer-{}g", &digits[1..]),
        digits.clone(),
    ] {
        let shown = public(format!("[web]\ntoken-hash = \"{token}\"\n").as_bytes());
        assert!(!shown.contains("0123456789"), "{token}: {shown}");
    }
}

#[test]
fn secrets_go_and_the_rest_keeps_its_line() {
    let text = format!(
        "# old: {SECRET}\nsegment = \"10s\" # {SECRET}\n\n[wifi]\nmode = \"hotspot+station\"\nssid = \"a # b\"\n\
         passphrase = \"{SECRET}\" # mine\n[[wifi.network]]\nssid = \"home\"\npassphrase = '{SECRET}'\n\n[web]\n\
         password = \"\"\"\n{SECRET}\n\"\"\"\npassword-hash = \"$argon2id$v=19$x\"\nenabled = true\n\
         #password = \"{SECRET}\"\n[[camera]]\nname = \"front\"\nsource = \"sim:?size=1280x720#x\"\n"
    );
    let shown = assert_hidden(&text);
    assert_eq!(
        shown,
        "\nsegment = \"10s\" \n\n[wifi]\nmode = \"hotspot+station\"\nssid = \"a # b\"\n\
         passphrase = \"********\" \n[[wifi.network]]\nssid = \"home\"\npassphrase = \"********\"\n\n[web]\n\
         \n\n\npassword-hash = \"$argon2id$v=19$x\"\nenabled = true\n\
         \n[[camera]]\nname = \"front\"\nsource = \"sim:?size=1280x720#x\"\n"
    );
}

#[test]
fn wherever_a_secret_stands() {
    for text in [
        "wifi.passphrase = \"S\"\nslots = 3\n",
        "wifi = { mode = \"hotspot\", passphrase = \"S\" }\nslots = 3\n",
        "web = { password = \"S\", enabled = true }\nslots = 3\n",
        "web.password = \"S\"\nslots = 3\n",
        // A slip in the name, another type, a section of one's own
        "slots = 3\n[wifi]\npasphrase = \"S\"\n",
        "slots = 3\n[wifi]\npassphrase = [\"S\"]\n",
        "slots = 3\n[wifi.passphrase]\nmine = \"S\"\n",
        "slots = 3\n[web]\nlogin = \"S\"\n",
        "slots = 3\n[hotspot]\npsk = \"S\"\n",
        "slots = 3\npassword = \"S\"\n",
        // The password in the hash's place
        "slots = 3\n[web]\npassword-hash = \"S\"\n",
        // Lines that are no TOML
        "slots = 3\n[wifi]\npassphrase = S\n",
        "slots = 3\n[wifi]\npassphrase = \"S\n",
        "slots = 3\nS\n",
        "slots = 3\r\n[wifi]\r\npassphrase = \"S\"\r\n",
        "slots = 3\n[wifi]\n#passphrase = \"S\"",
    ] {
        let shown = assert_hidden(&text.replace('S', SECRET));
        assert!(shown.contains("slots = 3"), "{shown}");
    }
}

#[test]
fn broken_lines_are_still_broken_in_their_places() {
    let shown = assert_hidden("slots = 3\nsegment = = 10s\n[wifi]\nmode = \"off\"\n");
    assert_eq!(shown, "slots = 3\n?\n[wifi]\nmode = \"off\"\n");
}

#[test]
fn files_of_editors_and_power_cuts() {
    assert_eq!(public(b""), "");
    assert_eq!(public(&[0; 4096]), "");
    let utf16: Vec<u8> = "\u{feff}slots = 3\n[wifi]\npassphrase = \"xyzzy123\"\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let shown = public(&utf16);
    assert!(
        shown.contains("slots = 3") && !shown.contains("xyzzy"),
        "{shown}"
    );
    let ansi = public(b"[device]\nname = \"M\xfcller\"\n[web]\npassword = \"xyzzy123\"\n");
    assert!(
        ansi.contains("M\u{fc}ller") && !ansi.contains("xyzzy"),
        "{ansi}"
    );
}

#[test]
fn the_recorder_gets_the_cameras_with_their_passwords_and_nothing_else() {
    let text = "# old: xyzzy\nsegment = \"10s\"\n[wifi]\npassphrase = \"xyzzy plugh\"\n[[camera]]\nname = \"gate\"\n\
        source = \"rtsp://me@h/x#sound=off\" # mine\npassword = 'correct horse'\n[[camera]]\nname = \"yard\"\n\
        [web]\npassword = \"xyzzy\"\n";
    let shown = for_recorder(text.as_bytes(), KEYS);
    assert_eq!(
        shown,
        "\n\n[wifi]\npassphrase = \"********\"\n[[camera]]\nname = \"gate\"\nsource = \"rtsp://me@h/x#sound=off\" \n\
         password = 'correct horse'\n[[camera]]\nname = \"yard\"\n[web]\n\n"
    );
    let everybody = public(text.as_bytes());
    assert!(everybody.contains("rtsp://me@h/x#sound=off") && !everybody.contains("horse"));
    // In the URL, where it is refused.
    let refused = assert_hidden("[[camera]]\nsource = \"rtsp://me:xyzzy@h:554/x\"\n");
    assert!(
        refused.contains("source = \"rtsp://user:********@camera\""),
        "{refused}"
    );
    let plain = "[[camera]]\nsource = \"rtsp://h:554/x@y\"\n";
    assert_eq!(public(plain.as_bytes()), plain);
    // A slip in its name.
    let slip = public(b"[[camera]]\nname = \"gate\"\npasword = \"xyzzy\"\n");
    assert!(slip.contains("gate") && !slip.contains("xyzzy"), "{slip}");
}

#[test]
fn the_radio_gets_its_sections_with_passphrases_and_nothing_else() {
    let text = "# old: xyzzy\nsegment = \"10s\"\n[device]\nname = \"van\" # mine\nlogin-token = \"xyzzy\"\n\
        [wifi]\nmode = = \"off\"\nssid = \"a # b\"\npassphrase = \"correct horse\"\npasphrase = 1\n\
        [[wifi.network]]\nssid = \"home\"\npassphrase = 'battery staple'\n\
        [web]\npassword = \"xyzzy\"\npassword-hash = \"$argon2id$xyzzy\"\nlisten = \"xyzzy\"\n[log]\nlevel = \"debug\"\n\
        [[camera]]\nsource = \"rtsp://me:xyzzy@there\"\n";
    let shown = for_hotspot(text.as_bytes());
    assert_eq!(
        shown,
        "\n\n[device]\nname = \"van\" \n\n\
         [wifi]\n?\nssid = \"a # b\"\npassphrase = \"correct horse\"\npasphrase = 1\n\
         [[wifi.network]]\nssid = \"home\"\npassphrase = 'battery staple'\n\
         [web]\n\n\n\n[log]\nlevel = \"debug\"\n\
         [[camera]]\n\n"
    );
    for (text, kept) in [
        (
            "wifi = { ssid = \"a\", passphrase = \"correct horse\" }\n",
            true,
        ),
        ("wifi.passphrase = \"correct horse\"\n", true),
        ("web = { password = \"correct horse\" }\n", false),
        ("web.password = \"correct horse\"\n", false),
        ("[wifii]\npassphrase = \"correct horse\"\n", false),
        ("[wifi]\npassphrase = \"correct horse\n", false),
    ] {
        let shown = for_hotspot(text.as_bytes());
        assert_eq!(shown.contains("correct horse"), kept, "{text}: {shown}");
    }
    assert_eq!(for_hotspot(&[0; 512]), "");
}

/// The camera's own example keeps its meaning, whatever is switched on in it.
#[test]
fn the_owners_file_keeps_its_meaning() {
    let file = include_str!("../../../../board/boot/picam.toml");
    let all: String = file
        .lines()
        .map(|line| {
            let example = line
                .strip_prefix('#')
                .filter(|it| it.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()));
            format!("{}\n", example.unwrap_or(line))
        })
        .collect();
    let parsed = |text: &str| text.parse::<toml_edit::DocumentMut>().unwrap();
    let (mut before, after) = (parsed(&all), parsed(&public(all.as_bytes())));
    let cameras = before["camera"].as_array_of_tables_mut().unwrap();
    assert!(
        cameras
            .iter_mut()
            .all(|camera| camera.remove("password").is_some())
    );
    for (name, section) in before.iter() {
        let Some(table) = section.as_table() else {
            assert_eq!(
                after[name].to_string().trim(),
                section.to_string().trim(),
                "{name}"
            );
            continue;
        };
        for (key, value) in table.iter() {
            let shown = after.get(name).and_then(|section| section.get(key));
            match (name, key) {
                ("wifi", "passphrase" | "network") => {}
                ("web", "password" | "viewer-password") => assert!(shown.is_none(), "{shown:?}"),
                _ => assert_eq!(
                    shown.map(|it| it.to_string().trim().to_owned()),
                    Some(value.to_string().trim().to_owned()),
                    "{name}.{key}"
                ),
            }
        }
    }
    assert!(!public(all.as_bytes()).contains("correct horse"));
}

proptest! {
    /// Whatever else is in the file, broken or not.
    #[test]
    fn a_secret_never_gets_out(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("[wifi]".to_owned()),
                Just("[[wifi.network]]".to_owned()),
                Just("[web]".to_owned()),
                Just("passphrase = \"xyzzy plugh\"".to_owned()),
                Just("password = 'xyzzy plugh' # xyzzy".to_owned()),
                Just("password = \"\"\"xyzzy".to_owned()),
                Just("plugh\"\"\"".to_owned()),
                Just("passphrase = \"xyzzy".to_owned()),
                Just("password = [ \"xyzzy\",".to_owned()),
                Just("]".to_owned()),
                Just("ssid = \"#\" # xyzzy".to_owned()),
                Just("network = [{ ssid = \"a\", passphrase = \"xyzzy\" }]".to_owned()),
                "[ -!#-~]{0,12}",
            ],
            0..12,
        ),
        end in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let text: String = lines.iter().map(|line| format!("{line}{end}")).collect();
        let shown = public(text.as_bytes());
        prop_assert!(!shown.contains("xyzzy") && !shown.contains("plugh"), "{}\n---\n{}", text, shown);
    }
}
