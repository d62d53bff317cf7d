//! Values in the `?key=value&key=value` part of a source, and errors that say what is allowed.

use crate::CaptureError;

/// Shortest side of a picture.
const MIN_SIDE: u16 = 64;

/// One `key=value`, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Param {
    /// The value is none of what is `allowed`.
    pub(crate) fn bad_value(&self, allowed: &str) -> CaptureError {
        CaptureError::Config(format!(
            "{}={} is not allowed: use {allowed}",
            self.key, self.value
        ))
    }

    /// `kind` has no such key.
    pub(crate) fn unknown_key(&self, kind: &str, keys: &str) -> CaptureError {
        CaptureError::Config(format!(
            "a {kind} source has no parameter '{}': it takes {keys}",
            self.key
        ))
    }

    /// A whole number in `range`.
    pub(crate) fn number(&self, range: std::ops::RangeInclusive<u32>) -> Result<u32, CaptureError> {
        self.value
            .parse()
            .ok()
            .filter(|n| range.contains(n))
            .ok_or_else(|| {
                self.bad_value(&format!(
                    "a number from {} to {}",
                    range.start(),
                    range.end()
                ))
            })
    }

    /// `1280x720`: width and height in pixels, even, up to `most`.
    pub(crate) fn size(&self, most: u16) -> Result<(u16, u16), CaptureError> {
        let side = |text: &str| {
            let n: u16 = text.parse().ok()?;
            ((MIN_SIDE..=most).contains(&n) && n.is_multiple_of(2)).then_some(n)
        };
        self.value
            .split_once('x')
            .and_then(|(width, height)| Some((side(width)?, side(height)?)))
            .ok_or_else(|| {
                self.bad_value(&format!(
                    "WIDTHxHEIGHT such as 1280x720, both even and from {MIN_SIDE} to {most}"
                ))
            })
    }

    /// Bits a second: `4M`, `800k` or a number.
    pub(crate) fn bitrate(&self) -> Result<u32, CaptureError> {
        let value = self.value.as_str();
        let (digits, factor) = match value.as_bytes().last() {
            Some(b'k' | b'K') => (value.get(..value.len() - 1), 1000),
            Some(b'M') => (value.get(..value.len() - 1), 1_000_000),
            _ => (Some(value), 1),
        };
        digits
            .and_then(|digits| digits.parse::<u32>().ok())
            .and_then(|n| n.checked_mul(factor))
            .filter(|n| (50_000..=50_000_000).contains(n))
            .ok_or_else(|| self.bad_value("bits a second from 50k to 50M, such as 4M or 800k"))
    }

    /// One of two words.
    pub(crate) fn switch(&self, off: &str, on: &str) -> Result<bool, CaptureError> {
        match &self.value {
            value if value == on => Ok(true),
            value if value == off => Ok(false),
            _ => Err(self.bad_value(&format!("{on} or {off}"))),
        }
    }
}
