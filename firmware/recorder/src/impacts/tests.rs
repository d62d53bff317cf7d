//! The power goes a moment after something hit the car: that is found again at the next start.
//!
//! On the simulated disk, with the very code that measures, records, writes orders down, recovers and looks at what was cut
//! off; the times of looks, pictures and flushes are those of a card that takes 20 to 50 ms for a flush, one after the other.

use std::sync::Arc;

use picam_mp4::recover::read_record;
use picam_mp4::{Counters, FragmentLimits, Sample as Coded, TrackConfig, TrackKind};
use picam_ring::{
    Boot, Catalog, Directory, Needs, Picture, Recorder, RingConfig, Shares, SideSample, SlotName,
    look, recover_slot,
};
use picam_sensors::motion::Pace;
use picam_testkit::numbered::Numbered;
use picam_testkit::pulse::{Pulse, Shape};
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{DiskImage, Mutant, Op, Replay, Rng, SimDisk};

use super::*;
use crate::orders::{Ledger, LockOrder, Now, Orders};

const FOOTAGE: Numbered = Numbered {
    fps: 30,
    gop: 30,
    key_len: (3_000, 1_000),
    delta_len: (300, 300),
};
const BOOT: [u8; 16] = [1; 16];
/// When the recording begins.
const BEGINS: BootNs = BootNs::from_secs(7);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A camera that something hits, and what reached its disk when.
struct Drive {
    disk: SimDisk,
    recorder: Recorder<SimDisk>,
    tracks: Arc<Vec<TrackConfig>>,
    rng: Rng,
    /// What reached the disk, and when.
    log: Vec<(BootNs, Op)>,
    /// The card is busy until then.
    busy: BootNs,
    ledger: Ledger,
}

