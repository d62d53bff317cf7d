//! A card that refuses, is changed, or is left for a better place.

use super::*;

#[test]
fn what_a_card_refuses_is_tried_again_and_counted_when_it_is_time_to_stop() {
    let mut bench = bench(false);
    std::fs::write(&bench.footage, "in the way").unwrap();
    bench.stop.store(true, Relaxed);
    let begun = Instant::now();
    bench.record_all(0..2);
    assert!(begun.elapsed() > Duration::from_millis(600));
    assert!(bench.has_card_fault());
    // Without a segment nothing can be done with the second one, nor with what was heard then.
    assert_eq!((bench.losses().card, bench.losses().undecodable), (1, 1));
    let heard = bench.side(UnitKind::Sound, 1);
    bench.writer.record_side(&heard);
    let begun = Instant::now();
    bench.record_all(10..11);
    assert!(
        begun.elapsed() < Duration::from_millis(600),
        "there is no more time"
    );
    assert_eq!((bench.losses().card, bench.losses().undecodable), (2, 1));
    std::fs::remove_file(&bench.footage).unwrap();
    bench.record_all(20..23);
    assert!(!bench.has_card_fault());
    assert_eq!(bench.writer.gave_up_at, None);
    let all = bench.finish();
    let counters = Counters {
        frames: 3,
        lost_card: 2,
        lost_undecodable: 1,
        lost_side: 1,
        ..Counters::default()
    };
    assert_eq!((all.len(), all[0].counters), (1, counters));
}

fn refusal() -> RecordError {
    RecordError::Io {
        doing: "trying",
        source: std::io::ErrorKind::Other.into(),
    }
}

#[test]
fn a_card_that_is_changed_gets_the_next_segment_and_nothing_is_counted_twice() {
    let mut bench = bench(false);
    bench.record_all(0..5);
    // One that refuses and is still there is tried again without end.
    for _ in 0..2 * ATTEMPTS {
        bench.writer.refused(&refusal());
    }
    assert!(bench.writer.recorder.is_some() && bench.has_card_fault());
    bench.record_all(5..6);
    assert!(!bench.has_card_fault());
    let pulled = bench.footage.with_file_name("pulled");
    std::fs::rename(&bench.footage, &pulled).unwrap();
    bench.writer.refused(&refusal());
    assert!(bench.writer.recorder.is_none());
    let shared = bench.parts.reports[0].shared.clone();
    bench.record_all(6..8);
    // Those that were not on the card yet went with it.
    let losses = bench.losses();
    assert_eq!((losses.undecodable, losses.card), (2, 2));
    let frames = shared.frames.load(Relaxed);
    assert_eq!(frames + losses.card, 6);
    let before = bench.writer.sequence;
    assert!(before.is_some());
    bench.record_all(10..13);
    assert_eq!(shared.frames.load(Relaxed), frames + 3);
    assert_eq!(bench.losses(), losses);
    let all = bench.finish();
    assert_eq!((all.len(), all[0].numbers()), (1, vec![10, 11, 12]));
    assert_eq!(all[0].counters.frames, 3);
    assert_eq!(all[0].counters.lost_undecodable, 2);
    // It goes on behind the numbers of the other card.
    assert_eq!(before.map(|n| n + 1), Some(all[0].name.sequence.into()));
}

#[test]
fn a_disk_that_refuses_is_left_after_a_few_attempts() {
    let mut bench = bench(false);
    bench.record_all(0..5);
    bench.writer.volume = Volume::Usb;
    for _ in 1..ATTEMPTS {
        bench.writer.refused(&refusal());
    }
    assert!(bench.writer.recorder.is_some());
    // What it takes meanwhile begins the count anew.
    bench.record_all(5..6);
    for _ in 1..ATTEMPTS {
        bench.writer.refused(&refusal());
    }
    assert!(bench.writer.recorder.is_some());
    bench.writer.refused(&refusal());
    assert!(bench.writer.recorder.is_none());
    assert_eq!(bench.writer.refusals, 0);
    bench.record_all(10..11);
    assert_eq!(bench.writer.volume, Volume::Card);
}

#[test]
fn a_better_place_gets_what_begins_at_the_next_key_frame() {
    let mut bench = bench(false);
    let key = |bench: &Bench, n| {
        let mut item = bench.picture(n);
        item.unit.start = Start::Idr;
        item
    };
    bench.record_all(0..5);
    bench.record(key(&bench, 5));
    bench.writer.moving = true;
    bench.record_all(6..8);
    assert!(bench.writer.moving);
    bench.record(key(&bench, 8));
    assert!(!bench.writer.moving);
    bench.record_all(9..10);
    let all = bench.finish();
    let numbers: Vec<Vec<u8>> = all.iter().map(Segment::numbers).collect();
    assert_eq!(numbers, [(0..8).collect::<Vec<_>>(), vec![8, 9]]);
}

#[test]
fn a_better_place_is_looked_for_once_a_second() {
    let mut bench = bench(false);
    bench.record_all(0..1);
    bench.writer.moving = true;
    let tick = |bench: &mut Bench| {
        bench.writer.last_tick = Instant::now().checked_sub(TICK).unwrap();
        bench.writer.tick();
    };
    // In the future, so that no time passes on a busy machine.
    bench.writer.last_look = Instant::now() + 60 * LOOK_AROUND;
    tick(&mut bench);
    assert!(bench.writer.moving);
    bench.writer.last_look = Instant::now().checked_sub(LOOK_AROUND).unwrap();
    tick(&mut bench);
    assert!(!bench.writer.moving, "there is no disk");
}
