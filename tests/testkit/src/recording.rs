//! Recording without the writer that decides where segments begin.

use std::sync::Arc;

use picam_mp4::TrackConfig;
use picam_ring::{Directory, Picture, Placement, RecordError, Recorder, SlotTable, Taken, Urgency};

/// For streams in which nothing refers to what came before a key frame.
pub trait AtKeyFrames {
    /// Records a picture; at a key frame into a new segment of these tracks where that is due.
    fn push(
        &mut self,
        picture: &Picture<'_>,
        tracks: &Arc<Vec<TrackConfig>>,
    ) -> Result<Taken, RecordError>;
}

impl<D: Directory> AtKeyFrames for Recorder<D> {
    fn push(
        &mut self,
        picture: &Picture<'_>,
        tracks: &Arc<Vec<TrackConfig>>,
    ) -> Result<Taken, RecordError> {
        let sample = &picture.sample;
        let is_due = sample.key && self.urgency(sample.dts, 0) != Urgency::None;
        let placement = match is_due {
            true => Placement::New(tracks),
            false => Placement::Current,
        };
        self.place(picture, placement)
    }
}

/// A table of what is on the card.
pub fn listed(directory: &impl Directory) -> SlotTable {
    let table = SlotTable::default();
    table.look(directory).unwrap();
    table
}
