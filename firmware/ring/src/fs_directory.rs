//! The ring's directory on a real filesystem.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use picam_mp4::layout::{PAGE, SECTOR};
use picam_mp4::{Flush, PageBuf, ReadAt, SlotFile};
use rustix::fs::{
    Advice, AtFlags, CWD, Dir, FallocateFlags, FileType, Mode, OFlags, RenameFlags, Stat, fadvise,
    fallocate, fdatasync, fstat, fstatvfs, fsync, ftruncate, openat, renameat, renameat_with, stat,
    statat, syncfs, unlinkat,
};
use rustix::io::Errno;

use crate::directory::{Directory, Entry, Listing, Space};
use crate::filler;
use crate::name::SlotName;

/// A directory on a mounted filesystem.
///
/// It is held open: should the card be unmounted, everything fails here rather than land in the
/// empty directory that the card was mounted on.
#[derive(Debug)]
pub struct FsDirectory {
    path: PathBuf,
    handle: File,
    direct: bool,
}

/// A slot on a mounted filesystem.
#[derive(Debug)]
pub struct FsSlot {
    file: File,
    /// The same file past the page cache, for writing only: readers need no alignment.
    direct: Option<File>,
    /// The least that `direct` writes at once; unknown until somebody asks.
    granule: Option<usize>,
}

/// What lies in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsEntry {
    /// Its name, which need not be UTF-8.
    pub name: OsString,
    /// What it is.
    pub kind: FsKind,
}

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FsKind {
    /// A regular file.
    File {
        /// Length in bytes.
        size: u64,
        /// When it was written to last: seconds since 1970, and nanoseconds.
        modified: (i64, i64),
    },
    /// A folder, a link, a pipe.
    Other,
    /// It cannot be asked about.
    Unknown,
}

impl FsKind {
    fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::File {
                size: u64::try_from(stat.st_size).unwrap_or(0),
                modified: (stat.st_mtime, stat.st_mtime_nsec as i64),
            },
            _ => Self::Other,
        }
    }
}

/// Listings made before one that breaks off is taken as it is.
const LIST_TRIES: u32 = 3;
/// Stands in for an entry whose name cannot be read.
const UNREADABLE: &str = "(unreadable)";

impl FsDirectory {
    /// Opens an existing directory. With `direct`, slots are written with `O_DIRECT` where the
    /// filesystem takes it.
    pub fn open(path: impl Into<PathBuf>, direct: bool) -> io::Result<Self> {
        let path = path.into();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = File::from(openat(CWD, &path, flags, Mode::empty())?);
        Ok(Self {
            path,
            handle,
            direct,
        })
    }

    /// Whether the path still leads to the directory that was opened; not so once the card was
    /// unmounted, or another was mounted over it.
    pub fn is_current(&self) -> io::Result<bool> {
        let (now, then) = (stat(&self.path)?, fstat(&self.handle)?);
        Ok((now.st_dev, now.st_ino) == (then.st_dev, then.st_ino))
    }

    fn open_with(&self, name: &str, flags: OFlags) -> rustix::io::Result<File> {
        // A pipe with a slot's name would be waited for.
        let flags = flags | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
        Ok(File::from(openat(&self.handle, name, flags, mode)?))
    }

    fn slot(&self, name: &str, file: File) -> FsSlot {
        let direct = if self.direct {
            self.open_with(name, OFlags::DIRECT).ok()
        } else {
            None
        };
        FsSlot {
            file,
            direct,
            granule: None,
        }
    }

    /// Everything in it, whoever made it; subdirectories are not descended into.
    pub fn entries(&self) -> io::Result<Vec<FsEntry>> {
        list_with(|| self.list_once())
    }

    /// One listing, and what it broke off with.
    fn list_once(&self) -> io::Result<(Vec<FsEntry>, Option<Errno>)> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let name = UNREADABLE.into();
                    let kind = FsKind::Unknown;
                    entries.push(FsEntry { name, kind });
                    return Ok((entries, Some(error)));
                }
            };
            let kind = match entry.file_type() {
                FileType::Unknown | FileType::RegularFile => {
                    match statat(&self.handle, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(stat) => FsKind::of(&stat),
                        // Removed since.
                        Err(Errno::NOENT) => continue,
                        Err(_) => FsKind::Unknown,
                    }
                }
                _ => FsKind::Other,
            };
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let name = OsStr::from_bytes(name).to_owned();
                entries.push(FsEntry { name, kind });
            }
        }
        Ok((entries, None))
    }
}

impl Directory for FsDirectory {
    type File = FsSlot;

    fn list(&self) -> io::Result<Vec<Entry>> {
        Ok(self.survey()?.entries)
    }

    fn survey(&self) -> io::Result<Listing> {
        let mut listing = Listing::default();
        for FsEntry { name, kind } in self.entries()? {
            let name = match name.into_string() {
                Ok(name) => name,
                // Nothing of ours, and nothing that could be shown.
                Err(name) => {
                    listing.unusable.push(name.to_string_lossy().into_owned());
                    continue;
                }
            };
            match kind {
                FsKind::File { size, .. } => listing.entries.push(Entry { name, size }),
                FsKind::Other if SlotName::parse(&name).is_none() => {}
                FsKind::Other | FsKind::Unknown => listing.unusable.push(name),
            }
        }
        Ok(listing)
    }

