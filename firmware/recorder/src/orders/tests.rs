//! What may be ordered, how it is written down, and what becomes of it in a power cut.

mod hostile;

use std::collections::BTreeMap;
use std::time::Duration;

use picam_mp4::{ReadAt, SlotFile};
use picam_ring::{Class, Directory, SegmentName};
use picam_testkit::sim_disk::{DiskImage, Mutant, Replay, Rng, SimDisk};
use picam_time::{BootNs, UtcUs};
use proptest::prelude::*;

use super::list::KEPT;
use super::*;

const NOON: UtcUs = UtcUs(1_795_172_880_000_000);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_nanos(1);

/// So long after booting.
fn at(span: Duration) -> BootNs {
    BootNs::ZERO + span
}

fn order(id: &str, origin: Origin) -> LockOrder {
    let (from, to) = (NOON - 60 * SECOND, NOON);
    LockOrder {
        id: id.to_owned(),
        span: Span::Utc { from, to },
        reason: "parked car hit".to_owned(),
        origin,
    }
}

fn now(boot: BootNs) -> Now {
    Now {
        boot,
        utc: Some(NOON.after_boot(boot)),
        boot_id: [1; 16],
    }
}

fn deletion(n: u32) -> Deletion {
    Deletion {
        segment: format!("F{n:06}"),
        sequence: n.into(),
        boot_id: [1; 16],
        ran: Duration::ZERO,
        since: None,
    }
}

#[test]
fn an_order_given_twice_is_one_and_stays_one_when_it_is_done() {
    let mut orders = Orders::default();
    let one = order("a", Origin::Impact);
    assert_eq!(orders.lock(one.clone(), &now(BootNs::ZERO)), Ok(Taken::New));
    assert_eq!(
        orders.lock(one.clone(), &now(BootNs::ZERO)),
        Ok(Taken::Known)
    );
    assert!(orders.end_lock(&one));
    assert!(!orders.end_lock(&one));
    assert_eq!(orders.lock(one, &now(BootNs::ZERO)), Ok(Taken::Known));
    // The page cannot take an id away from an impact, nor fill the table for it.
    for n in 0..64 {
        let squatter = order(&format!("impact-{n}"), Origin::Page);
        assert_eq!(orders.lock(squatter, &now(BootNs::ZERO)), Ok(Taken::New));
    }
    let one_more = order("b", Origin::Page);
    assert_eq!(
        orders.lock(one_more, &now(BootNs::ZERO)),
        Err(Refusal::TooManyLocks)
    );
    let impact = order("impact-3", Origin::Impact);
    assert_eq!(orders.lock(impact, &now(BootNs::ZERO)), Ok(Taken::New));
}

#[test]
fn a_lock_of_the_page_that_is_done_ends_no_other_of_its_id() {
    let mut orders = Orders::default();
    let (page, impact) = (order("a", Origin::Page), order("a", Origin::Impact));
    for lock in [&page, &impact] {
        assert_eq!(
            orders.lock(lock.clone(), &now(BootNs::ZERO)),
            Ok(Taken::New)
        );
    }
    assert!(orders.end_lock(&page));
    assert_eq!(orders.locks(), std::slice::from_ref(&impact));
    // Nor does it keep one that comes later from being taken.
    assert!(orders.end_lock(&impact));
    let mut orders = Orders::default();
    assert_eq!(
        orders.lock(page.clone(), &now(BootNs::ZERO)),
        Ok(Taken::New)
    );
    assert!(orders.end_lock(&page));
    assert_eq!(orders.lock(impact, &now(BootNs::ZERO)), Ok(Taken::New));
}

#[test]
fn what_cannot_be_an_order_is_refused_with_a_remedy() {
    let mut orders = Orders::default();
    let noon_and = |seconds: i64| UtcUs::from_secs(NOON.seconds() + seconds);
    let utc = |from, to| Span::Utc {
        from: noon_and(from),
        to: noon_and(to),
    };
    let boot = |from, to| Span::Boot {
        id: [1; 16],
        from: BootNs::from_secs(from),
        to: BootNs::from_secs(to),
    };
    for (id, reason, span, refusal) in [
        ("", "", utc(0, 1), Refusal::Id),
        ("a\n", "", utc(0, 1), Refusal::Id),
        ("a", "\u{7}", utc(0, 1), Refusal::Reason),
        ("a", "", utc(1, 0), Refusal::Backwards),
        ("a", "", boot(1, 0), Refusal::Backwards),
        ("a", "", utc(-86_401, 0), Refusal::TooLong),
        ("a", "", utc(0, 3601), Refusal::TooFarAhead),
        ("a", "", boot(0, 3601), Refusal::TooFarAhead),
    ] {
        let wrong = LockOrder {
            id: id.to_owned(),
            span,
            reason: reason.to_owned(),
            origin: Origin::Page,
        };
        assert_eq!(
            orders.lock(wrong, &now(BootNs::ZERO)),
            Err(refusal),
            "{refusal:?}"
        );
        assert!(!refusal.parts().1.is_empty(), "{refusal}");
    }
    assert!(orders.locks().is_empty());
    let earlier_boot = Span::Boot {
        id: [9; 16],
        from: BootNs::ZERO,
        to: at(HOUR),
    };
    let fine = LockOrder {
        span: earlier_boot,
        ..order("a", Origin::Button)
    };
    assert_eq!(orders.lock(fine, &now(BootNs::ZERO)), Ok(Taken::New));
}

