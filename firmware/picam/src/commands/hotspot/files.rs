//! Writing the files: each is whole or not there, and those of daemons that are not wanted are gone.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use picam_hotspot::{Files, NETWORKD_FILES};

use crate::commands::copies::{lay, remove};
use crate::commands::failure::Failure;

/// They hold passphrases.
const SECRET: u32 = 0o600;
/// systemd-networkd reads its files as a user of its own.
const PUBLIC: u32 = 0o644;

/// Makes the directories hold these files. What the units read first, `hotspot.env`, is written last.
pub(super) fn write(files: &Files, out: &Path, networkd: Option<&Path>) -> Result<(), Failure> {
    create(out)?;
    for (name, text) in [
        ("hostapd.conf", &files.hostapd),
        ("dnsmasq.conf", &files.dnsmasq),
        ("wpa_supplicant.conf", &files.wpa_supplicant),
    ] {
        place(&out.join(name), text.as_deref(), SECRET)?;
    }
    if let Some(networkd) = networkd {
        create(networkd)?;
        for name in NETWORKD_FILES {
            let text = files.networkd.iter().find(|(wanted, _)| *wanted == name);
            let text = text.map(|(_, text)| text.as_str());
            place(&networkd.join(name), text, PUBLIC)?;
        }
    }
    place(&out.join("hotspot.env"), Some(&files.environment), SECRET)
}

fn create(directory: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)
        .map_err(|error| cannot(directory, &error))
}

fn place(path: &Path, text: Option<&str>, mode: u32) -> Result<(), Failure> {
    let done = match text {
        // Not synced: the directory is in RAM, and what is lost with the power is made again at the next start.
        Some(text) => lay(path, text.as_bytes(), mode, None),
        None => remove(path),
    };
    done.map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!(
        "{} cannot be written: {error}; check that the directory exists and may be written to",
        path.display()
    ))
}
