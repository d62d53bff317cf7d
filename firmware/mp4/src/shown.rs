//! How much of a segment a player would be shown now, from its fragments' own records.

use std::io;

use crate::fragment::FragmentRecord;
use crate::layout::SECTOR;
use crate::record::{Counters, Record};
use crate::storage::ReadAt;
use crate::writer::boot_tag;

/// What a player would be shown of a segment that is being recorded, and what can be served of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// Up to here, where its last fragment ends.
    pub end: u64,
    /// So many fragments.
    pub fragments: u32,
    /// The counters of the last of them; all zero without any. What the segment counted beyond them is not on the card.
    pub counters: Counters,
}

/// Reads that from the card.
pub fn shown(file: &impl ReadAt, segment: &Record) -> io::Result<Shown> {
    let limit = file.size()?.min(segment.slot_len);
    let mut shown = Shown {
        end: u64::from(segment.head_len) + u64::from(segment.init_len),
        ..Shown::default()
    };
    let mut front = [0; SECTOR];
    while shown.end + SECTOR as u64 <= limit {
        file.read_exact_at(shown.end, &mut front)?;
        let Some(record) = FragmentRecord::parse(&front).filter(|record| {
            record.sequence == segment.sequence
                && record.boot_tag == boot_tag(&segment.boot_id)
                && record.index == shown.fragments
                && shown.end + u64::from(record.len) <= limit
        }) else {
            break;
        };
        shown.counters = record.counters;
        shown.end += u64::from(record.len);
        shown.fragments += 1;
    }
    Ok(shown)
}
