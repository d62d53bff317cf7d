//! Orders, from whoever gives them to the segments that they are about.

use picam_control::orders::{Order, OrderSpan, OrderTaker, Why};
use picam_control::status::StatusSource;
use picam_ring::{Class, Extent, Owner, SegmentName, SlotName};

use super::*;
use crate::locker::Locker;
use crate::orders::{Deletion, Ledger, Orders, Origin, Span};

/// The shortest time there is.
const MOMENT: Duration = Duration::from_nanos(1);

/// Ids of the finished segments, the oldest first, and of the one being recorded.
fn ids(slots: &SlotTable) -> Vec<String> {
    names(slots)
        .iter()
        .map(|name| format!("F{:06}", name.sequence))
        .collect()
}

fn names(slots: &SlotTable) -> Vec<SegmentName> {
    slots.ring(b'F', |ring| {
        ring.segments().iter().map(|segment| segment.name).collect()
    })
}

fn classes(slots: &SlotTable) -> Vec<Class> {
    names(slots).iter().map(|name| name.class).collect()
}

fn lock(parts: &Parts, id: &str, span: OrderSpan, origin: Origin) -> Result<(), Why> {
    let done = parts.desk.lock(id.into(), &span, "a test".into(), origin);
    done.map_err(|denied| denied.why)
}

fn segment(id: &str) -> OrderSpan {
    OrderSpan::Segment(id.into())
}

fn page(parts: &Parts, order: Order) -> Result<(), Why> {
    parts.desk.order_of_page(order).map_err(|denied| denied.why)
}

fn delete(parts: &Parts, id: &str) -> Result<(), Why> {
    page(parts, Order::Delete { segment: id.into() })
}

/// What the housekeeper does with orders.
fn carry_out(parts: &Parts, slots: &SlotTable) {
    let (directory, _, _) = parts.volumes.get(Volume::Card).beside().unwrap();
    let mut locker = Locker::default();
    let desk = &parts.desk;
    locker.lock(&directory, slots, desk, Volume::Card).unwrap();
    locker
        .give_up(&directory, slots, desk, Volume::Card, None)
        .unwrap();
}

#[test]
fn a_locked_segment_is_renamed_and_its_neighbours_are_not() {
    use Class::{Event, Manual, Normal};

    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let (slots, _recorder) = parts.record(4);
    let known = ids(&slots);
    assert_eq!(known.len(), 5);
    assert!(!parts.desk.has_news());
    // Whoever carries it out is woken.
    parts.desk.wake(std::thread::current());
    lock(&parts, "a", segment(&known[1]), Origin::Impact).unwrap();
    let begun = std::time::Instant::now();
    std::thread::park_timeout(HOUR);
    assert!(begun.elapsed() < HOUR);
    assert!(parts.desk.has_news() && !parts.desk.has_news());
    let order = &parts.desk.locks()[0];
    let Span::Boot { id, from, to } = order.span else {
        panic!("{order:?}");
    };
    // A quarter of its second is left out at both ends.
    assert_eq!((id, to.since(from)), (boot_id(), SECOND / 2));
    let second = BootNs::from_secs(from.seconds());
    assert_eq!(from.since(second), SECOND / 4);
    carry_out(&parts, &slots);
    assert_eq!(classes(&slots), [Normal, Event, Normal, Normal, Normal]);
    lock(&parts, "b", segment(&known[3]), Origin::Page).unwrap();
    // The page moves nothing that it has no hold on.
    lock(&parts, "c", segment(&known[1]), Origin::Page).unwrap();
    carry_out(&parts, &slots);
    assert_eq!(classes(&slots), [Normal, Event, Normal, Manual, Normal]);
    // Half a minute after their end nobody looks for more.
    assert_eq!(parts.desk.locks_of(Volume::Card).len(), 3);
    assert!(parts.desk.locks_of(Volume::Usb).is_empty());
    parts.clock.turn(31 * SECOND);
    carry_out(&parts, &slots);
    assert!(parts.desk.locks().is_empty());
    lock(&parts, "a", segment(&known[0]), Origin::Impact).unwrap();
    assert!(
        parts.desk.locks().is_empty(),
        "an order is carried out once"
    );
}

