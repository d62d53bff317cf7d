//! A source's own clock, followed by the boot clock.
//!
//! A camera, a microphone or a sender of RTP counts time with a crystal of its own, which is off by up to some hundred
//! millionths: 0.36 s an hour at 100. What it delivers arrives a little late each time, never early. So the least late
//! arrival of each second tells how far the two clocks are apart; from these, a loop of second order follows offset and
//! drift, and bends the source's time by at most [`MOST_BENT`]. Where a source's times are those of the boot clock
//! nothing is ever bent, to the tick.

use std::time::Duration;

use picam_time::{BootNs, Ticks};

/// Arrivals are looked at for this long before the least late one counts.
const WINDOW: Duration = Duration::from_secs(1);
/// How much of what is left is put right in a window.
const PROPORTION: f64 = 0.1;
/// How much of it goes into the drift: critically damped.
const INTEGRAL: f64 = PROPORTION * PROPORTION / 4.0;
/// No clock of a camera drifts more.
const MOST_DRIFT: f64 = 500e-6;
/// What arrives less late, or early, is in time: a tick of the timeline, and what is lost when it is rounded.
const EXACT: f64 = 20e3;
/// The source's time is bent by no more than this, drift included: pictures last 0.2 % longer or shorter.
const MOST_BENT: f64 = 2000e-6;

/// How far a source's time is off the boot clock, and by how much it drifts.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceClock {
    /// Start of the window, and of the source's time.
    window: Option<Ticks>,
    /// The least that anything of the window came late, nanoseconds.
    least_late: Option<f64>,
    /// What is added to the source's time at the start of the window, nanoseconds.
    correction: f64,
    /// What is added to each second of it from there, in seconds.
    bend: f64,
    /// Of that, what is taken to be the clock's own drift.
    drift: f64,
}

impl SourceClock {
    /// What to add to the source's time `ticks`, nanoseconds.
    pub(crate) fn correction(&self, ticks: Ticks) -> i64 {
        (self.correction + self.bend * self.window_lasts(ticks)).round() as i64
    }

    /// What the source calls `ticks`, and would be `mapped` uncorrected, arrived at `captured`.
    pub(crate) fn observe(&mut self, ticks: Ticks, mapped: BootNs, captured: BootNs) {
        let into = self.window_lasts(ticks);
        let correction = self.correction + self.bend * into;
        let late = signed_ns(captured, mapped) - correction;
        let late = if late.abs() < EXACT { 0.0 } else { late };
        self.least_late = Some(self.least_late.map_or(late, |least| least.min(late)));
        if self.window.is_none() {
            self.window = Some(ticks);
        } else if into >= WINDOW.as_nanos() as f64 {
            self.end_window(ticks, correction, into);
        }
    }

    /// How long the window has lasted, nanoseconds.
    fn window_lasts(&self, ticks: Ticks) -> f64 {
        let start = self.window.unwrap_or(ticks);
        ticks.nanos().saturating_sub(start.nanos()) as f64
    }

    fn end_window(&mut self, ticks: Ticks, correction: f64, lasted: f64) {
        let error = self.least_late.take().unwrap_or(0.0) / lasted;
        let drift = self.drift + INTEGRAL * error;
        self.drift = drift.clamp(-MOST_DRIFT, MOST_DRIFT);
        self.bend = (self.drift + PROPORTION * error).clamp(-MOST_BENT, MOST_BENT);
        self.correction = correction;
        self.window = Some(ticks);
    }
}

/// How long after `earlier` a moment is, nanoseconds; negative if before.
fn signed_ns(moment: BootNs, earlier: BootNs) -> f64 {
    (i128::from(moment.0) - i128::from(earlier.0)) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: u32 = 90_000;
    const HOUR_S: u64 = 3600;

    /// What a source with this drift delivers for `seconds` at 25 units a second, each late by what `late` says: how far
    /// the mapped time is off the true one, nanoseconds, unit by unit.
    fn errors(drift_ppm: f64, seconds: u64, mut late: impl FnMut(u64) -> Duration) -> Vec<i64> {
        let mut clock = SourceClock::default();
        let begin = BootNs::from_secs(100);
        (0..seconds * 25)
            .map(|n| {
                let ticks = Ticks::new(n as i64 * 3600, RATE);
                let mapped = begin + ticks.span();
                let truth = mapped.shifted_ns((ticks.nanos() as f64 * drift_ppm * 1e-6) as i64);
                let correction = clock.correction(ticks);
                clock.observe(ticks, mapped, truth + late(n));
                mapped.shifted_ns(correction).0 as i64 - truth.0 as i64
            })
            .collect()
    }

    fn worst(errors: &[i64]) -> i64 {
        errors.iter().map(|error| error.abs()).max().unwrap()
    }

    const MS: i64 = 1_000_000;

    #[test]
    fn times_of_the_boot_clock_stay_as_they_are() {
        assert_eq!(worst(&errors(0.0, HOUR_S, |_| Duration::ZERO)), 0);
    }

    #[test]
    fn drift_is_followed_within_two_milliseconds_for_an_hour() {
        for drift in [-200.0, -100.0, 30.0, 100.0, 200.0] {
            let errors = errors(drift, HOUR_S, |_| Duration::ZERO);
            assert!(worst(&errors) < 2 * MS, "{drift}: {}", worst(&errors));
            let settled = &errors[120 * 25..];
            assert!(worst(settled) < MS / 10, "{drift}: {}", worst(settled));
        }
    }

    #[test]
    fn what_arrives_late_bends_nothing_while_something_arrives_in_time() {
        // Each tenth is in time, the others up to 40 ms late; then half a minute of a busy machine.
        let late = |n: u64| match n {
            n if n % 10 == 3 => Duration::ZERO,
            n if (40_000..40_750).contains(&n) => Duration::from_millis(200),
            n => Duration::from_millis(n * 7919 % 41),
        };
        let errors = errors(100.0, HOUR_S, late);
        assert!(worst(&errors[25..]) < 5 * MS, "{}", worst(&errors[25..]));
    }

    #[test]
    fn a_source_that_fell_behind_is_bent_slowly() {
        // A sender that paused its clock for a second.
        let mut clock = SourceClock::default();
        let mut before = 0;
        for n in 0..25 * 600 {
            let ticks = Ticks::new(n * 3600, RATE);
            let mapped = BootNs::from_secs(100) + ticks.span();
            let pause = Duration::from_secs(u64::from(n > 250));
            let correction = clock.correction(ticks);
            clock.observe(ticks, mapped, mapped + pause);
            let bent = (correction - before) as f64 / 40e6;
            assert!((-100e-6..=MOST_BENT + 1e-6).contains(&bent), "{n}: {bent}");
            before = correction;
        }
        assert!(before > 900 * MS, "{before}");
    }

    proptest! {
        #[test]
        fn no_arrival_bends_more_than_stated(
            arrivals in prop::collection::vec((1i64..90_000, any::<u64>()), 1..200),
        ) {
            let mut clock = SourceClock::default();
            let (mut ticks, mut before) = (0, 0);
            for (step, captured) in arrivals {
                ticks += step;
                let at = Ticks::new(ticks, RATE);
                let correction = clock.correction(at);
                clock.observe(at, BootNs(1 << 40) + at.span(), BootNs(captured));
                let most = (MOST_BENT * Ticks::new(step, RATE).nanos() as f64) as i64 + 2;
                prop_assert!((correction - before).abs() <= most, "{} {most}", correction - before);
                before = correction;
            }
        }
    }
}
