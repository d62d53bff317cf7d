//! Recovery points in supplemental enhancement information (H.264 D.1.8, H.265 D.2.8).

use std::num::NonZeroUsize;

use h264_reader::rbsp::{BitRead, BitReaderError};

use crate::Codec;
use crate::rbsp::bits;

/// `payloadType` of a recovery point, in both standards.
const RECOVERY_POINT: u32 = 6;
/// More bytes of one unit are not searched: picture timing and buffering periods are short.
const SEARCHED: usize = 4096;

/// From here on, pictures become right. With a broken link (`broken_link_flag`) those that lead it are
/// shown as badly in the whole stream as in any part of it: it makes no difference to a recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecoveryPoint {
    /// How many pictures later they are.
    pub(crate) frames: u16,
}

/// The recovery point among the messages of the SEI unit `nal`, header included.
pub(crate) fn recovery_point(codec: Codec, nal: &[u8]) -> Option<RecoveryPoint> {
    let header_len = match codec {
        Codec::H264 => NonZeroUsize::MIN,
        Codec::H265 => NonZeroUsize::MIN.saturating_add(1),
    };
    let nal = nal.get(..SEARCHED).unwrap_or(nal);
    search(codec, &mut bits(nal, header_len)).ok().flatten()
}

fn search(codec: Codec, r: &mut impl BitRead) -> Result<Option<RecoveryPoint>, BitReaderError> {
    // A message has two bytes at least, so this ends with the unit.
    for _ in 0..SEARCHED {
        let kind = number(r, "payload_type")?;
        let size = number(r, "payload_size")?;
        if kind == RECOVERY_POINT {
            return read(codec, r).map(Some);
        }
        for _ in 0..size {
            r.skip(8, "sei_payload")?;
        }
    }
    Ok(None)
}

/// A number in bytes of 255 and a last one of less (7.3.2.3.1).
fn number(r: &mut impl BitRead, element: &'static str) -> Result<u32, BitReaderError> {
    let mut sum = 0u32;
    loop {
        let byte: u8 = r.read::<8, _>(element)?;
        sum = sum.saturating_add(byte.into());
        if byte != 255 {
            return Ok(sum);
        }
    }
}

fn read(codec: Codec, r: &mut impl BitRead) -> Result<RecoveryPoint, BitReaderError> {
    let frames = match codec {
        Codec::H264 => r.read_ue("recovery_frame_cnt")?,
        // In units of display order, of which pictures that refer to others have at least one each.
        // A negative count says that even pictures shown before are right.
        Codec::H265 => u32::try_from(r.read_se("recovery_poc_cnt")?).unwrap_or(0),
    };
    r.read_bit("exact_match_flag")?;
    r.read_bit("broken_link_flag")?;
    Ok(RecoveryPoint {
        frames: u16::try_from(frames).unwrap_or(u16::MAX),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_the_recovery_point_among_other_messages() {
        // ue(0), exact match, no broken link; ue(18); se(-2) with a broken link.
        let alone = recovery_point(Codec::H264, &[6, 6, 1, 0b1100_0100, 0x80]);
        let point = |frames| Some(RecoveryPoint { frames });
        assert_eq!(alone, point(0));
        let refresh = recovery_point(Codec::H264, &[6, 6, 2, 0b0000_1001, 0b1100_0100, 0x80]);
        assert_eq!(refresh, point(18));
        let hevc = recovery_point(Codec::H265, &[39 << 1, 1, 6, 1, 0b0010_1110, 0x80]);
        assert_eq!(hevc, point(0));
        // Behind a picture timing of two bytes and unregistered data of 300.
        let mut long = vec![6, 1, 2, 9, 9, 5, 255, 45];
        long.extend([7; 300]);
        long.extend([6, 1, 0b1100_0100, 0x80]);
        assert_eq!(recovery_point(Codec::H264, &long), point(0));
        long.truncate(300);
        assert_eq!(recovery_point(Codec::H264, &long), None);
        assert_eq!(recovery_point(Codec::H264, &[6, 5, 1, 6, 0x80]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_searched_without_harm(
            mut nal in prop::collection::vec(prop_oneof![any::<u8>(), Just(255), Just(6), Just(0)], 0..200),
            h265 in any::<bool>(),
            at in 0usize..200,
        ) {
            let codec = if h265 { Codec::H265 } else { Codec::H264 };
            let _ = recovery_point(codec, &nal);
            // A real one behind its cut-off beginning.
            nal.splice(at.min(nal.len()).., [6, 6, 1, 0b1100_0100]);
            let _ = recovery_point(codec, &nal);
        }
    }
}
