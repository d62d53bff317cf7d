//! What a card damaged of finished segments is found after a start and mended, without anybody asking.

use std::collections::BTreeSet;
use std::sync::Arc;

use picam_mp4::layout::{HEAD_BOX, SECTOR};
use picam_mp4::recover::read_record;
use picam_mp4::{ReadAt, TrackConfig, sample_entry};
use picam_ring::{
    Boot, Catalog, Directory, Extent, Lenders, Mender, Needs, Owner, Recorder, SegmentName,
    SlotName, SlotTable, look,
};
use picam_testkit::numbered::Numbered;
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{Damage, Mutant, Rng, SimDisk};

use super::camera::{picture, ring};

const FOOTAGE: Numbered = Numbered {
    fps: 30,
    gop: 30,
    key_len: (30_000, 10_000),
    delta_len: (5_000, 5_000),
};
const SECONDS: u64 = 12;

/// A ring with some finished segments.
fn recorded(slots: usize) -> SimDisk {
    recorded_from(slots, FOOTAGE.tracks())
}

fn recorded_from(slots: usize, tracks: Vec<TrackConfig>) -> SimDisk {
    let disk = SimDisk::new(Mutant::None);
    let catalog = Catalog::read(&disk).unwrap();
    let config = ring(1 << 20, slots, 128, 60);
    let boot = Boot::after(&disk, &catalog, [7; 16]);
    let mut recorder = Recorder::new(disk.clone(), config, boot, listed(&disk));
    let tracks = Arc::new(tracks);
    for n in 0..SECONDS * FOOTAGE.fps {
        let data = FOOTAGE.coded(n);
        recorder
            .push(&picture(&FOOTAGE, n, &data), &tracks)
            .unwrap();
    }
    recorder.finish().unwrap();
    disk
}

fn names(disk: &SimDisk) -> Vec<SegmentName> {
    let catalog = Catalog::read(disk).unwrap();
    let segments = catalog.ring(b'F').segments().iter();
    segments.map(|segment| segment.name).collect()
}

fn shown(disk: &SimDisk) -> BTreeSet<u64> {
    let image = disk.image();
    let files = image.files.values();
    files.flat_map(|bytes| FOOTAGE.shown(bytes)).collect()
}

/// The disk once the card has overwritten a sector of a segment.
fn spoil(disk: &SimDisk, name: SegmentName, sector: u64, byte: u8) -> SimDisk {
    let mut image = disk.image();
    let file = image.files.get_mut(&name.to_string()).unwrap();
    let mut bytes = file.to_vec();
    let at = sector as usize * SECTOR;
    bytes[at..at + SECTOR].fill(byte);
    *file = bytes.into();
    SimDisk::from_image(&image, Mutant::None)
}

#[test]
fn damaged_header_init_and_index_are_mended_without_asking() {
    let mut disk = recorded(20);
    let all = shown(&disk);
    assert_eq!(all.len() as u64, SECONDS * FOOTAGE.fps);
    let before = names(&disk);
    assert!(before.len() > 5, "{before:?}");
    let init = {
        let (record, _) = read_record(&disk.open(&before[1].to_string()).unwrap()).unwrap();
        u64::from(record.head_len) / 512
    };
    // The header and the start of the index, as zeros and as noise; the middle of the index; an init.
    for (n, (sector, byte)) in [(0, 0), (0, 0xa5), (2, 0xff), (init, 0)]
        .into_iter()
        .enumerate()
    {
        disk = spoil(&disk, before[n], sector, byte);
    }
    let needs = |n: usize| look(&disk, SlotName::Segment(before[n])).unwrap().needs;
    assert_eq!((needs(0), needs(1)), (Needs::Mending, Needs::Mending));
    assert!(shown(&disk).len() < all.len());

    let table = SlotTable::default();
    table.look(&disk).unwrap();
    let mut mender = Mender::default();
    // Newest first, a few in a turn.
    let mut mended = BTreeSet::new();
    for _ in 0..1 + before.len() / 8 {
        for (slot, done) in mender.next(&disk, &table) {
            assert!(done.unwrap().changed(), "{slot}");
            assert!(mended.insert(slot.to_string()), "{slot} twice");
        }
    }
    let spoilt = before[..4].iter().map(ToString::to_string);
    assert_eq!(mended, spoilt.collect());
    assert_eq!(shown(&disk), all);
    assert_eq!(names(&disk), before, "all keep their names");
    assert!(mender.next(&disk, &table).is_empty());
}