#[test]
fn what_is_being_recorded_learns_its_class() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let (slots, recorder) = parts.record(2);
    let (started, utc) = recorder.started().unwrap();
    let class = || parts.desk.class_of(started, utc);
    assert_eq!(class(), None);
    lock(&parts, "a", segment(&ids(&slots)[0]), Origin::Impact).unwrap();
    assert_eq!(class(), None);
    let now = parts.clock.now();
    let span = |from, to| OrderSpan::Boot { from, to };
    // What is still to come is none of it yet.
    lock(
        &parts,
        "b",
        span(now + SECOND, now + 9 * SECOND),
        Origin::Page,
    )
    .unwrap();
    assert_eq!(class(), None);
    lock(
        &parts,
        "c",
        span(now.shifted_ns(-1), now + SECOND),
        Origin::Page,
    )
    .unwrap();
    assert_eq!(class(), Some(Class::Manual));
    lock(&parts, "d", span(now.shifted_ns(-1), now), Origin::Impact).unwrap();
    assert_eq!(class(), Some(Class::Event));
    // Named by its id: up to now.
    let newest = ids(&slots).pop().unwrap();
    lock(&parts, "e", segment(&newest), Origin::Page).unwrap();
    let last = parts.desk.locks().pop().unwrap();
    let Span::Boot { from, to, .. } = last.span else {
        panic!("{last:?}");
    };
    assert!(from > started && to < now, "{last:?}");
}

#[test]
fn what_cannot_be_locked_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut plan = plan(directory.path());
    plan.shares.manual = 0.0;
    let parts = parts(&plan);
    // Nobody records yet.
    let span = OrderSpan::Boot {
        from: BootNs::ZERO,
        to: BootNs(1),
    };
    assert_eq!(
        lock(&parts, "a", span.clone(), Origin::Impact),
        Err(Why::Unavailable)
    );
    let (slots, _recorder) = parts.record(1);
    assert_eq!(
        lock(&parts, "a", span.clone(), Origin::Page),
        Err(Why::Refused)
    );
    assert_eq!(lock(&parts, "a", span, Origin::Impact), Ok(()));
    let known = &ids(&slots)[0];
    for id in [
        "", "F", "X000000", "F00000", "F00000a", "F0000000", "F+00000", "F999999",
    ] {
        assert_eq!(
            lock(&parts, "b", segment(id), Origin::Impact),
            Err(Why::NoSegment),
            "{id}"
        );
        assert_eq!(
            parts.desk.unlock(id).map_err(|no| no.why),
            Err(Why::NoSegment),
            "{id}"
        );
        assert_eq!(delete(&parts, id), Err(Why::NoSegment), "{id}");
    }
    // There is no disk, and nothing on it.
    let on_disk = format!("{known}u");
    let lock_there = |parts: &Parts| lock(parts, "b", segment(&on_disk), Origin::Impact);
    let restore = Order::Restore {
        segment: on_disk.clone(),
    };
    assert_eq!(lock_there(&parts), Err(Why::NoSegment));
    assert_eq!(delete(&parts, &on_disk), Err(Why::NoSegment));
    assert_eq!(page(&parts, restore), Ok(()));
    drop(parts);
    // One that is away may come back.
    plan.disk = Some(directory.path().join("disk"));
    let parts = super::parts(&plan);
    assert_eq!(lock_there(&parts), Err(Why::Unavailable));
    assert_eq!(delete(&parts, &on_disk), Err(Why::Unavailable));
}

#[test]
fn a_segment_is_unlocked_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let (slots, recorder) = parts.record(3);
    let known = ids(&slots);
    let span = OrderSpan::Boot {
        from: BootNs::ZERO,
        to: parts.clock.now() + SECOND,
    };
    lock(&parts, "a", span.clone(), Origin::Impact).unwrap();
    carry_out(&parts, &slots);
    assert_eq!(classes(&slots)[..3], [Class::Event; 3]);
    parts.desk.unlock(&known[1]).unwrap();
    assert_eq!(
        classes(&slots)[..3],
        [Class::Event, Class::Normal, Class::Event]
    );
    carry_out(&parts, &slots);
    assert_eq!(classes(&slots)[1], Class::Normal);
    parts.desk.unlock(&known[1]).unwrap();
    // Its recorder holds the newest.
    let mut recorder = recorder;
    recorder.lock(Class::Event).unwrap();
    let refused = parts.desk.unlock(&known[3]).unwrap_err();
    assert_eq!(refused.why, Why::Refused);
    assert!(
        refused.reason.contains("being recorded"),
        "{}",
        refused.reason
    );
}

