//! What a look at a slot shows, what a cut-off segment is called once it is finished, and how boots are numbered.

use picam_mp4::patch_record;
use picam_mp4::recover::read_record;
use picam_ring::{
    Boot, Catalog, Class, Directory, NameTime, Needs, Owner, Recorder, SegmentName, SlotName,
    SlotTable, date_claimed, look, name_time, recover_slot,
};
use picam_testkit::recording::AtKeyFrames as _;
use picam_testkit::sim_disk::{Mutant, SimDisk};
use picam_time::UtcUs;

use super::camera::{plain_picture, plain_track, ring};
use super::refusing_card::segments;

const ID: [u8; 16] = [7; 16];
/// When the board booted: 2026-11-20 11:08:00 UTC.
const BOOTED: UtcUs = UtcUs(1_795_172_880_000_000);
/// The first picture, ten seconds and a half after that.
const FIRST: u64 = 315;

/// A card with a segment of boot 42 that is still being recorded, and its recorder.
fn recording(booted: Option<UtcUs>) -> (SimDisk, Recorder<SimDisk>) {
    let disk = SimDisk::new(Mutant::None);
    let boot = Boot { id: ID, number: 42 };
    let config = ring(512 * 1024, 4, 32, 60);
    let mut recorder = Recorder::new(disk.clone(), config, boot, SlotTable::default());
    for n in FIRST..FIRST + 45 {
        let data = [n as u8; 500];
        let picture = plain_picture(n, 15, &data);
        recorder.push(&picture, &plain_track()).unwrap();
    }
    if let Some(booted) = booted {
        recorder.set_utc(booted).unwrap();
    }
    (disk, recorder)
}

fn finished(booted: Option<UtcUs>) -> (SimDisk, SegmentName) {
    let (disk, mut recorder) = recording(booted);
    recorder.finish().unwrap();
    let name = segments(&disk)[0];
    (disk, name)
}

fn started() -> UtcUs {
    BOOTED.after_boot(plain_picture(FIRST, 15, &[]).sample.captured)
}

/// The name with another time.
const fn at(name: SegmentName, time: NameTime) -> SegmentName {
    SegmentName { time, ..name }
}

#[test]
fn a_look_at_a_segment_shows_its_boot_and_its_start_and_whether_it_lacks_the_time() {
    for booted in [None, Some(BOOTED)] {
        let (disk, recorder) = recording(booted);
        let open = SlotName::Segment(segments(&disk)[0]);
        let seen = look(&disk, open).unwrap();
        assert_eq!(seen.needs, Needs::Recovery);
        assert_eq!(seen.start, None);
        drop(recorder);

        let (disk, name) = finished(booted);
        let seen = look(&disk, SlotName::Segment(name)).unwrap();
        assert_eq!(seen.needs, Needs::Nothing);
        let start = seen.start.unwrap();
        assert_eq!((start.name, start.boot_id), (name, ID));
        assert_eq!(start.boot_number, 42);
        assert_eq!(start.start_boot.seconds(), FIRST / 30);
        assert_eq!(start.start_utc, booted.map(|_| started()));
    }
}

/// What a segment that was cut off is called once it is finished, if its header knows the time or not, and it was called
/// `was` then.
fn recovered(booted: Option<UtcUs>, was: impl FnOnce(SegmentName) -> SegmentName) -> SegmentName {
    let (disk, recorder) = recording(booted);
    let name = recorder.segment().unwrap();
    drop(recorder);
    let was = was(name);
    if was != name {
        disk.rename(&name.to_string(), &was.to_string()).unwrap();
    }
    let (slot, mended) = recover_slot(&disk, SlotName::Segment(was), &|_| None).unwrap();
    assert!(mended.record.counters.frames > 20, "{mended:?}");
    assert_eq!(segments(&disk).len(), 1);
    assert_eq!(SlotName::Segment(segments(&disk)[0]), slot);
    segments(&disk)[0]
}

