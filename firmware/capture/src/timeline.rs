//! One timeline for all that a camera ever delivers: the boot clock.

use picam_media::{AccessUnit, TIMESCALE};
use picam_time::{BootNs, Ticks};

use crate::source_clock::SourceClock;

/// A source whose times part from those of capture by more than this has set its clock.
const MAX_DEVIATION: i64 = 5 * TIMESCALE as i64;
/// Ticks a second of nanoseconds.
const NANOS: u32 = 1_000_000_000;
/// How long a picture lasts whose successor is not known.
const USUAL_DURATION: i64 = TIMESCALE as i64 / 30;

/// Maps the times of a source, which begin at its own zero with each epoch, to ticks of 1/90000 s of the
/// boot clock.
///
/// The first unit of an epoch ties the two together: its decode time is its capture time. A unit behind a
/// break thus comes as much later as it really did; only where that would be before the last unit (a
/// source that runs ahead of the clock, a file that nobody paces) it follows that at once. Within an epoch
/// the source's own distances are kept, but for the drift of its clock (`SourceClock`). Decode times and
/// capture times never go back.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    epoch: Option<u32>,
    /// Added to the source's times.
    offset: i64,
    /// Mapped decode time less capture time at the first unit of the epoch.
    lead: i64,
    last_dts: Option<i64>,
    /// Distance of the last two units of one epoch.
    duration: Option<i64>,
    last_captured: BootNs,
    /// Breaks that the source did not announce.
    unannounced: u32,
    clock: SourceClock,
}

impl Timeline {
    /// Maps the next unit: `dts`, `pts`, `captured`, and `epoch`, which counts the epochs of the
    /// timeline from 0 and is raised beyond the source's own where its clock jumps without a word.
    pub fn map(&mut self, unit: &mut AccessUnit) {
        let captured = unit.captured.ticks(TIMESCALE).value;
        let announced = unit.epoch.saturating_add(self.unannounced);
        let begins = self.epoch != Some(announced);
        if begins || self.has_jumped(unit.dts, captured) {
            if !begins {
                self.unannounced = self.unannounced.saturating_add(1);
            }
            self.begin(unit.dts, captured);
        }
        let epoch = unit.epoch.saturating_add(self.unannounced);
        self.epoch = Some(epoch);
        unit.epoch = epoch;
        let composition = unit.pts.saturating_sub(unit.dts);
        unit.dts = self.follow(unit.dts, unit.captured);
        unit.pts = unit.dts.saturating_add(composition);
        unit.captured = unit.captured.max(self.last_captured);
        self.last_captured = unit.captured;
        let distance = self.last_dts.map(|last| unit.dts.saturating_sub(last));
        if !begins {
            self.duration = distance.filter(|&ticks| ticks > 0).or(self.duration);
        }
        self.last_dts = Some(unit.dts);
    }

    /// Whether a unit of the same epoch cannot belong to the same timeline.
    fn has_jumped(&self, dts: i64, captured: i64) -> bool {
        let mapped = self.mapped(dts);
        let deviation = mapped.saturating_sub(captured).saturating_sub(self.lead);
        self.last_dts.is_some_and(|last| mapped < last)
            || deviation.saturating_abs() > MAX_DEVIATION
    }

    fn begin(&mut self, dts: i64, captured: i64) {
        let duration = self.duration.unwrap_or(USUAL_DURATION);
        let earliest = self.last_dts.map(|last| last.saturating_add(duration));
        let mapped = earliest.map_or(captured, |earliest| earliest.max(captured));
        self.offset = mapped.saturating_sub(dts);
        self.lead = mapped.saturating_sub(captured);
        self.clock = SourceClock::default();
    }

    /// The source's time `dts` on the timeline.
    fn mapped(&self, dts: i64) -> i64 {
        let correction = self.clock.correction(Ticks::new(dts, TIMESCALE));
        let correction = Ticks::new(correction, NANOS).nearest(TIMESCALE).value;
        dts.saturating_add(self.offset).saturating_add(correction)
    }

