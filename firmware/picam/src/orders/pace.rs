//! How many orders are taken in how short a time.

use super::refusal::Refusal;

/// So many at once.
const BURST: u64 = 20;
/// And then one each.
const EACH_NS: u64 = 3_000_000_000;

/// Each order is written to the card, which has better things to do: whoever sends them without end is told to wait.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When all would be forgotten, in nanoseconds since boot.
    full_at_ns: u64,
}

impl Pace {
    /// One more.
    pub(crate) fn take(&mut self, now_ns: u64) -> Result<(), Refusal> {
        let from = self.full_at_ns.max(now_ns);
        let ahead = from - now_ns;
        if ahead > (BURST - 1) * EACH_NS {
            let wait = ahead - (BURST - 1) * EACH_NS;
            return Err(Refusal::TooFast(wait.div_ceil(1_000_000_000)));
        }
        self.full_at_ns = from + EACH_NS;
        Ok(())
    }
}
