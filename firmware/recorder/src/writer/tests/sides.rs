//! Sound and motion: with which pictures they come, and what is lost of them.

use super::*;

#[test]
fn sound_begins_a_segment_of_its_own_and_what_is_lost_of_it_is_counted() {
    let mut bench = bench(false);
    // Before the first picture there is nothing that it could belong to.
    let mut heard = bench.side(UnitKind::Sound, 0);
    heard.sound = Some(SOUND);
    bench.writer.record_side(&heard);
    assert_eq!(bench.writer.lost, Counters::default());
    for n in 0..30 {
        let mut picture = bench.picture(n);
        let mut heard = bench.side(UnitKind::Sound, n);
        if n >= 10 {
            (picture.sound, heard.sound) = (Some(SOUND), Some(SOUND));
        }
        if n == 15 {
            heard.lost_side = 3;
        }
        bench.record(picture);
        if n >= 10 {
            bench.writer.record_side(&heard);
        }
    }
    assert_eq!(bench.losses().side, 3);
    let all = bench.finish();
    let tracks: Vec<usize> = all.iter().map(|segment| segment.tracks.len()).collect();
    assert_eq!(tracks, [1, 2, 2]);
    let counters: Vec<u32> = all
        .iter()
        .map(|segment| segment.counters.lost_side)
        .collect();
    assert_eq!(counters.iter().sum::<u32>(), 3);
    let heard: usize = all[1..].iter().map(|segment| segment.tracks[1].len()).sum();
    assert!(heard > 0);
}

#[test]
fn motion_that_finds_no_room_is_counted_once_there_are_pictures() {
    let mut bench = bench(true);
    let unit = |bench: &Bench, n| bench.side(UnitKind::Motion, n).unit;
    let overflow = |bench: &Bench| {
        let all = 0..3_000;
        all.for_each(|_| bench.side.send(unit(bench, 0)));
    };
    overflow(&bench);
    bench.writer.take_side_input();
    assert_eq!(bench.writer.lost, Counters::default());
    bench.record_all(0..1);
    overflow(&bench);
    bench.writer.take_side_input();
    assert!(bench.writer.lost.lost_side >= 3_000 - 2_048);
    assert!(
        bench
            .writer
            .side_input
            .as_ref()
            .unwrap()
            .receive()
            .is_none()
    );
    let all = bench.finish();
    assert_eq!(all[0].tracks.len(), 3);
}

#[test]
fn a_new_segment_waits_for_what_was_heard_before_it() {
    let mut bench = bench(false);
    let me = std::thread::current();
    let heard = |bench: &Bench, n| {
        let mut item = bench.side(UnitKind::Sound, n);
        item.sound = Some(SOUND);
        item
    };
    let shown = |bench: &Bench, n| {
        let mut item = bench.picture(n);
        item.sound = Some(SOUND);
        item
    };
    for n in 0..9 {
        bench.record(shown(&bench, n));
        bench.writer.record_side(&heard(&bench, n));
    }
    bench.record(shown(&bench, 9));
    let (mut sender, mut receiver) = queue();
    for item in [
        shown(&bench, 11),
        heard(&bench, 9),
        shown(&bench, 12),
        heard(&bench, 10),
        shown(&bench, 13),
        heard(&bench, 11),
    ] {
        send(&mut sender, item);
    }
    // A picture that no segment begins with waits for nothing.
    let plain = shown(&bench, 10);
    bench.turn_to(&plain);
    let mut delta = bench.picture(10);
    delta.unit.start = Start::None;
    bench.writer.wait_for_sides(&delta.unit, &mut receiver, &me);
    assert!(bench.writer.held_back.is_empty());
    bench.writer.wait_for_sides(&plain.unit, &mut receiver, &me);
    let numbers = bench.writer.held_back.iter().map(|item| item.unit.data[0]);
    assert_eq!(numbers.collect::<Vec<_>>(), [11, 12]);
    assert!(receiver.has_more(), "no longer than it must");
    bench.writer.record(&plain, &bench.stop);
    // What waits is recorded before what follows it.
    sender.close(0, &me);
    bench.writer.run(receiver, &me, &bench.stop);
    let all = segments(&bench.footage);
    assert_eq!(all[0].numbers(), (0..10).collect::<Vec<_>>());
    assert_eq!(all[1].numbers(), (10..14).collect::<Vec<_>>());
    let sound = |segment: &Segment| -> Vec<u8> {
        let mut numbers: Vec<u8> = segment.tracks[1].iter().map(|(data, ..)| data[0]).collect();
        numbers.dedup();
        numbers
    };
    assert_eq!(sound(&all[0]), (0..10).collect::<Vec<_>>());
    assert_eq!(sound(&all[1]), [10, 11]);
    assert_eq!(all.iter().map(|s| s.counters.lost_side).sum::<u32>(), 0);
}

