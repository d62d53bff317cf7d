//! When recording may stop because somebody wants it to.

use std::collections::VecDeque;
use std::time::Duration;

use picam_time::BootNs;

use super::refusal::Refusal;
use super::seconds_up;

/// Shortest stop.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longest stop, and all that any hour has.
const LONGEST: Duration = Duration::from_secs(600);
const HOUR: Duration = Duration::from_secs(3600);
/// What a stop counts for at least: each ends a segment, and a ring must not turn faster for that.
const LEAST: Duration = Duration::from_secs(150);

/// The stops of the last hour.
///
/// A stop counts until an hour after its end, so that whatever is asked for, recording is stopped for ten minutes at a
/// time and in an hour, and four times.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    /// Begin and end of each, oldest first.
    taken: VecDeque<(BootNs, BootNs)>,
}

impl Pauses {
    /// Stops for as long as is `wanted`, or for what is left of the hour if that is less; says until when. A stop under way
    /// is left as it is.
    pub(crate) fn pause(&mut self, now: BootNs, wanted: Duration) -> Result<BootNs, Refusal> {
        if let Some(until) = self.until(now) {
            return Ok(until);
        }
        self.taken.retain(|&(_, end)| end + HOUR > now);
        let count = |&(start, end): &(BootNs, BootNs)| end.since(start).max(LEAST);
        let spent: Duration = self.taken.iter().map(count).sum();
        let left = LONGEST.saturating_sub(spent);
        if left < LEAST {
            let first = self.taken.front().map_or(now, |&(_, end)| end + HOUR);
            return Err(Refusal::NoMorePause(seconds_up(first.since(now))));
        }
        let until = now + wanted.clamp(SHORTEST, left);
        self.taken.push_back((now, until));
        Ok(until)
    }

    /// Ends a stop.
    pub(crate) fn resume(&mut self, now: BootNs) {
        if let Some((_, end)) = self.taken.back_mut() {
            *end = now.min(*end);
        }
    }

    /// When the stop ends that is under way.
    pub(crate) fn until(&self, now: BootNs) -> Option<BootNs> {
        let last = self.taken.back();
        last.map(|&(_, end)| end).filter(|end| *end > now)
    }
}
