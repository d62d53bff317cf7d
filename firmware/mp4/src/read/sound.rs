//! What a decoder of sound needs before the first sample.

use mp4_atom::{Decode, Mp4a};

use super::entry::SampleEntry;

/// MPEG-4 audio (ISO/IEC 14496-1 table 5): AAC and its relatives.
const MPEG4_AUDIO: u8 = 0x40;

/// The AudioSpecificConfig of an `mp4a` entry (ISO/IEC 14496-14 5.6), also of QuickTime's; `None` for another codec, or if
/// the entry cannot be read.
pub fn aac_config(entry: &SampleEntry) -> Option<Vec<u8>> {
    if entry.kind != b"mp4a" {
        return None;
    }
    let entry = Mp4a::decode(&mut entry.bytes.as_slice()).ok()?;
    let decoder = entry.esds.es_desc.dec_config;
    let is_mpeg4 = decoder.object_type_indication == MPEG4_AUDIO;
    decoder.dec_specific.filter(|_| is_mpeg4).map(|own| own.raw)
}
