//! From what a camera delivers to what is on the card, and what is counted; without threads.

mod refusals;
mod segments;
mod sides;

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;

use picam_control::orders::OrderSpan;
use picam_control::status::Losses;
use picam_media::{Codec, Leading, SoundCodec, SoundFormat, Start, TIMESCALE};
use picam_mp4::FragmentLimits;
use picam_mp4::read::Movie;
use picam_ring::{
    ATTEMPTS, Catalog, Class, NameTime, SIDE_HOLD, SegmentName, Shares, head_len_for,
};
use picam_testkit::read_slot;
use picam_time::TimeSource;
use tempfile::TempDir;

use super::*;
use crate::ear::Ear;
use crate::orders::Origin;
use crate::queue::{Sender, Sent, queue};
use crate::side_input::{Elsewhere, SideSender, side_input};
use crate::tests::{NOON, Parts, SECOND, SLOT_SIZE, parts, plan, said};

/// Pictures a second, and from one key frame to the next.
const RATE: u64 = 10;
/// How long a picture lasts.
const TICKS: i64 = 9_000;
const SOUND: SoundFormat = SoundFormat {
    codec: SoundCodec::Pcm16,
    rate: 48_000,
    channels: 1,
};

fn sets(pps: u8) -> Arc<ParameterSets> {
    Arc::new(ParameterSets {
        codec: Codec::H264,
        vps: Vec::new(),
        sps: vec![vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80]],
        pps: vec![vec![0x68, 0xce, 0x3c, pps]],
        width: 640,
        height: 480,
        frame_ticks: None,
    })
}

/// A camera that begins at 100 s, whose segments end at the first key frame after a second.
struct Bench {
    parts: Parts,
    writer: Writer,
    sets: Arc<ParameterSets>,
    side: SideSender,
    stop: AtomicBool,
    footage: PathBuf,
    _directory: TempDir,
}

fn bench(has_motion: bool) -> Bench {
    bench_with(has_motion, None)
}

fn bench_with(has_motion: bool, ear: Option<Arc<Ear>>) -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let parts = parts(&plan);
    let ring = RingConfig {
        letter: b'F',
        camera_name: "front".into(),
        slot_size: SLOT_SIZE,
        slots: 20,
        head_len: head_len_for(1, SLOT_SIZE),
        nominal_ticks: i64::from(TIMESCALE) / 2,
        shares: Shares::default(),
        limits: FragmentLimits::default(),
    };
    let (side, input) = side_input();
    let elsewhere = Elsewhere {
        input: (has_motion || ear.is_some()).then_some(input),
        has_motion,
        ear,
    };
    let writer = Writer::new(
        parts.volumes.clone(),
        parts.desk.clone(),
        ring,
        parts.desk.clock(),
        parts.reports[0].clone(),
        elsewhere,
    );
    Bench {
        parts,
        writer,
        sets: sets(0x80),
        side,
        stop: AtomicBool::new(false),
        footage: plan.footage,
        _directory: directory,
    }
}

/// One segment as it lies on the card.
struct Segment {
    name: SegmentName,
    counters: Counters,
    /// Of each track: bytes, decode time and duration of every sample.
    tracks: Vec<Vec<(Vec<u8>, i64, u32)>>,
}

impl Segment {
    /// The numbers of its pictures.
    fn numbers(&self) -> Vec<u8> {
        self.tracks[0].iter().map(|(data, ..)| data[0]).collect()
    }
}

impl Bench {
    /// The picture that is captured so many tenths of a second after the first one.
    fn picture(&self, n: u8) -> Item {
        let dts = 100 * i64::from(TIMESCALE) + i64::from(n) * TICKS;
        let unit = AccessUnit {
            data: vec![n; 300],
            parameter_sets: Some(self.sets.clone()),
            dts,
            pts: dts,
            start: match u64::from(n).is_multiple_of(RATE) {
                true => Start::Idr,
                false => Start::None,
            },
            captured: BootNs::from_secs(100) + u32::from(n) * (SECOND / RATE as u32),
            ..AccessUnit::new()
        };
        Item {
            unit,
            ..Item::default()
        }
    }

    /// What was heard, measured or said with that picture.
    fn side(&self, kind: UnitKind, n: u8) -> Item {
        let mut item = self.picture(n);
        item.unit.kind = kind;
        item.unit.data = vec![n; 1920];
        item.unit.parameter_sets = None;
        item.unit.start = Start::None;
        item
    }

    /// Lets it become as late as it is when a picture comes.
    fn turn_to(&self, item: &Item) {
        let now = self.parts.clock.now();
        self.parts.clock.turn(item.unit.captured.since(now));
    }

    fn record(&mut self, item: Item) {
        self.turn_to(&item);
        self.writer.record(&item, &self.stop);
    }

    fn record_all(&mut self, numbers: std::ops::Range<u8>) {
        for n in numbers {
            self.record(self.picture(n));
        }
    }

    fn losses(&self) -> Losses {
        self.parts.reports[0].shared.losses()
    }

    fn has_card_fault(&self) -> bool {
        self.parts.reports[0].shared.card_fault.load().is_some()
    }

    /// Ends the recording; what is on the card, the oldest first.
    fn finish(self) -> Vec<Segment> {
        let (sender, receiver) = queue();
        let me = std::thread::current();
        sender.close(0, &me);
        self.writer.run(receiver, &me, &self.stop);
        segments(&self.footage)
    }
}

fn segments(footage: &std::path::Path) -> Vec<Segment> {
    let directory = FsDirectory::open(footage, false).unwrap();
    let catalog = Catalog::read(&directory).unwrap();
    let names = catalog.ring(b'F').segments().iter().map(|found| found.name);
    let read = |name: SegmentName| {
        let bytes = std::fs::read(footage.join(name.to_string())).unwrap();
        let (_, record, _) = read_slot(&bytes).unwrap();
        let movie = Movie::read(&bytes).unwrap();
        let tracks = movie.tracks.iter().map(|track| {
            let samples = track.samples.iter().map(|sample| {
                let data = &bytes[sample.offset as usize..][..sample.size as usize];
                (data.to_vec(), sample.dts, sample.duration)
            });
            samples.collect()
        });
        Segment {
            name,
            counters: record.counters,
            tracks: tracks.collect(),
        }
    };
    names.map(read).collect()
}

/// Sends as if it came from the source.
fn send(sender: &mut Sender, item: Item) {
    assert_eq!(sender.send(item, &std::thread::current()), Sent::Yes);
}
