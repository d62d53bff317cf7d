//! A card that goes on refusing: the segment is given up, what was committed stays, the next key
//! frame begins anew in another slot, and what was lost is known.

use std::sync::Arc;

use picam_mp4::{ReadAt, SlotFile, TrackConfig, check, sample_entry};
use picam_ring::{
    ATTEMPTS, Boot, Catalog, Class, Directory, Placement, Recorder, RingConfig, SlotName, Taken,
    recover_slot,
};
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{Mutant, SimDisk};
use picam_time::BootNs;

use super::camera::{plain_picture, plain_track, ring};

fn config(slots: usize) -> RingConfig {
    ring(512 * 1024, slots, 32, 2)
}

struct Camera {
    tracks: Arc<Vec<TrackConfig>>,
    n: u64,
}

impl Camera {
    fn new() -> Self {
        Self {
            tracks: plain_track(),
            n: 0,
        }
    }

    /// Pushes the next picture, trying again as long as it takes; says what became of it and how
    /// often the card refused.
    fn push(&mut self, recorder: &mut Recorder<SimDisk>) -> (Taken, u32) {
        let data = [self.n as u8; 2000];
        let picture = plain_picture(self.n, 15, &data);
        self.n += 1;
        let mut refusals = 0;
        loop {
            match recorder.push(&picture, &self.tracks) {
                Ok(taken) => return (taken, refusals),
                Err(_) => refusals += 1,
            }
        }
    }
}

fn recorder(disk: &SimDisk, slots: usize) -> Recorder<SimDisk> {
    let catalog = Catalog::read(disk).unwrap();
    let boot = Boot::after(disk, &catalog, [1; 16]);
    Recorder::new(disk.clone(), config(slots), boot, listed(disk))
}

fn make_spares(disk: &SimDisk, count: u32, size: u64) {
    for sequence in 0..count {
        let name = SlotName::Spare {
            camera: b'F',
            sequence,
        };
        disk.create(&name.to_string(), size).unwrap();
    }
}

fn segments(disk: &SimDisk) -> Vec<SlotName> {
    let entries = disk.list().unwrap();
    let names = entries
        .iter()
        .filter_map(|entry| SlotName::parse(&entry.name));
    names
        .filter(|name| matches!(name, SlotName::Segment(_)))
        .collect()
}

#[test]
fn a_card_that_refuses_for_long_costs_the_rest_of_the_group_and_says_so() {
    let disk = SimDisk::new(Mutant::None);
    let mut recorder = recorder(&disk, 6);
    let mut camera = Camera::new();
    for _ in 0..40 {
        assert_eq!(camera.push(&mut recorder), (Taken::Yes, 0));
    }
    disk.refuse(40);
    let mut refused = 0;
    while camera.n < 80 {
        refused += camera.push(&mut recorder).1;
    }
    recorder.finish().unwrap();
    assert!(refused >= ATTEMPTS);

    let segments = segments(&disk);
    assert_eq!(segments.len(), 2);
    let (mut all, mut lost) = (0, 0);
    for segment in segments {
        // The one that was given up is finished by the housekeeper.
        let (name, _) = recover_slot(&disk, segment, &|_| None).unwrap();
        let checked = check(&disk.open(&name.to_string()).unwrap()).unwrap();
        assert_eq!(checked.faults, Vec::<String>::new());
        all += u64::from(checked.record.counters.frames);
        lost += checked.record.counters.lost_pictures();
    }
    assert_eq!(all + lost, 80, "{all} recorded, {lost} counted lost");
    assert!(lost > 0);
}

#[test]
fn a_lock_is_of_the_segment_being_recorded_in_its_name_and_its_header() {
    let disk = SimDisk::new(Mutant::None);
    make_spares(&disk, 12, 512 * 1024);
    let mut recorder = recorder(&disk, 12);
    let mut camera = Camera::new();
    let mut classes = Vec::new();
    while recorder.segment().is_none_or(|name| name.sequence < 3) {
        camera.push(&mut recorder);
    }
    recorder.lock(Class::Manual).unwrap();
    while recorder.segment().is_none_or(|name| name.sequence < 4) {
        camera.push(&mut recorder);
    }
    recorder.lock(Class::Event).unwrap();
    // A weaker one changes nothing.
    recorder.lock(Class::Manual).unwrap();
    assert!(
        recorder
            .started()
            .is_some_and(|(start, _)| start > BootNs::ZERO)
    );
    while recorder.segment().is_none_or(|name| name.sequence < 5) {
        camera.push(&mut recorder);
    }
    recorder.finish().unwrap();
    for slot in segments(&disk) {
        let SlotName::Segment(name) = slot else {
            continue;
        };
        let record = check(&disk.open(&slot.to_string()).unwrap())
            .unwrap()
            .record;
        classes.push((name.sequence, name.class, record.class));
    }
    classes.sort_by_key(|class| class.0);
    let names: Vec<u8> = classes.iter().map(|class| class.1.letter()).collect();
    assert_eq!(names, *b"NNMEN");
    let records: Vec<u8> = classes.iter().map(|class| class.2).collect();
    assert_eq!(records, *b"NNMEN");
}

