//! `picam firstboot settings`, killed at any moment, on this machine's own filesystem.

use std::fs;
use std::path::{Path, PathBuf};

use picam_web::PasswordHash;
use tempfile::TempDir;

use crate::image::scratch;
use crate::picam::{Whom, kill_after, kills, succeed};

/// The directories of a device.
pub(crate) struct Device {
    pub(crate) root: TempDir,
}

impl Device {
    pub(crate) fn with(toml: &str) -> Self {
        Self::below(scratch(), toml)
    }

    /// One whose directories lie below this one.
    pub(crate) fn below(root: TempDir, toml: &str) -> Self {
        for directory in ["boot", "state", "run", "net/wlan0"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        fs::write(root.path().join("net/wlan0/address"), "dc:a6:32:01:1a:2b\n").unwrap();
        fs::write(root.path().join("boot/picam.toml"), toml).unwrap();
        Self { root }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Arguments of `picam firstboot settings`.
    pub(crate) fn args(&self) -> Vec<String> {
        let mut args = vec!["settings".to_owned()];
        for (option, name) in [
            ("--boot", "boot"),
            ("--state", "state"),
            ("--run", "run"),
            ("--host-name", "run/hostname"),
            ("--net", "net"),
            ("--template", "nothing"),
            ("--defaults", "nothing"),
        ] {
            args.push(option.to_owned());
            args.push(self.path(name).to_str().unwrap().to_owned());
        }
        args
    }
}

/// Asserts that the owner of a card gets in and nobody else. `chosen` is the password he had set.
pub(crate) fn assert_settled(boot: &Path, chosen: Option<&str>) {
    let toml = fs::read_to_string(boot.join("picam.toml")).unwrap();
    assert!(toml.contains("slots = 5"), "{toml}");
    let document: toml_edit::DocumentMut = toml.parse().unwrap();
    let passphrase = document["wifi"]["passphrase"].as_str().unwrap();
    let stored = document["web"]["password-hash"].as_str().unwrap();
    let access = fs::read_to_string(boot.join("picam-access.txt")).unwrap();
    assert!(
        access.contains(passphrase) && access.contains("kombi-1a2b"),
        "{access}"
    );
    let shown = access
        .lines()
        .find_map(|line| line.strip_prefix("Password:    "))
        .unwrap();
    let hash = PasswordHash::parse(stored).unwrap();
    let password = chosen.unwrap_or(shown);
    assert!(hash.verify(password), "{password} does not open the page");
    assert!(chosen.is_none_or(|chosen| !toml.contains(chosen) && !access.contains(chosen)));
}

#[test]
fn a_killed_run_is_simply_run_again() {
    let own = "slots = 5\n[device]\nname = \"kombi\"\n[wifi]\n";
    let given = "slots = 5\n[device]\nname = \"kombi\"\n[web]\npassword = \"correct horse\"\n";
    let reset = "slots = 5\n[device]\nname = \"kombi\"\nfactory-reset = \"settings\"\n";
    let uncut = Device::with(own);
    let args = uncut.args();
    let took = succeed(&args.iter().map(String::as_str).collect::<Vec<_>>());
    for n in 0..kills() {
        let (toml, chosen) = match n % 3 {
            0 => (own, None),
            1 => (given, Some("correct horse")),
            _ => (reset, None),
        };
        let device = Device::with(toml);
        fs::write(device.path("state/old"), "old").unwrap();
        let args = device.args();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        kill_after(&args, took * n / kills() * 11 / 10, Whom::All);
        succeed(&args);
        assert_settled(&device.path("boot"), chosen);
        assert_eq!(device.path("state/old").exists(), toml != reset);
        let toml = fs::read_to_string(device.path("boot/picam.toml")).unwrap();
        assert!(!toml.contains("\"settings\""), "{toml}");
        assert_eq!(
            fs::read_to_string(device.path("run/hostname")).unwrap(),
            "kombi\n"
        );
        let env = fs::read_to_string(device.path("run/device.env")).unwrap();
        assert_eq!(env, "TZ=Etc/UTC\nPICAM_NAME=kombi\n");
    }
    eprintln!("{} kills within {took:?}", kills());
}
