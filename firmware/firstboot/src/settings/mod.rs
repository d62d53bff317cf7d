//! Passwords, identity, factory reset: nobody gets in by default, and the card's owner always does.
//!
//! Everything here looks at what is there and does only what is missing, so that a run that was cut
//! off is simply run again.

mod access;
mod boot;
mod change;
mod credentials;
mod edit;
mod files;
mod keys;
mod public;
mod replace;
mod run;
mod scrub;
mod secrets;
mod support;
mod text;
mod view;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use change::{ChangeError, change};
pub use files::{Files, RealFiles};
pub use keys::{Access, Key};
pub use public::{for_hotspot, for_recorder, public};
pub use run::{Outcome, erase_request, run};
pub use scrub::Scrubber;
pub use support::{MAX_SUPPORT, SupportError, lay_support};
pub use view::view;

/// Where things lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The boot partition, which a PC can read: `picam.toml`, `picam-access.txt`, `picam-support.txt`.
    pub boot: PathBuf,
    /// The state partition: `machine-id`, `page-key`.
    pub state: PathBuf,
    /// What holds until the next start: `device.env`.
    pub run: PathBuf,
    /// What sets the host name.
    pub host_name: PathBuf,
    /// The `picam.toml` of a card whose own is lost.
    pub template: PathBuf,
}

impl Paths {
    fn toml(&self) -> PathBuf {
        self.boot.join("picam.toml")
    }

    fn access(&self) -> PathBuf {
        self.boot.join("picam-access.txt")
    }

    fn support(&self) -> PathBuf {
        self.boot.join("picam-support.txt")
    }
}

/// What a `picam.toml` means, as every process understands it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meaning {
    /// Host name, and name on mDNS.
    pub name: String,
    /// IANA time zone.
    pub time_zone: String,
    /// Whether there is a hotspot.
    pub hotspot: bool,
    /// The hotspot's name, if its owner chose one.
    pub ssid: Option<String>,
    /// The hotspot's passphrase, if there is a usable one.
    pub passphrase: Option<String>,
    /// A new page password, if there is a usable one.
    pub password: Option<String>,
    /// The page password's hash, if there is a usable one.
    pub password_hash: Option<String>,
    /// A new password of those who may only look, if there is a usable one.
    pub viewer_password: Option<String>,
    /// What is to be erased.
    pub reset: Reset,
}

/// What is to be erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// Nothing.
    #[default]
    No,
    /// State and passwords.
    Settings,
    /// The footage too, which [`card`](crate::card) does.
    Everything,
}

/// Everything outside of files.
pub trait Host {
    /// What a configuration means.
    fn meaning(&self, text: &str) -> Meaning;
    /// Whether the footage was erased, as this request ([`erase_request`]) asks.
    fn is_erased(&mut self, request: u32) -> io::Result<bool>;
    /// The hash of a page password, as it stands in `picam.toml`.
    fn hash(&self, password: &str) -> io::Result<String>;
    /// Whether a password belongs to a hash. As slow as [`Host::hash`].
    fn verifies(&self, hash: &str, password: &str) -> bool;
    /// The name of a hotspot whose owner chose none: it is made of the device's name and the radio's
    /// address. `None` where there is no radio, or none yet after that time.
    fn default_ssid(&self, name: &str, timeout: Duration) -> Option<String>;
    /// Fills with randomness.
    fn random(&mut self, bytes: &mut [u8]) -> io::Result<()>;
    /// Bytes that are free in the filesystem at a mount point.
    fn free(&self, mount: &Path) -> io::Result<u64>;
    /// Whether the filesystem at a mount point can be written to.
    fn is_writable(&self, mount: &Path) -> io::Result<bool>;
    /// Lets a filesystem be written to, or no longer.
    fn remount(&mut self, mount: &Path, writable: bool) -> io::Result<()>;
}
