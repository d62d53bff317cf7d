//! What the disks at the borders between flushes say of the recorder, once and for all: what it had written
//! when, and what its finished files are.

use std::collections::HashMap;

use super::look::{Filed, State};
use crate::blklog::{Entry, Kind};
use crate::cuts::Window;
use crate::timeline::Timeline;

/// How many windows before the one that shows a fragment its first byte may have been written: data, name and
/// the sector that shows it are flushed apart.
const WINDOWS_OF_A_FRAGMENT: usize = 8;
const PAGE: u64 = 4096;

/// What was learnt from the borders in order.
#[derive(Debug, Default)]
pub struct Truth {
    /// Files by name: the content that the recorder left when it was done, and since which border.
    sealed: HashMap<String, (u64, usize)>,
    /// Fragments: when the first of their bytes was written (an entry of the log), and their last picture.
    begun: Vec<(usize, u32)>,
    known: HashMap<String, usize>,
    /// Every picture that any border showed.
    pub ever_shown: Vec<bool>,
    /// Which pictures each border showed.
    at_borders: Vec<Vec<bool>>,
    /// The most pictures that a segment says it had to drop.
    pub dropped: u32,
    /// When a segment began, by the guest's boot clock in nanoseconds: its first picture and that time.
    pub starts: Vec<(u32, u64)>,
}

impl Truth {
    /// For footage of so many pictures.
    pub fn new(pictures: u32) -> Self {
        Self {
            ever_shown: vec![false; pictures as usize],
            ..Self::default()
        }
    }

    /// Takes in what is on the disk after window `index` was flushed.
    pub fn learn(&mut self, index: usize, windows: &[Window], entries: &[Entry], state: &State) {
        let shown = state.shown(self.ever_shown.len() as u32);
        for (ever, now) in self.ever_shown.iter_mut().zip(&shown) {
            *ever |= *now;
        }
        self.at_borders.push(shown);
        for file in &state.files {
            let name = &file.node.path;
            self.dropped = self.dropped.max(file.verdict.dropped);
            if file.verdict.finished {
                self.sealed.entry(name.clone()).or_insert((file.key, index));
            }
            let known = self.known.entry(name.clone()).or_insert(0);
            let first = file.verdict.shown.numbers.first();
            if let (0, Some(&first), Some(start)) = (*known, first, file.verdict.start_boot) {
                self.starts.push((first, start.0));
            }
            let new = file.verdict.fragments.iter().skip(*known);
            for &(from, to, last) in new {
                let begun = first_write(file, from, to, index, windows, entries);
                self.begun.push((begun, last));
            }
            *known = (*known).max(file.verdict.fragments.len());
        }
        self.begun.sort_unstable();
    }

    /// How far the footage of each camera had come that the recorder had begun to write, or was about to, when
    /// the entries before `at` had been carried out: the last picture of the fragment that was written next.
    pub fn about_to_be_written(&self, at: usize, timeline: &Timeline) -> Vec<u32> {
        let next = self.begun.partition_point(|&(begun, _)| begun < at);
        let mut found: Vec<Option<u32>> = vec![None; timeline.cameras().end];
        for &(_, last) in &self.begun[next..] {
            if let Some(camera) = timeline.camera_of(last) {
                found[camera].get_or_insert(last);
            }
            if found.iter().all(Option::is_some) {
                break;
            }
        }
        found.into_iter().flatten().collect()
    }

    /// How many pictures a cut within window `index` took although they were on the disk before that window and
    /// after it.
    pub fn vanished(&self, index: usize, shown: &[bool]) -> usize {
        let before = index.checked_sub(1).and_then(|at| self.at_borders.get(at));
        let (Some(before), Some(after)) = (before, self.at_borders.get(index)) else {
            return 0;
        };
        let kept = before.iter().zip(after).zip(shown);
        kept.filter(|((before, after), now)| **before && **after && !**now)
            .count()
    }

    /// What is wrong with a file on a disk that a cut after window `index` left, if the recorder was done with
    /// it before.
    pub fn changed(&self, index: usize, file: &Filed) -> Option<String> {
        let (key, since) = self.sealed.get(&file.node.path)?;
        let changed = *since < index && *key != file.key;
        changed.then(|| "it was finished, and its bytes changed".to_owned())
    }
}

/// The first write of any byte of a fragment but its first page: that one's first sector is written before, to
/// say that nothing is there yet.
fn first_write(
    file: &Filed,
    from: u64,
    to: u64,
    index: usize,
    windows: &[Window],
    entries: &[Entry],
) -> usize {
    let from = if to - from > PAGE { from + PAGE } else { from };
    let offsets = (from..to).step_by(PAGE as usize);
    let sectors: Vec<u32> = offsets
        .filter_map(|offset| file.node.sector_of(offset))
        .collect();
    let touches = |entry: &Entry| {
        let covers = |sector: &u32| (entry.sector..entry.sector + entry.sectors).contains(sector);
        entry.kind == Kind::Write && sectors.iter().any(covers)
    };
    let begin = windows[index.saturating_sub(WINDOWS_OF_A_FRAGMENT)].start;
    let end = windows[index].end;
    let found = entries[begin..end].iter().position(touches);
    found.map_or(end, |found| begin + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_before_and_after_must_not_vanish_between() {
        let truth = Truth {
            at_borders: vec![
                vec![true, true, true, false, false],
                vec![false, true, true, true, false],
            ],
            ..Truth::new(5)
        };
        // The first was to be overwritten, the fourth is new: both may be missing.
        assert_eq!(truth.vanished(1, &[false, true, true, false, false]), 0);
        assert_eq!(truth.vanished(1, &[true, true, false, true, false]), 1);
        assert_eq!(truth.vanished(0, &[false; 5]), 0);
        assert_eq!(truth.vanished(2, &[false; 5]), 0);
    }
}
