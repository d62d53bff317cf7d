//! A directory in memory, of limited room, for tests.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;

use picam_mp4::{Flush, ReadAt, SlotFile};

use crate::directory::{Directory, Entry, Space};

/// Lengths only: whoever provisions writes nothing into slots.
#[derive(Debug, Default)]
pub(crate) struct MemoryDirectory {
    pub(crate) files: RefCell<BTreeMap<String, u64>>,
    pub(crate) total: u64,
    /// What the filesystem needs beyond the length of a file and does not tell beforehand.
    pub(crate) overhead: u64,
    /// Whether every change fails with `EIO`, and how many were tried.
    pub(crate) broken: bool,
    pub(crate) tries: Cell<u32>,
}

pub(crate) struct Length(u64);

impl MemoryDirectory {
    pub(crate) fn new(total: u64, files: &[(&str, u64)]) -> Self {
        let files = files.iter().map(|&(name, size)| (name.to_owned(), size));
        Self {
            files: RefCell::new(files.collect()),
            total,
            ..Self::default()
        }
    }

    fn begin(&self) -> io::Result<()> {
        self.tries.set(self.tries.get() + 1);
        match self.broken {
            true => Err(io::Error::from_raw_os_error(5)),
            false => Ok(()),
        }
    }

    fn available(&self) -> u64 {
        let used: u64 = self.files.borrow().values().sum();
        self.total.saturating_sub(used)
    }
}

impl Directory for MemoryDirectory {
    type File = Length;

    fn list(&self) -> io::Result<Vec<Entry>> {
        let files = self.files.borrow();
        let entry = |(name, &size): (&String, &u64)| Entry {
            name: name.clone(),
            size,
        };
        Ok(files.iter().map(entry).collect())
    }

    fn open(&self, name: &str) -> io::Result<Length> {
        let files = self.files.borrow();
        files
            .get(name)
            .map(|&size| Length(size))
            .ok_or(io::ErrorKind::NotFound.into())
    }

    fn create(&self, name: &str, size: u64) -> io::Result<Length> {
        self.begin()?;
        if self.files.borrow().contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if size + self.overhead > self.available() {
            return Err(io::Error::from_raw_os_error(28));
        }
        self.files.borrow_mut().insert(name.to_owned(), size);
        Ok(Length(size))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let size = self.open(from)?.0;
        let mut files = self.files.borrow_mut();
        if files.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        files.remove(from);
        files.insert(to.to_owned(), size);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.begin()?;
        let removed = self.files.borrow_mut().remove(name);
        removed.map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        Ok(Space {
            total: self.total,
            available: self.available(),
        })
    }
}

impl ReadAt for Length {
    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0)
    }
}

impl SlotFile for Length {
    fn write_at(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self, _: Flush) -> io::Result<()> {
        Ok(())
    }
}
