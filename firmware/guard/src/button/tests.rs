//! What presses come to, and what never does anything.

use proptest::prelude::*;

use super::*;

const STEP_MS: u64 = 20;

/// Levels, each for so many milliseconds.
fn look_all(levels: &[(u64, bool)], mut look: impl FnMut(BootNs, bool)) {
    let mut now = 60_000;
    for &(ms, level) in levels {
        let end = now + ms;
        while now < end {
            look(BootNs(now * 1_000_000), level);
            now += STEP_MS;
        }
    }
}

fn presses(levels: &[(u64, bool)]) -> Vec<Press> {
    let mut button = Button::default();
    let mut all = Vec::new();
    look_all(levels, |now, level| all.extend(button.look(now, level)));
    all
}

fn triggers(levels: &[(u64, bool)]) -> usize {
    let mut trigger = Trigger::default();
    let mut count = 0;
    look_all(levels, |now, level| {
        count += usize::from(trigger.look(now, level));
    });
    count
}

#[test]
fn a_press_is_as_long_as_it_is_held() {
    for (ms, press) in [
        (80, Press::Short),
        (2_900, Press::Short),
        (3_100, Press::Long),
        (7_900, Press::Long),
        (8_100, Press::VeryLong),
        (60_000, Press::VeryLong),
    ] {
        let said = presses(&[(1_000, false), (ms, true), (1_000, false)]);
        assert_eq!(said, [press], "{ms} ms");
    }
}

#[test]
fn bounces_are_one_press() {
    let mut levels = vec![(1_000, false)];
    for _ in 0..10 {
        levels.extend([(20, true), (20, false)]);
    }
    levels.push((500, true));
    for _ in 0..10 {
        levels.extend([(20, false), (20, true)]);
    }
    levels.push((1_000, false));
    assert_eq!(presses(&levels), [Press::Short]);
    assert_eq!(presses(&[(1_000, false), (20, true), (1_000, false)]), []);
}

#[test]
fn what_is_held_from_the_start_does_nothing_until_it_was_released() {
    assert_eq!(presses(&[(1_000_000, true)]), []);
    assert_eq!(presses(&[(20_000, true), (1_000, false)]), []);
    let then = [(20_000, true), (1_000, false), (100, true), (100, false)];
    assert_eq!(presses(&then), [Press::Short]);
    assert_eq!(triggers(&[(1_000_000, true)]), 0);
}

#[test]
fn a_stuck_button_switches_off_once() {
    let stuck = [(1_000, false), (3_600_000, true)];
    assert_eq!(presses(&stuck), [Press::VeryLong]);
    let freed = [(1_000, false), (60_000, true), (1_000, false)];
    assert_eq!(presses(&freed), [Press::VeryLong]);
}

#[test]
fn a_stall_of_the_looks_is_no_long_press() {
    let mut button = Button::default();
    let mut all = Vec::new();
    look_all(&[(1_000, false), (500, true)], |now, level| {
        all.extend(button.look(now, level));
    });
    // Nothing was looked at for a minute; it may have been pressed twice.
    all.extend(button.look(BootNs::from_secs(130), true));
    all.extend(button.look(BootNs(130_100_000_000), true));
    assert_eq!(all, []);
    assert_eq!(
        button.held(BootNs(130_100_000_000)),
        Some(Duration::from_millis(100))
    );
}

#[test]
fn a_trigger_is_told_once_however_it_flutters() {
    assert_eq!(
        triggers(&[(1_000, false), (60_000, true), (1_000, false)]),
        1
    );
    let flutter: Vec<_> = std::iter::once((1_000, false))
        .chain((0..40).flat_map(|_| [(100, true), (100, false)]))
        .collect();
    assert_eq!(triggers(&flutter), 1);
    let twice = [(1_000, false), (100, true), (10_000, false), (100, true)];
    assert_eq!(triggers(&twice), 2);
}

fn any_levels() -> impl Strategy<Value = Vec<(u64, bool)>> {
    prop::collection::vec((1_u64..12_000, any::<bool>()), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A press needs a rest before it, and a very long one eight seconds without a rest.
    #[test]
    fn presses_are_no_more_than_rests(levels in any_levels()) {
        let said = presses(&levels);
        let mut runs: Vec<(u64, bool)> = Vec::new();
        for &(ms, level) in &levels {
            let ms = ms.div_ceil(STEP_MS) * STEP_MS;
            match runs.last_mut().filter(|(_, last)| *last == level) {
                Some((sum, _)) => *sum += ms,
                None => runs.push((ms, level)),
            }
        }
        let rests = runs.iter().filter(|(_, level)| !level).count();
        prop_assert!(said.len() <= rests, "{said:?}");
        let long = runs.iter().skip(1).filter(|(ms, level)| *level && *ms >= 8_000).count();
        let very_long = said.iter().filter(|press| **press == Press::VeryLong).count();
        // A bounce too short to count may join two.
        let joined = runs.windows(3).filter(|run| !run[1].1 && run[1].0 < 60).count();
        prop_assert!(very_long <= long + joined, "{said:?}");
    }

    /// Triggers are at least ten seconds apart.
    #[test]
    fn triggers_are_apart(levels in any_levels()) {
        let mut trigger = Trigger::default();
        let mut at = Vec::new();
        look_all(&levels, |now, level| {
            if trigger.look(now, level) {
                at.push(now);
            }
        });
        prop_assert!(at.windows(2).all(|two| two[1].since(two[0]) >= QUIET));
    }
}
