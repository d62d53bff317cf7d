//! What time it is, by those who say so and by what lies on the card.

use arc_swap::ArcSwap;
use picam_ring::NameTime;
use picam_time::Offer;

use super::*;
use crate::housekeeper::{Housekeeper, SlotNeeds, State};

const EARLIER: [u8; 16] = [9; 16];

fn housekeeper(parts: Parts) -> Housekeeper {
    Housekeeper {
        clock: parts.desk.clock(),
        desk: parts.desk,
        volumes: parts.volumes,
        needs: Arc::new(ArcSwap::from_pointee(SlotNeeds {
            slots: Slots::Count(20),
            cameras: Vec::new(),
        })),
        retention: None,
        impact: None,
        status: Arc::new(parts.status),
        stop: Arc::default(),
        state: State::default(),
        others: Default::default(),
    }
}

/// A round on the card; what had become of the time before it.
fn round(housekeeper: &mut Housekeeper) -> Option<Offer> {
    let (time, offer) = housekeeper.clock.news();
    assert!(housekeeper.look_after(Volume::Card, &time, offer));
    offer
}

/// Whether the segment recorded last has its time in its name, and which.
fn named(slots: &SlotTable, sequence: u32) -> NameTime {
    slots.ring(b'F', |ring| ring.find(sequence).unwrap().name.time)
}

#[test]
fn a_clock_behind_the_footage_of_earlier_boots_is_believed_last() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let now = parts.clock.now();
    drop(parts.record_in(EARLIER, Some(NOON.at_boot(now)), 2));
    let (slots, recorder) = parts.record(1);
    let sequence = recorder.last_sequence().unwrap() as u32 - 1;
    drop(recorder);
    let mut housekeeper = housekeeper(parts);
    let now = housekeeper.clock.now();
    let say = |housekeeper: &Housekeeper, utc, source| {
        housekeeper.clock.offer(said(now, utc, source));
    };
    // A receiver whose week counter has rolled over, and nobody to contradict it.
    say(&housekeeper, NOON - 24 * HOUR, TimeSource::Gps);
    assert_eq!(round(&mut housekeeper), Some(Offer::First));
    assert_eq!(housekeeper.clock.news().1, None);
    let NameTime::Utc(wrong) = named(&slots, sequence) else {
        panic!("it has no time");
    };
    assert!(wrong < NOON.seconds() - 23 * 3600);
    // A phone is believed before it, at once, and what had the wrong time gets the right one.
    say(&housekeeper, NOON + HOUR, TimeSource::Phone);
    assert_eq!(housekeeper.clock.utc(), Some(NOON + HOUR));
    assert_eq!(round(&mut housekeeper), Some(Offer::Better));
    let NameTime::Utc(right) = named(&slots, sequence) else {
        panic!("it has no time");
    };
    assert!(right > NOON.seconds() + 3500, "{right}");
}

#[test]
fn nothing_gets_the_time_of_a_clock_that_the_footage_speaks_against() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let now = parts.clock.now();
    drop(parts.record_in(EARLIER, Some(NOON.at_boot(now)), 2));
    let (slots, recorder) = parts.record(1);
    let sequence = recorder.last_sequence().unwrap() as u32 - 1;
    drop(recorder);
    let mut housekeeper = housekeeper(parts);
    let now = housekeeper.clock.now();
    for (utc, source) in [
        (NOON - 24 * HOUR, TimeSource::Gps),
        (NOON + HOUR, TimeSource::Phone),
    ] {
        housekeeper.clock.offer(said(now, utc, source));
    }
    assert_eq!(housekeeper.clock.utc(), Some(NOON - 24 * HOUR));
    round(&mut housekeeper);
    assert!(matches!(named(&slots, sequence), NameTime::Boot { .. }));
    assert_eq!(housekeeper.clock.utc(), Some(NOON + HOUR));
    assert_eq!(round(&mut housekeeper), Some(Offer::Better));
    assert!(matches!(named(&slots, sequence), NameTime::Utc(_)));
}

#[test]
fn the_footage_of_a_disk_counts_while_the_card_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    drop(parts.record(1));
    let mut housekeeper = housekeeper(parts);
    let on_disk = housekeeper.others.entry(Volume::Usb).or_default();
    on_disk.newest = Some(NOON);
    let now = housekeeper.clock.now();
    for (utc, source) in [
        (NOON - HOUR, TimeSource::Gps),
        (NOON + HOUR, TimeSource::Phone),
    ] {
        housekeeper.clock.offer(said(now, utc, source));
    }
    round(&mut housekeeper);
    assert_eq!(housekeeper.clock.utc(), Some(NOON + HOUR));
}
