//! What the ladder does, and what it never does.

use proptest::prelude::*;

use super::*;

fn cell(cell_mv: u16) -> Option<Reading> {
    Some(Reading {
        cell_mv,
        charge: None,
    })
}

fn ladder() -> Ladder {
    Ladder::new(Limits::default(), BootNs::from_secs(10))
}

/// Looks once a second from `from` on; every step with its second.
fn looks(
    ladder: &mut Ladder,
    from: u64,
    readings: impl IntoIterator<Item = Option<Reading>>,
) -> Vec<(u64, Event)> {
    let steps = (from..).zip(readings);
    steps
        .filter_map(|(second, reading)| {
            Some((second, ladder.look(BootNs::from_secs(second), reading)?))
        })
        .collect()
}

fn offs(events: &[(u64, Event)]) -> Vec<(u64, Cause)> {
    let offs = events.iter().filter_map(|&(second, event)| match event {
        Event::PowerOff(cause, _) => Some((second, cause)),
        _ => None,
    });
    offs.collect()
}

#[test]
fn a_falling_battery_is_warned_of_then_ends_it() {
    let falling = (0..=110).map(|second| cell(3_800 - second * 5));
    let events = looks(&mut ladder(), 100, falling);
    let [
        (warned, Event::Low(low)),
        (off, Event::PowerOff(cause, last)),
    ] = events[..]
    else {
        panic!("{events:?}");
    };
    // 3,600 mV at 140 s, held for 10 s; 3,400 mV at 180 s, held for 20 s; both to the reading.
    assert_eq!((warned, low.cell_mv), (150, 3_550));
    assert_eq!((off, cause, last.cell_mv), (200, Cause::BatteryLow, 3_300));
}

#[test]
fn the_first_minute_is_recorded_unless_the_battery_is_empty() {
    let events = looks(&mut ladder(), 10, std::iter::repeat_n(cell(3_300), 100));
    assert_eq!(offs(&events), [(70, Cause::BatteryLow)]);
    let events = looks(&mut ladder(), 10, std::iter::repeat_n(cell(3_100), 100));
    assert_eq!(offs(&events), [(15, Cause::BatteryEmpty)]);
}

#[test]
fn what_is_not_known_is_not_empty() {
    assert_eq!(looks(&mut ladder(), 100, vec![None; 100_000]), []);
    // Nor does it end what was known before.
    let mut readings = vec![cell(3_300); 15];
    readings.extend(vec![None; 8]);
    readings.extend(vec![cell(3_300); 5]);
    assert_eq!(offs(&looks(&mut ladder(), 100, readings)).len(), 1);
    // But half a minute of it does.
    let mut readings = vec![cell(3_300); 15];
    readings.extend(vec![None; 31]);
    readings.extend(vec![cell(3_300); 5]);
    assert_eq!(offs(&looks(&mut ladder(), 100, readings)), []);
}

/// Two readings may both be wrong, however long the gauge was silent between them.
#[test]
fn a_step_takes_three_readings() {
    let mut readings = vec![None; 60];
    (readings[0], readings[25]) = (cell(3_300), cell(3_300));
    assert_eq!(looks(&mut ladder(), 100, readings.clone()), []);
    readings[26] = cell(3_300);
    assert_eq!(
        offs(&looks(&mut ladder(), 100, readings)),
        [(126, Cause::BatteryLow)]
    );
}

#[test]
fn charge_alone_says_nothing_of_a_full_cell() {
    let reading = |cell_mv, charge| {
        Some(Reading {
            cell_mv,
            charge: Some(charge),
        })
    };
    assert_eq!(
        looks(&mut ladder(), 100, vec![reading(4_100, 0.0); 1000]),
        []
    );
    let events = looks(&mut ladder(), 100, vec![reading(3_690, 15.0); 100]);
    assert!(matches!(events[..], [(110, Event::Low(_))]), "{events:?}");
    let events = looks(&mut ladder(), 100, vec![reading(3_490, 5.0); 100]);
    assert_eq!(offs(&events), [(120, Cause::BatteryLow)]);
    let events = looks(&mut ladder(), 100, vec![reading(3_490, 5.1); 100]);
    assert_eq!(offs(&events), []);
}

