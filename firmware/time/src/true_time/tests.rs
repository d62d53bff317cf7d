use proptest::prelude::*;

use super::*;

/// 2026-11-20 11:08:00 UTC.
const NOON: UtcUs = UtcUs(1_795_172_880_000_000);
const SOURCES_OF_TIME: [TimeSource; 4] = [
    TimeSource::System,
    TimeSource::Phone,
    TimeSource::Ntp,
    TimeSource::Gps,
];

fn s(seconds: u64) -> BootNs {
    BootNs::from_secs(seconds)
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn anchor(utc: UtcUs, source: TimeSource) -> TimeAnchor {
    TimeAnchor::new(s(100), utc, source).unwrap()
}

/// All of these said, in order.
fn after(said: &[(UtcUs, TimeSource)]) -> BootTime {
    let mut time = BootTime::new();
    for &(utc, source) in said {
        time.offer(anchor(utc, source), s(100));
    }
    time
}

fn believed(time: &BootTime) -> Option<TimeSource> {
    time.anchor().map(TimeAnchor::source)
}

#[test]
fn a_clock_that_was_never_set_is_refused() {
    let of = |utc, source| TimeAnchor::new(s(1), utc, source);
    let refused = of(UtcUs(0), TimeSource::System).unwrap_err();
    assert!(refused.to_string().contains("before 2026"), "{refused}");
    // A GPS week rollover: 1024 weeks back.
    assert!(of(NOON - hours(1024 * 7 * 24), TimeSource::Gps).is_err());
    assert!(of(FLOOR, TimeSource::Gps).is_ok());
    assert!(of(UtcUs(FLOOR.0 - 1), TimeSource::Gps).is_err());
    assert!(of(UtcUs(CEILING.0 - 1), TimeSource::Gps).is_ok());
    let refused = of(CEILING, TimeSource::Phone).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the phone says it is 2100 or later, which cannot be"
    );
}

#[test]
fn better_sources_win_and_worse_are_ignored() {
    let mut time = BootTime::default();
    assert_eq!((time.utc(s(0)), time.booted()), (None, None));
    let offers = [
        (TimeSource::Phone, Offer::First),
        (TimeSource::System, Offer::Ignored),
        (TimeSource::Phone, Offer::Refreshed),
        (TimeSource::Ntp, Offer::Better),
        (TimeSource::Gps, Offer::Better),
        (TimeSource::Ntp, Offer::Ignored),
        (TimeSource::Gps, Offer::Refreshed),
    ];
    for (n, (source, offer)) in offers.into_iter().enumerate() {
        let utc = NOON + Duration::from_micros(n as u64);
        assert_eq!(time.offer(anchor(utc, source), s(100)), offer, "{source:?}");
    }
    assert_eq!(believed(&time), Some(TimeSource::Gps));
    assert_eq!(time.utc(s(101)), Some(UtcUs(NOON.0 + 1_000_006)));
    assert_eq!(time.booted(), time.utc(s(0)));
    // The same once more is no other time.
    let again = *time.anchor().unwrap();
    assert_eq!(time.offer(again, s(100)), Offer::Refreshed);
}

#[test]
fn the_same_source_corrects_itself_from_a_minute_on() {
    for (off, offer) in [
        (AGREEMENT - Duration::from_micros(1), Offer::Refreshed),
        (AGREEMENT, Offer::Corrected),
    ] {
        let mut time = after(&[(NOON, TimeSource::Ntp)]);
        assert_eq!(
            time.offer(anchor(NOON - off, TimeSource::Ntp), s(200)),
            offer
        );
        let held = if offer == Offer::Corrected { 0 } else { 100 };
        assert_eq!(time.holds_for(s(200)), Duration::from_secs(held));
        assert_eq!(offer.moves_segments(), offer == Offer::Corrected);
    }
}

#[test]
fn two_that_agree_overrule_a_better_one() {
    let wrong = NOON + hours(9);
    let mut time = after(&[(wrong, TimeSource::Gps), (NOON, TimeSource::Phone)]);
    assert_eq!(believed(&time), Some(TimeSource::Gps));
    assert!(!time.is_confirmed());
    let offer = time.offer(anchor(NOON, TimeSource::Ntp), s(150));
    assert_eq!(
        (offer, believed(&time)),
        (Offer::Better, Some(TimeSource::Ntp))
    );
    assert!(offer.moves_segments() && time.is_confirmed());
    assert_eq!(time.holds_for(s(151)), Duration::from_secs(1));
    // It insists.
    let offer = time.offer(anchor(wrong, TimeSource::Gps), s(160));
    assert_eq!(
        (offer, believed(&time)),
        (Offer::Ignored, Some(TimeSource::Ntp))
    );
    // It comes round.
    let offer = time.offer(anchor(NOON, TimeSource::Gps), s(170));
    assert_eq!(
        (offer, believed(&time)),
        (Offer::Better, Some(TimeSource::Gps))
    );
    assert_eq!(time.holds_for(s(171)), Duration::from_secs(21));
}

