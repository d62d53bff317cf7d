//! A moment on the boot clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use crate::Ticks;

/// Nanoseconds since boot, sleep included (`CLOCK_BOOTTIME`). Sums and differences stop at the ends of the scale, which
/// is 584 years long: a wrong number read from a card must not stop a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BootNs(pub u64);

impl BootNs {
    /// The moment of booting.
    pub const ZERO: Self = Self(0);
    /// The end of the scale.
    pub const MAX: Self = Self(u64::MAX);

    /// So many whole seconds after booting.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Whole microseconds since boot.
    pub const fn micros(self) -> i64 {
        // u64::MAX / 1000 fits.
        (self.0 / 1000) as i64
    }

    /// Whole seconds since boot.
    pub const fn seconds(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// The same in seconds, to be shown.
    pub fn as_secs_f64(self) -> f64 {
        Duration::from_nanos(self.0).as_secs_f64()
    }

    /// The same in ticks of `rate` a second, rounded down.
    pub fn ticks(self, rate: u32) -> Ticks {
        let value = u128::from(self.0) * u128::from(rate) / 1_000_000_000;
        Ticks::new(i64::try_from(value).unwrap_or(i64::MAX), rate)
    }

    /// A little later or earlier.
    #[must_use]
    pub const fn shifted_ns(self, by: i64) -> Self {
        Self(self.0.saturating_add_signed(by))
    }
}

/// A span as nanoseconds; the longest that fits if it is longer.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for BootNs {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

impl AddAssign<Duration> for BootNs {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for BootNs {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }
}

/// Seconds since boot, with milliseconds: `12.345`.
impl fmt::Display for BootNs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.seconds(), self.0 / 1_000_000 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_as_far_apart_as_time_passed_between_them() {
        let early = BootNs::from_secs(2);
        let late = early + Duration::from_millis(1500);
        assert_eq!(late, BootNs(3_500_000_000));
        assert_eq!(late.since(early), Duration::from_millis(1500));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late - Duration::from_secs(3), BootNs(500_000_000));
        assert_eq!(early - Duration::from_secs(3), BootNs::ZERO);
        assert_eq!(early.shifted_ns(-1), BootNs(1_999_999_999));
        let mut moment = early;
        moment += Duration::from_nanos(1);
        assert_eq!(moment, BootNs(2_000_000_001));
    }

    #[test]
    fn the_ends_of_the_scale_hold() {
        assert_eq!(BootNs::MAX + Duration::MAX, BootNs::MAX);
        assert_eq!(BootNs::ZERO - Duration::MAX, BootNs::ZERO);
        assert_eq!(BootNs::from_secs(u64::MAX), BootNs::MAX);
        assert_eq!(BootNs::MAX.ticks(u32::MAX).value, i64::MAX);
        assert_eq!(BootNs::MAX.shifted_ns(1), BootNs::MAX);
    }

    #[test]
    fn it_is_told_in_other_units_rounded_down() {
        let moment = BootNs(61_999_999_999);
        assert_eq!((moment.seconds(), moment.micros()), (61, 61_999_999));
        assert_eq!(moment.to_string(), "61.999");
        assert_eq!(BootNs(1_500_000_000).as_secs_f64(), 1.5);
        assert_eq!(moment.ticks(90_000), Ticks::new(5_579_999, 90_000));
    }
}
