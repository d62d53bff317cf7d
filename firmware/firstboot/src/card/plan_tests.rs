use proptest::prelude::*;

use super::super::geometry::MIB;
use super::super::mbr::SECTOR;
use super::*;
use crate::bytes::put;

const EMPTY: Entry = Entry {
    kind: 0,
    start: 0,
    sectors: 0,
};

fn entry(kind: u8, start: u64, sectors: u64) -> Entry {
    Entry {
        kind,
        start: (start * MIB) as u32,
        sectors: (sectors * MIB) as u32,
    }
}

/// The table that the image has.
fn image() -> Mbr {
    let mut sector = [0xa5; SECTOR];
    put(&mut sector, 0x1be, &[0; 64]);
    put(&mut sector, 0x1fe, &[0x55, 0xaa]);
    Mbr::parse(sector)
        .unwrap()
        .with(Primary::Boot, entry(FAT32, 4, 256))
        .with(Primary::Footage, entry(RESERVED, 260, 4))
        .with(Primary::Root, entry(RESERVED, 264, 512))
        .with(Primary::Extended, entry(EXTENDED, 776, 776))
}

/// Cards of earlier images have a root of type Linux.
#[test]
fn both_types_of_a_root_are_ours_and_no_other() {
    for kind in [RESERVED, LINUX] {
        let table = image().with(Primary::Root, entry(kind, 264, 512));
        assert_eq!(State::of(&table), Ok(State::Placeholder), "{kind:#x}");
    }
    for kind in [EXFAT, FAT32, EXTENDED, 0x82] {
        let table = image().with(Primary::Root, entry(kind, 264, 512));
        assert!(State::of(&table).is_err(), "{kind:#x}");
    }
}

fn card() -> Card {
    Card::new(8_000_000_000 / 512, None)
}

fn at(start: u64, volume: bool, marker: Option<Marker>) -> Found {
    let volume = volume.then_some(Volume {
        sectors: 1000 * MIB,
        sound: true,
        on_backup: false,
    });
    Found {
        start: start * MIB,
        volume,
        marker,
    }
}

/// What is decided, and the second entry of the table that is written.
fn decide(table: &Mbr, found: Found, erase: Erase) -> (Next, Entry) {
    let state = State::of(table).unwrap();
    let next = next(table, state, &card(), &[found], erase).unwrap();
    let written = match &next {
        Next::WriteTable { table, .. } | Next::Format { table, .. } => table,
        Next::Done(_) | Next::ClearMarker(_) | Next::Restore(_) => table,
    };
    let entry = written.entry(Primary::Footage);
    (next, entry)
}

fn why(next: &Next) -> Option<Why> {
    match next {
        Next::WriteTable { why, .. } => Some(*why),
        _ => None,
    }
}

const NOTHING: Option<Marker> = None;

#[test]
fn a_blank_card_goes_through_formatting_to_footage() {
    let nothing = at(1600, false, NOTHING);
    let mut table = image();
    let (begin, entry) = decide(&table, nothing, Erase::No);
    assert_eq!(why(&begin), Some(Why::Begin));
    assert_eq!((entry.kind, u64::from(entry.start)), (RESERVED, 1600 * MIB));
    table = table.with(Primary::Footage, entry);
    // Whatever lies there by then: the format was begun, or cut off.
    for cut in [
        nothing,
        at(1600, true, Some(Marker::Unfinished)),
        at(1600, true, None),
    ] {
        let (format, footage) = decide(&table, cut, Erase::No);
        assert!(matches!(format, Next::Format { marker: None, .. }));
        assert_eq!(
            footage,
            Entry {
                kind: EXFAT,
                ..entry
            }
        );
        table = image().with(Primary::Footage, entry);
    }
    table = table.with(
        Primary::Footage,
        Entry {
            kind: EXFAT,
            ..entry
        },
    );
    let (done, _) = decide(&table, at(1600, true, NOTHING), Erase::No);
    assert!(matches!(done, Next::Done(_)));
}

