//! When recording may stop because somebody wants it to.

use std::collections::VecDeque;

use super::refusal::Refusal;

const SECOND: u64 = 1_000_000_000;
/// Longest stop, and all that any hour has.
const LONGEST_NS: u64 = 600 * SECOND;
const HOUR_NS: u64 = 3600 * SECOND;
/// What a stop counts for at least: each ends a segment, and a ring must not turn faster for that.
const LEAST_NS: u64 = 150 * SECOND;

/// The stops of the last hour. In nanoseconds since boot throughout.
///
/// A stop counts until an hour after its end, so that whatever is asked for, recording is stopped for ten minutes at a
/// time and in an hour, and four times.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    /// Begin and end of each, oldest first.
    taken: VecDeque<(u64, u64)>,
}

impl Pauses {
    /// Stops for `wanted_ns`, or for what is left of the hour if that is less; says until when. A stop under way is left as
    /// it is.
    pub(crate) fn pause(&mut self, now: u64, wanted_ns: u64) -> Result<u64, Refusal> {
        if let Some(until) = self.until(now) {
            return Ok(until);
        }
        self.taken.retain(|&(_, end)| end + HOUR_NS > now);
        let count = |&(start, end): &(u64, u64)| (end - start).max(LEAST_NS);
        let spent: u64 = self.taken.iter().map(count).sum();
        let left = LONGEST_NS.saturating_sub(spent);
        if left < LEAST_NS {
            let first = self.taken.front().map_or(0, |&(_, end)| end + HOUR_NS);
            let wait = first.saturating_sub(now).div_ceil(SECOND);
            return Err(Refusal::NoMorePause(wait));
        }
        let until = now + wanted_ns.clamp(SECOND, left);
        self.taken.push_back((now, until));
        Ok(until)
    }

    /// Ends a stop.
    pub(crate) fn resume(&mut self, now: u64) {
        if let Some((_, end)) = self.taken.back_mut() {
            *end = now.min(*end);
        }
    }

    /// When the stop ends that is under way.
    pub(crate) fn until(&self, now: u64) -> Option<u64> {
        let last = self.taken.back();
        last.map(|&(_, end)| end).filter(|end| *end > now)
    }
}
