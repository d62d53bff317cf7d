//! When each measurement out of a queue was taken: nobody stamps them, and a chip's clock is off by up to a tenth.

use std::time::Duration;

use picam_time::BootNs;

/// What is usual until it is known better.
const USUAL: Duration = Duration::from_millis(10);
/// Times are bent by no more than this part of what they are off.
const BEND: f64 = 0.1;
/// What a chip's rate is learnt by.
const LEARN: f64 = 0.02;
/// A chip is off by no more than this.
const BOUNDS: std::ops::RangeInclusive<f64> = 0.8..=1.25;
/// What is off by more samples than these was not measured without a pause.
const LOST: f64 = 8.0;

/// Times of measurements, on the boot clock, by the rate at which they come. Never backwards, and never later than the look
/// that brought them.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    last: Option<BootNs>,
    /// Seconds from one to the next.
    period: Option<f64>,
}

impl Pace {
    /// Measurements were lost: what comes next is not right behind what came before.
    pub fn interrupted(&mut self) {
        // The last one stays known: nothing goes back behind it.
        self.period = None;
    }

    /// Measurements a second, once they are known.
    pub fn rate(&self) -> Option<f64> {
        self.period.map(|period| 1.0 / period)
    }

    /// The times of `count` measurements that a look at `now` brought, the oldest first.
    pub fn times(&mut self, count: usize, now: BootNs) -> impl Iterator<Item = BootNs> + use<> {
        let usual = USUAL.as_secs_f64();
        let fresh = self.period.is_none();
        let period = self.period.unwrap_or(usual);
        let span = period * count as f64;
        // The newest was taken within a period before the look: half of one, on average.
        let seen = now - Duration::from_secs_f64(period / 2.0);
        let (from, newest) = match self.last {
            Some(last) if !fresh => {
                let expected = last + Duration::from_secs_f64(span);
                let off = seen.0 as f64 - expected.0 as f64;
                let off = off / 1e9;
                if off.abs() > LOST * period {
                    (seen - Duration::from_secs_f64(span), seen)
                } else {
                    let bent = expected.0 as f64 + off * BEND * 1e9;
                    let learnt = period + LEARN * off / count.max(1) as f64;
                    let learnt = learnt.clamp(usual * BOUNDS.start(), usual * BOUNDS.end());
                    self.period = Some(learnt);
                    (last, BootNs(bent.max(0.0) as u64))
                }
            }
            _ => {
                self.period = Some(period);
                (seen - Duration::from_secs_f64(span), seen)
            }
        };
        // Never backwards, never ahead.
        let from = self.last.map_or(from, |last| from.max(last));
        let newest = newest.min(now).max(from);
        let between = newest.since(from);
        if count > 0 {
            self.last = Some(newest);
        }
        (1..=count as u64).map(move |n| from + between.mul_f64(n as f64 / count as f64))
    }
}

#[cfg(test)]
mod tests {
    use picam_testkit::sim_disk::Rng;
    use proptest::prelude::*;

    use super::*;

    /// A chip that is off, looked at every 50 ms or so, for a minute: how far the times are off at the end at most, and the
    /// rate that was learnt.
    fn off(period_ms: f64, late_ms: u64) -> (f64, f64) {
        let mut rng = Rng(7);
        let mut pace = Pace::default();
        let (mut now, mut next) = (BootNs::from_secs(5), 1_u64);
        let begun = now;
        let taken = |n: u64| begun.0 as f64 + n as f64 * period_ms * 1e6;
        let mut worst: f64 = 0.0;
        while now.since(begun) < Duration::from_secs(60) {
            now += Duration::from_millis(45 + rng.below(late_ms));
            let due = (now.since(begun).as_secs_f64() * 1e3 / period_ms) as u64;
            let count = due + 1 - next;
            for (n, at) in (next..).zip(pace.times(count as usize, now)) {
                if now.since(begun) > Duration::from_secs(20) {
                    worst = worst.max((at.0 as f64 - taken(n)).abs() / 1e6);
                }
            }
            next = due + 1;
        }
        (worst, pace.rate().unwrap())
    }

    #[test]
    fn a_chip_that_is_off_is_followed_to_a_few_milliseconds() {
        for period_ms in [9.2, 10.0, 10.9] {
            let (worst, rate) = off(period_ms, 10);
            assert!(worst < 6.0, "{period_ms}: {worst} ms");
            assert!(
                (rate * period_ms / 1e3 - 1.0).abs() < 0.01,
                "{period_ms}: {rate}"
            );
        }
    }

    proptest! {
        #[test]
        fn times_never_go_back_and_are_never_ahead(
            looks in prop::collection::vec((0_usize..40, 0_u64..400, any::<bool>()), 1..80),
        ) {
            let mut pace = Pace::default();
            let mut now = BootNs::from_secs(1);
            let mut last = BootNs::ZERO;
            for (count, ms, interrupted) in looks {
                now += Duration::from_millis(ms);
                if interrupted {
                    pace.interrupted();
                }
                let times: Vec<BootNs> = pace.times(count, now).collect();
                prop_assert_eq!(times.len(), count);
                for at in times {
                    prop_assert!(at >= last && at <= now, "{:?} {:?} {:?}", last, at, now);
                    last = at;
                }
            }
        }
    }
}