#[test]
fn footage_that_lies_there_is_kept_unless_its_erasure_is_asked_for() {
    let footage = at(1600, true, NOTHING);
    for erase in [Erase::No, Erase::Unknown] {
        let (keep, entry) = decide(&image(), footage, erase);
        assert!(matches!(why(&keep), Some(Why::Keep(_))));
        assert_eq!((entry.kind, u64::from(entry.start)), (EXFAT, 1600 * MIB));
    }
    let (begin, _) = decide(&image(), footage, Erase::Asked(1));
    assert_eq!(why(&begin), Some(Why::Begin));
    let unfinished = at(1600, true, Some(Marker::Unfinished));
    let (begin, _) = decide(&image(), unfinished, Erase::No);
    assert_eq!(why(&begin), Some(Why::Begin), "half an exFAT is no footage");
}

#[test]
fn footage_is_found_where_another_allocation_unit_had_put_it() {
    let state = State::of(&image()).unwrap();
    let found = [at(1608, false, NOTHING), at(1600, true, NOTHING)];
    let odd = Card::new(1 << 27, Some(12 << 20));
    let Next::WriteTable { table, why } = next(&image(), state, &odd, &found, Erase::No).unwrap()
    else {
        panic!()
    };
    assert!(matches!(why, Why::Keep(_)));
    assert_eq!(u64::from(table.entry(Primary::Footage).start), 1600 * MIB);
}

#[test]
fn a_request_is_met_once() {
    let kept = card().footage(EXFAT, 1600 * MIB).unwrap();
    let mut table = image().with(Primary::Footage, kept);
    let (erase, entry) = decide(&table, at(1600, true, NOTHING), Erase::Asked(7));
    assert_eq!(why(&erase), Some(Why::Erase));
    table = table.with(Primary::Footage, entry);
    let (format, entry) = decide(&table, at(1600, true, NOTHING), Erase::Asked(7));
    let done = Some(Marker::Erased(7));
    assert!(matches!(format, Next::Format { marker, .. } if marker == done));
    table = table.with(Primary::Footage, entry);
    assert_eq!(entry, kept);
    // The settings stage could not take the request out of picam.toml.
    for erase in [Erase::Asked(7), Erase::Unknown] {
        let (next, _) = decide(&table, at(1600, true, done), erase);
        assert!(matches!(next, Next::Done(_)), "{next:?}");
    }
    let (next, _) = decide(&table, at(1600, true, done), Erase::Asked(8));
    assert_eq!(why(&next), Some(Why::Erase), "another request");
    // It was taken out: should the very same file come back, it is a new request.
    let (next, _) = decide(&table, at(1600, true, done), Erase::No);
    assert_eq!(next, Next::ClearMarker(1600 * MIB));
    // An image flashed over a card whose request had been met finds new footage.
    let (next, _) = decide(&image(), at(1600, true, done), Erase::Asked(7));
    assert!(matches!(why(&next), Some(Why::Keep(_))));
}

#[test]
fn a_stale_note_does_not_condemn_footage() {
    let kept = card().footage(EXFAT, 1600 * MIB).unwrap();
    let table = image().with(Primary::Footage, kept);
    for erase in [Erase::No, Erase::Unknown] {
        let (next, _) = decide(&table, at(1600, true, Some(Marker::Unfinished)), erase);
        assert_eq!(next, Next::ClearMarker(1600 * MIB));
    }
}

#[test]
fn a_card_copied_to_one_of_another_size_is_formatted_as_it_is() {
    let other = entry(RESERVED, 1600, 20_000);
    let table = image().with(Primary::Footage, other);
    let (next, resized) = decide(&table, at(1600, false, NOTHING), Erase::No);
    assert_eq!(why(&next), Some(Why::Resize));
    assert!(resized.end() <= card().sectors);
}

#[test]
fn what_its_owner_made_of_the_partition_is_left_alone() {
    for kind in [EXFAT, 0x0c, 0x83, 0xaf] {
        let table = image().with(Primary::Footage, entry(kind, 1600, 5000));
        let (next, _) = decide(&table, at(1600, false, NOTHING), Erase::No);
        assert!(matches!(next, Next::Done(_)));
    }
}

#[test]
fn a_missing_second_entry_is_a_placeholder() {
    let table = image().with(Primary::Footage, EMPTY);
    assert_eq!(State::of(&table), Ok(State::Placeholder));
}

