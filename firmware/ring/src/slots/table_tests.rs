use super::*;
use crate::directory::{Entry, Listing, Space};
use crate::memory_directory::{Length, MemoryDirectory};
use crate::name::SegmentName;

const SIZE: u64 = 64;
const NOW: BootNs = BootNs::from_secs(100);

const fn spare(sequence: u32) -> SlotName {
    SlotName::Spare {
        camera: b'F',
        sequence,
    }
}

fn segment(sequence: u32) -> SlotName {
    SlotName::parse(&format!("20261120_110800_FN_{sequence:06}.mp4")).unwrap()
}

/// A card with these slots.
fn card(slots: &[SlotName]) -> MemoryDirectory {
    let names: Vec<String> = slots.iter().map(ToString::to_string).collect();
    let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), SIZE)).collect();
    MemoryDirectory::new(100 * SIZE, &files)
}

/// A card with these slots, and a table that knows them.
fn known(slots: &[SlotName]) -> (MemoryDirectory, SlotTable) {
    let card = card(slots);
    let table = SlotTable::default();
    table.look(&card).unwrap();
    (card, table)
}

fn is_there(table: &SlotTable, slot: SlotName) -> bool {
    table.catalog().size_of(slot).is_some()
}

fn newest(table: &SlotTable) -> Option<u32> {
    table.ring(b'F', |ring| {
        ring.newest().map(|segment| segment.name.sequence)
    })
}

fn remove(card: &MemoryDirectory, table: &SlotTable, slot: SlotName) {
    let claim = table.claim(slot, Owner::Provisioning).unwrap();
    claim.remove(card).unwrap();
}

fn put_back(card: &MemoryDirectory, slot: SlotName) {
    card.files.borrow_mut().insert(slot.to_string(), SIZE);
}

/// A card of which something is changed while it is listed; some of its entries are in the way.
struct Busy<'a> {
    card: &'a MemoryDirectory,
    unusable: Vec<String>,
    meanwhile: &'a dyn Fn(),
}

impl Directory for Busy<'_> {
    type File = Length;

    fn list(&self) -> io::Result<Vec<Entry>> {
        let listed = self.card.list();
        (self.meanwhile)();
        listed
    }
    fn survey(&self) -> io::Result<Listing> {
        Ok(Listing {
            entries: self.list()?,
            unusable: self.unusable.clone(),
        })
    }
    fn open(&self, name: &str) -> io::Result<Length> {
        self.card.open(name)
    }
    fn create(&self, name: &str, size: u64) -> io::Result<Length> {
        if self.unusable.iter().any(|other| other == name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.card.create(name, size)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.card.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.card.remove(name)
    }
    fn sync(&self) -> io::Result<()> {
        self.card.sync()
    }
    fn space(&self) -> io::Result<Space> {
        self.card.space()
    }
}

#[test]
fn a_table_knows_what_was_listed_until_it_forgets() {
    let table = SlotTable::default();
    assert!(!table.is_known());
    table.look(&card(&[spare(0), segment(1)])).unwrap();
    assert!(table.is_known());
    assert_eq!(table.ring(b'F', Ring::len), 2);
    table.forget();
    assert!(!table.is_known());
    assert_eq!(table.ring(b'F', Ring::len), 0);
}

#[test]
fn what_was_changed_before_a_listing_does_not_change_what_it_found() {
    let (card, table) = known(&[spare(0), spare(1)]);
    for _ in 0..2 {
        remove(&card, &table, spare(1));
        assert!(!is_there(&table, spare(1)));
        put_back(&card, spare(1));
        table.look(&card).unwrap();
        assert!(is_there(&table, spare(1)), "the card has it again");
    }
}

#[test]
fn what_was_changed_during_a_listing_holds_for_that_listing_alone() {
    let (card, table) = known(&[spare(0), spare(1), spare(2)]);
    let look_meanwhile = |meanwhile: &dyn Fn()| {
        let busy = Busy {
            card: &card,
            unusable: Vec::new(),
            meanwhile,
        };
        table.look(&busy).unwrap();
    };
    look_meanwhile(&|| remove(&card, &table, spare(1)));
    assert!(!is_there(&table, spare(1)));
    // Two listings at once: the one that ends first takes nothing from the other.
    look_meanwhile(&|| {
        remove(&card, &table, spare(2));
        look_meanwhile(&|| {});
    });
    assert!(!is_there(&table, spare(2)));
    for slot in [spare(1), spare(2)] {
        put_back(&card, slot);
    }
    table.look(&card).unwrap();
    assert!(is_there(&table, spare(1)) && is_there(&table, spare(2)));
}