#[test]
fn a_deletion_waits_for_a_day_of_running_or_of_a_clock_and_can_be_taken_back() {
    let mut orders = Orders::default();
    let believed = |day: i64, boot: u8| {
        Some(Since {
            utc: UtcUs::from_secs(NOON.seconds() + day * 86_400),
            boot_id: [boot; 16],
        })
    };
    assert_eq!(orders.delete(deletion(1)), Ok(Taken::New));
    assert_eq!(orders.delete(deletion(1)), Ok(Taken::Known));
    orders.run(KEPT - MOMENT, None);
    assert!(orders.due(None).is_empty());
    orders.run(MOMENT, None);
    assert_eq!(orders.due(None).len(), 1);
    let mark = |deletion: &Deletion| deletion.segment == "F000001";
    assert_eq!(orders.restore(mark), Taken::New);
    assert_eq!(orders.restore(mark), Taken::Known);
    assert!(orders.due(None).is_empty());
    // It is counted from the beginning then.
    assert_eq!(orders.delete(deletion(1)), Ok(Taken::New));
    orders.run(SECOND, believed(0, 1));
    assert!(orders.due(believed(40, 1)).is_empty(), "its clock jumped");
    assert!(orders.due(believed(0, 2)).is_empty());
    assert!(orders.due(believed(-40, 2)).is_empty());
    assert!(orders.due(None).is_empty());
    assert_eq!(orders.due(believed(1, 2)).len(), 1);
    for n in 2..=500 {
        assert_eq!(orders.delete(deletion(n)), Ok(Taken::New));
    }
    assert_eq!(orders.delete(deletion(501)), Err(Refusal::TooManyDeletions));
}

#[test]
fn orders_are_taken_at_a_pace() {
    let mut pace = Pace::default();
    let taken = (0..100).filter(|_| pace.take(at(SECOND)).is_ok()).count();
    assert_eq!(taken, 20);
    assert_eq!(pace.take(at(SECOND)), Err(Refusal::TooFast(3)));
    let taken = (0..600)
        .filter(|s| pace.take(BootNs::from_secs(2 + s)).is_ok())
        .count();
    assert_eq!(taken, 200);
}

#[test]
fn a_stop_ends_by_itself_and_an_hour_has_one_budget() {
    let mut pauses = Pauses::default();
    assert_eq!(pauses.until(BootNs::ZERO), None);
    let (begin, end) = (at(HOUR), at(HOUR + 600 * SECOND));
    assert_eq!(pauses.pause(begin, Duration::MAX), Ok(end));
    // One under way is not made longer.
    assert_eq!(pauses.pause(begin + SECOND, Duration::MAX), Ok(end));
    assert_eq!(pauses.until(end - MOMENT), Some(end));
    assert_eq!(pauses.until(end), None);
    assert_eq!(pauses.pause(end, MOMENT), Err(Refusal::NoMorePause(3600)));
    assert!(pauses.pause(end + HOUR, MOMENT).is_ok());
    // Short ones count for two and a half minutes each.
    let mut pauses = Pauses::default();
    for n in 0..4 {
        let begin = BootNs::from_secs(n);
        assert_eq!(pauses.pause(begin, 60 * SECOND), Ok(begin + 60 * SECOND));
        pauses.resume(begin + MOMENT);
        assert_eq!(pauses.until(begin + MOMENT), None);
    }
    assert!(pauses.pause(at(10 * SECOND), SECOND).is_err());
}

