//! Which clock may say that footage is too old, and how fast it may go.
//!
//! A wrong clock must not erase a ring. So a clock that is far ahead of everything on the card is believed only once something
//! else speaks for it: another source, a day of running, or three starts; and even then footage goes slowly.

use std::collections::BTreeMap;
use std::time::Duration;

use picam_time::{AGREEMENT, BootNs, BootTime, UtcUs};

use crate::anchor::SegmentStart;

/// How far ahead of the footage a clock may be unquestioned, and how long one must have held that nothing else speaks for.
const DAY: Duration = Duration::from_secs(86_400);
/// Starts that a clock must have held for otherwise, the present one included.
const STARTS: usize = 3;
const HOUR: Duration = Duration::from_secs(3600);
/// At most this part of a ring goes in an hour, in percent.
const PERCENT_AN_HOUR: u32 = 2;

/// What a clock is good for where footage shall be given up for its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeingClock {
    /// Nobody has said what time it is.
    Unknown,
    /// It is this late.
    Believed(UtcUs),
    /// It is behind the newest footage: one of the two is wrong.
    Behind,
    /// It is more than a day ahead of the newest footage, and nothing else speaks for it.
    Ahead,
}

/// Judges this boot's clock at `now` by what other boots have recorded.
pub fn ageing_clock(
    time: &BootTime,
    now: BootNs,
    boot_id: [u8; 16],
    segments: &[SegmentStart],
) -> AgeingClock {
    let Some(utc) = time.utc(now) else {
        return AgeingClock::Unknown;
    };
    if newest_footage(boot_id, segments).is_some_and(|newest| utc + AGREEMENT < newest) {
        return AgeingClock::Behind;
    }
    let Believed { until, doubted } = believed(&boots(of_others(boot_id, segments)));
    let is_near = until.is_none_or(|until| utc <= until + DAY);
    let has_held = time.holds_for(now) >= DAY || doubted + 1 >= STARTS;
    match is_near || time.is_confirmed() || has_held {
        true => AgeingClock::Believed(utc),
        false => AgeingClock::Ahead,
    }
}

/// When the newest footage of other boots was recorded, as far as their clocks knew.
pub fn newest_footage(boot_id: [u8; 16], segments: &[SegmentStart]) -> Option<UtcUs> {
    of_others(boot_id, segments)
        .filter_map(|segment| segment.start_utc)
        .max()
}

fn of_others(boot_id: [u8; 16], segments: &[SegmentStart]) -> impl Iterator<Item = &SegmentStart> {
    segments
        .iter()
        .filter(move |segment| segment.boot_id != boot_id)
}

/// What one boot has recorded, by its own clock.
#[derive(Debug, Clone, Copy)]
struct BootSpan {
    first: UtcUs,
    last: UtcUs,
}

/// Boots whose time is known, in order.
fn boots<'a>(segments: impl Iterator<Item = &'a SegmentStart>) -> Vec<BootSpan> {
    let mut boots: BTreeMap<(u32, [u8; 16]), BootSpan> = BTreeMap::new();
    for segment in segments {
        let Some(utc) = segment.start_utc else {
            continue;
        };
        let boot = boots
            .entry((segment.boot_number, segment.boot_id))
            .or_insert(BootSpan {
                first: utc,
                last: utc,
            });
        boot.first = boot.first.min(utc);
        boot.last = boot.last.max(utc);
    }
    boots.into_values().collect()
}

struct Believed {
    /// The newest footage whose time is not doubted.
    until: Option<UtcUs>,
    /// Boots in a row, up to the last, that agree with each other on a time far ahead of it.
    doubted: usize,
}

fn believed(boots: &[BootSpan]) -> Believed {
    let mut until: Option<UtcUs> = None;
    let mut ahead: Vec<BootSpan> = Vec::new();
    for boot in boots {
        if until.is_none_or(|until| boot.last <= until + DAY) {
            until = until.max(Some(boot.last));
            ahead.clear();
            continue;
        }
        let agrees = |before: &BootSpan| boot.first + AGREEMENT >= before.last;
        if !ahead.last().is_none_or(agrees) {
            ahead.clear();
        }
        ahead.push(*boot);
        let ran = ahead.iter().map(|boot| boot.last.since(boot.first));
        let ran = ran.fold(Duration::ZERO, Duration::saturating_add);
        if ahead.len() >= STARTS || ran >= DAY {
            until = Some(boot.last);
            ahead.clear();
        }
    }
    Believed {
        until,
        doubted: ahead.len(),
    }
}

