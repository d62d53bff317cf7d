//! Plays a log again and cuts the power anywhere in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use picam_mp4::Flush;
use picam_mp4::layout::SECTOR;

use super::Sector;
use super::card::{Card, Lies, Placed};
use super::image::DiskImage;
use super::log::Op;
use super::rng::Rng;

#[derive(Debug, Default)]
struct Durable {
    bytes: Vec<u8>,
    /// What it held when the log began.
    old: Option<Rc<[u8]>>,
    /// How far the file would read as data after a cut.
    valid: u64,
    /// Sectors that are not durable yet, with every version and the step that wrote it.
    dirty: BTreeMap<u64, Vec<(u64, Sector)>>,
    written: u64,
    /// The last step that a flush has claimed.
    claimed: u64,
    /// The bytes as they are durable, shared by every cut that finds nothing else.
    snapshot: RefCell<Option<Rc<[u8]>>>,
}

impl Durable {
    fn snapshot(&self) -> Rc<[u8]> {
        self.snapshot
            .borrow_mut()
            .get_or_insert_with(|| self.bytes.as_slice().into())
            .clone()
    }

    /// Makes durable what was written up to a step.
    fn settle(&mut self, step: u64, written: Option<u64>) {
        self.snapshot.take();
        let bytes = &mut self.bytes;
        self.dirty.retain(|sector, versions| {
            let settled = versions.partition_point(|(written, _)| *written <= step);
            if let Some((_, last)) = versions.drain(..settled).next_back() {
                let at = *sector as usize * SECTOR;
                bytes[at..at + SECTOR].copy_from_slice(&last);
            }
            !versions.is_empty()
        });
        self.valid = self.valid.max(written.unwrap_or(0));
    }

    /// Forgets what was written since the last flush that returned, but for the sectors in `kept`.
    fn forget(&mut self, kept: &[u64]) {
        let claimed = self.claimed;
        self.dirty.retain(|sector, versions| {
            if kept.binary_search(sector).is_err() {
                versions.retain(|(written, _)| *written <= claimed);
            }
            !versions.is_empty()
        });
    }
}

#[derive(Debug, Clone)]
enum NameOp {
    Create { file: usize, name: String },
    Rename { from: String, to: String },
    Remove { name: String },
}

/// A flush that returned, but may not have been carried out yet.
#[derive(Debug)]
enum Claim {
    File {
        file: usize,
        step: u64,
        /// How far the file was written, if its metadata was flushed too.
        written: Option<u64>,
    },
    /// So many changes of names since the beginning.
    Names(usize),
}

/// Plays a log and cuts the power anywhere in it.
#[derive(Debug)]
pub struct Replay {
    files: Vec<Durable>,
    names: BTreeMap<String, usize>,
    pending: VecDeque<NameOp>,
    /// Changes of names that are durable.
    named: usize,
    card: Card,
    rng: Rng,
    claims: VecDeque<Claim>,
    step: u64,
    /// Frames handed over so far.
    pub frames: u64,
}

impl Replay {
    /// Starts from a disk on which everything is durable, on a card that keeps its word.
    pub fn new(image: &DiskImage) -> Self {
        Self::on(image, Card::default(), 0)
    }

    /// The same on another card; `seed` says which of its flushes are lies.
    pub fn on(image: &DiskImage, card: Card, seed: u64) -> Self {
        let mut names = BTreeMap::new();
        let mut files = Vec::new();
        for (name, bytes) in &image.files {
            names.insert(name.clone(), files.len());
            files.push(Durable {
                bytes: bytes.to_vec(),
                old: Some(bytes.clone()),
                valid: bytes.len() as u64,
                snapshot: RefCell::new(Some(bytes.clone())),
                ..Default::default()
            });
        }
        Self {
            files,
            names,
            pending: VecDeque::new(),
            named: 0,
            card,
            rng: Rng(seed),
            claims: VecDeque::new(),
            step: 0,
            frames: 0,
        }
    }