#[test]
fn new_parameter_sets_and_a_source_that_begins_anew_each_begin_a_segment() {
    let disk = SimDisk::new(Mutant::None);
    let mut recorder = recorder(&disk, 6);
    let mut camera = Camera::new();
    let frames = |disk: &SimDisk| -> Vec<u32> {
        let open = |slot: &SlotName| disk.open(&slot.to_string()).unwrap();
        let checks = segments(disk)
            .iter()
            .map(|slot| check(&open(slot)).unwrap())
            .collect::<Vec<_>>();
        checks
            .iter()
            .map(|checked| checked.record.counters.frames)
            .collect()
    };
    for _ in 0..30 {
        camera.push(&mut recorder);
    }
    let sps = vec![0x67, 0x42, 0xc0, 0x1f, 0xda, 0x02, 0x80];
    let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 1280, 720).unwrap();
    camera.tracks = Arc::new(vec![TrackConfig::video(stsd, 1280, 720)]);
    // Whoever places pictures begins a segment where the tracks change.
    let first = plain_picture(camera.n, 15, &[1; 2000]);
    recorder
        .place(&first, Placement::New(&camera.tracks))
        .unwrap();
    camera.n += 1;
    for _ in 1..30 {
        camera.push(&mut recorder);
    }
    assert_eq!(frames(&disk)[0], 30);
    camera.n = 0;
    for _ in 0..15 {
        camera.push(&mut recorder);
    }
    recorder.finish().unwrap();
    let mut all = frames(&disk);
    all.sort_unstable();
    assert_eq!(all, [15, 30, 30]);
}

#[test]
fn a_smaller_ring_gives_its_slots_up_one_by_one() {
    let disk = SimDisk::new(Mutant::None);
    let mut camera = Camera::new();
    make_spares(&disk, 8, 512 * 1024);
    let mut large = recorder(&disk, 8);
    while segments(&disk).len() < 8 {
        camera.push(&mut large);
    }
    large.finish().unwrap();
    let mut small = recorder(&disk, 4);
    for _ in 0..15 * 60 {
        camera.push(&mut small);
    }
    assert_eq!(disk.list().unwrap().len(), 4);
}

#[test]
fn slots_of_another_size_are_replaced_when_their_turn_comes() {
    let disk = SimDisk::new(Mutant::None);
    let mut camera = Camera::new();
    make_spares(&disk, 4, 256 * 1024);
    let mut recorder = recorder(&disk, 4);
    for _ in 0..15 * 60 {
        camera.push(&mut recorder);
    }
    for entry in disk.list().unwrap() {
        let file = disk.open(&entry.name).unwrap();
        assert_eq!(file.size().unwrap(), 512 * 1024, "{}", entry.name);
    }
}

#[test]
fn a_card_with_room_for_two_slots_records_all_the_same() {
    for room in 1..=2 {
        let disk = SimDisk::new(Mutant::None);
        disk.hold(room);
        let mut recorder = recorder(&disk, 8);
        let mut camera = Camera::new();
        for _ in 0..15 * 40 {
            assert_eq!(camera.push(&mut recorder).0, Taken::Yes);
        }
        recorder.finish().unwrap();
        assert_eq!(disk.list().unwrap().len(), room);
        let newest = segments(&disk).into_iter().next_back().unwrap();
        let checked = check(&disk.open(&newest.to_string()).unwrap()).unwrap();
        assert_eq!(checked.faults, Vec::<String>::new());
    }
}

#[test]
fn a_directory_that_knows_no_way_past_caches_reads_through_them() {
    let disk = SimDisk::new(Mutant::None);
    let mut file = disk.create("slot.mp4", 8192).unwrap();
    SlotFile::write_at(&mut file, 4096, &[7; 4096]).unwrap();
    let mut buf = [0; 8192];
    assert_eq!(disk.read_uncached("slot.mp4", 0, &mut buf).unwrap(), 8192);
    assert!(buf[..4096].iter().all(|&byte| byte == 0) && buf[4096..] == [7; 4096]);
}
