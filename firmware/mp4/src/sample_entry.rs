//! Sample descriptions (`stsd`) of every kind of track that picam writes.
//!
//! Each function returns the whole `stsd` box with one entry. Boxes are encoded by `mp4-atom`,
//! except the G.711 entries, which it does not know.

use mp4_atom::{
    Audio, Avc1, Avcc, AvccExt, Camm, Codec, Encode, Esds, FourCC, Hvc1, HvcCArray, Hvcc, MetaData,
    Mp4a, RgbaColor, Sowt, Stsd, Tx3g, Visual,
    esds::{DecoderConfig, DecoderSpecific, EsDescriptor},
};

use crate::bits;

/// Why no sample entry can be made of what was given.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// No parameter set, or one cut short.
    #[error("the stream's {0} is missing or cut short")]
    ParameterSet(&'static str),
    /// A number does not fit its field.
    #[error("{0} cannot be expressed in an MP4 sample entry")]
    OutOfRange(&'static str),
    /// The box encoder refused.
    #[error("the sample description cannot be encoded: {0}")]
    Encode(#[from] mp4_atom::Error),
}

/// `avc1` with the parameter sets out of band (ISO/IEC 14496-15 5.4.2.1).
pub fn h264(
    sps: &[Vec<u8>],
    pps: &[Vec<u8>],
    width: u16,
    height: u16,
) -> Result<Vec<u8>, EntryError> {
    let first = sps.first().ok_or(EntryError::ParameterSet("H.264 SPS"))?;
    let (Some(&profile), Some(&compatibility), Some(&level)) =
        (first.get(1), first.get(2), first.get(3))
    else {
        return Err(EntryError::ParameterSet("H.264 SPS"));
    };
    if pps.is_empty() {
        return Err(EntryError::ParameterSet("H.264 PPS"));
    }
    check_lengths(sps, 31)?;
    check_lengths(pps, 255)?;
    stsd(Codec::Avc1(Avc1 {
        visual: visual(width, height),
        avcc: Avcc {
            configuration_version: 1,
            avc_profile_indication: profile,
            profile_compatibility: compatibility,
            avc_level_indication: level,
            length_size: 4,
            sequence_parameter_sets: sps.to_vec(),
            picture_parameter_sets: pps.to_vec(),
            ext: bits::h264_format(first).map(|format| AvccExt {
                chroma_format: format.chroma_format_idc,
                bit_depth_luma: format.luma_bits,
                bit_depth_chroma: format.chroma_bits,
                sequence_parameter_sets_ext: Vec::new(),
            }),
        },
        ..Default::default()
    }))
}

/// `hvc1` with the parameter sets out of band (ISO/IEC 14496-15 8.3.3).
pub fn h265(
    vps: &[Vec<u8>],
    sps: &[Vec<u8>],
    pps: &[Vec<u8>],
    width: u16,
    height: u16,
) -> Result<Vec<u8>, EntryError> {
    let facts = sps
        .first()
        .and_then(|sps| bits::h265_sps(sps))
        .ok_or(EntryError::ParameterSet("H.265 SPS"))?;
    if pps.is_empty() {
        return Err(EntryError::ParameterSet("H.265 PPS"));
    }
    for set in [vps, sps, pps] {
        check_lengths(set, 16)?;
    }
    let [space, c0, c1, c2, c3, i0, i1, i2, i3, i4, i5, level] = facts.profile_tier_level;
    let array = |nal_unit_type, nalus: &[Vec<u8>]| HvcCArray {
        completeness: true,
        nal_unit_type,
        nalus: nalus.to_vec(),
    };
    stsd(Codec::Hvc1(Hvc1 {
        visual: visual(width, height),
        hvcc: Hvcc {
            general_profile_space: space >> 6,
            general_tier_flag: space & 0x20 != 0,
            general_profile_idc: space & 0x1f,
            general_profile_compatibility_flags: [c0, c1, c2, c3],
            general_constraint_indicator_flags: [i0, i1, i2, i3, i4, i5],
            general_level_idc: level,
            chroma_format_idc: facts.format.chroma_format_idc,
            bit_depth_luma_minus8: facts.format.luma_bits - 8,
            bit_depth_chroma_minus8: facts.format.chroma_bits - 8,
            num_temporal_layers: facts.temporal_layers,
            temporal_id_nested: facts.temporal_id_nested,
            length_size_minus_one: 3,
            arrays: vec![array(32, vps), array(33, sps), array(34, pps)],
            ..Hvcc::new()
        },
        ..Default::default()
    }))
}

/// What browsers want to know of H.264 before they take it: `avc1.42c01e` (RFC 6381, 3.3).
pub fn h264_codecs(sps: &[Vec<u8>]) -> Result<String, EntryError> {
    match sps.first().map(Vec::as_slice) {
        Some(&[_, profile, compatibility, level, ..]) => {
            Ok(format!("avc1.{profile:02x}{compatibility:02x}{level:02x}"))
        }
        _ => Err(EntryError::ParameterSet("H.264 SPS")),
    }
}

/// The same of H.265: `hvc1.1.6.L93.B0` (ISO/IEC 14496-15, E.3).
pub fn h265_codecs(sps: &[Vec<u8>]) -> Result<String, EntryError> {
    let facts = sps
        .first()
        .and_then(|sps| bits::h265_sps(sps))
        .ok_or(EntryError::ParameterSet("H.265 SPS"))?;
    let [profile, c0, c1, c2, c3, constraints @ .., level] = facts.profile_tier_level;
    let space = ["", "A", "B", "C"].get(usize::from(profile >> 6)).copied();
    let (space, tier) = (
        space.unwrap_or_default(),
        if profile & 0x20 == 0 { 'L' } else { 'H' },
    );
    let compatibility = u32::from_be_bytes([c0, c1, c2, c3]).reverse_bits();
    let profile = profile & 0x1f;
    let mut codecs = format!("hvc1.{space}{profile}.{compatibility:x}.{tier}{level}");
    // Trailing bytes of zeros are left out.
    let said = constraints.iter().rposition(|&byte| byte != 0);
    for byte in constraints.iter().take(said.map_or(0, |last| last + 1)) {
        codecs.push_str(&format!(".{byte:X}"));
    }
    Ok(codecs)
}

/// `mp4a` with an AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1), which alone says a sample rate above 65535 Hz.
pub fn aac(
    audio_specific_config: &[u8],
    sample_rate: u32,
    channels: u16,
) -> Result<Vec<u8>, EntryError> {
    stsd(Codec::Mp4a(Mp4a {
        audio: audio(u16::try_from(sample_rate).unwrap_or(0).into(), channels)?,
        esds: Esds {
            es_desc: EsDescriptor {
                dec_config: DecoderConfig {
                    object_type_indication: 0x40,
                    stream_type: 5,
                    dec_specific: Some(DecoderSpecific {
                        raw: audio_specific_config.to_vec(),
                        ..Default::default()
                    }),
                    ..Default::default()
                },
                ..Default::default()
            },
        },
        btrt: None,
        taic: None,
    }))
}

/// `sowt`: signed 16-bit little-endian PCM (QuickTime File Format, sound sample descriptions).
pub fn pcm_s16le(sample_rate: u32, channels: u16) -> Result<Vec<u8>, EntryError> {
    stsd(Codec::Sowt(Sowt {
        audio: audio(sample_rate, channels)?,
        pcmc: None,
        chnl: None,
        btrt: None,
    }))
}

/// The two laws of ITU-T G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum G711 {
    /// A-law (`alaw`).
    ALaw,
    /// mu-law (`ulaw`).
    MuLaw,
}

/// `alaw` or `ulaw` (QuickTime File Format, sound sample descriptions).
pub fn g711(law: G711, sample_rate: u32, channels: u16) -> Result<Vec<u8>, EntryError> {
    let kind: [u8; 4] = match law {
        G711::ALaw => *b"alaw",
        G711::MuLaw => *b"ulaw",
    };
    let mut entry = Vec::new();
    audio(sample_rate, channels)?.encode(&mut entry)?;
    let mut out = Vec::new();
    mp4_atom::BufMut::encode_atom(&mut out, FourCC::new(b"stsd"), |buf| {
        0u32.encode(buf)?;
        1u32.encode(buf)?;
        mp4_atom::BufMut::encode_atom(buf, FourCC::new(&kind), |buf| entry.as_slice().encode(buf))
    })?;
    Ok(out)
}

/// `camm`, Google's camera motion metadata.
pub fn camm() -> Result<Vec<u8>, EntryError> {
    stsd(Codec::Camm(Camm {
        metadata: MetaData {
            data_reference_index: 1,
        },
    }))
}

/// `tx3g`, 3GPP timed text: white on black at the bottom of the picture (3GPP TS 26.245 5.16).
pub fn tx3g() -> Result<Vec<u8>, EntryError> {
    stsd(Codec::Tx3g(Tx3g {
        data_reference_index: 1,
        display_flags: 0,
        horizontal_justification: 1,
        vertical_justification: -1,
        bg_color_rgba: RgbaColor {
            red: 0,
            green: 0,
            blue: 0,
            alpha: 128,
        },
        box_record: [0, 0, 60, 640],
        style_record: [0, 0, 0, 0, 0, 1, 0, 18, 255, 255, 255, 255],
        ftab: Some(mp4_atom::Ftab {
            font_entries: vec![mp4_atom::FontEntry {
                font_id: 1,
                font: "Sans-Serif".into(),
            }],
        }),
        disp: None,
    }))
}

fn stsd(codec: Codec) -> Result<Vec<u8>, EntryError> {
    let mut out = Vec::new();
    Stsd {
        codecs: vec![codec],
    }
    .encode(&mut out)?;
    Ok(out)
}

fn visual(width: u16, height: u16) -> Visual {
    Visual {
        data_reference_index: 1,
        width,
        height,
        horizresolution: 72.into(),
        vertresolution: 72.into(),
        frame_count: 1,
        compressor: "".into(),
        depth: 24,
    }
}

fn audio(sample_rate: u32, channels: u16) -> Result<Audio, EntryError> {
    let rate = u16::try_from(sample_rate)
        .map_err(|_| EntryError::OutOfRange("a sample rate above 65535 Hz"))?;
    Ok(Audio {
        data_reference_index: 1,
        channel_count: channels,
        sample_size: 16,
        sample_rate: rate.into(),
    })
}

fn check_lengths(sets: &[Vec<u8>], most: usize) -> Result<(), EntryError> {
    if sets.len() > most {
        return Err(EntryError::OutOfRange("this many parameter sets"));
    }
    if sets.iter().any(|set| set.len() > usize::from(u16::MAX)) {
        return Err(EntryError::OutOfRange("a parameter set above 64 KiB"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_the_codec_in_their_terms() {
        let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda];
        assert_eq!(h264_codecs(&[sps]).unwrap(), "avc1.42c01e");
        assert!(h264_codecs(&[vec![0x67, 0x42]]).is_err() && h264_codecs(&[]).is_err());
        // x265, 640x360: Main, progressive and not frame-packed; as Chromium and Safari write it.
        let sps = [
            0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
            0x00, 0x03, 0x00, 0x3f, 0xa0, 0x05, 0x02, 0x01, 0x69, 0x65, 0x95, 0x9a, 0x49, 0x32,
            0xbc, 0x05, 0xa0, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x03, 0x03, 0x21,
        ];
        assert_eq!(h265_codecs(&[sps.to_vec()]).unwrap(), "hvc1.1.6.L63.90");
        assert!(h265_codecs(&[sps[..8].to_vec()]).is_err());
        // Of another profile space, in the high tier.
        for (byte, said) in [(0x21, "1"), (0x42, "A2"), (0x81, "B1"), (0xe3, "C3")] {
            let mut other = sps.to_vec();
            other[3] = byte;
            let tier = if byte & 0x20 == 0 { 'L' } else { 'H' };
            let codecs = format!("hvc1.{said}.6.{tier}63.90");
            assert_eq!(h265_codecs(&[other]).unwrap(), codecs);
        }
    }
}
