//! What the housekeeper does to a card: a round at a time, on a clock that is turned by hand.

use picam_control::orders::OrderSpan;
use picam_control::status::StatusSource;
use picam_ring::{Class, SegmentName};
use picam_testkit::sim_disk::{Mutant, SimDisk};
use picam_time::TimeSource;

use super::*;
use crate::orders::Origin;
use crate::tests::{HOUR, NOON, Parts, SECOND, SLOT_SIZE, parts, plan, said};

const EARLIER: [u8; 16] = [9; 16];
/// A busy machine may take long.
const LONG: Duration = Duration::from_secs(60);

fn housekeeper(parts: Parts, slots: u32) -> Housekeeper {
    Housekeeper {
        clock: parts.desk.clock(),
        desk: parts.desk,
        volumes: parts.volumes,
        needs: Arc::new(ArcSwap::from_pointee(slots_of_one_camera(slots))),
        retention: None,
        impact: None,
        status: Arc::new(parts.status),
        stop: Arc::default(),
        state: State::default(),
        others: HashMap::new(),
    }
}

fn slots_of_one_camera(slots: u32) -> SlotNeeds {
    SlotNeeds {
        slots: Slots::Count(slots),
        cameras: vec![CameraNeed {
            camera: b'F',
            slot_size: SLOT_SIZE,
        }],
    }
}

fn round(housekeeper: &mut Housekeeper) {
    let (time, offer) = housekeeper.clock.news();
    assert!(housekeeper.look_after(Volume::Card, &time, offer));
}

fn names(slots: &SlotTable) -> Vec<SegmentName> {
    let ring = |ring: &picam_ring::Ring| ring.segments().iter().map(|s| s.name).collect();
    slots.ring(b'F', ring)
}

fn slots_made(slots: &SlotTable) -> usize {
    slots.ring(b'F', |ring| ring.len())
}

fn lock_all(desk: &Desk, now: BootNs) {
    let span = OrderSpan::Boot {
        from: BootNs::ZERO,
        to: now,
    };
    desk.lock("a".into(), &span, "a test".into(), Origin::Impact)
        .unwrap();
}

fn classes(slots: &SlotTable) -> Vec<Class> {
    names(slots).iter().map(|name| name.class).collect()
}

#[test]
fn slots_are_made_and_removed_until_there_are_as_many_as_there_shall_be() {
    let directory = tempfile::tempdir().unwrap();
    let mut housekeeper = housekeeper(parts(&plan(directory.path())), 8);
    let (card, table) = housekeeper.volumes.get(Volume::Card).open().unwrap();
    table.look(&card).unwrap();
    let space = card.space().unwrap();
    let needs = housekeeper.needs.load_full();
    let provision = Provision::plan(needs.slots, &needs.cameras, space, &table.catalog());
    let provision = |most| {
        let made = housekeeper.provision(Volume::Card, &card, &table, &provision, most);
        made.unwrap();
        slots_made(&table)
    };
    housekeeper.stop.store(true, Ordering::SeqCst);
    assert_eq!(provision(3), 0, "not once it is to stop");
    housekeeper.stop.store(false, Ordering::SeqCst);
    assert_eq!(provision(0), 0);
    assert_eq!(provision(3), 3);
    assert_eq!(provision(usize::MAX), 8);
    housekeeper.needs.store(Arc::new(slots_of_one_camera(5)));
    round(&mut housekeeper);
    assert_eq!(slots_made(&table), 5);
    housekeeper.needs.store(Arc::new(slots_of_one_camera(6)));
    round(&mut housekeeper);
    assert_eq!((slots_made(&table), table.target(b'F')), (6, Some(6)));
}

#[test]
fn a_filesystem_that_has_less_room_than_it_said_is_full_and_one_that_refuses_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let housekeeper = housekeeper(parts(&plan(directory.path())), 8);
    let card = SimDisk::new(Mutant::None);
    let table = SlotTable::default();
    table.look(&card).unwrap();
    let needs = housekeeper.needs.load_full();
    let space = card.space().unwrap();
    let plan = Provision::plan(needs.slots, &needs.cameras, space, &table.catalog());
    let provision = || housekeeper.provision(Volume::Card, &card, &table, &plan, usize::MAX);
    let faults = || housekeeper.status.status().unwrap().card.faults;
    let before = faults();
    card.refuse(1);
    assert!(provision().is_err());
    assert_eq!(faults(), before);
    card.hold(3);
    provision().unwrap();
    assert_eq!(slots_made(&table), 3);
    let full = faults();
    assert_eq!(full.len(), before.len() + 1, "{full:?}");
    let said = full.iter().any(|fault| fault.message.contains("5 slots"));
    assert!(said, "{full:?}");
    card.hold(8);
    provision().unwrap();
    assert_eq!((slots_made(&table), faults()), (8, before));
}

