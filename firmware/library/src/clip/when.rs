//! A moment in the footage, as a person writes it.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use picam_time::{BootNs, UtcUs};

/// A moment in the footage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In UTC.
    Utc(UtcUs),
    /// Nanoseconds after the first picture of the camera's oldest segment.
    After(i64),
    /// By the clock of a boot, which no correction of the time moves.
    Boot {
        /// The kernel's id of that boot.
        id: [u8; 16],
        /// Then.
        at: BootNs,
    },
}

impl FromStr for When {
    type Err = String;

    /// Reads `2026-11-20T11:08:00+01:00` (RFC 3339), `2026-11-20 11:08:00` (UTC) or `+12.5s`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(after) = text.strip_prefix('+') {
            return after_start(after).ok_or_else(|| {
                format!("'{text}': write + and a number and s, m or h, such as +12.5s")
            });
        }
        let utc = text.parse::<Timestamp>().ok().or_else(|| {
            let civil: DateTime = text.parse().ok()?;
            TimeZone::UTC.to_timestamp(civil).ok()
        });
        let utc = utc.ok_or_else(|| {
            format!(
                "'{text}' is no time: write 2026-11-20T11:08:00+01:00, or 2026-11-20 11:08:00 for \
                 UTC, or +12.5s after the first segment's start"
            )
        })?;
        Ok(Self::Utc(UtcUs(utc.as_microsecond())))
    }
}

/// The longest time that footage may lie after the first segment's start: a hundred years.
const MAX_AFTER_S: f64 = 100.0 * 365.25 * 86_400.0;

fn after_start(text: &str) -> Option<When> {
    let factors = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)];
    let (number, factor) = factors
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    // `f64` also reads words, exponents and signs.
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = number.parse().ok().filter(|_| plain)?;
    let seconds = number * factor;
    (seconds <= MAX_AFTER_S).then_some(When::After((seconds * 1e9).round() as i64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_three_forms() {
        // `date -u -d '2026-11-20 11:08:00' +%s`
        let at = When::Utc(UtcUs(1_795_172_880_000_000));
        for (text, when) in [
            ("2026-11-20T11:08:00Z", at),
            ("2026-11-20T12:08:00+01:00", at),
            ("2026-11-20 11:08:00", at),
            (" 2026-11-20T11:08:00 ", at),
            (
                "2026-11-20 11:08:00.25",
                When::Utc(UtcUs(1_795_172_880_250_000)),
            ),
            ("+12.5s", When::After(12_500_000_000)),
            ("+0", When::After(0)),
            ("+1.5m", When::After(90_000_000_000)),
            ("+2h", When::After(7_200_000_000_000)),
        ] {
            assert_eq!(text.parse(), Ok(when), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_and_says_what_to_write() {
        for text in [
            "",
            "now",
            "11:08",
            "12.5s",
            "20.11.2026 11:08",
            "2026-13-01",
        ] {
            let error = text.parse::<When>().unwrap_err();
            assert!(error.contains("2026-11-20 11:08:00"), "{error}");
        }
        for text in [
            "+",
            "+s",
            "+-1s",
            "+1e3s",
            "+nan",
            "+inf",
            "+1d",
            "+9999999999999h",
        ] {
            let error = text.parse::<When>().unwrap_err();
            assert!(error.contains("+12.5s"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[+]?\\PC{0,30}") {
            let _ = text.parse::<When>();
        }
    }
}
