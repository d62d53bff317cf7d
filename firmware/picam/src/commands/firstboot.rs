//! `picam firstboot`: the footage partition, passwords, identity.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use picam_firstboot::card::{BlockDevice, CardError, DeviceError, Erase, is_erased, prepare};
use picam_firstboot::settings::{self, Files, Host, Meaning, Outcome, Paths, RealFiles};
use picam_hotspot::{Mac, Mode, default_ssid};
use picam_web::{PasswordHash, hash_password};
use rustix::fs::{StatVfsMountFlags, statvfs};

use super::copies::Copies;
use super::failure::Failure;
use crate::config::{Config, Loaded, load, parse_over};
use crate::service::log;

/// What of the first boot is to be done; every later boot runs it, too.
#[derive(Debug, Subcommand)]
pub(crate) enum FirstbootCommand {
    /// Make the rest of the card the footage partition
    ///
    /// Finds footage that lies there already and keeps it; formats otherwise, and never again unless
    /// picam.toml asks for it with factory-reset = "everything". Refuses any disk that is no picam
    /// card, and writes nothing to it.
    Card(CardOptions),
    /// Find out whether a USB disk takes the footage; exits with 1 if not
    ///
    /// With device.footage = "usb" in picam.toml it does if it has an exFAT partition called FOOTAGE. It is erased and
    /// formatted only if device.format-disk names this very disk and what is on it, so that the same word never fits twice.
    Disk(super::disk::DiskOptions),
    /// Make the passwords and the identity that nobody provided
    ///
    /// Writes what it makes to picam.toml and picam-access.txt on the boot partition, which it makes
    /// writable for that moment. Does what factory-reset in picam.toml asks for.
    Settings(SettingsOptions),
}

/// Options of `firstboot card`.
#[derive(Debug, Args)]
pub(crate) struct CardOptions {
    /// The card [default: the disk that holds the root filesystem]
    #[arg(long, value_name = "DEVICE")]
    disk: Option<PathBuf>,
    /// Directory that holds picam.toml, whose factory-reset = "everything" erases the footage
    #[arg(long, value_name = "DIR", default_value = "/boot")]
    boot: PathBuf,
    #[command(flatten)]
    copies: Copies,
}

/// Options of `firstboot settings`.
#[derive(Debug, Args)]
pub(crate) struct SettingsOptions {
    /// Directory that holds picam.toml and gets picam-access.txt
    #[arg(long, value_name = "DIR")]
    boot: PathBuf,
    /// Directory that outlives a start: machine id
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The card that factory-reset = "everything" erases [default: the disk that holds the root
    /// filesystem]
    #[arg(long, value_name = "DEVICE")]
    disk: Option<PathBuf>,
    /// Leave the boot partition read-only, however it was found
    #[arg(long)]
    remount: bool,
    #[command(flatten)]
    copies: Copies,
    /// Configuration file with the device's own defaults
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/usr/share/picam/device.toml"
    )]
    defaults: PathBuf,
    /// picam.toml of a card whose own is lost
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/usr/share/picam/picam.toml"
    )]
    template: PathBuf,
    /// Directory for device.env, which holds the time zone
    #[arg(long, value_name = "DIR", default_value = "/run/picam")]
    run: PathBuf,
    /// What sets the host name
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/proc/sys/kernel/hostname",
        hide = true
    )]
    host_name: PathBuf,
    /// Directory of network interfaces
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/sys/class/net",
        hide = true
    )]
    net: PathBuf,
}

/// Does one of them.
pub(crate) fn run(command: &FirstbootCommand) -> Result<(), Failure> {
    log::init(Config::default().log);
    match command {
        FirstbootCommand::Card(options) => card(options),
        FirstbootCommand::Disk(options) => super::disk::run(options),
        FirstbootCommand::Settings(options) => settings(options),
    }
}

fn card(options: &CardOptions) -> Result<(), Failure> {
    // First: the recorder waits for it, whatever becomes of the card.
    options.copies.lay(&options.boot);
    let disk = open(options.disk.as_deref());
    let mut disk = disk.map_err(Failure::new)?;
    let erase = match RealFiles.read(&options.boot.join("picam.toml")) {
        Ok(Some(bytes)) => {
            settings::erase_request(&bytes, |text| meaning(&Config::default(), text))
        }
        Ok(None) | Err(_) => Erase::Unknown,
    };
    let card = disk.card();
    prepare(&mut disk, &card, erase)
        .map(drop)
        .map_err(|error| Failure::new(format!("{}: {error}", disk.node().display())))
}

