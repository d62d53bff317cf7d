//! `[device]`: what the camera is called, where it is, and whether it shall forget everything.

use toml::de::DeValue;

use super::problem::{Report, Wrong};
use super::section::Section;
use super::values::{expected, text};

/// With the five characters that a radio's address adds, an SSID of 32 bytes still holds it.
const MAX_NAME: usize = 27;
const MAX_TIME_ZONE: usize = 64;
const MAX_WORD: usize = 200;

/// The device itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Host name, name on mDNS (`NAME.local`) and beginning of the SSID: a label of RFC 1123 in lower
    /// case, at most 27 characters.
    pub name: String,
    /// A name of the IANA time zone database. Only its form is checked.
    pub time_zone: String,
    /// What the next boot shall erase.
    pub factory_reset: FactoryReset,
    /// Where footage goes.
    pub footage: Place,
    /// The USB disk that may be formatted, in the word that names it and what is on it.
    pub format_disk: Option<String>,
}

/// What the footage is recorded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The card's own partition.
    Card,
    /// A USB disk, and the card while there is none.
    Usb,
}

/// What the next boot shall erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactoryReset {
    /// Nothing.
    No,
    /// Passwords, and everything on the state partition.
    Settings,
    /// The footage, too.
    Everything,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            name: "picam".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            factory_reset: FactoryReset::No,
            footage: Place::Card,
            format_disk: None,
        }
    }
}

pub(super) fn read(section: &Section<'_>, device: &mut Device, report: &mut Report<'_>) {
    let Device {
        name: device_name,
        time_zone: zone,
        factory_reset: reset,
        footage,
        format_disk: disk,
    } = device;
    section.set(report, "name", device_name, name, String::clone);
    section.set(report, "time-zone", zone, time_zone, String::clone);
    section.set(report, "factory-reset", reset, factory_reset, |reset| {
        let word = match reset {
            FactoryReset::No => "no",
            FactoryReset::Settings => "settings",
            FactoryReset::Everything => "everything",
        };
        word.to_owned()
    });
    section.set(report, "footage", footage, place, |place| {
        let word = match place {
            Place::Card => "card",
            Place::Usb => "usb",
        };
        word.to_owned()
    });
    section.set(report, "format-disk", disk, format_disk, |_| {
        "nothing is formatted".to_owned()
    });
}

fn name(value: &DeValue<'_>) -> Result<String, Wrong> {
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

fn time_zone(value: &DeValue<'_>) -> Result<String, Wrong> {
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

fn factory_reset(value: &DeValue<'_>) -> Result<FactoryReset, Wrong> {
    match value.as_str() {
        Some("no") => Ok(FactoryReset::No),
        Some("settings") => Ok(FactoryReset::Settings),
        Some("everything") => Ok(FactoryReset::Everything),
        // Nothing is erased by a guess.
        _ => Err(expected(
            value,
            "kind of reset",
            "\"no\", \"settings\" or \"everything\"",
        )),
    }
}

fn place(value: &DeValue<'_>) -> Result<Place, Wrong> {
    match value.as_str() {
        Some("card") => Ok(Place::Card),
        Some("usb") => Ok(Place::Usb),
        _ => Err(expected(
            value,
            "place for the footage",
            "\"card\" or \"usb\"",
        )),
    }
}

/// The word is compared as a whole; a slip in it formats nothing.
fn format_disk(value: &DeValue<'_>) -> Result<Option<String>, Wrong> {
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
