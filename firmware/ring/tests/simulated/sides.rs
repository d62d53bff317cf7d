//! Sound, motion and text lie in the segment, and at the time, of the pictures that they came with.

use std::sync::Arc;
use std::time::Duration;

use picam_mp4::recover::read_record;
use picam_mp4::{ReadAt, TrackKind};
use picam_ring::{
    Boot, Catalog, Directory, Recorder, RingConfig, SideSample, SlotName, recover_slot,
};
use picam_testkit::numbered::Numbered;
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{Mutant, Op, SimDisk};
use picam_testkit::surroundings::{KINDS, coded, period, shown};
use picam_time::{BootNs, Ticks};

use super::camera::{Surroundings, captured, four_tracks, picture, ring};

const FOOTAGE: Numbered = Numbered {
    fps: 30,
    gop: 15,
    key_len: (4000, 3000),
    delta_len: (60, 1000),
};
const SLOT_SIZE: u64 = 1024 * 1024;
const TICK: Duration = Duration::from_millis(50);
const IN_TIME: [Duration; 3] = [Duration::ZERO; 3];

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn config() -> RingConfig {
    ring(SLOT_SIZE, 20, 64, 2)
}

/// A segment: its start, its first and last picture, and what it shows of each kind.
type Shown = (Duration, (u64, u64), [Vec<(u64, Duration)>; 3]);

/// A camera with its surroundings, which runs since boot.
struct Car {
    disk: SimDisk,
    recorder: Recorder<SimDisk>,
    surroundings: Surroundings,
    handed: u64,
    now: Duration,
    next: u64,
}

impl Car {
    fn new(late: [Duration; 3]) -> Self {
        let disk = SimDisk::new(Mutant::None);
        for sequence in 0..20 {
            let name = SlotName::Spare {
                camera: b'F',
                sequence,
            };
            disk.create(&name.to_string(), SLOT_SIZE).unwrap();
        }
        let catalog = Catalog::read(&disk).unwrap();
        let boot = Boot::after(&disk, &catalog, [1; 16]);
        Self {
            recorder: Recorder::new(disk.clone(), config(), boot, listed(&disk)),
            disk,
            surroundings: Surroundings::new(Duration::ZERO, late),
            handed: 0,
            now: Duration::ZERO,
            next: 0,
        }
    }

    /// Lets time go by, with what comes in it.
    fn until(&mut self, then: Duration) {
        while self.now < then {
            self.now = (self.now + ms(1)).min(then);
            let now = BootNs::ZERO + self.now;
            self.handed += self.surroundings.push(&mut self.recorder, self.now, now);
            if self.now.as_millis().is_multiple_of(TICK.as_millis()) {
                self.recorder.tick(now).unwrap();
            }
        }
    }

    /// The next picture comes. As the writer does, a group waits a moment for what is behind.
    fn picture(&mut self) {
        let n = self.next;
        self.next += 1;
        let data = FOOTAGE.coded(n);
        let picture = picture(&FOOTAGE, n, &data);
        let due = captured(&FOOTAGE, n).since(BootNs::ZERO);
        self.until(due);
        let dts = picture.sample.dts;
        while FOOTAGE.is_key(n)
            && self.recorder.side_is_behind(dts, BootNs::ZERO + self.now)
            && self.now < due + ms(150)
        {
            self.until(self.now + ms(1));
        }
        let tracks = Arc::new(four_tracks(&FOOTAGE));
        self.recorder.push(&picture, &tracks).unwrap();
    }

    /// The next picture has waited in the queue, with all that is behind it.
    fn picture_waits_no_longer(&mut self) {
        let n = self.next;
        self.next += 1;
        let data = FOOTAGE.coded(n);
        let tracks = Arc::new(four_tracks(&FOOTAGE));
        let picture = picture(&FOOTAGE, n, &data);
        self.recorder.push(&picture, &tracks).unwrap();
    }

    /// All segments in order.
    fn segments(&self) -> Vec<Shown> {
        let mut all = Vec::new();
        for entry in self.disk.list().unwrap() {
            let Some(SlotName::Segment(_)) = SlotName::parse(&entry.name) else {
                continue;
            };
            let file = self.disk.open(&entry.name).unwrap();
            let (record, _) = read_record(&file).unwrap();
            let mut bytes = vec![0; entry.size as usize];
            file.read_exact_at(0, &mut bytes).unwrap();
            let pictures = FOOTAGE.play(&bytes).unwrap();
            let sides = KINDS.map(|kind| shown(&bytes, kind).unwrap());
            all.push((record.start_boot.since(BootNs::ZERO), pictures, sides));
        }
        all.sort_by_key(|segment| segment.0);
        all
    }

