//! `picam.toml` as people leave it: broken, torn, in any encoding.

use crate::camera::{Camera, hash};

#[test]
fn a_typing_mistake_loses_nothing() {
    let text = "slots = 5\n[device]\nname = \"kombi\ntime-zone = \"Europe/Berlin\"\n[web]\n\
         password = \"correct horse\"\nenabled = ture\n[[wifi.network]]\nssid = \"home\"\n";
    let mut camera = Camera::with(text);
    camera.boot();
    camera.assert_closed_and_usable();
    let after = camera.read("boot/picam.toml");
    for kept in [
        "slots = 5",
        "#name = \"kombi",
        "#enabled = ture",
        "ssid = \"home\"",
        "cannot read",
    ] {
        assert!(after.contains(kept), "{kept}:\n{after}");
    }
    assert_eq!(camera.meaning().password_hash, Some(hash("correct horse")));
    assert!(!after.contains("correct horse"));
    assert_eq!(
        camera.read("run/device.env"),
        "TZ=Europe/Berlin\nPICAM_NAME=picam\n"
    );
    // The owner corrects it.
    camera.write(
        "boot/picam.toml",
        after.replace("#name = \"kombi", "name = \"kombi\""),
    );
    camera.boot();
    assert_eq!(camera.read("run/hostname"), "kombi\n");
}

#[test]
fn any_bytes_leave_a_closed_and_usable_camera() {
    let utf16 = |text: &str| {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    for bytes in [
        b"".to_vec(),
        b"\r\n".to_vec(),
        vec![0; 8192],
        vec![0xff; 3000],
        (0..=255).cycle().take(5000).collect(),
        b"slots = 5\n[wifi\0\0\0\0\0\0".to_vec(),
        utf16("[device]\r\nname = \"kombi\"\r\n"),
        b"# f\xfcr Oma\n[device]\nname = \"kombi\"\n".to_vec(),
    ] {
        let named = bytes
            .windows(5)
            .any(|five| five == b"kombi" || five == b"k\0o\0m");
        let mut camera = Camera::with("");
        camera.write("boot/picam.toml", &bytes);
        camera.boot();
        camera.assert_closed_and_usable();
        let name = if named { "kombi\n" } else { "picam\n" };
        assert_eq!(camera.read("run/hostname"), name);
        let after = camera.read("boot/picam.toml");
        camera.boot();
        assert_eq!(camera.read("boot/picam.toml"), after);
    }
}

#[test]
fn a_lost_file_is_made_from_the_template() {
    for lost in [None, Some(&[0; 512][..])] {
        let mut camera = Camera::with("");
        camera.write(
            "run/template.toml",
            "# all keys explained\n[device]\nfactory-reset = \"no\"\n",
        );
        match lost {
            None => std::fs::remove_file(camera.path("boot/picam.toml")).unwrap(),
            Some(bytes) => camera.write("boot/picam.toml", bytes),
        }
        camera.boot();
        camera.assert_closed_and_usable();
        assert!(
            camera
                .read("boot/picam.toml")
                .contains("# all keys explained")
        );
    }
}

#[test]
fn a_torn_file_is_taken_from_its_new_version() {
    for torn in [None, Some(""), Some("\0\0\0\0")] {
        let mut camera = Camera::with("");
        let new = "slots = 5\n[wifi]\npassphrase = \"my own phrase\"\n";
        camera.write("boot/picam.toml.new", new);
        match torn {
            None => std::fs::remove_file(camera.path("boot/picam.toml")).unwrap(),
            Some(text) => camera.write("boot/picam.toml", text),
        }
        camera.boot();
        camera.assert_closed_and_usable();
        assert!(camera.read("boot/picam.toml").starts_with(new));
    }
}

#[test]
fn a_whole_file_goes_before_what_was_on_its_way() {
    for left in ["slots = 9\n", "slots = ", "\0\0"] {
        let mut camera = Camera::with("slots = 5\n");
        camera.boot();
        let whole = camera.read("boot/picam.toml");
        camera.write("boot/picam.toml.new", left);
        camera.write("boot/picam.toml.new2", left);
        camera.write("boot/picam-access.txt.new", left);
        camera.boot();
        camera.assert_closed_and_usable();
        assert_eq!(camera.read("boot/picam.toml"), whole);
    }
}

#[test]
fn twins_are_left_to_fsck() {
    let mut camera = Camera::with("slots = 5\n");
    camera.boot();
    let whole = camera.read("boot/picam.toml");
    camera.write("boot/picam.toml.new", &whole);
    camera.boot();
    assert!(
        camera.has("boot/picam.toml.new"),
        "removing it would free the other's clusters"
    );
    // Writing goes another way.
    camera.write(
        "boot/picam.toml",
        format!("{whole}# mine\n[device]\nname = \"kombi\"\n"),
    );
    let again = camera.read("boot/picam.toml");
    camera.write("boot/picam.toml.new", &again);
    std::fs::remove_file(camera.path("boot/picam-access.txt")).unwrap();
    camera.write("boot/picam.toml", &again);
    camera.boot();
    assert_eq!(camera.read("boot/picam.toml"), again);
}

#[test]
fn an_oversized_file_is_set_aside() {
    let mut camera = Camera::with(&"# film\n".repeat(300_000));
    camera.boot();
    camera.assert_closed_and_usable();
    assert_eq!(
        camera
            .path("boot/picam-broken.toml")
            .metadata()
            .unwrap()
            .len(),
        2_100_000
    );
}

#[test]
fn a_password_of_viewers_becomes_its_hash_and_goes_with_a_reset() {
    let text =
        "[web]\npassword = \"correct horse\"\nviewer-password = \"only looking\" # for the kids\n";
    let mut camera = Camera::with(text);
    camera.boot();
    camera.assert_closed_and_usable();
    let after = camera.read("boot/picam.toml");
    let line = format!(
        "viewer-password-hash = \"{}\" # for the kids",
        hash("only looking")
    );
    assert!(after.contains(&line), "{after}");
    assert!(!after.contains("only looking"), "{after}");
    // Nothing changes at the next start.
    camera.boot();
    assert_eq!(camera.read("boot/picam.toml"), after);
    // One that cannot be used is taken out, and the old one stays.
    let short = after.replace("[web]\n", "[web]\nviewer-password = \"short\"\n");
    camera.write("boot/picam.toml", short);
    camera.boot();
    let kept = camera.read("boot/picam.toml");
    assert!(kept.contains(&line) && !kept.contains("short"), "{kept}");
    // A reset forgets it.
    camera.write(
        "boot/picam.toml",
        format!("{kept}\n[device]\nfactory-reset = \"settings\"\n"),
    );
    camera.boot();
    camera.assert_closed_and_usable();
    let reset = camera.read("boot/picam.toml");
    assert!(!reset.contains("viewer-password"), "{reset}");
}