#[test]
fn a_new_segment_waits_for_sound_that_does_not_come_no_longer_than_it_is_held() {
    // Where a segment is long enough, and where a better place is there.
    for (pictures, moving) in [(10, false), (5, true)] {
        let mut bench = bench(false);
        for n in 0..pictures {
            let mut heard = bench.side(UnitKind::Sound, n);
            let mut picture = bench.picture(n);
            (heard.sound, picture.sound) = (Some(SOUND), Some(SOUND));
            bench.record(picture);
            bench.writer.record_side(&heard);
        }
        bench.writer.moving = moving;
        let mut next = bench.picture(pictures);
        next.unit.start = Start::Idr;
        bench.turn_to(&next);
        let me = std::thread::current();
        // Not for a source that has ended.
        let (sender, mut receiver) = queue();
        sender.close(0, &me);
        bench.writer.wait_for_sides(&next.unit, &mut receiver, &me);
        let (_sender, mut receiver) = queue();
        let (clock, done) = (bench.parts.clock.clone(), AtomicBool::new(false));
        let begun = clock.now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    clock.turn(Duration::from_millis(10));
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
            bench.writer.wait_for_sides(&next.unit, &mut receiver, &me);
            done.store(true, Relaxed);
        });
        assert!(clock.now().since(begun) >= SIDE_HOLD);
    }
}

#[test]
fn what_belongs_to_pictures_that_wait_comes_with_them() {
    let mut bench = bench(true);
    bench.record_all(0..10);
    // The card has stalled: pictures wait, and motion has come.
    let (mut sender, mut receiver) = queue();
    for n in 10..25 {
        let picture = bench.picture(n);
        bench.turn_to(&picture);
        send(&mut sender, picture);
        bench.side.send(bench.side(UnitKind::Motion, n).unit);
    }
    while receiver.has_more() {
        let item = receiver.receive().unwrap();
        bench.writer.note_backlog(&item.unit, &receiver);
        bench.writer.record(&item, &bench.stop);
        bench.writer.take_side_input();
        bench.parts.clock.turn(2 * SIDE_HOLD);
        bench.writer.last_tick = Instant::now().checked_sub(TICK).unwrap();
        bench.writer.tick();
        bench.writer.note_end_of_backlog(&receiver);
    }
    // Behind the last picture comes motion. Then none wait any more, and what comes is stored without one.
    send(&mut sender, bench.picture(25));
    send(&mut sender, bench.side(UnitKind::Motion, 25));
    let item = receiver.receive().unwrap();
    bench.writer.note_backlog(&item.unit, &receiver);
    bench.writer.record(&item, &bench.stop);
    let item = receiver.receive().unwrap();
    bench.writer.record_side(&item);
    bench.writer.note_end_of_backlog(&receiver);
    bench.side.send(bench.side(UnitKind::Motion, 35).unit);
    bench.writer.take_side_input();
    bench.parts.clock.turn(2 * SIDE_HOLD);
    bench.writer.last_tick = Instant::now().checked_sub(TICK).unwrap();
    bench.writer.tick();
    bench.record_all(30..31);
    let all = bench.finish();
    let motion: Vec<Vec<u8>> = all
        .iter()
        .map(|segment| segment.tracks[1].iter().map(|(data, ..)| data[0]).collect())
        .collect();
    let last = (20..26).chain([35]).collect();
    assert_eq!(motion, [vec![], (10..20).collect(), last, vec![]]);
    assert_eq!(all.iter().map(|s| s.counters.lost_side).sum::<u32>(), 0);
}

#[test]
fn a_microphone_is_heard_in_segments_that_began_with_it_and_costs_nothing_else() {
    let ear = Arc::new(Ear::new("sim:".parse().unwrap(), None));
    let mut bench = bench_with(false, Some(ear.clone()));
    for n in 0..50 {
        // Off in the middle of the second segment, on in the middle of the fourth.
        if n == 15 || n == 35 {
            ear.switch(n == 35);
        }
        bench.writer.take_side_input();
        bench.record(bench.picture(n));
        if ear.is_wanted() {
            if n == 40 {
                // What was heard before its first segment comes late.
                bench.side.send(bench.side(UnitKind::Sound, 39).unit);
            }
            bench.side.send(bench.side(UnitKind::Sound, n).unit);
        }
        bench.writer.take_side_input();
    }
    assert_eq!(bench.losses().side, 0);
    let all = bench.finish();
    let tracks: Vec<usize> = all.iter().map(|segment| segment.tracks.len()).collect();
    assert_eq!(tracks, [2, 2, 1, 1, 2]);
    let heard = |n: usize| all[n].tracks[1].len();
    assert_eq!((heard(0), heard(1), heard(4)), (10, 5, 10));
    let pictures: Vec<u8> = all.iter().flat_map(Segment::numbers).collect();
    assert_eq!(pictures, (0..50).collect::<Vec<_>>());
    assert!(all.iter().all(|segment| segment.counters.lost_side == 0));
    // A frame lasts as long as it does, whatever follows.
    assert_eq!(
        all[1].tracks[1].last().map(|(.., lasts)| *lasts),
        Some(1024)
    );
}

#[test]
fn a_camera_with_sound_of_its_own_does_not_hear_the_microphone() {
    let ear = Arc::new(Ear::new("sim:".parse().unwrap(), None));
    // Also where both are coded alike.
    let alike = ear.format(BootNs::from_secs(100)).unwrap();
    for own in [SOUND, alike] {
        let mut bench = bench_with(false, Some(ear.clone()));
        for n in 0..10 {
            let mut picture = bench.picture(n);
            picture.sound = Some(own);
            bench.record(picture);
            bench.side.send(bench.side(UnitKind::Sound, n).unit);
            bench.writer.take_side_input();
        }
        assert_eq!(bench.losses().side, 0);
        let all = bench.finish();
        assert_eq!((all[0].tracks.len(), all[0].tracks[1].len()), (2, 0));
        assert_eq!(all[0].counters.lost_side, 0);
    }
}
