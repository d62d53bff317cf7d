//! The few SPS fields that decoder configuration records repeat (ITU-T H.264 7.3.2.1.1,
//! ITU-T H.265 7.3.2.2). Everything else an SPS says is parsed in picam-media.

/// Chroma format and sample depth as in `avcC` and `hvcC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SampleFormat {
    pub(crate) chroma_format_idc: u8,
    pub(crate) luma_bits: u8,
    pub(crate) chroma_bits: u8,
}

impl SampleFormat {
    const YUV420_8: Self = Self {
        chroma_format_idc: 1,
        luma_bits: 8,
        chroma_bits: 8,
    };
}

/// Reads bits of an RBSP, most significant first; `None` past the end.
struct Bits {
    rbsp: Vec<u8>,
    at: usize,
}

impl Bits {
    /// Takes the emulation prevention bytes out of a NAL unit's payload.
    fn new(payload: &[u8]) -> Self {
        let mut rbsp = Vec::with_capacity(payload.len());
        let mut zeros = 0;
        for &byte in payload {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            rbsp.push(byte);
        }
        Self { rbsp, at: 0 }
    }

    fn bits(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = *self.rbsp.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Exp-Golomb, ITU-T H.264 9.1.
    fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bits(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.bits(zeros)?)
    }
}

/// `None` for profiles whose `avcC` has no such fields.
pub(crate) fn h264_format(sps: &[u8]) -> Option<SampleFormat> {
    let profile = *sps.get(1)?;
    if !matches!(profile, 100 | 110 | 122 | 144) {
        return None;
    }
    let mut r = Bits::new(sps.get(4..)?);
    let mut read = || {
        r.ue()?;
        let chroma = r.ue()?;
        if chroma == 3 {
            r.bits(1)?;
        }
        Some((chroma, r.ue()? + 8, r.ue()? + 8))
    };
    Some(read().and_then(format).unwrap_or(SampleFormat::YUV420_8))
}

/// Profile, tier, level and format of an H.265 SPS.
pub(crate) struct H265Sps {
    /// `general_profile_space` to `general_level_idc`, the 12 bytes as they stand.
    pub(crate) profile_tier_level: [u8; 12],
    pub(crate) temporal_layers: u8,
    pub(crate) temporal_id_nested: bool,
    pub(crate) format: SampleFormat,
}

pub(crate) fn h265_sps(sps: &[u8]) -> Option<H265Sps> {
    let mut r = Bits::new(sps.get(2..)?);
    r.bits(4)?;
    let sub_layers = r.bits(3)? as u8;
    let nested = r.bits(1)? == 1;
    let mut ptl = [0; 12];
    for byte in &mut ptl {
        *byte = r.bits(8)? as u8;
    }
    let mut skip = 0;
    if sub_layers > 0 {
        for layer in 0..8 {
            let flags = r.bits(2)?;
            if layer < sub_layers {
                skip += (flags >> 1) * 88 + (flags & 1) * 8;
            }
        }
    }
    for _ in 0..skip {
        r.bits(1)?;
    }
    r.ue()?;
    let chroma = r.ue()?;
    if chroma == 3 {
        r.bits(1)?;
    }
    r.ue()?;
    r.ue()?;
    if r.bits(1)? == 1 {
        for _ in 0..4 {
            r.ue()?;
        }
    }
    let (luma, depth) = (r.ue()? + 8, r.ue()? + 8);
    Some(H265Sps {
        profile_tier_level: ptl,
        temporal_layers: sub_layers + 1,
        temporal_id_nested: nested,
        format: format((chroma, luma, depth)).unwrap_or(SampleFormat::YUV420_8),
    })
}

fn format((chroma, luma, depth): (u32, u32, u32)) -> Option<SampleFormat> {
    (chroma <= 3 && luma <= 15 && depth <= 15).then_some(SampleFormat {
        chroma_format_idc: chroma as u8,
        luma_bits: luma as u8,
        chroma_bits: depth as u8,
    })
}
