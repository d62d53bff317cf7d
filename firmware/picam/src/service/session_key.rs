//! The key that the page's sessions are signed with, and what it takes for them to outlive a start.
//!
//! On the device it comes as systemd's credential `page-key`, and what was ended is written to
//! `STATE_DIRECTORY`. Elsewhere both are files beside the configuration.

use std::env;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use picam_web::{Access, PasswordError, Sessions, hash_password_with};

use crate::config::{Web, access, has_owner};

/// Name of the credential.
const CREDENTIAL: &str = "page-key";
/// Names beside the configuration.
const KEY: &str = "picam-page.key";
const ENDED: &str = "picam-page.sessions";
const KEY_LEN: usize = 32;

/// Who is let in, and who is so already. `config` is the configuration's file, if there is one.
pub(crate) fn access_and_sessions(
    web: &Web,
    config: Option<&Path>,
) -> Result<(Access, Sessions), PasswordError> {
    let sessions = match has_owner(web) {
        true => kept(config),
        // Nobody logs in, so that nothing has to be kept.
        false => fleeting(),
    }?;
    // Another salt at every start would end every session.
    let access = access(web, |password| {
        hash_password_with(password, &sessions.salt())
    })?;
    Ok((access, sessions))
}

fn fleeting() -> Result<Sessions, PasswordError> {
    Sessions::fleeting().map_err(|error| PasswordError::Failed(error.to_string()))
}

fn kept(config: Option<&Path>) -> Result<Sessions, PasswordError> {
    let directory = |name| env::var_os(name).map(PathBuf::from);
    if let Some(credentials) = directory("CREDENTIALS_DIRECTORY") {
        let key = read_key(&credentials.join(CREDENTIAL));
        match key {
            Ok(key) => {
                let state = directory("STATE_DIRECTORY").filter(|state| state.is_dir());
                return Ok(Sessions::kept(
                    key,
                    state.map(|state| state.join("sessions")),
                ));
            }
            Err(error) => {
                tracing::warn!(
                    "everybody logs in anew at the next start, as there is no key: {error}"
                );
                return fleeting();
            }
        }
    }
    let Some(config) = config else {
        return fleeting();
    };
    let beside = config.parent().unwrap_or(Path::new("")).to_owned();
    let file = beside.join(KEY);
    match read_key(&file).or_else(|error| make_key(&file, &error)) {
        Ok(key) => Ok(Sessions::kept(key, Some(beside.join(ENDED)))),
        Err(error) => {
            let file = file.display();
            tracing::warn!(
                "everybody logs in anew at the next start, as {file} cannot be used: {error}"
            );
            fleeting()
        }
    }
}

/// 64 hexadecimal digits, which nobody else may read.
fn read_key(file: &Path) -> io::Result<[u8; KEY_LEN]> {
    let mut text = String::new();
    File::open(file)?.take(256).read_to_string(&mut text)?;
    let key = parse(text.trim_end())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it holds no key"))?;
    // A credential is systemd's, and none of ours to change.
    if fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        let _ = fs::set_permissions(file, Permissions::from_mode(0o600));
    }
    Ok(key)
}

fn parse(text: &str) -> Option<[u8; KEY_LEN]> {
    let mut key = [0; KEY_LEN];
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(key)
}

/// Makes one where there is none, or rubbish; what merely cannot be read stays as it is.
fn make_key(file: &Path, why: &io::Error) -> io::Result<[u8; KEY_LEN]> {
    if !matches!(
        why.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::InvalidData
    ) {
        return Err(io::Error::new(why.kind(), why.to_string()));
    }
    let mut key = [0; KEY_LEN];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let text = hex::encode(key);
    let new = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut written = options.open(&new)?;
    writeln!(written, "{text}")?;
    written.sync_all()?;
    fs::rename(&new, file)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_nobody_elses() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(KEY);
        let get = || read_key(&file).or_else(|error| make_key(&file, &error));
        let key = get().unwrap();
        assert_eq!(get().unwrap(), key);
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(get().unwrap(), key);
        assert_eq!(mode(), 0o600);
        fs::write(&file, "none").unwrap();
        let other = get().unwrap();
        assert_ne!(other, key);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let nowhere = dir.path().join("no").join(KEY);
        assert!(make_key(&nowhere, &io::ErrorKind::NotFound.into()).is_err());
    }

    #[test]
    fn only_hexadecimal_digits_are_a_key() {
        assert_eq!(parse(&"0f".repeat(32)), Some([15; 32]));
        for text in [
            "",
            "none",
            &"0f".repeat(31),
            &"0f".repeat(33),
            &"g0".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
