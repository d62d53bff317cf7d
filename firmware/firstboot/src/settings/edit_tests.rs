use proptest::prelude::*;

use super::*;
use crate::settings::credentials::{HASH, PASSPHRASE, PASSWORD};

#[test]
fn a_value_is_changed_where_it_stands() {
    let text = "# mine\n[wifi]  # radio\npassphrase   =  'old one'   # keep me\nmode=\"off\"\n";
    assert_eq!(
        set(text, PASSPHRASE, "abcd-efgh", None),
        "# mine\n[wifi]  # radio\npassphrase   =  \"abcd-efgh\"   # keep me\nmode=\"off\"\n"
    );
}

#[test]
fn a_hash_takes_the_place_of_its_password() {
    let text = "[web]\r\n# The page's password:\r\npassword = \"secret!!\" # for Oma\r\nenabled = true\r\n";
    assert_eq!(
        set(text, HASH, "$argon2id$x", Some(PASSWORD)),
        "[web]\r\n# The page's password:\r\npassword-hash = \"$argon2id$x\" # for Oma\r\nenabled = true\r\n"
    );
    let both = "[web]\n# one\npassword = \"secret!!\"\n# two\npassword-hash = \"old\"\n";
    let hashed = remove(&set(both, HASH, "new", Some(PASSWORD)), PASSWORD);
    assert_eq!(hashed, "[web]\n# one\n# two\npassword-hash = \"new\"\n");
}

#[test]
fn all_ways_of_writing_a_section_are_understood() {
    for text in [
        "",
        "slots = 5",
        "[web]\n",
        "web.enabled = true\n",
        "web = { enabled = true }\n",
        "[web]\nenabled = true\n[[camera]]\nname = \"a\"\n",
        "[web.more]\nx = 1\n",
        "[\"web\"]\n'password' = \"secret!!\"\n",
        "web.password = \"secret!!\"\nweb.enabled = true\n",
        "web = { enabled = true, password = \"secret!!\" }\n",
        "[web]\npassword = '''\nsecret!!'''\nx = 1\n",
    ] {
        let edited = remove(&set(text, HASH, "hash", Some(PASSWORD)), PASSWORD);
        assert_eq!(
            string(&edited, HASH).as_deref(),
            Some("hash"),
            "{text} -> {edited}"
        );
        assert!(!edited.contains("secret!!"), "{text} -> {edited}");
        let (before, after) = (remove(text, PASSWORD), remove(&edited, HASH));
        let with_section = set(&before, HASH, "x", None);
        assert_eq!(
            means(&after),
            means(&remove(&with_section, HASH)),
            "{text} -> {edited}"
        );
    }
}

#[test]
fn a_list_of_networks_gets_a_passphrase_above_it() {
    let text = "[[wifi.network]]\nssid = \"home\"\n";
    let edited = set(text, PASSPHRASE, "abcd-efgh", None);
    assert_eq!(
        string(&edited, PASSPHRASE).as_deref(),
        Some("abcd-efgh"),
        "{edited}"
    );
    let document: DocumentMut = edited.parse().unwrap();
    let network = document["wifi"]["network"].as_array_of_tables().unwrap();
    assert_eq!(network.get(0).unwrap()["ssid"].as_str(), Some("home"));
}

#[test]
fn what_is_no_section_becomes_a_comment() {
    for text in [
        "wifi = 5\nslots = 1\n",
        "[[wifi]]\nx = 1\n[[wifi]]\nx = 2\n[log]\n",
    ] {
        let edited = make_section(text, "wifi");
        assert!(edited.contains("[wifi] is a section"), "{edited}");
        let edited = set(&edited, PASSPHRASE, "abcd-efgh", None);
        assert!(string(&edited, PASSPHRASE).is_some(), "{edited}");
        assert!(
            edited.contains("slots = 1") || edited.contains("#x = 2"),
            "{edited}"
        );
    }
    for text in ["", "[wifi]\n", "wifi.x = 1", "not TOML ="] {
        assert_eq!(make_section(text, "wifi"), text);
    }
}

#[test]
fn new_lines_end_as_the_others_do() {
    let edited = set("slots = 5\r\n\r\n[log]\r\n", PASSPHRASE, "abcd-efgh", None);
    assert_eq!(
        edited.matches('\n').count(),
        edited.matches("\r\n").count(),
        "{edited:?}"
    );
    let edited = set("slots = 5\n", PASSPHRASE, "abcd-efgh", None);
    assert!(!edited.contains('\r'));
}

/// TOML as people write it, with and without our keys.
fn document() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("[web]".to_owned()),
        Just("[wifi]".to_owned()),
        Just("[[wifi.network]]".to_owned()),
        Just("web.password = 'x'".to_owned()),
        Just("web = { password = 'x', a = [1, 2] }".to_owned()),
        "password(-hash)? = \"[a-z]{0,3}\" *(# [a-z]{0,4})?",
        "passphrase = ([0-9]|'[a-z]{0,9}')",
        "[a-c] = (1|\"x\"|\\[ 1,\n 2 \\]|\\{ q = 1 \\}|'''\n[a-z]''')",
        "# [a-zü]{0,6}",
        Just(String::new()),
    ];
    (proptest::collection::vec(line, 0..14), "\r?\n").prop_map(|(lines, end)| {
        let text = lines.join(&end);
        // Keys that appear twice and the like become comments.
        super::super::text::make_sound(&text).text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn editing_changes_one_key_and_loses_none(text in document(), value in "[ -~ü\"]{0,20}") {
        let text = make_section(&make_section(&text, "web"), "wifi");
        for (place, instead_of) in [(PASSPHRASE, None), (HASH, Some(PASSWORD)), (PASSWORD, None)] {
            let edited = set(&text, place, &value, instead_of);
            prop_assert_eq!(string(&edited, place), Some(value.clone()), "{}", edited);
            let replaced = instead_of.filter(|_| !has(&text, place));
            let rest = |text: &str| {
                let text = remove(text, place);
                let text = replaced.map_or(text.clone(), |old| remove(&text, old));
                // An empty section means nothing.
                means(&set(&text, place, "", None))
            };
            prop_assert_eq!(rest(&edited), rest(&text), "{}\n->\n{}", text, edited);
            let comments = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
            prop_assert_eq!(comments(&edited), comments(&text), "{}\n->\n{}", text, edited);
            prop_assert_eq!(set(&edited, place, &value, instead_of), edited);
        }
    }

    #[test]
    fn removing_takes_one_key(text in document()) {
        let text = make_section(&text, "web");
        let without = remove(&text, PASSWORD);
        prop_assert!(!has(&without, PASSWORD));
        prop_assert_eq!(string(&without, HASH), string(&text, HASH));
        prop_assert_eq!(remove(&without, PASSWORD), without);
    }

    #[test]
    fn anything_may_come_in(text in any::<String>(), value in any::<String>()) {
        let _ = make_section(&text, "wifi");
        let _ = set(&text, PASSPHRASE, &value, Some(PASSWORD));
        let _ = remove(&text, PASSPHRASE);
    }
}
