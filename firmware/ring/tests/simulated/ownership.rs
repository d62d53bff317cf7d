//! Who owns a slot, and what lies in the way: footage goes only where a ring is full.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use picam_mp4::check;
use picam_ring::{
    Catalog, Claim, Class, Directory, Entry, FsDirectory, Owner, SegmentName, SlotName, SlotTable,
    Space, reclass_claimed, recover_claimed,
};
use picam_time::UtcUs;

use super::refusing_card::{
    Camera, Card, Creation, SLOT_SIZE, full_ring, given_up, segments, sequences,
};

#[test]
fn a_name_that_another_took_between_look_and_make_costs_no_segment() {
    for others in 1..8 {
        let card = Card::new();
        let mut camera = Camera::new(&card, 16, &SlotTable::default(), 1);
        while segments(&card).len() < 2 {
            camera.turn();
        }
        for _ in 0..others {
            card.faults
                .borrow_mut()
                .creations
                .push_back(Creation::Taken);
        }
        while segments(&card).len() < 8 {
            camera.turn();
        }
        assert_eq!(sequences(&card)[0], 1, "{others}");
        assert_eq!(camera.skipped, 0);
    }
}

#[test]
fn a_slot_that_cannot_be_made_costs_no_segment_while_the_ring_is_not_full() {
    let card = Card::new();
    let mut camera = Camera::new(&card, 16, &SlotTable::default(), 1);
    while segments(&card).len() < 5 {
        camera.turn();
    }
    for _ in 0..40 {
        card.faults
            .borrow_mut()
            .creations
            .push_back(Creation::Refused);
    }
    while segments(&card).len() < 12 {
        camera.turn();
    }
    assert_eq!(sequences(&card), (1..=12).collect::<Vec<u32>>());
    assert_eq!(camera.skipped, 0);
}

#[test]
fn slots_that_can_never_be_made_do_not_end_recording() {
    let card = Card::new();
    let mut camera = Camera::new(&card, 16, &SlotTable::default(), 1);
    while segments(&card).len() < 5 {
        camera.turn();
    }
    for _ in 0..100_000 {
        card.faults
            .borrow_mut()
            .creations
            .push_back(Creation::Refused);
    }
    let began = camera.now;
    while sequences(&card).last() < Some(&8) {
        camera.turn();
        assert!(
            camera.now.since(began) < Duration::from_secs(120),
            "it records no more"
        );
    }
}

#[test]
fn what_is_being_recorded_can_be_claimed_by_nobody_before_and_after_it_has_its_name() {
    let card = Card::new();
    let table = SlotTable::default();
    let mut camera = Camera::new(&card, 4, &table, 1);
    camera.turn();
    let own = |table: &SlotTable| {
        let catalog = table.catalog();
        let ring = catalog.ring(b'F');
        let spares: Vec<SlotName> = ring.spares().iter().map(|spare| spare.slot()).collect();
        let names: Vec<SlotName> = ring.segments().iter().map(|name| name.slot()).collect();
        (spares, names)
    };
    let (spares, names) = own(&table);
    assert_eq!((spares.len(), names.len()), (1, 0));
    assert!(table.claim(spares[0], Owner::Housekeeper).is_none());
    while camera.recorder.segment().is_none() {
        camera.turn();
    }
    let name = SlotName::Segment(camera.recorder.segment().unwrap());
    assert!(table.claim(name, Owner::Housekeeper).is_none());
    assert_eq!(table.owner(name), Some(Owner::Recorder(b'F')));
    camera.recorder.finish().unwrap();
    assert!(table.claim(name, Owner::Housekeeper).is_some());
}

#[test]
fn a_claimed_slot_is_recorded_into_by_nobody_and_no_recorder_is_needed_to_claim_one() {
    let (card, camera) = full_ring();
    let table = SlotTable::default();
    drop(camera);
    // The camera is dead: whoever looks after its footage asks nobody.
    table.look(&card).unwrap();
    let all = segments(&card);
    let held: Vec<Claim> = all
        .iter()
        .take(5)
        .map(|name| {
            table
                .claim(SlotName::Segment(*name), Owner::Housekeeper)
                .unwrap()
        })
        .collect();
    let mut camera = Camera::new(&card, 20, &table, 2);
    camera.until(30);
    let now = sequences(&card);
    assert_eq!(given_up(&sequences_of(&all[..5]), &now), 0);
    assert!(given_up(&sequences_of(&all), &now) > 3);
    drop(held);
    camera.until(60);
    assert_eq!(given_up(&sequences_of(&all[..3]), &sequences(&card)), 3);
}

fn sequences_of(names: &[SegmentName]) -> Vec<u32> {
    names.iter().map(|name| name.sequence).collect()
}

#[test]
fn footage_that_was_cut_off_without_a_name_is_kept_wherever_it_lies() {
    for number in [0, 2, 9] {
        let card = Card::new();
        let mut camera = Camera::new(&card, 12, &SlotTable::default(), 1);
        while camera.n < 45 {
            camera.turn();
        }
        let cut_off = segments(&card)[0];
        // The cut came before its name was durable.
        let spare = |sequence| SlotName::Spare {
            camera: b'F',
            sequence,
        };
        let hidden = spare(number);
        card.rename(&cut_off.to_string(), &hidden.to_string())
            .unwrap();
        for n in (0..11).filter(|n| *n != number) {
            card.create(&spare(n).to_string(), SLOT_SIZE).unwrap();
        }
        let table = SlotTable::default();
        let mut camera = Camera::new(&card, 12, &table, 2);
        while sequences(&card).len() < 10 {
            camera.turn();
        }
        // Beyond the slots that are looked at when the recorder starts, its number may be given once more.
        let again = sequences(&card).contains(&1);
        assert!(number > 3 || !again, "its number was given to another");
        table.look(&card).unwrap();
        let mut claim = table.claim(hidden, Owner::Housekeeper).unwrap();
        recover_claimed(&mut claim, &card, &|_| None).unwrap();
        let found = check(&card.open(&claim.slot().to_string()).unwrap()).unwrap();
        assert!(found.record.counters.frames > 20, "slot {number}");
        assert_eq!(sequences(&card)[0], 1, "slot {number}");
    }
}

