//! Factory reset.

use picam_firstboot::card::Erase;
use picam_firstboot::settings::{Host, erase_request};

use crate::camera::{Camera, hash};

fn used() -> Camera {
    let mut camera =
        Camera::with("slots = 5\n[device]\nname = \"kombi\"\nfactory-reset = \"no\" # careful\n");
    camera.boot();
    camera.write("state/journal", "who was where");
    std::fs::create_dir_all(camera.path("state/chrony/deep")).unwrap();
    camera.write("state/chrony/deep/drift", "1.0");
    camera
}

#[test]
fn a_reset_makes_everything_new_and_switches_itself_off() {
    for kind in ["settings", "everything"] {
        let mut camera = used();
        let old = (
            camera.meaning(),
            camera.shown_password(),
            camera.read("state/machine-id"),
        );
        let toml = camera.read("boot/picam.toml");
        camera.write(
            "boot/picam.toml",
            toml.replace("\"no\"", &format!("\"{kind}\"")),
        );
        camera.host.erased = Some(crc32(&camera.read("boot/picam.toml")));
        camera.boot();
        camera.assert_closed_and_usable();
        let new = (
            camera.meaning(),
            camera.shown_password(),
            camera.read("state/machine-id"),
        );
        assert_ne!(new.0.passphrase, old.0.passphrase);
        assert_ne!(new.0.password_hash, old.0.password_hash);
        assert!(new.1.is_some() && new.1 != old.1);
        assert_ne!(new.2, old.2);
        assert!(!camera.has("state/journal") && !camera.has("state/chrony"));
        assert!(camera.has("state/lost+found"));
        let toml = camera.read("boot/picam.toml");
        assert!(
            toml.contains("slots = 5") && toml.contains("factory-reset = \"no\" # careful"),
            "{toml}"
        );
        let before = toml;
        camera.boot();
        assert_eq!(camera.read("boot/picam.toml"), before);
    }
}

fn crc32(toml: &str) -> u32 {
    match erase_request(toml.as_bytes(), |text| {
        crate::camera::FakeHost::default().meaning(text)
    }) {
        Erase::Asked(request) => request,
        Erase::No | Erase::Unknown => 0,
    }
}

#[test]
fn nothing_is_reset_before_the_footage_is_erased() {
    let mut camera = used();
    let toml = camera.read("boot/picam.toml");
    let asked = toml.replace("\"no\"", "\"everything\"");
    camera.write("boot/picam.toml", &asked);
    for erased in [None, Some(crc32(&asked) ^ 1)] {
        camera.host.erased = erased;
        let problems = camera.try_boot().problems;
        assert!(
            problems.len() == 1 && problems[0].contains("not been erased"),
            "{problems:?}"
        );
        assert_eq!(camera.read("boot/picam.toml"), asked);
        assert!(camera.has("state/journal"));
    }
    camera.host.erased = Some(crc32(&asked));
    camera.boot();
    camera.assert_closed_and_usable();
    assert!(!camera.has("state/journal"));
}

#[test]
fn a_password_written_beside_the_reset_is_the_new_one() {
    let mut camera = used();
    let toml = camera
        .read("boot/picam.toml")
        .replace("\"no\"", "\"settings\"");
    camera.write(
        "boot/picam.toml",
        toml.replace("[web]", "[web]\npassword = \"correct horse\""),
    );
    camera.boot();
    camera.assert_closed_and_usable();
    assert_eq!(camera.meaning().password_hash, Some(hash("correct horse")));
}

#[test]
fn words_that_are_no_reset_reset_nothing() {
    for word in ["\"yes\"", "\"Settings\"", "true", "1", "\"settings"] {
        let mut camera = used();
        let before = camera.meaning().passphrase;
        let toml = camera.read("boot/picam.toml");
        camera.write("boot/picam.toml", toml.replace("\"no\"", word));
        camera.boot();
        assert_eq!(camera.meaning().passphrase, before, "{word}");
        assert!(camera.has("state/journal"));
    }
}

#[test]
fn a_broken_state_partition_does_not_prevent_it() {
    let mut camera = used();
    std::fs::remove_dir_all(camera.path("state")).unwrap();
    let toml = camera.read("boot/picam.toml");
    let before = camera.meaning().passphrase;
    camera.write("boot/picam.toml", toml.replace("\"no\"", "\"settings\""));
    let problems = camera.try_boot().problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("cannot be emptied")),
        "{problems:?}"
    );
    let after = camera.meaning().passphrase;
    assert_ne!(after, before);
    camera.try_boot();
    assert_eq!(camera.meaning().passphrase, after, "once");
}

#[test]
fn only_a_clear_word_erases_footage() {
    let host = crate::camera::FakeHost::default();
    let request = |text: &[u8]| erase_request(text, |text| host.meaning(text));
    for keep in [
        "slots = 5",
        "[device]\nfactory-reset = \"no\"",
        "[device]\nfactory-reset = \"settings\"",
        "factory-reset = \"everything\"",
        "[device]\nfactory-reset = \"everything",
        "[wifi]\nfactory-reset = \"everything\"",
    ] {
        assert_eq!(request(keep.as_bytes()), Erase::No, "{keep}");
    }
    for unknown in [
        &b""[..],
        b"\n",
        &[0; 100],
        b"[device]\nfactory-reset = \"everything\"\n\0\0",
    ] {
        assert_eq!(request(unknown), Erase::Unknown);
    }
    let once = request(b"[device]\nfactory-reset = \"everything\"\n");
    assert!(matches!(once, Erase::Asked(_)));
    assert_eq!(request(b"[device]\nfactory-reset = \"everything\"\n"), once);
    assert_ne!(
        request(b"[device]\nfactory-reset = \"everything\" # again\n"),
        once
    );
}