/// Whether a segment is too old, by its header; `utc` is from [`AgeingClock::Believed`]. What this boot has recorded is as
/// old as the boot clock says, whatever became of the other.
pub fn has_aged(
    segment: &SegmentStart,
    max_age: Duration,
    utc: UtcUs,
    now: BootNs,
    boot_id: [u8; 16],
) -> bool {
    if segment.boot_id == boot_id {
        return now.since(segment.start_boot) > max_age;
    }
    // One of unknown time is judged by its place, before this.
    segment.start_utc.is_none_or(|start| start < utc - max_age)
}

/// How many slots of one ring may still go: two in a hundred an hour, one after the other. It begins anew with each start, and
/// with nothing, or five short drives in an hour would take five times as much.
#[derive(Debug)]
pub struct AgeingPace {
    /// Until when all that may go has gone.
    spent_until: BootNs,
}

impl AgeingPace {
    /// Nothing may go yet.
    pub fn beginning(now: BootNs) -> Self {
        Self { spent_until: now }
    }

    /// How many may go now from a ring of `slots`.
    pub fn allowance(&mut self, now: BootNs, slots: usize) -> usize {
        // What could have gone long ago and did not is no reason to let more go at once.
        self.spent_until = self.spent_until.max(now - HOUR.max(each(slots)));
        let since = now.since(self.spent_until).as_nanos();
        usize::try_from(since / each(slots).as_nanos()).unwrap_or(usize::MAX)
    }

    /// One went from a ring of `slots`.
    pub fn gone(&mut self, slots: usize) {
        self.spent_until += each(slots);
    }
}

