//! From a recording to what its cuts left.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use picam_ring::SegmentName;
use picam_testkit::sim_disk::Rng;

use crate::blklog::Kind;
use crate::cuts::{Survivors, Window, survivors, windows};
use crate::disk::Disk;
use crate::exfat::Extent;
use crate::guest::Recording;
use crate::judge::Judge;
use crate::replay::{Cut, Filed, Inspector, Outcome, Plan, State, Truth};
use crate::source::{RATE, Source};
use crate::timeline::{Part, Timeline};

/// How much likelier a window is chosen in which the filesystem's own structures change.
const METADATA_WEIGHT: u32 = 5;
/// After so many tries for one more disk there are no new ones.
const TRIES: usize = 20;

/// What is to be looked at.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// What was recorded.
    pub recording: &'a Recording,
    /// What was fed.
    pub source: &'a Source,
    /// How many cameras there are: the parts of the source belong to them in turns.
    pub cameras: usize,
    /// Whether finished files keep their bytes; not so if they are dated later.
    pub sealed: bool,
    /// How many different disks there shall be, those at borders included; all borders are looked at.
    pub states: usize,
    /// Decides which.
    pub seed: u64,
    /// Of how many disks every file is read through exfat-fuse as well.
    pub mounts: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Results {
    /// One for each disk.
    pub outcomes: Vec<Outcome>,
    /// The most pictures that a segment says it had to drop: not 0 where the machine is too slow for all this.
    pub dropped: u32,
    /// Different files that were judged.
    pub files: usize,
    /// Runs of the filesystem's check; disks with the same structures need one only.
    pub checks: usize,
    /// Disks of which every file was read through exfat-fuse as well, and was the same.
    pub mounted: usize,
}

struct Run<'a, 'b> {
    analysis: &'b Analysis<'a>,
    windows: Vec<Window>,
    truth: Truth,
    timeline: Timeline,
    inspector: Inspector<'b>,
}

impl Analysis<'_> {
    /// Looks at all of it. Files for other programs go into `scratch`; of the first bad disk an image is left
    /// there as `bad.img`.
    pub fn run(&self, judge: &mut dyn Judge, scratch: &Path) -> Results {
        let Recording { base, log, .. } = self.recording;
        let mut disk = Disk::new(base, log);
        let inspector = Inspector::new(&disk, judge, scratch).unwrap();
        let volume = inspector.volume();
        let mut run = Run {
            analysis: self,
            windows: windows(log),
            truth: Truth::new(self.source.footage.pictures),
            timeline: Timeline::default(),
            inspector,
        };
        let mut metadata = volume.list(&disk).metadata;
        let borders = run.borders(&mut disk);
        metadata.extend(volume.list(&disk).metadata);
        metadata.push((0, volume.heap()));
        run.timeline = self.timeline(&run.truth);
        let weights = run.weights(&metadata);
        let plan = Plan {
            entries: &log.entries,
            times: &self.recording.times,
            windows: &run.windows,
            weights: &weights,
        };
        let mut outcomes = Vec::new();
        for (index, state) in borders.iter().enumerate() {
            outcomes.push(run.judge(plan.border(index), index, state));
        }
        let cuts = run.choose(&plan, self.states.saturating_sub(outcomes.len()));
        let mut disk = Disk::new(base, log);
        let (mut applied, mut mounted, mut bad) = (0, 0, false);
        let every = (cuts.len() / self.mounts.max(1)).max(1);
        for (number, (cut, left)) in cuts.iter().enumerate() {
            for entry in &log.entries[applied..cut.from] {
                if entry.kind == Kind::Write {
                    disk.write(entry);
                }
            }
            applied = cut.from;
            let put = |&(sector, source): &(u32, u32)| (sector, disk.set(sector, source));
            let before: Vec<_> = left.iter().map(put).collect();
            let state = run.inspector.look(&disk);
            let index = run.windows.partition_point(|window| window.end < cut.at);
            let outcome = run.judge(*cut, index, &state);
            // What exFAT's drivers make of torn entries is their own affair.
            if number % every == every / 2 && mounted < self.mounts && outcome.is_good() {
                mounted += usize::from(crate::mounted::agrees(&disk, &volume, scratch));
            }
            if !outcome.is_good() && !bad {
                bad = true;
                crate::mounted::image(&disk, &scratch.join("bad.img"));
            }
            outcomes.push(outcome);
            for &(sector, source) in before.iter().rev() {
                disk.set(sector, source);
            }
        }
        let (files, checks) = run.inspector.counts();
        Results {
            outcomes,
            dropped: run.truth.dropped,
            files,
            checks,
            mounted,
        }
    }

    fn timeline(&self, truth: &Truth) -> Timeline {
        let last_phase = self.source.parts.len().saturating_sub(self.cameras);
        let parts = self.source.parts.iter().enumerate();
        let parts = parts.filter_map(|(number, &(first, pictures))| {
            let mut feeds = self.recording.feeds.iter();
            let fed = feeds
                .find(|(part, _)| *part as usize == number)
                .map(|(_, start)| *start);
            let mut starts = truth.starts.iter();
            let said = starts
                .find(|(picture, _)| *picture == first)
                .map(|(_, start)| *start);
            let end = first + pictures;
            let written = if number < last_phase {
                let shown = (first..end)
                    .rev()
                    .find(|&number| truth.ever_shown[number as usize]);
                shown.map_or(first, |last| last + 1)
            } else {
                // What was not written of the last ones was lost all the same.
                end
            };
            Some(Part {
                camera: number % self.cameras,
                first,
                pictures,
                start: fed.or(said)?,
                written,
            })
        });
        Timeline {
            parts: parts.collect(),
            rate: RATE,
        }
    }
}

