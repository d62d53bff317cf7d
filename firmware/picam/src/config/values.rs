//! Single values of the file.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use picam_capture::{Background, Place, Rgb, picture};
use picam_ring::{MIN_SLOTS, Reserve};
use picam_sensors::motion::Sensitivity;
use picam_web::{MIN_PASSWORD_LEN, PasswordHash, TokenHash};
use toml::de::DeValue;

use super::problem::Wrong;
use super::secret::Secret;
use super::units::{parse_duration, parse_size, show_duration, show_size};

/// How many slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotCount {
    /// So many.
    Count(u32),
    /// As many as the card holds.
    Fill,
}

/// Form of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl Words for LogFormat {
    const WHAT: &'static str = "log format";
    const WORDS: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// How weak an impact may be that locks footage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImpactLevel {
    /// None does.
    Off,
    /// Collisions alone.
    Low,
    /// Weaker ones, too.
    Medium,
    /// Also bad roads.
    High,
}

impl ImpactLevel {
    /// The same for the recorder.
    pub const fn sensitivity(self) -> Option<Sensitivity> {
        match self {
            Self::Off => None,
            Self::Low => Some(Sensitivity::Low),
            Self::Medium => Some(Sensitivity::Medium),
            Self::High => Some(Sensitivity::High),
        }
    }
}

impl Words for ImpactLevel {
    const WHAT: &'static str = "sensitivity";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("off", Self::Off),
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
    ];
}

/// A value that is one of a few words.
pub(super) trait Words: Copy + PartialEq + 'static {
    /// What they are words for.
    const WHAT: &'static str;
    const WORDS: &'static [(&'static str, Self)];
}

pub(super) fn word<T: Words>(value: &DeValue<'_>) -> Result<T, Wrong> {
    let found = T::WORDS
        .iter()
        .find(|(word, _)| value.as_str() == Some(*word));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<String> = T::WORDS
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect();
        let (last, others) = words.split_at(words.len().saturating_sub(1));
        let example = format!("{} or {}", others.join(", "), last.concat());
        expected(value, T::WHAT, &example)
    })
}

pub(super) fn show_word<T: Words>(value: &T) -> String {
    let found = T::WORDS.iter().find(|(_, meaning)| meaning == value);
    found.map_or(String::new(), |(word, _)| (*word).to_owned())
}

/// Of a key that may be left out.
pub(super) fn some<T>(
    parse: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
) -> impl Fn(&DeValue<'_>) -> Result<Option<T>, Wrong> {
    move |value| parse(value).map(Some)
}

/// Shows a value that may be left out.
pub(super) fn or<T>(
    left_out: &'static str,
    show: impl Fn(&T) -> String,
) -> impl Fn(&Option<T>) -> String {
    move |value| value.as_ref().map_or(left_out.to_owned(), &show)
}

/// Shows the same for every value: it is secret, or does not say it all.
pub(super) fn always<T>(text: &'static str) -> impl Fn(&T) -> String {
    move |_| text.to_owned()
}

/// Segments shorter than this are mostly headers.
const MIN_SEGMENT: Duration = Duration::from_secs(1);
/// Longer ones would overflow the head region that their index is written into.
const MAX_SEGMENT: Duration = Duration::from_secs(600);
const MIN_SLOT_SIZE: u64 = 1 << 20;
const MAX_SLOT_SIZE: u64 = 16 << 30;
const MAX_SLOTS: u32 = 100_000;
/// In bytes; what hashing takes at most (`tests/vectors/secrets.tsv`).
const MAX_PASSWORD_LEN: usize = 1024;

fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("'{text}'"),
        DeValue::Integer(number) => format!("{number}"),
        DeValue::Float(number) => format!("{number}"),
        DeValue::Boolean(truth) => format!("{truth}"),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
    }
}

pub(super) fn expected(value: &DeValue<'_>, what: &str, example: &str) -> Wrong {
    Wrong::new(
        format!("{} is no {what}", kind(value)),
        format!("write {example}"),
    )
}

pub(super) fn text(value: &DeValue<'_>, example: &str) -> Result<String, Wrong> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(expected(value, "text in quotes", example)),
    }
}

pub(super) fn quoted(value: &DeValue<'_>) -> Result<String, Wrong> {
    text(value, "it in quotes")
}

