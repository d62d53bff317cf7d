//! Sound, motion and text of a segment that is being written: what of them waits, and what would be lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use picam_mp4::fragment::FragmentRecord;
use picam_mp4::read::Movie;
use picam_mp4::{
    FragmentLimits, Pushed, ReadAt, Record, Sample, SegmentWriter, VIDEO_TRACK, check,
};
use picam_ring::Directory;
use picam_testkit::numbered::Numbered;
use picam_testkit::sim_disk::{Mutant, SimDisk, SimFile};
use picam_testkit::surroundings;
use picam_time::BootNs;

const FOOTAGE: Numbered = Numbered {
    fps: 30,
    gop: 15,
    key_len: (4000, 9000),
    delta_len: (60, 3000),
};
const SLOT_LEN: u64 = 1 << 20;
const MOTION: usize = 2;

fn picture(n: u64, data: &[u8]) -> Sample<'_> {
    Sample {
        track: VIDEO_TRACK,
        dts: FOOTAGE.ticks(n),
        composition_offset: 0,
        duration: FOOTAGE.ticks(1) as u32,
        key: FOOTAGE.is_key(n),
        captured: BootNs::from_secs(100 + n),
        data,
    }
}

fn motion(n: u64) -> Sample<'static> {
    Sample {
        track: MOTION,
        dts: n as i64 * 10,
        composition_offset: 0,
        duration: 10,
        key: true,
        captured: BootNs::from_secs(200 + n),
        data: &[7; 16],
    }
}

fn begun(writer: &mut SegmentWriter<SimFile>) {
    let disk = SimDisk::new(Mutant::None);
    let slot = disk.create("slot.mp4", SLOT_LEN).unwrap();
    let mut tracks = FOOTAGE.tracks();
    tracks.extend(surroundings::tracks());
    let record = Record {
        sequence: 41,
        camera: b'F',
        class: b'N',
        slot_len: SLOT_LEN,
        head_len: 64 * 1024,
        ..Record::default()
    };
    writer
        .begin(slot, record, tracks, &picture(0, &[]))
        .unwrap();
}

#[test]
fn what_waits_counts_from_its_first_picture_or_else_from_its_first_sample() {
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let waits = |writer: &SegmentWriter<SimFile>| {
        (writer.uncommitted_since(), writer.side_uncommitted_since())
    };
    assert_eq!(waits(&writer), (None, None));
    begun(&mut writer);
    assert_eq!(waits(&writer), (None, None));
    for n in 0..2 {
        writer.push(&motion(n)).unwrap();
        assert_eq!(waits(&writer), (None, Some(BootNs::from_secs(200))));
    }
    writer.push(&picture(0, &FOOTAGE.coded(0))).unwrap();
    writer.push(&motion(2)).unwrap();
    assert_eq!(waits(&writer), (Some(BootNs::from_secs(100)), None));
    writer.commit(None).unwrap();
    assert_eq!(waits(&writer), (None, None));
    // What a segment that was given up left says nothing of the next one.
    writer.push(&motion(3)).unwrap();
    assert_eq!(waits(&writer), (None, Some(BootNs::from_secs(203))));
    writer.abandon().unwrap();
    assert_eq!(waits(&writer), (None, None));
    begun(&mut writer);
    assert_eq!(waits(&writer), (None, None));
}

#[test]
fn samples_behind_the_fragments_that_a_card_shows_are_counted() {
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    // Pictures count themselves.
    for round in 0..2 {
        begun(&mut writer);
        assert_eq!(writer.side_samples_behind(0), 0, "round {round}");
        let mut next = 0;
        for fragment in 0..3 {
            writer
                .push(&picture(fragment, &FOOTAGE.coded(fragment)))
                .unwrap();
            for _ in 0..=fragment {
                writer.push(&motion(next)).unwrap();
                next += 1;
            }
            if fragment < 2 {
                writer.commit(None).unwrap();
            }
        }
        writer.abandon().unwrap();
        let behind = [0, 1, 2, 3].map(|shown| writer.side_samples_behind(shown));
        // One in the first fragment, two in the second, and three that were never committed.
        assert_eq!(behind[..3], [6, 5, 3], "round {round}");
    }
}

