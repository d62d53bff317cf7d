//! What is read back from the medium: which damage is seen, what it is called, and that every part has its turn.

use std::collections::BTreeSet;
use std::sync::Arc;

use picam_mp4::fragment::FragmentRecord;
use picam_mp4::layout::{PAGE, SECTOR};
use picam_mp4::recover::read_record;
use picam_ring::{
    Boot, Catalog, Claim, Found, Owner, Readback, Recorder, SegmentName, SlotName, SlotTable,
};
use picam_testkit::numbered::{Numbered, SESSION};
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{DiskImage, Mutant, Rng, SimDisk};

use super::camera::{picture, ring};

/// All pictures are of one length, so that the fragments of every segment lie in the same places; they are longer than what
/// is read at once.
const FOOTAGE: Numbered = Numbered {
    fps: 4,
    gop: 4,
    key_len: (150_000, 1),
    delta_len: (70_000, 1),
};
const SLOT_SIZE: u64 = 1 << 20;
const SLOTS: usize = 8;
/// As many key frames.
const SEGMENTS: usize = 6;
/// Of each; as many as share a divisor with the segments: a lap that skips some skips them for ever.
const FRAGMENTS: usize = 4;

fn recorder(disk: &SimDisk) -> Recorder<SimDisk> {
    let catalog = Catalog::read(disk).unwrap();
    let boot = Boot::after(disk, &catalog, [7; 16]);
    let config = ring(SLOT_SIZE, SLOTS, 64, 1);
    Recorder::new(disk.clone(), config, boot, listed(disk))
}

fn record(recorder: &mut Recorder<SimDisk>, pictures: std::ops::Range<u64>) {
    let tracks = Arc::new(FOOTAGE.tracks());
    for n in pictures {
        let data = FOOTAGE.coded(n);
        let picture = picture(&FOOTAGE, n % SESSION, &data);
        recorder.push(&picture, &tracks).unwrap();
    }
}

fn recorded(segments: usize) -> DiskImage {
    let disk = SimDisk::new(Mutant::None);
    let mut recorder = recorder(&disk);
    record(&mut recorder, 0..segments as u64 * FOOTAGE.fps);
    recorder.finish().unwrap();
    disk.image()
}

/// A card as it is now, and who works on it.
fn card(image: &DiskImage) -> (SimDisk, SlotTable) {
    let disk = SimDisk::from_image(image, Mutant::None);
    let table = SlotTable::default();
    table.look(&disk).unwrap();
    (disk, table)
}

fn names(image: &DiskImage) -> Vec<SegmentName> {
    let (_, table) = card(image);
    table.ring(b'F', |ring| {
        ring.segments().iter().map(|s| s.name).collect()
    })
}

/// Where the fragments of a segment lie.
fn fragments(image: &DiskImage, name: SegmentName) -> Vec<std::ops::Range<usize>> {
    let disk = SimDisk::from_image(image, Mutant::None);
    let file = picam_ring::Directory::open(&disk, &name.to_string()).unwrap();
    let (record, _) = read_record(&file).unwrap();
    let bytes = &image.files[&name.to_string()];
    let mut at = (record.head_len + record.init_len) as usize;
    let mut found = Vec::new();
    while let Some(fragment) = bytes.get(at..).and_then(FragmentRecord::parse)
        && fragment.sequence == record.sequence
    {
        found.push(at..at + fragment.len as usize);
        at += fragment.len as usize;
    }
    found
}

fn change(image: &mut DiskImage, name: SegmentName, change: impl FnOnce(&mut Vec<u8>)) {
    let file = image.files.get_mut(&name.to_string()).unwrap();
    let mut bytes = file.to_vec();
    change(&mut bytes);
    *file = bytes.into();
}

fn forged(name: SegmentName) -> Found {
    Found::Forged(SlotName::Segment(name))
}

fn rotten(name: SegmentName) -> Found {
    Found::Rotten(SlotName::Segment(name))
}

/// What is found once every fragment has had its turn.
fn found_in_a_lap(image: &DiskImage) -> Vec<Found> {
    let (disk, table) = card(image);
    let names = names(image);
    let turns = names.len() * FRAGMENTS;
    let mut readback = Readback::default();
    let lap = (0..turns).flat_map(|_| readback.next(&disk, &table));
    let found: Vec<Found> = lap.collect();
    let is_forged = found.iter().any(|found| matches!(found, Found::Forged(_)));
    assert_eq!(readback.is_forged(), is_forged);
    for found in &found {
        let (Found::Forged(slot) | Found::Rotten(slot)) = found;
        assert!(table.has_failed(*slot));
    }
    found
}

