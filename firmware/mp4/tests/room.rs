//! A segment says in time that it has no room for another group of pictures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use picam_mp4::{
    FragmentLimits, Pushed, Record, Sample, SegmentWriter, TrackConfig, check, sample_entry,
};
use picam_ring::Directory;
use picam_testkit::sim_disk::{Mutant, SimDisk, SimFile};
use picam_time::BootNs;

const SLOT_LEN: u64 = 1 << 20;
const GOP: i64 = 30;
const PICTURE: usize = 2_000;

fn writer() -> SegmentWriter<SimFile> {
    writer_of(SLOT_LEN, FragmentLimits::default())
}

fn writer_of(slot_len: u64, limits: FragmentLimits) -> SegmentWriter<SimFile> {
    let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
    let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480).unwrap();
    let record = Record {
        sequence: 1,
        camera: b'F',
        class: b'N',
        slot_len,
        head_len: 64 * 1024,
        ..Record::default()
    };
    let slot = SimDisk::new(Mutant::None)
        .create("slot.mp4", slot_len)
        .unwrap();
    let mut writer = SegmentWriter::new(limits);
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

#[test]
fn a_picture_is_taken_if_its_fragment_leaves_a_page_of_the_slot() {
    const PAGE: u64 = 4096;
    for (more, taken) in [(0, true), (1, false)] {
        let mut writer = writer();
        let record = writer.record().unwrap();
        let mut at = u64::from(record.head_len + record.init_len);
        // A fragment has its boxes in 1 KiB, and ends with a page.
        for n in 0..20 {
            let data = vec![7; 5_000 + 1_111 * n as usize];
            assert_ne!(writer.push(&picture(n, &data)).unwrap(), Pushed::Full);
            writer.commit(None).unwrap();
            at += (1024 + data.len() as u64).next_multiple_of(PAGE);
        }
        let last = vec![7; (SLOT_LEN - at - PAGE - 1024) as usize + more];
        let pushed = writer.push(&picture(20, &last)).unwrap();
        assert_eq!(pushed != Pushed::Full, taken, "{more}");
        let (file, record) = writer.finish(None).unwrap().unwrap();
        assert_eq!(record.end, if taken { SLOT_LEN - PAGE } else { at });
        assert_eq!(check(&file).unwrap().faults, Vec::<String>::new());
    }
}

#[test]
fn an_index_that_fills_up_ends_a_segment_before_the_group_that_would_not_fit() {
    let mut writer = writer_of(8 * SLOT_LEN, FragmentLimits::default());
    let mut n = 0;
    while n == 0 || writer.has_room_for_gop(0) {
        for _ in 0..GOP {
            // Nothing repeats: of each table every picture has an entry of its own.
            let restless = Sample {
                dts: n * 3000 + n % 2,
                composition_offset: 3000 * (n % 2) as u32,
                ..picture(n, &[7])
            };
            assert_ne!(writer.push(&restless).unwrap(), Pushed::Full, "{n}");
            n += 1;
        }
        writer.commit(None).unwrap();
        assert!(n < 10_000, "it never ends");
    }
    // 20 bytes a picture, and 28 a fragment.
    assert!(n > 1_800, "{n} pictures are too few for 64 KiB");
    let (file, record) = writer.finish(None).unwrap().unwrap();
    assert_eq!(i64::from(record.counters.frames), n);
    assert_eq!(check(&file).unwrap().faults, Vec::<String>::new());
}

