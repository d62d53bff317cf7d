//! How many impacts lock footage: a camera that hangs loose must not fill the card with locked footage.

use std::time::Duration;

use picam_time::BootNs;

use super::Impact;

/// An impact that changes the speed by as much is never taken for a bad road: 7 km/h.
const STRONG: f32 = 2.0;
/// Weak ones at a time, and how soon there is one more: 6 an hour.
const WEAK: (u32, Duration) = (6, Duration::from_secs(600));
/// Strong ones likewise: 60 an hour. Nobody has so many accidents.
const STRONGS: (u32, Duration) = (20, Duration::from_secs(60));
/// What follows so soon is kept by the lock before.
const KEPT: Duration = Duration::from_secs(10);

/// What becomes of an impact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It locks footage.
    Lock,
    /// What it is about is locked already.
    Kept,
    /// There have been too many.
    TooMany,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    spent: u32,
    /// Since when one comes back.
    since: BootNs,
}

impl Bucket {
    fn take(&mut self, now: BootNs, (most, each): (u32, Duration)) -> bool {
        let back = (now.since(self.since).as_nanos() / each.as_nanos().max(1)) as u32;
        self.spent = self.spent.saturating_sub(back);
        match self.spent {
            0 => self.since = now,
            _ => self.since += each * back,
        }
        let has = self.spent < most;
        self.spent += u32::from(has);
        has
    }
}

/// Impacts that may lock footage: at most 6 at a time and 6 more an hour, and of strong ones 20 and 60 more. Those that come
/// within ten seconds of one that did are kept by its lock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget {
    weak: Bucket,
    strong: Bucket,
    last: Option<BootNs>,
}

impl Budget {
    /// Decides about the next impact.
    pub fn decide(&mut self, impact: &Impact) -> Verdict {
        let at = impact.at;
        if self.last.is_some_and(|last| at.since(last) < KEPT) {
            return Verdict::Kept;
        }
        let is_strong = impact.velocity_change >= STRONG;
        let has = self.weak.take(at, WEAK) || (is_strong && self.strong.take(at, STRONGS));
        if !has {
            return Verdict::TooMany;
        }
        self.last = Some(at);
        Verdict::Lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn impact(second: u64, velocity_change: f32) -> Impact {
        Impact {
            at: BootNs::from_secs(second),
            peak_g: 5.0,
            velocity_change,
        }
    }

    /// How many of impacts each so many seconds lock footage in an hour.
    fn locks(each: u64, velocity_change: f32) -> usize {
        let mut budget = Budget::default();
        let all = (100..3700).step_by(each as usize);
        all.filter(|&second| budget.decide(&impact(second, velocity_change)) == Verdict::Lock)
            .count()
    }

    #[test]
    fn a_loose_mount_locks_a_dozen_times_an_hour_at_most() {
        assert!((10..=12).contains(&locks(11, 1.0)));
        assert_eq!(locks(900, 1.0), 4);
        assert!(locks(11, 3.0) <= 6 + 6 + 20 + 60);
    }

    #[test]
    fn strong_ones_are_not_lost_behind_weak_ones() {
        let mut budget = Budget::default();
        for n in 0..100 {
            budget.decide(&impact(100 + 11 * n, 1.0));
        }
        assert_eq!(budget.decide(&impact(1250, 1.9)), Verdict::TooMany);
        assert_eq!(budget.decide(&impact(1250, 2.0)), Verdict::Lock);
        assert_eq!(budget.decide(&impact(1259, 9.0)), Verdict::Kept);
    }
}