#[test]
fn every_fragment_of_every_segment_has_its_turn() {
    let image = recorded(SEGMENTS);
    let all = names(&image);
    assert_eq!(all.len(), SEGMENTS);
    assert_eq!(found_in_a_lap(&image), []);
    let places = fragments(&image, all[0]);
    assert_eq!(places.len(), FRAGMENTS);
    for (n, place) in places.iter().enumerate() {
        assert!(place.len() > 16 * PAGE, "{place:?}");
        let mut image = image.clone();
        let mut rng = Rng(n as u64);
        for &name in &all {
            assert_eq!(fragments(&image, name)[n], *place);
            // Any byte of a picture: the last page may be padding, and the first begins with what is not.
            let within = place.len() - 2 * PAGE;
            let at = place.start + PAGE + rng.below(within as u64) as usize;
            change(&mut image, name, |bytes| bytes[at] ^= 1);
        }
        let found = found_in_a_lap(&image);
        assert_eq!(found.len(), all.len(), "{found:?}");
        let expected: BTreeSet<String> = all
            .iter()
            .map(|&name| format!("{:?}", rotten(name)))
            .collect();
        let found: BTreeSet<String> = found.iter().map(|found| format!("{found:?}")).collect();
        assert_eq!(found, expected, "fragment {n}");
    }
}

#[test]
fn what_lies_in_a_damaged_fragment_tells_a_card_that_forgets_from_one_that_never_wrote() {
    let image = recorded(2);
    let all = names(&image);
    let (other, name) = (all[0], all[1]);
    let place = fragments(&image, name)[1].clone();
    let others = image.files[&other.to_string()].clone();
    let own = image.files[&name.to_string()].clone();
    let last = place.len() / PAGE - 1;
    let others_front = fragments(&image, other)[1].start;
    // Of the page number so much of the fragment: what it holds now, and what that is called.
    let zeros = vec![0; PAGE];
    let cases: [(&str, usize, &[u8], Found); 9] = [
        ("nothing", 1, &zeros, forged(name)),
        ("nothing at the end of a piece", 15, &zeros, forged(name)),
        ("nothing at the start of a piece", 16, &zeros, forged(name)),
        (
            "nothing where there may be padding",
            last,
            &zeros,
            rotten(name),
        ),
        (
            "another's fragment",
            2,
            &others[others_front..][..PAGE],
            forged(name),
        ),
        (
            "another's fragment at the very end",
            last,
            &others[others_front..][..PAGE],
            forged(name),
        ),
        ("another's header", 3, &others[..PAGE], forged(name)),
        (
            "one of its own fragments",
            4,
            &own[place.start..][..PAGE],
            rotten(name),
        ),
        (
            "some of its own picture",
            5,
            &own[place.start + PAGE..][..PAGE],
            rotten(name),
        ),
    ];
    for (what, page, bytes, expected) in cases {
        let mut image = image.clone();
        change(&mut image, name, |file| {
            file[place.start + page * PAGE..][..PAGE].copy_from_slice(bytes);
        });
        assert_eq!(found_in_a_lap(&image), [expected], "{what}");
    }
}

#[test]
fn what_lies_where_a_header_or_a_fragment_should_begin_is_told_apart_too() {
    let image = recorded(2);
    let all = names(&image);
    let (other, name) = (all[0], all[1]);
    let others = image.files[&other.to_string()].clone();
    let own = image.files[&name.to_string()].clone();
    let places = fragments(&image, name);
    let mut noise = vec![0; SECTOR];
    Rng(1).fill(&mut noise);
    for at in [0, places[2].start] {
        let cases: [(&str, &[u8], Found); 5] = [
            ("nothing", &[0; SECTOR], forged(name)),
            ("noise", &noise, rotten(name)),
            ("another's header", &others[..SECTOR], forged(name)),
            (
                "another's fragment",
                &others[places[0].start..][..SECTOR],
                forged(name),
            ),
            (
                "another of its fragments",
                &own[places[0].start..][..SECTOR],
                forged(name),
            ),
        ];
        for (what, bytes, expected) in cases {
            let mut image = image.clone();
            change(&mut image, name, |file| {
                file[at..][..SECTOR].copy_from_slice(bytes);
            });
            assert_eq!(found_in_a_lap(&image), [expected], "{what} at {at}");
        }
    }
    // A fragment that says that it is longer than there is room.
    for beyond in [PAGE, 2 * SLOT_SIZE as usize] {
        let mut image = image.clone();
        let last = places.last().unwrap().start;
        change(&mut image, name, |file| {
            let len = (file.len() - last + beyond) as u32;
            file[last + 56..][..4].copy_from_slice(&len.to_be_bytes());
        });
        assert_eq!(found_in_a_lap(&image), [forged(name)], "{beyond} beyond");
    }
}

/// A card that drops what it is given shows what stood there before: whole fragments, of the footage that the slot held.
#[test]
fn the_footage_that_a_slot_held_before_is_not_taken_for_what_was_written_to_it() {
    let image = recorded(2);
    let all = names(&image);
    let (other, name) = (all[0], all[1]);
    let places = fragments(&image, name);
    assert_eq!(fragments(&image, other), places);
    let others = image.files[&other.to_string()].clone();
    for place in &places {
        let mut image = image.clone();
        let at = place.start;
        change(&mut image, name, |file| {
            file[at..].copy_from_slice(&others[at..]);
        });
        assert_eq!(found_in_a_lap(&image), [forged(name)], "from {at}");
    }
}

