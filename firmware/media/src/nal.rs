//! What a NAL unit is, from its first bytes.

use crate::{Codec, Leading, Start};

/// The part a NAL unit has in its access unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NalKind {
    /// H.265 video parameter set.
    Vps,
    /// Sequence parameter set.
    Sps,
    /// Picture parameter set.
    Pps,
    /// Access unit delimiter: begins an access unit and says nothing else.
    Delimiter,
    /// Filler data.
    Filler,
    /// Supplemental enhancement information for the picture that follows.
    Sei,
    /// What else stands in front of a picture's slices.
    Prefix,
    /// Stored where it stands: what may follow slices (end of sequence, suffix SEI, auxiliary pictures).
    Suffix,
    /// Coded slice data of a picture.
    Slice {
        /// Whether it is the first slice of its picture.
        first: bool,
        /// Whether decoding can start at its picture, as far as the unit's type says.
        start: Start,
        /// Whether its picture leads the start before it, as far as the unit's type says.
        leading: Leading,
    },
}

impl NalKind {
    /// From a unit's first bytes; `None` if they are too few for its header.
    pub fn of(codec: Codec, head: &[u8]) -> Option<Self> {
        match codec {
            Codec::H264 => h264(head),
            Codec::H265 => h265(head),
        }
    }

    /// Whether a unit of this kind behind a picture's slices begins the next access unit
    /// (H.264 7.4.1.2.3, H.265 7.4.2.4.4).
    pub const fn begins_unit(self) -> bool {
        match self {
            Self::Vps | Self::Sps | Self::Pps | Self::Delimiter | Self::Sei | Self::Prefix => true,
            Self::Filler | Self::Suffix => false,
            Self::Slice { first, .. } => first,
        }
    }
}

/// The type of an H.264 unit (7.3.1), the low five bits of its header byte.
fn h264(head: &[u8]) -> Option<NalKind> {
    let nal_unit_type = head.first()? & 0x1f;
    Some(match nal_unit_type {
        // A slice, or partition A of one; first_mb_in_slice is ue(v): a leading 1 bit is zero.
        1 | 2 | 5 => NalKind::Slice {
            first: *head.get(1)? & 0x80 != 0,
            start: if nal_unit_type == 5 {
                Start::Idr
            } else {
                Start::None
            },
            leading: Leading::No,
        },
        3 | 4 => NalKind::Slice {
            first: false,
            start: Start::None,
            leading: Leading::No,
        },
        6 => NalKind::Sei,
        14..=18 => NalKind::Prefix,
        7 => NalKind::Sps,
        8 => NalKind::Pps,
        9 => NalKind::Delimiter,
        12 => NalKind::Filler,
        _ => NalKind::Suffix,
    })
}

/// The type of an H.265 unit (7.3.1.2), bits 1 to 6 of its two-byte header.
fn h265(head: &[u8]) -> Option<NalKind> {
    let nal_unit_type = h265_type(head)?;
    let layer = (head.first()? & 1) << 5 | head.get(1)? >> 3;
    Some(match nal_unit_type {
        // Units of enhancement layers go with the base layer's picture.
        _ if layer != 0 => NalKind::Suffix,
        0..=9 | 16..=21 => NalKind::Slice {
            first: *head.get(2)? & 0x80 != 0,
            start: match nal_unit_type {
                16..=20 => Start::Idr,
                21 => Start::Cra,
                _ => Start::None,
            },
            leading: match nal_unit_type {
                6 | 7 => Leading::Decodable,
                8 | 9 => Leading::Skipped,
                _ => Leading::No,
            },
        },
        32 => NalKind::Vps,
        33 => NalKind::Sps,
        34 => NalKind::Pps,
        35 => NalKind::Delimiter,
        38 => NalKind::Filler,
        39 => NalKind::Sei,
        41..=44 | 48..=55 => NalKind::Prefix,
        _ => NalKind::Suffix,
    })
}

/// `nal_unit_type` of an H.265 unit.
pub(crate) fn h265_type(head: &[u8]) -> Option<u8> {
    Some(head.first()? >> 1 & 0x3f)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn slice(first: bool, start: Start, leading: Leading) -> NalKind {
        NalKind::Slice {
            first,
            start,
            leading,
        }
    }

    #[test]
    fn knows_slices_and_where_units_begin() {
        let h264 = |head: &[u8]| NalKind::of(Codec::H264, head);
        let idr = slice(true, Start::Idr, Leading::No);
        assert_eq!(h264(&[0x65, 0x88]), Some(idr));
        let second = slice(false, Start::None, Leading::No);
        assert_eq!(h264(&[0x41, 0x40]), Some(second));
        assert!(idr.begins_unit() && !second.begins_unit());
        assert_eq!(h264(&[6, 6]), Some(NalKind::Sei));
        assert!(NalKind::Sei.begins_unit());
        assert_eq!(NalKind::of(Codec::H264, &[]), None);
    }

    #[test]
    fn tells_the_random_access_pictures_of_h265_and_what_leads_them_apart() {
        let of = |kind: u8| NalKind::of(Codec::H265, &[kind << 1, 1, 0x80]);
        for kind in 0..64 {
            let expected = match kind {
                16..=20 => Some((Start::Idr, Leading::No)),
                21 => Some((Start::Cra, Leading::No)),
                6 | 7 => Some((Start::None, Leading::Decodable)),
                8 | 9 => Some((Start::None, Leading::Skipped)),
                0..=5 => Some((Start::None, Leading::No)),
                _ => None,
            };
            let found = match of(kind) {
                Some(NalKind::Slice { start, leading, .. }) => Some((start, leading)),
                _ => None,
            };
            assert_eq!(found, expected, "{kind}");
        }
        let enhancement = NalKind::of(Codec::H265, &[1 << 1, 1 << 3 | 1, 0x80]).unwrap();
        assert_eq!(enhancement, NalKind::Suffix);
        assert_eq!(NalKind::of(Codec::H265, &[1 << 1, 1]), None);
        assert_eq!(of(39), Some(NalKind::Sei));
    }
}
