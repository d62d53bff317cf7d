//! Saves: what is held when they are answered, and what they are about when they are asked again.

use std::time::Instant;

use picam_control::orders::{OrderSpan, Save, Saved, Why};
use picam_ring::Class;

use super::*;
use crate::locker::Locker;
use crate::orders::Origin;

fn save(id: &str, before_s: u32, after_s: u32) -> Save {
    Save {
        id: id.into(),
        before_s,
        after_s,
        reason: String::new(),
    }
}

/// A plan that leaves the page so much of the ring.
fn sharing(directory: &Path, manual: f64) -> RecordPlan {
    RecordPlan {
        shares: Shares {
            manual,
            ..Shares::default()
        },
        ..plan(directory)
    }
}

fn classes(slots: &SlotTable) -> Vec<Class> {
    let class = |segment: &picam_ring::Segment| segment.name.class;
    slots.ring(b'F', |ring| ring.segments().iter().map(class).collect())
}

/// Finished segments have their class when a save is answered, without any housekeeper; the one being recorded, whose
/// recorder has to do it, is said to be pending.
#[test]
fn what_is_finished_is_held_by_the_time_it_is_answered() {
    use Class::{Manual, Normal};

    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&sharing(directory.path(), 0.5));
    let (slots, mut recorder) = parts.record(5);
    let saved = parts.desk.save_of_page(&save("a", 2, 30)).unwrap();
    assert_eq!(
        classes(&slots),
        [Normal, Normal, Normal, Manual, Manual, Normal]
    );
    assert_eq!(saved.held, ["F000004", "F000005"]);
    assert_eq!(saved.pending, ["F000006"]);
    assert!((saved.before_s - 2.0).abs() < 0.01, "{saved:?}");
    assert!((saved.after_s - 30.0).abs() < 0.01, "{saved:?}");
    // By the segment being recorded, which began half a second ago.
    assert_eq!(saved.from.as_deref(), Some("F000006@-1.500"));
    assert_eq!(saved.to.as_deref(), Some("F000006@30.500"));
    // What its recorder does with its next tick.
    let (boot, utc) = recorder.started().unwrap();
    recorder
        .lock(parts.desk.class_of(boot, utc).unwrap())
        .unwrap();
    assert_eq!(classes(&slots).last(), Some(&Manual));

    // Ten seconds later it is still about that moment; another one is not.
    parts.clock.turn(10 * SECOND);
    let again = parts.desk.save_of_page(&save("a", 600, 600)).unwrap();
    assert_eq!(again.held, ["F000004", "F000005", "F000006"]);
    assert!((again.after_s - 20.0).abs() < 0.01, "{again:?}");
    assert_eq!(again.to, saved.to);
    assert_eq!(parts.desk.locks().len(), 1);
    // There is no more of it than was recorded, and no more room than for three.
    let all = parts.desk.save_of_page(&save("b", 600, 0)).unwrap();
    assert!((all.before_s - 15.5).abs() < 0.01, "{all:?}");
    assert_eq!(all.held, ["F000004", "F000005", "F000006"]);
    assert_eq!(all.beyond, ["F000001", "F000002", "F000003"]);
    assert!(all.pending.is_empty());
}

/// Of several tries one is not held up by whatever else the machine does.
#[test]
fn where_nothing_is_being_recorded_nothing_is_waited_for() {
    let fastest = (0..5).map(|_| {
        let directory = tempfile::tempdir().unwrap();
        let parts = parts(&plan(directory.path()));
        let (_, mut recorder) = parts.record(1);
        recorder.finish().unwrap();
        let asked = Instant::now();
        let saved = parts.desk.save(&save("a", 600, 0), Origin::Button);
        assert_eq!(saved.unwrap().held, ["F000001", "F000002"]);
        asked.elapsed()
    });
    assert!(fastest.min().unwrap() < Duration::from_millis(400));
}

#[test]
fn what_every_camera_saw_is_held() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let (slots, _front) = parts.record(3);
    let (_, _rear) = parts.record_of(b'R', boot_id(), None, 2);
    parts.clock.turn(3 * SECOND / 10);
    // The last of the front was being recorded when those of the rear began.
    let save = |id, before_s| {
        let saved = parts.desk.save(&save(id, before_s, 0), Origin::Button);
        let saved = saved.unwrap();
        assert_eq!(saved.pending, ["F000004", "R000003"]);
        saved.held
    };
    assert_eq!(save("a", 2), ["R000001", "R000002"]);
    assert_eq!(save("b", 4), ["F000003", "R000001", "R000002"]);
    let rear = slots.ring(b'R', |ring| {
        let segments = ring.segments().iter();
        segments
            .map(|segment| segment.name.class)
            .collect::<Vec<_>>()
    });
    assert_eq!(rear, [Class::Event, Class::Event, Class::Normal]);
}

