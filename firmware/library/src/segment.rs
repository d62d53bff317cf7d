//! One segment, as its name and its header tell of it.

use jiff::Timestamp;
use picam_mp4::{Record, SegmentState};
use picam_ring::{
    Class, NameTime, SEQUENCE_MODULUS, SegmentId, SegmentName, Volume, digits_of, distance,
};
use picam_time::BootNs;
use serde::{Serialize, Serializer};

use crate::text;
use crate::zip::DosTime;

/// What a segment's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being recorded, or cut off while it was and not yet recovered. Plays as far as it goes.
    Recording,
    /// Finished by the recorder.
    Finished,
    /// Cut off by a loss of power and finished afterwards.
    Recovered,
    /// The header record cannot be read; what is shown comes from the name.
    Damaged,
}

/// A moment counted from a boot of the device.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SinceBoot {
    /// How many boots the card had seen.
    pub number: u32,
    /// Seconds since that boot.
    pub seconds: f64,
}

/// Frames lost on the way to the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// The encoder took them and never gave them back.
    pub encoder: u32,
    /// The queue to the card was full.
    pub queue: u32,
}

/// A segment on the card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    /// Camera letter and sequence as in the name; stays when the file is renamed.
    pub id: String,
    /// Where its file lies.
    pub volume: Volume,
    /// Name of the file.
    pub name: String,
    /// Order of recording.
    pub sequence: u64,
    /// Camera letter.
    pub camera: char,
    /// Camera name as it was configured; `None` if the header is damaged.
    pub camera_name: Option<String>,
    /// What it was recorded for.
    #[serde(serialize_with = "display")]
    pub class: Class,
    /// Whether the ring spares it.
    pub locked: bool,
    /// When it starts; `None` until somebody has said what time it was.
    pub start: Option<Timestamp>,
    /// The same from boot on.
    pub boot: Option<SinceBoot>,
    /// Length in seconds; `None` until finished.
    pub duration_s: Option<f64>,
    /// Bytes that a download has.
    pub size: u64,
    /// What its file is.
    pub state: State,
    /// Frames in it; `None` until finished.
    pub frames: Option<u32>,
    /// Frames missing from it; `None` until finished.
    pub dropped: Option<Dropped>,
    /// Fragments whose checksum did not hold at recovery; `None` until finished.
    pub crc_failures: Option<u32>,
    /// Writes that the card refused; `None` until finished.
    pub io_faults: Option<u32>,
    #[serde(skip)]
    /// The parts of its name.
    pub parsed: SegmentName,
    /// The boot that recorded it; none if the header is damaged.
    #[serde(skip)]
    pub boot_id: Option<[u8; 16]>,
    /// Its start by the clock of that boot.
    #[serde(skip)]
    pub start_boot: BootNs,
}

impl Segment {
    /// From a readable header. `size` is what a download has now.
    pub fn new(name: &SegmentName, record: &Record, state: SegmentState, size: u64) -> Self {
        let finished = state == SegmentState::Finished;
        let counters = finished.then_some(record.counters);
        let utc = record.start_utc;
        let utc = utc.and_then(|utc| Timestamp::from_microsecond(utc.0).ok());
        Self {
            sequence: record.sequence,
            camera_name: Some(record.camera_name.clone()),
            start: utc.or_else(|| named_start(name)),
            boot_id: Some(record.boot_id),
            start_boot: record.start_boot,
            boot: Some(SinceBoot {
                number: record.boot_number,
                seconds: record.start_boot.as_secs_f64(),
            }),
            duration_s: finished.then_some(record.duration.as_secs_f64()),
            size,
            state: match state {
                SegmentState::Recording => State::Recording,
                SegmentState::Finished if record.recovered => State::Recovered,
                SegmentState::Finished => State::Finished,
            },
            frames: counters.map(|counters| counters.frames),
            dropped: counters.map(|counters| Dropped {
                encoder: counters.dropped_encoder,
                queue: counters.dropped_queue,
            }),
            crc_failures: counters.map(|counters| counters.crc_failures),
            io_faults: counters.map(|counters| counters.io_faults),
            ..Self::named(name, size)
        }
    }

    /// Of a file whose header says nothing.
    pub fn damaged(name: &SegmentName, size: u64) -> Self {
        Self::named(name, size)
    }