#[test]
fn a_cut_off_segment_gets_the_time_that_its_header_knows() {
    let due = NameTime::Utc(started().seconds());
    let boot_name = name_time(None, 42, plain_picture(FIRST, 15, &[]).sample.captured);
    for was in [
        due,
        boot_name,
        NameTime::Utc(0),
        later(due, 2),
        later(due, -1),
    ] {
        let name = recovered(Some(BOOTED), |name| at(name, was));
        assert_eq!(name.time, due, "it was {was:?}");
    }
    // Something else had its name.
    let name = recovered(Some(BOOTED), |name| at(name, later(due, 1)));
    assert_eq!(name.time, later(due, 1));
}

fn later(time: NameTime, by: i64) -> NameTime {
    match time {
        NameTime::Utc(seconds) => NameTime::Utc(seconds + by),
        NameTime::Boot { .. } => time,
    }
}

#[test]
fn what_the_header_of_a_cut_off_segment_does_not_know_its_name_says() {
    let dated = NameTime::Utc(BOOTED.seconds());
    let name = recovered(None, |name| SegmentName {
        class: Class::Event,
        ..at(name, dated)
    });
    assert_eq!((name.time, name.class), (dated, Class::Event));
    // Boot and time since then it does know.
    let wrong = NameTime::Boot {
        number: 3,
        seconds: 77,
    };
    let right = NameTime::Boot {
        number: 42,
        seconds: 10,
    };
    assert_eq!(recovered(None, |name| at(name, wrong)).time, right);
}

#[test]
fn a_finished_segment_keeps_the_name_that_somebody_gave_it() {
    let (disk, name) = finished(Some(BOOTED));
    let given = at(name, NameTime::Utc(0));
    disk.rename(&name.to_string(), &given.to_string()).unwrap();
    let given = SlotName::Segment(given);
    let (slot, mended) = recover_slot(&disk, given, &|_| None).unwrap();
    assert_eq!((slot, mended.changed()), (given, false));
}

#[test]
fn a_segment_that_is_dated_says_its_start_in_its_header_and_its_name() {
    let due = NameTime::Utc(started().seconds());
    for (was, then) in [(None, due), (Some(later(due, 1)), later(due, 1))] {
        let (disk, mut name) = finished(None);
        if let Some(was) = was {
            // It was named already, by the next second, before a cut.
            let named = at(name, was);
            disk.rename(&name.to_string(), &named.to_string()).unwrap();
            name = named;
        }
        let table = SlotTable::default();
        table.look(&disk).unwrap();
        let claim = table.claim(SlotName::Segment(name), Owner::Housekeeper);
        let mut claim = claim.unwrap();
        date_claimed(&mut claim, &disk, started()).unwrap();
        let dated = at(name, then);
        assert_eq!(segments(&disk), [dated]);
        assert_eq!(claim.slot(), SlotName::Segment(dated));
        let (record, _) = read_record(&disk.open(&dated.to_string()).unwrap()).unwrap();
        assert_eq!(record.start_utc, Some(started()));
    }
}

#[test]
fn boots_are_numbered_one_behind_the_other_and_one_boot_has_one_number() {
    let number = |disk: &SimDisk, id| {
        let boot = Boot::after(disk, &Catalog::read(disk).unwrap(), id);
        assert_eq!(boot.id, id);
        boot.number
    };
    assert_eq!(number(&SimDisk::new(Mutant::None), ID), 1);
    let (disk, name) = finished(None);
    assert_eq!((number(&disk, ID), number(&disk, [8; 16])), (42, 43));
    // A segment of another camera, and one of which nothing can be read.
    let other = SegmentName {
        camera: b'R',
        ..name
    };
    let image = disk.image();
    let mut files = image.clone();
    let bytes = image.files[&name.to_string()].clone();
    files.files.insert(other.to_string(), bytes);
    let disk = SimDisk::from_image(&files, Mutant::None);
    let mut file = disk.open(&other.to_string()).unwrap();
    patch_record(&mut file, |record| {
        (record.boot_number, record.boot_id) = (50, [8; 16]);
    })
    .unwrap();
    let unreadable = SegmentName {
        sequence: name.sequence + 1,
        ..name
    };
    disk.create(&unreadable.to_string(), 512 * 1024).unwrap();
    assert_eq!((number(&disk, ID), number(&disk, [8; 16])), (51, 50));
}
