//! Settings that somebody at the page changes.

use std::collections::BTreeMap;

use picam_control::settings::{JoinNetwork, KnownNetwork, SettingsChange};
use picam_firstboot::settings::{ChangeError, RealFiles, change, view};

use crate::camera::{Camera, KEYS, hash};

const TEXT: &str = "# My van.\nslots = 5\n\n[device]\nname = \"picam\" # short\n\n[shares]\nevent = 0.3\n\n\
    [wifi]\nmode = \"hotspot\"\npassphrase = \"first passphrase\"\n\n[web]\npassword-hash = \"$argon2id$old\"\n";

fn set(pairs: &[(&str, &str)]) -> SettingsChange {
    let set = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned())));
    SettingsChange {
        set: set.collect::<BTreeMap<_, _>>(),
        ..SettingsChange::default()
    }
}

fn unset(key: &str) -> SettingsChange {
    SettingsChange {
        set: [(key.to_owned(), None)].into(),
        ..SettingsChange::default()
    }
}

fn leave(ssid: &str) -> SettingsChange {
    SettingsChange {
        leave: vec![ssid.to_owned()],
        ..SettingsChange::default()
    }
}

fn join(ssid: &str, passphrase: Option<&str>) -> SettingsChange {
    SettingsChange {
        join: vec![JoinNetwork {
            ssid: ssid.into(),
            passphrase: passphrase.map(str::to_owned),
        }],
        ..SettingsChange::default()
    }
}

/// Values that are called "bad" are wrong.
fn wrong(text: &str) -> Vec<String> {
    let bad = text.contains("\"bad");
    bad.then(|| "a value is wrong".to_owned())
        .into_iter()
        .collect()
}

fn make(camera: &mut Camera, requested: &SettingsChange) -> Result<(), ChangeError> {
    let paths = camera.paths();
    change(
        &mut RealFiles,
        &mut camera.host,
        &paths,
        requested,
        KEYS,
        wrong,
    )
}

#[test]
fn values_change_and_the_owners_words_stay() {
    let mut camera = Camera::with(TEXT);
    make(
        &mut camera,
        &set(&[
            ("device.name", "van"),
            ("device.time-zone", "Europe/Berlin"),
            ("wifi.passphrase", "second passphrase"),
        ]),
    )
    .unwrap();
    let after = camera.read("boot/picam.toml");
    let expected = TEXT
        .replace(
            "\"picam\" # short",
            "\"van\" # short\ntime-zone = \"Europe/Berlin\"",
        )
        .replace("first passphrase", "second passphrase");
    assert_eq!(after, expected);
    // The partition is read-only again.
    assert!(!*camera.host.writable.borrow());
}

#[test]
fn a_password_is_kept_as_its_hash_alone() {
    let mut camera = Camera::with(TEXT);
    make(&mut camera, &set(&[("web.password", "correct horse")])).unwrap();
    let after = camera.read("boot/picam.toml");
    assert!(
        after.contains(&hash("correct horse")) && !after.contains("$argon2id$old"),
        "{after}"
    );
    assert!(!after.contains("password = "), "{after}");
}

#[test]
fn viewers_get_a_password_and_lose_it() {
    let mut camera = Camera::with(TEXT);
    make(&mut camera, &set(&[("web.viewer-password", "only look")])).unwrap();
    let after = camera.read("boot/picam.toml");
    let line = format!("viewer-password-hash = \"{}\"", hash("only look"));
    assert!(
        after.contains(&line) && !after.contains("only look"),
        "{after}"
    );
    assert!(after.contains("$argon2id$old"), "{after}");
    let seen = view(after.as_bytes(), KEYS);
    assert_eq!(seen.secrets.get("web.viewer-password"), Some(&true));
    make(&mut camera, &unset("web.viewer-password")).unwrap();
    assert_eq!(camera.read("boot/picam.toml"), TEXT);
}

#[test]
fn a_key_goes_back_to_its_default() {
    let mut camera = Camera::with(TEXT);
    make(&mut camera, &unset("wifi.mode")).unwrap();
    make(&mut camera, &unset("wifi.country")).unwrap();
    let expected = TEXT.replace("mode = \"hotspot\"\n", "");
    assert_eq!(camera.read("boot/picam.toml"), expected);
}