    /// Applies one operation.
    pub fn apply(&mut self, op: &Op) {
        self.step += 1;
        match op {
            Op::Write { file, offset, data } => {
                let file = &mut self.files[*file];
                for (n, sector) in data.as_chunks::<SECTOR>().0.iter().enumerate() {
                    file.dirty
                        .entry(offset / SECTOR as u64 + n as u64)
                        .or_default()
                        .push((self.step, *sector));
                }
                file.written = file.written.max(offset + data.len() as u64);
            }
            Op::Flush { file, scope } => {
                let (number, file) = (*file, &mut self.files[*file]);
                file.claimed = self.step;
                let written = (*scope == Flush::All).then_some(file.written);
                self.claim(Claim::File {
                    file: number,
                    step: self.step,
                    written,
                });
            }
            Op::FailedFlush { file, kept } => self.files[*file].forget(kept),
            Op::Create { file, name, size } => {
                assert_eq!(
                    *file,
                    self.files.len(),
                    "files are numbered in order of creation"
                );
                self.files.push(Durable {
                    bytes: vec![0; *size as usize],
                    ..Default::default()
                });
                self.pending.push_back(NameOp::Create {
                    file: *file,
                    name: name.clone(),
                });
            }
            Op::Rename { from, to } => {
                self.pending.push_back(NameOp::Rename {
                    from: from.clone(),
                    to: to.clone(),
                });
            }
            Op::Remove { name } => self
                .pending
                .push_back(NameOp::Remove { name: name.clone() }),
            Op::SyncDirectory => self.claim(Claim::Names(self.named + self.pending.len())),
            Op::Mark(frames) => self.frames = *frames,
        }
    }

    /// A flush returned; what it claims comes true now, later or never.
    fn claim(&mut self, claim: Claim) {
        let cached = match self.card.lies {
            Lies::Never => 0,
            Lies::OneIn(n) if self.rng.below(n) == 0 => return,
            Lies::OneIn(_) => 0,
            Lies::Last(flushes) => flushes,
        };
        self.claims.push_back(claim);
        while self.claims.len() > cached {
            match self.claims.pop_front() {
                Some(Claim::File {
                    file,
                    step,
                    written,
                }) => self.files[file].settle(step, written),
                Some(Claim::Names(count)) => {
                    while self.named < count {
                        self.named += 1;
                        if let Some(op) = self.pending.pop_front() {
                            apply_name(&mut self.names, &op);
                        }
                    }
                }
                None => {}
            }
        }
    }

    /// What the disk holds after a cut right now: a random choice of everything not yet durable.
    pub fn cut(&self, rng: &mut Rng) -> DiskImage {
        // Now and then all or nothing survives: the corners matter most.
        let bias = rng.below(8);
        let survives = |rng: &mut Rng| match bias {
            0 => true,
            1 => false,
            _ => rng.below(2) == 0,
        };
        let mut names = self.names.clone();
        for op in &self.pending {
            if survives(rng) {
                apply_name(&mut names, op);
            }
        }
        let mut files = BTreeMap::new();
        for (name, &file) in &names {
            let file = &self.files[file];
            if file.dirty.is_empty() && file.valid >= file.written {
                files.insert(name.clone(), file.snapshot());
                continue;
            }
            let mut bytes = file.bytes.clone();
            for (sector, versions) in &file.dirty {
                if survives(rng) {
                    let pick = match bias {
                        0 => versions.len() - 1,
                        _ => rng.below(versions.len() as u64) as usize,
                    };
                    let at = *sector as usize * SECTOR;
                    bytes[at..at + SECTOR].copy_from_slice(&versions[pick].1);
                }
            }
            if file.valid < file.written && rng.below(2) == 0 {
                bytes[file.valid as usize..].fill(0);
            }
            files.insert(name.clone(), bytes.into());
        }
        self.strike(&names, &mut files, rng);
        DiskImage { files }
    }

    /// Damages an erase block around something that was being written, on a card that has them.
    fn strike(
        &self,
        names: &BTreeMap<String, usize>,
        files: &mut BTreeMap<String, Rc<[u8]>>,
        rng: &mut Rng,
    ) {
        let Some(blocks) = &self.card.erase_blocks else {
            return;
        };
        let mut at = blocks.first_file;
        let mut starts = Vec::new();
        let mut in_flight = Vec::new();
        for file in &self.files {
            starts.push(at);
            in_flight.extend(file.dirty.keys().map(|sector| at + sector * SECTOR as u64));
            at += file.bytes.len() as u64;
        }
        if in_flight.is_empty() {
            return;
        }
        let sector = in_flight[rng.below(in_flight.len() as u64) as usize];
        let placed: Vec<Placed<'_>> = names
            .iter()
            .map(|(name, &file)| Placed {
                name,
                at: starts[file],
                len: self.files[file].bytes.len() as u64,
                old: self.files[file].old.as_deref().unwrap_or_default(),
            })
            .collect();
        blocks.strike(sector, &placed, files, rng);
    }
}

/// A rename whose source is not there (an earlier one did not survive) or whose target is taken
/// did not survive either.
fn apply_name(names: &mut BTreeMap<String, usize>, op: &NameOp) {
    match op {
        NameOp::Create { file, name } => {
            names.entry(name.clone()).or_insert(*file);
        }
        NameOp::Rename { from, to } => {
            if !names.contains_key(to)
                && let Some(file) = names.remove(from)
            {
                names.insert(to.clone(), file);
            }
        }
        NameOp::Remove { name } => {
            names.remove(name);
        }
    }
}
