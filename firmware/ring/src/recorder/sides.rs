//! Sound, motion and text on their way into the segments of a camera. They can neither keep a picture waiting nor lose one.

use picam_mp4::{Pushed, Sample, TrackConfig};
use picam_time::{BootNs, Ticks};

use super::error::{RecordError, write_error};
use super::side::{Due, HOLD, SideSample};
use super::{Current, Recorder};
use crate::directory::Directory;

impl<D: Directory> Recorder<D> {
    /// Takes a sample of sound, motion or text that came at `now`. It goes to the side of a cut on which its picture is;
    /// what has no place there is counted (`lost_side`).
    pub fn push_side(&mut self, sample: &SideSample<'_>, now: BootNs) {
        let pictures = self.pictures_until.unwrap_or(now);
        if !self.side.hold(sample, now, pictures) {
            self.account.lost_side(1);
        }
    }

    /// Says that pictures wait to be taken which were captured from then on; `None` if none do. What belongs to them waits,
    /// too.
    pub fn set_pictures_until(&mut self, captured: Option<BootNs>) {
        self.pictures_until = captured;
    }

    /// Whether a segment that begins with a picture of `dts` had better wait a moment: sound, motion or text from before it
    /// may still come at `now`.
    pub fn side_is_behind(&self, dts: i64, now: BootNs) -> bool {
        self.current.is_some() && self.side.is_behind(self.nanos(dts), now)
    }

    /// Capture time of the first sample that is not committed yet: a picture, if there is one.
    pub(super) fn uncommitted_since(&self) -> Option<BootNs> {
        let pictures = self.writer.uncommitted_since();
        pictures.or_else(|| self.writer.side_uncommitted_since())
    }

    /// A decode time of pictures in nanoseconds on the boot clock.
    fn nanos(&self, dts: i64) -> i64 {
        self.video_ticks(dts).nanos()
    }

    fn video_ticks(&self, dts: i64) -> Ticks {
        let rate = self.tracks.first().map_or(1, |track| track.timescale);
        Ticks::new(dts, rate)
    }

    /// Stores what waits for pictures that do not come.
    pub(super) fn store_waiting_side(&mut self, now: BootNs) -> Result<(), RecordError> {
        let pictures = self.pictures_until.unwrap_or(now);
        self.store_side(Due::Waited(pictures - HOLD))
    }

    /// Stores all that waits, but for what belongs to pictures that wait themselves.
    pub(super) fn store_all_side(&mut self, now: BootNs) -> Result<(), RecordError> {
        self.store_side(Due::Waited(self.pictures_until.unwrap_or(now)))
    }

    /// Stores what a picture of `dts` has come behind.
    pub(super) fn store_passed_side(&mut self, dts: i64) {
        let until = self.nanos(dts);
        self.try_store_side(Due::Passed(until));
    }

    /// Stores what the segment that ends before `next_dts` shall have.
    pub(super) fn store_side_before_cut(&mut self, next_dts: Option<i64>) {
        let until = next_dts.map_or(i64::MAX, |dts| self.nanos(dts));
        self.try_store_side(Due::Cut(until));
    }

    /// Gives up all that waits.
    pub(super) fn forget_side(&mut self) {
        let lost = self.side.clear();
        self.account.lost_side(lost.into());
    }

    /// What the card refuses now is tried again later: no picture shall wait for it.
    fn try_store_side(&mut self, due: Due) {
        let _ = self.store_side(due);
    }

    fn store_side(&mut self, due: Due) -> Result<(), RecordError> {
        while let Some(held) = self.side.take(due) {
            match self.write_side(&held.sample()) {
                Ok(true) => {}
                Ok(false) => self.account.lost_side(1),
                Err(error) => {
                    self.side.put_back(held);
                    return Err(error);
                }
            }
            self.side.done(held);
        }
        Ok(())
    }

    /// Puts a sample into the open segment; `false` if it has no place there.
    fn write_side(&mut self, sample: &SideSample<'_>) -> Result<bool, RecordError> {
        let is_open = |current: Current| !current.closed && !current.full;
        let record = self.writer.record();
        let has_pictures = record.is_some_and(|record| record.counters.frames > 0);
        let origin = self.writer.origin().filter(|_| has_pictures);
        let (Some(origin), true) = (origin, self.current.is_some_and(is_open)) else {
            return Ok(false);
        };
        let of_kind = |(_, track): &(usize, &TrackConfig)| track.kind == sample.kind;
        let Some((track, config)) = self.tracks.iter().enumerate().find(of_kind) else {
            return Ok(false);
        };
        let rate = config.timescale;
        let start = self.video_ticks(origin).at_rate(rate).value;
        let dts = sample.at.at_rate(rate).value;
        let Some(dts) = self.side.decode_time(sample.kind, dts, start) else {
            return Ok(false);
        };
        let duration = Ticks::from_span(sample.lasts, rate).value;
        let stored = Sample {
            track,
            dts,
            composition_offset: 0,
            duration: u32::try_from(duration).unwrap_or(u32::MAX),
            key: true,
            captured: sample.captured,
            data: sample.data,
        };
        let waiting_since = self.uncommitted_since();
        match (
            self.writer.push(&stored).map_err(write_error)?,
            waiting_since,
        ) {
            (Pushed::Full, _) => return Ok(false),
            (Pushed::Committed, Some(since)) => self
                .durability
                .committed(since, self.config.limits.interval),
            _ => {}
        }
        self.side.stored(sample.kind, dts);
        Ok(true)
    }
}
