//! What the cameras of these tests have in common.

use std::sync::Arc;
use std::time::Duration;

use picam_mp4::{Counters, FragmentLimits, Sample, TrackConfig, sample_entry};
use picam_ring::{Directory, Picture, Recorder, RingConfig, Shares, SideSample};
use picam_testkit::numbered::Numbered;
use picam_testkit::surroundings::{self, KINDS, coded, period};
use picam_time::{BootNs, Ticks};

/// A ring for segments of `nominal_s` seconds in slots of `slot_size` bytes, with `head_kib` KiB before the first fragment.
pub(super) fn ring(slot_size: u64, slots: usize, head_kib: u32, nominal_s: i64) -> RingConfig {
    RingConfig {
        letter: b'F',
        camera_name: "front".into(),
        slot_size,
        slots,
        head_len: head_kib * 1024,
        nominal_ticks: 90_000 * nominal_s,
        shares: Shares::default(),
        limits: FragmentLimits::default(),
    }
}

/// When a camera that runs since boot takes a picture.
pub(super) fn captured(footage: &Numbered, n: u64) -> BootNs {
    BootNs(n * 1_000_000_000 / footage.fps)
}

/// A picture of a camera that runs since boot, with nothing lost before it.
pub(super) fn picture<'a>(footage: &Numbered, n: u64, data: &'a [u8]) -> Picture<'a> {
    Picture {
        sample: Sample {
            track: 0,
            dts: footage.ticks(n),
            composition_offset: 0,
            duration: footage.ticks(1) as u32,
            key: footage.is_key(n),
            captured: captured(footage, n),
            data,
        },
        lost_before: Counters::default(),
    }
}

/// The tracks of a camera with sound, motion and text.
pub(super) fn four_tracks(footage: &Numbered) -> Vec<TrackConfig> {
    let mut tracks = footage.tracks();
    tracks.extend(surroundings::tracks());
    tracks
}

/// Sound, motion and text that come along with the pictures, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    /// Of each kind the next to come.
    next: [u64; 3],
    /// How late each comes.
    late: [Duration; 3],
}

impl Surroundings {
    /// From `start` on the timeline on, each kind so late.
    pub(super) fn new(start: Duration, late: [Duration; 3]) -> Self {
        let first = |kind| start.as_nanos().div_ceil(period(kind).as_nanos()) as u64;
        Self {
            next: KINDS.map(first),
            late,
        }
    }

    /// Hands over what has come by the moment `until` of the timeline, which on the boot clock is `now`; says how many.
    pub(super) fn push<D: Directory>(
        &mut self,
        recorder: &mut Recorder<D>,
        until: Duration,
        now: BootNs,
    ) -> u64 {
        let mut count = 0;
        for ((kind, next), late) in KINDS.into_iter().zip(&mut self.next).zip(self.late) {
            while period(kind) * (*next as u32) + late <= until {
                let at = period(kind) * (*next as u32);
                let sample = SideSample {
                    kind,
                    at: Ticks::from_span(at, 1_000_000),
                    lasts: period(kind),
                    captured: now - late,
                    data: &coded(kind, *next),
                };
                recorder.push_side(&sample, now);
                *next += 1;
                count += 1;
            }
        }
        count
    }
}

/// The track of a camera whose pictures nobody decodes.
pub(super) fn plain_track() -> Arc<Vec<TrackConfig>> {
    let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
    let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480).unwrap();
    Arc::new(vec![TrackConfig::video(stsd, 640, 480)])
}

/// One of its pictures, 30 a second, with a key frame every `gop`.
pub(super) fn plain_picture(n: u64, gop: u64, data: &[u8]) -> Picture<'_> {
    Picture {
        sample: Sample {
            track: 0,
            dts: (n * 3000) as i64,
            composition_offset: 0,
            duration: 3000,
            key: n.is_multiple_of(gop),
            captured: BootNs(n * 33_333_333),
            data,
        },
        lost_before: Counters::default(),
    }
}
