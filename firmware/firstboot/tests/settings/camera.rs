//! A camera's directories, and the rest of the world around them.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use picam_firstboot::settings::{
    Access, Files, Host, Key, Meaning, Outcome, Paths, RealFiles, Reset, run,
};
use tempfile::TempDir;
use toml_edit::DocumentMut;

include!("keys.rs");

/// A host with cheap hashes, numbers for randomness, and a reader that is as strict as the real one.
pub(crate) struct FakeHost {
    /// Differs from run to run.
    pub(crate) seed: u64,
    pub(crate) radio: Option<&'static str>,
    pub(crate) waited: Cell<Duration>,
    pub(crate) verified: Cell<u32>,
    /// The boot partition is read-only, and how often that changed.
    pub(crate) writable: RefCell<bool>,
    pub(crate) remounts: Cell<u32>,
    /// The request for which the footage was erased.
    pub(crate) erased: Option<u32>,
    /// Bytes free on the boot partition.
    pub(crate) free: u64,
    /// Nothing can be hashed, nothing remounted, no state kept.
    pub(crate) broken: bool,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self {
            seed: 1,
            radio: Some("1a2b"),
            waited: Cell::default(),
            verified: Cell::default(),
            writable: RefCell::new(false),
            remounts: Cell::default(),
            erased: None,
            free: 100 << 20,
            broken: false,
        }
    }
}

pub(crate) fn hash(password: &str) -> String {
    let sum = password.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    format!("$argon2id$fake${sum:016x}")
}

impl Host for FakeHost {
    fn meaning(&self, text: &str) -> Meaning {
        let document: DocumentMut = text.parse().expect("only TOML is asked about");
        let get = |section: &str, key: &str| {
            let value = document.get(section)?.get(key)?.as_str()?;
            Some(value.to_owned())
        };
        let printable = |text: &String| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        Meaning {
            name: get("device", "name").unwrap_or("picam".into()),
            time_zone: get("device", "time-zone").unwrap_or("Etc/UTC".into()),
            hotspot: get("wifi", "mode").is_none_or(|mode| mode.starts_with("hotspot")),
            ssid: get("wifi", "ssid"),
            passphrase: get("wifi", "passphrase")
                .filter(|text| (8..=63).contains(&text.len()) && printable(text)),
            password: get("web", "password").filter(|text| text.chars().count() >= 8),
            password_hash: get("web", "password-hash")
                .filter(|text| text.starts_with("$argon2id$")),
            viewer_password: get("web", "viewer-password").filter(|text| text.chars().count() >= 8),
            reset: match get("device", "factory-reset").as_deref() {
                Some("settings") => Reset::Settings,
                Some("everything") => Reset::Everything,
                _ => Reset::No,
            },
        }
    }

    fn is_erased(&mut self, request: u32) -> io::Result<bool> {
        match self.broken {
            true => Err(io::ErrorKind::InvalidData.into()),
            false => Ok(self.erased == Some(request)),
        }
    }

    fn hash(&self, password: &str) -> io::Result<String> {
        match self.broken {
            true => Err(io::ErrorKind::OutOfMemory.into()),
            false => Ok(hash(password)),
        }
    }

    fn verifies(&self, stored: &str, password: &str) -> bool {
        self.verified.set(self.verified.get() + 1);
        stored == hash(password)
    }

    fn default_ssid(&self, name: &str, timeout: Duration) -> Option<String> {
        self.waited.set(self.waited.get() + timeout);
        Some(format!("{name}-{}", self.radio?))
    }

    fn random(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        for byte in bytes {
            self.seed = self
                .seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            *byte = (self.seed >> 56) as u8;
        }
        Ok(())
    }

    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(self.free)
    }

    fn is_writable(&self, mount: &Path) -> io::Result<bool> {
        Ok(*self.writable.borrow() || !mount.ends_with("boot"))
    }

    fn remount(&mut self, mount: &Path, writable: bool) -> io::Result<()> {
        assert!(mount.ends_with("boot"));
        if self.broken {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        assert_ne!(*self.writable.borrow(), writable, "it is so already");
        *self.writable.borrow_mut() = writable;
        self.remounts.set(self.remounts.get() + 1);
        Ok(())
    }
}

/// Where everything lies below a directory.
pub(crate) fn paths(root: &Path) -> Paths {
    Paths {
        boot: root.join("boot"),
        state: root.join("state"),
        run: root.join("run"),
        host_name: root.join("run/hostname"),
        template: root.join("run/template.toml"),
    }
}

/// A camera on real directories.
pub(crate) struct Camera {
    root: TempDir,
    pub(crate) host: FakeHost,
}

impl Camera {
    /// One whose `picam.toml` is this.
    pub(crate) fn with(toml: &str) -> Self {
        let camera = Self {
            root: tempfile::tempdir().unwrap(),
            host: FakeHost::default(),
        };
        for directory in ["boot", "state", "state/lost+found", "run"] {
            fs::create_dir(camera.root.path().join(directory)).unwrap();
        }
        fs::write(camera.path("boot/picam.toml"), toml).unwrap();
        camera
    }

    pub(crate) fn paths(&self) -> Paths {
        paths(self.root.path())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Switches it on; everything must work.
    pub(crate) fn boot(&mut self) {
        let outcome = self.try_boot();
        assert_eq!(outcome.problems, [""; 0]);
    }

    pub(crate) fn try_boot(&mut self) -> Outcome {
        let paths = paths(self.root.path());
        let outcome = run(&mut RealFiles, &mut self.host, &paths, true);
        assert!(
            self.host.broken || !*self.host.writable.borrow(),
            "the boot partition stays writable"
        );
        outcome
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let bytes = RealFiles.read(&self.path(name)).unwrap();
        let bytes = bytes.unwrap_or_else(|| panic!("there is no {name}"));
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// What `picam.toml` means by now.
    pub(crate) fn meaning(&self) -> Meaning {
        self.host.meaning(&self.read("boot/picam.toml"))
    }

    /// The password that `picam-access.txt` shows.
    pub(crate) fn shown_password(&self) -> Option<String> {
        let text = self.read("boot/picam-access.txt");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Password:    "))?;
        line.chars()
            .all(|c| c.is_ascii_lowercase() || c == '-')
            .then(|| line.to_owned())
    }

    /// Asserts that the owner can get in and nobody else, and that nothing is left lying around.
    pub(crate) fn assert_closed_and_usable(&self) {
        let meaning = self.meaning();
        let passphrase = meaning.passphrase.expect("no passphrase");
        assert!(self.read("boot/picam-access.txt").contains(&passphrase));
        let stored = meaning.password_hash.expect("no password");
        if let Some(shown) = self.shown_password() {
            assert_eq!(
                stored,
                hash(&shown),
                "the shown password does not open the page"
            );
        }
        assert_eq!(meaning.password, None, "a password stands in picam.toml");
        assert_eq!(meaning.viewer_password, None, "one stands in picam.toml");
        assert_eq!(meaning.reset, Reset::No);
        let mut names: Vec<_> = fs::read_dir(self.path("boot"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| name != "picam-broken.toml");
        names.sort();
        assert_eq!(names, ["picam-access.txt", "picam.toml"]);
        let id = self.read("state/machine-id");
        assert!(id.len() == 33 && id.ends_with('\n'), "{id:?}");
    }
}