#[test]
fn what_does_not_hold_what_was_written_to_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let parts = parts(&plan);
    let faults = |housekeeper: &Housekeeper| {
        let card = housekeeper.status.status().unwrap().card;
        card.faults
            .into_iter()
            .map(|fault| fault.message)
            .collect::<Vec<_>>()
    };
    let spoil = |name: &SegmentName, spoil: fn(&mut [u8])| {
        let path = plan.footage.join(name.to_string());
        let mut bytes = std::fs::read(&path).unwrap();
        let fragment = bytes.windows(4).rposition(|kind| kind == b"moof").unwrap() - 4;
        spoil(&mut bytes[fragment..][..4096]);
        std::fs::write(&path, &bytes).unwrap();
    };
    let (slots, recorder) = parts.record(2);
    drop(recorder);
    let mut housekeeper = housekeeper(parts, 20);
    round(&mut housekeeper);
    let before = faults(&housekeeper);
    let all = names(&slots);
    // A byte of a picture; then everything.
    spoil(&all[0], |page| page[1000] ^= 1);
    for _ in 0..40 {
        round(&mut housekeeper);
    }
    let rotten = faults(&housekeeper);
    assert_eq!(rotten.len(), before.len() + 1, "{rotten:?}");
    assert!(
        rotten
            .iter()
            .any(|fault| fault.starts_with("1 segment was found damaged"))
    );
    spoil(&all[1], |page| page.fill(0));
    for _ in 0..40 {
        round(&mut housekeeper);
    }
    let forged = faults(&housekeeper);
    assert_eq!(forged.len(), before.len() + 2, "{forged:?}");
}

#[test]
fn what_was_cut_off_is_finished_and_what_is_recorded_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    drop(parts.record_in(EARLIER, None, 1));
    let (slots, _recorder) = parts.record(1);
    let mut housekeeper = housekeeper(parts, 20);
    let (card, _) = housekeeper.volumes.get(Volume::Card).open().unwrap();
    let cut = || -> Vec<bool> {
        let all = names(&slots).into_iter();
        all.map(|name| {
            let seen = look(&card, SlotName::Segment(name)).unwrap();
            matches!(seen.needs, Needs::Recovery | Needs::Mending)
        })
        .collect()
    };
    assert_eq!(cut(), [false, true, false, true]);
    let time = BootTime::new();
    housekeeper
        .put_in_order(Volume::Card, &card, &slots, &time, None)
        .unwrap();
    assert_eq!(cut(), [false, false, false, true]);
    let told = put_in_order(&housekeeper);
    assert_eq!(
        (told.recovered, told.mended, told.damaged_fragments),
        (1, 0, 0)
    );
}

#[test]
fn footage_that_is_too_old_goes_once_the_time_can_be_believed() {
    let directory = tempfile::tempdir().unwrap();
    for (since, max_age, gone) in [
        // Nobody has said what time it is, or somebody something that nothing speaks for.
        (None, HOUR, 0),
        (Some(72 * HOUR), HOUR, 0),
        (Some(2 * HOUR), 12 * HOUR, 0),
        (Some(2 * HOUR), HOUR, 2),
    ] {
        let directory = directory.path().join(format!("{since:?}-{max_age:?}"));
        let parts = parts(&plan(&directory));
        let now = parts.clock.now();
        let (_, mut recorder) = parts.record_in(EARLIER, Some(NOON.at_boot(now)), 2);
        recorder.finish().unwrap();
        drop(recorder);
        let (slots, _recorder) = parts.record(1);
        let aged = parts.reports[0].shared.clone();
        let clock = parts.clock.clone();
        let mut housekeeper = housekeeper(parts, 20);
        housekeeper.retention = Some(max_age);
        let now = housekeeper.clock.now();
        if let Some(since) = since {
            let anchor = said(now, NOON + since, TimeSource::Gps);
            housekeeper.clock.offer(anchor);
        }
        // Of twenty slots one each two and a half hours.
        let each = 5 * HOUR / 2;
        let mut left = Vec::new();
        for turn in [each - SECOND, SECOND, each, Duration::ZERO] {
            round(&mut housekeeper);
            left.push(names(&slots).len());
            clock.turn(turn);
        }
        let expected = [5, 5, 5 - gone.min(1), 5 - gone];
        assert_eq!(left, expected, "{since:?} {max_age:?}");
        assert_eq!(aged.aged.load(Ordering::Relaxed), gone as u64);
    }
}