#[test]
fn a_fragment_is_closed_before_it_takes_more_bytes_than_it_may() {
    let limits = FragmentLimits {
        interval: Duration::from_secs(1000),
        bytes: 64 * 1024,
    };
    // With 1 KiB of boxes, four of them fill it to the last byte; with a byte more in the last, that one is the next
    // fragment's.
    for (more, fragments) in [(0, [4, 4, 4]), (1, [3, 3, 4])] {
        let mut writer = writer_of(SLOT_LEN, limits);
        let (quarter, first) = ((64 - 1) * 256, 4);
        let mut sizes = vec![quarter; 12];
        sizes[first - 1] += more;
        let mut ends = Vec::new();
        for (n, size) in sizes.into_iter().enumerate() {
            let data = vec![7; size];
            // All of one moment: only bytes count.
            let at_once = Sample {
                captured: BootNs(0),
                key: false,
                ..picture(n as i64, &data)
            };
            if writer.push(&at_once).unwrap() == Pushed::Committed {
                ends.push(n);
            }
        }
        let expected: Vec<usize> = fragments
            .iter()
            .scan(0, |end, n| {
                *end += n;
                Some(*end)
            })
            .take_while(|end| *end < 12)
            .collect();
        assert_eq!(ends, expected, "{more}");
    }
}

#[test]
fn a_fragment_is_closed_before_its_boxes_have_no_room_for_another_sample() {
    let limits = FragmentLimits {
        interval: Duration::from_secs(1000),
        ..FragmentLimits::default()
    };
    // With one track there is 1 KiB: 168 bytes are fixed, 64 a track, and 16 a sample.
    let mut writer = writer_of(SLOT_LEN, limits);
    let mut commits = Vec::new();
    for n in 0..120 {
        let at_once = Sample {
            captured: BootNs(0),
            composition_offset: 3000,
            key: false,
            ..picture(n, &[7])
        };
        if writer.push(&at_once).unwrap() == Pushed::Committed {
            commits.push(n);
        }
    }
    assert_eq!(commits, [49, 98]);
    // It fitted all the same.
    writer.finish(None).unwrap().unwrap();
}

/// Fragments of nine seconds at 30 pictures a second, reordered, with or without what comes along: AAC at 48 kHz, motion a
/// hundred times and a fix ten times a second, and text.
fn fragments(sides: bool) -> u32 {
    let limits = FragmentLimits {
        interval: Duration::from_millis(334),
        ..FragmentLimits::default()
    };
    let mut writer = SegmentWriter::new(limits);
    let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
    let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480).unwrap();
    let aac = sample_entry::aac(&[0x11, 0x88], 48_000, 1).unwrap();
    let tracks = vec![
        TrackConfig::video(stsd, 640, 480),
        TrackConfig::audio(aac, 48_000),
        TrackConfig::camm().unwrap(),
        TrackConfig::text().unwrap(),
    ];
    let slot_len = 8 << 20;
    let record = Record {
        sequence: 1,
        camera: b'F',
        class: b'N',
        slot_len,
        head_len: 512 * 1024,
        ..Record::default()
    };
    let slot = SimDisk::new(Mutant::None)
        .create("slot.mp4", slot_len)
        .unwrap();
    let reordered = |n| Sample {
        composition_offset: 6000,
        ..picture(n, &[7; 900])
    };
    writer.begin(slot, record, tracks, &reordered(0)).unwrap();
    // Of each track: its rate, and ticks from sample to sample.
    let side = [(48_000, 1024), (1000, 9), (1000, 1000)];
    let mut next = [0i64; 3];
    for n in 0..270 {
        assert_ne!(writer.push(&reordered(n)).unwrap(), Pushed::Full, "{n}");
        for (track, ((rate, step), next)) in side.iter().zip(&mut next).enumerate() {
            while sides && *next * 30 < (n + 1) * rate {
                let sample = Sample {
                    track: track + 1,
                    dts: *next,
                    composition_offset: 0,
                    duration: *step as u32,
                    key: true,
                    captured: reordered(n).captured,
                    data: &[1; 60],
                };
                assert_ne!(writer.push(&sample).unwrap(), Pushed::Full);
                *next += step;
            }
        }
    }
    writer.commit(None).unwrap();
    writer.fragments()
}

#[test]
fn a_third_of_a_second_with_sound_and_motion_is_one_fragment() {
    let alone = fragments(false);
    assert!((27..=36).contains(&alone), "{alone}");
    assert_eq!(fragments(true), alone);
}
