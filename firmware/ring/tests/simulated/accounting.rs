//! Every picture is on the card or counted: whatever the card refuses and whenever, what was handed over is what
//! the segments hold with what they say is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use picam_mp4::recover::read_record;
use picam_mp4::{ReadAt, Record, SegmentState, TrackConfig};
use picam_ring::{
    Boot, Catalog, Directory, Loss, Needs, RecordError, Recorder, RingConfig, SlotName, Taken,
    look, recover_slot,
};
use picam_testkit::numbered::Numbered;
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{Mutant, Rng, SimDisk};
use picam_testkit::surroundings::{KINDS, shown};
use picam_time::BootNs;

use super::camera::{Surroundings, captured, four_tracks, picture, ring};

const FOOTAGE: Numbered = Numbered {
    fps: 30,
    gop: 15,
    key_len: (4000, 9000),
    delta_len: (60, 3000),
};
const SLOT_SIZE: u64 = 384 * 1024;
/// So many that nothing is ever given up for something newer.
const SLOTS: u32 = 80;
/// When the camera begins, after booting.
const BEGINS: Duration = Duration::from_secs(7);
/// How late sound, motion and text come.
const LATE: [Duration; 3] = [
    Duration::from_millis(40),
    Duration::from_millis(3),
    Duration::from_millis(120),
];

fn config() -> RingConfig {
    ring(SLOT_SIZE, SLOTS as usize, 32, 3)
}

/// A camera, and a recorder on a card that refuses now and then.
struct Session {
    disk: SimDisk,
    recorder: Recorder<SimDisk>,
    tracks: Arc<Vec<TrackConfig>>,
    rng: Rng,
    n: u64,
    /// Lost before it came to the recorder, since the last picture that was handed over.
    lost: u32,
    /// Pictures that the camera took, lost ones included.
    taken_by_camera: u64,
    /// Pictures that the recorder said it had taken.
    recorded: BTreeSet<u64>,
    surroundings: Surroundings,
    /// Samples of sound, motion and text that were handed over.
    side: u64,
}

fn recorder(disk: &SimDisk) -> Recorder<SimDisk> {
    let catalog = Catalog::read(disk).unwrap();
    let boot = Boot::after(disk, &catalog, [1; 16]);
    Recorder::new(disk.clone(), config(), boot, listed(disk))
}

impl Session {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new(Mutant::None);
        disk.seed(seed);
        if seed % 2 == 1 {
            disk.tear_refused_writes();
        }
        for sequence in 0..SLOTS {
            let name = SlotName::Spare {
                camera: b'F',
                sequence,
            };
            disk.create(&name.to_string(), SLOT_SIZE).unwrap();
        }
        Self {
            recorder: recorder(&disk),
            disk,
            tracks: Arc::new(four_tracks(&FOOTAGE)),
            rng: Rng(seed),
            n: 0,
            lost: 0,
            taken_by_camera: 0,
            recorded: BTreeSet::new(),
            surroundings: Surroundings::new(Duration::ZERO, LATE),
            side: 0,
        }
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.rng.below(one_in) == 0
    }

    fn now(&self) -> BootNs {
        captured(&FOOTAGE, self.n) + BEGINS
    }

    /// The camera takes a picture; `room` says whether it fits into a slot at all.
    fn picture(&mut self, room: bool) {
        let (n, number) = (self.n, self.n);
        self.taken_by_camera += 1;
        self.n += 1;
        let mut data = FOOTAGE.coded(number);
        if !room {
            data.resize(SLOT_SIZE as usize, 1);
        }
        let mut picture = picture(&FOOTAGE, n, &data);
        picture.sample.captured += BEGINS;
        picture.lost_before.dropped_queue = std::mem::take(&mut self.lost);
        loop {
            match self.recorder.push(&picture, &self.tracks) {
                Ok(Taken::Yes) => {
                    self.recorded.insert(number);
                    return;
                }
                // Counted by the recorder.
                Ok(Taken::Skipped) | Err(RecordError::Write(_)) => return,
                // The queue is full: whoever holds it has to go on.
                Err(_) if self.rng.below(20) == 0 => {
                    self.recorder.lose(&picture, Loss::Card);
                    return;
                }
                Err(_) => {}
            }
        }
    }

    /// What comes besides pictures until now.
    fn sides(&mut self) {
        let (now, recorder) = (self.now(), &mut self.recorder);
        self.side += self
            .surroundings
            .push(recorder, now.since(BootNs::ZERO + BEGINS), now);
    }

    /// What happens between two pictures.
    fn mishap(&mut self) {
        if self.chance(8) {
            let _ = self.recorder.tick(self.now());
        }
        if self.chance(40) {
            let operations = 1 + self.rng.below(6) as u32;
            self.disk.refuse(operations);
        }
        if self.chance(150) {
            // For long enough that segments are given up.
            let operations = 3 + self.rng.below(40) as u32;
            self.disk.refuse(operations);
        }
        if self.chance(90) {
            let lost = 1 + self.rng.below(40);
            self.n += lost;
            self.lost += lost as u32;
            self.taken_by_camera += lost;
        }
        if self.chance(200) {
            // The source falls silent.
            self.n += 30 * self.rng.below(20);
            let _ = self.recorder.tick(self.now());
        }
        if self.chance(200) {
            let _ = self.recorder.finish();
        }
        if self.chance(250) {
            // The card was pulled and comes back.
            self.disk.refuse(0);
            let fresh = recorder(&self.disk);
            let account = std::mem::replace(&mut self.recorder, fresh).dismiss();
            let fresh = recorder(&self.disk);
            self.recorder = fresh.resume(account);
        }
    }

    /// The card is well again, and there is one more group of pictures to bear what was lost before it.
    fn end(&mut self) {
        self.disk.refuse(0);
        while !FOOTAGE.is_key(self.n) {
            self.picture(true);
        }
        for _ in 0..FOOTAGE.gop {
            self.picture(true);
        }
        self.recorder.finish().unwrap();
    }

    /// Samples of sound, motion and text that the card shows.
    fn sides_on_card(&self) -> u64 {
        let mut count = 0;
        for entry in self.disk.list().unwrap() {
            if let Some(SlotName::Segment(_)) = SlotName::parse(&entry.name) {
                let file = self.disk.open(&entry.name).unwrap();
                let mut bytes = vec![0; entry.size as usize];
                file.read_exact_at(0, &mut bytes).unwrap();
                let of = |kind| shown(&bytes, kind).unwrap().len() as u64;
                count += KINDS.into_iter().map(of).sum::<u64>();
            }
        }
        count
    }

    /// The records of all segments, in order, once recovery has gone over the card, and the pictures they show.
    fn card(&self) -> (Vec<Record>, BTreeSet<u64>) {
        for entry in self.disk.list().unwrap() {
            let slot = SlotName::parse(&entry.name).unwrap();
            if look(&self.disk, slot).unwrap().needs == Needs::Recovery {
                recover_slot(&self.disk, slot, &|_| None).unwrap();
            }
        }
        let (mut records, mut shown) = (Vec::new(), BTreeSet::new());
        for entry in self.disk.list().unwrap() {
            if let Some(SlotName::Segment(_)) = SlotName::parse(&entry.name) {
                let file = self.disk.open(&entry.name).unwrap();
                let (record, state) = read_record(&file).unwrap();
                assert_eq!(state, SegmentState::Finished, "{}", entry.name);
                let mut bytes = vec![0; entry.size as usize];
                file.read_exact_at(0, &mut bytes).unwrap();
                let pictures = FOOTAGE.shown(&bytes);
                assert_eq!(pictures.len(), record.counters.frames as usize);
                shown.extend(pictures);
                records.push(record);
            }
        }
        records.sort_by_key(|record| record.sequence);
        (records, shown)
    }
}

