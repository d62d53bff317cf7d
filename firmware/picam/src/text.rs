//! Numbers as a person reads them.

pub(crate) use picam_library::utc;

/// A size in bytes with one decimal (`28.1 MiB`).
pub(crate) fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut shown = None;
    for unit in units {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        shown = Some(unit);
    }
    match shown {
        Some(unit) => format!("{value:.1} {unit}"),
        None => count(bytes, "byte"),
    }
}

/// A length of time (`1 h 2 min 3.4 s`).
pub(crate) fn seconds(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round();
    if tenths < 600.0 {
        return format!("{:.1} s", tenths / 10.0);
    }
    let minutes = (tenths / 600.0).floor();
    let rest = (tenths - minutes * 600.0) / 10.0;
    if minutes < 60.0 {
        return format!("{minutes} min {rest:.1} s");
    }
    let hours = (minutes / 60.0).floor();
    format!("{hours} h {} min {rest:.1} s", minutes - hours * 60.0)
}

/// A number of things, in the singular or plural of nouns that take an s.
pub(crate) fn count(n: u64, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(32 << 20), "32.0 MiB");
        assert_eq!(size(u64::MAX), "16777216.0 TiB");
        assert_eq!(seconds(0.04), "0.0 s");
        assert_eq!(seconds(59.96), "1 min 0.0 s");
        assert_eq!(seconds(3723.4), "1 h 2 min 3.4 s");
    }
}
