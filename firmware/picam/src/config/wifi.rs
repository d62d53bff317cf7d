//! `[wifi]`: the camera's own hotspot, and the networks that it may join.

use toml::de::DeValue;

use super::keys;
use super::problem::{Report, Wrong};
use super::secret::Secret;
use super::section::Section;
use super::values::{expected, integer, text};

/// Length of an SSID in bytes (IEEE 802.11-2020, 9.4.2.2).
const MAX_SSID: usize = 32;
/// Length of a WPA2 passphrase in characters (IEEE 802.11-2020, J.4.1).
const PASSPHRASE: std::ops::RangeInclusive<usize> = 8..=63;
/// Primary channels of 20 MHz on 2.4 GHz and, without those that need radar detection, on 5 GHz.
const CHANNELS: [u8; 22] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 36, 40, 44, 48, 149, 153, 157, 161, 165,
];

/// The radio.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wifi {
    /// What it is used for.
    pub mode: WifiMode,
    /// ISO 3166-1 alpha-2 code of the regulatory domain; without one, what is allowed everywhere.
    pub country: Option<String>,
    /// Name of the hotspot, 1 to 32 bytes; without one it is made of the device's name.
    pub ssid: Option<String>,
    /// The hotspot's WPA2 passphrase, 8 to 63 printable ASCII characters. There is no hotspot
    /// without.
    pub passphrase: Option<Secret>,
    /// The hotspot's channel.
    pub channel: WifiChannel,
    /// What it joins as a station, the preferred one first.
    pub networks: Vec<WifiNetwork>,
}

/// What the radio is used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WifiMode {
    /// The camera's own network alone.
    #[default]
    Hotspot,
    /// Both at once, on one channel.
    HotspotAndStation,
    /// Networks of others alone.
    Station,
    /// Nothing.
    Off,
}

/// A channel to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WifiChannel {
    /// The least used one.
    #[default]
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

pub(super) fn read(section: &Section<'_>, wifi: &mut Wifi, report: &mut Report<'_>) {
    section.set(report, "mode", &mut wifi.mode, mode, |mode| {
        let word = match mode {
            WifiMode::Hotspot => "hotspot",
            WifiMode::HotspotAndStation => "hotspot+station",
            WifiMode::Station => "station",
            WifiMode::Off => "off",
        };
        word.to_owned()
    });
    let (key, instead) = ("country", |country: &Option<String>| {
        let none = || "what is allowed everywhere".to_owned();
        country.clone().unwrap_or_else(none)
    });
    section.set(report, key, &mut wifi.country, country, instead);
    let (key, instead) = ("ssid", |_: &_| "the device's name".to_owned());
    let some_ssid = |value: &DeValue<'_>| ssid(value).map(Some);
    section.set(report, key, &mut wifi.ssid, some_ssid, instead);
    let (key, instead) = ("passphrase", |_: &_| "no hotspot".to_owned());
    section.set(report, key, &mut wifi.passphrase, passphrase, instead);
    let (key, instead) = ("channel", |channel: &WifiChannel| match channel {
        WifiChannel::Auto => "auto".to_owned(),
        WifiChannel::Number(number) => number.to_string(),
    });
    section.set(report, key, &mut wifi.channel, channel, instead);
    if let Some(networks) = read_networks(section, report) {
        wifi.networks = networks;
    }
}

fn read_networks(section: &Section<'_>, report: &mut Report<'_>) -> Option<Vec<WifiNetwork>> {
    let value = section.get("network")?;
    let list = value.get_ref().as_array();
    if list.is_none() && !report.has_line_of(value.span().start) {
        let remedy = "write [[wifi.network]] with two brackets, and ssid and passphrase below";
        let wrong = Wrong::new("networks are a list", remedy);
        report.add(value.span().start, wrong, None);
    }
    let mut networks = Vec::new();
    for value in list.into_iter().flatten() {
        let at = value.span().start;
        let without = || Some("the other networks alone".to_owned());
        let remedy = "write [[wifi.network]] with ssid and passphrase below";
        let Some(table) = value.get_ref().as_table() else {
            report.add(at, Wrong::new("this is no network", remedy), without());
            continue;
        };
        let network = Section::open(&keys::WIFI_NETWORK, table, report);
        let (mut name, mut phrase) = (None, None);
        let show = |_: &_| "the other networks alone".to_owned();
        let some_ssid = |value: &DeValue<'_>| ssid(value).map(Some);
        network.set(report, "ssid", &mut name, some_ssid, show);
        let show = |_: &_| "the other networks alone".to_owned();
        network.set(report, "passphrase", &mut phrase, passphrase, show);
        if network.get("ssid").is_none() {
            report.add(
                at,
                Wrong::new("this network has no ssid", remedy),
                without(),
            );
        }
        // A passphrase that cannot be used must not make the network an open one.
        let usable = network.get("passphrase").is_none() || phrase.is_some();
        if let (Some(ssid), true) = (name, usable) {
            networks.push(WifiNetwork {
                ssid,
                passphrase: phrase,
            });
        }
    }
    Some(networks)
}

fn mode(value: &DeValue<'_>) -> Result<WifiMode, Wrong> {
    match value.as_str() {
        Some("hotspot") => Ok(WifiMode::Hotspot),
        Some("hotspot+station") => Ok(WifiMode::HotspotAndStation),
        Some("station") => Ok(WifiMode::Station),
        Some("off") => Ok(WifiMode::Off),
        _ => Err(expected(
            value,
            "use of the radio",
            "\"hotspot\", \"hotspot+station\", \"station\" or \"off\"",
        )),
    }
}

fn country(value: &DeValue<'_>) -> Result<Option<String>, Wrong> {
    let example = "the two letters of the country, such as \"DE\"";
    let code = text(value, example)?.to_ascii_uppercase();
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(Some(code));
    }
    Err(expected(value, "country", example))
}

fn ssid(value: &DeValue<'_>) -> Result<String, Wrong> {
    let name = text(value, "the network's name in quotes")?;
    if (1..=MAX_SSID).contains(&name.len()) && !name.contains(char::is_control) {
        return Ok(name);
    }
    let remedy = "1 to 32 bytes without control characters";
    Err(expected(value, "name of a network", remedy))
}

fn passphrase(value: &DeValue<'_>) -> Result<Option<Secret>, Wrong> {
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

fn channel(value: &DeValue<'_>) -> Result<WifiChannel, Wrong> {
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
