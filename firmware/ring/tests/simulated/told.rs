//! What a recorder is told while it records: the time, and that the segment is to be kept.

use std::time::Duration;

use picam_mp4::recover::read_record;
use picam_ring::{Boot, Catalog, Class, Directory, NameTime, Recorder, SegmentName, SlotName};
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{Mutant, SimDisk};
use picam_time::{BootNs, UtcUs};

use super::camera::{plain_picture, plain_track, ring};

/// UTC of the moment of booting: 2026-11-20 11:08:00.
const BOOTED: UtcUs = UtcUs(1_795_172_880_000_000);
const SLOT_SIZE: u64 = 512 * 1024;

/// A recorder in the middle of its first segment.
fn recording() -> (SimDisk, Recorder<SimDisk>) {
    let disk = SimDisk::new(Mutant::None);
    for sequence in 0..4 {
        let name = SlotName::Spare {
            camera: b'F',
            sequence,
        };
        disk.create(&name.to_string(), SLOT_SIZE).unwrap();
    }
    let catalog = Catalog::read(&disk).unwrap();
    let boot = Boot::after(&disk, &catalog, [1; 16]);
    let config = ring(SLOT_SIZE, 4, 32, 60);
    let mut recorder = Recorder::new(disk.clone(), config, boot, listed(&disk));
    assert_eq!(recorder.started(), None);
    for n in 30..60 {
        let picture = plain_picture(n, 30, &[7; 200]);
        recorder.push(&picture, &plain_track()).unwrap();
    }
    (disk, recorder)
}

fn time_of(recorder: &Recorder<SimDisk>) -> NameTime {
    recorder.segment().unwrap().time
}

#[test]
fn the_segment_being_recorded_gets_its_true_time() {
    let (disk, mut recorder) = recording();
    let start = BootNs(30 * 33_333_333);
    assert_eq!(recorder.started(), Some((start, None)));
    recorder.set_utc(BOOTED).unwrap();
    let utc = BOOTED.after_boot(start);
    assert_eq!(recorder.started(), Some((start, Some(utc))));
    assert_eq!(time_of(&recorder), NameTime::Utc(utc.seconds()));
    let name = recorder.segment().unwrap().to_string();
    let (record, _) = read_record(&disk.open(&name).unwrap()).unwrap();
    assert_eq!(record.start_utc, Some(utc));
    // Less than a second off is right; from there on it is put right, and its name from two on: a name may stand a second
    // beside it.
    for (off_ms, moved, renamed) in [(999, false, false), (1000, true, false), (3000, true, true)] {
        let (_, mut recorder) = recording();
        recorder.set_utc(BOOTED).unwrap();
        let before = time_of(&recorder);
        let better = BOOTED + Duration::from_millis(off_ms);
        recorder.set_utc(better).unwrap();
        let expected = if moved { better } else { BOOTED };
        let (_, utc) = recorder.started().unwrap();
        assert_eq!(utc, Some(expected.after_boot(start)), "{off_ms}");
        assert_eq!(time_of(&recorder) != before, renamed, "{off_ms}");
    }
    recorder.finish().unwrap();
    assert_eq!(recorder.started(), None);
}

#[test]
fn the_segment_being_recorded_is_locked_in_name_and_header_and_nothing_is_written_twice() {
    let (disk, mut recorder) = recording();
    recorder.lock(Class::Manual).unwrap();
    disk.take_log();
    recorder.lock(Class::Event).unwrap();
    assert!(!disk.take_log().is_empty());
    // It is of the strongest class already.
    for class in [Class::Event, Class::Manual, Class::Normal] {
        recorder.lock(class).unwrap();
        assert!(disk.take_log().is_empty(), "{class:?}");
    }
    recorder.finish().unwrap();
    let entries = disk.list().unwrap();
    let mut names = entries
        .iter()
        .filter_map(|entry| SegmentName::parse(&entry.name));
    let name = names.next().unwrap();
    assert_eq!(name.class, Class::Event);
    let (record, _) = read_record(&disk.open(&name.to_string()).unwrap()).unwrap();
    assert_eq!(record.class, Class::Event.letter());
}
