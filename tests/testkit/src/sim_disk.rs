//! A disk that remembers what is durable, and what a power cut at any moment may leave.
//!
//! The model is harsher than a card: between two flushes every 512-byte sector that was written
//! may hold any of its versions, the old one included, whatever the order of the writes. A flush
//! of a file makes that file's sectors durable and nothing else; names become durable only with a
//! sync of the directory, each on its own. Beyond what a full flush has covered, a slot written for
//! the first time may read as zeros (exFAT's valid-data length).

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::rc::Rc;

use picam_mp4::layout::SECTOR;
use picam_mp4::{Flush, ReadAt, SlotFile};
use picam_ring::{Directory, Entry, Space};

type Sector = [u8; SECTOR];

/// One thing that reached the disk, in order.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the fields are what the variants' lines name
pub enum Op {
    /// Bytes were written to a file.
    Write {
        file: usize,
        offset: u64,
        data: Rc<[u8]>,
    },
    /// A file was flushed.
    Flush { file: usize, scope: Flush },
    /// A flush failed: what was written since the last one is gone, as the kernel drops pages that
    /// it could not write.
    FailedFlush { file: usize },
    /// A file was created, its length durable with its name.
    Create {
        file: usize,
        name: String,
        size: u64,
    },
    /// A file changed its name.
    Rename { from: String, to: String },
    /// A file was removed.
    Remove { name: String },
    /// The directory was synced.
    SyncDirectory,
    /// The caller's own note: how many frames it had handed over by now.
    Mark(u64),
}

/// How the protocol under test is broken on purpose: one kind of flush never happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Not at all.
    None,
    /// The flush between a fragment's bytes and the sector that shows them.
    FragmentFlush,
    /// The flush between the index and the sector that shows it.
    IndexFlush,
    /// The flush between the first fragment and the name that shows the file.
    NamingFlush,
    /// The sync of the directory.
    DirectorySync,
}

/// Which flush follows a write, told from the write alone.
fn flush_after(offset: u64, data: &[u8]) -> Mutant {
    let page = data.len() == 4096;
    match data.get(4..8) {
        Some(b"moof") if data.len() == SECTOR => Mutant::NamingFlush,
        _ if offset > 0 && page && data.get(4096 - 28..4096 - 24) == Some(b"ftyp") => {
            Mutant::IndexFlush
        }
        _ if offset == 0 => Mutant::None,
        _ => Mutant::FragmentFlush,
    }
}

#[derive(Debug)]
struct State {
    names: BTreeMap<String, usize>,
    contents: Vec<Vec<u8>>,
    log: Vec<Op>,
    mutant: Mutant,
    last_write: Mutant,
    refusals: u32,
    most_files: usize,
}

impl State {
    fn refuses(&mut self) -> bool {
        let refuses = self.refusals > 0;
        self.refusals = self.refusals.saturating_sub(1);
        refuses
    }
}

/// What a worn card answers.
fn refused() -> io::Error {
    io::Error::from_raw_os_error(5)
}

/// The disk; clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Rc<RefCell<State>>);

/// A file on it.
#[derive(Debug, Clone)]
pub struct SimFile {
    disk: Rc<RefCell<State>>,
    file: usize,
}

impl SimDisk {
    /// An empty disk.
    pub fn new(mutant: Mutant) -> Self {
        Self::from_image(&DiskImage::default(), mutant)
    }

    /// A disk as a power cut left it, everything on it durable.
    pub fn from_image(image: &DiskImage, mutant: Mutant) -> Self {
        let mut names = BTreeMap::new();
        let mut contents = Vec::new();
        for (name, bytes) in &image.files {
            names.insert(name.clone(), contents.len());
            contents.push(bytes.to_vec());
        }
        Self(Rc::new(RefCell::new(State {
            names,
            contents,
            log: Vec::new(),
            mutant,
            last_write: Mutant::None,
            refusals: 0,
            most_files: usize::MAX,
        })))
    }

    /// Notes how many frames the caller has handed over.
    pub fn mark(&self, frames: u64) {
        self.0.borrow_mut().log.push(Op::Mark(frames));
    }

    /// Lets the next so many writes, flushes, renames and syncs fail with `EIO`.
    pub fn refuse(&self, operations: u32) {
        self.0.borrow_mut().refusals = operations;
    }

    /// Leaves room for so many files and no more.
    pub fn hold(&self, files: usize) {
        self.0.borrow_mut().most_files = files;
    }

    /// Everything that was done so far; the log starts anew.
    pub fn take_log(&self) -> Vec<Op> {
        std::mem::take(&mut self.0.borrow_mut().log)
    }
}

impl Directory for SimDisk {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<Entry>> {
        let state = self.0.borrow();
        Ok(state
            .names
            .iter()
            .map(|(name, &file)| Entry {
                name: name.clone(),
                size: state.contents[file].len() as u64,
            })
            .collect())
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let file = *self
            .0
            .borrow()
            .names
            .get(name)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(SimFile {
            disk: self.0.clone(),
            file,
        })
    }

    fn create(&self, name: &str, size: u64) -> io::Result<SimFile> {
        let mut state = self.0.borrow_mut();
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if state.names.len() >= state.most_files {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = state.contents.len();
        state.contents.push(vec![0; size as usize]);
        state.names.insert(name.to_owned(), file);
        state.log.push(Op::Create {
            file,
            name: name.to_owned(),
            size,
        });
        Ok(SimFile {
            disk: self.0.clone(),
            file,
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        if state.refuses() {
            return Err(refused());
        }
        if state.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), file);
        state.log.push(Op::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        state.log.push(Op::Remove {
            name: name.to_owned(),
        });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        if state.refuses() {
            return Err(refused());
        }
        if state.mutant != Mutant::DirectorySync {
            state.log.push(Op::SyncDirectory);
        }
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        Ok(Space {
            total: 1 << 40,
            available: 1 << 39,
        })
    }
}

impl ReadAt for SimFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.disk.borrow().contents[self.file].read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.borrow().contents[self.file].len() as u64)
    }
}