    /// The same, never before the last; and learns how far the source's clock is off.
    fn follow(&mut self, dts: i64, captured: BootNs) -> i64 {
        let mapped = self.mapped(dts);
        let unbent = dts.saturating_add(self.offset).saturating_sub(self.lead);
        let unbent = Ticks::new(unbent, TIMESCALE).nanos();
        let unbent = BootNs(u64::try_from(unbent).unwrap_or(0));
        self.clock
            .observe(Ticks::new(dts, TIMESCALE), unbent, captured);
        self.last_dts.map_or(mapped, |last| mapped.max(last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn map(timeline: &mut Timeline, epoch: u32, dts: i64, ns: u64) -> AccessUnit {
        let mut unit = AccessUnit {
            epoch,
            dts,
            pts: dts + 6000,
            captured: BootNs(ns),
            ..AccessUnit::new()
        };
        timeline.map(&mut unit);
        unit
    }

    #[test]
    fn a_source_opened_anew_goes_on_behind_a_gap_of_real_time() {
        let mut timeline = Timeline::default();
        let times: Vec<_> = [
            (0, 0, 10 * SECOND),
            (0, 3000, 10 * SECOND + 33_333_333),
            (0, 90_000, 11 * SECOND),
            // Two seconds without a picture; its clock is at zero again.
            (1, 0, 13 * SECOND),
            (1, 3000, 13 * SECOND + 33_333_333),
        ]
        .iter()
        .map(|&(epoch, dts, ns)| {
            let unit = map(&mut timeline, epoch, dts, ns);
            assert_eq!(unit.pts - unit.dts, 6000);
            (unit.epoch, unit.dts)
        })
        .collect();
        let expected = [
            (0, 900_000),
            (0, 903_000),
            (0, 990_000),
            (1, 1_170_000),
            (1, 1_173_000),
        ];
        assert_eq!(times, expected);
    }

    #[test]
    fn what_runs_ahead_of_the_clock_goes_on_without_a_gap_and_not_backwards() {
        let mut timeline = Timeline::default();
        map(&mut timeline, 0, 0, SECOND);
        // Unpaced: a minute of video read in no time, and stamped as if it had been played.
        map(&mut timeline, 0, 3600, SECOND + 40_000_000);
        map(&mut timeline, 0, 60 * 90_000, 61 * SECOND);
        let before = map(
            &mut timeline,
            0,
            60 * 90_000 + 3600,
            61 * SECOND + 40_000_000,
        );
        let again = map(&mut timeline, 1, 0, 2 * SECOND);
        assert_eq!(again.dts - before.dts, 3600);
        assert_eq!(again.captured, before.captured);
        let next = map(&mut timeline, 1, 3600, 2 * SECOND + 40_000_000);
        assert_eq!((next.dts - again.dts, next.epoch), (3600, 1));
    }

    #[test]
    fn a_clock_that_jumps_without_a_word_is_an_epoch_too() {
        let mut timeline = Timeline::default();
        map(&mut timeline, 0, 0, SECOND);
        let hours_on = map(&mut timeline, 0, 90_000 * 3600, 2 * SECOND);
        assert_eq!((hours_on.epoch, hours_on.dts), (1, 180_000));
        let back = map(&mut timeline, 0, 50, 3 * SECOND);
        assert_eq!((back.epoch, back.dts), (2, 270_000));
        // What it announces comes on top.
        let announced = map(&mut timeline, 1, 50, 4 * SECOND);
        assert_eq!((announced.epoch, announced.dts), (3, 360_000));
        assert_eq!(
            map(&mut timeline, 1, 3050, 4 * SECOND + 33_000_000).epoch,
            3
        );
    }

    #[test]
    fn presentations_that_no_file_should_hold_can_be_told() {
        for (pts, offset) in [
            (0, Some(0)),
            (5, Some(5)),
            (-5, None),
            (1 << 40, None),
            (5_400_001, None),
        ] {
            let mut unit = AccessUnit {
                pts,
                ..AccessUnit::new()
            };
            Timeline::default().map(&mut unit);
            assert_eq!(unit.composition_offset(), offset);
        }
    }

    proptest! {
        #[test]
        fn times_never_go_back_whatever_comes(
            units in prop::collection::vec((0u32..4, any::<i64>(), any::<i64>(), any::<u64>()), 1..40),
        ) {
            let mut timeline = Timeline::default();
            let (mut dts, mut captured) = (i64::MIN, BootNs::ZERO);
            for (jump, source_dts, pts, ns) in units {
                let mut unit = AccessUnit {
                    epoch: jump,
                    // Sums of times beyond 3000 years are not tested.
                    dts: source_dts >> 16,
                    pts: pts >> 16,
                    captured: BootNs(ns),
                    ..AccessUnit::new()
                };
                timeline.map(&mut unit);
                prop_assert!(unit.dts >= dts && unit.captured >= captured);
                (dts, captured) = (unit.dts, unit.captured);
            }
        }

        #[test]
        fn a_source_by_the_boot_clock_keeps_its_distances_to_the_tick(
            begun in 0..SECOND * 1000,
            fps in 1u64..121,
        ) {
            let mut timeline = Timeline::default();
            let mut before = None;
            for n in 0..fps * 20 {
                let dts = (n * 90_000 / fps) as i64;
                let unit = map(&mut timeline, 0, dts, begun + n * SECOND / fps);
                if let Some((earlier, mapped)) = before {
                    prop_assert_eq!(unit.dts - mapped, dts - earlier);
                }
                before = Some((dts, unit.dts));
            }
        }

        #[test]
        fn steady_sources_keep_their_distances(
            first in any::<u32>(),
            steps in prop::collection::vec((1i64..9000, -50_000_000i64..50_000_000), 1..60),
        ) {
            let mut timeline = Timeline::default();
            let mut source = i64::from(first);
            let mut before: Option<AccessUnit> = None;
            let mut boot = 100 * SECOND;
            for (step, jitter) in steps {
                source += step;
                boot += step as u64 * SECOND / 90_000;
                let unit = map(&mut timeline, 0, source, boot.saturating_add_signed(jitter));
                prop_assert_eq!(unit.epoch, 0);
                if let Some(before) = before {
                    // Bent by two thousandths at the most, and a tick.
                    let bent = (unit.dts - before.dts - step).abs();
                    prop_assert!(bent <= step / 500 + 1, "{} instead of {step}", step + bent);
                }
                before = Some(unit);
            }
        }
    }
}
