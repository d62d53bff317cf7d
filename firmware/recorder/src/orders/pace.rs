//! How many orders are taken in how short a time.

use super::refusal::Refusal;
use super::seconds_up;
use picam_time::BootNs;
use std::time::Duration;

/// So many at once.
const BURST: u32 = 20;
/// And then one each.
const EACH: Duration = Duration::from_secs(3);

/// Each order is written to the card, which has better things to do: whoever sends them without end is told to wait.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When all would be forgotten.
    full_at: BootNs,
}

impl Pace {
    /// One more.
    pub(crate) fn take(&mut self, now: BootNs) -> Result<(), Refusal> {
        let from = self.full_at.max(now);
        let wait = from.since(now).saturating_sub((BURST - 1) * EACH);
        if !wait.is_zero() {
            return Err(Refusal::TooFast(seconds_up(wait)));
        }
        self.full_at = from + EACH;
        Ok(())
    }
}