/// The largest that may have to be written down.
#[test]
fn everything_there_may_be_fits_into_the_file() {
    let mut orders = Orders::default();
    let long = |n: u32, most: usize| {
        let mut text = format!("{n:04}");
        text.push_str(&"\"".repeat(most - 4));
        text
    };
    for (n, origin) in (0..400).zip([Origin::Page, Origin::Owner].into_iter().cycle()) {
        let largest = LockOrder {
            reason: long(n, 200),
            span: Span::Boot {
                id: [255; 16],
                from: BootNs(u64::MAX - 1),
                to: BootNs::MAX,
            },
            ..order(&long(n, 64), origin)
        };
        let other = Now {
            boot_id: [2; 16],
            ..now(BootNs::ZERO)
        };
        if orders.lock(largest.clone(), &other) == Err(Refusal::TooManyLocks) {
            continue;
        }
        // The first are done, and remembered.
        if n < 200 {
            orders.end_lock(&largest);
        }
    }
    for n in 0..500 {
        let largest = Deletion {
            sequence: u64::MAX,
            boot_id: [255; 16],
            ..deletion(n)
        };
        orders.delete(largest).unwrap();
    }
    orders.run(
        Duration::from_nanos(u64::MAX),
        Some(Since {
            utc: UtcUs(i64::MAX),
            boot_id: [255; 16],
        }),
    );
    assert_eq!((orders.locks().len(), orders.deletions().len()), (128, 500));
    let disk = SimDisk::new(Mutant::None);
    Ledger::default().store(&disk, &orders).unwrap();
    assert_eq!(Ledger::load(&disk).unwrap().1, orders);
}

/// Whatever a cut leaves, every order that was answered is there, and none that was not given.
#[test]
fn an_order_that_was_answered_outlives_a_cut_at_any_moment() {
    for seed in 0..300 {
        let rng = &mut Rng(seed);
        let disk = SimDisk::new(Mutant::None);
        disk.seed(seed);
        let before = disk.image();
        let (mut ledger, mut orders) = Ledger::load(&disk).unwrap();
        let mut given = vec![orders.clone()];
        // Which of them had been answered after so many operations.
        let mut answered = vec![(0, 0)];
        let mut operations = Vec::new();
        for n in 1..=5 {
            let id = format!("{n}").repeat(1 + rng.below(40) as usize);
            orders
                .lock(order(&id, Origin::Button), &now(BootNs::ZERO))
                .unwrap();
            orders.delete(deletion(n)).unwrap();
            given.push(orders.clone());
            ledger.store(&disk, &orders).unwrap();
            operations.extend(disk.take_log());
            answered.push((operations.len(), n as usize));
        }
        let at = rng.below(operations.len() as u64 + 1) as usize;
        let mut replay = Replay::new(&before);
        for operation in operations.iter().take(at) {
            replay.apply(operation);
        }
        let cut: DiskImage = replay.cut(rng);
        let disk = SimDisk::from_image(&cut, Mutant::None);
        let (mut ledger, found) = Ledger::load(&disk).unwrap();
        let which = given.iter().position(|orders| *orders == found);
        let which = which.unwrap_or_else(|| panic!("seed {seed}: nobody gave {found:?}"));
        let safe = answered.iter().filter(|(done, _)| *done <= at);
        let safe = safe.map(|&(_, n)| n).max().unwrap();
        assert!(which >= safe, "seed {seed}: {which} of {safe}");
        // And it goes on from there.
        ledger.store(&disk, &orders).unwrap();
        assert_eq!(Ledger::load(&disk).unwrap().1, orders, "seed {seed}");
    }
}

#[test]
fn a_ledger_of_somebody_else_is_replaced_and_a_refused_one_is_not_believed() {
    let disk = SimDisk::new(Mutant::None);
    disk.create(picam_ring::LEDGER_NAME, 17).unwrap();
    let (mut ledger, mut orders) = Ledger::load(&disk).unwrap();
    assert_eq!(orders, Orders::default());
    orders
        .lock(order("a", Origin::Page), &now(BootNs::ZERO))
        .unwrap();
    ledger.store(&disk, &orders).unwrap();
    let first = orders.clone();
    orders.delete(deletion(1)).unwrap();
    disk.refuse(u32::MAX);
    assert!(ledger.store(&disk, &orders).is_err());
    disk.refuse(0);
    assert_eq!(Ledger::load(&disk).unwrap().1, first);
}

#[test]
fn what_is_done_is_remembered_for_as_many_locks_as_may_come_and_of_the_last_what_they_were_about() {
    let mut orders = Orders::default();
    let mut end = |id: &str, origin| {
        let lock = order(id, origin);
        assert_eq!(
            orders.lock(lock.clone(), &now(BootNs::ZERO)),
            Ok(Taken::New)
        );
        assert!(orders.end_lock(&lock));
    };
    end("page", Origin::Page);
    for n in 0..66 {
        end(&format!("impact-{n}"), Origin::Impact);
    }
    let span = order("", Origin::Page).span;
    // The page's is none of theirs: neither pushed out, nor another's.
    assert_eq!(orders.taken("page", Origin::Page), Some(&span));
    assert_eq!(orders.taken("page", Origin::Impact), None);
    for n in 0..66 {
        let id = format!("impact-{n}");
        let known = orders.taken(&id, Origin::Impact);
        assert_eq!(known, (n >= 62).then_some(&span), "{id}");
        assert_eq!(orders.taken(&id, Origin::Page), None);
        let again = orders
            .clone()
            .lock(order(&id, Origin::Impact), &now(BootNs::ZERO));
        let expected = if n < 2 { Taken::New } else { Taken::Known };
        assert_eq!(again, Ok(expected), "{id}");
    }
    let again = orders.lock(order("page", Origin::Page), &now(BootNs::ZERO));
    assert_eq!(again, Ok(Taken::Known));
}

