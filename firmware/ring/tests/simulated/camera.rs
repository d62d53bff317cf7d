//! What the cameras of these tests have in common.

use std::sync::Arc;

use picam_mp4::{Counters, FragmentLimits, Sample, TrackConfig, sample_entry};
use picam_ring::{Picture, RingConfig, Shares};
use picam_testkit::numbered::Numbered;
use picam_time::BootNs;

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
