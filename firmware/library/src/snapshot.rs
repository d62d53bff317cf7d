//! One version of a segment's file, held open while it is read.
//!
//! A finished segment is its bytes up to the record's `end`. A segment being recorded is an MP4 at
//! any instant: ftyp, one `free` box that hides the head region, init, and the fragments committed
//! so far. That *recording view* of the first E bytes never changes, whatever happens to the file:
//! finishing it only writes inside the `free` box (and over its header, which is put back here).
//! What the box hides is sent as zeros but for the header record, so the view is the same bytes
//! whenever it is read, and a player can go on with it after the recorder has finished the file.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use picam_mp4::layout::{HEAD_BOX, RECORD_BOX, SECTOR};
use picam_mp4::{Counters, ReadAt, Record, SegmentState, shown};
use picam_ring::SegmentName;

use crate::footage::{self, Sector};
use crate::zip::Member;

/// A version of a file.
#[derive(Debug)]
pub struct Snapshot {
    file: File,
    /// What is sent for the first sector.
    head: Sector,
    /// From the first sector to here zeros are sent.
    zeros_to: u64,
    /// Bytes in all.
    pub size: u64,
    /// Tells it from every other version.
    pub tag: String,
    /// When the bytes last changed; `None` while they still do.
    pub modified: Option<SystemTime>,
    identity: Identity,
}

/// How to see that the slot was taken for another segment while it was read.
#[derive(Debug)]
enum Identity {
    Sequence(u64),
    /// Of a damaged file nothing is known but its bytes.
    Sector(Box<Sector>),
}

/// Why there is no such version.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The card does not give it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The recording view asked for ends where no fragment ends.
    #[error("the segment has no fragment that ends at byte {0}")]
    NoSuchEnd(u64),
}

impl Snapshot {
    /// Opens a file as it is now, or with `view_end` its recording view up to that byte.
    pub fn open(
        dir: &Path,
        name: &SegmentName,
        view_end: Option<u64>,
    ) -> Result<Self, SnapshotError> {
        let file = footage::open(dir, name)?;
        let sector = footage::first_sector(&file)?;
        match (footage::record_of(&sector, name), view_end) {
            (Ok((record, SegmentState::Finished)), None) => {
                Ok(Self::finished(file, sector, record)?)
            }
            (Ok((record, _)), view_end) => Self::recording(file, &sector, record, view_end),
            (Err(_), None) => Ok(Self::damaged(file, sector)?),
            (Err(_), Some(end)) => Err(SnapshotError::NoSuchEnd(end)),
        }
    }

    fn finished(file: File, head: Sector, record: Record) -> io::Result<Self> {
        let metadata = file.metadata()?;
        // A file cut short on a PC has less than its record says.
        let size = record.end.min(metadata.len());
        Ok(Self {
            size,
            zeros_to: 0,
            tag: tag(record.sequence, size, 'f', &head),
            modified: metadata.modified().ok(),
            identity: Identity::Sequence(record.sequence),
            file,
            head,
        })
    }

    fn recording(
        file: File,
        sector: &Sector,
        record: Record,
        view_end: Option<u64>,
    ) -> Result<Self, SnapshotError> {
        let size = match view_end {
            None => shown(&file, &record)?.end,
            Some(end) if is_fragment_end(&file, &record, end)? => end,
            Some(end) => return Err(SnapshotError::NoSuchEnd(end)),
        };
        let head_len = u64::from(record.head_len);
        let sequence = record.sequence;
        let head = recording_head(sector, record);
        Ok(Self {
            size,
            zeros_to: head_len,
            tag: tag(sequence, size, 'r', &head),
            modified: None,
            identity: Identity::Sequence(sequence),
            file,
            head,
        })
    }

    fn damaged(file: File, head: Sector) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let since = modified.duration_since(SystemTime::UNIX_EPOCH);
        let stamp = since.map_or(0, |since| since.as_nanos());
        Ok(Self {
            size: metadata.len(),
            zeros_to: 0,
            tag: format!("{stamp:x}-{:x}-d", metadata.len()),
            modified: Some(modified),
            identity: Identity::Sector(Box::new(head)),
            file,
            head,
        })
    }

    /// Reads `len` bytes at `offset`, both within the snapshot, and makes sure that they belong to
    /// it: fails once the slot has been taken for another segment.
    pub fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(offset, &mut bytes)?;
        self.check_identity()?;
        let end = offset + len as u64;
        if offset < self.zeros_to && end > SECTOR as u64 {
            let from = (SECTOR as u64).saturating_sub(offset) as usize;
            let to = (self.zeros_to - offset).min(len as u64) as usize;
            if let Some(hidden) = bytes.get_mut(from..to) {
                hidden.fill(0);
            }
        }
        if offset < SECTOR as u64 {
            let head = self.head.get(offset as usize..).unwrap_or_default();
            for (byte, shown) in bytes.iter_mut().zip(head) {
                *byte = *shown;
            }
        }
        Ok(bytes)
    }

    fn check_identity(&self) -> io::Result<()> {
        let now = footage::first_sector(&self.file)?;
        let same = match &self.identity {
            Identity::Sequence(sequence) => {
                Record::parse(&now).is_ok_and(|(record, _)| record.sequence == *sequence)
            }
            Identity::Sector(sector) => now == **sector,
        };
        if same {
            return Ok(());
        }
        Err(io::Error::other("the slot was taken for another segment"))
    }
}

impl Member for Snapshot {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        Self::read(self, offset, len)
    }
}

/// The tag names sequence, end and view, and by the record's checksum also what may be patched in
/// a finished segment: its class and its start once the time is known.
fn tag(sequence: u64, end: u64, view: char, head: &Sector) -> String {
    let crc = head.last_chunk::<4>().copied().unwrap_or_default();
    format!(
        "{sequence:x}-{end:x}-{view}-{:08x}",
        u32::from_be_bytes(crc)
    )
}

/// The first sector as it was when recording began, whatever it is by now.
fn recording_head(sector: &Sector, record: Record) -> Sector {
    let mut head = *sector;
    let hidden = record.head_len.saturating_sub(HEAD_BOX as u32);
    let free = hidden.to_be_bytes().into_iter().chain(*b"free");
    let behind_ftyp = head.iter_mut().take(RECORD_BOX).skip(HEAD_BOX);
    for (byte, value) in behind_ftyp.zip(free.chain(std::iter::repeat(0))) {
        *byte = value;
    }
    let as_begun = Record {
        written_len: 0,
        end: 0,
        duration: Duration::ZERO,
        recovered: false,
        counters: Counters::default(),
        init_crc: None,
        pictures_before: 0,
        ..record
    };
    as_begun.store(&mut head);
    head
}

fn is_fragment_end(file: &File, record: &Record, end: u64) -> io::Result<bool> {
    Ok(shown(&Limited { file, end }, record)?.end == end)
}

/// A file that seems to end at `end`.
struct Limited<'a> {
    file: &'a File,
    end: u64,
}

impl ReadAt for Limited<'_> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = left.min(buf.len());
        self.file
            .read_at(offset, buf.get_mut(..len).unwrap_or_default())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.size()?.min(self.end))
    }
}
