use super::*;
use crate::catalog::Catalog;
use crate::name::{NameTime, SegmentName};
use crate::sequence::{digits_of, next_sequence};
use Class::*;
use proptest::prelude::*;

const SLOT: u64 = 64 << 20;

fn name(sequence: u32, class: Class) -> SegmentName {
    SegmentName {
        time: NameTime::Boot {
            number: 7,
            seconds: 0,
        },
        camera: b'F',
        class,
        sequence,
    }
}

fn catalog(classes: &[Class], spares: u32) -> Catalog {
    let mut catalog = Catalog::default();
    for (sequence, &class) in classes.iter().enumerate() {
        catalog.added(SlotName::Segment(name(sequence as u32, class)), SLOT);
    }
    for sequence in 0..spares {
        let camera = b'F';
        catalog.added(SlotName::Spare { camera, sequence }, SLOT);
    }
    catalog
}

fn choose(catalog: &Catalog, busy: &[SlotName]) -> Option<Choice> {
    next_slot(catalog.ring(b'F'), &Shares::default(), SLOT, busy)
}

fn chosen(classes: &[Class]) -> (u32, Why) {
    let choice = choose(&catalog(classes, 0), &[]).unwrap();
    match choice.slot {
        SlotName::Segment(name) => (name.sequence, choice.why),
        SlotName::Spare { .. } => panic!("{choice:?}"),
    }
}

#[test]
fn spare_slots_go_first_and_right_sized_ones_before_others() {
    let mut catalog = catalog(&[Event; 9], 2);
    assert_eq!(
        catalog.removed(SlotName::Spare {
            camera: b'F',
            sequence: 0
        }),
        Some(SLOT)
    );
    catalog.added(
        SlotName::Spare {
            camera: b'F',
            sequence: 0,
        },
        17,
    );
    let first = choose(&catalog, &[]).unwrap();
    assert_eq!(
        first.slot,
        SlotName::Spare {
            camera: b'F',
            sequence: 1
        }
    );
    assert_eq!((first.why, first.replace), (Why::Spare, false));
    let second = choose(&catalog, &[first.slot]).unwrap();
    assert_eq!(
        second.slot,
        SlotName::Spare {
            camera: b'F',
            sequence: 0
        }
    );
    assert!(second.replace);
}

#[test]
fn the_oldest_normal_goes_while_shares_hold() {
    assert_eq!(
        chosen(&[Event, Parking, Normal, Normal, Normal]),
        (2, Why::Oldest)
    );
}

#[test]
fn a_class_over_its_share_gives_its_oldest_before_older_normal_ones() {
    // 10 slots: event may have 3, manual 1, parking 1.
    let n = Normal;
    assert_eq!(
        chosen(&[n, Event, n, Event, Event, Event, n, n, n, n]),
        (1, Why::Oldest)
    );
    assert_eq!(
        chosen(&[n, Event, Event, Event, Event, Manual, Manual, Manual, n, n]),
        (1, Why::Oldest)
    );
    // What the page keeps beyond its share is given up in its turn, and no earlier.
    assert_eq!(
        chosen(&[n, Event, Event, Manual, n, Manual, Manual, Manual, n, n]),
        (0, Why::Oldest)
    );
    assert_eq!(
        chosen(&[Event, Event, Manual, n, n, Manual, Manual, Manual, n, n]),
        (2, Why::Oldest)
    );
    assert_eq!(
        chosen(&[Manual, Manual, Parking, Parking, n, n, n, n, n, n]),
        (2, Why::Oldest)
    );
}

#[test]
fn without_normal_ones_parking_goes_then_the_fullest_lock() {
    // Three slots: every class may have one.
    assert_eq!(chosen(&[Event, Parking, Manual]), (1, Why::Oldest));
    assert_eq!(chosen(&[Event, Manual, Normal]), (1, Why::Oldest));
}

#[test]
fn the_newest_is_spared_unless_nothing_else_is_left() {
    assert_eq!(chosen(&[Normal, Normal]), (0, Why::Oldest));
    assert_eq!(chosen(&[Normal]), (0, Why::LastResort));
    let two = catalog(&[Normal, Normal], 0);
    let recording = SlotName::Segment(name(1, Normal));
    let choice = choose(&two, &[recording]).unwrap();
    assert_eq!(choice.why, Why::LastResort);
    assert_eq!(choice.slot, SlotName::Segment(name(0, Normal)));
    assert_eq!(choose(&two, &[recording, choice.slot]), None);
    assert_eq!(choose(&Catalog::default(), &[]), None);
}

#[test]
fn a_wrong_sized_slot_is_replaced_when_its_turn_comes() {
    let mut catalog = catalog(&[Normal, Normal, Normal], 0);
    assert_eq!(
        catalog.removed(SlotName::Segment(name(0, Normal))),
        Some(SLOT)
    );
    assert!(!choose(&catalog, &[]).unwrap().replace);
    catalog.added(SlotName::Segment(name(0, Normal)), SLOT / 2);
    let choice = choose(&catalog, &[]).unwrap();
    assert_eq!((choice.size, choice.replace), (SLOT / 2, true));
}

#[test]
fn surplus_segments_go_one_a_turn_once_spares_are_gone() {
    let shares = Shares::default();
    let with_spare = catalog(&[Normal; 8], 1);
    assert_eq!(surplus(with_spare.ring(b'F'), &shares, 4, &[]), None);
    let full = catalog(&[Normal; 8], 0);
    let choice = surplus(full.ring(b'F'), &shares, 7, &[]).unwrap();
    assert_eq!(choice.slot, SlotName::Segment(name(0, Normal)));
    assert_eq!(surplus(full.ring(b'F'), &shares, 8, &[]), None);
}