#[test]
fn a_fragment_without_a_picture_says_when_its_first_sample_was_captured() {
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    begun(&mut writer);
    writer.push(&motion(0)).unwrap();
    writer.push(&picture(0, &FOOTAGE.coded(0))).unwrap();
    writer.commit(None).unwrap();
    writer.push(&motion(1)).unwrap();
    writer.push(&motion(2)).unwrap();
    writer.commit(None).unwrap();
    let (file, record) = writer.abandon().unwrap();
    let mut at = u64::from(record.head_len + record.init_len);
    // By its picture where there is one.
    for (captured, pictures_before) in [(100, 0), (201, 1)] {
        let mut front = [0; 512];
        file.read_exact_at(at, &mut front).unwrap();
        let fragment = FragmentRecord::parse(&front).unwrap();
        let origin = fragment.origin.unwrap();
        assert_eq!(origin.captured, BootNs::from_secs(captured));
        assert_eq!(origin.pictures_before, pictures_before);
        at += u64::from(fragment.len);
    }
    assert_eq!(record.counters.frames, 1);
}

#[test]
fn a_fragment_of_four_tracks_is_closed_before_its_boxes_have_no_room_for_another_sample() {
    let limits = FragmentLimits {
        interval: Duration::from_secs(1000),
        ..FragmentLimits::default()
    };
    let mut writer = SegmentWriter::new(limits);
    begun(&mut writer);
    // There are 2 KiB: 168 bytes are fixed, 64 a track, and 16 a sample.
    let mut commits = Vec::new();
    for n in 0..250_i64 {
        let sample = Sample {
            track: n as usize % 4,
            dts: n * 10,
            composition_offset: 0,
            duration: 10,
            key: n == 0,
            captured: BootNs(0),
            data: &[7; 9],
        };
        if writer.push(&sample).unwrap() == Pushed::Committed {
            commits.push(n);
        }
    }
    assert_eq!(commits, [101, 202]);
    // They fitted all the same.
    writer.finish(None).unwrap().unwrap();
}

#[test]
fn a_sample_is_taken_if_its_fragment_leaves_a_page_of_the_slot() {
    const PAGE: usize = 4096;
    for (more, taken) in [(0, true), (1, false)] {
        let mut writer = SegmentWriter::new(FragmentLimits::default());
        begun(&mut writer);
        let record = writer.record().unwrap();
        let room = SLOT_LEN as usize - (record.head_len + record.init_len) as usize - PAGE;
        // Behind 2 KiB of boxes, of two tracks.
        let sides = [300_000, 200_000];
        let picture_len = room - 2048 - sides.iter().sum::<usize>() + more;
        let mut pushed = Vec::new();
        for len in sides {
            let data = vec![7; len];
            let side = Sample {
                data: &data,
                ..motion(0)
            };
            pushed.push(writer.push(&side).unwrap());
        }
        pushed.push(writer.push(&picture(0, &vec![7; picture_len])).unwrap());
        assert_eq!(pushed[..2], [Pushed::Taken; 2]);
        assert_eq!(pushed[2] == Pushed::Taken, taken);
        let (file, _) = writer.finish(None).unwrap().unwrap();
        assert_eq!(check(&file).unwrap().faults, Vec::<String>::new());
    }
}

#[test]
fn a_track_that_begins_late_is_shown_late() {
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    begun(&mut writer);
    for n in 0..30 {
        let data = FOOTAGE.coded(n);
        // Each is shown two pictures after it was decoded.
        let reordered = Sample {
            composition_offset: 6_000,
            ..picture(n, &data)
        };
        writer.push(&reordered).unwrap();
        if n >= 15 {
            writer.push(&motion(50 + n - 15)).unwrap();
        }
    }
    let (file, record) = writer.finish(None).unwrap().unwrap();
    assert_eq!(record.duration, Duration::from_secs(1));
    let movie = Movie::read(&file).unwrap();
    let times = |track: usize| -> Vec<i64> {
        let track = &movie.tracks[track];
        track
            .samples
            .iter()
            .map(|s| track.presentation(s))
            .collect()
    };
    let late = (0..15).map(|n| 500 + n * 10);
    assert_eq!(times(MOTION), late.collect::<Vec<i64>>());
    // `begin` was told of a first picture that is shown at once: with the first two shown, nothing is hidden.
    let shown: Vec<i64> = times(VIDEO_TRACK);
    assert!(shown.windows(2).all(|pair| pair[1] - pair[0] == 3_000));
}
