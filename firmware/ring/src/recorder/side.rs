//! Samples of sound, motion and text that wait for the picture that says which segment they belong to.
//!
//! A segment ends at a picture: what was heard before it belongs into the segment that ends, what was heard later into the
//! next. So a sample waits until a picture of its time or later has come, or for [`HOLD`] if none comes. Motion always waits
//! for that long, and is put in order: a fix is measured earlier than it comes, and an accelerometer shares its track.

use std::collections::VecDeque;
use std::time::Duration;

use picam_mp4::TrackKind;
use picam_time::{BootNs, Ticks};

/// A sample waits no longer for its picture, and a segment that begins no longer for samples from before it.
pub const HOLD: Duration = Duration::from_millis(150);
/// A track from which nothing came for so long is not waited for.
const ALIVE: Duration = Duration::from_secs(1);
/// Samples that may wait while the card stalls: of motion 100 times a second, fixes and packets of sound, for ten seconds.
const MOST_SAMPLES: usize = 2048;
/// Bytes that may wait: PCM in stereo for ten seconds, twice over.
const MOST_BYTES: usize = 4 << 20;

/// One sample of a side track, handed to the recorder.
#[derive(Debug, Clone, Copy)]
pub struct SideSample<'a> {
    /// Of which track; not of the video.
    pub kind: TrackKind,
    /// Its time on the boot clock, at any rate.
    pub at: Ticks,
    /// How long it lasts if nothing follows.
    pub lasts: Duration,
    /// When it was captured.
    pub captured: BootNs,
    /// The coded bytes.
    pub data: &'a [u8],
}

/// One that waits.
#[derive(Debug)]
pub(super) struct Held {
    kind: TrackKind,
    at: Ticks,
    lasts: Duration,
    captured: BootNs,
    arrived: BootNs,
    data: Vec<u8>,
}

impl Held {
    pub(super) fn sample(&self) -> SideSample<'_> {
        SideSample {
            kind: self.kind,
            at: self.at,
            lasts: self.lasts,
            captured: self.captured,
            data: &self.data,
        }
    }
}

/// Those that wait, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Side {
    held: VecDeque<Held>,
    /// Buffers to be filled again.
    free: Vec<Vec<u8>>,
    bytes: usize,
    /// Of each track: time of the newest sample, and when that came.
    newest: [Option<(i64, BootNs)>; SIDE_TRACKS],
    /// Of each track: the last decode time in the open segment.
    last_dts: [i64; SIDE_TRACKS],
}

/// Kinds of side tracks.
const SIDE_TRACKS: usize = 3;

/// Which of the samples that wait are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Those that a picture of this time has come behind, nanoseconds on the boot clock.
    Passed(i64),
    /// Those that came at this moment or before.
    Waited(BootNs),
    /// All before this time, nanoseconds on the boot clock: the segment ends there.
    Cut(i64),
}

const fn index(kind: TrackKind) -> Option<usize> {
    match kind {
        TrackKind::Video => None,
        TrackKind::Audio => Some(0),
        TrackKind::Camm => Some(1),
        TrackKind::Text => Some(2),
    }
}

impl Side {
    /// Takes a sample that came at `now`, when the pictures had come to `pictures`; `false` if there are too many.
    pub(super) fn hold(&mut self, sample: &SideSample<'_>, now: BootNs, pictures: BootNs) -> bool {
        let Some(newest) = index(sample.kind).and_then(|n| self.newest.get_mut(n)) else {
            return false;
        };
        *newest = Some((sample.at.nanos(), now));
        if self.held.len() >= MOST_SAMPLES || self.bytes + sample.data.len() > MOST_BYTES {
            return false;
        }
        let mut data = self.free.pop().unwrap_or_default();
        data.clear();
        data.extend_from_slice(sample.data);
        self.bytes += data.len();
        self.held.push_back(Held {
            kind: sample.kind,
            at: sample.at,
            lasts: sample.lasts,
            captured: sample.captured,
            // Pictures of its time may still wait in their queue.
            arrived: pictures.max(sample.captured),
            data,
        });
        true
    }