#[test]
fn a_lock_that_fills_its_share_is_announced() {
    let shares = Shares::default();
    let warned = |events: usize| {
        let mut classes = vec![Event; events];
        classes.resize(20, Normal);
        share_warnings(catalog(&classes, 0).ring(b'F'), &shares)
    };
    // 20 slots: 6 for events; 80 % of them is 4.8.
    let nothing: [&str; 0] = [];
    assert_eq!(warned(0), nothing);
    assert_eq!(warned(4), nothing);
    let [warning] = &warned(5)[..] else { panic!() };
    assert!(warning.starts_with("5 of 6 slots for event footage are taken; once"));
    assert!(warned(6)[0].contains("overwritten next"));
    // What the page kept becomes normal footage.
    let kept = share_warnings(catalog(&[Manual; 20], 0).ring(b'F'), &shares);
    assert!(kept[0].contains("the oldest is kept no longer next"));
    // A class without a share or footage says nothing.
    let none = Shares {
        event: 0.0,
        ..shares
    };
    assert_eq!(
        share_warnings(catalog(&[Normal; 20], 0).ring(b'F'), &none),
        nothing
    );
}

fn any_class() -> impl Strategy<Value = Class> {
    prop_oneof![4 => Just(Normal), 2 => Just(Event), 1 => Just(Parking), 1 => Just(Manual)]
}

fn any_shares() -> impl Strategy<Value = Shares> {
    (0u8..=30, 0u8..=30, 0u8..=30).prop_map(|(event, manual, parking)| Shares {
        event: f64::from(event) / 100.0,
        manual: f64::from(manual) / 100.0,
        parking: f64::from(parking) / 100.0,
    })
}

proptest! {
    #[test]
    fn a_choice_keeps_every_promise(
        classes in proptest::collection::vec(any_class(), 0..60),
        spares in 0u32..3,
        busy in proptest::collection::vec(0u32..60, 0..4),
        shares in any_shares(),
    ) {
        let catalog = catalog(&classes, spares);
        let ring = catalog.ring(b'F');
        let busy: Vec<SlotName> = busy
            .iter()
            .filter_map(|&n| Some(ring.segments().get(n as usize)?.slot()))
            .collect();
        let free: Vec<&Segment> =
            ring.segments().iter().filter(|s| !busy.contains(&s.slot())).collect();
        let Some(choice) = next_slot(ring, &shares, SLOT, &busy) else {
            prop_assert!(free.is_empty() && spares == 0);
            return Ok(());
        };
        prop_assert!(!busy.contains(&choice.slot));
        let SlotName::Segment(victim) = choice.slot else {
            prop_assert!(spares > 0);
            return Ok(());
        };
        prop_assert_eq!(spares, 0);
        let newest = free.last().unwrap().name;
        prop_assert_eq!(victim == newest, choice.why == Why::LastResort);
        if choice.why == Why::LastResort {
            prop_assert_eq!(free.len(), 1);
            return Ok(());
        }
        let over = |class| ring.count(class) > shares.limit(class, ring.len());
        let candidates = &free[..free.len() - 1];
        let first_of_class = candidates.iter().find(|s| s.name.class == victim.class).unwrap();
        prop_assert_eq!(first_of_class.name, victim);
        if victim.class.is_locked() && !over(victim.class) {
            prop_assert!(candidates.iter().all(|s| s.name.class.is_locked()));
        }
        if victim.class == Normal {
            let behind = |s: &Segment| s.name.class == Manual && s.name.sequence > victim.sequence;
            prop_assert!(candidates.iter().all(|s| s.name.class == Normal || behind(s) || !over(s.name.class)));
        }
    }

    #[test]
    fn recording_keeps_every_class_near_its_share(
        slots in 3usize..40,
        first in 0u64..2_000_000,
        classes in proptest::collection::vec(any_class(), 1..400),
        shares in any_shares(),
    ) {
        let mut catalog = Catalog::default();
        let mut newest = first;
        for _ in 0..slots {
            newest += 1;
            catalog.added(SlotName::Segment(name(digits_of(newest), Normal)), SLOT);
        }
        for class in classes {
            let before = catalog.ring(b'F').newest().unwrap().slot();
            let choice = next_slot(catalog.ring(b'F'), &shares, SLOT, &[]).unwrap();
            prop_assert_ne!(choice.slot, before);
            let sequence = next_sequence(Some(newest), |n| catalog.ring(b'F').find(n).is_some());
            newest = sequence;
            let to = name(digits_of(sequence), class);
            catalog.renamed(choice.slot, SlotName::Segment(to));
            let ring = catalog.ring(b'F');
            prop_assert_eq!(ring.len(), slots);
            prop_assert_eq!(ring.newest().unwrap().name, to);
            let excess = |class| ring.count(class).saturating_sub(shares.limit(class, slots));
            // Of manual ones there may be more: they have their turn among normal ones.
            let excess = excess(Event) + excess(Parking);
            // One too many until the next turn; one more if a class may have none at all and its
            // only segment is the newest, which is never given up.
            let none = [shares.event, shares.manual, shares.parking].contains(&0.0);
            prop_assert!(excess <= 1 + usize::from(none), "{excess}");
        }
        let last = catalog.ring(b'F').newest().unwrap().name.sequence;
        prop_assert_eq!(digits_of(newest), last);
    }
}
