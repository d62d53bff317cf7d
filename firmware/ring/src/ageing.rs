//! Which clock may say that footage is too old, and how fast it may go.
//!
//! A wrong clock must not erase a ring. So a clock that is far ahead of everything on the card is believed only once something
//! else speaks for it: another source, a day of running, or three starts; and even then footage goes slowly.

use std::collections::{BTreeMap, VecDeque};

use crate::anchor::{AGREEMENT_US, BootTime, SegmentStart};
use crate::retention::Retention;

/// A day in microseconds: how far ahead of the footage a clock may be unquestioned.
const DAY_US: i64 = 86_400_000_000;
/// A day in nanoseconds: so long must a clock have held that nothing else speaks for.
const DAY_NS: u64 = 86_400_000_000_000;
/// Starts that a clock must have held for otherwise, the present one included.
const STARTS: usize = 3;
/// An hour in nanoseconds.
const HOUR_NS: u64 = 3_600_000_000_000;
/// At most this part of a ring goes in an hour, in percent.
const PERCENT_AN_HOUR: usize = 2;

/// What a clock is good for where footage shall be given up for its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeingClock {
    /// Nobody has said what time it is.
    Unknown,
    /// It is this late, microseconds since 1970.
    Believed(i64),
    /// It is behind the newest footage: one of the two is wrong.
    Behind,
    /// It is more than a day ahead of the newest footage, and nothing else speaks for it.
    Ahead,
}

/// Judges this boot's clock at `now_boot_ns` by what other boots have recorded.
pub fn ageing_clock(
    time: &BootTime,
    now_boot_ns: u64,
    boot_id: [u8; 16],
    segments: &[SegmentStart],
) -> AgeingClock {
    let Some(now) = time.utc_us(now_boot_ns) else {
        return AgeingClock::Unknown;
    };
    let others = boots(segments.iter().filter(|segment| segment.boot_id != boot_id));
    let newest = others.iter().map(|boot| boot.last_utc_us).max();
    if newest.is_some_and(|newest| now.saturating_add(AGREEMENT_US as i64) < newest) {
        return AgeingClock::Behind;
    }
    let Believed { until, doubted } = believed(&others);
    let is_near = until.is_none_or(|until| now <= until.saturating_add(DAY_US));
    let has_held = time.holds_for_ns(now_boot_ns) >= DAY_NS || doubted + 1 >= STARTS;
    match is_near || time.is_confirmed() || has_held {
        true => AgeingClock::Believed(now),
        false => AgeingClock::Ahead,
    }
}

/// What one boot has recorded, by its own clock.
#[derive(Debug, Clone, Copy)]
struct BootSpan {
    first_utc_us: i64,
    last_utc_us: i64,
}

/// Boots whose time is known, in order.
fn boots<'a>(segments: impl Iterator<Item = &'a SegmentStart>) -> Vec<BootSpan> {
    let mut boots: BTreeMap<(u32, [u8; 16]), BootSpan> = BTreeMap::new();
    for segment in segments {
        let Some(utc_us) = segment.start_utc else {
            continue;
        };
        let boot = boots
            .entry((segment.boot_number, segment.boot_id))
            .or_insert(BootSpan {
                first_utc_us: utc_us,
                last_utc_us: utc_us,
            });
        boot.first_utc_us = boot.first_utc_us.min(utc_us);
        boot.last_utc_us = boot.last_utc_us.max(utc_us);
    }
    boots.into_values().collect()
}

struct Believed {
    /// The newest footage whose time is not doubted.
    until: Option<i64>,
    /// Boots in a row, up to the last, that agree with each other on a time far ahead of it.
    doubted: usize,
}

fn believed(boots: &[BootSpan]) -> Believed {
    let mut until: Option<i64> = None;
    let mut ahead: Vec<BootSpan> = Vec::new();
    for boot in boots {
        if until.is_none_or(|until| boot.last_utc_us <= until.saturating_add(DAY_US)) {
            until = until.max(Some(boot.last_utc_us));
            ahead.clear();
            continue;
        }
        let agrees = |before: &BootSpan| {
            boot.first_utc_us.saturating_add(AGREEMENT_US as i64) >= before.last_utc_us
        };
        if !ahead.last().is_none_or(agrees) {
            ahead.clear();
        }
        ahead.push(*boot);
        let ran_us: i64 = ahead
            .iter()
            .map(|boot| boot.last_utc_us.saturating_sub(boot.first_utc_us))
            .sum();
        if ahead.len() >= STARTS || ran_us >= DAY_US {
            until = Some(boot.last_utc_us);
            ahead.clear();
        }
    }
    Believed {
        until,
        doubted: ahead.len(),
    }
}

/// Whether a segment is too old, by its header; `now_utc_us` from [`AgeingClock::Believed`]. What this boot has recorded is as
/// old as the boot clock says, whatever became of the other.
pub fn has_aged(
    segment: &SegmentStart,
    retention: &Retention,
    now_utc_us: i64,
    now_boot_ns: u64,
    boot_id: [u8; 16],
) -> bool {
    let max_ns = u64::try_from(retention.max_age.as_nanos()).unwrap_or(u64::MAX);
    if segment.boot_id == boot_id {
        return now_boot_ns.saturating_sub(segment.start_boot) > max_ns;
    }
    let max_us = i64::try_from(max_ns / 1000).unwrap_or(i64::MAX);
    // One of unknown time is judged by its place, before this.
    segment
        .start_utc
        .is_none_or(|start| start < now_utc_us.saturating_sub(max_us))
}