#[test]
fn a_sequence_is_taken_by_a_segment_of_the_camera_and_by_what_lies_in_its_way() {
    let card = card(&[segment(5), spare(6)]);
    let table = SlotTable::default();
    assert!(!table.is_taken(b'F', 5), "nobody has looked");
    let in_the_way = ["20261120_110800_FN_000007.mp4", "holiday"];
    let busy = Busy {
        card: &card,
        unusable: in_the_way.map(ToOwned::to_owned).into(),
        meanwhile: &|| {},
    };
    table.look(&busy).unwrap();
    let taken = |camera: u8| -> Vec<u32> {
        let all = 4..9;
        all.filter(|&n| table.is_taken(camera, n)).collect()
    };
    assert_eq!(taken(b'F'), [5, 7]);
    assert_eq!(taken(b'R'), []);
}

#[test]
fn the_newest_segment_that_was_settled_stays_so_when_the_card_is_listed_again() {
    // By the numbers in the names alone either may be the newest.
    let (card, table) = known(&[segment(5), segment(600_000)]);
    for sequence in [5, 600_000, 5] {
        table.set_newest(b'F', sequence);
        assert_eq!(newest(&table), Some(sequence));
        table.look(&card).unwrap();
        assert_eq!(newest(&table), Some(sequence));
    }
}

#[test]
fn a_segment_named_behind_the_newest_is_the_newest_and_one_before_it_is_not() {
    let (card, table) = known(&[spare(0), spare(1), segment(5)]);
    table.set_newest(b'F', 5);
    for (slot, name, expected) in [(spare(0), 6, 6), (spare(1), 4, 6)] {
        let mut claim = table.claim(slot, Owner::Recorder(b'F')).unwrap();
        claim.rename(&card, segment(name)).unwrap();
        drop(claim);
        assert_eq!(newest(&table), Some(expected));
        table.look(&card).unwrap();
        assert_eq!(newest(&table), Some(expected), "listed again");
    }
}

#[test]
fn how_many_slots_a_camera_shall_have_is_what_was_planned_last() {
    let table = SlotTable::default();
    assert_eq!(table.target(b'F'), None);
    table.set_target(b'F', 12);
    table.set_target(b'F', 9);
    assert_eq!((table.target(b'F'), table.target(b'R')), (Some(9), None));
}

#[test]
fn a_spare_slot_that_holds_footage_is_not_chosen_until_it_holds_none() {
    let (_card, table) = known(&[spare(0)]);
    let chosen = || {
        let choose = |ring: &Ring, busy: &[SlotName]| {
            crate::policy::next_slot(ring, &crate::class::Shares::default(), SIZE, busy)
        };
        let chosen = table.choose(b'F', |_| false, choose, NOW);
        chosen.map(|(choice, claim)| (choice.slot, claim.size()))
    };
    assert_eq!(chosen(), Some((spare(0), SIZE)));
    table.holds_footage(spare(0));
    assert_eq!(chosen(), None);
    table.holds_no_footage(spare(0));
    assert_eq!(chosen(), Some((spare(0), SIZE)));
}

#[test]
fn a_slot_has_failed_from_its_failure_until_it_works() {
    let (_card, table) = known(&[spare(0), spare(1), spare(2)]);
    table.failed(spare(0), NOW);
    table.set_aside(spare(1));
    let failed = |table: &SlotTable| [0, 1, 2].map(|n| table.has_failed(spare(n)));
    assert_eq!(failed(&table), [true, true, false]);
    assert_eq!((table.failed_slots(b'F'), table.failed_slots(b'R')), (2, 0));
    table.works(spare(0));
    assert_eq!(failed(&table), [false, true, false]);
}