    /// The earliest of those that are due.
    pub(super) fn take(&mut self, due: Due) -> Option<Held> {
        let is_due = |held: &Held| match due {
            Due::Passed(until) => held.kind != TrackKind::Camm && held.at.nanos() < until,
            Due::Waited(deadline) => held.arrived <= deadline,
            Due::Cut(until) => held.at.nanos() < until,
        };
        let due = self
            .held
            .iter()
            .enumerate()
            .filter(|(_, held)| is_due(held));
        let (at, _) = due.min_by_key(|(_, held)| held.at.nanos())?;
        let held = self.held.remove(at)?;
        self.bytes -= held.data.len();
        Some(held)
    }

    /// Gives one back that could not be stored now: it is the next again.
    pub(super) fn put_back(&mut self, held: Held) {
        self.bytes += held.data.len();
        self.held.push_front(held);
    }

    /// Done with one.
    pub(super) fn done(&mut self, held: Held) {
        self.free.push(held.data);
    }

    /// A segment begins, in which no track is further than this, in nanoseconds on the boot clock.
    pub(super) fn begin_segment(&mut self) {
        self.last_dts = [i64::MIN; SIDE_TRACKS];
    }

    /// The decode time of a sample of `dts` in a segment that began at `start`, both in ticks of its track. `None` if it
    /// cannot be there: sound that comes too late would be heard at the wrong time. A fix or a text is shown a little later
    /// than it was measured instead; a fix says itself when that was.
    pub(super) fn decode_time(&self, kind: TrackKind, dts: i64, start: i64) -> Option<i64> {
        let last = index(kind).and_then(|n| self.last_dts.get(n))?;
        let earliest = start.max(*last);
        (dts >= earliest || kind != TrackKind::Audio).then_some(dts.max(earliest))
    }

    /// A sample is in the open segment.
    pub(super) fn stored(&mut self, kind: TrackKind, dts: i64) {
        if let Some(last) = index(kind).and_then(|n| self.last_dts.get_mut(n)) {
            *last = dts;
        }
    }

    /// Forgets all that wait; says how many.
    pub(super) fn clear(&mut self) -> u32 {
        let count = u32::try_from(self.held.len()).unwrap_or(u32::MAX);
        while let Some(held) = self.held.pop_front() {
            self.free.push(held.data);
        }
        self.bytes = 0;
        count
    }

    /// Whether something before `until`, in nanoseconds on the boot clock, may still come: some track that delivers has not
    /// come so far.
    pub(super) fn is_behind(&self, until: i64, now: BootNs) -> bool {
        let mut tracks = self.newest.iter().flatten();
        tracks.any(|&(newest, came)| newest < until && now.since(came) < ALIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: i64) -> Ticks {
        Ticks::new(ms, 1000)
    }

    const fn boot(ms: u64) -> BootNs {
        BootNs(ms * 1_000_000)
    }

    fn sample(kind: TrackKind, at: i64, data: &[u8]) -> SideSample<'_> {
        SideSample {
            kind,
            at: ms(at),
            lasts: Duration::from_millis(10),
            captured: BootNs(0),
            data,
        }
    }

    /// Takes a sample while no pictures wait.
    fn hold(side: &mut Side, sample: &SideSample<'_>, now: BootNs) -> bool {
        side.hold(sample, now, now)
    }

    const fn passed(ms: i64) -> Due {
        Due::Passed(ms * 1_000_000)
    }

    /// Times of all that are taken now, in milliseconds.
    fn taken(side: &mut Side, due: Due) -> Vec<i64> {
        std::iter::from_fn(|| {
            let held = side.take(due)?;
            let at = held.sample().at.value;
            side.done(held);
            Some(at)
        })
        .collect()
    }

    #[test]
    fn a_sample_waits_for_a_picture_behind_it_and_not_for_ever() {
        let mut side = Side::default();
        for at in [100, 120, 140] {
            assert!(hold(
                &mut side,
                &sample(TrackKind::Audio, at, &[1]),
                boot(at as u64 + 5)
            ));
        }
        assert_eq!(taken(&mut side, passed(120)), [100]);
        assert_eq!(taken(&mut side, passed(121)), [120]);
        assert_eq!(taken(&mut side, Due::Waited(boot(144))), []);
        assert_eq!(taken(&mut side, Due::Waited(boot(145))), [140]);
    }

