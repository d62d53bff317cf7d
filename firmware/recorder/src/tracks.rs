//! From parameter sets to the tracks of a segment.

use std::sync::Arc;

use picam_media::{Codec, ParameterSets};
use picam_mp4::TrackConfig;
use picam_mp4::sample_entry::{self, EntryError};

use crate::sides::Sides;

/// The tracks of a segment: one for pictures with these parameter sets, and those of what comes along.
pub(crate) fn of(
    sets: &ParameterSets,
    sides: &mut Sides,
) -> Result<Arc<Vec<TrackConfig>>, EntryError> {
    let stsd = match sets.codec {
        Codec::H264 => sample_entry::h264(&sets.sps, &sets.pps, sets.width, sets.height),
        Codec::H265 => sample_entry::h265(&sets.vps, &sets.sps, &sets.pps, sets.width, sets.height),
    }?;
    let mut tracks = vec![TrackConfig::video(stsd, sets.width, sets.height)];
    tracks.extend(sides.tracks()?);
    Ok(Arc::new(tracks))
}