/// How many slots of one ring may still go: one at least, and at most two in a hundred an hour.
#[derive(Debug, Default)]
pub struct AgeingPace {
    gone_at_ns: VecDeque<u64>,
}

impl AgeingPace {
    /// How many may go now from a ring of `slots`.
    pub fn allowance(&mut self, now_boot_ns: u64, slots: usize) -> usize {
        while let Some(&first) = self.gone_at_ns.front()
            && now_boot_ns.saturating_sub(first) >= HOUR_NS
        {
            self.gone_at_ns.pop_front();
        }
        let an_hour = (slots * PERCENT_AN_HOUR / 100).max(1);
        an_hour.saturating_sub(self.gone_at_ns.len())
    }

    /// One went.
    pub fn gone(&mut self, now_boot_ns: u64) {
        self.gone_at_ns.push_back(now_boot_ns);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::anchor::{TimeAnchor, TimeSource, name_time};
    use crate::class::Class;
    use crate::name::SegmentName;

    /// 2026-11-20 11:08:00 UTC.
    const NOON: i64 = 1_795_172_880_000_000;
    const FAR: i64 = NOON + 70 * 365 * DAY_US;
    const THIS: [u8; 16] = [99; 16];
    const S: u64 = 1_000_000_000;

    fn segment(boot: u8, utc_us: Option<i64>) -> SegmentStart {
        SegmentStart {
            name: SegmentName {
                time: name_time(utc_us, boot.into(), S),
                camera: b'F',
                class: Class::Normal,
                sequence: boot.into(),
            },
            boot_id: [boot; 16],
            boot_number: boot.into(),
            start_boot: S,
            start_utc: utc_us,
        }
    }

    fn told(utc_us: i64, source: TimeSource) -> BootTime {
        let mut time = BootTime::default();
        time.offer(TimeAnchor::new(100 * S, utc_us, source).unwrap(), 100 * S);
        time
    }

    fn judge(time: &BootTime, segments: &[SegmentStart]) -> AgeingClock {
        ageing_clock(time, 100 * S, THIS, segments)
    }

    #[test]
    fn a_clock_near_the_footage_is_believed_and_no_other() {
        let card = [segment(1, Some(NOON))];
        assert_eq!(judge(&BootTime::default(), &card), AgeingClock::Unknown);
        for (offset, expected) in [
            (-DAY_US, AgeingClock::Behind),
            (-60_000_001, AgeingClock::Behind),
            (-60_000_000, AgeingClock::Believed(NOON - 60_000_000)),
            (DAY_US, AgeingClock::Believed(NOON + DAY_US)),
            (DAY_US + 1, AgeingClock::Ahead),
        ] {
            let time = told(NOON + offset, TimeSource::Ntp);
            assert_eq!(judge(&time, &card), expected, "{offset}");
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
        let card = [segment(1, Some(NOON)), own];
        assert_eq!(
            judge(&told(FAR, TimeSource::Ntp), &card),
            AgeingClock::Ahead
        );
    }

    #[test]
    fn a_second_source_or_a_day_makes_a_far_clock_believed() {
        let card = [segment(1, Some(NOON))];
        let mut time = told(FAR, TimeSource::Ntp);
        time.offer(
            TimeAnchor::new(100 * S, FAR, TimeSource::System).unwrap(),
            100 * S,
        );
        assert_eq!(judge(&time, &card), AgeingClock::Ahead);
        let later = |at_ns| ageing_clock(&time, at_ns, THIS, &card);
        assert_eq!(later(100 * S + DAY_NS - 1), AgeingClock::Ahead);
        assert!(matches!(later(100 * S + DAY_NS), AgeingClock::Believed(_)));
        time.offer(
            TimeAnchor::new(100 * S, FAR + 30_000_000, TimeSource::Gps).unwrap(),
            100 * S,
        );
        assert_eq!(judge(&time, &card), AgeingClock::Believed(FAR + 30_000_000));
    }

    #[test]
    fn three_starts_make_a_far_clock_believed_if_they_agree() {
        let far = |days: i64| Some(FAR + days * DAY_US);
        let judge_at = |days, card: &[SegmentStart]| {
            judge(&told(FAR + days * DAY_US, TimeSource::Phone), card)
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
        let retention = Retention {
            max_age: Duration::from_secs(30),
            include_locked: false,
        };
        let aged = |segment: &SegmentStart, now_utc_us, now_s: u64| {
            has_aged(segment, &retention, now_utc_us, now_s * S, THIS)
        };
        let mut own = segment(7, Some(NOON));
        own.boot_id = THIS;
        assert!(!aged(&own, FAR, 31));
        assert!(aged(&own, FAR, 32));
        let other = segment(7, Some(NOON));
        assert!(!aged(&other, NOON + 30_000_000, 9999));
        assert!(aged(&other, NOON + 30_000_001, 0));
    }

    #[test]
    fn a_ring_is_not_given_up_in_a_day() {
        let mut pace = AgeingPace::default();
        let mut gone = 0;
        for minute in 0..600 {
            let now = minute * 60 * S;
            for _ in 0..pace.allowance(now, 1000) {
                pace.gone(now);
                gone += 1;
            }
        }
        assert_eq!(gone, 10 * 20);
        assert_eq!(AgeingPace::default().allowance(0, 3), 1);
    }
}
