//! A segment says in time that it has no room for another group of pictures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use picam_mp4::{FragmentLimits, Pushed, Record, Sample, SegmentWriter, TrackConfig, sample_entry};
use picam_ring::Directory;
use picam_testkit::sim_disk::{Mutant, SimDisk, SimFile};
use picam_time::BootNs;

const SLOT_LEN: u64 = 1 << 20;
const GOP: i64 = 30;
const PICTURE: usize = 2_000;

fn writer() -> SegmentWriter<SimFile> {
    let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
    let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480).unwrap();
    let record = Record {
        sequence: 1,
        camera: b'F',
        class: b'N',
        slot_len: SLOT_LEN,
        head_len: 64 * 1024,
        ..Record::default()
    };
    let slot = SimDisk::new(Mutant::None)
        .create("slot.mp4", SLOT_LEN)
        .unwrap();
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let track = TrackConfig::video(stsd, 640, 480);
    writer
        .begin(slot, record, vec![track], &picture(0, &[]))
        .unwrap();
    writer
}

fn picture(n: i64, data: &[u8]) -> Sample<'_> {
    Sample {
        track: 0,
        dts: n * 3000,
        composition_offset: 0,
        duration: 3000,
        key: n % GOP == 0,
        captured: BootNs(n as u64 * 33_333_333),
        data,
    }
}

#[test]
fn groups_are_taken_while_there_is_room_and_the_slot_is_used() {
    let mut writer = writer();
    let data = [7; PICTURE];
    let mut n = 0;
    while n == 0 || writer.has_room_for_gop(0) {
        for _ in 0..GOP {
            assert_ne!(
                writer.push(&picture(n, &data)).unwrap(),
                Pushed::Full,
                "{n}"
            );
            n += 1;
        }
        assert!(n < 1000, "it never ends");
    }
    // The rest is kept for a larger group, or lies in the padding of small fragments.
    let used = n as u64 * PICTURE as u64;
    assert!(used > SLOT_LEN / 2, "{used} bytes are too few");
}

#[test]
fn room_that_is_asked_for_besides_counts() {
    let mut writer = writer();
    let data = [7; PICTURE];
    for n in 0..GOP {
        writer.push(&picture(n, &data)).unwrap();
    }
    assert!(writer.has_room_for_gop(0));
    assert!(writer.has_room_for_gop(400_000));
    assert!(!writer.has_room_for_gop(SLOT_LEN));
}
