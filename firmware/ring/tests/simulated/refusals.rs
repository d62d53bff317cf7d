//! What a card that refuses costs: hardly any old footage, and nothing once it works again.

use picam_ring::{Directory, SlotName, SlotTable};

use super::refusing_card::{Camera, Card, SLOT_SIZE, full_ring, given_up, segments, sequences};

#[test]
fn fifteen_seconds_of_failing_flushes_cost_almost_no_old_footage() {
    let (card, mut camera) = full_ring();
    let before = sequences(&card);
    card.faults.borrow_mut().flushes = true;
    let began = camera.now.seconds();
    camera.until(began + 15);
    let lost = given_up(&before, &sequences(&card));
    assert!(lost <= 2, "{lost} of {} segments given up", before.len());
    card.faults.borrow_mut().flushes = false;
    // Two minutes later the ring uses every slot.
    camera.until(began + 135);
    assert_eq!(card.list().unwrap().len(), 20);
    let now = sequences(&card);
    let newest = *now.last().unwrap();
    assert!(now.len() >= 19, "{now:?}");
    // A ring that is used whole has no segment older than its length.
    assert!(
        now.iter().all(|sequence| sequence + 21 >= newest),
        "{now:?}"
    );
}

#[test]
fn failing_writes_cost_one_old_segment_and_then_ever_fewer() {
    let (card, mut camera) = full_ring();
    let before = sequences(&card);
    let began = camera.now.seconds();
    // A flush of what was not written succeeds.
    card.faults.borrow_mut().writes = true;
    camera.until(began + 60);
    // After 1, 9, 25 and 57 seconds.
    let lost = given_up(&before, &sequences(&card));
    assert!(
        lost <= 4,
        "{lost} of {} segments given up in a minute",
        before.len()
    );
}

#[test]
fn a_slot_that_fails_is_gone_around_and_taken_up_again_once_it_works() {
    let card = Card::new();
    let table = SlotTable::default();
    let spare = |sequence| {
        SlotName::Spare {
            camera: b'F',
            sequence,
        }
        .to_string()
    };
    for n in 0..8 {
        card.create(&spare(n), SLOT_SIZE).unwrap();
    }
    card.faults.borrow_mut().bad = Some(spare(0));
    let mut camera = Camera::new(&card, 8, &table, 1);
    camera.until(20);
    assert!(sequences(&card).len() > 3, "{:?}", sequences(&card));
    assert!(
        card.list()
            .unwrap()
            .iter()
            .any(|entry| entry.name == spare(0))
    );
    assert_eq!(table.failed_slots(b'F'), 1);
    let skipped = camera.skipped;
    card.faults.borrow_mut().bad = None;
    camera.until(90);
    assert_eq!(table.failed_slots(b'F'), 0);
    assert_eq!(camera.skipped, skipped);
    assert_eq!(sequences(&card).len(), 8);
}

#[test]
fn the_newest_footage_is_not_given_up_before_a_slot_that_failed() {
    let card = Card::new();
    card.disk.hold(2);
    let table = SlotTable::default();
    let mut camera = Camera::new(&card, 2, &table, 1);
    while segments(&card).len() < 2 {
        camera.turn();
    }
    while sequences(&card).last() < Some(&3) {
        camera.turn();
    }
    let newest = *sequences(&card).last().unwrap();
    card.faults.borrow_mut().writes = true;
    let now = camera.now.seconds();
    camera.until(now + 8);
    card.faults.borrow_mut().writes = false;
    camera.until(now + 12);
    let kept = sequences(&card);
    assert!(
        kept.iter().any(|sequence| *sequence >= newest),
        "{newest}: {kept:?}"
    );
}
