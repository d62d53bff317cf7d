//! Moments as a person reads them.

use jiff::Timestamp;

/// Microseconds since 1970 as date and time (`2026-11-20 11:08:00.123 UTC`).
pub fn utc(us: i64) -> String {
    match Timestamp::from_microsecond(us) {
        Ok(at) => format!("{} UTC", at.strftime("%Y-%m-%d %H:%M:%S.%3f")),
        Err(_) => "a time outside the calendar".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_well() {
        // `date -u -d '2026-11-20 11:08:00' +%s`
        assert_eq!(utc(1_795_172_880_123_456), "2026-11-20 11:08:00.123 UTC");
        assert_eq!(utc(i64::MIN), "a time outside the calendar");
    }
}