/// Segments that fill their file to its last byte.
#[test]
fn a_segment_without_a_byte_to_spare_is_read_like_any_other() {
    let mut image = recorded(2);
    let all = names(&image);
    for &name in &all {
        let end = fragments(&image, name).last().unwrap().end;
        change(&mut image, name, |file| file.truncate(end));
    }
    assert_eq!(found_in_a_lap(&image), []);
    let middle = fragments(&image, all[1])[3].start + 2 * PAGE;
    change(&mut image, all[1], |file| file[middle] ^= 1);
    assert_eq!(found_in_a_lap(&image), [rotten(all[1])]);
    // What is cut off within its first page, as by somebody who copied it there, says nothing of the card.
    change(&mut image, all[1], |file| file.truncate(SECTOR));
    assert_eq!(found_in_a_lap(&image), []);
}

/// The end of a segment is read soon after it was finished, four in a turn; what was there before is only sampled.
#[test]
fn the_ends_of_new_segments_are_read_at_once() {
    let before = recorded(1);
    let mut after = before.clone();
    let disk = SimDisk::from_image(&before, Mutant::None);
    let mut again = recorder(&disk);
    let first = SESSION;
    record(&mut again, first..first + SEGMENTS as u64 * FOOTAGE.fps);
    let unfinished = disk.image();
    again.finish().unwrap();
    after.files = disk.image().files;
    let all = names(&after);
    assert_eq!(all.len(), 1 + SEGMENTS);
    let spoil = |image: &mut DiskImage| {
        for &name in &all[1..] {
            let at = fragments(image, name).last().unwrap().start + 2 * PAGE;
            change(image, name, |file| file[at] ^= 1);
        }
    };
    let mut readback = Readback::default();
    let mut next = |image: &DiskImage| {
        let (disk, table) = card(image);
        readback.next(&disk, &table)
    };
    assert_eq!(next(&before), []);
    // The one that is being recorded is looked at again once it is finished; of four good ones is nothing to be said.
    assert_eq!(next(&unfinished), []);
    assert_eq!(next(&unfinished), []);
    let mut spoilt = after.clone();
    spoil(&mut spoilt);
    let found = next(&spoilt);
    assert!(found.contains(&rotten(all[SEGMENTS])), "{found:?}");

    // All of them at once.
    let mut readback = Readback::default();
    let (disk, table) = card(&before);
    assert_eq!(readback.next(&disk, &table), []);
    let (disk, table) = card(&spoilt);
    // Somebody works on one of them: its turn comes.
    let claim = table.claim(SlotName::Segment(all[1]), Owner::Recorder(b'F'));
    assert!(claim.is_some());
    let mut found = readback.next(&disk, &table);
    found.extend(readback.next(&disk, &table));
    assert!(found.len() >= SEGMENTS - 1, "{found:?}");
    assert!(!found.contains(&rotten(all[1])));
    drop(claim);
    assert_eq!(readback.next(&disk, &table), [rotten(all[1])]);

    // There before: a turn is one sample.
    let mut readback = Readback::default();
    let (disk, table) = card(&spoilt);
    assert!(readback.next(&disk, &table).len() <= 1);
}

#[test]
fn a_forged_card_is_kept_to_the_slots_that_took_something() {
    let mut image = recorded(SEGMENTS);
    let all = names(&image);
    // A slot that held footage, and one that was never written.
    let (disk, table) = card(&image);
    let mut claim = table
        .claim(SlotName::Segment(all[0]), Owner::Housekeeper)
        .unwrap();
    claim.make_spare(&disk).unwrap();
    let held = claim.slot();
    drop(claim);
    let (made, _) = Claim::make(&table, &disk, b'F', SLOT_SIZE, Owner::Provisioning).unwrap();
    drop(made);
    image = disk.image();
    let spares: Vec<SlotName> = table.ring(b'F', |ring| {
        ring.spares().iter().map(|s| s.slot()).collect()
    });
    assert!(spares.contains(&held) && spares.len() == 2, "{spares:?}");
    let (_, table) = card(&image);
    table.set_target(b'F', 100);
    let at = fragments(&image, all[1])[0].start;
    let check = |image: &DiskImage, table: &SlotTable| {
        let disk = SimDisk::from_image(image, Mutant::None);
        let mut readback = Readback::default();
        let turns = 0..FRAGMENTS * SEGMENTS;
        turns.for_each(|_| drop(readback.next(&disk, table)));
        readback.is_forged()
    };
    // One that forgets a bit is no smaller for it.
    change(&mut image, all[1], |file| file[at + 2 * PAGE] ^= 1);
    assert!(!check(&image, &table));
    assert_eq!(table.target(b'F'), Some(100));
    assert!(spares.iter().all(|&spare| !table.has_failed(spare)));
    change(&mut image, all[1], |file| file[at..][..PAGE].fill(0));
    let (_, table) = card(&image);
    table.set_target(b'F', 100);
    assert!(check(&image, &table));
    assert_eq!(table.target(b'F'), Some(all.len() - 1 + spares.len()));
    for spare in spares {
        assert_eq!(table.has_failed(spare), spare != held, "{spare}");
    }
}
