//! Footage in a slot that is named like a spare one: its recorder was cut off before it could give it a segment's name.

use picam_mp4::recover::read_record;
use picam_mp4::{ReadAt, Record, SegmentState, shown};

/// The record of a segment that was cut off after its first fragment and before it got its name.
pub(crate) fn unnamed_footage(file: &impl ReadAt) -> Option<Record> {
    let (record, state) = read_record(file).ok()?;
    if state == SegmentState::Finished {
        return None;
    }
    let shown = shown(file, &record).ok()?;
    (shown.fragments > 0).then_some(record)
}