    #[test]
    fn motion_is_put_in_order_and_waits_for_its_time_whatever_pictures_come() {
        let mut side = Side::default();
        for (at, arrived) in [(100, 101), (110, 111), (95, 115), (200, 201)] {
            hold(&mut side, &sample(TrackKind::Camm, at, &[]), boot(arrived));
        }
        assert_eq!(taken(&mut side, passed(1000)), []);
        assert_eq!(taken(&mut side, Due::Waited(boot(115))), [95, 100, 110]);
        // A cut does not wait.
        assert_eq!(taken(&mut side, Due::Cut(200 * 1_000_000)), []);
        assert_eq!(taken(&mut side, Due::Cut(201 * 1_000_000)), [200]);
    }

    #[test]
    fn what_comes_after_a_later_one_is_shown_with_it_and_sound_is_left_out() {
        let mut side = Side::default();
        side.begin_segment();
        for (kind, late) in [(TrackKind::Camm, Some(50)), (TrackKind::Audio, None)] {
            assert_eq!(side.decode_time(kind, 49, 50), late);
            assert_eq!(side.decode_time(kind, 50, 50), Some(50));
            side.stored(kind, 70);
            assert_eq!(side.decode_time(kind, 69, 50), late.map(|_| 70));
            assert_eq!(side.decode_time(kind, 70, 50), Some(70));
        }
        side.begin_segment();
        assert_eq!(side.decode_time(TrackKind::Audio, 69, 50), Some(69));
        assert_eq!(side.decode_time(TrackKind::Video, 69, 50), None);
    }

    #[test]
    fn while_pictures_wait_in_their_queue_so_does_what_belongs_to_them() {
        let mut side = Side::default();
        let mut late = sample(TrackKind::Camm, 5000, &[]);
        late.captured = boot(5000);
        assert!(side.hold(&late, boot(5001), boot(40)));
        assert_eq!(taken(&mut side, Due::Waited(boot(4999))), []);
        assert_eq!(taken(&mut side, Due::Waited(boot(5000))), [5000]);
    }

    #[test]
    fn what_could_not_be_stored_comes_first_again() {
        let mut side = Side::default();
        for at in [1, 2] {
            hold(&mut side, &sample(TrackKind::Text, at, b"text"), boot(1));
        }
        let first = side.take(Due::Passed(i64::MAX)).unwrap();
        assert_eq!(first.sample().data, b"text");
        side.put_back(first);
        assert_eq!(taken(&mut side, passed(9)), [1, 2]);
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_bytes() {
        let mut side = Side::default();
        let mut count = 0;
        while hold(
            &mut side,
            &sample(TrackKind::Camm, count, &[0; 16]),
            boot(1),
        ) {
            count += 1;
        }
        assert_eq!((count, side.clear()), (2048, 2048));
        let large = vec![0; MOST_BYTES / 2];
        let held =
            [0, 1, 2].map(|at| hold(&mut side, &sample(TrackKind::Audio, at, &large), boot(1)));
        assert_eq!(held, [true, true, false]);
        assert_eq!(taken(&mut side, passed(1)), [0]);
        // Exactly what there is room for; a picture is no sample of a side track.
        assert!(hold(
            &mut side,
            &sample(TrackKind::Audio, 3, &large),
            boot(1)
        ));
        assert!(!hold(
            &mut side,
            &sample(TrackKind::Audio, 4, &[1]),
            boot(1)
        ));
        assert_eq!(side.clear(), 2);
        assert!(!hold(
            &mut side,
            &sample(TrackKind::Video, 4, &[1]),
            boot(1)
        ));
        assert!(hold(&mut side, &sample(TrackKind::Audio, 4, &[1]), boot(1)));
    }

    #[test]
    fn a_cut_waits_for_tracks_that_deliver_and_for_no_others() {
        let mut side = Side::default();
        let behind = |side: &Side, until: i64, now| side.is_behind(until * 1_000_000, boot(now));
        assert!(!behind(&side, 1000, 1000));
        hold(&mut side, &sample(TrackKind::Audio, 980, &[]), boot(1000));
        assert!(behind(&side, 1000, 1010));
        hold(&mut side, &sample(TrackKind::Audio, 1000, &[]), boot(1020));
        assert!(!behind(&side, 1000, 1020));
        // A microphone that was unplugged.
        assert!(behind(&side, 2000, 2019));
        assert!(!behind(&side, 2000, 2020));
        hold(&mut side, &sample(TrackKind::Camm, 1000, &[]), boot(2020));
        assert!(behind(&side, 2000, 2020));
    }
}
