//! Which picture is in which segment, and what is counted there.

use super::*;
use crate::queue::{MAX_BYTES, Sent};

#[test]
fn every_picture_is_in_one_segment_and_what_was_lost_before_it_is_counted_there() {
    let mut bench = bench(false);
    bench.record_all(0..3);
    let mut item = bench.picture(3);
    item.unit.dropped_before = 2;
    item.unit.damage_before = 3;
    item.unit.pts -= 1;
    bench.record(item);
    bench.record_all(4..10);
    // Lost before a key frame: nothing more goes with them.
    let mut item = bench.picture(10);
    (item.lost_in_queue, item.lost_side) = (4, 5);
    bench.record(item);
    bench.record_all(11..13);
    // What follows them up to the next key frame cannot be decoded.
    let mut item = bench.picture(13);
    item.lost_in_queue = 6;
    bench.record(item);
    bench.record_all(14..20);
    // The source was opened anew: the gap before is no picture's length.
    for n in 20..25 {
        let mut item = bench.picture(n + 100);
        item.unit.epoch = 1;
        item.unit.start = match n {
            20 => Start::Idr,
            _ => Start::None,
        };
        bench.record(item);
    }
    let mut item = bench.picture(200);
    item.unit.epoch = 2;
    bench.record(item);
    let shared = bench.parts.reports[0].shared.clone();
    assert_eq!(shared.frames.load(Relaxed), 19);
    assert_eq!(shared.segments.load(Relaxed), 3);
    let losses = Losses {
        undecodable: 7,
        side: 5,
        stream_damage: 3,
        times_changed: 1,
        ..Losses::default()
    };
    assert_eq!(bench.losses(), losses);
    assert!(shared.durable_until() > BootNs::ZERO);
    let all = bench.finish();
    let numbers: Vec<Vec<u8>> = all.iter().map(Segment::numbers).collect();
    assert_eq!(
        numbers,
        [
            (0..10).collect::<Vec<_>>(),
            (10..13).collect(),
            (120..125).collect(),
            vec![200],
        ]
    );
    // The last picture of a segment is shown until the next one comes, and that of the last one as long as pictures are.
    let lasts = all.iter().map(|segment| {
        let (_, _, lasts) = segment.tracks[0].last().unwrap();
        i64::from(*lasts) / TICKS
    });
    assert_eq!(lasts.collect::<Vec<_>>(), [1, 108, 76, 1]);
    let first = Counters {
        frames: 10,
        dropped_encoder: 2,
        stream_damage: 3,
        times_changed: 1,
        ..Counters::default()
    };
    let second = Counters {
        frames: 3,
        dropped_queue: 4 + 6,
        lost_undecodable: 7,
        lost_side: 5,
        ..Counters::default()
    };
    let third = Counters {
        frames: 5,
        ..Counters::default()
    };
    let fourth = Counters {
        frames: 1,
        ..Counters::default()
    };
    let counters: Vec<Counters> = all.iter().map(|segment| segment.counters).collect();
    assert_eq!(counters, [first, second, third, fourth]);
}

#[test]
fn what_has_no_sets_or_unusable_ones_is_counted_until_it_has() {
    let mut bench = bench(false);
    for n in 0..3 {
        let mut item = bench.picture(n);
        item.unit.parameter_sets = None;
        item.unit.dropped_before = 1;
        bench.record(item);
    }
    assert_eq!((bench.losses().undecodable, bench.losses().card), (3, 0));
    let good = std::mem::replace(&mut bench.sets, sets(0));
    let unusable = ParameterSets {
        sps: Vec::new(),
        ..ParameterSets::clone(&good)
    };
    bench.sets = Arc::new(unusable);
    bench.record_all(10..12);
    let shared = bench.parts.reports[0].shared.clone();
    assert!(shared.stream_fault.load().is_some() && !bench.has_card_fault());
    // The watchdog is told that somebody knows.
    let beats = shared.fault_beats.load(Relaxed);
    bench.record_all(12..13);
    assert!(shared.fault_beats.load(Relaxed) > beats);
    assert_eq!((bench.losses().undecodable, bench.losses().card), (6, 0));
    bench.sets = good;
    bench.record_all(20..22);
    assert!(shared.stream_fault.load().is_none());
    let all = bench.finish();
    let [segment] = &all[..] else {
        panic!("{} segments", all.len());
    };
    let counters = Counters {
        frames: 2,
        dropped_encoder: 3,
        lost_undecodable: 6,
        ..Counters::default()
    };
    assert_eq!(
        (segment.numbers(), segment.counters),
        (vec![20, 21], counters)
    );
}