#[test]
fn a_segment_in_use_is_looked_at_later() {
    let disk = recorded(20);
    let name = names(&disk)[0];
    let all = shown(&disk);
    let disk = spoil(&disk, name, 2, 0);
    let table = SlotTable::default();
    table.look(&disk).unwrap();
    let slot = SlotName::Segment(name);
    let claim = table.claim(slot, Owner::Housekeeper).unwrap();
    let mut mender = Mender::default();
    for _ in 0..4 {
        assert!(mender.next(&disk, &table).is_empty());
    }
    drop(claim);
    let found = mender.next(&disk, &table);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, slot);
    assert_eq!(shown(&disk), all);
}

#[test]
fn what_the_card_refuses_is_tried_again_and_what_is_no_segment_left_alone() {
    let disk = recorded(20);
    let name = names(&disk)[0];
    let all = shown(&disk);
    let foreign: SegmentName = {
        let mut foreign = name;
        foreign.sequence = 900;
        foreign
    };
    disk.create(&foreign.to_string(), 1 << 20).unwrap();
    let disk = spoil(&disk, name, 2, 0);
    let table = SlotTable::default();
    table.look(&disk).unwrap();
    let untouched = disk.image().files[&foreign.to_string()].clone();
    let mut mender = Mender::default();
    disk.refuse(u32::MAX);
    let refused: Vec<_> = (0..3).flat_map(|_| mender.next(&disk, &table)).collect();
    assert!(refused.iter().all(|(_, done)| done.is_err()));
    disk.refuse(0);
    let mut mended = Vec::new();
    for _ in 0..3 {
        mended.extend(
            mender
                .next(&disk, &table)
                .into_iter()
                .filter(|(_, done)| done.is_ok()),
        );
    }
    assert_eq!(mended.len(), 1, "{mended:?}");
    assert_eq!(shown(&disk), all);
    assert_eq!(disk.image().files[&foreign.to_string()], untouched);
}

#[test]
fn what_a_slot_held_before_does_not_come_back_over_what_overwrote_it() {
    let disk = recorded(20);
    let [old, new, ..] = names(&disk)[..] else {
        panic!("segments");
    };
    let mut image = disk.image();
    let before = image.files[&old.to_string()].to_vec();
    let new_file = image.files.get_mut(&new.to_string()).unwrap();
    let shown_before = FOOTAGE.shown(new_file);
    let mut bytes = new_file.to_vec();
    bytes[..300 << 10].copy_from_slice(&before[..300 << 10]);
    let lying: BTreeSet<u64> = FOOTAGE.lying(&bytes[300 << 10..]).into_iter().collect();
    assert!(lying.len() > 20 && lying.iter().all(|n| shown_before.contains(n)));
    *new_file = bytes.into();
    let disk = SimDisk::from_image(&image, Mutant::None);

    let table = SlotTable::default();
    table.look(&disk).unwrap();
    let mended = Mender::default().next(&disk, &table);
    assert_eq!(mended.len(), 1, "{mended:?}");
    let image = disk.image();
    let after: BTreeSet<u64> = FOOTAGE
        .shown(&image.files[&new.to_string()])
        .into_iter()
        .collect();
    assert_eq!(after, lying);
    // One that merely bears another's name is left as it is.
    let mut image = disk.image();
    let bytes = image.files[&old.to_string()].clone();
    image.files.insert(new.to_string(), bytes.clone());
    let disk = SimDisk::from_image(&image, Mutant::None);
    let table = SlotTable::default();
    table.look(&disk).unwrap();
    assert!(Mender::default().next(&disk, &table).is_empty());
    assert_eq!(disk.image().files[&new.to_string()], bytes);
}

