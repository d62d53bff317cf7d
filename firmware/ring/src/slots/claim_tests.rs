use super::*;
use crate::memory_directory::MemoryDirectory;

const SIZE: u64 = 64;
const SEGMENT: &str = "20261120_110800_FN_000001.mp4";

const fn spare(sequence: u32) -> SlotName {
    SlotName::Spare {
        camera: b'F',
        sequence,
    }
}

fn named(name: &str) -> SlotName {
    SlotName::parse(name).unwrap()
}

/// A card with room for ten slots and these on it, a table that knows them, and a claim on the first.
fn claimed(slots: &[SlotName]) -> (MemoryDirectory, SlotTable, Claim) {
    let names: Vec<String> = slots.iter().map(ToString::to_string).collect();
    let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), SIZE)).collect();
    let card = MemoryDirectory::new(10 * SIZE, &files);
    let table = SlotTable::default();
    table.look(&card).unwrap();
    let claim = table.claim(slots[0], Owner::Housekeeper).unwrap();
    (card, table, claim)
}

fn has(card: &MemoryDirectory, slot: SlotName) -> bool {
    card.files.borrow().contains_key(&slot.to_string())
}

/// Somebody who does not ask takes a file away.
fn take_away(card: &MemoryDirectory, slot: SlotName) {
    card.files.borrow_mut().remove(&slot.to_string());
}

fn is_known(table: &SlotTable, slot: SlotName) -> bool {
    table.catalog().size_of(slot).is_some()
}

#[test]
fn a_claim_says_how_long_its_slot_is() {
    let (card, table, claim) = claimed(&[spare(0)]);
    assert_eq!(claim.size(), SIZE);
    let owner = Owner::Provisioning;
    let (made, _) = Claim::make(&table, &card, b'F', 2 * SIZE, owner).unwrap();
    assert_eq!(made.size(), 2 * SIZE);
}

#[test]
fn a_slot_that_is_gone_cannot_be_named_or_made_spare_and_that_is_what_is_said() {
    let (card, table, mut claim) = claimed(&[named(SEGMENT)]);
    take_away(&card, claim.slot());
    let SlotName::Segment(name) = named("20261120_110900_FN_000001.mp4") else {
        unreachable!()
    };
    let error = claim.name_segment(&card, name).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let error = claim.make_spare(&card).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert_eq!(claim.slot(), named(SEGMENT));
    assert_eq!(table.owner(spare(0)), None, "nobody works on that name");
}

#[test]
fn a_segment_made_spare_bears_a_spare_name_that_nothing_else_has() {
    let (card, table, mut claim) = claimed(&[named(SEGMENT), spare(0)]);
    // Nobody knows of this one.
    card.files.borrow_mut().insert(spare(1).to_string(), 7);
    claim.make_spare(&card).unwrap();
    assert_eq!(claim.slot(), spare(2));
    assert!(has(&card, spare(2)) && !has(&card, named(SEGMENT)));
    assert!(is_known(&table, spare(2)) && !is_known(&table, named(SEGMENT)));
    assert_eq!(card.files.borrow()[&spare(1).to_string()], 7);
    // One that is spare already stays what it is.
    claim.make_spare(&card).unwrap();
    assert_eq!(claim.slot(), spare(2));
}

#[test]
fn a_slot_that_is_gone_already_counts_as_removed_and_one_that_the_card_keeps_does_not() {
    let (card, table, claim) = claimed(&[spare(0), spare(1)]);
    take_away(&card, spare(0));
    claim.remove(&card).unwrap();
    assert!(!is_known(&table, spare(0)));

    let claim = table.claim(spare(1), Owner::Provisioning).unwrap();
    let card = MemoryDirectory {
        broken: true,
        ..card
    };
    let refused = claim.remove(&card).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(5));
    assert!(is_known(&table, spare(1)));
}

#[test]
fn a_new_slot_goes_around_names_that_are_taken_and_stays_known() {
    let (card, table, claim) = claimed(&[spare(0)]);
    card.files.borrow_mut().insert(spare(1).to_string(), 7);
    card.files.borrow_mut().insert(spare(2).to_string(), 7);
    let owner = Owner::Recorder(b'F');
    let (made, file) = Claim::make(&table, &card, b'F', SIZE, owner).unwrap();
    assert_eq!(made.slot(), spare(3));
    assert_eq!(picam_mp4::ReadAt::size(&file).unwrap(), SIZE);
    assert_eq!(table.owner(spare(3)), Some(owner));
    drop((made, claim));
    assert!(is_known(&table, spare(3)) && has(&card, spare(3)));
    assert_eq!(table.owner(spare(3)), None);
}

#[test]
fn a_card_without_room_or_broken_is_asked_once_for_a_new_slot() {
    let (card, table, _claim) = claimed(&[spare(0)]);
    let owner = Owner::Recorder(b'F');
    let full = Claim::make(&table, &card, b'F', 100 * SIZE, owner);
    assert_eq!(full.err().and_then(|error| error.raw_os_error()), Some(28));
    assert_eq!(card.tries.replace(0), 1);
    let card = MemoryDirectory {
        broken: true,
        ..card
    };
    let broken = Claim::make(&table, &card, b'F', SIZE, owner);
    assert_eq!(broken.err().and_then(|error| error.raw_os_error()), Some(5));
    assert_eq!(card.tries.get(), 1);
    assert!(!is_known(&table, spare(1)), "nothing was made");
}
