//! How often a segment flushes, where its fragments begin, and how much it writes, whatever the camera's rate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use picam_mp4::fragment::FragmentRecord;
use picam_mp4::layout::{PAGE, SECTOR};
use picam_mp4::{
    Flush, FragmentLimits, ReadAt, Record, Sample, SegmentWriter, SlotFile, TrackConfig,
    sample_entry,
};
use picam_ring::Directory;
use picam_testkit::numbered::Numbered;
use picam_testkit::sim_disk::{DiskImage, Mutant, Replay, Rng, SimDisk};
use picam_time::BootNs;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;
const SLOT_LEN: u64 = 512 << 20;
const RATES: [u64; 7] = [10, 15, 24, 25, 30, 60, 120];

/// What a file was told.
#[derive(Debug, Default)]
struct Told {
    bytes: u64,
    writes: u64,
    flushes: u64,
    scopes: Vec<Flush>,
    /// Capture time of each fragment's first picture, in the order they were shown in.
    fragments: Vec<BootNs>,
}

/// A file that keeps count and nothing else.
struct Counting {
    told: Rc<RefCell<Told>>,
    granule: usize,
}

impl ReadAt for Counting {
    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(SLOT_LEN)
    }
}

impl SlotFile for Counting {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        assert!(offset.is_multiple_of(PAGE as u64) && data.len().is_multiple_of(self.granule));
        let mut told = self.told.borrow_mut();
        told.bytes += data.len() as u64;
        told.writes += 1;
        if let Some(record) = FragmentRecord::parse(data) {
            told.fragments.push(record.origin.unwrap().captured);
        }
        Ok(())
    }

    fn granule(&mut self) -> usize {
        self.granule
    }

    fn flush(&mut self, scope: Flush) -> io::Result<()> {
        let mut told = self.told.borrow_mut();
        told.flushes += 1;
        told.scopes.push(scope);
        Ok(())
    }
}

fn tracks() -> Vec<TrackConfig> {
    let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
    let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480).unwrap();
    vec![TrackConfig::video(stsd, 640, 480)]
}

fn record(slot_len: u64) -> Record {
    Record {
        sequence: 41,
        camera: b'F',
        class: b'N',
        slot_len,
        head_len: 128 * 1024,
        ..Record::default()
    }
}

/// A camera that delivers one picture after another.
#[derive(Debug, Clone, Copy)]
struct Camera {
    fps: u64,
    /// From one key frame to the next.
    gop_ns: u64,
    /// By how much a picture may come late.
    jitter_ns: u64,
    /// Length of a picture in bytes.
    picture: usize,
}

impl Camera {
    fn captured(&self, n: u64) -> BootNs {
        let late = Rng(n).below(self.jitter_ns + 1);
        BootNs(7 * SECOND + n * SECOND / self.fps + late)
    }

    fn is_key(&self, n: u64) -> bool {
        let group = |n: u64| n * SECOND / self.fps / self.gop_ns;
        n == 0 || group(n) != group(n - 1)
    }

    fn sample<'a>(&self, n: u64, data: &'a [u8]) -> Sample<'a> {
        Sample {
            track: 0,
            dts: (n * 90_000 / self.fps) as i64,
            composition_offset: 0,
            duration: (90_000 / self.fps) as u32,
            key: self.is_key(n),
            captured: self.captured(n),
            data: &data[..self.picture],
        }
    }

    /// Records for so long. Says how many flushes there were by each picture, and what the file was told.
    fn record(&self, seconds: u64, granule: usize) -> (Vec<u64>, Told) {
        let told = Rc::new(RefCell::new(Told::default()));
        let file = Counting {
            told: told.clone(),
            granule,
        };
        let data = vec![0x55; self.picture];
        let mut writer = SegmentWriter::new(FragmentLimits::default());
        let first = self.sample(0, &data);
        writer
            .begin(file, record(SLOT_LEN), tracks(), &first)
            .unwrap();
        let mut flushes = Vec::new();
        for n in 0..seconds * self.fps {
            writer.push(&self.sample(n, &data)).unwrap();
            flushes.push(told.borrow().flushes);
        }
        writer.finish(None).unwrap().unwrap();
        drop(writer);
        (flushes, Rc::into_inner(told).unwrap().into_inner())
    }
}

