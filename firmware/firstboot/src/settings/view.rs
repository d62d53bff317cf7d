//! What the page may know of the settings: their values, and of secrets only whether there are any.

use picam_control::settings::{KnownNetwork, Settings};
use toml_edit::Item;

use super::change::{NETWORK, WIFI};
use super::edit::{self, Place};
use super::keys::{Access, Key, kept_as, with};
use super::text::{decode, make_sound, parse};

/// Of the bytes of a `picam.toml`, which has these keys.
pub fn view(bytes: &[u8], keys: &[Key]) -> Settings {
    let text = make_sound(&decode(bytes)).text;
    let values = with(keys, Access::Page).map(|place| (place.full(), edit::string(&text, place)));
    let is_set = |place: Place| edit::string(&text, place).is_some_and(|value| !value.is_empty());
    let secrets = with(keys, Access::PageSecret).map(|place| {
        let is_set = is_set(place) || is_set(kept_as(keys, place));
        (place.full(), is_set)
    });
    Settings {
        values: values.collect(),
        secrets: secrets.collect(),
        networks: networks(&text),
    }
}

pub(super) fn networks(text: &str) -> Vec<KnownNetwork> {
    let Ok(document) = parse(text) else {
        return Vec::new();
    };
    let wifi = document.as_table().get(WIFI).and_then(Item::as_table_like);
    let list = wifi.and_then(|wifi| wifi.get(NETWORK)?.as_array_of_tables());
    let all = list.into_iter().flatten().filter_map(|network| {
        Some(KnownNetwork {
            ssid: network.get("ssid")?.as_str()?.to_owned(),
            passphrase: network.contains_key("passphrase"),
        })
    });
    all.collect()
}
