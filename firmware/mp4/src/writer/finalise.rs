//! Shows a finished segment's index: the last step of recording one, and of recovering one.

use std::time::Duration;

use super::WriteError;
use crate::boxes;
use crate::camm::Places;
use crate::layout::{HEAD_BOX, PAGE, SECTOR, page_up};
use crate::moov::{self, Index};
use crate::page_buf::PageBuf;
use crate::record::Record;
use crate::storage::{Flush, SlotFile};
use crate::tables::Tables;
use crate::track::TrackConfig;

/// Writes the index while it is hidden and then shows it. `record.end` and everything the tables
/// name must be durable or be made so by the flush in here. The buffers are scratch.
pub(crate) fn finalise<F: SlotFile>(
    file: &mut F,
    record: &mut Record,
    tracks: &[TrackConfig],
    tables: &[Tables],
    places: &Places,
    (index, pages): (&mut Vec<u8>, &mut PageBuf),
) -> Result<(), WriteError> {
    let video = tracks.first().zip(tables.first());
    record.duration = video.map_or(Duration::ZERO, |(track, tables)| {
        moov::ticks(tables.duration(), track.timescale).span()
    });
    Index {
        record,
        tracks,
        tables,
        places,
    }
    .encode(index)?;
    let head_len = record.head_len as usize;
    // The padding in the middle is not worth writing: whatever stands there is inside a `free`.
    let used = index
        .iter()
        .take(head_len - PAGE)
        .rposition(|&byte| byte != 0)
        .map_or(PAGE, |last| page_up(last as u64 + 1) as usize);
    pages.clear();
    pages.extend(index.get(..used).unwrap_or_default());

    // Hidden: the first sector still says `free`, the rest is in place.
    let mut shown = [0; SECTOR];
    if let Some(sector) = pages.as_mut_slice().first_chunk_mut::<SECTOR>() {
        shown = *sector;
        let mut head = Vec::with_capacity(16);
        boxes::header(b"free", (head_len - HEAD_BOX) as u64, &mut head);
        crate::wire::Fill::new(sector.split_at_mut(HEAD_BOX).1).put(&head);
    }
    file.write_at(0, pages.as_slice())?;
    let first_page: [u8; PAGE] = pages.as_slice().first_chunk().copied().unwrap_or([0; PAGE]);
    pages.clear();
    pages.extend(index.get(head_len - PAGE..).unwrap_or_default());
    file.write_at((head_len - PAGE) as u64, pages.as_slice())?;
    file.flush(Flush::Data)?;

    // Shown: one sector changes.
    pages.clear();
    pages.extend(&first_page);
    if let Some(sector) = pages.as_mut_slice().first_chunk_mut::<SECTOR>() {
        *sector = shown;
    }
    file.write_at(0, pages.as_slice())?;
    file.flush(Flush::Data)?;
    Ok(())
}
