//! Files of no length that keep the directory entries of slots within one sector each, on exFAT.
//!
//! exFAT describes a file by a set of entries of 32 bytes with one checksum over all of them. What changes with
//! footage (how far a slot was ever written, its name) changes the first and another of them. Should the set lie
//! across the border of two sectors, a power cut can leave one new and one old: the checksum is wrong, and the
//! file with all its footage is gone. A slot's set is four entries long ([`crate::NAME_LEN`]), a sector holds
//! sixteen: none lies across a border if the first begins at a multiple of four. In a volume's root directory it
//! does not, since label, allocation bitmap and up-case table come first (exFAT specification 7).
//! So where the next set would begin elsewhere, an empty file with a name of the right length is put there.
//!
//! Where the entries end is asked of the kernel: a directory that was read to its end stands at the offset of its
//! first unused entry (`exfat_iterate` in `fs/exfat/dir.c`).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use rustix::fs::{Mode, OFlags, RawDir, SeekFrom, fstatfs, openat, seek};

/// `EXFAT_SUPER_MAGIC` of `include/uapi/linux/magic.h`.
const EXFAT: u64 = 0x2011_bab0;
/// Bytes of one directory entry.
const ENTRY: u64 = 32;
/// Entries of a slot's set.
const SLOT_ENTRIES: u64 = 4;
const PREFIX: &str = "picam-keep-";
/// What the name goes on with, so that it is long enough.
const REST: &str = "-empty-aligns-the-entries-of-slots-of-footage";

/// Name of the file in which orders about the footage are written down; of a length that keeps the entries of slots in
/// line.
pub const LEDGER_NAME: &str = "picam-locks-and-deletions.bin";

/// Names of the file that says which camera has which name, and of the same while it is written; as long.
pub const CAMERAS_NAMES: [&str; 2] = ["picam-cameras.txt", "picam-cameras.new"];

/// Whether a file is one of these, or where orders or cameras are written down. It is neither a slot nor a user's.
pub fn is_filler(name: &str) -> bool {
    name.starts_with(PREFIX) || name == LEDGER_NAME || CAMERAS_NAMES.contains(&name)
}

/// The name of the empty file to be made where a directory's entries end at byte `end`; `None` if a slot's set
/// fits there as it is.
fn filler(end: u64) -> Option<String> {
    let entry = end / ENTRY;
    // A set is a file entry, a stream entry, and one for every 15 characters of the name.
    let name_len = match entry % SLOT_ENTRIES {
        0 => return None,
        1 => 15,
        3 => 3 * 15 - 5,
        _ => 4 * 15,
    };
    let mut name = format!("{PREFIX}{:04x}", entry % 0x1_0000);
    let more = REST.get(..name_len - name.len()).unwrap_or(REST);
    name.push_str(more);
    Some(name)
}

/// Offset of a directory's first unused entry.
fn end_of_entries(directory: BorrowedFd<'_>) -> io::Result<u64> {
    let listed = openat(directory, ".", OFlags::CLOEXEC, Mode::empty())?;
    let mut buffer = vec![MaybeUninit::uninit(); 32 * 1024];
    let mut entries = RawDir::new(&listed, &mut buffer);
    while let Some(entry) = entries.next() {
        entry?;
    }
    Ok(seek(&listed, SeekFrom::Current(0))?)
}

/// Sees to it that the entries of a slot that is created next lie in one sector. Does nothing on other
/// filesystems.
pub(crate) fn align(directory: BorrowedFd<'_>) -> io::Result<()> {
    let filesystem = fstatfs(directory)?.f_type as u64;
    align_on(filesystem, directory, end_of_entries)
}

fn align_on<'a>(
    filesystem: u64,
    directory: BorrowedFd<'a>,
    end: impl FnOnce(BorrowedFd<'a>) -> io::Result<u64>,
) -> io::Result<()> {
    if filesystem != EXFAT {
        return Ok(());
    }
    match filler(end(directory)?) {
        Some(name) => make(directory, &name),
        None => Ok(()),
    }
}