#[test]
fn a_deletion_waits_for_a_day_and_can_be_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let (slots, _recorder) = parts.record(4);
    let known = ids(&slots);
    assert!(!parts.desk.has_deletions(Volume::Card));
    assert_eq!(
        delete(&parts, &known[4]),
        Err(Why::Refused),
        "it is being recorded"
    );
    for id in &known[..3] {
        delete(&parts, id).unwrap();
    }
    assert!(parts.desk.has_deletions(Volume::Card));
    assert!(!parts.desk.has_deletions(Volume::Usb));
    page(
        &parts,
        Order::Restore {
            segment: known[1].clone(),
        },
    )
    .unwrap();
    // Whoever wants to keep it does not want it gone.
    lock(&parts, "a", segment(&known[2]), Origin::Page).unwrap();
    let waiting = parts.desk.deletions();
    assert_eq!(waiting.len(), 1);
    let shown = parts.status.status().unwrap().deletions;
    let shown: Vec<_> = shown.iter().map(|d| (&*d.segment, d.in_s)).collect();
    assert_eq!(shown, [(&*known[0], 24 * 3600)]);
    assert_eq!(
        (waiting[0].0, &waiting[0].1.segment),
        (Volume::Card, &known[0])
    );
    parts.clock.turn(24 * HOUR - MOMENT);
    carry_out(&parts, &slots);
    assert_eq!(ids(&slots), known);
    parts.clock.turn(MOMENT);
    carry_out(&parts, &slots);
    assert_eq!(ids(&slots), known[1..]);
    assert!(parts.desk.deletions().is_empty());
}

#[test]
fn orders_outlive_whoever_took_them() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let now = {
        let parts = parts(&plan);
        let (slots, _recorder) = parts.record(2);
        let known = ids(&slots);
        lock(&parts, "a", segment(&known[0]), Origin::Impact).unwrap();
        delete(&parts, &known[1]).unwrap();
        // Written down every ten minutes.
        parts.clock.turn(HOUR / 6 - MOMENT);
        parts.desk.pass(Volume::Card, None).unwrap();
        parts.clock.now()
    };
    let ran = |parts: &Parts| {
        assert!(parts.desk.locks().is_empty(), "nobody has looked yet");
        let _ = parts.volumes.get(Volume::Card).open().unwrap();
        parts.desk.pass(Volume::Card, None).unwrap();
        assert_eq!(parts.desk.locks().len(), 1);
        parts.desk.deletions()[0].1.ran
    };
    {
        let parts = parts(&plan);
        assert_eq!(ran(&parts), Duration::ZERO);
        parts.clock.turn(HOUR / 6);
        parts.desk.pass(Volume::Card, None).unwrap();
    }
    assert_eq!(ran(&parts(&plan)), HOUR / 6);
    assert!(now > BootNs::ZERO + HOUR / 6);
}

#[test]
fn a_pause_ends_when_it_is_over_or_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    assert!(!parts.desk.is_paused());
    page(&parts, Order::Pause { seconds: 10 }).unwrap();
    assert_eq!(parts.desk.paused_for(), Some(10 * SECOND));
    parts.clock.turn(10 * SECOND - MOMENT);
    assert!(parts.desk.is_paused());
    parts.clock.turn(MOMENT);
    assert!(!parts.desk.is_paused());
    page(&parts, Order::Pause { seconds: 10 }).unwrap();
    page(&parts, Order::Resume {}).unwrap();
    assert!(!parts.desk.is_paused());
}

