//! Moments as a person reads them.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use picam_time::UtcUs;

use crate::segment::SinceBoot;

/// Microseconds since 1970 as date and time (`2026-11-20 11:08:00.123 UTC`).
pub fn utc(utc: UtcUs) -> String {
    match Timestamp::from_microsecond(utc.0) {
        Ok(at) => format!("{} UTC", at.strftime("%Y-%m-%d %H:%M:%S.%3f")),
        Err(_) => "a time outside the calendar".to_owned(),
    }
}

/// A moment as the clock of somebody shows it who is so many minutes ahead of UTC.
pub(crate) fn local(at: Timestamp, offset: Option<i16>) -> Option<DateTime> {
    let seconds = 60 * i32::from(offset.unwrap_or(0));
    let zone = Offset::from_seconds(seconds).ok()?;
    Some(TimeZone::fixed(zone).to_datetime(at))
}

/// A moment for the name of a file: by somebody's clock (see [`local`]), in UTC, or since boot.
pub(crate) fn for_name(
    start: Option<Timestamp>,
    boot: Option<SinceBoot>,
    offset: Option<i16>,
) -> String {
    match (start, boot) {
        (Some(start), _) => match offset.and_then(|_| local(start, offset)) {
            Some(local) => local.strftime("%Y-%m-%d_%H-%M-%S").to_string(),
            None => start.strftime("%Y-%m-%d_%H-%M-%SZ").to_string(),
        },
        (None, Some(boot)) => {
            let since = SignedDuration::from_secs(boot.seconds as i64);
            let (hours, minutes) = (since.as_hours(), since.as_mins() % 60);
            let seconds = since.as_secs() % 60;
            format!("boot{}_{hours:02}-{minutes:02}-{seconds:02}", boot.number)
        }
        (None, None) => "unknown-time".into(),
    }
}

/// A camera's name for that of a file; its letter if nothing of the name can stand there.
pub(crate) fn camera_for_name(name: Option<&str>, letter: char) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let name: String = name.unwrap_or_default().chars().filter(plain).collect();
    match name.as_str() {
        "" => letter.to_string(),
        _ => name,
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
