//! What the outcomes come to.

use std::collections::BTreeMap;
use std::fmt;

use crate::judge::Soundness;
use crate::replay::{Outcome, Where};

/// Figures of many outcomes.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Disks.
    pub states: usize,
    /// Of which all was well.
    pub good: usize,
    /// Disks with a file that cannot be played, and all such files of all disks.
    pub with_broken: usize,
    /// Files that cannot be played.
    pub broken: usize,
    /// Files that were looked at.
    pub files: usize,
    /// Disks on which a file was damaged that the recorder was done with.
    pub with_earlier: usize,
    /// Disks that `fsck.exfat` does not call clean.
    pub unsound: usize,
    /// Seconds lost in cuts at random moments, sorted.
    pub losses: Vec<f64>,
    /// The most that was lost in any cut, in seconds.
    pub most: f64,
    /// The most of what had come as far as the fragment being written, in seconds.
    pub most_of_begun: Option<f64>,
    /// What was wrong, and how often.
    pub complaints: BTreeMap<String, usize>,
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

impl Report {
    /// Adds outcomes.
    pub fn add(&mut self, outcomes: &[Outcome]) {
        self.states += outcomes.len();
        for outcome in outcomes {
            self.good += usize::from(outcome.is_good());
            self.with_broken += usize::from(!outcome.broken.is_empty());
            self.broken += outcome.broken.len();
            self.files += outcome.files;
            self.with_earlier += usize::from(!outcome.earlier.is_empty());
            self.most = self.most.max(seconds(outcome.lost));
            if let Some(begun) = outcome.lost_of_begun {
                let begun = seconds(begun);
                self.most_of_begun = Some(self.most_of_begun.map_or(begun, |most| most.max(begun)));
            }
            if outcome.cut.chosen == Where::Moment {
                self.losses.push(seconds(outcome.lost));
            }
            let mut complain = |what: String| *self.complaints.entry(what).or_default() += 1;
            if let Soundness::Damaged(what) = &outcome.soundness {
                self.unsound += 1;
                complain(format!("fsck.exfat: {what}"));
            } else if outcome.torn > 0 {
                complain("a torn directory entry that fsck.exfat does not mind".to_owned());
            }
            if outcome.vanished > 0 {
                complain("pictures are missing that were there before and after".to_owned());
            }
            for (name, what) in outcome.broken.iter().chain(&outcome.earlier) {
                complain(format!("{name}: {what}"));
            }
        }
        self.losses.sort_by(f64::total_cmp);
    }

    /// What so many percent of the cuts at random moments cost at most, in seconds. `None` if there were none: all
    /// disks were those at borders.
    pub fn percentile(&self, percent: usize) -> Option<f64> {
        let last = self.losses.len().checked_sub(1)?;
        self.losses.get((last * percent).div_ceil(100)).copied()
    }

    fn shown_percentile(&self, percent: usize) -> String {
        let seconds = self.percentile(percent);
        seconds.map_or_else(|| "?".to_owned(), |seconds| format!("{seconds:.2} s"))
    }

    /// The heading of [`Report::row`].
    pub const HEADING: &'static str = "\
| recorder | states | a file unplayable | an earlier file damaged | filesystem damaged | lost p50 | p99 | max |
|---|---|---|---|---|---|---|---|";

    /// A line of the table in `docs/benchmarks.md`.
    pub fn row(&self, name: &str) -> String {
        let part = |n: usize| match n {
            0 => "0".to_owned(),
            n => format!(
                "{n} ({:.0} %)",
                n as f64 * 100.0 / self.states.max(1) as f64
            ),
        };
        format!(
            "| {name} | {} | {} | {} | {} | {} | {} | {:.2} s |",
            self.states,
            part(self.with_broken),
            part(self.with_earlier),
            part(self.unsound),
            self.shown_percentile(50),
            self.shown_percentile(99),
            self.most
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} disks with {} files: {} disks are as they should be, {} have an unplayable file, {} a damaged earlier \
             file, {} a damaged filesystem",
            self.states, self.files, self.good, self.with_broken, self.with_earlier, self.unsound
        )?;
        write!(
            f,
            "footage lost: p50 {}, p99 {}, max {:.2} s",
            self.shown_percentile(50),
            self.shown_percentile(99),
            self.most
        )?;
        if let Some(begun) = self.most_of_begun {
            write!(f, "; at most {begun:.2} s without what a busy host held up")?;
        }
        let mut complaints: Vec<_> = self.complaints.iter().collect();
        complaints.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        for (what, times) in complaints.iter().take(12) {
            write!(f, "\n  {times} x {what}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_losses_that_there_were() {
        let report = Report {
            losses: (1..=200).map(f64::from).collect(),
            ..Report::default()
        };
        let percentiles = [0, 50, 99, 100].map(|percent| report.percentile(percent));
        assert_eq!(percentiles, [1.0, 101.0, 199.0, 200.0].map(Some));
        assert_eq!(Report::default().percentile(50), None);
    }
}
