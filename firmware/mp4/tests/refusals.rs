//! A card that refuses at any step and then takes what is tried again: nothing that was said to be durable depends on
//! what a failed flush dropped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use picam_mp4::recover::read_record;
use picam_mp4::{
    FragmentLimits, ReadAt, Record, Sample, SegmentState, SegmentWriter, check, patch_record,
};
use picam_ring::Directory;
use picam_testkit::numbered::Numbered;
use picam_testkit::sim_disk::{DiskImage, Mutant, Replay, Rng, SimDisk, SimFile};
use picam_time::{BootNs, UtcUs};

const FOOTAGE: Numbered = Numbered {
    fps: 30,
    gop: 30,
    key_len: (4000, 9000),
    delta_len: (60, 3000),
};
const SLOT_LEN: u64 = 1 << 20;
const SLOT: &str = "slot.mp4";
/// 2026-11-20 11:08:00 UTC.
const START_UTC: UtcUs = UtcUs(1_795_172_880_000_000);

struct Segment {
    disk: SimDisk,
    file: SimFile,
    writer: SegmentWriter<SimFile>,
}

impl Segment {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new(Mutant::None);
        disk.seed(seed);
        let file = disk.create(SLOT, SLOT_LEN).unwrap();
        disk.sync().unwrap();
        let mut segment = Self {
            writer: SegmentWriter::new(FragmentLimits::default()),
            file,
            disk,
        };
        let record = Record {
            sequence: 41,
            camera: b'F',
            class: b'N',
            slot_len: SLOT_LEN,
            head_len: 64 * 1024,
            ..Record::default()
        };
        let (file, data) = (segment.file.clone(), FOOTAGE.coded(0));
        segment
            .writer
            .begin(file, record, FOOTAGE.tracks(), &sample(0, &data))
            .unwrap();
        segment
    }

    /// Pushes a picture until it is taken. Says how often the card refused.
    fn push(&mut self, n: u64) -> u32 {
        let data = FOOTAGE.coded(n);
        let mut refused = 0;
        while self.writer.push(&sample(n, &data)).is_err() {
            refused += 1;
        }
        refused
    }

    fn finish(&mut self) {
        while self.writer.finish(None).is_err() {}
    }
}

fn sample(n: u64, data: &[u8]) -> Sample<'_> {
    Sample {
        track: 0,
        dts: 7_000 + FOOTAGE.ticks(n),
        composition_offset: 0,
        duration: FOOTAGE.ticks(1) as u32,
        key: FOOTAGE.is_key(n),
        captured: BootNs((n + 1) * 1_000_000_000 / FOOTAGE.fps),
        data,
    }
}

/// Cuts the power now, so many times, and hands over what is left of the slot.
fn cuts(replay: &Replay, seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut rng = Rng(seed);
    (0..12).map(move |_| replay.cut(&mut rng).files[SLOT].to_vec())
}

#[test]
fn what_a_failed_flush_dropped_is_written_again() {
    const PICTURES: u64 = 60;
    let mut refused = 0;
    for seed in 0..150 {
        let mut segment = Segment::new(seed);
        // One refusal somewhere: of a write or a flush, of a fragment's bytes or of the sector that shows it.
        segment
            .disk
            .refuse_after((seed % 50) as u32, 1 + (seed / 50) as u32 % 2);
        let mut replay = Replay::new(&DiskImage::default());
        for n in 0..PICTURES {
            refused += segment.push(n);
            if n % 20 == 7 {
                while segment.writer.commit(None).is_err() {}
                while segment.writer.flush().is_err() {}
                let log = segment.disk.take_log();
                log.iter().for_each(|op| replay.apply(op));
                for bytes in cuts(&replay, seed) {
                    assert_eq!(FOOTAGE.play(&bytes), Ok((0, n)), "seed {seed}");
                }
            }
        }
        segment.finish();
        let log = segment.disk.take_log();
        log.iter().for_each(|op| replay.apply(op));
        for bytes in cuts(&replay, seed) {
            assert_eq!(FOOTAGE.play(&bytes), Ok((0, PICTURES - 1)), "seed {seed}");
            let checked = check(&bytes).unwrap();
            assert_eq!(checked.state, SegmentState::Finished, "seed {seed}");
            assert_eq!(checked.faults, Vec::<String>::new(), "seed {seed}");
        }
    }
    assert!(refused > 50, "the card refused {refused} times");
}

/// Whoever holds the pictures may give one up that the card refused, and go on with the next.
#[test]
fn a_picture_that_is_given_up_leaves_the_fragments_whole() {
    for by_tick in [false, true] {
        let mut segment = Segment::new(1);
        let mut given_up = Vec::new();
        for n in 0..90 {
            let data = FOOTAGE.coded(n);
            // Key frame 60 closes a fragment that would not be due yet.
            let refuse = if by_tick { n == 50 } else { n == 60 };
            segment.disk.refuse(u32::from(refuse));
            if by_tick && refuse {
                segment.writer.commit(None).unwrap_err();
            }
            if segment.writer.push(&sample(n, &data)).is_err() {
                given_up.push(n);
            }
        }
        segment.finish();
        assert_eq!(given_up, if by_tick { vec![] } else { vec![60] });
        let checked = check(&segment.file).unwrap();
        assert_eq!(checked.faults, Vec::<String>::new());
        let mut bytes = vec![0; SLOT_LEN as usize];
        segment.file.read_exact_at(0, &mut bytes).unwrap();
        assert_eq!(FOOTAGE.shown(&bytes).len(), 90 - given_up.len());
    }
}