fn open(disk: Option<&Path>) -> Result<BlockDevice, DeviceError> {
    match disk {
        Some(node) => BlockDevice::open(node),
        None => BlockDevice::of_root(),
    }
}

fn settings(options: &SettingsOptions) -> Result<(), Failure> {
    let mut host = Device {
        base: device_defaults(&options.defaults),
        disk: options.disk.clone(),
        net: options.net.clone(),
    };
    let paths = Paths {
        boot: options.boot.clone(),
        state: options.state.clone(),
        run: options.run.clone(),
        host_name: options.host_name.clone(),
        template: options.template.clone(),
    };
    let Outcome { problems } = settings::run(&mut RealFiles, &mut host, &paths, options.remount);
    // Now with the hash of a new password.
    options.copies.lay(&options.boot);
    for problem in &problems {
        tracing::error!("{problem}");
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::silent()),
    }
}

/// The device's own values, which a development machine has none of. What is wrong with them is logged.
pub(super) fn device_defaults(path: &Path) -> Config {
    let base = match path.exists() {
        true => load(path),
        false => Loaded::default(),
    };
    for problem in &base.problems {
        tracing::warn!("{problem}");
    }
    base.config
}

fn meaning(base: &Config, text: &str) -> Meaning {
    let config = parse_over(base.clone(), text).config;
    let hotspot = matches!(config.wifi.mode, Mode::Hotspot | Mode::HotspotAndStation);
    Meaning {
        name: config.device.name,
        time_zone: config.device.time_zone,
        hotspot,
        ssid: config.wifi.ssid,
        passphrase: config
            .wifi
            .passphrase
            .map(|secret| secret.reveal().to_owned()),
        password: config.web.password.map(|secret| secret.reveal().to_owned()),
        password_hash: config.web.password_hash.map(|hash| hash.to_string()),
        viewer_password: config
            .web
            .viewer_password
            .map(|secret| secret.reveal().to_owned()),
        reset: config.device.factory_reset,
    }
}

/// The camera itself.
pub(super) struct Device {
    /// Its own defaults.
    base: Config,
    disk: Option<PathBuf>,
    net: PathBuf,
}

impl Device {
    /// With nothing but its defaults.
    pub(super) fn new(base: Config) -> Self {
        Self {
            base,
            disk: None,
            net: PathBuf::from("/sys/class/net"),
        }
    }
}

impl Host for Device {
    fn meaning(&self, text: &str) -> Meaning {
        meaning(&self.base, text)
    }

    fn is_erased(&mut self, request: u32) -> io::Result<bool> {
        let mut disk = open(self.disk.as_deref()).map_err(io::Error::other)?;
        let card = disk.card();
        match is_erased(&mut disk, &card, request) {
            // No card of ours: there is no footage to erase.
            Err(CardError::Refused(_)) => Ok(true),
            met => met.map_err(io::Error::other),
        }
    }

    fn hash(&self, password: &str) -> io::Result<String> {
        let hash = hash_password(password).map_err(io::Error::other)?;
        Ok(hash.to_string())
    }

    fn verifies(&self, hash: &str, password: &str) -> bool {
        PasswordHash::parse(hash).is_ok_and(|hash| hash.verify(password))
    }

    fn default_ssid(&self, name: &str, timeout: Duration) -> Option<String> {
        let address = self.net.join("wlan0/address");
        let start = Instant::now();
        loop {
            let text = fs::read_to_string(&address).unwrap_or_default();
            if let Ok(mac) = text.parse::<Mac>() {
                return Some(default_ssid(name, mac));
            }
            if start.elapsed() >= timeout {
                return None;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn random(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
    }

    fn free(&self, mount: &Path) -> io::Result<u64> {
        let space = statvfs(mount)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn is_writable(&self, mount: &Path) -> io::Result<bool> {
        let flags = statvfs(mount)?.f_flag;
        Ok(!flags.contains(StatVfsMountFlags::RDONLY))
    }

    fn remount(&mut self, mount: &Path, writable: bool) -> io::Result<()> {
        let how = if writable { "remount,rw" } else { "remount,ro" };
        // It keeps the mount's other options, which the system call forgets.
        let output = Command::new("mount")
            .args(["-o", how])
            .arg(mount)
            .output()?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let message = String::from_utf8_lossy(&output.stderr);
                Err(io::Error::other(message.trim().to_owned()))
            }
        }
    }
}
