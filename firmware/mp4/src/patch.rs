//! Changes what a closed segment says about itself: its class, or its time once it is known.

use crate::layout::{HEAD_BOX, PAGE, SECTOR, page_up};
use crate::moov;
use crate::page_buf::PageBuf;
use crate::record::{Record, SegmentState};
use crate::recover::{RecoverError, read_record};
use crate::storage::{Flush, SlotFile};

/// Applies `change` to the header record, and to the creation times in the `moov` if the start
/// time changed. The first sector goes last, so that a cut leaves either the old record, and this
/// can be done again, or the new one with all times in place.
pub fn patch_record<F: SlotFile>(
    file: &mut F,
    change: impl FnOnce(&mut Record),
) -> Result<Record, RecoverError> {
    let (old, state) = read_record(file)?;
    let mut new = old.clone();
    change(&mut new);
    if new == old {
        return Ok(new);
    }
    let created = moov::mp4_time(new.start_utc);
    let finished = state == SegmentState::Finished;
    if finished && new.start_utc != old.start_utc {
        patch_track_times(file, u64::from(old.head_len), created)?;
    }
    let mut page = PageBuf::zeroed(PAGE);
    file.read_exact_at(0, page.as_mut_slice())?;
    let mut before = PageBuf::with_capacity(PAGE);
    before.extend(page.as_slice());
    if let Some(sector) = page.as_mut_slice().first_chunk_mut::<SECTOR>() {
        if finished {
            moov::patch_created(sector, created);
        }
        new.store(sector);
    }
    let written = file.write_at(0, page.as_slice());
    if let Err(error) = written.and_then(|()| file.flush(Flush::Data)) {
        // What is not on the card may still be read from the cache, and would be taken for done.
        let _ = file.write_at(0, before.as_slice());
        return Err(error.into());
    }
    Ok(new)
}

/// Sets the times of every `tkhd` and `mdhd`, leaving the first sector as it is.
fn patch_track_times<F: SlotFile>(
    file: &mut F,
    head_len: u64,
    created: u64,
) -> Result<(), RecoverError> {
    let mut size = [0; 4];
    file.read_exact_at(HEAD_BOX as u64, &mut size)?;
    let end = page_up(HEAD_BOX as u64 + u64::from(u32::from_be_bytes(size))).min(head_len);
    let mut head = PageBuf::zeroed(end as usize);
    file.read_exact_at(0, head.as_mut_slice())?;
    if let Some(moov) = head.as_mut_slice().get_mut(SECTOR..) {
        patch_boxes(moov, created);
    }
    file.write_at(0, head.as_slice())?;
    file.flush(Flush::Data)?;
    Ok(())
}

/// Descends into `trak` and `mdia` only.
fn patch_boxes(mut boxes: &mut [u8], created: u64) {
    while let Some((header, _)) = boxes.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *header;
        let size = u32::from_be_bytes([a, b, c, d]) as usize;
        if size < 8 || size > boxes.len() {
            return;
        }
        let (this, rest) = boxes.split_at_mut(size);
        let (_, body) = this.split_at_mut(8);
        match &kind {
            b"trak" | b"mdia" => patch_boxes(body, created),
            b"tkhd" | b"mdhd" => patch_times(body, created),
            _ => {}
        }
        boxes = rest;
    }
}

/// Creation and modification time stand first, in 8 bytes each: picam's boxes are of version 1.
fn patch_times(body: &mut [u8], created: u64) {
    if let Some(([1, _, _, _], times)) = body.split_first_chunk_mut() {
        let mut w = crate::wire::Fill::new(times);
        w.put(&created.to_be_bytes());
        w.put(&created.to_be_bytes());
    }
}
