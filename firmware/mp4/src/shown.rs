//! How much of a segment a player would be shown now, from its fragments' own records.

use std::io;

use crate::fragment::FragmentRecord;
use crate::layout::SECTOR;
use crate::record::{Counters, Record};
use crate::storage::ReadAt;
use crate::writer::boot_tag;

/// The counters of the last fragment that is shown; all zero where none is. What a segment counted beyond
/// them is not on the card.
pub fn shown_counters(file: &impl ReadAt, segment: &Record) -> io::Result<Counters> {
    let limit = file.size()?.min(segment.slot_len);
    let mut at = u64::from(segment.head_len) + u64::from(segment.init_len);
    let mut counters = Counters::default();
    let mut index = 0;
    let mut front = [0; SECTOR];
    while at + SECTOR as u64 <= limit {
        file.read_exact_at(at, &mut front)?;
        let Some(record) = FragmentRecord::parse(&front).filter(|record| {
            record.sequence == segment.sequence
                && record.boot_tag == boot_tag(&segment.boot_id)
                && record.index == index
        }) else {
            break;
        };
        counters = record.counters;
        at += u64::from(record.len);
        index += 1;
    }
    Ok(counters)
}