#[test]
fn at_an_open_start_the_picture_is_in_both_segments() {
    let mut bench = bench(false);
    bench.record_all(0..20);
    // An open group: two pictures are shown before the start that they follow.
    let mut start = bench.picture(20);
    start.unit.start = Start::Recovery;
    start.unit.pts += 2 * TICKS;
    bench.record(start);
    for n in [21, 22] {
        let mut leading = bench.picture(n);
        leading.unit.leading = Leading::Skipped;
        bench.record(leading);
    }
    bench.sets = sets(0x81);
    bench.record_all(23..25);
    let all = bench.finish();
    let numbers: Vec<Vec<u8>> = all.iter().map(Segment::numbers).collect();
    assert_eq!(numbers[0], (0..10).collect::<Vec<_>>());
    assert_eq!(numbers[1], (10..23).collect::<Vec<_>>());
    // Other sets came within the segment: they stand before the picture.
    assert_eq!(numbers[2], [20, 0, 24]);
    let (with_sets, ..) = &all[2].tracks[0][1];
    let (before, picture) = with_sets.split_at(with_sets.len() - 300);
    let mut in_band = Vec::new();
    sets(0x81).write_in_band(&mut in_band);
    assert_eq!((before, picture), (&in_band[..], &[23; 300][..]));
}

#[test]
fn the_time_and_a_lock_reach_the_segment_being_recorded() {
    let mut bench = bench(false);
    bench.record_all(0..15);
    let clock = bench.parts.desk.clock();
    clock.offer(said(clock.now(), NOON, TimeSource::Gps));
    bench.record_all(15..18);
    let now = clock.now();
    let span = OrderSpan::Boot {
        from: now - SECOND / 10,
        to: now + SECOND / 10,
    };
    let desk = bench.parts.desk.clone();
    desk.lock("a".into(), &span, "a test".into(), Origin::Impact)
        .unwrap();
    // It is looked at 20 times a second.
    bench.writer.last_tick = Instant::now();
    bench.writer.tick();
    let class = |bench: &Bench| segments(&bench.footage).last().unwrap().name.class;
    assert_eq!(class(&bench), Class::Normal);
    std::thread::sleep(TICK);
    bench.writer.tick();
    assert_eq!(class(&bench), Class::Event);
    // What is corrected later is corrected here, too.
    clock.offer(said(clock.now(), NOON + 7 * SECOND, TimeSource::Ntp));
    bench.record_all(18..20);
    let told = bench.writer.told;
    assert_eq!(told, clock.booted().1);
    let all = bench.finish();
    let times: Vec<bool> = all
        .iter()
        .map(|segment| matches!(segment.name.time, NameTime::Utc(_)))
        .collect();
    assert_eq!(times, [false, true]);
}

#[test]
fn a_group_too_large_for_its_slot_is_counted_and_the_next_one_gets_another() {
    let mut bench = bench(false);
    for n in 0..12 {
        let mut item = bench.picture(n);
        item.unit.data.resize(150_000, n);
        bench.record(item);
    }
    let losses = bench.losses();
    let all = bench.finish();
    let frames: Vec<u32> = all.iter().map(|segment| segment.counters.frames).collect();
    // One did not fit; what follows it up to the next key frame cannot be decoded.
    assert_eq!((losses.room, frames.len(), frames[1]), (1, 2, 2));
    assert_eq!(frames[0] + 1 + losses.undecodable as u32, 10);
}

#[test]
fn what_is_lost_behind_the_last_picture_is_counted_in_the_last_segment() {
    let mut bench = bench(false);
    bench.record_all(0..5);
    let (mut sender, receiver) = queue();
    let me = std::thread::current();
    let mut lost = bench.picture(5);
    lost.unit.data = vec![0; MAX_BYTES + 1];
    assert_eq!(sender.send(lost, &me), Sent::Lost);
    sender.close(2, &me);
    let report = bench.parts.reports[0].clone();
    bench.writer.run(receiver, &me, &bench.stop);
    let all = segments(&bench.footage);
    let counters = all[0].counters;
    assert_eq!(counters.frames, 5);
    assert_eq!((counters.dropped_queue, counters.stream_damage), (1, 2));
    assert_eq!(report.shared.losses().stream_damage, 2);
}

#[test]
fn an_open_start_that_does_not_fit_begins_the_next_segment_all_the_same() {
    let mut bench = bench(false);
    bench.record_all(0..10);
    let sized = |bench: &Bench, n, len| {
        let mut item = bench.picture(n);
        item.unit.data.resize(len, n);
        item
    };
    for n in 10..20 {
        bench.record(sized(&bench, n, 60_000));
    }
    let mut start = sized(&bench, 20, 600_000);
    start.unit.start = Start::Recovery;
    start.unit.pts += 2 * TICKS;
    bench.record(start);
    let mut leading = bench.picture(21);
    leading.unit.leading = Leading::Skipped;
    bench.record(leading);
    bench.record_all(22..25);
    let losses = bench.losses();
    let all = bench.finish();
    let numbers: Vec<Vec<u8>> = all.iter().map(Segment::numbers).collect();
    assert_eq!(
        numbers[1..],
        [(10..20).collect::<Vec<_>>(), vec![20, 22, 23, 24]]
    );
    assert_eq!((losses.room, losses.undecodable), (2, 0));
}
