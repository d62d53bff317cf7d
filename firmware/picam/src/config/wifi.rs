//! Values below `[wifi]`, and the networks that the camera may join.

use toml::de::DeValue;

use super::keys::{Network, OTHER_NETWORKS};
use super::problem::{Report, Wrong};
use super::secret::Secret;
use super::section::Section;
use super::values::{Words, expected, integer, text};

/// Length of an SSID in bytes (IEEE 802.11-2020, 9.4.2.2).
const MAX_SSID: usize = 32;
/// Length of a WPA2 passphrase in characters (IEEE 802.11-2020, J.4.1).
const PASSPHRASE: std::ops::RangeInclusive<usize> = 8..=63;
/// Primary channels of 20 MHz on 2.4 GHz and, without those that need radar detection, on 5 GHz.
const CHANNELS: [u8; 22] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 36, 40, 44, 48, 149, 153, 157, 161, 165,
];

/// What the radio is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WifiMode {
    /// The camera's own network alone.
    Hotspot,
    /// Both at once, on one channel.
    HotspotAndStation,
    /// Networks of others alone.
    Station,
    /// Nothing.
    Off,
}

/// A channel to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WifiChannel {
    /// The least used one.
    Auto,
    /// This one, by its number.
    Number(u8),
}

/// A network to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WifiNetwork {
    /// Its name, 1 to 32 bytes.
    pub ssid: String,
    /// Its WPA2 passphrase; `None` for an open network.
    pub passphrase: Option<Secret>,
}

impl Words for WifiMode {
    const WHAT: &'static str = "use of the radio";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("hotspot", Self::Hotspot),
        ("hotspot+station", Self::HotspotAndStation),
        ("station", Self::Station),
        ("off", Self::Off),
    ];
}

pub(super) fn show_channel(channel: &WifiChannel) -> String {
    match channel {
        WifiChannel::Auto => "auto".to_owned(),
        WifiChannel::Number(number) => number.to_string(),
    }
}

pub(super) fn read_networks(
    section: &Section<'_>,
    report: &mut Report<'_>,
) -> Option<Vec<WifiNetwork>> {
    let remedy = "write [[wifi.network]] with two brackets, and ssid and passphrase below";
    let list = section.list("network", Wrong::new("networks are a list", remedy), report)?;
    let mut networks = Vec::new();
    for value in list {
        let at = value.span().start;
        let without = || Some(OTHER_NETWORKS.to_owned());
        let remedy = "write [[wifi.network]] with ssid and passphrase below";
        let Some(table) = value.get_ref().as_table() else {
            report.add(at, Wrong::new("this is no network", remedy), without());
            continue;
        };
        let mut network = Network::default();
        let section = Section::read(table, &mut network, report);
        if section.get("ssid").is_none() {
            report.add(
                at,
                Wrong::new("this network has no ssid", remedy),
                without(),
            );
        }
        let Network { ssid, passphrase } = network;
        // A passphrase that cannot be used must not make the network an open one.
        let usable = section.get("passphrase").is_none() || passphrase.is_some();
        if let (Some(ssid), true) = (ssid, usable) {
            networks.push(WifiNetwork { ssid, passphrase });
        }
    }
    Some(networks)
}

pub(super) fn country(value: &DeValue<'_>) -> Result<Option<String>, Wrong> {
    let example = "the two letters of the country, such as \"DE\"";
    let code = text(value, example)?.to_ascii_uppercase();
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(Some(code));
    }
    Err(expected(value, "country", example))
}

pub(super) fn ssid(value: &DeValue<'_>) -> Result<String, Wrong> {
    let name = text(value, "the network's name in quotes")?;
    if (1..=MAX_SSID).contains(&name.len()) && !name.contains(char::is_control) {
        return Ok(name);
    }
    let remedy = "1 to 32 bytes without control characters";
    Err(expected(value, "name of a network", remedy))
}

pub(super) fn passphrase(value: &DeValue<'_>) -> Result<Option<Secret>, Wrong> {
    // The value itself is not repeated.
    let wrong = || {
        Wrong::new(
            "this is no WPA2 passphrase",
            "write 8 to 63 characters in quotes: letters without accents, digits, signs, spaces",
        )
    };
    let phrase = value.as_str().ok_or_else(wrong)?;
    let printable = |byte: u8| (0x20..=0x7e).contains(&byte);
    if PASSPHRASE.contains(&phrase.len()) && phrase.bytes().all(printable) {
        return Ok(Some(Secret::new(phrase.to_owned())));
    }
    Err(wrong())
}

pub(super) fn channel(value: &DeValue<'_>) -> Result<WifiChannel, Wrong> {
    let number = integer(value).and_then(|number| u8::try_from(number).ok());
    match (value.as_str(), number) {
        (Some("auto"), _) => Ok(WifiChannel::Auto),
        (_, Some(number)) if CHANNELS.contains(&number) => Ok(WifiChannel::Number(number)),
        _ => Err(expected(
            value,
            "channel",
            "\"auto\", or 1 to 13, 36, 40, 44, 48, 149, 153, 157, 161 or 165 without quotes",
        )),
    }
}
