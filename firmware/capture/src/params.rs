//! Values in the `?key=value&key=value` part of a source, and errors that say what is allowed.

use crate::CaptureError;

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

    /// One of two words.
    pub(crate) fn switch(&self, off: &str, on: &str) -> Result<bool, CaptureError> {
        match &self.value {
            value if value == on => Ok(true),
            value if value == off => Ok(false),
            _ => Err(self.bad_value(&format!("{on} or {off}"))),
        }
    }
}