/// Makes an empty file that everybody may read, unless it is there.
fn make(directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    openat(directory, name, flags, mode)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of the set of a file with this name (exFAT specification 7.4, 7.6, 7.7).
    fn entries(name: &str) -> u64 {
        2 + name.len().div_ceil(15) as u64
    }

    #[test]
    fn behind_a_filler_no_slot_lies_across_sectors() {
        let slot = "20261120_110800_FN_000123.mp4";
        assert_eq!(entries(slot), SLOT_ENTRIES);
        for first in 0..64 {
            let mut next = first;
            if let Some(name) = filler(first * ENTRY) {
                assert!(
                    is_filler(&name) && name.is_ascii() && name.len() <= 60,
                    "{name}"
                );
                next += entries(&name);
            }
            for _ in 0..8 {
                assert_eq!(next / 16, (next + entries(slot) - 1) / 16, "from {first}");
                next += entries(slot);
            }
        }
    }

    #[test]
    fn a_fresh_card_gets_one_that_lies_in_one_sector_itself() {
        // Label, bitmap and up-case table.
        let name = filler(3 * ENTRY).unwrap();
        assert_eq!(name, "picam-keep-0003-empty-aligns-the-entries");
        assert_eq!(entries(&name), 5);
        assert_eq!(filler((3 + 5) * ENTRY), None);
    }

    #[test]
    fn it_is_an_empty_file_and_never_one_that_a_link_leads_to() {
        use std::os::fd::AsFd;
        use std::os::unix::fs::{PermissionsExt, symlink};

        let directory = tempfile::tempdir().unwrap();
        let opened = std::fs::File::open(directory.path()).unwrap();
        for _ in 0..2 {
            make(opened.as_fd(), "filler").unwrap();
        }
        let made = std::fs::metadata(directory.path().join("filler")).unwrap();
        // What this process's umask leaves of it.
        std::fs::write(directory.path().join("any"), "").unwrap();
        let any = std::fs::metadata(directory.path().join("any")).unwrap();
        let modes = [&made, &any].map(|file| file.permissions().mode());
        assert_eq!((made.len(), modes[0]), (0, modes[1] & !0o022));
        symlink("elsewhere", directory.path().join("link")).unwrap();
        assert!(make(opened.as_fd(), "link").is_err());
        assert!(!directory.path().join("elsewhere").exists());
    }

    #[test]
    fn it_is_made_on_exfat_where_entries_end_elsewhere_and_never_on_other_filesystems() {
        use std::os::fd::AsFd;

        let directory = tempfile::tempdir().unwrap();
        let opened = std::fs::File::open(directory.path()).unwrap();
        align(opened.as_fd()).unwrap();
        let align = |filesystem, entries: u64| {
            align_on(filesystem, opened.as_fd(), |_| Ok(entries * ENTRY)).unwrap();
            let made = std::fs::read_dir(directory.path()).unwrap();
            made.map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(align(EXFAT + 1, 3), [""; 0]);
        assert_eq!(align(EXFAT, 8), [""; 0]);
        let name = "picam-keep-0003-empty-aligns-the-entries";
        assert_eq!(align(EXFAT, 3), [name]);
        assert_eq!(align(EXFAT, 8), [name]);
        // Whatever the filesystem counts by: behind the directory itself, the one above it, and one file.
        assert!(end_of_entries(opened.as_fd()).unwrap() > 1);
    }

    #[test]
    fn what_a_user_put_there_is_none() {
        for name in [LEDGER_NAME, CAMERAS_NAMES[0], CAMERAS_NAMES[1]] {
            assert!(is_filler(name), "{name}");
            assert_eq!(entries(name), SLOT_ENTRIES, "{name}");
        }
        for name in ["holiday.jpg", "picam.toml", "20261120_110800_FN_000123.mp4"] {
            assert!(!is_filler(name), "{name}");
        }
    }
}
