//! How long to wait before more footage is given up to a card that refuses.
//!
//! Time is the boot clock as it is handed in: the caller's, or that of the pictures. A recorder that is refused again at the
//! same moment is taken to be tried again after [`RETRY`].

use std::time::Duration;

use picam_time::BootNs;

/// What a caller that hands in no clock is taken to wait between two tries.
const RETRY: Duration = Duration::from_millis(200);
/// Waits before an old segment is given up, by how many segments failed since one was finished.
const WAITS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(8),
];
/// The wait doubles up to this.
const LONGEST: Duration = Duration::from_secs(600);
/// For so long a ring that is not full yet waits for a slot that cannot be made, before it takes its oldest segment instead.
const MAKING: Duration = Duration::from_secs(30);

/// When a recorder may touch what.
#[derive(Debug, Default)]
pub(super) struct Caution {
    now: BootNs,
    refused_at: Option<BootNs>,
    /// Segments that failed since one was finished.
    strikes: u32,
    failed_at: BootNs,
    cannot_make_since: Option<BootNs>,
}

impl Caution {
    /// It is this late.
    pub(super) fn note_time(&mut self, now: BootNs) {
        self.now = self.now.max(now);
    }

    pub(super) const fn now(&self) -> BootNs {
        self.now
    }

    /// The card refused something.
    pub(super) fn refused(&mut self) {
        if self.refused_at == Some(self.now) {
            self.now += RETRY;
        }
        self.refused_at = Some(self.now);
    }

    /// A segment failed, and was left as it is.
    pub(super) fn struck(&mut self) {
        self.strikes = self.strikes.saturating_add(1);
        self.failed_at = self.now;
    }

    /// A segment was finished as it should be.
    pub(super) const fn finished(&mut self) {
        self.strikes = 0;
    }

    /// Whether an old segment may be given up.
    pub(super) fn may_give_up_footage(&self) -> bool {
        self.now >= self.failed_at + self.wait()
    }

    fn wait(&self) -> Duration {
        let n = self.strikes as usize;
        WAITS.get(n).copied().unwrap_or_else(|| {
            let doublings = n.saturating_sub(WAITS.len() - 1).min(16) as u32;
            Duration::from_secs(8 << doublings).min(LONGEST)
        })
    }

    /// A slot was made, or there is no room for one: nothing to wait for.
    pub(super) const fn no_need_to_make(&mut self) {
        self.cannot_make_since = None;
    }

    /// A slot could not be made although there should be room. Whether that has gone on for so long that the ring must do with
    /// what it has.
    pub(super) fn cannot_make(&mut self) -> bool {
        let since = *self.cannot_make_since.get_or_insert(self.now);
        self.now.since(since) >= MAKING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> BootNs {
        BootNs::from_secs(seconds)
    }

    #[test]
    fn each_failure_in_a_row_doubles_the_wait_and_a_finished_segment_ends_it() {
        let mut caution = Caution::default();
        caution.note_time(s(100));
        assert!(caution.may_give_up_footage());
        for wait in [1, 8, 16, 32, 64, 128, 256, 512, 600, 600] {
            caution.struck();
            let due = caution.now() + Duration::from_secs(wait);
            caution.note_time(due.shifted_ns(-1));
            assert!(!caution.may_give_up_footage(), "{wait} s");
            caution.note_time(due);
            assert!(caution.may_give_up_footage(), "{wait} s");
        }
        caution.struck();
        caution.finished();
        assert!(caution.may_give_up_footage());
    }

    #[test]
    fn whoever_has_no_clock_is_taken_to_wait_between_tries() {
        let mut caution = Caution::default();
        caution.note_time(s(1));
        caution.refused();
        assert_eq!(caution.now(), s(1));
        for _ in 0..5 {
            caution.refused();
        }
        assert_eq!(caution.now(), s(2));
        caution.note_time(BootNs(500_000_000));
        assert_eq!(caution.now(), s(2), "time goes back");
    }

    #[test]
    fn a_slot_that_cannot_be_made_is_waited_for_half_a_minute() {
        let mut caution = Caution::default();
        assert!(!caution.cannot_make());
        caution.note_time(s(30).shifted_ns(-1));
        assert!(!caution.cannot_make());
        caution.note_time(s(30));
        assert!(caution.cannot_make());
        caution.no_need_to_make();
        assert!(!caution.cannot_make());
    }
}
