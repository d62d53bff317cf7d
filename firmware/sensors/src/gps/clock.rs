//! What time it is by a receiver.
//!
//! A receiver's date can be wrong in ways of its own. Its week counter has ten bits and begins anew every 1024 weeks (19.6
//! years; IS-GPS-200): an old one says 2007 where it is 2026. Just switched on, one without any date says 1980.

use std::collections::VecDeque;
use std::time::Duration;

use picam_time::{AnchorError, BootNs, CEILING, FLOOR, TimeAnchor, TimeSource, UtcUs};

/// After so long a receiver's week counter begins anew.
const ROLLOVER: Duration = Duration::from_secs(1024 * 7 * 86_400);
/// 1981-01-01 00:00:00 UTC. A date before is the counter's zero: until 2038 no week number leads there.
const COUNTER_UNSET: UtcUs = UtcUs::from_secs(347_155_200);
/// Fixes that must agree before one is believed.
const AGREEING: usize = 3;
/// Fixes of the same clock differ by less.
const SAME: Duration = Duration::from_secs(1);
/// Fixes that are looked at together: the one whose bytes came soonest is nearest to the truth.
const WINDOW: usize = 16;
/// A change below is not worth saying: it is what serial lines jitter.
const NOTICEABLE: Duration = Duration::from_millis(100);
/// A change is not said more often.
const PAUSE: Duration = Duration::from_secs(60);

/// A receiver's date that cannot be put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeRefused {
    /// It counts from zero.
    #[error("the receiver says 1980: it does not know the date yet")]
    Unset,
    /// Nothing leads to a date that can be.
    #[error("the receiver's date cannot be")]
    Impossible,
}

/// The true time for what a receiver says: a date from before this program existed is one of a counter that has begun anew,
/// 1024 weeks or a multiple of that behind. That is right for 19.6 years from [`FLOOR`] on.
///
/// # Errors
/// [`TimeRefused`].
pub fn true_utc(said: UtcUs) -> Result<UtcUs, TimeRefused> {
    if said < COUNTER_UNSET {
        return Err(TimeRefused::Unset);
    }
    let mut utc = said;
    while utc < FLOOR {
        utc = utc + ROLLOVER;
    }
    match utc < CEILING {
        true => Ok(utc),
        false => Err(TimeRefused::Impossible),
    }
}

/// Makes an anchor of the times of fixes: once three agree, and again when they have moved.
#[derive(Debug, Clone, Default)]
pub struct ReceiverClock {
    /// UTC of the moment of booting by each of the last fixes.
    window: VecDeque<UtcUs>,
    /// What was said last, and when.
    said: Option<(UtcUs, BootNs)>,
}

