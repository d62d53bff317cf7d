//! `picam firstboot card`, killed at any moment.

use std::path::Path;

use crate::image::{Card, allowed};
use crate::killed_settings::{Device, assert_settled};
use crate::picam::{Whom, firstboot, kill_after, kills, succeed};

/// The arguments for a card in a reader.
fn args<'a>(device: &'a str, boot: &'a str) -> [&'a str; 5] {
    ["card", "--disk", device, "--boot", boot]
}

#[test]
fn a_killed_first_boot_goes_on_where_it_was() {
    if !allowed() {
        return;
    }
    let mut uncut = Card::flashed(64);
    let took = {
        let device = uncut.insert();
        succeed(&args(&device, "/nowhere"))
    };
    let expected = uncut.describe();
    for n in 0..kills() {
        let mut card = Card::flashed(64);
        let mut device = card.insert();
        let delay = took * n / kills() * 11 / 10;
        let whom = if n % 3 == 2 { Whom::Parent } else { Whom::All };
        kill_after(&args(&device, "/nowhere"), delay, whom);
        if n % 3 == 0 {
            card.pull();
            device = card.insert();
        }
        // Where picam alone was killed, this waits for the formatting that goes on.
        succeed(&args(&device, "/nowhere"));
        assert_eq!(card.describe(), expected, "killed after {delay:?}");
        card.assert_rest_untouched();
    }
    eprintln!("{} kills within {took:?}", kills());
}

#[test]
fn picam_toml_erases_footage_once() {
    if !allowed() {
        return;
    }
    let mut card = Card::flashed(8);
    let device = card.insert();
    let boot = tempfile::tempdir().unwrap();
    let toml = boot.path().join("picam.toml");
    let args = args(&device, boot.path().to_str().unwrap());
    let write = |place: &Path| std::fs::write(place.join("film.mp4"), [1; 10_000]).unwrap();
    let keeps = |text: &str| {
        std::fs::write(&toml, text).unwrap();
        card.mounted(write);
        succeed(&args);
        assert!(card.check().contains("files 1"), "{text}");
    };
    succeed(&args);
    keeps("[device]\nfactory-reset = \"no\"\n");
    keeps("[device]\nfactory-reset = \"settings\"\n");
    keeps("");
    let everything = "[device]\nfactory-reset = \"everything\"\n";
    std::fs::write(&toml, everything).unwrap();
    succeed(&args);
    assert!(card.check().contains("files 0"));
    // Until the settings stage takes it out.
    keeps(everything);
    keeps("[device]\nfactory-reset = \"no\"\n");
    std::fs::write(&toml, everything).unwrap();
    succeed(&args);
    assert!(card.check().contains("files 0"));
}

#[test]
fn settings_are_reset_with_the_footage_or_not_at_all() {
    if !allowed() {
        return;
    }
    let mut card = Card::flashed(8);
    let disk = card.insert();
    let device =
        Device::with("slots = 5\n[device]\nname = \"kombi\"\nfactory-reset = \"everything\"\n");
    std::fs::write(device.path("state/old"), "old").unwrap();
    let boot = device.path("boot");
    let prepare = args(&disk, boot.to_str().unwrap());
    let mut settle = device.args();
    settle.extend(["--disk".to_owned(), disk.clone()]);
    let settle: Vec<&str> = settle.iter().map(String::as_str).collect();
    // The footage of a card that was not prepared cannot have been erased.
    let output = firstboot(&settle).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && printed.contains("not been erased"),
        "{printed}"
    );
    assert!(device.path("state/old").exists());
    succeed(&prepare);
    succeed(&settle);
    assert!(!device.path("state/old").exists());
    assert_settled(&boot, None);
    // It is met: the next start keeps what was recorded meanwhile.
    card.mounted(|place| std::fs::write(place.join("film.mp4"), [1; 10_000]).unwrap());
    succeed(&prepare);
    succeed(&settle);
    assert!(card.check().contains("files 1"));
}

#[test]
fn the_program_refuses_what_is_no_card() {
    if !allowed() {
        return;
    }
    let mut card = Card::empty(1 << 30);
    let device = card.insert();
    for (disk, word) in [
        (device.as_str(), "no partition table"),
        ("/dev/null", "no disk"),
    ] {
        let output = firstboot(&args(disk, "/nowhere")).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(printed.contains(word), "{printed}");
    }
}
