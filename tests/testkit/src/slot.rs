//! The fragments of a slot, which lie in a finished one as they were recorded, behind an index that players see instead.

use std::io;

use picam_mp4::layout::{FTYP_LEN, SECTOR};
use picam_mp4::read::{Movie, ReadError};
use picam_mp4::{ReadAt, Record, SegmentState};

/// Reads the fragments, and the header record.
pub fn read_slot(src: &(impl ReadAt + ?Sized)) -> Result<(Movie, Record, SegmentState), ReadError> {
    let failed = |source| ReadError::Io { offset: 0, source };
    let mut bytes = vec![0; src.size().map_err(failed)? as usize];
    src.read_exact_at(0, &mut bytes).map_err(failed)?;
    let first = &bytes[..SECTOR.min(bytes.len())];
    let no_slot = |error| failed(io::Error::new(io::ErrorKind::InvalidData, error));
    let (record, state) = Record::parse(first).map_err(no_slot)?;
    if state == SegmentState::Finished {
        bytes.truncate(record.end.try_into().unwrap_or(usize::MAX));
    }
    // What lies before them, the index included, as one box that nobody looks into.
    let before = record.head_len.saturating_sub(FTYP_LEN as u32);
    if before as usize + 8 <= bytes.len() && before >= 8 {
        bytes[..4].copy_from_slice(&before.to_be_bytes());
        bytes[4..8].copy_from_slice(b"free");
    }
    Ok((Movie::read(&bytes)?, record, state))
}
