//! NAL units behind their lengths, as MP4 and Matroska store them (ISO/IEC 14496-15 5.2.3).

/// How many bytes a length takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthSize {
    /// 1 byte.
    One,
    /// 2 bytes.
    Two,
    /// 4 bytes.
    Four,
}

impl LengthSize {
    /// From `lengthSizeMinusOne` of a decoder configuration record (its two low bits).
    pub fn from_minus_one(bits: u8) -> Option<Self> {
        match bits & 3 {
            0 => Some(Self::One),
            1 => Some(Self::Two),
            3 => Some(Self::Four),
            _ => None,
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

/// A length that points behind the end of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a NAL unit's length does not fit its sample: {length} bytes stated, {rest} left")]
pub struct Overrun {
    /// The length stated; 0 if there was not even room for a length.
    pub length: usize,
    /// Bytes left in the sample.
    pub rest: usize,
}

/// The units of one sample. Ends after the first error; empty units are left out.
pub fn length_prefixed_nals(
    sample: &[u8],
    size: LengthSize,
) -> impl Iterator<Item = Result<&[u8], Overrun>> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let Some((prefix, behind)) = rest.split_at_checked(size.bytes()) else {
                let left = rest.len();
                rest = &[];
                return Some(Err(Overrun {
                    length: 0,
                    rest: left,
                }));
            };
            let length = prefix.iter().fold(0, |n, &b| n << 8 | usize::from(b));
            let Some((nal, after)) = behind.split_at_checked(length) else {
                rest = &[];
                return Some(Err(Overrun {
                    length,
                    rest: behind.len(),
                }));
            };
            rest = after;
            if !nal.is_empty() {
                return Some(Ok(nal));
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_size_and_stops_at_an_overrun() {
        for (size, bytes) in [
            (LengthSize::One, &[2, 0xaa, 0xbb, 0, 1, 0xcc][..]),
            (LengthSize::Two, &[0, 2, 0xaa, 0xbb, 0, 0, 0, 1, 0xcc][..]),
            (
                LengthSize::Four,
                &[0, 0, 0, 2, 0xaa, 0xbb, 0, 0, 0, 0, 0, 0, 0, 1, 0xcc][..],
            ),
        ] {
            let nals: Result<Vec<_>, _> = length_prefixed_nals(bytes, size).collect();
            assert_eq!(nals.unwrap(), [&[0xaa, 0xbb][..], &[0xcc][..]]);
        }
        let mut nals = length_prefixed_nals(&[0, 0, 0, 9, 1, 2], LengthSize::Four);
        assert_eq!(nals.next(), Some(Err(Overrun { length: 9, rest: 2 })));
        assert_eq!(nals.next(), None);
        let mut nals = length_prefixed_nals(&[0, 0, 1], LengthSize::Four);
        assert_eq!(nals.next(), Some(Err(Overrun { length: 0, rest: 3 })));
    }

    #[test]
    fn three_byte_lengths_do_not_exist() {
        assert_eq!(LengthSize::from_minus_one(2), None);
        assert_eq!(LengthSize::from_minus_one(0xff), Some(LengthSize::Four));
    }
}
