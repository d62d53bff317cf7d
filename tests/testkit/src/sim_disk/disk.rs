//! The simulated disk: a directory of slots that logs all that reaches it, and refuses when told to.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use picam_mp4::layout::SECTOR;
use picam_ring::{Directory, Entry, Space};

use super::Sector;
use super::file::SimFile;
use super::image::DiskImage;
use super::log::{Mutant, Op};
use super::rng::Rng;

#[derive(Debug)]
pub(super) struct State {
    pub(super) names: BTreeMap<String, usize>,
    /// What readers see of each file.
    pub(super) contents: Vec<Vec<u8>>,
    /// What stood in the sectors that were written since the file's last flush, before that.
    pub(super) unflushed: Vec<BTreeMap<u64, Sector>>,
    pub(super) log: Vec<Op>,
    pub(super) mutant: Mutant,
    pub(super) last_write: Mutant,
    pub(super) granule: usize,
    pub(super) tears: bool,
    pub(super) rng: Rng,
    good: u32,
    refusals: u32,
    pub(super) unreadable: bool,
    most_files: usize,
}

impl State {
    pub(super) fn refuses(&mut self) -> bool {
        if self.good > 0 {
            self.good -= 1;
            return false;
        }
        let refuses = self.refusals > 0;
        self.refusals = self.refusals.saturating_sub(1);
        refuses
    }
}

/// What a worn card answers.
pub(super) fn refused() -> io::Error {
    io::Error::from_raw_os_error(5)
}

/// The disk; clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Rc<RefCell<State>>);

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
            unflushed: vec![BTreeMap::new(); contents.len()],
            contents,
            log: Vec::new(),
            mutant,
            last_write: Mutant::None,
            granule: SECTOR,
            tears: false,
            rng: Rng(0),
            good: 0,
            refusals: 0,
            unreadable: false,
            most_files: usize::MAX,
        })))
    }

    /// Notes how many frames the caller has handed over.
    pub fn mark(&self, frames: u64) {
        self.0.borrow_mut().log.push(Op::Mark(frames));
    }

    /// Lets the next so many writes, flushes, renames and syncs fail with `EIO`.
    pub fn refuse(&self, operations: u32) {
        self.refuse_after(0, operations);
    }

    /// Lets so many succeed, and so many after them fail.
    pub fn refuse_after(&self, good: u32, operations: u32) {
        let mut state = self.0.borrow_mut();
        (state.good, state.refusals) = (good, operations);
    }

    /// Lets every read fail with `EIO`, or none any more.
    pub fn refuse_reads(&self, refuses: bool) {
        self.0.borrow_mut().unreadable = refuses;
    }

    /// From now on part of a write that is refused reaches the disk all the same.
    pub fn tear_refused_writes(&self) {
        self.0.borrow_mut().tears = true;
    }

    /// Chance: which sectors survive a failed flush or a refused write.
    pub fn seed(&self, seed: u64) {
        self.0.borrow_mut().rng = Rng(seed);
    }

    /// Takes no less than so many bytes at once: a sector, or a page as through the page cache.
    pub fn set_granule(&self, bytes: usize) {
        self.0.borrow_mut().granule = bytes;
    }

    /// What readers see now, of every file.
    pub fn image(&self) -> DiskImage {
        let state = self.0.borrow();
        let files = state.names.iter();
        DiskImage {
            files: files
                .map(|(name, &file)| (name.clone(), state.contents[file].as_slice().into()))
                .collect(),
        }
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
        state.unflushed.push(BTreeMap::new());
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
