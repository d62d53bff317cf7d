//! Changing `picam.toml` for somebody at the page.
//!
//! Only keys whose [`Access`](super::Access) lets the page.

use std::io;

use picam_control::settings::{JoinNetwork, SettingsChange};

use super::boot::{self, Found, Writes};
use super::credentials::{PASSPHRASE, PASSWORD};
use super::edit;
use super::files::Files;
use super::keys::{Key, kept_as, on_page};
use super::text::{decode, make_sound};
use super::{Host, Paths, credentials};

pub(super) const WIFI: &str = "wifi";
pub(super) const NETWORK: &str = "network";
/// What they are called in an error.
const NETWORKS: &str = "wifi.network";
/// Networks that a camera may be told of.
const MAX_NETWORKS: usize = 8;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Not a key that may be changed here.
    #[error("'{0}' cannot be changed from here; edit picam.toml on the card")]
    NotHere(String),
    /// The value would not be used.
    #[error("{why}")]
    Unusable {
        /// Of which key.
        key: String,
        /// What is wrong with it, and how to write it.
        why: String,
    },
    /// The camera cannot be without.
    #[error("'{0}' cannot be without a value; set another one")]
    Needed(String),
    /// There are too many networks.
    #[error("{MAX_NETWORKS} networks are the most; remove one first")]
    TooMany,
    /// The file is in no state to be changed.
    #[error("picam.toml is missing or damaged; restart the camera, which mends it")]
    NoFile,
    /// What stands there leaves no room for this.
    #[error("picam.toml is written in a way that this cannot be added to; edit it on the card")]
    Form,
    /// A password's hash could not be made.
    #[error("the password cannot be stored: {0}")]
    Hash(io::Error),
    /// The card refused.
    #[error("{0}")]
    Card(String),
}

impl ChangeError {
    /// The key that is to be corrected, where it is one.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::NotHere(key) | Self::Needed(key) | Self::Unusable { key, .. } => Some(key),
            Self::TooMany => Some(NETWORKS),
            Self::NoFile | Self::Form | Self::Hash(_) | Self::Card(_) => None,
        }
    }
}

/// Makes a change as a whole, or none of it: whenever the power goes, `picam.toml` is the old one or the new one. `keys` are
/// all that there are, and `wrong` says what a `picam.toml` has that could not be used.
pub fn change(
    files: &mut impl Files,
    host: &mut impl Host,
    paths: &Paths,
    requested: &SettingsChange,
    keys: &[Key],
    wrong: impl Fn(&str) -> Vec<String>,
) -> Result<(), ChangeError> {
    for (key, value) in &requested.set {
        let place = on_page(keys, key).ok_or_else(|| ChangeError::NotHere(key.clone()))?;
        match value {
            Some(value) => usable(key, &edit::set("", place, value, None), &wrong)?,
            // Nobody needs viewers, but without the others the page or the hotspot is closed.
            None if [PASSWORD, PASSPHRASE].contains(&place) => {
                return Err(ChangeError::Needed(key.clone()));
            }
            None => {}
        }
    }
    for network in &requested.join {
        let alone = put(String::new(), network)?;
        usable(NETWORKS, &alone, &wrong)?;
    }
    let Found::Here(original) = boot::find(files, paths) else {
        return Err(ChangeError::NoFile);
    };
    let mut text = credentials::make_sections(&make_sound(&decode(&original)).text);
    for (key, value) in &requested.set {
        let Some(place) = on_page(keys, key) else {
            continue;
        };
        let kept_as = kept_as(keys, place);
        let kept = match value {
            Some(value) if kept_as != place => Some(host.hash(value).map_err(ChangeError::Hash)?),
            value => value.clone(),
        };
        text = match &kept {
            Some(kept) => edit::set(&text, kept_as, kept, None),
            None => edit::remove(&text, kept_as),
        };
        if kept_as != place {
            text = edit::remove(&text, place);
        }
        // A section may be written as something that holds no keys.
        if edit::string(&text, kept_as) != kept {
            return Err(ChangeError::Form);
        }
    }
    for name in &requested.leave {
        text = edit::take_from_list(&text, WIFI, NETWORK, "ssid", name);
    }
    for network in &requested.join {
        text = put(text, network)?;
    }
    if super::view::networks(&text).len() > MAX_NETWORKS {
        return Err(ChangeError::TooMany);
    }
    if text.as_bytes() == original {
        return Ok(());
    }
    let writes = Writes {
        // Old passphrases shall not stay behind in free clusters.
        toml: Some((text.into_bytes(), original.len())),
        ..Writes::default()
    };
    let problems = boot::write(files, host, paths, false, &writes);
    match problems.is_empty() {
        true => Ok(()),
        false => Err(ChangeError::Card(problems.join("; "))),
    }
}

fn usable(key: &str, text: &str, wrong: impl Fn(&str) -> Vec<String>) -> Result<(), ChangeError> {
    match wrong(text).as_slice() {
        [] => Ok(()),
        problems => Err(ChangeError::Unusable {
            key: key.to_owned(),
            why: problems.join("; "),
        }),
    }
}

fn put(text: String, network: &JoinNetwork) -> Result<String, ChangeError> {
    let mut keys = vec![("ssid", network.ssid.as_str())];
    keys.extend(
        network
            .passphrase
            .as_deref()
            .map(|secret| ("passphrase", secret)),
    );
    edit::put_in_list(&text, WIFI, NETWORK, &keys).ok_or(ChangeError::Form)
}