pub(super) fn path(value: &DeValue<'_>) -> Result<PathBuf, Wrong> {
    let path = text(value, "a directory in quotes, such as \"/footage\"")?;
    if path.is_empty() || path.contains('\0') {
        return Err(Wrong::new(
            "the directory has no name",
            "write one, such as \"/footage\"",
        ));
    }
    Ok(path.into())
}

pub(super) fn truth(value: &DeValue<'_>) -> Result<bool, Wrong> {
    value
        .as_bool()
        .ok_or_else(|| expected(value, "yes or no", "true or false, without quotes"))
}

pub(super) fn integer(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn duration(value: &DeValue<'_>) -> Result<Duration, Wrong> {
    let example = "a whole number and s, m, h or d in quotes, such as \"60s\"";
    let text = text(value, example)?;
    parse_duration(&text).map_err(|sentence| Wrong::from_sentence(&sentence))
}

/// A size in bytes: text, or a plain number.
fn size(value: &DeValue<'_>) -> Result<u64, Wrong> {
    if let Some(bytes) = integer(value) {
        return Ok(bytes);
    }
    let example = "a whole number and KiB, MiB or GiB in quotes, such as \"32MiB\"";
    let text = text(value, example)?;
    parse_size(&text).map_err(|sentence| Wrong::from_sentence(&sentence))
}

/// A picture setting: text, a number, or true and false.
pub(super) fn picture(
    key: picture::Key,
) -> impl Fn(&DeValue<'_>) -> Result<Option<picture::Value>, Wrong> {
    move |value| {
        let text = match value {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => plain(value),
            _ => return Err(expected(value, "picture setting", key.form())),
        };
        let read = picture::Value::parse(key, &text);
        read.map(Some)
            .map_err(|error| Wrong::new(error.what, error.remedy))
    }
}

/// A number or a truth as it is written.
fn plain(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        other => kind(other),
    }
}

/// The length that segments shall have.
pub(crate) fn check_segment(segment: Duration) -> Result<Duration, String> {
    if (MIN_SEGMENT..=MAX_SEGMENT).contains(&segment) {
        return Ok(segment);
    }
    let (least, most) = (show_duration(MIN_SEGMENT), show_duration(MAX_SEGMENT));
    let segment = show_duration(segment);
    Err(format!(
        "a segment of {segment} is not possible: choose {least} to {most}"
    ))
}

/// The length of a slot's file.
pub(crate) fn check_slot_size(bytes: u64) -> Result<u64, String> {
    let shown = show_size(bytes);
    if !(MIN_SLOT_SIZE..=MAX_SLOT_SIZE).contains(&bytes) {
        let (least, most) = (show_size(MIN_SLOT_SIZE), show_size(MAX_SLOT_SIZE));
        return Err(format!(
            "slots of {shown} are not possible: choose {least} to {most}"
        ));
    }
    if !bytes.is_multiple_of(picam_mp4::layout::PAGE as u64) {
        return Err(format!(
            "slots of {shown} bytes are not possible: choose whole MiB, or a multiple of 4KiB"
        ));
    }
    Ok(bytes)
}

/// How many slots there shall be.
pub(crate) fn check_slots(count: u64) -> Result<SlotCount, String> {
    let allowed = MIN_SLOTS as u64..=u64::from(MAX_SLOTS);
    match u32::try_from(count) {
        Ok(slots) if allowed.contains(&count) => Ok(SlotCount::Count(slots)),
        _ => Err(format!(
            "{count} slots are not possible: choose {MIN_SLOTS} to {MAX_SLOTS}, or \"fill\""
        )),
    }
}

fn checked<T>(result: Result<T, String>) -> Result<T, Wrong> {
    result.map_err(|sentence| Wrong::from_sentence(&sentence))
}

pub(super) fn segment(value: &DeValue<'_>) -> Result<Duration, Wrong> {
    checked(check_segment(duration(value)?))
}

pub(super) fn slot_size(value: &DeValue<'_>) -> Result<u64, Wrong> {
    checked(check_slot_size(size(value)?))
}

pub(super) fn slots(value: &DeValue<'_>) -> Result<SlotCount, Wrong> {
    match (value.as_str(), integer(value)) {
        (Some("fill"), _) => Ok(SlotCount::Fill),
        (_, Some(count)) => checked(check_slots(count)),
        _ => Err(expected(
            value,
            "number of slots",
            "a number without quotes, or \"fill\"",
        )),
    }
}

