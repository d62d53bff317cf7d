//! What a power cut may leave of a log: the disks that the laboratory looks at.
//!
//! The disk is trusted with two things, as `docs/card-format.md` trusts a card: a sector of 512 bytes is written
//! whole or not at all, and what was written before a flush that returned is there afterwards. Of what was
//! written since the last flush any part may be there, in any order.

use std::ops::Range;

use picam_testkit::sim_disk::Rng;

use crate::blklog::{Entry, Kind, Log};
use crate::disk::Source;

/// The writes between two flushes: a range of the log's entries, without the flushes.
pub type Window = Range<usize>;

/// The windows of a log. The last ends with the log.
pub fn windows(log: &Log) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut from = 0;
    for (at, entry) in log.entries.iter().enumerate() {
        if entry.kind == Kind::Flush {
            if at > from {
                windows.push(from..at);
            }
            from = at + 1;
        }
    }
    if from < log.entries.len() {
        windows.push(from..log.entries.len());
    }
    windows
}

/// How what was not flushed survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// All that was written before the cut, nothing behind it.
    Prefix,
    /// Any of the writes, each whole.
    SomeWrites,
    /// Any of the sectors, each as it was written last.
    SomeSectors,
    /// Every sector on its own as it was before or as any of the writes left it.
    AnyVersions,
    /// All of the writes but one.
    AllButOne,
    /// One of the writes.
    OnlyOne,
    /// The writes in another order, up to somewhere within one of them.
    Reordered,
    /// All sectors before a place on the disk, and none behind it, or the other way round: what says where
    /// things lie stands in other places than the things.
    OneSide,
}

/// All of them but the first, which needs no luck.
pub const RANDOM: [How; 7] = [
    How::SomeWrites,
    How::SomeSectors,
    How::AnyVersions,
    How::AllButOne,
    How::OnlyOne,
    How::Reordered,
    How::OneSide,
];

/// Sectors that differ from what was durable, and what they hold, in the order in which they were written.
pub type Survivors = Vec<(u32, Source)>;

fn sectors(write: &Entry) -> impl Iterator<Item = (u32, Source)> {
    let write = *write;
    (0..write.sectors).map(move |i| (write.sector + i, write.data + i))
}

/// What survives of `writes`, which are all that was written since the last flush.
pub fn survivors(how: How, writes: &[Entry], rng: &mut Rng) -> Survivors {
    let pick = |rng: &mut Rng| rng.below(writes.len().max(1) as u64) as usize;
    match how {
        How::Prefix => writes.iter().flat_map(sectors).collect(),
        How::SomeWrites => {
            let kept: Vec<_> = writes.iter().filter(|_| rng.below(2) == 0).collect();
            kept.into_iter().flat_map(sectors).collect()
        }
        How::SomeSectors => {
            // Not always a half: cuts that leave nearly all or nearly nothing are as likely.
            let chance = 1 + rng.below(31);
            let mut left = Survivors::new();
            for (at, write) in writes.iter().enumerate() {
                for (sector, source) in sectors(write) {
                    let last = writes[at + 1..].iter().all(|later| !covers(later, sector));
                    if last && rng.below(32) < chance {
                        left.push((sector, source));
                    }
                }
            }
            left
        }
        How::AnyVersions => {
            let mut left = Survivors::new();
            for (sector, source) in writes.iter().flat_map(sectors) {
                // The last one that is kept counts: with one version in two, none in half of the cases.
                if rng.below(2) == 0 {
                    left.push((sector, source));
                }
            }
            left
        }
        How::AllButOne => {
            let without = pick(rng);
            let kept = writes.iter().enumerate().filter(|(at, _)| *at != without);
            kept.flat_map(|(_, write)| sectors(write)).collect()
        }
        How::OnlyOne => writes
            .get(pick(rng))
            .into_iter()
            .flat_map(sectors)
            .collect(),
        How::Reordered => {
            let mut order: Vec<_> = writes.iter().collect();
            for at in (1..order.len()).rev() {
                order.swap(at, rng.below(at as u64 + 1) as usize);
            }
            let all: Survivors = order.into_iter().flat_map(sectors).collect();
            let end = rng.below(all.len() as u64 + 1) as usize;
            all[..end].to_vec()
        }
        How::OneSide => {
            let all: Survivors = writes.iter().flat_map(sectors).collect();
            let Some(&(border, _)) = all.get(rng.below(all.len().max(1) as u64) as usize) else {
                return all;
            };
            let below = rng.below(2) == 0;
            let kept = all
                .into_iter()
                .filter(|(sector, _)| (*sector < border) == below);
            kept.collect()
        }
    }
}

fn covers(write: &Entry, sector: u32) -> bool {
    (write.sector..write.sector + write.sectors).contains(&sector)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn write(sector: u32, sectors: u32, data: u32) -> Entry {
        Entry {
            kind: Kind::Write,
            sector,
            sectors,
            data,
            end: 0,
        }
    }

    fn last(left: &Survivors) -> HashMap<u32, Source> {
        left.iter().copied().collect()
    }

    #[test]
    fn windows_lie_between_flushes() {
        let flush = Entry {
            kind: Kind::Flush,
            ..write(0, 0, 0)
        };
        let mut log = Log::default();
        log.entries = vec![
            flush,
            write(1, 1, 5),
            write(2, 1, 7),
            flush,
            flush,
            write(3, 1, 9),
        ];
        assert_eq!(windows(&log), [1..3, 5..6]);
    }

    #[test]
    fn only_what_was_written_survives_and_everything_can_be_missing_or_there() {
        // Sector 11 is written three times, its neighbours once.
        let writes = [
            write(10, 3, 100),
            write(11, 1, 200),
            write(11, 1, 300),
            write(40, 2, 400),
        ];
        let mut rng = Rng(3);
        for how in RANDOM {
            let mut seen: HashMap<u32, HashSet<Option<Source>>> = HashMap::new();
            let mut disks = HashSet::new();
            for _ in 0..2000 {
                let left = last(&survivors(how, &writes, &mut rng));
                for (&sector, &source) in &left {
                    let versions = writes.iter().filter(|w| covers(w, sector));
                    let mut versions = versions.map(|w| w.data + sector - w.sector);
                    assert!(versions.any(|version| version == source), "{how:?}");
                }
                for sector in [10, 11, 12, 40, 41] {
                    seen.entry(sector)
                        .or_default()
                        .insert(left.get(&sector).copied());
                }
                let mut disk: Vec<_> = left.into_iter().collect();
                disk.sort_unstable();
                disks.insert(disk);
            }
            assert!(
                seen.values().all(|versions| versions.len() > 1),
                "{how:?}: {seen:?}"
            );
            let least = match how {
                How::AllButOne | How::OnlyOne => 4,
                How::OneSide => 6,
                How::SomeWrites => 10,
                _ => 20,
            };
            assert!(disks.len() >= least, "{how:?}: {}", disks.len());
            if matches!(how, How::AnyVersions | How::Reordered) {
                assert_eq!(seen[&11].len(), 4, "{how:?}");
            }
        }
        let all = last(&survivors(How::Prefix, &writes, &mut rng));
        assert_eq!(all[&11], 300);
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn the_same_seed_leaves_the_same() {
        let writes = [write(0, 9, 1), write(4, 9, 20)];
        for how in RANDOM {
            let twice = [7, 7].map(|seed| survivors(how, &writes, &mut Rng(seed)));
            assert_eq!(twice[0], twice[1]);
        }
    }
}