#[test]
fn the_page_orders_at_a_pace() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let (_slots, _recorder) = parts.record(1);
    let taker: &dyn OrderTaker = &*parts.desk;
    let restore = || {
        let order = Order::Restore {
            segment: "F999999".into(),
        };
        taker.order(order).map_err(|denied| denied.why)
    };
    let taken = (0..10_000).take_while(|_| restore().is_ok()).count();
    assert!((1..10_000).contains(&taken), "{taken}");
    assert_eq!(restore(), Err(Why::TooFast));
    // A stop has bounds of its own.
    assert_eq!(page(&parts, Order::Resume {}), Ok(()));
    assert_eq!(page(&parts, Order::Pause { seconds: 1 }), Ok(()));
    parts.clock.turn(HOUR);
    assert_eq!(restore(), Ok(()));
}

#[test]
fn a_deletion_that_is_done_ends_no_other_cameras() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let (card, _) = parts.volumes.get(Volume::Card).open().unwrap();
    // The numbers of two cameras run side by side.
    let marks = ["F000001", "R000001", "F000002"].map(|segment| Deletion {
        segment: segment.into(),
        sequence: u64::from(segment.ends_with('2')) + 1,
        boot_id: boot_id(),
        ran: Duration::ZERO,
        since: None,
    });
    let mut orders = Orders::default();
    for mark in &marks {
        orders.delete(mark.clone()).unwrap();
    }
    Ledger::default().store(&card, &orders).unwrap();
    parts.desk.end_deletion(Volume::Card, &marks[0]).unwrap();
    let left = parts.desk.deletions();
    let left: Vec<&str> = left.iter().map(|(_, mark)| &*mark.segment).collect();
    assert_eq!(left, ["R000001", "F000002"]);
}

#[test]
fn a_segment_of_an_unknown_boot_is_locked_by_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let extent = |seconds, start_utc| Extent {
        sequence: 1,
        boot_id: [0; 16],
        start_boot: BootNs::ZERO,
        start_utc,
        duration: Some(seconds * SECOND),
    };
    let span = |extent| parts.desk.span_of(&extent);
    assert_eq!(span(extent(60, None)), None);
    let (from, to) = (NOON + SECOND / 2, NOON + 119 * SECOND / 2);
    assert_eq!(span(extent(60, Some(NOON))), Some(Span::Utc { from, to }));
    // Of a short one the middle half.
    let (from, to) = (NOON + SECOND / 4, NOON + 3 * SECOND / 4);
    assert_eq!(span(extent(1, Some(NOON))), Some(Span::Utc { from, to }));
}

#[test]
fn a_lock_that_somebody_is_in_the_way_of_is_carried_out_later() {
    for origin in [Origin::Page, Origin::Impact] {
        let directory = tempfile::tempdir().unwrap();
        let parts = parts(&plan(directory.path()));
        let (slots, recorder) = parts.record(3);
        drop(recorder);
        let name = names(&slots)[1];
        lock(&parts, "a", segment(&ids(&slots)[1]), origin).unwrap();
        parts.clock.turn(31 * SECOND);
        let claim = slots.claim(SlotName::Segment(name), Owner::Provisioning);
        assert!(claim.is_some());
        carry_out(&parts, &slots);
        assert_eq!(
            (classes(&slots)[1], parts.desk.locks().len()),
            (Class::Normal, 1)
        );
        drop(claim);
        carry_out(&parts, &slots);
        assert_eq!(
            (classes(&slots)[1], parts.desk.locks().len()),
            (origin.class(), 0)
        );
    }
}

#[test]
fn a_segment_that_cannot_be_read_keeps_a_lock_from_ending_and_one_that_is_gone_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let parts = parts(&plan);
    let (slots, recorder) = parts.record(3);
    drop(recorder);
    lock(&parts, "a", segment(&ids(&slots)[1]), Origin::Impact).unwrap();
    parts.clock.turn(31 * SECOND);
    let path = plan.footage.join(names(&slots)[0].to_string());
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    carry_out(&parts, &slots);
    assert_eq!(
        (classes(&slots)[1], parts.desk.locks().len()),
        (Class::Event, 1)
    );
    std::fs::remove_dir(&path).unwrap();
    carry_out(&parts, &slots);
    assert!(parts.desk.locks().is_empty());
}
