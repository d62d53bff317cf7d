//! Which pictures came, when, and how many did not.

use std::time::Duration;

use picam_media::TIMESCALE;
use picam_time::{BootNs, Clock};

use super::device::Buffer;
use crate::Times;

/// More pictures lost at a stroke are a driver that counts anew.
const MOST_LOST: u32 = 10_000;
/// A time stamp that is off the present by more is no time of this clock.
const MOST_LATE: Duration = Duration::from_secs(5);
/// Readings of the two clocks that differ by no more say the same: one may be interrupted between them.
const SAME: i64 = 20_000_000;

/// Numbers and times of the pictures of one opening.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    sequence: Option<u32>,
    /// The boot clock less CLOCK_MONOTONIC, which stands still while the machine sleeps.
    apart: Option<i64>,
    first: Option<BootNs>,
    last_ticks: Option<i64>,
}

impl Arrivals {
    /// Pictures lost before this one.
    pub(crate) fn lost_before(&mut self, sequence: u32) -> u32 {
        let Some(last) = self.sequence.replace(sequence) else {
            return 0;
        };
        match sequence.wrapping_sub(last).wrapping_sub(1) {
            lost if lost <= MOST_LOST => lost,
            // The same number again, or an earlier one.
            _ => 0,
        }
    }

    /// When a picture was captured. `monotonic` is the present on the clock of its time stamp.
    pub(crate) fn captured(
        &mut self,
        buffer: &Buffer,
        monotonic: Duration,
        clock: &dyn Clock,
    ) -> BootNs {
        let now = clock.now();
        let Some(stamp) = buffer.timestamp else {
            return now;
        };
        let late = monotonic.checked_sub(stamp);
        if late.is_none_or(|late| late > MOST_LATE) {
            return now;
        }
        let apart = signed(now.0).saturating_sub(nanos(monotonic));
        let apart = match self.apart {
            Some(known) if apart.saturating_sub(known).saturating_abs() <= SAME => known,
            _ => *self.apart.insert(apart),
        };
        BootNs(u64::try_from(nanos(stamp)).unwrap_or(0)).shifted_ns(apart)
    }

    /// Times of a picture: ticks since the first one, always later than the one before.
    pub(crate) fn times(&mut self, captured: BootNs) -> Times {
        let first = *self.first.get_or_insert(captured);
        let ticks = captured.ticks(TIMESCALE).value - first.ticks(TIMESCALE).value;
        let ticks = self
            .last_ticks
            .map_or(ticks, |last| ticks.max(last.saturating_add(1)));
        self.last_ticks = Some(ticks);
        Times { ticks, captured }
    }
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use picam_testkit::TurnedClock;
    use proptest::prelude::*;

    use super::*;

    fn lost(sequences: &[u32]) -> Vec<u32> {
        let mut arrivals = Arrivals::default();
        sequences.iter().map(|&s| arrivals.lost_before(s)).collect()
    }

    #[test]
    fn gaps_count_also_across_the_end_of_the_numbers() {
        assert_eq!(lost(&[7, 8, 11, 12]), [0, 0, 2, 0]);
        assert_eq!(lost(&[u32::MAX - 1, u32::MAX, 0, 3]), [0, 0, 0, 2]);
        assert_eq!(lost(&[u32::MAX, 1]), [0, 1]);
    }

    #[test]
    fn a_driver_that_does_not_count_or_counts_anew_loses_nothing() {
        assert_eq!(lost(&[0, 0, 0]), [0, 0, 0]);
        assert_eq!(lost(&[900, 0, 1]), [0, 0, 0]);
        assert_eq!(lost(&[5, 3_000_000_000, 3_000_000_001]), [0, 0, 0]);
    }

    fn buffer(timestamp: Option<Duration>) -> Buffer {
        Buffer {
            index: 0,
            used: 1,
            is_damaged: false,
            sequence: 0,
            timestamp,
        }
    }

    #[test]
    fn the_kernels_time_stamps_are_kept_to_the_nanosecond_however_late_they_are_read() {
        let clock = TurnedClock::default();
        // It slept for a minute: the boot clock is ahead.
        clock.turn(Duration::from_secs(100));
        let mut arrivals = Arrivals::default();
        for n in 0..50u64 {
            let stamp = Duration::from_secs(40) + Duration::from_micros(33_333 * n);
            let late = Duration::from_micros(n * 7919 % 13_000);
            // Some time goes by between the two readings.
            let clock = TurnedClock::default();
            clock.turn(Duration::from_secs(60) + stamp + late + late);
            let captured = arrivals.captured(&buffer(Some(stamp)), stamp + late, &clock);
            let expected = BootNs::from_secs(60) + stamp;
            assert_eq!(captured, expected, "{n}");
        }
    }

    #[test]
    fn sleep_between_two_pictures_shows_and_stamps_of_another_clock_do_not() {
        let clock = TurnedClock::default();
        clock.turn(Duration::from_secs(10));
        let mut arrivals = Arrivals::default();
        let ms = Duration::from_millis;
        let mut captured = |stamp, monotonic| arrivals.captured(&buffer(stamp), monotonic, &clock);
        assert_eq!(captured(Some(ms(9_990)), ms(10_000)), BootNs(9_990_000_000));
        clock.turn(Duration::from_secs(3600));
        let slept = captured(Some(ms(10_090)), ms(10_100));
        assert_eq!(slept, clock.now().shifted_ns(-10_000_000));
        // Unknown clock, ahead of the present, hours old.
        for stamp in [None, Some(ms(10_200)), Some(ms(1))] {
            assert_eq!(captured(stamp, ms(10_100)), clock.now());
        }
    }

    proptest! {
        #[test]
        fn decode_times_always_rise(moments in prop::collection::vec(any::<u64>(), 1..50)) {
            let mut arrivals = Arrivals::default();
            let mut last = i64::MIN;
            for ns in moments {
                let times = arrivals.times(BootNs(ns));
                prop_assert!(times.ticks > last);
                last = times.ticks;
            }
        }
    }
}