#[test]
fn what_is_believed_of_the_time_is_looked_into_every_ten_minutes() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let now = parts.clock.now();
    drop(parts.record_in(EARLIER, Some(NOON.at_boot(now)), 1));
    let clock = parts.clock.clone();
    let mut housekeeper = housekeeper(parts, 20);
    let (card, table) = housekeeper.volumes.get(Volume::Card).open().unwrap();
    table.look(&card).unwrap();
    let unknown = BootTime::new();
    assert_eq!(housekeeper.believed_now(&card, &table, &unknown), None);
    clock.turn(BELIEVED_FOR);
    let told = said(clock.now(), NOON + HOUR, TimeSource::Gps);
    housekeeper.clock.offer(told);
    let known = housekeeper.clock.known();
    let mut believed = |time| housekeeper.believed_now(&card, &table, time);
    assert_eq!(believed(&known), Some(NOON + HOUR));
    clock.turn(BELIEVED_FOR - SECOND);
    let later = NOON + HOUR + BELIEVED_FOR - SECOND;
    assert_eq!(believed(&unknown), Some(later));
    clock.turn(SECOND);
    assert_eq!(believed(&unknown), None);
}

#[test]
fn orders_are_carried_out_in_a_round_and_between_two() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    {
        let parts = parts(&plan);
        drop(parts.record(2));
        lock_all(&parts.desk, parts.clock.now());
    }
    // As another process finds it: nobody has looked at the card yet.
    let parts = parts(&plan);
    parts.volumes.get(Volume::Card).open().unwrap();
    let (card, _, _) = parts.volumes.get(Volume::Card).beside().unwrap();
    let mut housekeeper = housekeeper(parts, 20);
    housekeeper.desk.pass(Volume::Card, None).unwrap();
    let table = housekeeper.volumes.get(Volume::Card).slots().unwrap();
    table.forget();
    housekeeper.carry_out_orders().unwrap();
    assert_eq!(classes(&table)[..2], [Class::Event; 2]);
    for what in ["a round", "a nap"] {
        for name in names(&table) {
            let slot = SlotName::Segment(name);
            if let Some(mut claim) = table.claim(slot, Owner::Housekeeper) {
                let _ = picam_ring::reclass_claimed(&mut claim, &card, Class::Normal);
            }
        }
        assert_eq!(classes(&table)[..2], [Class::Normal; 2]);
        lock_all(&housekeeper.desk, housekeeper.clock.now());
        match what {
            "a round" => round(&mut housekeeper),
            _ => {
                assert!(housekeeper.desk.locks().len() == 1);
                housekeeper.nap(Duration::ZERO);
                assert_eq!(classes(&table)[..2], [Class::Normal; 2]);
                housekeeper.nap(Duration::from_millis(50));
            }
        }
        assert_eq!(classes(&table)[..2], [Class::Event; 2], "{what}");
    }
}