impl SlotFile for SimFile {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.disk.borrow_mut();
        assert!(
            offset.is_multiple_of(4096) && data.len().is_multiple_of(SECTOR),
            "unaligned write"
        );
        if state.refuses() {
            return Err(refused());
        }
        let start = offset as usize;
        state.contents[self.file]
            .get_mut(start..start + data.len())
            .ok_or(io::ErrorKind::StorageFull)?
            .copy_from_slice(data);
        state.last_write = flush_after(offset, data);
        state.log.push(Op::Write {
            file: self.file,
            offset,
            data: data.into(),
        });
        Ok(())
    }

    fn granule(&mut self) -> usize {
        SECTOR
    }

    fn flush(&mut self, scope: Flush) -> io::Result<()> {
        let mut state = self.disk.borrow_mut();
        if state.refuses() {
            let file = self.file;
            state.log.push(Op::FailedFlush { file });
            return Err(refused());
        }
        if state.mutant != Mutant::None && state.mutant == state.last_write {
            return Ok(());
        }
        let file = self.file;
        state.log.push(Op::Flush { file, scope });
        Ok(())
    }
}

/// A disk after a power cut.
#[derive(Debug, Clone, Default)]
pub struct DiskImage {
    /// Name and content of every file.
    pub files: BTreeMap<String, Rc<[u8]>>,
}

/// A small, fast, seeded generator (SplitMix64); tests print the seed they fail with.
#[derive(Debug, Clone)]
pub struct Rng(pub u64);

impl Rng {
    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next_u64() % n.max(1)
    }
}

#[derive(Debug, Default)]
struct Durable {
    bytes: Vec<u8>,
    /// How far the file would read as data after a cut.
    valid: u64,
    /// Sectors written since the last flush, with every version.
    dirty: HashMap<u64, Vec<Sector>>,
    written: u64,
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
}

#[derive(Debug, Clone)]
enum NameOp {
    Create { file: usize, name: String },
    Rename { from: String, to: String },
    Remove { name: String },
}

/// Plays a log and cuts the power anywhere in it.
#[derive(Debug)]
pub struct Replay {
    files: Vec<Durable>,
    names: BTreeMap<String, usize>,
    pending: Vec<NameOp>,
    /// Frames handed over so far.
    pub frames: u64,
}

impl Replay {
    /// Starts from a disk on which everything is durable.
    pub fn new(image: &DiskImage) -> Self {
        let mut names = BTreeMap::new();
        let mut files = Vec::new();
        for (name, bytes) in &image.files {
            names.insert(name.clone(), files.len());
            files.push(Durable {
                bytes: bytes.to_vec(),
                valid: bytes.len() as u64,
                ..Default::default()
            });
        }
        Self {
            files,
            names,
            pending: Vec::new(),
            frames: 0,
        }
    }

    /// Applies one operation.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Write { file, offset, data } => {
                let file = &mut self.files[*file];
                for (n, sector) in data.as_chunks::<SECTOR>().0.iter().enumerate() {
                    file.dirty
                        .entry(offset / SECTOR as u64 + n as u64)
                        .or_default()
                        .push(*sector);
                }
                file.written = file.written.max(offset + data.len() as u64);
            }
            Op::Flush { file, scope } => {
                let file = &mut self.files[*file];
                file.snapshot.take();
                for (sector, versions) in file.dirty.drain() {
                    let at = sector as usize * SECTOR;
                    if let Some(last) = versions.last() {
                        file.bytes[at..at + SECTOR].copy_from_slice(last);
                    }
                }
                if *scope == Flush::All {
                    file.valid = file.valid.max(file.written);
                }
            }
            Op::FailedFlush { file } => {
                let file = &mut self.files[*file];
                file.snapshot.take();
                file.dirty.clear();
            }
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
                self.pending.push(NameOp::Create {
                    file: *file,
                    name: name.clone(),
                });
            }
            Op::Rename { from, to } => {
                self.pending.push(NameOp::Rename {
                    from: from.clone(),
                    to: to.clone(),
                });
            }
            Op::Remove { name } => self.pending.push(NameOp::Remove { name: name.clone() }),
            Op::SyncDirectory => {
                for op in std::mem::take(&mut self.pending) {
                    apply_name(&mut self.names, &op);
                }
            }
            Op::Mark(frames) => self.frames = *frames,
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
        let files = names
            .into_iter()
            .map(|(name, file)| {
                let file = &self.files[file];
                if file.dirty.is_empty() && file.valid >= file.written {
                    return (name, file.snapshot());
                }
                let mut bytes = file.bytes.clone();
                for (sector, versions) in &file.dirty {
                    if survives(rng) {
                        let pick = match bias {
                            0 => versions.len() - 1,
                            _ => rng.below(versions.len() as u64) as usize,
                        };
                        let at = *sector as usize * SECTOR;
                        bytes[at..at + SECTOR].copy_from_slice(&versions[pick]);
                    }
                }
                if file.valid < file.written && rng.below(2) == 0 {
                    bytes[file.valid as usize..].fill(0);
                }
                (name, bytes.into())
            })
            .collect();
        DiskImage { files }
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