#[test]
fn disks_of_others_are_refused_with_a_reason() {
    let with = |primary, other| State::of(&image().with(primary, other));
    for (disk, word) in [
        (with(Primary::Boot, EMPTY), "no partition 1"),
        (
            with(Primary::Boot, entry(EXFAT, 4, 256)),
            "partition 1 (type 0x07",
        ),
        (with(Primary::Root, EMPTY), "no partition 3"),
        (
            with(Primary::Root, entry(EXFAT, 264, 512)),
            "partition 3 (type 0x07",
        ),
        (with(Primary::Extended, EMPTY), "no partition 4"),
        (
            with(Primary::Extended, entry(EXTENDED, 776, 900)),
            "partition 4",
        ),
        (
            with(Primary::Footage, entry(EXFAT, 260, 4)),
            "partition 2 (type 0x07",
        ),
    ] {
        let error = disk.unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("flash"), "{error}");
    }
    let small = Card::new(1700 * MIB, None);
    let nothing = [at(1600, false, NOTHING)];
    let refused = next(&image(), State::Placeholder, &small, &nothing, Erase::No);
    assert!(matches!(refused, Err(Refusal::TooSmall(_))));
}

proptest! {
    /// From any table and any findings: no footage is ever given up unasked, everything ends in Done
    /// after a few steps, and no other entry changes.
    #[test]
    fn no_table_leads_astray(
        kind in prop_oneof![Just(RESERVED), Just(EXFAT), any::<u8>()],
        start in prop_oneof![0..1600_u64, Just(1600), 1600..4000_u64],
        length in 0..9000_u64,
        volume in any::<bool>(),
        on_backup in any::<bool>(),
        marker in prop_oneof![Just(None), Just(Some(Marker::Unfinished)), Just(Some(Marker::Erased(5)))],
        erase in prop_oneof![Just(Erase::No), Just(Erase::Unknown), Just(Erase::Asked(5)), Just(Erase::Asked(6))],
    ) {
        let mut table = image().with(Primary::Footage, entry(kind, start, length));
        let Ok(first) = State::of(&table) else { return Ok(()) };
        let is_footage = matches!(first, State::Footage(_));
        let mut found = at(if is_footage { start } else { 1600 }, volume, marker);
        if let Some(volume) = &mut found.volume {
            volume.on_backup = on_backup;
        }
        for _ in 0..6 {
            let state = State::of(&table).unwrap();
            match next(&table, state, &card(), &[found], erase) {
                // Too little room behind where it starts.
                Err(_) => return Ok(()),
                Ok(Next::Done(_)) => return Ok(()),
                Ok(Next::WriteTable { table: new, .. }) => {
                    for other in [Primary::Boot, Primary::Root, Primary::Extended] {
                        prop_assert_eq!(new.entry(other), table.entry(other));
                    }
                    let gives_up = matches!(state, State::Footage(_));
                    prop_assert!(!gives_up || matches!(erase, Erase::Asked(_)));
                    table = new;
                }
                Ok(Next::Format { marker, table: new, .. }) => {
                    let real = volume && !matches!(found.marker, Some(Marker::Unfinished));
                    let asked = matches!(erase, Erase::Asked(_)) || kind == RESERVED && start >= 1600;
                    prop_assert!(!real || asked, "footage formatted away");
                    found.marker = marker;
                    table = new;
                }
                Ok(Next::ClearMarker(_)) => found.marker = None,
                Ok(Next::Restore(_)) => found.volume.as_mut().unwrap().on_backup = false,
            }
        }
        prop_assert!(false, "no end");
    }
}

#[test]
fn a_torn_boot_region_is_restored_where_the_backup_fits() {
    let footage = entry(EXFAT, 1600, 1000);
    let table = image().with(Primary::Footage, footage);
    let torn = |sectors, marker| {
        let volume = Some(Volume {
            sectors,
            sound: true,
            on_backup: true,
        });
        Found {
            volume,
            ..at(1600, false, marker)
        }
    };
    for erase in [Erase::No, Erase::Unknown] {
        let (restore, _) = decide(&table, torn(1000 * MIB, NOTHING), erase);
        assert_eq!(restore, Next::Restore(footage));
    }
    // A longer one is another volume's, as on a copy of a larger card.
    let (done, _) = decide(&table, torn(1000 * MIB + 1, NOTHING), Erase::No);
    assert_eq!(done, Next::Done(footage));
    // What is to be erased, or was never finished, is not mended.
    let (erased, _) = decide(&table, torn(1000 * MIB, NOTHING), Erase::Asked(1));
    assert_eq!(why(&erased), Some(Why::Erase));
}