fn cameras() -> impl Iterator<Item = Camera> {
    RATES.into_iter().flat_map(|fps| {
        let gops = [SECOND, 2 * SECOND, SECOND * 2 / 5, 1];
        gops.into_iter().flat_map(move |gop_ns| {
            [0, SECOND / fps / 3].map(|jitter_ns| Camera {
                fps,
                gop_ns,
                jitter_ns,
                picture: 2000,
            })
        })
    })
}

#[test]
fn four_flushes_a_second_are_enough_for_every_camera() {
    for camera in cameras() {
        let (flushes, _) = camera.record(20, SECTOR);
        let window = (8 * camera.fps) as usize;
        for from in 0..flushes.len() - window {
            for to in [from + window, flushes.len() - 1] {
                let seconds = (to - from) as f64 / camera.fps as f64;
                let count = flushes[to] - flushes[from];
                // One saved up before is spent in any window.
                assert!(
                    count as f64 <= 4.0 * seconds + 1.0,
                    "{camera:?}: {count} flushes in {seconds} s"
                );
            }
        }
        for seconds in 8..=20 {
            let count = flushes[(seconds * camera.fps) as usize - 1];
            assert!(
                count <= 4 * seconds,
                "{camera:?}: {count} flushes in the first {seconds} s"
            );
        }
    }
}

#[test]
fn only_what_is_written_for_the_first_time_is_flushed_in_full() {
    let told = Rc::new(RefCell::new(Told::default()));
    let camera = Camera {
        fps: 30,
        gop_ns: SECOND,
        jitter_ns: 0,
        picture: 2000,
    };
    let data = vec![0x55; camera.picture];
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    // So far the init was written once, and nothing behind it.
    let mut written_len = 128 * 1024 + 4096;
    for round in 0..2 {
        let file = Counting {
            told: told.clone(),
            granule: SECTOR,
        };
        let record = Record {
            written_len,
            ..record(SLOT_LEN)
        };
        writer
            .begin(file, record, tracks(), &camera.sample(0, &data))
            .unwrap();
        // The page behind what is laid out is not known to be there yet.
        writer.flush().unwrap();
        for n in 0..3 {
            writer.push(&camera.sample(n, &data)).unwrap();
            writer.commit(None).unwrap();
            // Nothing is behind what the commit wrote.
            writer.flush().unwrap();
        }
        let (file, record) = writer.abandon().unwrap();
        drop(file);
        assert!(record.written_len >= written_len);
        // The second time one more is written than ever.
        written_len = record.written_len - 4096 * u64::from(round == 0);
        let full = [Flush::All, Flush::Data];
        let again = [Flush::Data, Flush::Data];
        let expected = match round {
            0 => [full; 3],
            _ => [again, again, full],
        };
        let scopes = std::mem::take(&mut told.borrow_mut().scopes);
        let (first, scopes) = scopes.split_first().unwrap();
        assert_eq!(*first, expected[0][0]);
        assert_eq!(scopes, expected.concat());
    }
}

#[test]
fn no_fragment_lasts_longer_than_a_quarter_of_a_second() {
    for camera in cameras() {
        let (_, told) = camera.record(12, SECTOR);
        // A fragment ends with the picture that comes when it is due.
        let most = SECOND / 4 + SECOND / camera.fps + camera.jitter_ns;
        for pair in told.fragments.windows(2) {
            let lasted = pair[1].0 - pair[0].0;
            assert!(lasted <= most, "{camera:?}: {lasted} ns");
        }
        // The first is shown as soon as there is a picture or two.
        let first = told.fragments[1].0 - told.fragments[0].0;
        let soon = SECOND / 40 + SECOND / camera.fps + camera.jitter_ns;
        assert!(first <= soon, "{camera:?}: the first lasted {first} ns");
    }
}

#[test]
fn with_a_key_frame_a_second_each_begins_a_fragment() {
    for camera in cameras().filter(|camera| camera.gop_ns == SECOND) {
        if ![24, 25, 30, 60].contains(&camera.fps) {
            continue;
        }
        let (_, told) = camera.record(20, SECTOR);
        for n in (0..20 * camera.fps).filter(|&n| camera.is_key(n)) {
            assert!(
                told.fragments.contains(&camera.captured(n)),
                "{camera:?}: the key frame {n} begins no fragment"
            );
        }
    }
}