#[test]
fn a_charged_battery_is_said_to_be_and_warned_of_again() {
    let mut readings = vec![cell(3_590); 20];
    readings.extend(vec![cell(3_699); 100]);
    readings.extend(vec![cell(3_700); 20]);
    readings.extend(vec![cell(3_590); 20]);
    let events = looks(&mut ladder(), 100, readings);
    let seconds: Vec<u64> = events.iter().map(|&(second, _)| second).collect();
    assert_eq!(seconds, [110, 230, 250]);
    assert!(matches!(events[1].1, Event::Recovered(_)));
    assert!(matches!(events[2].1, Event::Low(_)));
}

#[test]
fn switching_off_is_asked_for_again_and_never_taken_back() {
    let mut ladder = ladder();
    let events = looks(&mut ladder, 100, vec![cell(3_300); 30]);
    assert_eq!(offs(&events), [(120, Cause::BatteryLow)]);
    let events = looks(&mut ladder, 130, vec![cell(4_200); 120]);
    assert_eq!(events, [(180, Event::Overdue), (240, Event::Overdue)]);
}

fn any_reading() -> impl Strategy<Value = Option<Reading>> {
    let charge = prop_oneof![Just(None), (0.0_f32..100.0).prop_map(Some)];
    let reading =
        (2_000_u16..4_600, charge).prop_map(|(cell_mv, charge)| Reading { cell_mv, charge });
    prop_oneof![1 => Just(None), 4 => reading.prop_map(Some)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However wrong up to two readings in a row are, a full battery switches nothing off and warns of nothing.
    #[test]
    fn two_wrong_readings_are_ignored(
        wrong in prop::collection::vec((any_reading(), any_reading()), 1..60),
    ) {
        let readings = wrong.into_iter().flat_map(|(one, other)| [one, other, cell(3_900)]);
        prop_assert_eq!(looks(&mut ladder(), 100, readings), []);
    }

    /// A battery that really goes ends it, even if two looks of three fail.
    #[test]
    fn an_empty_battery_always_ends_it(
        failing in prop::collection::vec(any::<bool>(), 400),
        from in 3_450_u16..4_000,
    ) {
        let mut failed = 0;
        let readings = failing.into_iter().enumerate().map(|(second, fails)| {
            failed = if fails && failed < 2 { failed + 1 } else { 0 };
            let mv = from.saturating_sub(5 * second as u16).max(2_500);
            if failed > 0 { None } else { cell(mv) }
        });
        let reaches = 100 + u64::from(from - 3_400) / 5;
        let ends = offs(&looks(&mut ladder(), 100, readings));
        prop_assert_eq!(ends.len(), 1);
        prop_assert!(ends[0].0 <= reaches + 20 + 6, "{:?} {}", ends, reaches);
    }

    /// At a threshold, one warning is all that is said, whatever the load does to the voltage.
    #[test]
    fn a_voltage_that_flutters_is_warned_of_once(
        readings in prop::collection::vec(3_510_u16..3_700, 1..1000),
    ) {
        let events = looks(&mut ladder(), 100, readings.into_iter().map(cell));
        prop_assert!(events.len() <= 1, "{:?}", events);
    }

    /// Whatever comes: warnings and recoveries take turns, and the end comes once.
    #[test]
    fn steps_follow_each_other(readings in prop::collection::vec(any_reading(), 1..500)) {
        let mut warned = false;
        let mut over = false;
        for (_, event) in looks(&mut ladder(), 100, readings) {
            match event {
                Event::Low(_) => prop_assert!(!std::mem::replace(&mut warned, true) && !over),
                Event::Recovered(_) => prop_assert!(std::mem::replace(&mut warned, false) && !over),
                Event::PowerOff(..) => prop_assert!(!std::mem::replace(&mut over, true)),
                Event::Overdue => prop_assert!(over),
            }
        }
    }
}
