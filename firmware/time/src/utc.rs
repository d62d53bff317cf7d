//! A moment in UTC.

use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::BootNs;

/// Microseconds since 1970-01-01 00:00:00 UTC, without leap seconds. Sums and differences stop at the ends of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UtcUs(pub i64);

impl UtcUs {
    /// So many whole seconds after 1970.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// UTC of the moment of booting, if it is this at `moment`.
    #[must_use]
    pub const fn at_boot(self, moment: BootNs) -> Self {
        Self(self.0.saturating_sub(moment.micros()))
    }

    /// UTC of `moment`, if this is UTC of the moment of booting.
    #[must_use]
    pub const fn after_boot(self, moment: BootNs) -> Self {
        Self(self.0.saturating_add(moment.micros()))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        match self.0 > earlier.0 {
            true => self.apart(earlier),
            false => Duration::ZERO,
        }
    }

    /// How far two moments are apart, whichever is first.
    pub const fn apart(self, other: Self) -> Duration {
        Duration::from_micros(self.0.abs_diff(other.0))
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// As the system's clock has it, right or not.
impl From<SystemTime> for UtcUs {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(micros(since)),
            Err(before) => Self(-micros(before.duration())),
        }
    }
}

impl Add<Duration> for UtcUs {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }
}

impl Sub<Duration> for UtcUs {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_clocks_are_tied_by_the_moment_of_booting() {
        let moment = BootNs::from_secs(10);
        let booted = UtcUs::from_secs(100).at_boot(moment);
        assert_eq!(booted, UtcUs::from_secs(90));
        assert_eq!(booted.after_boot(moment), UtcUs::from_secs(100));
    }

    #[test]
    fn spans_are_counted_from_the_earlier_moment() {
        let (a, b) = (UtcUs(-5), UtcUs(7));
        assert_eq!(b.since(a), Duration::from_micros(12));
        assert_eq!(a.since(b), Duration::ZERO);
        assert_eq!((a.apart(b), b.apart(a)), (b.since(a), b.since(a)));
        assert_eq!(a.seconds(), -1);
        assert_eq!(a + Duration::from_micros(12), b);
        assert_eq!(b - Duration::from_micros(12), a);
    }

    #[test]
    fn a_systems_time_counts_from_1970_either_way() {
        let second = Duration::from_secs(1);
        assert_eq!(UtcUs::from(UNIX_EPOCH + second), UtcUs(1_000_000));
        assert_eq!(UtcUs::from(UNIX_EPOCH - second), UtcUs(-1_000_000));
    }

    #[test]
    fn the_ends_of_the_scale_hold() {
        let (first, last) = (UtcUs(i64::MIN), UtcUs(i64::MAX));
        assert_eq!(last + Duration::MAX, last);
        assert_eq!(first - Duration::MAX, first);
        assert_eq!(last.after_boot(BootNs::MAX), last);
        assert_eq!(first.at_boot(BootNs::MAX), first);
        assert_eq!(last.since(first), Duration::from_micros(u64::MAX));
        assert_eq!(UtcUs::from_secs(i64::MAX), last);
    }
}