#[test]
fn the_systems_clock_and_a_second_voice_of_one_process_speak_for_nobody() {
    let time = after(&[(NOON, TimeSource::System), (NOON, TimeSource::Phone)]);
    assert!(!time.is_confirmed());
    for (uids, confirmed) in [
        ([Some(5), Some(5)], false),
        ([Some(5), Some(6)], true),
        ([None, Some(6)], true),
        ([None, None], true),
    ] {
        let mut time = BootTime::new();
        for (source, uid) in [TimeSource::Phone, TimeSource::Ntp].into_iter().zip(uids) {
            let mut said = anchor(NOON, source);
            if let Some(uid) = uid {
                said = said.told_by(uid);
            }
            time.offer(said, s(100));
        }
        assert_eq!(time.is_confirmed(), confirmed, "{uids:?}");
    }
}

#[test]
fn sources_agree_within_a_minute() {
    for (apart, confirmed) in [(59_999_999, true), (60_000_000, false)] {
        let later = NOON + Duration::from_micros(apart);
        let time = after(&[(NOON, TimeSource::Ntp), (later, TimeSource::Gps)]);
        assert_eq!(time.is_confirmed(), confirmed, "{apart}");
    }
}

#[test]
fn what_is_behind_the_newest_footage_ranks_last() {
    let rolled_over = NOON - hours(24);
    let mut time = after(&[(rolled_over, TimeSource::Gps), (NOON, TimeSource::Phone)]);
    assert_eq!(believed(&time), Some(TimeSource::Gps));
    // Exactly the minute that clocks may differ by is not behind.
    let edge = rolled_over + AGREEMENT;
    assert_eq!(time.note_footage(Some(edge), s(100)), None);
    let offer = time.note_footage(Some(UtcUs(edge.0 + 1)), s(100));
    assert_eq!(
        (offer, believed(&time)),
        (Some(Offer::Better), Some(TimeSource::Phone))
    );
    // Better than nothing, if nobody else says anything.
    let mut alone = after(&[(rolled_over, TimeSource::Gps)]);
    assert_eq!(alone.note_footage(Some(NOON), s(100)), None);
    assert_eq!(believed(&alone), Some(TimeSource::Gps));
    // It may be the footage that is wrong: two say so.
    alone.offer(anchor(NOON, TimeSource::Phone), s(100));
    assert_eq!(believed(&alone), Some(TimeSource::Phone));
    let offer = alone.offer(anchor(rolled_over, TimeSource::Ntp), s(100));
    assert_eq!(
        (offer, believed(&alone)),
        (Offer::Better, Some(TimeSource::Gps))
    );
}

#[test]
fn sources_have_names_and_accuracies() {
    let named = ["the system clock", "the phone", "the time server", "GPS"];
    for (source, name) in SOURCES_OF_TIME.into_iter().zip(named) {
        assert_eq!(source.to_string(), name);
    }
    let better = |pair: &[TimeSource]| pair[0].accuracy() > pair[1].accuracy();
    assert!(SOURCES_OF_TIME.windows(2).all(better));
}

fn source() -> impl Strategy<Value = TimeSource> {
    prop::sample::select(&SOURCES_OF_TIME)
}

proptest! {
    #[test]
    fn what_is_believed_was_said_last_by_its_source_and_the_order_of_the_others_is_all_one(
        said in prop::collection::vec((0u64..6, source()), 1..12),
        footage in prop::option::of(0u64..6),
    ) {
        let utc = |hour| NOON + hours(hour);
        let said: Vec<_> = said.into_iter().map(|(hour, source)| (utc(hour), source)).collect();
        let mut time = after(&said);
        time.note_footage(footage.map(utc), s(100));
        let last: Vec<_> = SOURCES_OF_TIME
            .into_iter()
            .filter_map(|source| said.iter().rev().find(|said| said.1 == source).copied())
            .collect();
        let anchor = time.anchor().unwrap();
        prop_assert!(last.contains(&(anchor.utc(s(100)), anchor.source())));
        let mut again = BootTime::new();
        again.note_footage(footage.map(utc), s(100));
        for &(utc, source) in last.iter().rev() {
            again.offer(tests::anchor(utc, source), s(100));
        }
        prop_assert_eq!(again.anchor(), time.anchor());
        prop_assert_eq!(again.is_confirmed(), time.is_confirmed());
    }
}
