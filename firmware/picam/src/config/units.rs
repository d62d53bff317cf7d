//! Sizes and lengths of time as people write them.

use std::time::Duration;

const SIZE_UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
const TIME_UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];

/// Reads a size in bytes: a whole number, alone or followed by `KiB`, `MiB` or `GiB`.
///
/// # Errors
/// What to write instead, as a sentence.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong =
        || format!("'{text}' is no size: write a whole number and KiB, MiB or GiB, such as 32MiB");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let bytes = match unit {
        "" | "B" => Some(1),
        unit => factor(&SIZE_UNITS, unit),
    };
    number
        .checked_mul(bytes.ok_or_else(wrong)?)
        .ok_or_else(wrong)
}

/// Reads a length of time: a whole number followed by `s`, `m`, `h` or `d`.
///
/// # Errors
/// What to write instead, as a sentence.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "'{text}' is no length of time: write a whole number and s, m, h or d, such as 60s or 30d"
        )
    };
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let seconds = factor(&TIME_UNITS, unit).and_then(|factor| number.checked_mul(factor));
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

/// Writes a size so that [`parse_size`] reads it back, in the largest unit that divides it.
pub fn show_size(bytes: u64) -> String {
    show(bytes, &SIZE_UNITS).unwrap_or_else(|| bytes.to_string())
}

/// Writes whole seconds so that [`parse_duration`] reads them back. A single minute, hour or day is
/// written in the smaller unit, as people do (`60s`, `24h`).
pub fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = TIME_UNITS.iter().filter(|unit| seconds >= 2 * unit.1);
    let units: Vec<_> = units.copied().collect();
    show(seconds, &units).unwrap_or_else(|| format!("{seconds}s"))
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    Some((number.parse().ok()?, unit.trim_start()))
}

fn factor(units: &[(&str, u64)], unit: &str) -> Option<u64> {
    let found = units.iter().find(|(name, _)| *name == unit)?;
    Some(found.1)
}

fn show(number: u64, units: &[(&str, u64)]) -> Option<String> {
    let (unit, factor) = units
        .iter()
        .find(|(_, factor)| number > 0 && number.is_multiple_of(*factor))?;
    Some(format!("{}{unit}", number / factor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("4096B", 4096),
            ("16MiB", 16 << 20),
            (" 16 MiB ", 16 << 20),
            ("1GiB", 1 << 30),
            ("64KiB", 64 << 10),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for (text, seconds) in [
            ("10s", 10),
            ("2m", 120),
            ("12 h", 43_200),
            ("30d", 2_592_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_the_rest_and_says_what_to_write() {
        for text in [
            "", "MiB", "-1", "1.5GiB", "16MB", "16mib", "ten", "1 2", "+1",
        ] {
            assert!(parse_size(text).unwrap_err().contains("32MiB"), "{text}");
        }
        for text in [
            "",
            "s",
            "10",
            "10sec",
            "1h30m",
            "-1s",
            "1.5s",
            "9999999999999999999d",
        ] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains("60s") && error.contains(text), "{error}");
        }
        assert!(parse_size("17179869184GiB").is_err());
    }

    #[test]
    fn writes_as_people_do() {
        assert_eq!(show_size(32 << 20), "32MiB");
        assert_eq!(show_size(1000), "1000");
        for text in ["60s", "10m", "24h", "30d", "90s", "0s"] {
            assert_eq!(show_duration(parse_duration(text).unwrap()), text);
        }
    }

    proptest! {
        #[test]
        fn written_is_read_back(number: u64) {
            prop_assert_eq!(parse_size(&show_size(number)), Ok(number));
            let duration = Duration::from_secs(number);
            prop_assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,12}") {
            let _ = (parse_size(&text), parse_duration(&text));
        }
    }
}
