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

/// `None` for the profiles whose `avcC` has no such fields (ISO/IEC 14496-15 5.3.3.1.2).
pub(crate) fn h264_format(sps: &[u8]) -> Option<SampleFormat> {
    let profile = *sps.get(1)?;
    if matches!(profile, 66 | 77 | 88) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes what [`Bits`] reads.
    #[derive(Default)]
    struct Written(String);

    impl Written {
        fn bits(&mut self, count: usize, value: u32) -> &mut Self {
            self.0.push_str(&format!("{value:0count$b}"));
            self
        }

        fn ue(&mut self, value: u32) -> &mut Self {
            let len = (value + 1).ilog2() as usize;
            self.0.push_str(&"0".repeat(len));
            self.bits(len + 1, value + 1)
        }

        /// The payload with emulation prevention, behind the bytes of a NAL unit's header.
        fn nal(&self, header: &[u8]) -> Vec<u8> {
            let mut out = header.to_vec();
            let mut zeros = 0;
            for byte in self.0.as_bytes().chunks(8) {
                let bits = std::str::from_utf8(byte).unwrap();
                let byte = u8::from_str_radix(&format!("{bits:0<8}"), 2).unwrap();
                if zeros >= 2 && byte <= 3 {
                    out.push(3);
                    zeros = 0;
                }
                zeros = if byte == 0 { zeros + 1 } else { 0 };
                out.push(byte);
            }
            out
        }
    }

    /// Every format there is, and some that nobody can state in a record.
    fn formats() -> impl Iterator<Item = [u32; 3]> {
        let depths = || [0, 2, 7, 8];
        let all = (0..5).flat_map(move |chroma| {
            depths()
                .into_iter()
                .flat_map(move |luma| depths().into_iter().map(move |depth| [chroma, luma, depth]))
        });
        all.chain([[1, 0, 600], [1, 600, 0], [600, 0, 0]])
    }

    fn said([chroma, luma, depth]: [u32; 3]) -> SampleFormat {
        if chroma > 3 || luma > 7 || depth > 7 {
            return SampleFormat::YUV420_8;
        }
        SampleFormat {
            chroma_format_idc: chroma as u8,
            luma_bits: luma as u8 + 8,
            chroma_bits: depth as u8 + 8,
        }
    }

    #[test]
    fn numbers_of_any_length_are_read_and_no_longer_ones() {
        for value in [0, 1, 2, 3, 254, 255, 256, u32::MAX - 2, u32::MAX - 1] {
            let payload = Written::default().ue(value).ue(5).nal(&[]);
            let mut bits = Bits::new(&payload);
            assert_eq!([bits.ue(), bits.ue()], [Some(value), Some(5)]);
        }
        let longer = Written("0".repeat(32) + &"1".repeat(33)).nal(&[]);
        assert_eq!(Bits::new(&longer).ue(), None);
        assert_eq!(Bits::new(&[0xff]).bits(9), None);
    }

    #[test]
    fn h264_states_its_format_in_every_profile_but_the_first() {
        for said_format in formats() {
            let [chroma, luma, depth] = said_format;
            for id in [0, 31] {
                let mut sps = Written::default();
                sps.ue(id).ue(chroma);
                if chroma == 3 {
                    sps.bits(1, 0);
                }
                let sps = sps.ue(luma).ue(depth);
                for profile in [100, 110, 122, 144, 244] {
                    let nal = sps.nal(&[0x67, profile, 0, 30]);
                    assert_eq!(h264_format(&nal), Some(said(said_format)));
                }
                for profile in [66, 77, 88] {
                    assert_eq!(h264_format(&sps.nal(&[0x67, profile, 0, 30])), None);
                }
            }
        }
        // Cut off within them: what nearly all streams are.
        assert_eq!(
            h264_format(&[0x67, 100, 0, 30]),
            Some(SampleFormat::YUV420_8)
        );
    }

    #[test]
    fn h265_states_its_format_behind_what_it_says_of_its_layers() {
        // Whether each layer below the highest states a profile and a level.
        let layers = [&[][..], &[3], &[0, 3], &[2, 1, 0, 3, 2, 1]];
        for (said_format, layers) in formats().flat_map(|f| layers.map(|layers| (f, layers))) {
            let [chroma, luma, depth] = said_format;
            for cropped in [false, true] {
                let mut sps = Written::default();
                let below = layers.len() as u32;
                sps.bits(4, 0).bits(3, below).bits(1, u32::from(cropped));
                for n in 0..12 {
                    sps.bits(8, 0xa0 + n);
                }
                // What is said of layers that are not there is reserved.
                for n in 0..if below > 0 { 8 } else { 0 } {
                    sps.bits(2, layers.get(n).copied().unwrap_or(3));
                }
                for layer in layers {
                    for _ in 0..(layer >> 1) * 88 + (layer & 1) * 8 {
                        sps.bits(1, 1);
                    }
                }
                sps.ue(0).ue(chroma);
                if chroma == 3 {
                    sps.bits(1, 0);
                }
                sps.ue(1920).ue(1088).bits(1, u32::from(cropped));
                if cropped {
                    sps.ue(0).ue(7).ue(0).ue(4);
                }
                let nal = sps.ue(luma).ue(depth).nal(&[0x42, 1]);
                let sps = h265_sps(&nal).unwrap();
                assert_eq!(sps.format, said(said_format), "{layers:?}");
                assert_eq!(
                    sps.profile_tier_level,
                    std::array::from_fn(|n| 0xa0 + n as u8)
                );
                assert_eq!(u32::from(sps.temporal_layers), below + 1);
                assert_eq!(sps.temporal_id_nested, cropped);
                assert!(h265_sps(&nal[..16]).is_none());
            }
        }
    }
}
