//! Decoder configuration records: what MP4 and Matroska keep of a stream's parameter sets.

use crate::length_prefixed::LengthSize;
use crate::{Codec, MediaError};

/// `avcC` or `hvcC` taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigRecord<'a> {
    /// Size of the lengths in the stream's samples.
    pub length_size: LengthSize,
    /// All parameter sets (and SEI) in the record.
    pub nals: Vec<&'a [u8]>,
}

impl<'a> ConfigRecord<'a> {
    /// Reads an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 5.3.3.1) or an
    /// `HEVCDecoderConfigurationRecord` (8.3.3.1).
    ///
    /// # Errors
    /// [`MediaError::ParameterSet`] if it ends early or states a length size of 3.
    pub fn parse(codec: Codec, record: &'a [u8]) -> Result<Self, MediaError> {
        match codec {
            Codec::H264 => avc(record),
            Codec::H265 => hevc(record),
        }
        .ok_or_else(|| MediaError::ParameterSet {
            set: "decoder configuration record",
            reason: "it is cut off, or of an unknown version".to_owned(),
        })
    }
}

fn avc(record: &[u8]) -> Option<ConfigRecord<'_>> {
    let (fixed, mut rest) = record.split_first_chunk::<5>()?;
    let [version, .., length_size] = *fixed;
    if version != 1 {
        return None;
    }
    let mut nals = Vec::new();
    for count_mask in [0x1f, 0xff] {
        let (&count, behind) = rest.split_first()?;
        rest = behind;
        for _ in 0..count & count_mask {
            nals.push(take(&mut rest)?);
        }
    }
    Some(ConfigRecord {
        length_size: LengthSize::from_minus_one(length_size)?,
        nals,
    })
}

fn hevc(record: &[u8]) -> Option<ConfigRecord<'_>> {
    let (fixed, mut rest) = record.split_first_chunk::<23>()?;
    let [version, .., length_size, arrays] = *fixed;
    // Early writers left the version 0.
    if version > 1 {
        return None;
    }
    let mut nals = Vec::new();
    for _ in 0..arrays {
        let ([_, high, low], behind) = rest.split_first_chunk()?;
        rest = behind;
        for _ in 0..u16::from_be_bytes([*high, *low]) {
            nals.push(take(&mut rest)?);
        }
    }
    Some(ConfigRecord {
        length_size: LengthSize::from_minus_one(length_size)?,
        nals,
    })
}

/// A NAL unit behind its length in two bytes.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&length, behind) = rest.split_first_chunk()?;
    let (nal, after) = behind.split_at_checked(usize::from(u16::from_be_bytes(length)))?;
    *rest = after;
    Some(nal)
}