#[test]
fn there_is_hope_while_a_slot_without_footage_has_not_failed_too_often() {
    let has_hope = |slots: &[SlotName], prepare: &dyn Fn(&SlotTable)| {
        let (_card, table) = known(slots);
        prepare(&table);
        table.has_hope(b'F', 3)
    };
    let fails =
        |times: u32| move |table: &SlotTable| (0..times).for_each(|_| table.failed(spare(0), NOW));
    assert!(has_hope(&[spare(0)], &fails(0)));
    assert!(has_hope(&[spare(0)], &fails(2)));
    assert!(!has_hope(&[spare(0)], &fails(3)));
    assert!(!has_hope(&[spare(0)], &fails(4)));
    assert!(has_hope(&[spare(0), spare(1)], &fails(4)), "another slot");
    assert!(!has_hope(&[spare(0)], &|table| table.set_aside(spare(0))));
    assert!(!has_hope(&[spare(0)], &|table| table.holds_footage(spare(0))));
    assert!(!has_hope(&[segment(1)], &|_| {}), "it has footage");
    assert!(!has_hope(&[spare(0)], &SlotTable::forget), "nobody looked");
}

#[test]
fn what_vanished_is_known_no_longer() {
    let (_card, table) = known(&[spare(0), spare(1)]);
    table.failed(spare(0), NOW);
    table.vanished(spare(0));
    assert!(!is_there(&table, spare(0)) && is_there(&table, spare(1)));
    assert!(!table.has_failed(spare(0)));
}

/// The number of the next slot that is made.
fn made(table: &SlotTable, card: &impl Directory) -> u32 {
    let owner = Owner::Recorder(b'F');
    let (claim, _) = Claim::make(table, card, b'F', SIZE, owner).unwrap();
    match claim.slot() {
        SlotName::Spare { sequence, .. } => sequence,
        SlotName::Segment(SegmentName { sequence, .. }) => panic!("{sequence}"),
    }
}

#[test]
fn a_new_slot_gets_the_lowest_number_that_nothing_has() {
    let (card, table) = known(&[spare(1)]);
    assert_eq!(made(&table, &card), 0);
    assert_eq!(made(&table, &card), 2);
    for n in 0..3 {
        assert!(is_there(&table, spare(n)), "slot {n} is known");
    }

    // Of a slot that somebody works on nobody knows whether it is there.
    let (card, table) = known(&[spare(0), spare(1)]);
    let held = table.claim(spare(0), Owner::Recorder(b'F')).unwrap();
    table.vanished(spare(0));
    assert_eq!(made(&table, &card), 2);
    drop(held);

    // Something that nobody knew of has the name.
    let (card, table) = known(&[spare(1)]);
    put_back(&card, spare(0));
    assert_eq!(made(&table, &card), 2);
    assert!(is_there(&table, spare(1)), "it was left alone");

    // Something is in the way that is no file.
    let card = self::card(&[spare(1)]);
    let busy = Busy {
        card: &card,
        unusable: vec![spare(0).to_string()],
        meanwhile: &|| {},
    };
    let table = SlotTable::default();
    table.look(&busy).unwrap();
    let tries = card.tries.get();
    assert_eq!(made(&table, &busy), 2);
    assert_eq!(card.tries.get() - tries, 1, "it was known beforehand");
}

#[test]
fn a_name_that_the_table_knows_is_given_to_no_other() {
    let (card, table) = known(&[spare(0), segment(1)]);
    // A user took it away; until the card is listed again it may be anywhere.
    card.files.borrow_mut().remove(&segment(1).to_string());
    let mut claim = table.claim(spare(0), Owner::Provisioning).unwrap();
    let refused = claim.rename(&card, segment(1)).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    table.look(&card).unwrap();
    claim.rename(&card, segment(1)).unwrap();
    assert_eq!(claim.slot(), segment(1));
}

#[test]
fn who_works_on_a_slot_keeps_it_also_while_nobody_knows_the_card() {
    let (card, table) = known(&[spare(0), spare(1)]);
    let mut one = table.claim(spare(0), Owner::Housekeeper).unwrap();
    let _other = table.claim(spare(1), Owner::Recorder(b'F')).unwrap();
    table.forget();
    let refused = one.rename(&card, spare(1)).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(table.owner(spare(1)), Some(Owner::Recorder(b'F')));
    assert_eq!(table.owner(spare(0)), Some(Owner::Housekeeper));
}
