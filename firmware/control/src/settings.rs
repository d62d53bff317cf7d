//! What the page may know of `picam.toml`, and ask to be changed in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is set. No passphrase, no password and no hash of one is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// `section.key` and its value; null where the default holds, or the value is no text.
    pub values: BTreeMap<String, Option<String>>,
    /// `section.key` of secrets, and whether there is one.
    pub secrets: BTreeMap<String, bool>,
    /// The networks to join.
    pub networks: Vec<KnownNetwork>,
}

/// A network to join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownNetwork {
    /// Its name.
    pub ssid: String,
    /// Whether it has a passphrase.
    pub passphrase: bool,
}

/// What shall be set otherwise.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// `section.key`, of secrets too, and the new value; null for the default.
    #[serde(default)]
    pub set: BTreeMap<String, Option<String>>,
    /// Networks to join; one of the same name is replaced.
    #[serde(default)]
    pub join: Vec<JoinNetwork>,
    /// Names of networks to join no longer.
    #[serde(default)]
    pub leave: Vec<String>,
}

/// A network to join from now on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinNetwork {
    /// Its name.
    pub ssid: String,
    /// Its passphrase; none for an open one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
}

/// Names alone: values may be secrets.
impl std::fmt::Debug for SettingsChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let networks = self.join.iter().map(|network| &network.ssid);
        f.debug_struct("SettingsChange")
            .field("set", &self.set.keys())
            .field("join", &networks.collect::<Vec<_>>())
            .field("leave", &self.leave)
            .finish()
    }
}