    /// That all which was handed over is there once, in its segment and at its time.
    fn all_is_in_its_place(&self) {
        let segments = self.segments();
        assert!(segments.len() > 3, "{}", segments.len());
        for (n, kind) in KINDS.into_iter().enumerate() {
            let mut next = 0;
            for (at, (start, _, sides)) in segments.iter().enumerate() {
                let end = segments.get(at + 1).map(|segment| segment.0);
                for &(number, at) in &sides[n] {
                    assert_eq!(number, next, "{kind:?}");
                    next += 1;
                    let truth = period(kind) * number as u32;
                    let off = (*start + at).abs_diff(truth);
                    assert!(off <= ms(1), "{kind:?} {number} is off by {off:?}");
                    assert!(
                        end.is_none_or(|end| truth < end + ms(1)),
                        "{kind:?} {number}"
                    );
                }
            }
            assert!(next > 0);
        }
        let count: usize = segments.iter().flat_map(|s| s.2.iter().map(Vec::len)).sum();
        let lost = self.recorder.total().lost_side;
        assert_eq!((count as u64, lost), (self.handed, 0));
    }
}

#[test]
fn each_sample_lies_beside_its_picture_in_its_segment() {
    for late in [IN_TIME, [ms(60), ms(30), ms(100)]] {
        let mut car = Car::new(late);
        for _ in 0..450 {
            car.picture();
        }
        car.recorder.finish().unwrap();
        car.all_is_in_its_place();
    }
}

#[test]
fn a_card_that_stalls_for_seconds_mixes_nothing_up() {
    let mut car = Car::new([ms(60), ms(30), ms(100)]);
    for _ in 0..100 {
        car.picture();
    }
    // For eight seconds the writer hears nothing; then it takes what has queued up, pictures first.
    car.now += ms(8000);
    while captured(&FOOTAGE, car.next) <= BootNs::ZERO + car.now {
        let waiting = captured(&FOOTAGE, car.next);
        car.recorder.set_pictures_until(Some(waiting));
        car.picture_waits_no_longer();
        // Each takes a while.
        car.now += ms(5);
        let now = BootNs::ZERO + car.now;
        car.handed += car.surroundings.push(&mut car.recorder, car.now, now);
        car.recorder.tick(now).unwrap();
    }
    car.recorder.set_pictures_until(None);
    for _ in 0..150 {
        car.picture();
    }
    car.recorder.finish().unwrap();
    car.all_is_in_its_place();
}

#[test]
fn what_a_cut_leaves_has_them_too() {
    let mut car = Car::new(IN_TIME);
    for _ in 0..440 {
        car.picture();
    }
    let open = car.recorder.segment().unwrap();
    let (mut before, _) = (car.segments(), drop(car.recorder));
    recover_slot(&car.disk, SlotName::Segment(open), &|_| None).unwrap();
    car.recorder = Car::new(IN_TIME).recorder;
    let after = car.segments();
    assert_eq!(after, before);
    // Of a quarter of a second, at the most, nothing had come onto the card.
    let (_, pictures, sides) = before.pop().unwrap();
    let last = |n: usize| sides[n].last().unwrap();
    let end = captured(&FOOTAGE, pictures.1).since(BootNs::ZERO);
    for (n, kind) in [(0, TrackKind::Audio), (1, TrackKind::Camm)] {
        let truth = period(kind) * last(n).0 as u32;
        assert!(truth.abs_diff(end) < ms(400), "{kind:?}: {truth:?} {end:?}");
    }
}

#[test]
fn without_pictures_they_are_stored_for_ten_seconds_and_then_counted() {
    let mut car = Car::new(IN_TIME);
    for _ in 0..30 {
        car.picture();
    }
    car.disk.take_log();
    car.until(ms(9_900));
    let flushes = car.disk.take_log();
    let flushes = flushes
        .iter()
        .filter(|op| matches!(op, Op::Flush { .. }))
        .count();
    assert!(flushes <= 4 * 9 + 2, "{flushes} flushes in nine seconds");
    car.until(ms(14_000));
    let lost = car.recorder.total().lost_side;
    let segments = car.segments();
    assert_eq!(segments.len(), 1);
    let count: usize = segments[0].2.iter().map(Vec::len).sum();
    let waiting = car.handed - count as u64 - u64::from(lost);
    // Of 151 a second, three go on waiting for a picture for 150 ms and up to a tick.
    assert!(waiting <= 32, "{waiting}");
    assert!(lost > 2 * 151 && count > 10 * 151, "{lost} {count}");
}

#[test]
fn what_no_segment_has_a_track_for_is_counted() {
    let mut car = Car::new(IN_TIME);
    let tracks = Arc::new(FOOTAGE.tracks());
    for n in 0..60 {
        let data = FOOTAGE.coded(n);
        let picture = picture(&FOOTAGE, n, &data);
        car.recorder.push(&picture, &tracks).unwrap();
        let sample = SideSample {
            kind: TrackKind::Text,
            at: Ticks::new(picture.sample.dts, 90_000),
            lasts: ms(10),
            captured: picture.sample.captured,
            data: &coded(TrackKind::Text, n),
        };
        car.recorder.push_side(&sample, picture.sample.captured);
    }
    car.recorder.finish().unwrap();
    assert_eq!(car.recorder.total().lost_side, 60);
    let frames: u32 = car.recorder.total().frames;
    assert_eq!(frames, 60);
}
