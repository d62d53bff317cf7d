//! What the owner provided, and what the camera makes.

use std::os::unix::fs::PermissionsExt;

use crate::camera::{Camera, hash};

/// A part of the file on the card.
const SHIPPED: &str = "# picam.toml\r\n\r\n[device]\r\n#name = \"picam\"\r\nfactory-reset = \"no\"\r\n\r\n[wifi]\r\n\
     # Password of the hotspot\r\n#passphrase = \"correct horse battery\"\r\n\r\n[web]\r\n\
     # Password of the page\r\n#password = \"correct horse\"\r\n\r\n[shares]\r\n#event = 0.3\r\n";

#[test]
fn a_camera_that_was_told_nothing_makes_its_own_and_says_so() {
    let mut camera = Camera::with(SHIPPED);
    std::fs::remove_dir(camera.path("run")).unwrap();
    camera.boot();
    camera.assert_closed_and_usable();
    let toml = camera.read("boot/picam.toml");
    for line in SHIPPED.lines() {
        assert!(toml.contains(line), "{line} is lost:\n{toml}");
    }
    assert_eq!(toml.matches('\n').count(), toml.matches("\r\n").count());
    let access = camera.read("boot/picam-access.txt");
    assert!(
        access.contains("picam-1a2b") && access.contains("http://picam.local/"),
        "{access}"
    );
    assert!(camera.shown_password().is_some());
    assert_eq!(
        camera.read("run/device.env"),
        "TZ=Etc/UTC\nPICAM_NAME=picam\n"
    );
    assert_eq!(camera.read("run/hostname"), "picam\n");
    assert_eq!(camera.read("state/page-key").trim_end().len(), 64);
    for (name, mode) in [("state/machine-id", 0o644), ("run/device.env", 0o644)] {
        let found = camera.path(name).metadata().unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{name}");
    }
}

#[test]
fn later_boots_change_nothing() {
    let mut camera = Camera::with(SHIPPED);
    camera.boot();
    let names = [
        "boot/picam.toml",
        "boot/picam-access.txt",
        "state/machine-id",
        "state/page-key",
        "run/device.env",
    ];
    let before = names.map(|name| {
        (
            camera.read(name),
            camera.path(name).metadata().unwrap().modified().unwrap(),
        )
    });
    let remounts = camera.host.remounts.get();
    for seed in 2..5 {
        camera.host.seed = seed;
        camera.boot();
    }
    let after = names.map(|name| {
        (
            camera.read(name),
            camera.path(name).metadata().unwrap().modified().unwrap(),
        )
    });
    assert_eq!(after, before);
    assert_eq!(camera.host.remounts.get(), remounts);
    assert_eq!(camera.host.verified.get(), 0, "a hash costs a second");
}

#[test]
fn a_provisioned_password_is_kept_as_its_hash_only() {
    let mut camera = Camera::with(
        "[wifi]\npassphrase = \"my own phrase\"\n[web]\npassword = \"correct horse\" # mine\n[log]\n",
    );
    camera.boot();
    camera.assert_closed_and_usable();
    let meaning = camera.meaning();
    assert_eq!(meaning.passphrase.as_deref(), Some("my own phrase"));
    assert_eq!(meaning.password_hash, Some(hash("correct horse")));
    assert_eq!(camera.shown_password(), None);
    let access = camera.read("boot/picam-access.txt");
    assert!(access.contains("the one you set"), "{access}");
    for name in [
        "boot/picam.toml",
        "boot/picam-access.txt",
        "state/page-password-made",
    ] {
        assert!(
            !camera.has(name) || !camera.read(name).contains("correct horse"),
            "{name}"
        );
    }
    assert!(camera.read("boot/picam.toml").contains("# mine"));
}

#[test]
fn the_clusters_of_a_provisioned_password_are_overwritten() {
    let mut camera = Camera::with("[web]\npassword = \"correct horse\"\n");
    // A second name keeps what was the file.
    std::fs::hard_link(camera.path("boot/picam.toml"), camera.path("run/clusters")).unwrap();
    camera.boot();
    let clusters = std::fs::read(camera.path("run/clusters")).unwrap();
    assert!(clusters.iter().all(|&byte| byte == 0), "{clusters:?}");
}

#[test]
fn a_new_password_replaces_the_one_that_the_camera_made() {
    let mut camera = Camera::with("");
    camera.boot();
    let made = camera.shown_password().unwrap();
    let toml = camera.read("boot/picam.toml");
    camera.write(
        "boot/picam.toml",
        toml.replace("[web]", "[web]\npassword = \"correct horse\""),
    );
    camera.boot();
    camera.assert_closed_and_usable();
    assert_eq!(camera.meaning().password_hash, Some(hash("correct horse")));
    assert!(!camera.read("boot/picam-access.txt").contains(&made));
    // The owner may also write a hash himself.
    let toml = camera.read("boot/picam.toml");
    let other = toml.replace(&hash("correct horse"), &hash("third password"));
    camera.write("boot/picam.toml", &other);
    camera.boot();
    assert_eq!(camera.read("boot/picam.toml"), other);
}

