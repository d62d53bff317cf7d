//! What is seen of the LED.

use proptest::prelude::*;

use super::*;

const STEP_MS: u64 = 10;

fn at(ms: u64) -> BootNs {
    BootNs(100_000_000_000 + ms * 1_000_000)
}

/// A recorder that answers once a second, and to which nothing is wrong.
fn recording(ms: u64) -> Known {
    let view = View {
        asked: at(ms / 1_000 * 1_000),
        trouble: None,
        durable_ms_ago: 300,
        clock_known: true,
        microphone: false,
    };
    Known {
        view: Some(view),
        ..Known::default()
    }
}

fn led() -> Led {
    Led::new(BootNs::from_secs(90), false)
}

/// How long it was lit and dark, in turn, beginning with the first time that it is lit; the last span may be cut.
fn spans(from: u64, to: u64, led: &mut Led, known: impl Fn(u64) -> Known) -> Vec<u64> {
    let mut spans = Vec::new();
    let mut last = false;
    for ms in (from..to).step_by(STEP_MS as usize) {
        let lit = led.is_lit(at(ms), &known(ms));
        if lit != last {
            spans.push(0);
            last = lit;
        }
        if let Some(span) = spans.last_mut() {
            *span += STEP_MS;
        }
    }
    spans
}

#[test]
fn recording_is_a_short_flash_in_the_dark() {
    let seen = spans(0, 8_000, &mut led(), recording);
    assert_eq!(seen, [100, 1_900, 100, 1_900, 100, 1_900, 100, 1_900]);
}

#[test]
fn what_else_there_is_to_say_while_it_records() {
    let seen = |change: fn(&mut Known)| {
        let known = |ms| {
            let mut known = recording(ms);
            change(&mut known);
            known
        };
        spans(0, 2_000, &mut led(), known)
    };
    assert_eq!(seen(|known| known.hotspot = true), [100, 200, 100, 1_600]);
    let listens = |known: &mut Known| {
        known.hotspot = true;
        known.view = known.view.map(|view| View {
            microphone: true,
            ..view
        });
    };
    assert_eq!(seen(listens), [100, 200, 100, 200, 100, 200, 100, 1_000]);
    let no_time = |known: &mut Known| {
        known.hotspot = true;
        known.view = known.view.map(|view| View {
            clock_known: false,
            microphone: true,
            ..view
        });
    };
    assert_eq!(seen(no_time), [100, 200, 100, 200, 100, 1_300]);
    let low = |known: &mut Known| (known.hotspot, known.battery_is_low) = (true, true);
    assert_eq!(seen(low), [800, 1_200]);
    assert_eq!(seen(|known| known.switching_off = true), [2_000]);
}

#[test]
fn faults_are_no_dark_with_flashes() {
    let seen = |trouble| {
        let known = move |ms| {
            let known = recording(ms);
            let view = known.view.map(|view| View {
                trouble: Some(trouble),
                ..view
            });
            Known { view, ..known }
        };
        spans(0, 2_000, &mut led(), known)
    };
    assert_eq!(seen(Trouble::Camera), [1_400, 200, 200, 200]);
    assert_eq!(seen(Trouble::Card), [1_000, 200, 200, 200, 200, 200]);
    assert_eq!(seen(Trouble::Paused), [1_800, 200]);
    assert_eq!(seen(Trouble::Starting), [500, 500, 500, 500]);
}

#[test]
fn a_frozen_recorder_shows_within_three_seconds() {
    // Whenever it freezes between two questions.
    for frozen in (4_000..5_000).step_by(10) {
        let mut led = led();
        let known = |ms: u64| {
            // What was asked before it froze was answered.
            let asked = ms.min(frozen) / 1_000 * 1_000;
            Known { ..recording(asked) }
        };
        let mut shown = None;
        for ms in (0..10_000).step_by(10) {
            led.is_lit(at(ms), &known(ms));
            if led.sign() == Some(Sign::Silent) && shown.is_none() {
                shown = Some(ms);
            }
        }
        let shown = shown.unwrap();
        assert!(
            shown > frozen && shown <= frozen + 3_000,
            "{frozen}: {shown}"
        );
    }
}

#[test]
fn a_recorder_that_never_answered_is_waited_for_three_seconds() {
    let mut led = Led::new(at(0), false);
    let signs: Vec<_> = [0, 2_990, 3_000, 60_000]
        .map(|ms| {
            led.is_lit(at(ms), &Known::default());
            led.sign().unwrap()
        })
        .into();
    assert_eq!(
        signs,
        [Sign::Starting, Sign::Starting, Sign::Silent, Sign::Silent]
    );
}

#[test]
fn a_lock_flickers_for_a_second_and_a_failed_one_is_a_light() {
    let mut led = led();
    spans(0, 500, &mut led, recording);
    led.tell(at(500), News::Locked);
    let seen = spans(500, 2_100, &mut led, recording);
    assert_eq!(seen[..19], [50; 19]);
    led.tell(at(2_200), News::NotLocked);
    assert_eq!(spans(2_200, 3_200, &mut led, recording), [1_000]);
}

#[test]
fn stealth_shows_faults_alone() {
    let mut led = Led::new(BootNs::from_secs(90), true);
    led.tell(at(0), News::Locked);
    assert_eq!(spans(0, 4_000, &mut led, recording), [0_u64; 0]);
    let low = |ms| Known {
        battery_is_low: true,
        ..recording(ms)
    };
    assert_eq!(spans(4_000, 6_000, &mut led, low), [0_u64; 0]);
    let frozen = |_| recording(6_000);
    let seen = spans(6_000, 10_000, &mut led, frozen);
    assert_eq!(seen.len(), 15, "{seen:?}");
}

fn any_known() -> impl Strategy<Value = Known> {
    let trouble = prop_oneof![
        4 => Just(None),
        1 => prop::sample::select(vec![Trouble::Paused, Trouble::Starting, Trouble::Camera, Trouble::Card]).prop_map(Some),
    ];
    let view = (
        0..20_000_u64,
        trouble,
        0..10_000_u64,
        any::<bool>(),
        any::<bool>(),
    );
    let view = view.prop_map(
        |(ms, trouble, durable_ms_ago, clock_known, microphone)| View {
            asked: at(ms),
            trouble,
            durable_ms_ago,
            clock_known,
            microphone,
        },
    );
    (prop::option::of(view), any::<bool>(), any::<bool>()).prop_map(
        |(view, battery_is_low, hotspot)| Known {
            view,
            battery_is_low,
            switching_off: false,
            hotspot,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever sees more dark than light sees a camera whose pictures reached the card within five seconds, or a fault that
    /// blinks evenly.
    #[test]
    fn mostly_dark_is_proven(known in any_known(), from in 0..20_000_u64) {
        let mut led = led();
        let mut lit = 0;
        for ms in (from..from + 2_000).step_by(STEP_MS as usize) {
            lit += u64::from(led.is_lit(at(ms), &known)) * STEP_MS;
        }
        if lit < 950 {
            let view = known.view.unwrap();
            let ago = at(from).since(view.asked).as_millis() as u64 + view.durable_ms_ago;
            prop_assert!(view.trouble.is_none() && ago <= 5_000, "{lit} ms lit");
        }
    }
}