impl Drive {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new(Mutant::None);
        for sequence in 0..4 {
            let name = SlotName::Spare {
                camera: b'F',
                sequence,
            };
            disk.create(&name.to_string(), 1 << 20).unwrap();
        }
        let mut ledger = Ledger::default();
        ledger.store(&disk, &Orders::default()).unwrap();
        disk.sync().unwrap();
        let catalog = Catalog::read(&disk).unwrap();
        let boot = Boot::after(&disk, &catalog, BOOT);
        let config = RingConfig {
            letter: b'F',
            camera_name: "front".into(),
            slot_size: 1 << 20,
            slots: 4,
            head_len: 64 * 1024,
            nominal_ticks: 90_000 * 60,
            shares: Shares::default(),
            limits: FragmentLimits::default(),
        };
        let mut tracks = FOOTAGE.tracks();
        tracks.push(TrackConfig::camm().unwrap());
        let mut drive = Self {
            recorder: Recorder::new(disk.clone(), config, boot, listed(&disk)),
            disk,
            tracks: Arc::new(tracks),
            rng: Rng(seed),
            log: Vec::new(),
            busy: BootNs::ZERO,
            ledger,
        };
        drive.note(BootNs::ZERO);
        drive
    }

    /// What was written and flushed since the last call took so long from `now` on.
    fn note(&mut self, now: BootNs) {
        self.busy = self.busy.max(now);
        for op in self.disk.take_log() {
            if matches!(op, Op::Flush { .. } | Op::SyncDirectory) {
                self.busy += ms(20 + self.rng.below(30));
            }
            self.log.push((self.busy, op));
        }
    }

    fn picture(&mut self, n: u64, now: BootNs) {
        let data = FOOTAGE.coded(n);
        let sample = Coded {
            track: 0,
            dts: now.ticks(90_000).value,
            composition_offset: 0,
            duration: 3_000,
            key: FOOTAGE.is_key(n),
            captured: now,
            data: &data,
        };
        let picture = Picture {
            sample,
            lost_before: Counters::default(),
        };
        self.recorder.push(&picture, &self.tracks).unwrap();
    }

    fn moved(&mut self, sample: &Sample, now: BootNs) {
        let metres_s2 = sample.g.map(|g| g * STANDARD_GRAVITY as f32);
        let side = SideSample {
            kind: TrackKind::Camm,
            at: sample.at.ticks(90_000),
            lasts: ms(10),
            captured: sample.at,
            data: &camm::acceleration_sample(metres_s2),
        };
        self.recorder.push_side(&side, now);
    }

    fn lock(&mut self, impact: &Impact, now: BootNs) {
        let mut orders = Orders::default();
        let order = LockOrder {
            id: "impact".into(),
            span: Span::Boot {
                id: BOOT,
                from: impact.at - BEFORE,
                to: impact.at + AFTER,
            },
            reason: "impact".into(),
            origin: Origin::Impact,
        };
        let moment = Now {
            boot: now,
            utc: None,
            boot_id: BOOT,
        };
        orders.lock(order, &moment).unwrap();
        self.ledger.store(&self.disk, &orders).unwrap();
        self.note(now);
    }

    /// Drives for a while, and is hit at a moment by `pulse`.
    fn drive(&mut self, hit: BootNs, pulse: &Pulse, until: BootNs) {
        let (mut detector, mut pace) = (Detector::new(Sensitivity::Low), Pace::default());
        let (mut n, mut measured, mut hasten) = (0, 0_u64, false);
        let (mut next_look, mut next_tick) = (BEGINS, BEGINS + ms(self.rng.below(50)));
        let mut to_lock = None;
        let mut now = BEGINS;
        while now < until {
            now += ms(1);
            if now >= next_look {
                // As the thread that measures does, which may be late.
                next_look = now + ms(50 + self.rng.below(10));
                let due = now.since(BEGINS).as_millis() as u64 / 10;
                let count = (due - measured) as usize;
                let times: Vec<BootNs> = pace.times(count, now).collect();
                for (step, at) in (measured + 1..).zip(times) {
                    let t = (BEGINS + ms(10 * step)).0 as f64 - hit.0 as f64;
                    let noise = self.rng.below(100) as f32 / 5_000.0;
                    let felt = pulse.at(t / 1e9) as f32;
                    let g = [0.8 * felt + noise, -0.6 * felt, 1.0 - noise];
                    let sample = Sample { at, g };
                    self.moved(&sample, now);
                    match detector.feel(&sample) {
                        Some(Finding::Suspected) => hasten = true,
                        Some(Finding::Impact(impact)) => {
                            hasten = true;
                            to_lock = Some(impact);
                        }
                        None => {}
                    }
                }
                measured = due;
            }
            // The thread that records is kept by the card; the one that locks waits for it, too.
            if self.busy > now {
                continue;
            }
            if let Some(impact) = to_lock.take() {
                self.lock(&impact, now);
                continue;
            }
            let due = BEGINS + Duration::from_nanos(n * 1_000_000_000 / FOOTAGE.fps);
            let is_turn = due <= now || now >= next_tick;
            if due <= now {
                self.picture(n, due);
                n += 1;
            }
            if is_turn && std::mem::take(&mut hasten) {
                self.recorder.hasten(now).unwrap();
            }
            if now >= next_tick {
                next_tick = now + ms(50);
                self.recorder.tick(now).unwrap();
            }
            self.note(now);
        }
    }
}

/// Whether the impact of a moment is known at the start after a cut: by its lock, and by what the footage felt at its end.
fn known_after(image: &DiskImage, hit: BootNs) -> (bool, bool) {
    let disk = SimDisk::from_image(image, Mutant::None);
    let (_, orders) = Ledger::load(&disk).unwrap();
    let holds = |order: &LockOrder| match order.span {
        Span::Boot { id, from, to } => id == BOOT && from < hit && hit < to,
        Span::Utc { .. } => false,
    };
    let by_lock = orders.locks().iter().any(holds);
    let names: Vec<SlotName> = image
        .files
        .keys()
        .filter_map(|name| SlotName::parse(name))
        .collect();
    for slot in names {
        if look(&disk, slot).unwrap().needs != Needs::Recovery {
            continue;
        }
        recover_slot(&disk, slot, &|_| None).unwrap();
    }
    let left = disk.list().unwrap();
    let by_footage = left.iter().any(|entry| {
        let Some(SlotName::Segment(_)) = SlotName::parse(&entry.name) else {
            return false;
        };
        let file = disk.open(&entry.name).unwrap();
        let (record, _) = read_record(&file).unwrap();
        let impacts = at_the_end(&file, &record, Sensitivity::Low);
        impacts.iter().any(|impact| {
            let apart = impact.at.0.abs_diff(hit.0);
            apart < ms(300).as_nanos() as u64
        })
    });
    (by_lock, by_footage)
}

