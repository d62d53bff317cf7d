//! Values below `[wifi]`, and the networks that the camera may join.

use picam_hotspot::{Channel, Mode, Psk, Ssid};
use toml::de::DeValue;

use super::problem::Wrong;
use super::secret::Secret;
use super::values::{Words, expected, integer, text};

/// A network to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WifiNetwork {
    /// Its name, 1 to 32 bytes.
    pub ssid: String,
    /// Its WPA2 passphrase; `None` for an open network.
    pub passphrase: Option<Secret>,
}

impl Words for Mode {
    const WHAT: &'static str = "use of the radio";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("hotspot", Self::Hotspot),
        ("hotspot+station", Self::HotspotAndStation),
        ("station", Self::Station),
        ("off", Self::Off),
    ];
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
    if Ssid::new(&name).is_some() && !name.contains(char::is_control) {
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
    match value.as_str() {
        Some(phrase) if Psk::parse(phrase).is_ok() => Ok(Some(Secret::new(phrase.to_owned()))),
        _ => Err(wrong()),
    }
}

pub(super) fn channel(value: &DeValue<'_>) -> Result<Option<Channel>, Wrong> {
    let number = integer(value).and_then(|number| u8::try_from(number).ok());
    match (value.as_str(), number.and_then(Channel::new)) {
        (Some("auto"), _) => Ok(None),
        (_, Some(channel)) => Ok(Some(channel)),
        _ => Err(expected(
            value,
            "channel",
            "\"auto\", or 1 to 13, 36, 40, 44, 48, 149, 153, 157, 161 or 165 without quotes",
        )),
    }
}
