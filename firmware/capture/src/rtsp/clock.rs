//! A network camera's clock on the boot clock: pictures and sound, which count for themselves, on one time.
//!
//! Both count from the start of the session (the server says where, in `RTP-Info`), and sender reports say which of their
//! times is the same moment. Pictures are followed as they arrive ([`SourceClock`]); sound is placed beside them and arrives
//! as it will. All times here are ticks of 1/90000 s.

use picam_media::TIMESCALE;
use picam_time::{BootNs, Ticks};

use crate::reorder::DecodeTimes;
use crate::source_clock::SourceClock;

const SECOND: i64 = TIMESCALE as i64;
/// A time that is this far from where it should be by its arrival belongs to a clock that was set.
const MAX_DEVIATION: i64 = 5 * SECOND;
/// Reordering never shows a picture so long before one that was decoded earlier.
const MAX_BACKWARDS: i64 = SECOND;
/// Without a sender report, sound whose time is this near to its arrival counts from the same moment as the pictures do.
const MAX_APART: i64 = SECOND / 5;
/// A sender report that wants sound elsewhere than its arrival by more than this is wrong.
const MAX_MISPLACED: i64 = 2 * SECOND;
/// A report that differs by so much from the last is followed at once; by less, an eighth at a time.
const STEP: i64 = SECOND / 20;

/// When a unit belongs, on the camera's clock since the epoch began, and on the boot clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) dts: i64,
    pub(super) pts: i64,
    pub(super) captured: BootNs,
    /// Whether an epoch begins with it.
    pub(super) begins: bool,
}

/// The two streams that are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Picture,
    Sound,
}

/// What a sender report says: a time of the stream, and the camera's wall clock then (NTP format, RFC 3550 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) time: i64,
    pub(super) ntp: u64,
}

#[derive(Debug, Default)]
pub(super) struct CameraClock {
    epoch: Option<Epoch>,
    last_captured: BootNs,
    /// Added to the time of sound to get that of pictures; `None` before the first.
    skew: Option<i64>,
    picture_report: Option<Report>,
    sound_report: Option<Report>,
}

#[derive(Debug)]
struct Epoch {
    /// Time of the first picture, and when it arrived.
    first: i64,
    began: BootNs,
    /// Of the newest picture.
    last: i64,
    times: DecodeTimes,
    clock: SourceClock,
}

impl Epoch {
    /// The boot clock's time of `since`, counted from the first picture.
    fn boot(&self, since: i64) -> BootNs {
        self.unbent(since)
            .shifted_ns(self.clock.correction(Ticks::new(since, TIMESCALE)))
    }

    fn unbent(&self, since: i64) -> BootNs {
        self.began.shifted_ns(Ticks::new(since, TIMESCALE).nanos())
    }

    /// How much later than it should `since` arrives, by the boot clock.
    fn late(&self, since: i64, arrived: BootNs) -> i64 {
        let began = self.began.ticks(TIMESCALE).value;
        let correction = self.clock.correction(Ticks::new(since, TIMESCALE));
        let correction = Ticks::new(correction, 1_000_000_000).nearest(TIMESCALE);
        let expected = began.saturating_add(since).saturating_add(correction.value);
        arrived.ticks(TIMESCALE).value.saturating_sub(expected)
    }
}

impl CameraClock {
    /// Places the next picture in decoding order. `reorders` is how many pictures may be decoded before one that is shown
    /// earlier, and `frame` how long one usually lasts.
    pub(super) fn picture(
        &mut self,
        time: i64,
        arrived: BootNs,
        reorders: u8,
        frame: i64,
    ) -> Placed {
        let fits = |epoch: &Epoch| {
            let late = epoch.late(time.saturating_sub(epoch.first), arrived);
            late.saturating_abs() <= MAX_DEVIATION
                && time >= epoch.last.saturating_sub(MAX_BACKWARDS)
        };
        let begins = !self.epoch.as_ref().is_some_and(fits);
        if begins {
            (self.picture_report, self.sound_report) = (None, None);
            self.epoch = None;
        }
        let epoch = self.epoch.get_or_insert_with(|| Epoch {
            first: time,
            began: arrived.max(self.last_captured),
            last: time,
            times: DecodeTimes::new(reorders, frame),
            clock: SourceClock::default(),
        });
        epoch.last = time;
        let (dts, pts) = epoch.times.next(time);
        let captured = epoch.boot(dts).max(self.last_captured);
        let at = Ticks::new(dts, TIMESCALE);
        epoch.clock.observe(at, epoch.unbent(dts), arrived);
        self.last_captured = captured;
        Placed {
            dts,
            pts,
            captured,
            begins,
        }
    }

