//! What the recorder says is durable survives a cut at that very moment, it says so soon, and that
//! takes no more than four flushes a second, whatever the camera's rate.

use std::sync::Arc;
use std::time::Duration;

use picam_ring::{Boot, Catalog, Directory, Recorder, SlotName};
use picam_testkit::numbered::Numbered;
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{DiskImage, Mutant, Op, Replay, Rng, SimDisk};
use picam_time::BootNs;

use super::camera::{Surroundings, captured, four_tracks, picture, ring};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// When the camera begins, after booting.
const BEGINS: Duration = ms(7_000);
const SLOT_SIZE: u64 = 768 * 1024;
/// How often whoever holds the recorder calls [`Recorder::tick`].
const TICK: Duration = ms(50);

const fn camera(fps: u64, gop: u64) -> Numbered {
    Numbered {
        fps,
        gop,
        key_len: (300, 200),
        delta_len: (60, 200),
    }
}

/// A recorder at a time, and what its disk was told.
struct Device {
    footage: Numbered,
    disk: SimDisk,
    recorder: Recorder<SimDisk>,
    replay: Replay,
    flushes: u64,
    now: BootNs,
    surroundings: Surroundings,
}

impl Device {
    fn new(footage: Numbered) -> Self {
        let disk = SimDisk::new(Mutant::None);
        for sequence in 0..4 {
            let name = SlotName::Spare {
                camera: b'F',
                sequence,
            };
            disk.create(&name.to_string(), SLOT_SIZE).unwrap();
        }
        disk.sync().unwrap();
        let catalog = Catalog::read(&disk).unwrap();
        let boot = Boot::after(&disk, &catalog, [1; 16]);
        let config = ring(SLOT_SIZE, 4, 64, 60);
        let mut device = Self {
            recorder: Recorder::new(disk.clone(), config, boot, listed(&disk)),
            footage,
            disk,
            replay: Replay::new(&DiskImage::default()),
            flushes: 0,
            now: BootNs::ZERO + BEGINS,
            surroundings: Surroundings::new(Duration::ZERO, [ms(40), ms(3), ms(120)]),
        };
        device.log();
        device.flushes = 0;
        device
    }

    fn log(&mut self) {
        for op in self.disk.take_log() {
            self.flushes += u64::from(matches!(op, Op::Flush { .. }));
            self.replay.apply(&op);
        }
    }

    fn captured(&self, n: u64) -> BootNs {
        captured(&self.footage, n) + BEGINS
    }

    /// Lets time go by.
    fn until(&mut self, then: BootNs) {
        while self.now + TICK <= then {
            self.now += TICK;
            let until = self.now.since(BootNs::ZERO + BEGINS);
            self.surroundings.push(&mut self.recorder, until, self.now);
            self.recorder.tick(self.now).unwrap();
            self.judge();
        }
    }

    fn push(&mut self, n: u64) {
        let captured = self.captured(n);
        self.until(captured);
        let data = self.footage.coded(n);
        let mut picture = picture(&self.footage, n, &data);
        picture.sample.captured = captured;
        let tracks = Arc::new(four_tracks(&self.footage));
        self.recorder.push(&picture, &tracks).unwrap();
        self.judge();
    }

    /// Pictures whose capture the recorder says is durable.
    fn claimed(&self) -> u64 {
        match self.recorder.durable_until() {
            BootNs::ZERO => 0,
            durable => (0..)
                .find(|&n| self.captured(n) > durable)
                .unwrap_or_default(),
        }
    }

    /// A cut now leaves at least the pictures that are said to be durable.
    fn judge(&mut self) {
        self.log();
        let claimed = self.claimed();
        for seed in 0..2 {
            let image = self.replay.cut(&mut Rng(self.now.0 + seed));
            let mut left = 0;
            for (name, bytes) in &image.files {
                if let Some(SlotName::Segment(_)) = SlotName::parse(name) {
                    left = left.max(self.footage.play(bytes).unwrap().1 + 1);
                }
            }
            assert!(
                left >= claimed,
                "{:?}: {claimed} pictures are said to be durable, a cut left {left}",
                self.footage
            );
        }
    }
}

#[test]
fn what_is_said_to_be_durable_is_soon_and_cheaply() {
    for (fps, gop) in [
        (1, 1),
        (2, 4),
        (3, 3),
        (5, 10),
        (10, 4),
        (15, 15),
        (24, 24),
        (25, 10),
        (30, 30),
        (30, 1),
        (60, 60),
    ] {
        let mut device = Device::new(camera(fps, gop));
        // Two fragments, what comes too late to be looked at, and a picture each that ends a fragment.
        let most = ms(500) + TICK + ms(2000) / fps.max(8) as u32;
        for n in 0..10 * fps {
            device.push(n);
            let now = device.captured(n);
            let late = (0..=n).find(|&m| {
                device.captured(m) + most <= now
                    && device.captured(m) > device.recorder.durable_until()
            });
            assert_eq!(
                late,
                None,
                "{fps} a second: not durable after {} ms",
                most.as_millis()
            );
        }
        let seconds = 10;
        println!(
            "{fps} pictures a second, {gop} to a key frame: {} flushes in {seconds} s",
            device.flushes
        );
        // On top come the one before a segment gets its name, that of its first fragment, which is short, and one
        // that was saved up.
        assert!(
            device.flushes <= 4 * seconds + 3,
            "{fps} a second, {gop} to a key frame: {} flushes in {seconds} s",
            device.flushes
        );
    }
}

#[test]
fn a_camera_that_falls_silent_leaves_its_last_picture_on_the_card() {
    for fps in [1, 2, 5, 10, 30, 60] {
        let mut device = Device::new(camera(fps, fps));
        // Wherever in a fragment it is torn off.
        for n in 0..3 * fps + fps / 2 {
            device.push(n);
        }
        let last = device.captured(3 * fps + fps / 2 - 1);
        let silent = (ms(2000) / fps as u32).max(ms(150));
        device.until(last + silent + 4 * TICK);
        assert_eq!(
            device.recorder.durable_until(),
            last,
            "{fps} pictures a second"
        );
        device.judge();
    }
}