#[test]
fn an_init_is_lent_to_whoever_names_its_checksum() {
    // The longest parameter set makes an init that is longer than any that is lent.
    for (sps_len, lent) in [(7, true), (2_000, true), (60_000, true), (65_535, false)] {
        let mut sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
        sps.resize(sps_len, 0x55);
        let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce]], 640, 480).unwrap();
        let disk = recorded_from(20, vec![TrackConfig::video(stsd, 640, 480)]);
        let slots: Vec<_> = names(&disk).into_iter().map(SlotName::Segment).collect();
        let file = disk.open(&slots[0].to_string()).unwrap();
        let (record, _) = read_record(&file).unwrap();
        let mut init = vec![0; record.init_moov_len as usize];
        file.read_exact_at(record.head_len.into(), &mut init)
            .unwrap();
        assert_eq!(init.len() <= 64 * 1024, lent, "{}", init.len());
        let crc = record.init_crc.unwrap();
        let lenders = Lenders::new(&disk, slots);
        assert_eq!(lenders.lend(crc), lent.then_some(init));
        assert_eq!(lenders.lend(crc ^ 1), None);
    }
}

#[test]
fn only_of_a_finished_segment_is_it_said_how_long_it_is() {
    let disk = recorded(20);
    let name = names(&disk)[0];
    let (record, _) = read_record(&disk.open(&name.to_string()).unwrap()).unwrap();
    let extent = Extent::of(&disk, name).unwrap();
    assert_eq!(extent.sequence, record.sequence);
    assert_eq!(extent.duration, Some(record.duration));
    assert!(!record.duration.is_zero());
    // As it was while it was recorded: the index is free space.
    let mut image = disk.image();
    let file = image.files.get_mut(&name.to_string()).unwrap();
    let mut bytes = file.to_vec();
    bytes[HEAD_BOX + 4..HEAD_BOX + 8].copy_from_slice(b"free");
    *file = bytes.into();
    let disk = SimDisk::from_image(&image, Mutant::None);
    assert_eq!(Extent::of(&disk, name).unwrap().duration, None);
}

/// Whatever a card does to whatever it holds, mending shows no picture less than before, and most of what can be had.
#[test]
fn mending_after_random_damage_shows_no_picture_less() {
    let sound = recorded(20);
    let names: Vec<String> = names(&sound).iter().map(ToString::to_string).collect();
    let (mut more, mut rng) = (0, Rng(7));
    for case in 0..120 {
        let mut image = sound.image();
        // In half of the cases where header, init and index lie.
        for _ in 0..1 + rng.below(3) {
            let name = &names[rng.below(names.len() as u64) as usize];
            let file = image.files.get_mut(name).unwrap();
            let old = vec![0x5a; file.len()];
            let mut bytes = file.to_vec();
            let damage = match rng.below(2) {
                0 => Damage::random(&mut rng, bytes.len()),
                _ => Damage::random_in(&mut rng, 0..8 * 1024),
            };
            damage.apply(&mut bytes, &old);
            *file = bytes.into();
        }
        let disk = SimDisk::from_image(&image, Mutant::None);
        let before = shown(&disk);
        let table = listed(&disk);
        let mut mender = Mender::default();
        for _ in 0..names.len() {
            mender.next(&disk, &table);
        }
        let after = shown(&disk);
        assert!(
            before.is_subset(&after),
            "case {case}: {before:?} {after:?}"
        );
        more += after.len() - before.len();
    }
    assert!(more > 1000, "{more} pictures more than before");
}