/// The time after which one more of so many slots may go.
fn each(slots: usize) -> Duration {
    HOUR * 100 / PERCENT_AN_HOUR / u32::try_from(slots).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use picam_time::{TimeAnchor, TimeSource};

    use super::*;
    use crate::anchor::name_time;
    use crate::class::Class;
    use crate::name::SegmentName;

    /// 2026-11-20 11:08:00 UTC.
    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);
    const FAR: UtcUs = UtcUs::from_secs(NOON.seconds() + 70 * 365 * 86_400);
    const THIS: [u8; 16] = [99; 16];
    const NOW: BootNs = BootNs::from_secs(100);
    const TICK: Duration = Duration::from_micros(1);

    fn segment(boot: u8, utc: Option<UtcUs>) -> SegmentStart {
        SegmentStart {
            name: SegmentName {
                time: name_time(utc, boot.into(), BootNs::from_secs(1)),
                camera: b'F',
                class: Class::Normal,
                sequence: boot.into(),
            },
            boot_id: [boot; 16],
            boot_number: boot.into(),
            start_boot: BootNs::from_secs(1),
            start_utc: utc,
        }
    }

    fn told(utc: UtcUs, source: TimeSource) -> BootTime {
        let mut time = BootTime::default();
        time.offer(TimeAnchor::new(NOW, utc, source).unwrap(), NOW);
        time
    }

    fn judge(time: &BootTime, segments: &[SegmentStart]) -> AgeingClock {
        ageing_clock(time, NOW, THIS, segments)
    }

    #[test]
    fn a_clock_near_the_footage_is_believed_and_no_other() {
        let card = [segment(1, Some(NOON))];
        assert_eq!(judge(&BootTime::default(), &card), AgeingClock::Unknown);
        for (utc, expected) in [
            (NOON - DAY, AgeingClock::Behind),
            (NOON - AGREEMENT - TICK, AgeingClock::Behind),
            (NOON - AGREEMENT, AgeingClock::Believed(NOON - AGREEMENT)),
            (NOON + DAY, AgeingClock::Believed(NOON + DAY)),
            (NOON + DAY + TICK, AgeingClock::Ahead),
        ] {
            let time = told(utc, TimeSource::Ntp);
            assert_eq!(judge(&time, &card), expected, "{utc:?}");
        }
        assert_eq!(
            judge(&told(FAR, TimeSource::Gps), &[]),
            AgeingClock::Believed(FAR)
        );
    }

    #[test]
    fn what_this_boot_recorded_does_not_speak_for_its_clock() {
        let mut own = segment(2, Some(FAR));
        own.boot_id = THIS;
        let card = [segment(1, Some(NOON)), own, segment(3, None)];
        assert_eq!(newest_footage(THIS, &card), Some(NOON));
        assert_eq!(newest_footage(THIS, &card[1..]), None);
        assert_eq!(
            judge(&told(FAR, TimeSource::Ntp), &card),
            AgeingClock::Ahead
        );
    }

    #[test]
    fn a_second_source_or_a_day_makes_a_far_clock_believed() {
        let card = [segment(1, Some(NOON))];
        let mut time = told(FAR, TimeSource::Ntp);
        time.offer(TimeAnchor::new(NOW, FAR, TimeSource::System).unwrap(), NOW);
        assert_eq!(judge(&time, &card), AgeingClock::Ahead);
        let later = |at| ageing_clock(&time, at, THIS, &card);
        assert_eq!(later((NOW + DAY).shifted_ns(-1)), AgeingClock::Ahead);
        assert!(matches!(later(NOW + DAY), AgeingClock::Believed(_)));
        let agreeing = FAR + AGREEMENT / 2;
        time.offer(
            TimeAnchor::new(NOW, agreeing, TimeSource::Gps).unwrap(),
            NOW,
        );
        assert_eq!(judge(&time, &card), AgeingClock::Believed(agreeing));
    }

    #[test]
    fn three_starts_make_a_far_clock_believed_if_they_agree() {
        let far = |days: u32| Some(FAR + days * DAY);
        let judge_at = |days: u32, card: &[SegmentStart]| {
            judge(&told(FAR + days * DAY, TimeSource::Phone), card)
        };
        let mut card = vec![segment(1, Some(NOON)), segment(2, far(0))];
        assert_eq!(judge_at(2, &card), AgeingClock::Ahead);
        card.push(segment(3, far(2)));
        assert!(matches!(judge_at(4, &card), AgeingClock::Believed(_)));
        // One that contradicts the one before begins anew.
        card.push(segment(4, far(1)));
        assert_eq!(judge_at(1, &card), AgeingClock::Behind);
        let torn = [
            segment(1, Some(NOON)),
            segment(2, far(5)),
            segment(3, far(0)),
        ];
        assert_eq!(judge_at(6, &torn), AgeingClock::Ahead);
        // Once believed, they are what others are measured by.
        let card: Vec<SegmentStart> = [Some(NOON), far(0), far(1), far(2)]
            .into_iter()
            .zip(1..)
            .map(|(utc, boot)| segment(boot, utc))
            .collect();
        assert!(matches!(judge_at(3, &card), AgeingClock::Believed(_)));
        assert_eq!(judge_at(4, &card), AgeingClock::Ahead);
    }

    #[test]
    fn own_footage_ages_by_the_boot_clock_alone() {
        let max_age = Duration::from_secs(30);
        let aged = |segment: &SegmentStart, utc, now_s: u64| {
            has_aged(segment, max_age, utc, BootNs::from_secs(now_s), THIS)
        };
        let mut own = segment(7, Some(NOON));
        own.boot_id = THIS;
        assert!(!aged(&own, FAR, 31));
        assert!(aged(&own, FAR, 32));
        let other = segment(7, Some(NOON));
        assert!(!aged(&other, NOON + max_age, 9999));
        assert!(aged(&other, NOON + max_age + TICK, 0));
    }

    /// All that goes from a ring of `slots` in so many minutes.
    fn gone(pace: &mut AgeingPace, slots: usize, minutes: std::ops::Range<u64>) -> usize {
        let mut gone = 0;
        for minute in minutes {
            let now = BootNs::from_secs(minute * 60);
            for _ in 0..pace.allowance(now, slots) {
                pace.gone(slots);
                gone += 1;
            }
        }
        gone
    }

    #[test]
    fn a_ring_is_not_given_up_in_a_day() {
        let mut pace = AgeingPace::beginning(BootNs::ZERO);
        assert_eq!(gone(&mut pace, 1000, 0..3), 0, "not before its time");
        assert_eq!(gone(&mut pace, 1000, 3..601), 10 * 20);
        // What did not go for hours does not go at once, but for an hour's worth.
        assert_eq!(gone(&mut pace, 1000, 1000..1001), 20);
        assert_eq!(gone(&mut pace, 1000, 1001..1061), 20);
        // Nor does more go from a small one.
        let mut pace = AgeingPace::beginning(BootNs::ZERO);
        assert_eq!(gone(&mut pace, 8, 0..375), 0);
        assert_eq!(gone(&mut pace, 8, 375..751), 2);
        // Nor in many short drives.
        let short = |_| gone(&mut AgeingPace::beginning(BootNs::ZERO), 1000, 0..12);
        assert_eq!((0..5).map(short).sum::<usize>(), 5 * 3);
        assert_eq!(
            AgeingPace::beginning(BootNs::ZERO).allowance(BootNs::from_secs(60), 0),
            0
        );
    }
}
