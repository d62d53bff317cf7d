//! The copies of `picam.toml` that services read in place of it: each has what its readers need, and no more.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use clap::Args;
use picam_firstboot::settings::{Files, Key, RealFiles, for_hotspot, for_recorder, public};

use crate::config::card_keys;

/// Its directory's group reads it; the unit's umask does not let that in.
pub(super) const FOR_GROUP: u32 = 0o640;
/// It holds passphrases or passwords: its owner's alone.
const FOR_OWNER: u32 = 0o600;

/// Where the copies lie.
#[derive(Debug, Args)]
pub(crate) struct Copies {
    /// File that gets picam.toml without passwords and passphrases, for services. It belongs to its directory's group,
    /// which alone may read it
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,
    /// File that gets the sections of picam.toml that `picam hotspot` reads, with passphrases. Its owner alone may
    /// read it
    #[arg(long, value_name = "FILE")]
    hotspot: Option<PathBuf>,
    /// File that gets the cameras of picam.toml with their passwords, for `picam record --passwords`. Its owner alone may
    /// read it
    #[arg(long, value_name = "FILE")]
    cameras: Option<PathBuf>,
    /// Number of the user that owns that file; it takes root to give it away
    #[arg(long, value_name = "UID", requires = "cameras")]
    cameras_user: Option<u32>,
}

/// One copy: where it goes, what is in it, its mode and owner, and who goes without if it cannot be made.
struct Copy<'a> {
    path: &'a Option<PathBuf>,
    part: fn(&[u8], &[Key]) -> String,
    mode: u32,
    owner: Option<u32>,
    who: &'static str,
}

impl Copies {
    /// Makes them what the file below `boot` says now. What was there before goes in any case: an older password's hash, or an
    /// older passphrase, must not come back.
    pub(super) fn lay(&self, boot: &Path) {
        let read = RealFiles.read(&boot.join("picam.toml"));
        let bytes = read.and_then(|file| file.ok_or_else(|| io::ErrorKind::NotFound.into()));
        let all = [
            Copy {
                path: &self.public,
                part: public,
                mode: FOR_GROUP,
                owner: None,
                who: "services go",
            },
            Copy {
                path: &self.hotspot,
                part: for_hotspot,
                mode: FOR_OWNER,
                owner: None,
                who: "the hotspot goes",
            },
            Copy {
                path: &self.cameras,
                part: for_recorder,
                mode: FOR_OWNER,
                owner: self.cameras_user,
                who: "network cameras go",
            },
        ];
        let keys = card_keys();
        for copy in all {
            let Some(path) = copy.path else { continue };
            let made = match &bytes {
                Ok(bytes) => lay(
                    path,
                    (copy.part)(bytes, &keys).as_bytes(),
                    copy.mode,
                    copy.owner,
                ),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            if let Err(error) = made {
                let who = copy.who;
                tracing::warn!("{who} without picam.toml: {}: {error}", path.display());
                // It may not have been there.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Whoever reads it has the old one or the new one, whole.
pub(super) fn lay(path: &Path, bytes: &[u8], mode: u32, owner: Option<u32>) -> io::Result<()> {
    let new = path.with_extension("new");
    // One that was left behind may be open to others.
    remove(&new)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(bytes)?;
    if owner.is_some() {
        fchown(&file, owner, None)?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    fs::rename(&new, path)
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