#[test]
fn a_class_is_in_the_name_before_it_is_in_the_header() {
    let class_in_header = |card: &Card, name: SegmentName| {
        check(&card.open(&name.to_string()).unwrap())
            .unwrap()
            .record
            .class
    };
    let (card, camera) = full_ring();
    drop(camera);
    let table = SlotTable::default();
    table.look(&card).unwrap();
    let reclass = |name| {
        let claim = table.claim(SlotName::Segment(name), Owner::Housekeeper);
        reclass_claimed(&mut claim.unwrap(), &card, Class::Event)
    };
    let name = segments(&card)[3];
    card.faults.borrow_mut().writes = true;
    assert!(reclass(name).is_err());
    assert_eq!(segments(&card)[3].class, Class::Event);
    card.faults.borrow_mut().writes = false;
    card.faults.borrow_mut().renames = true;
    let name = segments(&card)[5];
    assert!(reclass(name).is_err());
    assert_eq!(class_in_header(&card, name), b'N');
}

#[test]
fn the_segment_being_recorded_is_locked_in_its_name_first() {
    let card = Card::new();
    let mut camera = Camera::new(&card, 8, &SlotTable::default(), 1);
    while camera.recorder.segment().is_none() {
        camera.turn();
    }
    card.faults.borrow_mut().writes = true;
    assert!(camera.recorder.lock(Class::Event).is_err());
    assert_eq!(segments(&card)[0].class, Class::Event);
}

#[test]
fn times_that_jump_while_recording_reach_header_and_name_alike() {
    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);
    let card = Card::new();
    let mut camera = Camera::new(&card, 8, &SlotTable::default(), 1);
    for (booted, name) in [
        (NOON, "20261120_110800_FN_000001.mp4"),
        (
            NOON + Duration::from_secs(90),
            "20261120_110930_FN_000001.mp4",
        ),
        (
            NOON - Duration::from_secs(3600),
            "20261120_100800_FN_000001.mp4",
        ),
    ] {
        while camera.recorder.segment().is_none() {
            camera.turn();
        }
        camera.recorder.set_utc(booted).unwrap();
        let named = camera.recorder.segment().unwrap();
        assert_eq!(named.to_string(), name);
        let (record, _) = picam_mp4::recover::read_record(&card.open(name).unwrap()).unwrap();
        assert_eq!(record.start_utc, Some(booted));
    }
}

#[test]
fn whatever_lies_in_the_way_is_skipped_counted_and_gone_around() {
    use std::os::unix::ffi::OsStrExt;
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let spare = |n| {
        SlotName::Spare {
            camera: b'F',
            sequence: n,
        }
        .to_string()
    };
    std::fs::create_dir(at(&spare(0))).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, at(&spare(1)), fifo, mode, 0).unwrap();
    std::os::unix::fs::symlink("/nowhere", at(&spare(2))).unwrap();
    // What the first segment would be called.
    let first = "boot0001_000000_FN_000001.mp4";
    std::fs::create_dir(at(first)).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"f\xe9te.jpg");
    std::fs::write(scratch.path().join(odd), "mine").unwrap();
    std::fs::create_dir(at("holiday")).unwrap();

    let directory = FsDirectory::open(scratch.path(), false).unwrap();
    let catalog = Catalog::read(&directory).unwrap();
    assert_eq!(catalog.unusable().len(), 5, "{:?}", catalog.unusable());
    assert!(
        directory.open(&spare(1)).is_err(),
        "a pipe was opened as a slot"
    );
    let table = SlotTable::default();
    let card = Rc::new(directory);
    let mut camera = Camera::new(&Shared(card.clone()), 6, &table, 1);
    camera.until(30);
    assert_eq!(camera.skipped, 0);
    assert!(segments(&*card).len() >= 5);
    assert!(at(first).is_dir() && at(&spare(0)).is_dir());
    // What appears later is gone around, too.
    let next = sequences(&*card).last().unwrap() + 1;
    for second in 0..3 {
        let ahead = camera.now.seconds() + second;
        let name = format!(
            "boot0001_{:02}{:02}{:02}_FN_{:06}.mp4",
            ahead / 3600,
            ahead / 60 % 60,
            ahead % 60,
            next + 1
        );
        let _ = std::fs::create_dir(at(&name));
    }
    let until = camera.now.seconds() + 12;
    camera.until(until);
    assert!(sequences(&*card).last() > Some(&(next + 2)));
}

/// A directory that several hold.
#[derive(Clone)]
struct Shared(Rc<FsDirectory>);

impl Directory for Shared {
    type File = picam_ring::FsSlot;

    fn list(&self) -> io::Result<Vec<Entry>> {
        self.0.list()
    }
    fn survey(&self) -> io::Result<picam_ring::Listing> {
        self.0.survey()
    }
    fn open(&self, name: &str) -> io::Result<Self::File> {
        self.0.open(name)
    }
    fn create(&self, name: &str, size: u64) -> io::Result<Self::File> {
        self.0.create(name, size)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
    fn space(&self) -> io::Result<Space> {
        self.0.space()
    }
}