/// As `docs/card-format.md` describes it.
#[test]
fn orders_are_written_down_as_the_format_says() {
    let disk = SimDisk::new(Mutant::None);
    let (mut ledger, mut orders) = Ledger::load(&disk).unwrap();
    let (page, impact) = (order("a", Origin::Page), order("b", Origin::Impact));
    for lock in [&page, &impact] {
        orders.lock(lock.clone(), &now(BootNs::ZERO)).unwrap();
        orders.end_lock(lock);
    }
    ledger.store(&disk, &orders).unwrap();
    let text = serde_json::to_value(&orders).unwrap();
    assert_eq!(text["ended"][0]["page"], true);
    assert_eq!(text["ended"][1]["page"], false);
    let file = disk.open(picam_ring::LEDGER_NAME).unwrap();
    let mut head = [0; 24];
    // The first has serial number 1, and odd ones stand in the second half.
    file.read_exact_at(256 * 1024, &mut head).unwrap();
    let len = u32::from_be_bytes(head[16..20].try_into().unwrap());
    let mut text = vec![0; len as usize];
    file.read_exact_at(256 * 1024 + 24, &mut text).unwrap();
    let told: Orders = serde_json::from_slice(&text).unwrap();
    assert_eq!(told, orders);
    assert_eq!(
        (&head[..8], &head[8..16]),
        (&b"picamord"[..], &1u64.to_be_bytes()[..])
    );
    let whole = [&head[..20], &text].concat();
    assert_eq!(head[20..], crc32fast::hash(&whole).to_be_bytes());
}

#[test]
fn a_copy_that_is_damaged_is_not_believed() {
    let disk = SimDisk::new(Mutant::None);
    let (mut ledger, mut orders) = Ledger::load(&disk).unwrap();
    orders.delete(deletion(1)).unwrap();
    ledger.store(&disk, &orders).unwrap();
    let older = orders.clone();
    orders.delete(deletion(2)).unwrap();
    ledger.store(&disk, &orders).unwrap();
    let mut file = disk.open(picam_ring::LEDGER_NAME).unwrap();
    let mut page = vec![0; 4096];
    file.read_exact_at(0, &mut page).unwrap();
    // The number of a segment: what is there can still be read.
    let at = page.windows(7).position(|text| text == b"F000002").unwrap();
    page[at + 6] = b'3';
    file.write_at(0, &page).unwrap();
    assert_eq!(Ledger::load(&disk).unwrap().1, older);
}

#[test]
fn what_stands_in_the_ledgers_place_and_cannot_be_read_is_no_empty_ledger() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join(picam_ring::LEDGER_NAME)).unwrap();
    let card = picam_ring::FsDirectory::open(directory.path(), false).unwrap();
    assert!(Ledger::load(&card).is_err());
    // A card that cannot be read just now: what it holds would be forgotten, and overwritten with the next order.
    let disk = SimDisk::new(Mutant::None);
    let mut orders = Orders::default();
    orders.delete(deletion(1)).unwrap();
    Ledger::default().store(&disk, &orders).unwrap();
    disk.refuse_reads(true);
    assert!(Ledger::load(&disk).is_err());
    disk.refuse_reads(false);
    assert_eq!(Ledger::load(&disk).unwrap().1, orders);
    assert!(Ledger::default().store(&card, &Orders::default()).is_err());
}

#[test]
fn a_day_can_be_locked_and_a_refusal_says_what_to_do() {
    let mut day = order("a", Origin::Page);
    let from = NOON - 24 * HOUR;
    day.span = Span::Utc { from, to: NOON };
    let mut orders = Orders::default();
    assert_eq!(orders.lock(day.clone(), &now(BootNs::ZERO)), Ok(Taken::New));
    (day.id, day.span) = (
        "b".into(),
        Span::Utc {
            from: from - SECOND,
            to: NOON,
        },
    );
    assert_eq!(orders.lock(day, &now(BootNs::ZERO)), Err(Refusal::TooLong));
    let (reason, remedy) = Refusal::TooLong.parts();
    assert_eq!(reason, "a lock of more than 24 hours is not possible");
    assert_eq!(remedy, "make several of it");
}
