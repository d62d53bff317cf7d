//! Moments as a person reads them.

use jiff::Timestamp;
use picam_time::UtcUs;

/// Microseconds since 1970 as date and time (`2026-11-20 11:08:00.123 UTC`).
pub fn utc(utc: UtcUs) -> String {
    match Timestamp::from_microsecond(utc.0) {
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
        assert_eq!(
            utc(UtcUs(1_795_172_880_123_456)),
            "2026-11-20 11:08:00.123 UTC"
        );
        assert_eq!(utc(UtcUs(i64::MIN)), "a time outside the calendar");
    }
}
