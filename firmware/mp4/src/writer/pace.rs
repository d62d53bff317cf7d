//! How often fragments are closed: what a commit costs is saved up by the boot clock.

use std::time::Duration;

use picam_time::BootNs;

/// Closes fragments at key frames as long as that costs no more flushes than one an interval on average.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommitPace {
    /// In nanoseconds, as the credit is, which may be a debt.
    interval_ns: i64,
    /// Time saved up for commits, at most two intervals, or owed for those that could not wait.
    credit_ns: i64,
    last: BootNs,
}

impl CommitPace {
    pub(super) fn new(interval: Duration, now: BootNs) -> Self {
        let interval_ns = signed_ns(interval);
        Self {
            interval_ns,
            credit_ns: interval_ns,
            last: now,
        }
    }

    /// Whether a fragment may be closed early now.
    pub(super) fn allows(&self, now: BootNs) -> bool {
        self.credit_at(now) >= self.interval_ns
    }

    /// A fragment was closed, early or not.
    pub(super) fn spend(&mut self, now: BootNs) {
        self.credit_ns = self.credit_at(now).saturating_sub(self.interval_ns);
        self.last = self.last.max(now);
    }

    fn credit_at(&self, now: BootNs) -> i64 {
        let saved = signed_ns(now.since(self.last));
        self.credit_ns
            .saturating_add(saved)
            .min(self.interval_ns.saturating_mul(2))
    }
}

fn signed_ns(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_saved_up_for_two_early_commits_and_owed_for_those_that_could_not_wait() {
        let mut pace = CommitPace::new(Duration::from_nanos(250), BootNs(1000));
        assert!(pace.allows(BootNs(1000)) && pace.allows(BootNs(900)));
        pace.spend(BootNs(1000));
        assert!(!pace.allows(BootNs(1249)) && pace.allows(BootNs(1250)));
        // However long nothing is closed, it is enough for two.
        pace.spend(BootNs(9000));
        assert!(pace.allows(BootNs(9000)));
        pace.spend(BootNs(9000));
        assert!(
            !pace.allows(BootNs(9000)) && !pace.allows(BootNs(9249)) && pace.allows(BootNs(9250))
        );
        // Three that could not wait are owed.
        for _ in 0..3 {
            pace.spend(BootNs(9250));
        }
        assert!(!pace.allows(BootNs(9250 + 749)) && pace.allows(BootNs(9250 + 750)));
        // A clock that seems to go back saves up nothing.
        pace.spend(BootNs(9000));
        assert!(!pace.allows(BootNs(9250 + 999)) && pace.allows(BootNs(9250 + 1000)));
    }
}
