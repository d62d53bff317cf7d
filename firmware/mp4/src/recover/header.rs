//! The header record: read, mended, or made anew from what the fragments say.

use std::io;
use std::time::Duration;

use super::bitflip;
use super::walk::{self, Piece, Walked};
use super::{Named, RecoverError};
use crate::fragment::FragmentRecord;
use crate::layout::{FTYP_LEN, HEAD_BOX, PAGE, RECORD, RECORD_BOX, SECTOR};
use crate::record::{PICAM_UUID, Record, RecordError, SegmentState};
use crate::storage::ReadAt;
use crate::track::TrackConfig;
use crate::writer;

/// Reads and parses the header record.
pub fn read_record(file: &impl ReadAt) -> Result<(Record, SegmentState), RecoverError> {
    Ok(Record::parse(&first_sector(file)?)?)
}

fn first_sector(file: &impl ReadAt) -> Result<[u8; SECTOR], RecoverError> {
    let mut sector = [0; SECTOR];
    match file.read_exact_at(0, &mut sector) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(RecordError::Foreign.into())
        }
        Err(error) => Err(error.into()),
        Ok(()) => Ok(sector),
    }
}

/// The header record as far as the first sector gives it, which may be damaged: `None` if it is beyond that.
pub(super) fn mended(file: &impl ReadAt) -> Result<Option<(Record, SegmentState)>, RecoverError> {
    let mut sector = first_sector(file)?;
    let (front, crc) = sector.split_at_mut(SECTOR - 4);
    let want = crc.first_chunk().copied().map_or(0, u32::from_be_bytes);
    let Some(record) = front.get_mut(RECORD..) else {
        return Ok(None);
    };
    if !bitflip::mend(record, want) {
        return Ok(None);
    }
    crc.copy_from_slice(&crc32fast::hash(record).to_be_bytes());
    let (_, uuid) = front.split_at_mut(RECORD_BOX + 8);
    crate::wire::Fill::new(uuid).put(&PICAM_UUID);
    let parsed = match Record::parse(&sector) {
        Err(RecordError::Damaged) => {
            // The type of the head box is damaged: which of the two it was, the end says.
            let (_, kind) = sector.split_at_mut(HEAD_BOX + 4);
            crate::wire::Fill::new(kind).put(b"moov");
            Record::parse(&sector).map(|(record, _)| match record.end {
                0 => (record, SegmentState::Recording),
                _ => (record, SegmentState::Finished),
            })
        }
        parsed => parsed,
    };
    match parsed {
        Err(RecordError::Newer(version)) => Err(RecordError::Newer(version).into()),
        Err(_) => Ok(None),
        Ok(parsed) => Ok(Some(parsed)),
    }
}

/// What the fragments of a slot say about its segment, where the header record is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) by: FragmentRecord,
    /// Whether the first sector shows an index.
    pub(super) state: SegmentState,
    pub(super) head_len: u32,
    /// Where fragment 0 stands, if it was found.
    pub(super) first: Option<u64>,
}

/// Finds out whose fragments lie in the slot: those of the highest sequence, since what an older one left is
/// overwritten from the front. Only fragments whose CRC holds are asked.
pub(super) fn told(
    file: &impl ReadAt,
    named: Option<&Named>,
) -> Result<Option<Told>, RecoverError> {
    let size = file.size()?;
    let mut best: Option<FragmentRecord> = None;
    let mut first = None;
    walk::for_each_fragment(file, 0, size, |at, record| {
        // The first of a segment that is found is its fragment 0, or that is lost.
        let better = best.is_none_or(|best| record.sequence > best.sequence);
        if better
            && at + u64::from(record.len) <= size
            && named.is_none_or(|named| named.fits(record))
            && walk::crc_holds(file, at, record)?
        {
            (best, first) = (Some(*record), (record.index == 0).then_some(at));
        }
        Ok(false)
    })?;
    let Some(by) = best else {
        return Ok(None);
    };
    let head_len = match by.origin {
        Some(origin) => Some(origin.head_len),
        None => find_head(file, first.unwrap_or(size))?,
    };
    let sector = first_sector(file)?;
    let state = match sector.get(HEAD_BOX + 4..HEAD_BOX + 8) {
        Some(b"moov") => SegmentState::Finished,
        _ => SegmentState::Recording,
    };
    Ok(head_len.map(|head_len| Told {
        by,
        state,
        head_len,
        first,
    }))
}

/// Where the init of a segment of version 1 stands: behind an `ftyp`, on a page.
pub(super) fn find_head(file: &impl ReadAt, before: u64) -> io::Result<Option<u32>> {
    let mut page = u64::from(writer::MIN_HEAD_LEN);
    while page + PAGE as u64 <= before {
        let mut around = [0; FTYP_LEN + 8];
        file.read_exact_at(page - FTYP_LEN as u64, &mut around)?;
        if around.get(4..8) == Some(b"ftyp") && around.get(FTYP_LEN + 4..) == Some(b"moov") {
            return Ok(u32::try_from(page).ok());
        }
        page += PAGE as u64;
    }
    Ok(None)
}

impl Told {
    /// The record that is begun with: what is known before the fragments were walked.
    pub(super) fn record(&self, size: u64, named: Option<&Named>) -> Record {
        let [a, b, c, d] = self.by.boot_tag.to_be_bytes();
        let mut boot_id = [0; 16];
        crate::wire::Fill::new(&mut boot_id).put(&[a, b, c, d]);
        let origin = self.by.origin;
        Record {
            sequence: self.by.sequence,
            boot_id,
            boot_number: origin.map_or(0, |origin| origin.boot_number),
            camera: origin.map_or(named.map_or(b'?', |named| named.camera), |o| o.camera),
            class: named.map_or(origin.map_or(b'N', |o| o.class), |named| named.class),
            slot_len: size,
            head_len: self.head_len,
            init_crc: origin.map(|origin| origin.init_crc),
            ..Record::default()
        }
    }
}

/// Fills in what only the walked fragments tell: when the segment began, and what came before it.
pub(super) fn complete(record: &mut Record, walked: &Walked, tracks: &[TrackConfig]) {
    let has_picture = |found: &(&Piece, &FragmentRecord)| found.0.video().is_some();
    let mut intact = walked.intact();
    let Some((piece, fragment)) = intact.find(has_picture).or_else(|| walked.intact().next())
    else {
        return;
    };
    let Some(origin) = fragment.origin else {
        return;
    };
    // By its first picture; by another sample where every fragment with pictures is damaged.
    let mut parts = piece.parts.iter().flatten();
    let (since_start, pictures) = parts.next().map_or((Duration::ZERO, 0), |part| {
        let timescale = tracks.get(part.track).map_or(1, |track| track.timescale);
        let pictures = if part.is_video() {
            part.samples.len()
        } else {
            0
        };
        (
            crate::moov::ticks(part.base_dts, timescale).span(),
            pictures as u64,
        )
    });
    record.start_boot = origin.captured - since_start;
    record.start_utc = origin.captured_utc.map(|utc| utc - since_start);
    let counters = fragment.counters;
    let in_segment = counters.lost_pictures() + u64::from(counters.frames);
    record.pictures_before = origin
        .pictures_before
        .saturating_add(pictures)
        .saturating_sub(in_segment);
}
