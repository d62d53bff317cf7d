//! From parameter sets to the tracks of a segment.

use std::sync::Arc;

use picam_media::{Codec, ParameterSets};
use picam_mp4::TrackConfig;
use picam_mp4::sample_entry::{self, EntryError};

/// The video track that holds pictures with these parameter sets.
pub(super) fn video(sets: &ParameterSets) -> Result<Arc<Vec<TrackConfig>>, EntryError> {
    let stsd = match sets.codec {
        Codec::H264 => sample_entry::h264(&sets.sps, &sets.pps, sets.width, sets.height),
        Codec::H265 => sample_entry::h265(&sets.vps, &sets.sps, &sets.pps, sets.width, sets.height),
    }?;
    Ok(Arc::new(vec![TrackConfig::video(
        stsd,
        sets.width,
        sets.height,
    )]))
}