    /// Places sound beside the pictures; `None` before the first of them.
    pub(super) fn sound(&mut self, time: i64, arrived: BootNs) -> Option<Placed> {
        let epoch = self.epoch.as_ref()?;
        let since = time.saturating_sub(epoch.first);
        let reported = self.reported_skew();
        let late = |skew: i64| epoch.late(since.saturating_add(skew), arrived);
        let is_near = |skew: i64, most: i64| late(skew).saturating_abs() <= most;
        let reported = reported.filter(|&skew| is_near(skew, MAX_MISPLACED));
        let known = self.skew.filter(|&skew| is_near(skew, MAX_DEVIATION));
        let skew = match (known, reported) {
            (Some(known), Some(reported)) if known.abs_diff(reported) < STEP.unsigned_abs() => {
                known.saturating_add((reported.saturating_sub(known)) / 8)
            }
            (_, Some(reported)) => reported,
            (Some(known), None) => known,
            (None, None) if is_near(0, MAX_APART) => 0,
            (None, None) => late(0),
        };
        self.skew = Some(skew);
        let dts = since.saturating_add(skew);
        Some(Placed {
            dts,
            pts: dts,
            captured: epoch.boot(dts),
            begins: false,
        })
    }

    /// Takes a sender report.
    pub(super) fn report(&mut self, stream: Stream, report: Report) {
        // Cameras that do not know the time say 0.
        if report.ntp == 0 {
            return;
        }
        match stream {
            Stream::Picture => self.picture_report = Some(report),
            Stream::Sound => self.sound_report = Some(report),
        }
    }