    fn named(name: &SegmentName, size: u64) -> Self {
        Self {
            volume: Volume::Card,
            boot_id: None,
            start_boot: BootNs::ZERO,
            name: name.to_string(),
            sequence: u64::from(name.sequence),
            camera: char::from(name.camera),
            camera_name: None,
            class: name.class,
            locked: name.class.is_locked(),
            start: named_start(name),
            boot: match name.time {
                NameTime::Boot { number, seconds } => Some(SinceBoot {
                    number: u32::from(number),
                    seconds: f64::from(seconds),
                }),
                NameTime::Utc(_) => None,
            },
            duration_s: None,
            size,
            state: State::Damaged,
            frames: None,
            dropped: None,
            crc_failures: None,
            io_faults: None,
            id: SegmentId::new(Volume::Card, name).to_string(),
            parsed: *name,
        }
    }

    /// The same on a volume. Each counts on its own, so that an id says which it is of.
    pub fn on(mut self, volume: Volume) -> Self {
        self.id = SegmentId::new(volume, &self.parsed).to_string();
        self.volume = volume;
        self
    }

    /// Whether its file may change while it keeps its name: it is being recorded, or will be recovered.
    pub fn may_change(&self) -> bool {
        matches!(self.state, State::Recording | State::Damaged)
    }

    /// A helpful name for a download: what it shows, when, and the id to find it again by. With an
    /// `offset` in minutes from UTC, the time is that of the person's clock, as the page lists it.
    pub fn download_name(&self, offset: Option<i16>) -> String {
        let when = self.time_for_name(offset);
        let camera = text::camera_for_name(self.camera_name.as_deref(), self.camera);
        format!("picam_{when}_{camera}_{}.mp4", self.id)
    }

    /// When it starts, for the name of a file.
    pub fn time_for_name(&self, offset: Option<i16>) -> String {
        text::for_name(self.start, self.boot, offset)
    }

    /// When it starts by somebody's clock, for a ZIP.
    pub fn dos_time(&self, offset: Option<i16>) -> DosTime {
        DosTime::of(self.start, offset)
    }
}

/// The whole sequence number of a file whose header is unreadable: names hold it modulo
/// [`SEQUENCE_MODULUS`], so it is the one nearest to `newest` that ends in these digits.
pub fn unwrap_sequence(named: u32, newest: u64) -> u64 {
    let forward = distance(digits_of(newest), named);
    if forward <= SEQUENCE_MODULUS / 2 {
        return newest + u64::from(forward);
    }
    let back = u64::from(SEQUENCE_MODULUS - forward);
    newest.checked_sub(back).unwrap_or(u64::from(named))
}

fn named_start(name: &SegmentName) -> Option<Timestamp> {
    match name.time {
        NameTime::Utc(seconds) => Timestamp::from_second(seconds).ok(),
        NameTime::Boot { .. } => None,
    }
}

fn display<S: Serializer>(value: &impl std::fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_sequences_are_unwrapped_near_the_newest() {
        for (named, newest, whole) in [
            (5, 0, 5),
            (999_999, 3, 999_999),
            (123, 200, 123),
            (999_990, 1_000_010, 999_990),
            (20, 1_000_010, 1_000_020),
            (3, 2_999_999, 3_000_003),
            (999_998, 3_000_001, 2_999_998),
        ] {
            assert_eq!(unwrap_sequence(named, newest), whole, "{named} {newest}");
        }
    }

    #[test]
    fn downloads_are_named_after_what_they_show() {
        let name = SegmentName::parse("boot0042_003601_FN_000123.mp4").unwrap();
        let mut segment = Segment::damaged(&name, 1);
        assert_eq!(
            segment.download_name(Some(60)),
            "picam_boot42_00-36-01_F_F000123.mp4"
        );
        segment.start = Some("2026-11-20T11:08:00.25Z".parse().unwrap());
        segment.camera_name = Some("Rück/\"cam\"".into());
        for (offset, name) in [
            (None, "picam_2026-11-20_11-08-00Z_Rckcam_F000123.mp4"),
            (Some(60), "picam_2026-11-20_12-08-00_Rckcam_F000123.mp4"),
            (Some(-720), "picam_2026-11-19_23-08-00_Rckcam_F000123.mp4"),
        ] {
            assert_eq!(segment.download_name(offset), name);
        }
    }
}