#[test]
fn a_cut_while_fragments_are_written_shows_all_that_was_flushed() {
    for seed in 0..4 {
        let mut segment = Segment::new(seed);
        let mut replay = Replay::new(&DiskImage::default());
        let mut durable = None;
        for n in 0..24 {
            segment.push(n);
            let flushed = (n % 8 == 7).then(|| {
                segment.writer.commit(None).unwrap();
                segment.writer.flush().unwrap();
            });
            for op in segment.disk.take_log() {
                replay.apply(&op);
                let Some(durable) = durable else { continue };
                for bytes in cuts(&replay, seed) {
                    let (first, last) = FOOTAGE.play(&bytes).unwrap();
                    assert!(first == 0 && (durable..=n).contains(&last), "{last} of {n}");
                }
            }
            durable = flushed.map_or(durable, |()| Some(n));
        }
    }
}

#[test]
fn a_cut_while_a_segment_is_finished_shows_all_of_its_pictures() {
    const PICTURES: u64 = 40;
    for seed in 0..20 {
        let mut segment = Segment::new(seed);
        for n in 0..PICTURES {
            segment.push(n);
        }
        segment.writer.commit(None).unwrap();
        segment.writer.flush().unwrap();
        let mut replay = Replay::new(&DiskImage::default());
        let log = segment.disk.take_log();
        log.iter().for_each(|op| replay.apply(op));
        segment.finish();
        let mut finished = 0;
        for op in segment.disk.take_log() {
            replay.apply(&op);
            for bytes in cuts(&replay, seed) {
                assert_eq!(FOOTAGE.play(&bytes), Ok((0, PICTURES - 1)), "seed {seed}");
                finished += u32::from(read_record(&bytes).unwrap().1 == SegmentState::Finished);
            }
        }
        assert!(finished > 0, "seed {seed}");
    }
}

/// Creation times of the tracks, as their `tkhd` and `mdhd` say.
fn track_times(bytes: &[u8]) -> Vec<u64> {
    let head = &bytes[..64 * 1024];
    let boxes = head.windows(4).enumerate();
    boxes
        .filter(|(_, kind)| [b"tkhd", b"mdhd"].contains(&(*kind).try_into().unwrap()))
        .filter(|(at, _)| head[at + 4] == 1)
        .map(|(at, _)| u64::from_be_bytes(head[at + 8..at + 16].try_into().unwrap()))
        .collect()
}

/// A finished segment whose time nobody knows, durable as it is.
fn undated(seed: u64) -> (SimDisk, Replay) {
    let mut segment = Segment::new(seed);
    for n in 0..40 {
        segment.push(n);
    }
    segment.finish();
    let mut replay = Replay::new(&DiskImage::default());
    let log = segment.disk.take_log();
    log.iter().for_each(|op| replay.apply(op));
    (segment.disk, replay)
}

fn date(disk: &SimDisk) -> Result<Record, picam_mp4::RecoverError> {
    patch_record(&mut disk.open(SLOT).unwrap(), |record| {
        record.start_utc = Some(START_UTC);
    })
}

#[test]
fn a_cut_while_a_segment_is_dated_leaves_all_of_its_times_or_can_be_made_up_for() {
    let seconds = |utc: UtcUs| (utc.seconds() + 2_082_844_800) as u64;
    let (mut old, mut new) = (0, 0);
    for seed in 0..20 {
        let (disk, mut replay) = undated(seed);
        date(&disk).unwrap();
        for op in disk.take_log() {
            replay.apply(&op);
            for bytes in cuts(&replay, seed) {
                assert_eq!(FOOTAGE.play(&bytes), Ok((0, 39)));
                let (record, state) = read_record(&bytes).unwrap();
                assert_eq!(state, SegmentState::Finished);
                let times = track_times(&bytes);
                assert_eq!(times.len(), 2, "tkhd and mdhd");
                match record.start_utc {
                    None => old += 1,
                    Some(utc) => {
                        new += 1;
                        assert_eq!(
                            times,
                            [seconds(utc); 2],
                            "the header has a time, a track has none"
                        );
                    }
                }
            }
        }
    }
    assert!(old > 0 && new > 0);
}

#[test]
fn a_time_that_the_card_refused_is_written_again() {
    for seed in 0..60 {
        let (disk, mut replay) = undated(seed);
        disk.refuse_after((seed % 4) as u32, 1);
        date(&disk).unwrap_err();
        date(&disk).unwrap();
        let log = disk.take_log();
        log.iter().for_each(|op| replay.apply(op));
        for bytes in cuts(&replay, seed) {
            let (record, _) = read_record(&bytes).unwrap();
            assert_eq!(record.start_utc, Some(START_UTC), "seed {seed}");
        }
    }
}
