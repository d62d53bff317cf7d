//! What the page may know of the settings: their values, and of secrets only whether there are any.

use std::collections::BTreeMap;

use toml_edit::Item;

use super::change::{NETWORK, WIFI};
use super::edit::{self, Place};
use super::keys::{Access, Key, kept_as, with};
use super::text::{decode, make_sound, parse};

/// The settings that the page shows and changes. No passphrase, no password and no hash of one is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// `section.key` and its value; none where the default holds, or the value is no text.
    pub values: BTreeMap<String, Option<String>>,
    /// `section.key`, and whether there is a secret.
    pub secrets: BTreeMap<String, bool>,
    /// Names of the networks that are joined, and whether each has a passphrase.
    pub networks: Vec<(String, bool)>,
}

/// Of the bytes of a `picam.toml`, which has these keys.
pub fn view(bytes: &[u8], keys: &[Key]) -> View {
    let text = make_sound(&decode(bytes)).text;
    let values = with(keys, Access::Page).map(|place| (place.full(), edit::string(&text, place)));
    let is_set = |place: Place| edit::string(&text, place).is_some_and(|value| !value.is_empty());
    let secrets = with(keys, Access::PageSecret).map(|place| {
        let is_set = is_set(place) || is_set(kept_as(keys, place));
        (place.full(), is_set)
    });
    View {
        values: values.collect(),
        secrets: secrets.collect(),
        networks: networks(&text),
    }
}

pub(super) fn networks(text: &str) -> Vec<(String, bool)> {
    let Ok(document) = parse(text) else {
        return Vec::new();
    };
    let wifi = document.as_table().get(WIFI).and_then(Item::as_table_like);
    let list = wifi.and_then(|wifi| wifi.get(NETWORK)?.as_array_of_tables());
    let all = list.into_iter().flatten().filter_map(|network| {
        let ssid = network.get("ssid")?.as_str()?.to_owned();
        Some((ssid, network.contains_key("passphrase")))
    });
    all.collect()
}