#[test]
fn what_is_kept_and_who_records_is_not_the_pages_to_change() {
    let mut camera = Camera::with(TEXT);
    for key in [
        "slots",
        "shares.event",
        "retention.max-age",
        "camera.source",
        "footage",
        "device.footage",
        "device.format-disk",
        "device.factory-reset",
        "web.listen",
        "web.enabled",
        "web.password-hash",
        "wifi.network",
        "",
        ".",
    ] {
        let refused = make(&mut camera, &set(&[(key, "x")]));
        assert!(
            matches!(refused, Err(ChangeError::NotHere(_))),
            "{key}: {refused:?}"
        );
    }
    // Nor together with something that is.
    let refused = make(&mut camera, &set(&[("device.name", "van"), ("slots", "3")]));
    assert!(refused.is_err());
    // Nor by a value that goes on as another key.
    make(
        &mut camera,
        &set(&[("wifi.ssid", "x\"\n[shares]\nevent = 0.0\n#")]),
    )
    .unwrap();
    let after = camera.read("boot/picam.toml");
    let document: toml_edit::DocumentMut = after.parse().unwrap();
    assert_eq!(document["shares"]["event"].as_float(), Some(0.3), "{after}");
    assert_eq!(document.len(), 5, "{after}");
}

#[test]
fn a_value_that_would_not_be_used_changes_nothing() {
    let mut camera = Camera::with(TEXT);
    for (requested, where_) in [
        (
            set(&[("device.time-zone", "good"), ("device.name", "bad name")]),
            "device.name",
        ),
        (join("bad", None), "wifi.network"),
        (unset("wifi.passphrase"), "wifi.passphrase"),
        (unset("web.password"), "web.password"),
    ] {
        let refused = make(&mut camera, &requested).unwrap_err();
        assert!(
            matches!(
                refused,
                ChangeError::Unusable { .. } | ChangeError::Needed(_)
            ),
            "{refused:?}"
        );
        assert_eq!(refused.key(), Some(where_));
    }
    assert_eq!(camera.read("boot/picam.toml"), TEXT);
    assert_eq!(camera.host.remounts.get(), 0);
}

#[test]
fn networks_are_added_replaced_and_bounded() {
    let mut camera = Camera::with(TEXT);
    make(&mut camera, &join("home", Some("12345678"))).unwrap();
    make(&mut camera, &join("home", Some("87654321"))).unwrap();
    make(&mut camera, &join("open", None)).unwrap();
    let after = camera.read("boot/picam.toml");
    assert!(
        after.contains("87654321") && !after.contains("12345678"),
        "{after}"
    );
    let seen = view(after.as_bytes(), KEYS);
    assert_eq!(
        seen.networks,
        [("home", true), ("open", false)].map(|(ssid, passphrase)| KnownNetwork {
            ssid: ssid.into(),
            passphrase,
        })
    );
    for n in 2..8 {
        make(&mut camera, &join(&format!("net{n}"), None)).unwrap();
    }
    assert!(matches!(
        make(&mut camera, &join("one more", None)),
        Err(ChangeError::TooMany)
    ));
    // One that goes makes room; whatever has no such name stays.
    make(&mut camera, &leave("open")).unwrap();
    make(&mut camera, &leave("nobody's")).unwrap();
    let after = camera.read("boot/picam.toml");
    assert_eq!(view(after.as_bytes(), KEYS).networks.len(), 7, "{after}");
    assert!(!after.contains("\"open\""), "{after}");
    make(&mut camera, &join("one more", None)).unwrap();
    // What cannot be added to is left as it is.
    let mut inline = Camera::with("wifi = { mode = \"hotspot\" }\n");
    assert!(matches!(
        make(&mut inline, &join("home", None)),
        Err(ChangeError::Form)
    ));
}

#[test]
fn secrets_are_only_said_to_be_there() {
    let seen = view(
        format!("{TEXT}\n[[wifi.network]]\nssid = \"home\"\npassphrase = \"12345678\"\n")
            .as_bytes(),
        KEYS,
    );
    let shown = format!("{seen:?}");
    for secret in ["first passphrase", "12345678", "argon2id"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(seen.secrets.get("web.password"), Some(&true));
    assert_eq!(seen.secrets.get("wifi.passphrase"), Some(&true));
    assert_eq!(
        seen.values.get("device.name"),
        Some(&Some("picam".to_owned()))
    );
    assert_eq!(seen.values.get("wifi.ssid"), Some(&None));
    let none = view(b"", KEYS);
    assert!(none.secrets.values().all(|is_set| !is_set), "{none:?}");
}

#[test]
fn without_a_whole_file_nothing_is_changed() {
    for text in ["", "\0\0\0\0"] {
        let mut camera = Camera::with(text);
        let refused = make(&mut camera, &set(&[("device.name", "van")]));
        assert!(matches!(refused, Err(ChangeError::NoFile)), "{refused:?}");
        assert_eq!(camera.read("boot/picam.toml"), text);
    }
}