fn overlap(a: Extent, b: Extent) -> bool {
    a.0 < b.0 + b.1 && b.0 < a.0 + a.1
}

/// Files of one camera; picam says in the name whose they are.
fn camera_letter(file: &Filed) -> u8 {
    SegmentName::parse(&file.node.path).map_or(0, |name| name.camera)
}

impl Run<'_, '_> {
    /// Looks at the disk at every border between flushes.
    fn borders(&mut self, disk: &mut Disk<'_>) -> Vec<State> {
        let log = &self.analysis.recording.log;
        let mut states = Vec::new();
        for index in 0..self.windows.len() {
            for entry in &log.entries[self.windows[index].clone()] {
                if entry.kind == Kind::Write {
                    disk.write(entry);
                }
            }
            let state = self.inspector.look(disk);
            self.truth.learn(index, &self.windows, &log.entries, &state);
            states.push(state);
        }
        states
    }

    fn weights(&self, metadata: &[Extent]) -> Vec<u32> {
        let entries = &self.analysis.recording.log.entries;
        let weight = |window: &Window| {
            let touches = entries[window.clone()].iter().any(|entry| {
                metadata
                    .iter()
                    .any(|&extent| overlap(extent, (entry.sector, entry.sectors)))
            });
            if touches { METADATA_WEIGHT } else { 1 }
        };
        self.windows.iter().map(weight).collect()
    }

    /// Half of the cuts at random moments, half in random windows; no two leave the same disk.
    fn choose(&self, plan: &Plan<'_>, number: usize) -> Vec<(Cut, Survivors)> {
        let mut rng = Rng(self.analysis.seed);
        let from = self.timeline.parts.first().map_or(0, |part| part.start);
        let to = plan.times.last().copied().unwrap_or(0);
        let mut seen = HashSet::new();
        let mut cuts = Vec::new();
        for turn in 0..number * TRIES {
            if cuts.len() == number {
                break;
            }
            let cut = if turn % 2 == 0 {
                plan.moment(from, to, &mut rng)
            } else {
                plan.window(&mut rng)
            };
            let writes = plan.entries[cut.from..cut.at].iter();
            let writes: Vec<_> = writes
                .filter(|entry| entry.kind == Kind::Write)
                .copied()
                .collect();
            let left = survivors(cut.how, &writes, &mut Rng(cut.seed));
            let last: BTreeMap<_, _> = left.iter().copied().collect();
            let mut hasher = DefaultHasher::new();
            (cut.from, last).hash(&mut hasher);
            if seen.insert(hasher.finish()) {
                cuts.push((cut, left));
            }
        }
        cuts.sort_by_key(|(cut, _)| cut.from);
        cuts
    }

    fn judge(&self, cut: Cut, index: usize, state: &State) -> Outcome {
        let shown = state.shown(self.analysis.source.footage.pictures);
        let cameras = self.timeline.cameras();
        let lost = cameras
            .map(|camera| self.timeline.lost(camera, cut.time, &shown))
            .max();
        let begun = self.truth.about_to_be_written(cut.at, &self.timeline);
        let begun = begun
            .into_iter()
            .map(|last| self.timeline.missing_up_to(last, &shown))
            .max();
        let mut outcome = Outcome {
            cut,
            lost: self.timeline.nanoseconds(lost.unwrap_or(0)),
            lost_of_begun: begun.map(|pictures| self.timeline.nanoseconds(pictures)),
            files: state.files.len(),
            broken: Vec::new(),
            earlier: Vec::new(),
            vanished: self.truth.vanished(index, &shown),
            soundness: state.soundness.clone(),
            torn: state.torn,
        };
        let mut cameras: HashMap<u8, Vec<&Filed>> = HashMap::new();
        for file in &state.files {
            if self.analysis.sealed
                && let Some(changed) = self.truth.changed(index, file)
            {
                outcome.earlier.push((file.node.path.clone(), changed));
            }
            cameras.entry(camera_letter(file)).or_default().push(file);
        }
        for files in cameras.into_values() {
            self.judge_files(files, &mut outcome);
        }
        outcome
    }

    /// The files of one camera, by name.
    fn judge_files(&self, files: Vec<&Filed>, outcome: &mut Outcome) {
        let newest = files.last().map(|file| file.node.path.clone());
        let mut playing = Vec::new();
        for file in files {
            let name = &file.node.path;
            if let Some(fault) = &file.verdict.fault {
                outcome.broken.push((name.clone(), fault.clone()));
                if newest.as_ref() != Some(name) {
                    outcome.earlier.push((name.clone(), fault.clone()));
                }
            } else if let [first, .., last] | [first @ last] = file.verdict.shown.numbers.as_slice()
            {
                playing.push((*first, *last, file));
            }
        }
        // Names of an unknown time do not stand in order.
        playing.sort_by_key(|(first, ..)| *first);
        for pair in playing.windows(2) {
            let [(_, last, file), (next, ..)] = pair else {
                continue;
            };
            let Some(camera) = self.timeline.camera_of(*last) else {
                continue;
            };
            let missing = (last + 1..*next)
                .filter(|&number| self.timeline.is_expected(camera, number))
                .count();
            if missing > 0 || !file.verdict.shown.is_unbroken() {
                let what = format!("{missing} pictures are missing at its end, or some within it");
                outcome.earlier.push((file.node.path.clone(), what));
            }
        }
    }
}