#[test]
fn a_hash_of_the_owners_takes_the_made_password_off_the_card() {
    let mut camera = Camera::with("");
    camera.boot();
    let toml = camera.read("boot/picam.toml");
    let stored = camera.meaning().password_hash.unwrap();
    camera.write(
        "boot/picam.toml",
        toml.replace(&stored, &hash("third password")),
    );
    for _ in 0..2 {
        camera.boot();
        assert_eq!(camera.shown_password(), None);
        assert_eq!(camera.host.verified.get(), 1, "once is enough");
    }
    camera.assert_closed_and_usable();
}

#[test]
fn a_lost_state_partition_does_not_lock_the_owner_out() {
    let mut camera = Camera::with("");
    camera.boot();
    let shown = camera.shown_password();
    std::fs::remove_file(camera.path("state/page-password-made")).unwrap();
    std::fs::remove_file(camera.path("state/machine-id")).unwrap();
    for _ in 0..2 {
        camera.boot();
        assert_eq!(camera.shown_password(), shown);
        assert_eq!(camera.host.verified.get(), 1);
    }
    camera.assert_closed_and_usable();
}

#[test]
fn a_removed_access_file_comes_back_without_the_password() {
    let mut camera = Camera::with("");
    camera.boot();
    std::fs::remove_file(camera.path("boot/picam-access.txt")).unwrap();
    camera.boot();
    camera.assert_closed_and_usable();
    assert_eq!(camera.shown_password(), None);
    let access = camera.read("boot/picam-access.txt");
    assert!(access.contains("stood here until"), "{access}");
}

#[test]
fn what_cannot_be_used_is_replaced_and_not_left_open() {
    for toml in [
        "[wifi]\npassphrase = \"short\"\n[web]\npassword = \"short\"\n",
        "[wifi]\npassphrase = 12345678\n[web]\npassword = 12345678\n",
        "[wifi]\npassphrase = \"pässword\"\n[web]\npassword-hash = \"my password\"\n",
        "[wifi]\npassphrase = \"\"\n[web]\npassword = \"\"\n",
        "wifi = 5\nweb = \"password\"\n",
    ] {
        let mut camera = Camera::with(toml);
        camera.boot();
        camera.assert_closed_and_usable();
        assert!(camera.shown_password().is_some(), "{toml}");
        let text = camera.read("boot/picam.toml");
        assert!(
            !text.contains("short") && !text.contains("my password"),
            "{text}"
        );
    }
}

#[test]
fn the_radio_may_come_late() {
    let mut camera = Camera::with("[device]\nname = \"kombi\"\n");
    camera.host.radio = None;
    camera.boot();
    assert!(camera.read("boot/picam-access.txt").contains("kombi-xxxx"));
    let waited = camera.host.waited.get();
    assert!(waited.as_secs() >= 5, "the first boot waits for it");
    camera.boot();
    assert_eq!(camera.host.waited.get(), waited, "no later one does");
    camera.host.radio = Some("1a2b");
    camera.boot();
    assert!(camera.read("boot/picam-access.txt").contains("kombi-1a2b"));
    let remounts = camera.host.remounts.get();
    camera.host.radio = None;
    camera.boot();
    assert!(camera.read("boot/picam-access.txt").contains("kombi-1a2b"));
    assert_eq!(
        camera.host.remounts.get(),
        remounts,
        "no boot writes because the radio is late"
    );
    // Another card's name, and one of the owner's.
    camera.host.radio = Some("1a2b");
    let toml = camera.read("boot/picam.toml").replace("kombi", "bus");
    camera.write(
        "boot/picam.toml",
        toml.replace("[wifi]", "[wifi]\nssid = \"My Van\""),
    );
    camera.boot();
    let access = camera.read("boot/picam-access.txt");
    assert!(
        access.contains("My Van") && access.contains("http://bus.local/"),
        "{access}"
    );
    assert_eq!(camera.read("run/hostname"), "bus\n");
}

#[test]
fn trouble_is_reported_and_costs_only_what_it_must() {
    let mut camera = Camera::with("[device]\nname = \"kombi\"\n");
    camera.host.broken = true;
    let problems = camera.try_boot().problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("page stays closed")),
        "{problems:?}"
    );
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("made writable")),
        "{problems:?}"
    );
    assert_eq!(camera.read("run/hostname"), "kombi\n");
    camera.host.broken = false;
    camera.boot();
    camera.assert_closed_and_usable();
    std::fs::remove_dir_all(camera.path("state")).unwrap();
    let problems = camera.try_boot().problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("machine id")),
        "{problems:?}"
    );
}
