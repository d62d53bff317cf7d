//! Media time: a number of ticks and how many of them make a second.

use std::time::Duration;

/// Ticks a second of every video timestamp (the RTP and MPEG clock).
pub const TIMESCALE: u32 = 90_000;

/// A time, or a span of time, in ticks. A rate of 0 is taken for 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticks {
    /// How many.
    pub value: i64,
    /// How many make a second.
    pub rate: u32,
}

impl Ticks {
    /// So many of so many a second.
    pub const fn new(value: i64, rate: u32) -> Self {
        Self { value, rate }
    }

    /// A span in ticks, rounded down.
    pub fn from_span(span: Duration, rate: u32) -> Self {
        let nanos = i128::try_from(span.as_nanos()).unwrap_or(i128::MAX);
        Self::new(scaled(nanos, rate, NANOS), rate)
    }

    /// The same time in ticks of another rate, rounded down.
    #[must_use]
    pub fn at_rate(self, rate: u32) -> Self {
        Self::new(scaled(self.value.into(), rate, self.rate), rate)
    }

    /// The same time in ticks of another rate, to the nearest.
    #[must_use]
    pub fn nearest(self, rate: u32) -> Self {
        let half = i128::from(self.rate.max(1) / 2);
        let scaled = i128::from(self.value) * i128::from(rate) + half;
        Self::new(saturated(scaled.div_euclid(self.rate.max(1).into())), rate)
    }

    /// The first tick of another rate at or after this time.
    #[must_use]
    pub fn rounded_up(self, rate: u32) -> Self {
        let before = -i128::from(self.value) * i128::from(rate);
        Self::new(saturated(-before.div_euclid(self.rate.max(1).into())), rate)
    }

    /// In nanoseconds, rounded down.
    pub fn nanos(self) -> i64 {
        scaled(self.value.into(), NANOS, self.rate)
    }

    /// In microseconds, rounded down.
    pub fn micros(self) -> i64 {
        scaled(self.value.into(), 1_000_000, self.rate)
    }

    /// As a span, rounded down; zero if it is negative.
    pub fn span(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.nanos()).unwrap_or(0))
    }
}

const NANOS: u32 = 1_000_000_000;

fn scaled(value: i128, to: u32, from: u32) -> i64 {
    let scaled = value
        .saturating_mul(to.into())
        .div_euclid(from.max(1).into());
    saturated(scaled)
}

fn saturated(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_told_in_other_units_rounded_down() {
        let third = Ticks::new(1, 3);
        assert_eq!(third.at_rate(90_000), Ticks::new(30_000, 90_000));
        assert_eq!(third.at_rate(4), Ticks::new(1, 4));
        assert_eq!((third.nanos(), third.micros()), (333_333_333, 333_333));
        assert_eq!(third.span(), Duration::from_nanos(333_333_333));
        let before = Ticks::new(-1, 3);
        assert_eq!(before.at_rate(4), Ticks::new(-2, 4));
        assert_eq!(before.nanos(), -333_333_334);
        assert_eq!(before.span(), Duration::ZERO);
        let span = Duration::from_micros(33_333);
        assert_eq!(Ticks::from_span(span, 90_000), Ticks::new(2999, 90_000));
    }

    #[test]
    fn a_tick_of_another_rate_is_the_last_before_the_nearest_or_the_first_after() {
        for (value, down, nearest, up) in [
            (1, 0, 0, 1),
            (2, 0, 1, 1),
            (3, 1, 1, 1),
            (-1, -1, 0, 0),
            (-2, -1, -1, 0),
        ] {
            let ticks = Ticks::new(value, 3);
            let found = [ticks.at_rate(1), ticks.nearest(1), ticks.rounded_up(1)];
            assert_eq!(
                found.map(|ticks| ticks.value),
                [down, nearest, up],
                "{value}"
            );
        }
        let half = Ticks::new(1, 2);
        assert_eq!(
            (half.nearest(1).value, half.nearest(4)),
            (1, Ticks::new(2, 4))
        );
        for rate in [0, 1, u32::MAX] {
            let last = Ticks::new(i64::MAX, 1);
            assert_eq!(last.nearest(rate).value, last.at_rate(rate).value);
            assert_eq!(last.rounded_up(rate).value, last.at_rate(rate).value);
        }
    }

    #[test]
    fn the_ends_of_the_scale_and_a_rate_of_zero_hold() {
        assert_eq!(Ticks::new(i64::MAX, 1).nanos(), i64::MAX);
        assert_eq!(Ticks::new(i64::MIN, 1).nanos(), i64::MIN);
        assert_eq!(Ticks::new(2, 0).micros(), 2_000_000);
        assert_eq!(Ticks::from_span(Duration::MAX, u32::MAX).value, i64::MAX);
    }

    proptest! {
        #[test]
        fn a_finer_rate_loses_nothing(value in any::<i32>(), rate in 1u32..200_000, times in 1u32..1000) {
            let ticks = Ticks::new(value.into(), rate);
            prop_assert_eq!(ticks.at_rate(rate * times).at_rate(rate), ticks);
        }
    }
}