    /// What to add to the time of sound to get that of pictures, by the sender reports.
    fn reported_skew(&self) -> Option<i64> {
        let (picture, sound) = (self.picture_report?, self.sound_report?);
        let ntp = i128::from(sound.ntp) - i128::from(picture.ntp);
        let apart = (ntp * i128::from(TIMESCALE)) >> 32;
        let apart = i64::try_from(apart).ok()?;
        let counted = sound.time.checked_sub(picture.time)?;
        apart.checked_sub(counted)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const FRAME: i64 = 3600;

    fn boot(ticks: i64) -> BootNs {
        BootNs::from_secs(100).shifted_ns(Ticks::new(ticks, TIMESCALE).nanos())
    }

    /// NTP time of ticks.
    fn ntp(ticks: i64) -> u64 {
        (1 << 63) + (((ticks as i128) << 32) / i128::from(TIMESCALE)) as u64
    }

    #[test]
    fn a_steady_camera_keeps_its_times() {
        let mut clock = CameraClock::default();
        for n in 0..100 {
            let placed = clock.picture(777 + n * FRAME, boot(n * FRAME), 0, FRAME);
            let expected = Placed {
                dts: n * FRAME,
                pts: n * FRAME,
                captured: boot(n * FRAME),
                begins: n == 0,
            };
            assert_eq!(placed, expected);
        }
    }

    #[test]
    fn a_clock_that_is_set_begins_an_epoch_and_time_goes_on() {
        for jump in [-3600 * SECOND, 3600 * SECOND, -2 * SECOND, 6 * SECOND] {
            let mut clock = CameraClock::default();
            let mut last = BootNs::ZERO;
            let mut begun = Vec::new();
            for n in 0..200 {
                let jumped = if n >= 100 { jump } else { 0 };
                let time = 4000 * SECOND + n * FRAME + jumped;
                let placed = clock.picture(time, boot(n * FRAME), 0, FRAME);
                assert!(placed.captured >= last);
                last = placed.captured;
                if placed.begins {
                    begun.push((n, placed.dts));
                }
                // Sound whose clock is set three frames later.
                let jumped = if n >= 103 { jump } else { 0 };
                let sound = clock.sound(4000 * SECOND + n * FRAME + jumped, boot(n * FRAME));
                let apart = sound.unwrap().captured.ticks(TIMESCALE).value
                    - boot(n * FRAME).ticks(TIMESCALE).value;
                // What nobody can know while it jumps by little is put right by reports.
                let most = if jump.abs() > MAX_DEVIATION {
                    1
                } else {
                    jump.abs()
                };
                assert!(apart.abs() <= most, "{jump} {n}: {apart}");
            }
            assert_eq!(begun, [(0, 0), (100, 0)], "{jump}");
        }
    }

    #[test]
    fn sound_lies_where_sender_reports_say() {
        let mut clock = CameraClock::default();
        // Its time is counted from elsewhere, and it arrives 300 ms late.
        let (elsewhere, late) = (123_456, 27_000);
        let mut placed = Vec::new();
        for n in 0..500 {
            let now = n * FRAME;
            clock.picture(now, boot(now), 0, FRAME);
            if n == 100 {
                clock.report(
                    Stream::Picture,
                    Report {
                        time: now,
                        ntp: ntp(now),
                    },
                );
                let time = now - 5 + elsewhere;
                clock.report(
                    Stream::Sound,
                    Report {
                        time,
                        ntp: ntp(now - 5),
                    },
                );
            }
            placed.push(clock.sound(now + elsewhere, boot(now + late)).unwrap().dts - now);
        }
        // By its arrival at first; then as reported, to the tick.
        assert_eq!((placed[0], placed[99]), (late, late));
        assert!(placed[101..].iter().all(|off| off.abs() <= 1), "{placed:?}");
    }

    #[test]
    fn reports_that_cannot_be_are_not_followed() {
        let mut clock = CameraClock::default();
        for n in 0..100 {
            let now = n * FRAME;
            clock.picture(now, boot(now), 0, FRAME);
            clock.report(
                Stream::Picture,
                Report {
                    time: now,
                    ntp: ntp(now),
                },
            );
            clock.report(
                Stream::Sound,
                Report {
                    time: now,
                    ntp: ntp(now + 60 * SECOND),
                },
            );
            assert_eq!(clock.sound(now, boot(now)).unwrap().dts, now);
            clock.report(Stream::Sound, Report { time: now, ntp: 0 });
        }
    }

    #[test]
    fn drift_is_followed_with_sound_beside_it() {
        let mut clock = CameraClock::default();
        // An hour at 100 millionths.
        for n in 0..90_000i64 {
            let now = n * FRAME;
            let arrived = boot(now).shifted_ns(Ticks::new(now, TIMESCALE).nanos() / 10_000);
            let picture = clock.picture(now, arrived, 0, FRAME);
            let sound = clock.sound(now, arrived).unwrap();
            let off = picture
                .captured
                .since(arrived)
                .max(arrived.since(picture.captured));
            assert!(off < Duration::from_millis(3), "{n}: {off:?}");
            let apart = sound.captured.since(picture.captured);
            assert!(apart < Duration::from_millis(1), "{n}: {apart:?}");
        }
    }

    #[test]
    fn reordered_pictures_bend_nothing() {
        let mut clock = CameraClock::default();
        let order = [0, 4, 2, 1, 3];
        for n in 0..500i64 {
            let shown = n / 5 * 5 + order[n as usize % 5];
            let placed = clock.picture(shown * FRAME, boot(n * FRAME), 2, FRAME);
            assert_eq!(placed.dts, n * FRAME);
            assert!(placed.pts >= placed.dts);
            assert_eq!(placed.captured, boot(n * FRAME));
        }
    }

    proptest! {
        #[test]
        fn times_never_go_back_whatever_comes(
            units in prop::collection::vec((any::<i64>(), any::<u64>(), any::<u64>(), any::<bool>()), 1..60),
        ) {
            let mut clock = CameraClock::default();
            let (mut captured, mut dts) = (BootNs::ZERO, i64::MIN);
            for (time, arrived, ntp, is_sound) in units {
                // Sums of times beyond 3000 years are not tested.
                let (time, arrived) = (time >> 16, BootNs(arrived >> 2));
                if is_sound {
                    clock.report(Stream::Sound, Report { time, ntp });
                    clock.sound(time, arrived);
                    continue;
                }
                let placed = clock.picture(time, arrived, 2, FRAME);
                prop_assert!(placed.captured >= captured && placed.pts >= placed.dts);
                prop_assert!(placed.begins || placed.dts >= dts);
                (captured, dts) = (placed.captured, placed.dts);
                clock.report(Stream::Picture, Report { time, ntp });
            }
        }
    }
}