impl ReceiverClock {
    /// A fix that is believed, of which the first byte came at `captured`, was true at `utc` ([`true_utc`] of what the receiver
    /// said). The anchor, if there is something new to say.
    pub fn note(
        &mut self,
        captured: BootNs,
        utc: UtcUs,
    ) -> Option<Result<TimeAnchor, AnchorError>> {
        let booted = utc.at_boot(captured);
        // A clock that jumps, or runs backwards, is asked anew.
        if self.window.iter().any(|other| other.apart(booted) >= SAME) {
            self.window.clear();
        }
        if self.window.len() >= WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(booted);
        if self.window.len() < AGREEING {
            return None;
        }
        // Bytes are late, never early: the latest moment of booting is nearest.
        let best = self.window.iter().max().copied()?;
        let is_news = self.said.is_none_or(|(said, at)| {
            let moved = said.apart(best);
            moved >= SAME || moved >= NOTICEABLE && captured.since(at) >= PAUSE
        });
        if !is_news {
            return None;
        }
        self.said = Some((best, captured));
        let utc = best.after_boot(captured);
        Some(TimeAnchor::new(captured, utc, TimeSource::Gps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);

    fn date(text: &str) -> UtcUs {
        UtcUs(
            format!("{text}T00:00:00Z")
                .parse::<jiff::Timestamp>()
                .unwrap()
                .as_microsecond(),
        )
    }

    #[test]
    fn a_week_counter_that_began_anew_is_put_right_and_one_at_zero_is_refused() {
        for (said, is) in [
            ("2026-11-20", Some("2026-11-20")),
            ("2007-04-06", Some("2026-11-20")),
            // Twice: a receiver from before 1999.
            ("1987-08-21", Some("2026-11-20")),
            ("2006-05-18", Some("2026-01-01")),
            ("2006-05-17", Some("2045-08-16")),
            ("1980-01-06", None),
            ("1980-12-31", None),
            ("2099-12-31", Some("2099-12-31")),
            ("2100-01-01", None),
        ] {
            assert_eq!(true_utc(date(said)).ok(), is.map(date), "{said}");
        }
        assert_eq!(true_utc(UtcUs(i64::MIN)), Err(TimeRefused::Unset));
        assert_eq!(true_utc(UtcUs(i64::MAX)), Err(TimeRefused::Impossible));
    }

    /// A receiver whose bytes come this late, second by second, and what is said of it.
    fn said(clock: &mut ReceiverClock, from: u64, late_ms: &[u64], utc: UtcUs) -> Vec<UtcUs> {
        let mut all = Vec::new();
        for (n, late) in (from..).zip(late_ms) {
            let captured = BootNs::from_secs(n) + Duration::from_millis(*late);
            let true_at = utc + Duration::from_secs(n);
            if let Some(anchor) = clock.note(captured, true_at) {
                all.push(anchor.unwrap().booted());
            }
        }
        all
    }

    #[test]
    fn three_that_agree_are_believed_and_the_soonest_is_nearest() {
        let mut clock = ReceiverClock::default();
        let early = said(&mut clock, 10, &[400, 120, 300, 350], NOON);
        assert_eq!(early, [NOON - Duration::from_millis(120)]);
        // A little sooner is no news, and neither is what is noticeable at once again.
        assert!(said(&mut clock, 14, &[50, 10, 10], NOON).is_empty());
        let later = said(&mut clock, 71, &[10, 10, 10], NOON);
        assert_eq!(later, [NOON - Duration::from_millis(10)]);
    }

    #[test]
    fn a_receiver_that_jumps_is_believed_again_once_three_agree() {
        let mut clock = ReceiverClock::default();
        assert_eq!(said(&mut clock, 0, &[0; 3], NOON).len(), 1);
        // It learns of the leap seconds.
        let behind = NOON - Duration::from_secs(2);
        assert_eq!(said(&mut clock, 3, &[0; 2], behind), []);
        assert_eq!(said(&mut clock, 5, &[0; 4], behind), [behind]);
        // Times that go to and fro are never believed.
        for n in 10..60 {
            let utc = if n % 2 == 0 {
                NOON
            } else {
                NOON - Duration::from_secs(7)
            };
            assert_eq!(said(&mut clock, n, &[0], utc), []);
        }
    }

    #[test]
    fn a_leap_second_is_said_once_it_is_over() {
        let mut clock = ReceiverClock::default();
        said(&mut clock, 0, &[0; 5], NOON);
        // 23:59:60 is shown as 23:59:59 again: from then on UTC is a second behind.
        let behind = NOON - Duration::from_secs(1);
        assert_eq!(said(&mut clock, 5, &[0; 9], behind), [behind]);
    }

    proptest! {
        #[test]
        fn what_is_said_is_never_more_than_a_second_from_the_newest_fix(
            steps in proptest::collection::vec((0u64..3000, -2_000_000i64..2_000_000), 1..200),
        ) {
            let mut clock = ReceiverClock::default();
            let mut captured = BootNs::from_secs(5);
            for (ms, off) in steps {
                captured += Duration::from_millis(ms);
                let utc = UtcUs(NOON.after_boot(captured).0 + off);
                if let Some(Ok(anchor)) = clock.note(captured, utc) {
                    prop_assert!(anchor.utc(captured).apart(utc) < SAME);
                }
            }
        }
    }
}