#[test]
fn little_more_is_written_than_was_recorded() {
    for (mbit, fps) in [(8, 30), (8, 25), (12, 60), (16, 30)] {
        let camera = Camera {
            fps,
            gop_ns: SECOND,
            jitter_ns: 0,
            picture: mbit * 1_000_000 / 8 / fps as usize,
        };
        let (_, told) = camera.record(60, SECTOR);
        let payload = camera.picture as u64 * 60 * fps;
        let factor = told.bytes as f64 / payload as f64;
        println!("{mbit} Mbit/s, {fps} pictures a second: {factor:.4} times the payload");
        assert!(factor <= 1.03, "{camera:?}: {factor:.4}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_slow_camera_costs_16_kib_a_fragment_at_the_most(
        kbit in 16u64..8000,
        fps in prop::sample::select(RATES.to_vec()),
        gop in prop::sample::select(vec![1, SECOND * 2 / 5, SECOND, 2 * SECOND]),
        granule in prop::sample::select(vec![SECTOR, PAGE]),
    ) {
        let picture = (kbit * 1000 / 8 / fps) as usize;
        let camera = Camera { fps, gop_ns: gop, jitter_ns: SECOND / fps / 3, picture };
        let (_, told) = camera.record(10, granule);
        let payload = picture as u64 * 10 * fps;
        let most = payload + 16 * 1024 * told.fragments.len() as u64;
        prop_assert!(told.bytes <= most, "{camera:?}, {granule}: {} of {most}", told.bytes);
    }
}

/// Pictures of a camera that delivers one a second.
const SLOW: Numbered = Numbered {
    fps: 1,
    gop: 4,
    key_len: (3000, 2000),
    delta_len: (200, 500),
};

/// Everything that a cut could leave holds the first pictures and no others.
fn cut_leaves(replay: &Replay, pictures: u64) {
    for seed in 0..40 {
        let image = replay.cut(&mut Rng(seed));
        let bytes = &image.files["slot.mp4"];
        assert_eq!(SLOW.play(bytes), Ok((0, pictures - 1)), "seed {seed}");
    }
}

/// The writer has no clock: it says what is at risk since when, and its caller decides.
#[test]
fn a_caller_with_a_clock_makes_every_picture_durable() {
    let slot_len = 4 << 20;
    let disk = SimDisk::new(Mutant::None);
    let file = disk.create("slot.mp4", slot_len).unwrap();
    disk.sync().unwrap();
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    assert_eq!(writer.uncommitted_since(), None);
    assert!(!writer.is_unflushed());

    let mut replay = Replay::new(&DiskImage::default());
    for n in 0..12 {
        let data = SLOW.coded(n);
        let sample = Sample {
            track: 0,
            dts: 7_000 + SLOW.ticks(n),
            composition_offset: 0,
            duration: SLOW.ticks(1) as u32,
            key: SLOW.is_key(n),
            captured: BootNs::from_secs(n + 3),
            data: &data,
        };
        if n == 0 {
            let file = file.clone();
            writer
                .begin(file, record(slot_len), SLOW.tracks(), &sample)
                .unwrap();
            assert!(writer.is_unflushed(), "the layout is not durable");
        }
        assert_eq!(writer.uncommitted_since(), None);
        writer.push(&sample).unwrap();
        assert_eq!(writer.uncommitted_since(), Some(sample.captured));
        assert_eq!(u64::from(writer.fragments()), n);

        // Nothing else comes for a while.
        writer.commit(None).unwrap();
        assert_eq!(writer.uncommitted_since(), None);
        assert_eq!(u64::from(writer.fragments()), n + 1);
        assert!(writer.is_unflushed(), "what shows picture {n} is at risk");
        writer.flush().unwrap();
        assert!(!writer.is_unflushed());
        for op in disk.take_log() {
            replay.apply(&op);
        }
        cut_leaves(&replay, n + 1);
    }
    writer.finish(None).unwrap().unwrap();
    assert_eq!(writer.uncommitted_since(), None);
    assert!(!writer.is_unflushed());
}
