//! Changing `picam.toml` for somebody at the page.
//!
//! Only keys that are listed here: nobody who has taken the page over can shrink what is kept, take a camera away or have a disk
//! formatted. Those take an edit of the card.

use std::collections::BTreeMap;
use std::io;

use super::boot::{self, Found, Writes};
use super::edit::{self, Place};
use super::files::Files;
use super::text::{decode, make_sound};
use super::{Host, Paths, credentials};

pub(super) const WIFI: &str = "wifi";
pub(super) const NETWORK: &str = "network";
/// Networks that a camera may be told of.
const MAX_NETWORKS: usize = 8;

const fn place(section: &'static str, key: &'static str) -> Place {
    Place { section, key }
}

/// What may be read and written.
pub(super) const OPEN: [Place; 7] = [
    place("device", "name"),
    place("device", "time-zone"),
    place(WIFI, "mode"),
    place(WIFI, "country"),
    place(WIFI, "ssid"),
    place("log", "format"),
    place("log", "level"),
];
const PASSWORD: Place = place("web", "password");
const HASH: Place = place("web", "password-hash");
const PASSPHRASE: Place = place(WIFI, "passphrase");
/// What may only be written, and how it is kept.
pub(super) const SECRET: [(Place, Place); 2] = [(PASSWORD, HASH), (PASSPHRASE, PASSPHRASE)];

/// What somebody wants changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// `section.key` and its new value.
    pub set: BTreeMap<String, String>,
    /// Networks to join; one of the same name is replaced.
    pub join: Vec<Network>,
}

/// A network to join.
#[derive(Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub ssid: String,
    /// Its passphrase; none for an open one.
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("ssid", &self.ssid)
            .finish_non_exhaustive()
    }
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Not a key that may be changed here.
    #[error("'{0}' cannot be changed from here; edit picam.toml on the card")]
    NotHere(String),
    /// The value would not be used.
    #[error("{0}")]
    Unusable(String),
    /// There are too many networks.
    #[error("{MAX_NETWORKS} networks are the most; remove one from picam.toml on the card")]
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

/// Makes a change as a whole, or none of it: whenever the power goes, `picam.toml` is the old one or the new one. `wrong` says
/// what a `picam.toml` has that could not be used.
pub fn change(
    files: &mut impl Files,
    host: &mut impl Host,
    paths: &Paths,
    wanted: &Change,
    wrong: impl Fn(&str) -> Vec<String>,
) -> Result<(), ChangeError> {
    for (key, value) in &wanted.set {
        let place = place_of(key).ok_or_else(|| ChangeError::NotHere(key.clone()))?;
        usable(&edit::set("", place, value, None), &wrong)?;
    }
    for network in &wanted.join {
        let alone = put(String::new(), network)?;
        usable(&alone, &wrong)?;
    }
    let Found::Here(original) = boot::find(files, paths) else {
        return Err(ChangeError::NoFile);
    };
    let mut text = credentials::make_sections(&make_sound(&decode(&original)).text);
    for (key, value) in &wanted.set {
        let Some(place) = place_of(key) else { continue };
        let (kept_as, kept) = match place == PASSWORD {
            true => (HASH, host.hash(value).map_err(ChangeError::Hash)?),
            false => (place, value.clone()),
        };
        text = edit::set(&text, kept_as, &kept, None);
        if place == PASSWORD {
            text = edit::remove(&text, PASSWORD);
        }
        // A section may be written as something that holds no keys.
        if edit::string(&text, kept_as) != Some(kept) {
            return Err(ChangeError::Form);
        }
    }
    for network in &wanted.join {
        text = put(text, network)?;
    }
    if super::view::view(text.as_bytes()).networks.len() > MAX_NETWORKS {
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

fn place_of(key: &str) -> Option<Place> {
    let secret = SECRET.iter().map(|(place, _)| *place);
    let mut all = OPEN.into_iter().chain(secret);
    all.find(|place| place.full() == key)
}

fn usable(text: &str, wrong: impl Fn(&str) -> Vec<String>) -> Result<(), ChangeError> {
    match wrong(text).as_slice() {
        [] => Ok(()),
        problems => Err(ChangeError::Unusable(problems.join("; "))),
    }
}

fn put(text: String, network: &Network) -> Result<String, ChangeError> {
    let mut keys = vec![("ssid", network.ssid.as_str())];
    keys.extend(
        network
            .passphrase
            .as_deref()
            .map(|secret| ("passphrase", secret)),
    );
    edit::put_in_list(&text, WIFI, NETWORK, &keys).ok_or(ChangeError::Form)
}
