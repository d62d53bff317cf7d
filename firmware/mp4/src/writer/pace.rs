//! How often fragments are closed: what a commit costs is saved up by the boot clock.

/// Closes fragments at key frames as long as that costs no more flushes than one an interval on average.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommitPace {
    interval_ns: i64,
    /// Time saved up for commits, at most two intervals, or owed for those that could not wait.
    credit_ns: i64,
    last_ns: u64,
}

impl CommitPace {
    pub(super) fn new(interval_ns: u64, now_ns: u64) -> Self {
        let interval_ns = i64::try_from(interval_ns).unwrap_or(i64::MAX);
        Self {
            interval_ns,
            credit_ns: interval_ns,
            last_ns: now_ns,
        }
    }

    /// Whether a fragment may be closed early now.
    pub(super) fn allows(&self, now_ns: u64) -> bool {
        self.credit_at(now_ns) >= self.interval_ns
    }

    /// A fragment was closed, early or not.
    pub(super) fn spend(&mut self, now_ns: u64) {
        self.credit_ns = self.credit_at(now_ns).saturating_sub(self.interval_ns);
        self.last_ns = self.last_ns.max(now_ns);
    }

    fn credit_at(&self, now_ns: u64) -> i64 {
        let saved = i64::try_from(now_ns.saturating_sub(self.last_ns)).unwrap_or(i64::MAX);
        self.credit_ns
            .saturating_add(saved)
            .min(self.interval_ns.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_saved_up_for_two_early_commits_and_owed_for_those_that_could_not_wait() {
        let mut pace = CommitPace::new(250, 1000);
        assert!(pace.allows(1000) && pace.allows(900));
        pace.spend(1000);
        assert!(!pace.allows(1249) && pace.allows(1250));
        // However long nothing is closed, it is enough for two.
        pace.spend(9000);
        assert!(pace.allows(9000));
        pace.spend(9000);
        assert!(!pace.allows(9000) && !pace.allows(9249) && pace.allows(9250));
        // Three that could not wait are owed.
        for _ in 0..3 {
            pace.spend(9250);
        }
        assert!(!pace.allows(9250 + 749) && pace.allows(9250 + 750));
        // A clock that seems to go back saves up nothing.
        pace.spend(9000);
        assert!(!pace.allows(9250 + 999) && pace.allows(9250 + 1000));
    }
}