#[test]
fn what_was_recorded_since_hides_nothing_from_a_save_that_is_asked_for_again() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&sharing(directory.path(), 0.5));
    drop(parts.record(3));
    let saved = parts.desk.save_of_page(&save("a", 0, 0)).unwrap();
    let before = parts.desk.save_of_page(&save("b", 2, 0)).unwrap();
    parts.clock.turn(3 * SECOND / 10);
    drop(parts.record(2));
    let again = |id| parts.desk.save_of_page(&save(id, 0, 0)).unwrap();
    let all = |saved: &Saved| {
        let all = [&saved.held, &saved.pending, &saved.beyond].into_iter();
        all.flatten().cloned().collect::<Vec<_>>()
    };
    assert!(all(&saved).contains(&"F000004".to_owned()), "{saved:?}");
    assert!(all(&again("a")).contains(&"F000004".to_owned()));
    let later = all(&again("b"));
    assert!(
        all(&before).iter().all(|id| later.contains(id)),
        "{later:?}"
    );
}

#[test]
fn what_its_recorder_locks_meanwhile_is_held_when_a_save_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&sharing(directory.path(), 0.5));
    let (_, mut recorder) = parts.record(2);
    let saved = std::thread::scope(|scope| {
        let desk = parts.desk.clone();
        let saving = scope.spawn(move || desk.save_of_page(&save("a", 0, 0)));
        let (boot, utc) = recorder.started().unwrap();
        while !saving.is_finished() {
            if let Some(class) = parts.desk.class_of(boot, utc) {
                recorder.lock(class).unwrap();
            }
        }
        saving.join().unwrap().unwrap()
    });
    assert_eq!(
        (saved.held, saved.pending.len()),
        (vec!["F000003".to_owned()], 0)
    );
}

#[test]
fn a_save_is_bounded_and_its_order_outlives_the_program() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let (slots, recorder) = parts.record(3);
    for (before, after) in [(601, 0), (0, 601), (u32::MAX, u32::MAX)] {
        let denied = parts.desk.save(&save("x", before, after), Origin::Owner);
        assert_eq!(denied.unwrap_err().why, Why::Refused);
    }
    let saved = parts
        .desk
        .save(&save("a", 600, 600), Origin::Button)
        .unwrap();
    assert_eq!(saved.held.len(), 3);
    assert_eq!(classes(&slots)[..3], [Class::Event; 3]);
    // As another process finds it.
    drop(recorder);
    let desk = Desk::new(&parts.volumes, parts.desk.clock(), Shares::default());
    let again = desk.save(&save("a", 0, 0), Origin::Button).unwrap();
    assert_eq!(again.to, saved.to);
    // The id is the button's, and tells the page nothing.
    let own = desk.save_of_page(&save("a", 0, 0)).unwrap();
    assert_ne!(own.to, saved.to);
    // More than a page may order at a time.
    let many = (0..30).map(|n| desk.save_of_page(&save(&n.to_string(), 0, 0)));
    let denied: Vec<Why> = many.filter_map(|done| Some(done.err()?.why)).collect();
    assert!(!denied.is_empty() && denied.iter().all(|why| *why == Why::TooFast));
}

/// Beyond the page's share, it is the housekeeper's to say which of the page's go; an answer lets none go.
#[test]
fn a_save_beyond_the_share_of_the_page_lets_nothing_go_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&sharing(directory.path(), 0.25));
    let (slots, _recorder) = parts.record(8);
    let most = parts.desk.most_of_page(slots.ring(b'F', |ring| ring.len()));
    assert_eq!(most, 2);
    let kept = || {
        let all = classes(&slots);
        let places = (1..).zip(all).filter(|(_, class)| *class == Class::Manual);
        places.map(|(n, _)| n).collect::<Vec<_>>()
    };
    // The newest two: the one that is being recorded, and the one before it.
    let saved = parts.desk.save_of_page(&save("a", 600, 0)).unwrap();
    assert_eq!(kept(), [8]);
    assert_eq!(
        (saved.held.len(), saved.pending.len(), saved.beyond.len()),
        (1, 1, 7)
    );
    parts.clock.turn(600 * SECOND);

    // Two that were kept before, and room for two: which of them go is not decided in an answer.
    let directory = tempfile::tempdir().unwrap();
    let parts = self::parts(&sharing(directory.path(), 0.25));
    let (slots, _recorder) = parts.record(8);
    let kept = || {
        let places = (1..).zip(classes(&slots));
        let manual = places.filter(|(_, class)| *class == Class::Manual);
        manual.map(|(n, _)| n).collect::<Vec<_>>()
    };
    let carry_out = || {
        let (card, _, _) = parts.volumes.get(Volume::Card).beside().unwrap();
        let mut locker = Locker::default();
        locker
            .lock(&card, &slots, &parts.desk, Volume::Card)
            .unwrap();
    };
    for id in ["F000001", "F000002"] {
        let span = OrderSpan::Segment(id.into());
        let done = parts
            .desk
            .lock(id.into(), &span, String::new(), Origin::Page);
        done.unwrap();
    }
    carry_out();
    assert_eq!(kept(), [1, 2]);
    let saved = parts.desk.save_of_page(&save("a", 2, 0)).unwrap();
    assert_eq!(kept(), [1, 2]);
    assert_eq!(saved.pending, ["F000008", "F000009"]);
    carry_out();
    assert_eq!(kept(), [8]);
}
