//! Values below `[device]`.

use picam_firstboot::settings::Reset;
use toml::de::DeValue;

use super::problem::Wrong;
use super::values::{Words, expected, text};

/// With the five characters that a radio's address adds, an SSID of 32 bytes still holds it.
const MAX_NAME: usize = 27;
const MAX_TIME_ZONE: usize = 64;
const MAX_WORD: usize = 200;

/// What the footage is recorded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The card's own partition.
    Card,
    /// A USB disk, and the card while there is none.
    Usb,
}

impl Words for Place {
    const WHAT: &'static str = "place for the footage";
    const WORDS: &'static [(&'static str, Self)] = &[("card", Self::Card), ("usb", Self::Usb)];
}

// A word, and not yes or no: nothing is erased by a guess.
impl Words for Reset {
    const WHAT: &'static str = "kind of reset";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("no", Self::No),
        ("settings", Self::Settings),
        ("everything", Self::Everything),
    ];
}

pub(super) fn name(value: &DeValue<'_>) -> Result<String, Wrong> {
    let name = text(value, "a name in quotes, such as \"picam\"")?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let sound = (1..=MAX_NAME).contains(&name.len())
        && name.chars().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if sound {
        return Ok(name);
    }
    let remedy = "a-z, 0-9 and - (not first or last), 27 characters at most, such as \"picam\"";
    Err(expected(value, "name of a device", remedy))
}

pub(super) fn time_zone(value: &DeValue<'_>) -> Result<String, Wrong> {
    let example = "a name from the IANA database, such as \"Europe/Berlin\"";
    let zone = text(value, example)?;
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    };
    if zone.len() <= MAX_TIME_ZONE && zone.split('/').all(part) {
        return Ok(zone);
    }
    Err(expected(value, "time zone", example))
}

/// The word is compared as a whole; a slip in it formats nothing.
pub(super) fn format_disk(value: &DeValue<'_>) -> Result<Option<String>, Wrong> {
    let example = "the word that the camera's status shows for this disk";
    let word = text(value, example)?;
    match word.as_str() {
        "" => Ok(None),
        word if word.len() <= MAX_WORD && word.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(word.to_owned()))
        }
        _ => Err(expected(value, "name of a disk", example)),
    }
}
