//! The directory that the ring lives in, handed in by the caller.

use std::io;

use picam_mp4::{ReadAt, SlotFile};

/// One file of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name without a path.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
}

/// Everything in a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Regular files.
    pub entries: Vec<Entry>,
    /// Entries that are in the way: of a slot's name but no regular files, or such as cannot be asked about. Their names, as
    /// far as they can be read.
    pub unusable: Vec<String>,
}

/// Room on the filesystem in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What an unprivileged process may still take.
    pub available: u64,
}

/// A flat directory of slots.
///
/// [`Directory::rename`] is atomic: after a power cut the file has the old or the new name.
/// [`Directory::sync`] makes earlier creations, renames and removals durable.
pub trait Directory {
    /// An open slot.
    type File: SlotFile;

    /// Regular files; subdirectories are not descended into.
    fn list(&self) -> io::Result<Vec<Entry>>;
    /// Regular files, and what cannot be used. One entry that cannot be asked about is no error.
    fn survey(&self) -> io::Result<Listing> {
        Ok(Listing {
            entries: self.list()?,
            unusable: Vec::new(),
        })
    }
    /// Reads what the medium itself holds of a file, past every cache where that can be had. Offset and length are whole
    /// pages. Says how many bytes were read.
    fn read_uncached(&self, name: &str, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.open(name)?.read_at(offset, buf)
    }
    /// Opens an existing file for reading and writing. Never waits, and never opens anything but a regular file.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Creates a file of `size` bytes with its blocks reserved, and fails if the name is taken.
    fn create(&self, name: &str, size: u64) -> io::Result<Self::File>;
    /// Renames; fails if `to` exists.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes the directory's entries durable.
    fn sync(&self) -> io::Result<()>;
    /// Room left and in all.
    fn space(&self) -> io::Result<Space>;
}