#[test]
fn it_begins_once_cameras_are_under_way_and_ends_when_it_is_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    for report in &parts.reports {
        report.source_ended();
    }
    let housekeeper = housekeeper(parts, 6);
    let (volumes, stop) = (housekeeper.volumes.clone(), housekeeper.stop.clone());
    let begun = Instant::now();
    let thread = std::thread::spawn(move || housekeeper.run());
    loop {
        let table = volumes.get(Volume::Card).slots();
        if table.is_some_and(|table| slots_made(&table) == 6) {
            break;
        }
        assert!(begun.elapsed() < LONG, "no slots after {LONG:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    stop.store(true, Ordering::SeqCst);
    thread.thread().unpark();
    thread.join().unwrap();
}

#[test]
fn what_was_said_of_the_time_is_news_until_a_volume_can_be_had() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    std::fs::write(&plan.footage, "in the way").unwrap();
    let mut housekeeper = housekeeper(parts(&plan), 6);
    let now = housekeeper.clock.now();
    housekeeper.clock.offer(said(now, NOON, TimeSource::Gps));
    housekeeper.look_after_all();
    assert_eq!(housekeeper.clock.news().1, Some(Offer::First));
    std::fs::remove_file(&plan.footage).unwrap();
    housekeeper.clock.not_done(Some(Offer::First));
    housekeeper.look_after_all();
    assert_eq!(housekeeper.clock.news().1, None);
}

#[test]
fn what_the_card_damaged_of_a_finished_segment_is_mended() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let parts = parts(&plan);
    let (slots, recorder) = parts.record(2);
    drop(recorder);
    let path = plan.footage.join(names(&slots)[0].to_string());
    let mut bytes = std::fs::read(&path).unwrap();
    let sound = bytes.clone();
    let index = bytes.windows(4).position(|kind| kind == b"moov").unwrap();
    // Of the index what says how long it is.
    bytes[index + 4..index + 60].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    let mut housekeeper = housekeeper(parts, 20);
    round(&mut housekeeper);
    let mended = std::fs::read(&path).unwrap();
    assert_eq!(mended[index..index + 60], sound[index..index + 60]);
    // What is whole is not counted, and what is mended only once. The last one was cut off.
    round(&mut housekeeper);
    let told = put_in_order(&housekeeper);
    assert_eq!(
        (told.recovered, told.mended, told.damaged_fragments),
        (1, 1, 0)
    );
}

/// Its recorder was cut off before it could give it a name, and then fewer slots are wanted, or larger ones.
#[test]
fn a_spare_slot_that_holds_footage_is_not_removed_before_it_was_recovered() {
    for (slots, slot_size) in [(2, SLOT_SIZE), (20, 2 * SLOT_SIZE)] {
        let directory = tempfile::tempdir().unwrap();
        let plan = plan(directory.path());
        let parts = parts(&plan);
        let (table, recorder) = parts.record(0);
        drop(recorder);
        let cut_off = names(&table)[0];
        let path = plan.footage.join(cut_off.to_string());
        let spare = plan.footage.join("free_video_slot_F-_000900.bin");
        std::fs::rename(&path, spare).unwrap();
        table.forget();
        let mut housekeeper = housekeeper(parts, slots);
        housekeeper.needs = Arc::new(ArcSwap::from_pointee(SlotNeeds {
            slots: Slots::Count(slots),
            cameras: vec![CameraNeed {
                camera: b'F',
                slot_size,
            }],
        }));
        round(&mut housekeeper);
        let all = names(&table);
        assert_eq!(all.len(), 1, "{slots} {slot_size}");
        let bytes = std::fs::read(plan.footage.join(all[0].to_string())).unwrap();
        let movie = picam_mp4::read::Movie::read(&bytes).unwrap();
        // The last one was not committed yet.
        assert_eq!(movie.video().unwrap().samples.len(), 4);
    }
}

#[test]
fn fragments_that_the_card_damaged_before_they_were_recovered_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let parts = parts(&plan);
    let (slots, recorder) = parts.record(1);
    drop(recorder);
    let cut_off = names(&slots).into_iter().last().unwrap();
    let path = plan.footage.join(cut_off.to_string());
    let mut bytes = std::fs::read(&path).unwrap();
    let fragment = bytes.windows(4).position(|kind| kind == b"moof").unwrap();
    let samples = fragment
        + bytes[fragment..]
            .windows(4)
            .position(|kind| kind == b"mdat")
            .unwrap();
    bytes[samples + 100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let mut housekeeper = housekeeper(parts, 20);
    round(&mut housekeeper);
    let told = put_in_order(&housekeeper);
    assert_eq!(
        (told.recovered, told.mended, told.damaged_fragments),
        (1, 0, 1)
    );
}

/// What the status says of the card.
fn put_in_order(housekeeper: &Housekeeper) -> PutInOrder {
    let status = housekeeper.status.status().unwrap();
    status.volumes[0].put_in_order
}
