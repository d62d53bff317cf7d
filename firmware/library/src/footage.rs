//! The footage directory, opened for reading only.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use picam_mp4::layout::SECTOR;
use picam_mp4::read::{Movie, ReadError};
use picam_mp4::recover::read_record;
use picam_mp4::{ReadAt, Record, RecordError, SegmentState};
use picam_ring::{SegmentName, digits_of};
use rustix::fs::OFlags;

/// The first sector of a file: its header record is in it.
pub(crate) type Sector = [u8; SECTOR];

/// Opens the file of a segment. The name came from [`SegmentName::parse`], so it holds no path.
pub(crate) fn open(dir: &Path, name: &SegmentName) -> io::Result<File> {
    open_slot(&dir.join(name.to_string()))
}

/// Opens a slot for reading. A symbolic link or a pipe somebody put there under such a name is refused.
pub fn open_slot(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

/// Whether a slot holds the segment still: a running recorder overwrites its oldest ones.
pub(crate) fn is_still(file: &File, known: &Record) -> bool {
    read_record(file)
        .is_ok_and(|(now, _)| (now.sequence, now.boot_id) == (known.sequence, known.boot_id))
}

/// Reads the index of a file; `None` if no player could open it.
pub(crate) fn movie(file: &File) -> io::Result<Option<Movie>> {
    match Movie::read(file) {
        Ok(movie) => Ok(Some(movie)),
        Err(ReadError::Io { source, .. }) if source.raw_os_error().is_some() => Err(source),
        Err(_) => Ok(None),
    }
}

/// Reads the first sector; a file shorter than that is filled up with zeros.
pub(crate) fn first_sector(file: &File) -> io::Result<Sector> {
    let mut sector = [0; SECTOR];
    match file.read_exact_at(0, &mut sector) {
        Ok(()) => Ok(sector),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok([0; SECTOR]),
        Err(error) => Err(error),
    }
}

/// The record in `sector`, if it is whole and belongs to the file's name. They differ for a moment
/// while a slot is taken up again, and for good if somebody renamed the file.
pub(crate) fn record_of(
    sector: &Sector,
    name: &SegmentName,
) -> Result<(Record, SegmentState), RecordError> {
    let (record, state) = Record::parse(sector)?;
    if record.camera != name.camera || digits_of(record.sequence) != name.sequence {
        return Err(RecordError::Foreign);
    }
    Ok((record, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_is_opened_and_nothing_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("file"), b"footage").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        let made = rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR);
        made.unwrap();
        assert!(open_slot(&at("file")).is_ok());
        for name in ["link", "folder", "pipe"] {
            assert!(open_slot(&at(name)).is_err(), "{name}");
        }
        let gone = open_slot(&at("gone")).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }
}
