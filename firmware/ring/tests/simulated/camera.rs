//! What the cameras of these tests have in common.

use picam_mp4::{Counters, FragmentLimits, Sample};
use picam_ring::{Picture, RingConfig, Shares};
use picam_testkit::numbered::Numbered;

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

/// A picture of a camera that runs since boot, with nothing lost before it.
pub(super) fn picture<'a>(footage: &Numbered, n: u64, data: &'a [u8]) -> Picture<'a> {
    Picture {
        sample: Sample {
            track: 0,
            dts: footage.ticks(n),
            composition_offset: 0,
            duration: footage.ticks(1) as u32,
            key: footage.is_key(n),
            captured_boot_ns: n * 1_000_000_000 / footage.fps,
            data,
        },
        lost_before: Counters::default(),
    }
}