pub(super) fn reserve(value: &DeValue<'_>) -> Result<Reserve, Wrong> {
    if let Some(percent) = value
        .as_str()
        .and_then(|text| text.trim().strip_suffix('%'))
    {
        return match percent.trim_end().parse() {
            Ok(percent) if (0.0..=90.0).contains(&percent) => Ok(Reserve::Percent(percent)),
            _ => Err(expected(value, "usable reserve", "\"0%\" to \"90%\"")),
        };
    }
    size(value).map(Reserve::Bytes).map_err(|_| {
        expected(
            value,
            "usable reserve",
            "a part of the card such as \"2%\", or a size such as \"1GiB\"",
        )
    })
}

pub(super) fn show_path(path: &Path) -> String {
    path.display().to_string()
}

pub(super) fn show_time(time: &Duration) -> String {
    show_duration(*time)
}

pub(super) fn show_bytes(bytes: &u64) -> String {
    show_size(*bytes)
}

pub(super) fn show_level(level: &tracing::Level) -> String {
    level.to_string().to_lowercase()
}

/// A reserve as it is written.
pub(super) fn show_reserve(reserve: &Reserve) -> String {
    match reserve {
        Reserve::Percent(percent) => format!("{percent}%"),
        Reserve::Bytes(bytes) => show_size(*bytes),
    }
}

/// A number of slots as it is written.
pub(super) fn show_slots(slots: &SlotCount) -> String {
    match slots {
        SlotCount::Count(count) => count.to_string(),
        SlotCount::Fill => "fill".to_owned(),
    }
}

pub(super) fn fraction(value: &DeValue<'_>) -> Result<f64, Wrong> {
    let number = match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        value => integer(value).map(|number| number as f64),
    };
    let number = number.filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| expected(value, "share", "a fraction from 0.0 to 1.0, without quotes"))
}

pub(super) fn max_age(value: &DeValue<'_>) -> Result<Option<Duration>, Wrong> {
    match duration(value)? {
        Duration::ZERO => Err(Wrong::new(
            "nothing could be kept for 0 seconds",
            "write a length of time such as \"30d\", or leave the key out to keep all that fits",
        )),
        age => Ok(Some(age)),
    }
}

/// Longest text in pictures, in characters.
const MAX_CAPTION: usize = 60;

impl Words for Place {
    const WHAT: &'static str = "position";
    const WORDS: &'static [(&'static str, Self)] = &[("bottom", Self::Bottom), ("top", Self::Top)];
}

pub(super) fn caption(value: &DeValue<'_>) -> Result<Option<String>, Wrong> {
    let caption = text(value, "it in quotes")?;
    match caption.chars().count() <= MAX_CAPTION && !caption.contains(char::is_control) {
        true => Ok(Some(caption).filter(|caption| !caption.is_empty())),
        false => Err(expected(
            value,
            "text for a picture",
            "60 characters at most, on one line",
        )),
    }
}

pub(super) fn caption_size(value: &DeValue<'_>) -> Result<u8, Wrong> {
    let size = integer(value).and_then(|number| u8::try_from(number).ok());
    let size = size.filter(|size| (2..=20).contains(size));
    size.ok_or_else(|| expected(value, "size", "2 to 20 percent, without quotes and sign"))
}

const COLOURS: &str = "a colour such as \"white\", \"yellow\" or \"#ffcc00\"";

pub(super) fn colour(value: &DeValue<'_>) -> Result<Rgb, Wrong> {
    let colour = value.as_str().and_then(|text| text.parse().ok());
    colour.ok_or_else(|| expected(value, "colour", COLOURS))
}

pub(super) fn background(value: &DeValue<'_>) -> Result<Background, Wrong> {
    match value.as_str() {
        Some("none") => Ok(Background::None),
        _ => colour(value).map(Background::Box),
    }
}

pub(super) fn show_background(background: &Background) -> String {
    match background {
        Background::None => "none".to_owned(),
        Background::Box(colour) => colour.to_string(),
    }
}

/// More often, a small board would do little else.
const STILL_EVERY: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 3600);

pub(super) fn still_every(value: &DeValue<'_>) -> Result<Option<Duration>, Wrong> {
    if value.as_str() == Some("off") {
        return Ok(None);
    }
    match duration(value)? {
        every if STILL_EVERY.contains(&every) => Ok(Some(every)),
        _ => Err(expected(
            value,
            "time between stills",
            "\"1s\" to \"1d\", or \"off\"",
        )),
    }
}

