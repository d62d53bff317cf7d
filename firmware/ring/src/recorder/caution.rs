//! How long to wait before more footage is given up to a card that refuses.
//!
//! Time is the boot clock as it is handed in: the caller's, or that of the pictures. A recorder that is refused again at the
//! same moment is taken to be tried again after [`RETRY_NS`].

/// What a caller that hands in no clock is taken to wait between two tries.
const RETRY_NS: u64 = 200_000_000;
/// Waits before an old segment is given up, by how many segments failed since one was finished.
const WAITS_NS: [u64; 3] = [0, 1_000_000_000, 8_000_000_000];
/// The wait doubles up to this.
const LONGEST_NS: u64 = 600_000_000_000;
/// For so long a ring that is not full yet waits for a slot that cannot be made, before it takes its oldest segment instead.
const MAKING_NS: u64 = 30_000_000_000;

/// When a recorder may touch what.
#[derive(Debug, Default)]
pub(super) struct Caution {
    now_ns: u64,
    refused_at_ns: Option<u64>,
    /// Segments that failed since one was finished.
    strikes: u32,
    failed_at_ns: u64,
    cannot_make_since_ns: Option<u64>,
}

impl Caution {
    /// It is this late, in nanoseconds since boot.
    pub(super) fn note_time(&mut self, boot_ns: u64) {
        self.now_ns = self.now_ns.max(boot_ns);
    }

    pub(super) const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// The card refused something.
    pub(super) fn refused(&mut self) {
        if self.refused_at_ns == Some(self.now_ns) {
            self.now_ns = self.now_ns.saturating_add(RETRY_NS);
        }
        self.refused_at_ns = Some(self.now_ns);
    }

    /// A segment failed, and was left as it is.
    pub(super) fn struck(&mut self) {
        self.strikes = self.strikes.saturating_add(1);
        self.failed_at_ns = self.now_ns;
    }

    /// A segment was finished as it should be.
    pub(super) const fn finished(&mut self) {
        self.strikes = 0;
    }

    /// Whether an old segment may be given up.
    pub(super) fn may_give_up_footage(&self) -> bool {
        self.now_ns >= self.failed_at_ns.saturating_add(self.wait_ns())
    }

    fn wait_ns(&self) -> u64 {
        let n = self.strikes as usize;
        WAITS_NS.get(n).copied().unwrap_or_else(|| {
            let doublings = n.saturating_sub(WAITS_NS.len() - 1).min(16) as u32;
            (8_000_000_000 << doublings).min(LONGEST_NS)
        })
    }

    /// A slot was made, or there is no room for one: nothing to wait for.
    pub(super) const fn no_need_to_make(&mut self) {
        self.cannot_make_since_ns = None;
    }

    /// A slot could not be made although there should be room. Whether that has gone on for so long that the ring must do with
    /// what it has.
    pub(super) fn cannot_make(&mut self) -> bool {
        let since = *self.cannot_make_since_ns.get_or_insert(self.now_ns);
        self.now_ns.saturating_sub(since) >= MAKING_NS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn each_failure_in_a_row_doubles_the_wait_and_a_finished_segment_ends_it() {
        let mut caution = Caution::default();
        caution.note_time(100 * S);
        assert!(caution.may_give_up_footage());
        for wait in [1, 8, 16, 32, 64, 128, 256, 512, 600, 600] {
            caution.struck();
            let now = caution.now_ns();
            caution.note_time(now + wait * S - 1);
            assert!(!caution.may_give_up_footage(), "{wait} s");
            caution.note_time(now + wait * S);
            assert!(caution.may_give_up_footage(), "{wait} s");
        }
        caution.struck();
        caution.finished();
        assert!(caution.may_give_up_footage());
    }

    #[test]
    fn whoever_has_no_clock_is_taken_to_wait_between_tries() {
        let mut caution = Caution::default();
        caution.note_time(S);
        caution.refused();
        assert_eq!(caution.now_ns(), S);
        for _ in 0..5 {
            caution.refused();
        }
        assert_eq!(caution.now_ns(), 2 * S);
        caution.note_time(S / 2);
        assert_eq!(caution.now_ns(), 2 * S, "time goes back");
    }

    #[test]
    fn a_slot_that_cannot_be_made_is_waited_for_half_a_minute() {
        let mut caution = Caution::default();
        assert!(!caution.cannot_make());
        caution.note_time(30 * S - 1);
        assert!(!caution.cannot_make());
        caution.note_time(30 * S);
        assert!(caution.cannot_make());
        caution.no_need_to_make();
        assert!(!caution.cannot_make());
    }
}
