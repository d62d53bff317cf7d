//! Which cuts are looked at.

use picam_testkit::sim_disk::Rng;

use crate::blklog::{Entry, Kind};
use crate::cuts::{How, RANDOM, Window};

/// How much of what was written last a disk that is never told to flush may still lose: no card holds
/// back more than a moment's writes. Nanoseconds.
const HELD_BACK: u64 = 1_000_000_000;

/// Why this cut was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// Between a flush and the next write. All of them are looked at.
    Border,
    /// At a random moment: what happens to somebody who pulls the plug.
    Moment,
    /// In a random one of the windows between flushes, those that change the filesystem's own structures more
    /// often.
    Window,
}

/// One cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Why it was chosen.
    pub chosen: Where,
    /// Entries of the log before this one had been carried out.
    pub at: usize,
    /// Entries from this one on may be lost.
    pub from: usize,
    /// When, by the guest's boot clock in nanoseconds.
    pub time: u64,
    /// What survives.
    pub how: How,
    /// Decides what that is.
    pub seed: u64,
}

/// What cuts are chosen from.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The log's entries.
    pub entries: &'a [Entry],
    /// When each was carried out.
    pub times: &'a [u64],
    /// The writes between flushes.
    pub windows: &'a [Window],
    /// How likely each window is chosen.
    pub weights: &'a [u32],
}

impl Plan<'_> {
    fn time(&self, at: usize) -> u64 {
        self.times
            .get(at)
            .or(self.times.last())
            .copied()
            .unwrap_or(0)
    }

    /// First of the entries before `at` that may be lost in a cut at `time`.
    fn may_be_lost_from(&self, at: usize, time: u64) -> usize {
        let flushed = self.entries[..at]
            .iter()
            .rposition(|entry| entry.kind == Kind::Flush);
        let flushed = flushed.map_or(0, |flush| flush + 1);
        let held = self.times[..at].partition_point(|&then| then + HELD_BACK < time);
        flushed.max(held)
    }

    /// The cut right before the write that follows window `index`.
    pub fn border(&self, index: usize) -> Cut {
        let end = self.windows[index].end;
        let next = self
            .windows
            .get(index + 1)
            .map_or(self.entries.len(), |window| window.start);
        Cut {
            chosen: Where::Border,
            at: end,
            from: end,
            time: self.time(next),
            how: How::Prefix,
            seed: 0,
        }
    }

    /// A cut at a random moment between `from` and `to`.
    pub fn moment(&self, from: u64, to: u64, rng: &mut Rng) -> Cut {
        let time = from + rng.below(to.saturating_sub(from).max(1));
        let at = self.times.partition_point(|&then| then <= time);
        self.somehow(Where::Moment, at, time, rng)
    }

    /// A cut in a random window.
    pub fn window(&self, rng: &mut Rng) -> Cut {
        let total = self
            .weights
            .iter()
            .map(|&weight| u64::from(weight))
            .sum::<u64>();
        let mut left = rng.below(total.max(1));
        let mut index = 0;
        while left >= u64::from(self.weights[index]) {
            left -= u64::from(self.weights[index]);
            index += 1;
        }
        let window = &self.windows[index];
        let at = window.start + 1 + rng.below(window.len() as u64) as usize;
        self.somehow(Where::Window, at, self.time(at), rng)
    }

    fn somehow(&self, chosen: Where, at: usize, time: u64, rng: &mut Rng) -> Cut {
        let how = match rng.below(RANDOM.len() as u64 + 1) as usize {
            0 => How::Prefix,
            other => RANDOM[other - 1],
        };
        Cut {
            chosen,
            at,
            from: self.may_be_lost_from(at, time),
            time,
            how,
            seed: rng.below(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn entry(kind: Kind) -> Entry {
        Entry {
            kind,
            sector: 0,
            sectors: 1,
            data: 0,
            end: 0,
        }
    }

    #[test]
    fn what_was_flushed_or_is_older_than_a_second_is_there() {
        let entries = [
            Kind::Write,
            Kind::Flush,
            Kind::Write,
            Kind::Write,
            Kind::Write,
        ]
        .map(entry);
        let times = [1, 2, 3, 13, 14].map(|tenths| tenths * SECOND / 10);
        let windows = [0..1, 2..5];
        let plan = Plan {
            entries: &entries,
            times: &times,
            windows: &windows,
            weights: &[1, 1],
        };
        let tenth = SECOND / 10;
        assert_eq!(plan.may_be_lost_from(1, tenth), 0);
        assert_eq!(plan.may_be_lost_from(3, 3 * tenth), 2);
        assert_eq!(plan.may_be_lost_from(4, 13 * tenth), 2);
        assert_eq!(plan.may_be_lost_from(5, 14 * tenth), 3);

        let border = plan.border(0);
        assert_eq!((border.at, border.from, border.time), (1, 1, 3 * tenth));
        let mut rng = Rng(1);
        for _ in 0..200 {
            let moment = plan.moment(2 * tenth, 14 * tenth, &mut rng);
            assert!(moment.at >= 2 && times[..moment.at].iter().all(|&then| then <= moment.time));
            let window = plan.window(&mut rng);
            assert!(
                windows
                    .iter()
                    .any(|range| range.start < window.at && window.at <= range.end)
            );
            assert!(window.from <= window.at);
        }
    }
}
