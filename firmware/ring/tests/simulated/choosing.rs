//! Which slot the next segment goes into when slots fail, vanish or cannot be made.

use picam_ring::{Directory, MIN_SLOTS, Needs, Owner, SlotName, SlotTable, look};

use super::refusing_card::{Camera, Card, Creation, SLOT_SIZE, segments, sequences};

const fn spare(sequence: u32) -> SlotName {
    SlotName::Spare {
        camera: b'F',
        sequence,
    }
}

/// A card with so many spare slots, and a camera that shall have as many.
fn camera(slots: u32) -> (Card, SlotTable, Camera<Card>) {
    let card = Card::new();
    for n in 0..slots {
        card.create(&spare(n).to_string(), SLOT_SIZE).unwrap();
    }
    let table = SlotTable::default();
    let camera = Camera::new(&card, slots as usize, &table, 1);
    (card, table, camera)
}

/// Whether a slot is as it was made.
fn is_blank(card: &Card, slot: SlotName) -> bool {
    let image = card.disk.image();
    image.files[&slot.to_string()].iter().all(|&byte| byte == 0)
}

#[test]
fn rather_than_a_slot_that_forgets_the_newest_footage_is_recorded_over() {
    let (card, table, mut camera) = camera(2);
    while camera.n < 45 {
        camera.turn();
    }
    camera.recorder.finish().unwrap();
    table.set_aside(spare(1));
    let until = camera.now.seconds() + 20;
    camera.until(until);
    let newest = sequences(&card);
    assert!(newest.len() == 1 && newest[0] > 4, "{newest:?}");
    assert!(is_blank(&card, spare(1)), "it was recorded into");
}

#[test]
fn a_slot_that_forgets_is_recorded_into_where_every_slot_does() {
    let (card, table, mut camera) = camera(2);
    while camera.n < 45 {
        camera.turn();
    }
    camera.recorder.finish().unwrap();
    table.set_aside(SlotName::Segment(segments(&card)[0]));
    table.set_aside(spare(1));
    let until = camera.now.seconds() + 10;
    while sequences(&card).len() < 2 {
        camera.turn();
        assert!(camera.now.seconds() < until, "it records no more");
    }
    assert_eq!(sequences(&card), [1, 2]);
}

#[test]
fn footage_makes_room_for_slots_that_cannot_be_made_only_where_there_are_enough() {
    for (slots, goes_on) in [
        (MIN_SLOTS - 1, false),
        (MIN_SLOTS, true),
        (MIN_SLOTS + 1, true),
    ] {
        let card = Card::new();
        let mut camera = Camera::new(&card, 16, &SlotTable::default(), 1);
        while segments(&card).len() < slots {
            camera.turn();
        }
        let before = sequences(&card);
        let refused = (0..10_000).map(|_| Creation::Refused);
        card.faults.borrow_mut().creations.extend(refused);
        camera.until(120);
        assert_eq!(sequences(&card) != before, goes_on, "{slots} slots");
    }
}

#[test]
fn a_slot_that_was_taken_away_is_forgotten_and_the_next_one_taken() {
    let (card, table, mut camera) = camera(4);
    card.disk.remove(&spare(0).to_string()).unwrap();
    for _ in 0..45 {
        assert!(camera.turn());
    }
    assert_eq!(camera.skipped, 0);
    assert_eq!(sequences(&card), [1]);
    assert_eq!(table.failed_slots(b'F'), 0);
    assert_eq!(table.catalog().size_of(spare(0)), None);
}

#[test]
fn a_slot_that_failed_counts_as_failed_until_it_takes_what_is_written_to_it() {
    let (card, table, mut camera) = camera(4);
    let bad = spare(2);
    card.faults.borrow_mut().bad = Some(bad.to_string());
    while !table.has_failed(bad) {
        camera.turn();
        assert!(camera.now.seconds() < 20, "it never failed");
    }
    let until = camera.now.seconds() + 60;
    while camera.now.seconds() < until {
        camera.turn();
        assert!(table.has_failed(bad), "at {}", camera.now.seconds());
    }
    assert!(
        sequences(&card).last() > Some(&10),
        "it records all the same"
    );
    card.faults.borrow_mut().bad = None;
    let until = camera.now.seconds() + 30;
    while table.has_failed(bad) {
        camera.turn();
        assert!(camera.now.seconds() < until, "it is never tried again");
    }
    camera.until(until);
    assert_eq!(segments(&card).len(), 4);
}

#[test]
fn a_slot_in_which_no_picture_was_recorded_yet_holds_no_footage() {
    let (card, table, mut camera) = camera(4);
    camera.turn();
    assert!(!is_blank(&card, spare(0)), "a segment was begun");
    drop(camera);
    let seen = look(&card, spare(0)).unwrap();
    assert_eq!((seen.needs, seen.start), (Needs::Nothing, None));
    // The next recorder uses it.
    let mut camera = Camera::new(&card, 4, &table, 2);
    camera.turn();
    assert_eq!(table.owner(spare(0)), Some(Owner::Recorder(b'F')));
}