    fn read_uncached(&self, name: &str, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        if let Ok(direct) = openat(&self.handle, name, flags | OFlags::DIRECT, Mode::empty()) {
            match read_direct(&File::from(direct), offset, buf) {
                // Some filesystems take the flag and refuse the read.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                other => return other,
            }
        }
        let file = File::from(openat(&self.handle, name, flags, Mode::empty())?);
        fadvise(
            &file,
            offset,
            NonZeroU64::new(buf.len() as u64),
            Advice::DontNeed,
        )?;
        FileExt::read_at(&file, buf, offset)
    }

    fn open(&self, name: &str) -> io::Result<FsSlot> {
        let file = self.open_with(name, OFlags::empty())?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is no regular file",
            ));
        }
        Ok(self.slot(name, file))
    }

    fn create(&self, name: &str, size: u64) -> io::Result<FsSlot> {
        // A slot that cannot be aligned is better than none.
        let _ = filler::align(self.handle.as_fd());
        let file = self.open_with(name, OFlags::CREATE | OFlags::EXCL)?;
        // exFAT marks clusters as taken in one place and says in another whose they are. Durable the other way
        // round, the file would own clusters that the next one is given too. A directory's fsync writes the
        // former (`exfat_file_fsync` syncs the whole device), and not what the file's own fsync writes.
        let reserved = reserve(&file, size)
            .map_err(io::Error::from)
            .and_then(|()| self.sync())
            // The length must be durable before the next `sync` makes the name so.
            .and_then(|()| Ok(fsync(&file)?));
        if let Err(error) = reserved {
            drop(file);
            // What is left of it would count as a slot of the wrong size.
            let _ = unlinkat(&self.handle, name, AtFlags::empty());
            return Err(error);
        }
        Ok(self.slot(name, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let dir = &self.handle;
        match renameat_with(dir, from, dir, to, RenameFlags::NOREPLACE) {
            // FUSE filesystems know no flags (exfat-fuse, ntfs-3g), but the kernel asks them only
            // after it has seen that `to` does not exist; and nobody but us renames slots.
            Err(Errno::INVAL) => Ok(renameat(dir, from, dir, to)?),
            other => Ok(other?),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        // While it is open its clusters are not free: they shall not be before its name is durably gone, or
        // it owns clusters that the next file is given too.
        let open = self.open_with(name, OFlags::empty());
        unlinkat(&self.handle, name, AtFlags::empty())?;
        let synced = self.sync();
        drop(open);
        synced
    }

    fn sync(&self) -> io::Result<()> {
        match fsync(&self.handle) {
            // Filesystems whose directories cannot be synced alone.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(syncfs(&self.handle)?),
            other => Ok(other?),
        }
    }

    fn space(&self) -> io::Result<Space> {
        let stat = fstatvfs(&self.handle)?;
        Ok(Space {
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            available: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }
}

/// The first listing that is whole. What stays unreadable shall not keep the rest from being used; what passes shall not
/// hide it.
fn list_with(
    mut once: impl FnMut() -> io::Result<(Vec<FsEntry>, Option<Errno>)>,
) -> io::Result<Vec<FsEntry>> {
    for _ in 1..LIST_TRIES {
        if let (entries, None) = once()? {
            return Ok(entries);
        }
    }
    let is_file = |entry: &FsEntry| matches!(entry.kind, FsKind::File { .. });
    match once()? {
        (entries, Some(error)) if !entries.iter().any(is_file) => Err(error.into()),
        (entries, _) => Ok(entries),
    }
}

/// Reads whole pages with `O_DIRECT`, whatever memory they are wanted in.
fn read_direct(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut memory = PageBuf::zeroed(PAGE);
    let mut done = 0;
    for part in buf.chunks_mut(PAGE) {
        let read = FileExt::read_at(file, memory.as_mut_slice(), offset + done as u64)?;
        let read = read.min(part.len());
        for (to, from) in part.iter_mut().zip(memory.as_slice().iter().take(read)) {
            *to = *from;
        }
        done += read;
        if read < PAGE {
            break;
        }
    }
    Ok(done)
}

/// Gives `file` its length and, where the filesystem can, its blocks at once.
/// exFAT in Linux 6.12 has no `fallocate`; there a longer length takes its clusters too.
fn reserve(file: &File, size: u64) -> rustix::io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, size) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => ftruncate(file, size),
        other => other,
    }
}

impl ReadAt for FsSlot {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(&self.file, buf, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

impl SlotFile for FsSlot {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        if let Some(direct) = &self.direct {
            match direct.write_all_at(data, offset) {
                // Some filesystems take the flag and refuse the write.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.direct = None,
                other => return other,
            }
        }
        self.file.write_all_at(data, offset)
    }

    /// Through the page cache a page is written whatever part of it has changed.
    fn granule(&mut self) -> usize {
        let Some(direct) = &self.direct else {
            return PAGE;
        };
        *self.granule.get_or_insert_with(|| {
            // A medium with sectors of 4096 bytes refuses this. (`statx` tells on few filesystems, and not on
            // exFAT.)
            match FileExt::read_at(direct, PageBuf::zeroed(SECTOR).as_mut_slice(), 0) {
                Ok(SECTOR) => SECTOR,
                _ => PAGE,
            }
        })
    }

    fn flush(&mut self, scope: Flush) -> io::Result<()> {
        match scope {
            Flush::Data => fdatasync(&self.file)?,
            Flush::All => fsync(&self.file)?,
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "fs_directory_tests.rs"]
mod tests;