/// Cuts the power 1,000 times behind impacts.
#[test]
fn an_impact_a_second_before_the_cut_is_always_known_at_the_next_start() {
    // Cuts, known in either way, by the lock alone, and by the footage alone.
    let (mut soon, mut later) = ([0; 4], [0; 4]);
    for seed in 0..100 {
        let mut drive = Drive::new(seed);
        let hit = BEGINS + ms(2_000 + drive.rng.below(1_500));
        let pulse = Pulse {
            shape: Shape::ALL[drive.rng.below(4) as usize],
            peak_g: 4.0 + drive.rng.below(12) as f64,
            length_s: 0.06 + drive.rng.below(120) as f64 / 1e3,
        };
        drive.drive(hit, &pulse, hit + ms(2_600));
        let mut cuts: Vec<Duration> = (0..5).map(|_| ms(300 + drive.rng.below(700))).collect();
        cuts.extend((0..5).map(|_| ms(1_000 + drive.rng.below(1_500))));
        cuts.sort();
        let mut replay = Replay::new(&DiskImage::default());
        let mut log = drive.log.iter().peekable();
        for after in cuts {
            while let Some((_, op)) = log.next_if(|(at, _)| *at <= hit + after) {
                replay.apply(op);
            }
            let (by_lock, by_footage) = known_after(&replay.cut(&mut drive.rng), hit);
            let known = by_lock || by_footage;
            let counts = match after < ms(1_000) {
                true => &mut soon,
                false => &mut later,
            };
            for (count, is) in counts.iter_mut().zip([true, known, by_lock, by_footage]) {
                *count += u32::from(is);
            }
            assert!(
                known || after < ms(1_000),
                "{seed}: {pulse:?}, cut {after:?} later"
            );
        }
    }
    for (name, [cuts, known, by_lock, by_footage]) in [("0.3 to 1 s", soon), ("1 to 2.5 s", later)]
    {
        println!(
            "cut after {name}: {known} of {cuts} known; by the lock {by_lock}, by the footage {by_footage}"
        );
        assert!(known * 100 >= cuts * 95, "{name}: {known} of {cuts}");
        // Each of them alone would nearly do.
        assert!(
            by_lock * 100 >= cuts * 90,
            "{name}: {by_lock} of {cuts} by the lock"
        );
        assert!(
            by_footage * 100 >= cuts * 90,
            "{name}: {by_footage} of {cuts} by the footage"
        );
    }
}

#[test]
fn an_order_holds_from_a_minute_before_to_half_a_minute_behind_and_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let parts = crate::tests::parts(&crate::tests::plan(directory.path()));
    let (_, mut recorder) = parts.record(3);
    recorder.finish().unwrap();
    let at = parts.desk.clock().now();
    let impact = Impact {
        at,
        peak_g: 6.0,
        velocity_change: 3.0,
    };
    let boot_id = parts.desk.now().boot_id;
    assert!(!parts.desk.has_lock_at(boot_id, at));
    for _ in 0..2 {
        parts.desk.lock_impact(boot_id, &impact).unwrap();
    }
    let [order] = &parts.desk.locks()[..] else {
        panic!("one order");
    };
    assert_eq!(
        (order.reason.as_str(), order.origin),
        ("impact", Origin::Impact)
    );
    let span = Span::Boot {
        id: boot_id,
        from: at - Duration::from_secs(60),
        to: at + Duration::from_secs(30),
    };
    assert_eq!(order.span, span);
    assert!(parts.desk.has_lock_at(boot_id, at));
    assert!(!parts.desk.has_lock_at([7; 16], at));
    // What is begun until then is locked by whoever records it.
    let later = at + Duration::from_secs(29);
    parts.clock.turn(Duration::from_secs(29));
    assert_eq!(
        parts.desk.class_of(later, None),
        Some(picam_ring::Class::Event)
    );
}