/// Pictures that a segment holds or counts as lost.
fn borne(record: &Record) -> u64 {
    u64::from(record.counters.frames) + record.counters.lost_pictures()
}

fn schedules() -> std::ops::Range<u64> {
    let asked = std::env::var("PICAM_SCHEDULES").ok();
    0..asked.and_then(|count| count.parse().ok()).unwrap_or(60)
}

#[test]
fn every_picture_is_on_the_card_or_counted() {
    let (mut lost_card, mut lost_room, mut lost_waiting, mut lost_side) = (0, 0, 0, 0);
    for seed in schedules() {
        let mut session = Session::new(seed);
        // A stream is joined anywhere in a group.
        session.n = session.rng.below(2 * FOOTAGE.gop);
        for _ in 0..400 {
            session.mishap();
            let room = !session.chance(300);
            session.picture(room);
            // Before the first picture there is nothing that they could belong to.
            match session.recorder.total().frames {
                0 if session.side == 0 => {
                    let now = session.now().since(BootNs::ZERO + BEGINS);
                    session.surroundings = Surroundings::new(now, LATE);
                }
                _ => session.sides(),
            }
        }
        session.end();

        let total = *session.recorder.total();
        let counted = u64::from(total.frames) + total.lost_pictures();
        assert_eq!(counted, session.taken_by_camera, "seed {seed}: {total:?}");

        let (records, shown) = session.card();
        assert_eq!(shown.len(), total.frames as usize, "seed {seed}: {total:?}");
        assert!(shown.is_subset(&session.recorded), "seed {seed}");
        let on_card: u64 = records.iter().map(borne).sum();
        assert_eq!(on_card, session.taken_by_camera, "seed {seed}: {total:?}");

        let on_card = session.sides_on_card();
        let counted: u64 = records
            .iter()
            .map(|r| u64::from(r.counters.lost_side))
            .sum();
        assert_eq!(
            counted,
            u64::from(total.lost_side),
            "seed {seed}: {total:?}"
        );
        assert_eq!(on_card + counted, session.side, "seed {seed}: {total:?}");
        assert!(on_card > 0, "seed {seed}");
        lost_side += counted;

        // What each segment says came before it is what those before it bear: so a reader notices a segment that
        // is missing.
        let mut before = 0;
        for record in &records {
            assert_eq!(
                record.pictures_before, before,
                "seed {seed}: before segment {}",
                record.sequence
            );
            before += borne(record);
        }
        lost_card += u64::from(total.lost_card);
        lost_room += u64::from(total.lost_room);
        lost_waiting += u64::from(total.lost_undecodable);
    }
    // Each kind was met, or this shows nothing.
    assert!(lost_card > 0 && lost_room > 0 && lost_waiting > 0 && lost_side > 0);
}