pub(super) fn still_for(value: &DeValue<'_>) -> Result<Option<Duration>, Wrong> {
    match duration(value)? {
        Duration::ZERO => Err(expected(value, "time", "\"8h\", or leave the key out")),
        lasting => Ok(Some(lasting)),
    }
}

pub(super) fn quality(value: &DeValue<'_>) -> Result<u8, Wrong> {
    let quality = integer(value).and_then(|number| u8::try_from(number).ok());
    let quality = quality.filter(|quality| (1..=100).contains(quality));
    quality.ok_or_else(|| expected(value, "quality", "1 to 100, without quotes"))
}

pub(super) fn still_room(value: &DeValue<'_>) -> Result<u64, Wrong> {
    match size(value)? {
        room if room >= 1 << 20 => Ok(room),
        _ => Err(expected(value, "room for stills", "\"1MiB\" or more")),
    }
}

/// What knows itself how it is written. A number, such as that of a line, may stand without quotes.
pub(super) fn spec<T: FromStr<Err: Display>>(value: &DeValue<'_>) -> Result<T, Wrong> {
    let text = match (value.as_str(), integer(value)) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) => number.to_string(),
        (None, None) => kind(value),
    };
    checked(text.parse().map_err(|error: T::Err| error.to_string()))
}

/// A day, and a parked car's battery has had enough.
const MAX_STAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn stay(value: &DeValue<'_>) -> Result<Duration, Wrong> {
    match duration(value)? {
        stay if stay <= MAX_STAY => Ok(stay),
        _ => Err(expected(value, "time to go on", "\"0s\" to \"1d\"")),
    }
}

pub(super) fn listen(value: &DeValue<'_>) -> Result<SocketAddr, Wrong> {
    let example = "an address and a port in quotes, such as \"127.0.0.1:8080\"";
    text(value, example)?
        .parse()
        .map_err(|_| expected(value, "address and port", example))
}

pub(super) fn password(value: &DeValue<'_>) -> Result<Option<Secret>, Wrong> {
    // The value itself is not repeated.
    let wrong = |what: &str| Wrong::new(what, "write at least 8 characters in quotes");
    let text = value
        .as_str()
        .ok_or_else(|| wrong("the password is no text"))?;
    if text.chars().count() < MIN_PASSWORD_LEN || text.len() > MAX_PASSWORD_LEN {
        return Err(wrong("the password is too short or too long"));
    }
    if text.contains(char::is_control) {
        return Err(wrong("the password has a control character"));
    }
    Ok(Some(Secret::new(text.to_owned())))
}

/// Of a camera, which has rules of its own.
pub(super) fn camera_password(value: &DeValue<'_>) -> Result<Option<Secret>, Wrong> {
    let text = value.as_str().filter(|text| {
        !text.is_empty() && text.len() <= MAX_PASSWORD_LEN && !text.contains(char::is_control)
    });
    // The value itself is not repeated.
    let wrong = || Wrong::new("this is no camera's password", "write it in quotes");
    let text = text.ok_or_else(wrong)?;
    Ok(Some(Secret::new(text.to_owned())))
}

pub(super) fn password_hash(value: &DeValue<'_>) -> Result<Option<PasswordHash>, Wrong> {
    let example = "the line that `picam password` prints";
    // The value itself may be the password: it is not repeated.
    let hash = value.as_str().map(PasswordHash::parse);
    match hash {
        Some(Ok(hash)) => Ok(Some(hash)),
        _ => Err(Wrong::new(
            "this is no argon2id hash",
            format!("write {example}"),
        )),
    }
}

pub(super) fn token_hash(value: &DeValue<'_>) -> Result<Option<TokenHash>, Wrong> {
    // The value may be the token itself: it is not repeated.
    let hash = value.as_str().and_then(TokenHash::parse);
    hash.map(Some).ok_or_else(|| {
        Wrong::new(
            "this is no hash of a token",
            "write the line that `picam token` prints: viewer- or owner-, and 64 digits of 0-9 and a-f",
        )
    })
}

pub(super) fn log_level(value: &DeValue<'_>) -> Result<tracing::Level, Wrong> {
    let level = value.as_str().and_then(|text| text.parse().ok());
    // `Level` reads digits as well.
    let level = level.filter(|_| value.as_str().is_some_and(|text| text.len() > 1));
    let levels = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
    level.ok_or_else(|| expected(value, "log level", levels))
}
