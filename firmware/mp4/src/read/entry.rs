//! Sample entries (ISO/IEC 14496-12 8.5.2), and the parameter sets in those of H.264 and H.265
//! (ISO/IEC 14496-15 5.4.2 and 8.4.1).

use mp4_atom::{Avcc, Hvcc};

use super::boxes::{FourCc, InMemory};
use super::error::ReadError;

/// Length of the fields of a `VisualSampleEntry` before its first child box.
const VISUAL_FIELDS: usize = 78;
/// H.265 NAL unit types.
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// ITU-T H.264 (`avc1`, `avc3`).
    H264,
    /// ITU-T H.265 (`hvc1`, `hev1`).
    H265,
}

/// What a decoder of H.264 or H.265 needs before the first sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSets {
    /// How the pictures are coded.
    pub codec: Codec,
    /// Length in bytes of the length before every NAL unit in a sample: 1, 2 or 4.
    pub length_size: u8,
    /// H.265 video parameter sets as NAL units; empty for H.264.
    pub vps: Vec<Vec<u8>>,
    /// Sequence parameter sets. `avc3` and `hev1` may carry them, and others, in the samples.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets.
    pub pps: Vec<Vec<u8>>,
}

/// One sample entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleEntry {
    /// Its type.
    pub kind: FourCc,
    /// The whole box, with its header.
    pub bytes: Vec<u8>,
    /// Coded width in pixels; 0 but for pictures.
    pub width: u16,
    /// Coded height in pixels; 0 but for pictures.
    pub height: u16,
    /// The parameter sets of H.264 and H.265.
    pub parameter_sets: Option<ParameterSets>,
}

/// Parses the entries of an `stsd` box.
pub(super) fn parse(stsd: &InMemory<'_>, video: bool) -> Result<Vec<SampleEntry>, ReadError> {
    // Version, flags and the number of entries come first; the entries themselves say how many.
    let entries = stsd.children(8).map(|entry| one(&entry?, video));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    if entries.is_empty() {
        return Err(stsd.header.malformed("holds no sample entry"));
    }
    Ok(entries)
}

fn one(entry: &InMemory<'_>, video: bool) -> Result<SampleEntry, ReadError> {
    let (mut width, mut height) = (0, 0);
    if let (true, Some([w0, w1, h0, h1])) = (video, entry.payload.get(24..28)) {
        width = u16::from_be_bytes([*w0, *w1]);
        height = u16::from_be_bytes([*h0, *h1]);
    }
    let parameter_sets = match &entry.header.kind.0 {
        b"avc1" | b"avc3" if video => Some(h264(entry)?),
        b"hvc1" | b"hev1" if video => Some(h265(entry)?),
        _ => None,
    };
    if let Some(ParameterSets { length_size: 3, .. }) = parameter_sets {
        return Err(entry
            .header
            .malformed("states NAL unit lengths of 3 bytes, which the standard reserves"));
    }
    Ok(SampleEntry {
        kind: entry.header.kind,
        bytes: entry.to_vec(),
        width,
        height,
        parameter_sets,
    })
}

fn configuration<'a>(
    entry: &InMemory<'a>,
    kind: &'static [u8; 4],
) -> Result<InMemory<'a>, ReadError> {
    for child in entry.children(VISUAL_FIELDS) {
        let child = child?;
        if child.header.kind == kind {
            return Ok(child);
        }
    }
    Err(ReadError::Missing {
        kind: FourCc(*kind),
        offset: entry.header.offset,
    })
}

fn h264(entry: &InMemory<'_>) -> Result<ParameterSets, ReadError> {
    let avcc: Avcc = configuration(entry, b"avcC")?.decode()?;
    Ok(ParameterSets {
        codec: Codec::H264,
        length_size: avcc.length_size,
        vps: Vec::new(),
        sps: avcc.sequence_parameter_sets,
        pps: avcc.picture_parameter_sets,
    })
}

fn h265(entry: &InMemory<'_>) -> Result<ParameterSets, ReadError> {
    let hvcc: Hvcc = configuration(entry, b"hvcC")?.decode()?;
    let mut sets = ParameterSets {
        codec: Codec::H265,
        length_size: hvcc.length_size_minus_one.saturating_add(1),
        vps: Vec::new(),
        sps: Vec::new(),
        pps: Vec::new(),
    };
    for array in hvcc.arrays {
        match array.nal_unit_type {
            VPS => sets.vps.extend(array.nalus),
            SPS => sets.sps.extend(array.nalus),
            PPS => sets.pps.extend(array.nalus),
            _ => {}
        }
    }
    Ok(sets)
}
