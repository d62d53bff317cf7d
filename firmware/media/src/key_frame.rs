//! A picture out of a stream: one at which decoding can start, decoded.

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264::formats::YUVSource;

use crate::length_prefixed::{LengthSize, length_prefixed_nals};
use crate::{Codec, Colour, MediaError, ParameterSets, Yuv420, h264};

/// Start of a NAL unit in a stream.
const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// Pictures of this height and more are BT.709 where a stream does not say, as players assume.
const HIGH_DEFINITION: u16 = 720;

/// Decodes one access unit ([`crate::AccessUnit::data`]) at which decoding can start.
///
/// # Errors
/// [`MediaError::Still`] of H.265, for which picam has no decoder, and of what cannot be decoded alone.
pub fn decode_key_frame(sets: &ParameterSets, data: &[u8]) -> Result<(Yuv420, Colour), MediaError> {
    if sets.codec == Codec::H265 {
        return Err(MediaError::Still(
            "this camera delivers H.265, which picam does not decode: have it deliver H.264".into(),
        ));
    }
    let mut stream = Vec::with_capacity(data.len() + 256);
    let mut add = |nal: &[u8]| {
        stream.extend_from_slice(&START_CODE);
        stream.extend_from_slice(nal);
    };
    sets.sps.iter().chain(&sets.pps).for_each(|nal| add(nal));
    for nal in length_prefixed_nals(data, LengthSize::Four) {
        add(nal?);
    }
    let failed = |error: openh264::Error| MediaError::Still(error.to_string());
    let mut decoder = Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
        .map_err(failed)?;
    let none = || MediaError::Still("this picture cannot be decoded alone".into());
    let decoded = decoder.decode(&stream).map_err(failed)?.ok_or_else(none)?;
    let picture = copy(&decoded).ok_or_else(none)?;
    let stated = sets.sps.first().and_then(|sps| h264::colour(sps));
    Ok((picture, stated.unwrap_or_else(|| usual(sets.height))))
}

fn usual(height: u16) -> Colour {
    match height >= HIGH_DEFINITION {
        true => Colour::Bt709,
        false => Colour::Bt601,
    }
}

/// Without what stands behind the rows.
fn copy(from: &impl YUVSource) -> Option<Yuv420> {
    let (width, height) = from.dimensions();
    let mut picture = Yuv420::new(u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    let (y, u, v) = from.strides();
    let wide = picture.width();
    for (plane, from, stride, wide) in [
        (&mut picture.y, from.y(), y, wide),
        (&mut picture.u, from.u(), u, wide / 2),
        (&mut picture.v, from.v(), v, wide / 2),
    ] {
        for (to, from) in plane
            .chunks_exact_mut(wide.max(1))
            .zip(from.chunks(stride.max(1)))
        {
            to.copy_from_slice(from.get(..wide)?);
        }
    }
    Some(picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessUnit, Encoder, EncoderSettings};

    #[test]
    fn a_key_frame_is_decoded_in_its_colours_and_another_is_not() {
        for colour in [Colour::Bt709, Colour::Bt601Full] {
            let mut encoder = Encoder::new(EncoderSettings {
                width: 66,
                height: 50,
                fps: 10,
                bitrate: 2_000_000,
                gop: 10,
                colour,
            })
            .unwrap();
            let mut picture = Yuv420::new(66, 50);
            let wide = picture.width();
            for (n, luma) in picture.y.iter_mut().enumerate() {
                *luma = 40 + (n % wide) as u8 * 2;
            }
            let mut unit = AccessUnit::new();
            assert!(encoder.encode(&picture, true, &mut unit).unwrap());
            let sets = unit.parameter_sets.clone().unwrap();
            let (decoded, said) = decode_key_frame(&sets, &unit.data).unwrap();
            assert_eq!(said, colour);
            assert_eq!((decoded.width(), decoded.height()), (66, 50));
            let off = decoded.y.iter().zip(&picture.y);
            let off: u32 = off.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            assert!(off < 4 * 66 * 50, "{off}");
            picture.y.reverse();
            assert!(encoder.encode(&picture, false, &mut unit).unwrap());
            assert!(decode_key_frame(&sets, &unit.data).is_err());
            let h265 = ParameterSets {
                codec: Codec::H265,
                ..ParameterSets::clone(&sets)
            };
            let said = decode_key_frame(&h265, &unit.data).unwrap_err().to_string();
            assert!(said.contains("H.265"), "{said}");
        }
    }

    #[test]
    fn whatever_comes_is_no_panic() {
        let sets = ParameterSets {
            codec: Codec::H264,
            vps: Vec::new(),
            sps: vec![vec![0x67, 1, 2, 3]],
            pps: Vec::new(),
            width: 16,
            height: 16,
            frame_ticks: None,
        };
        for data in [
            &b""[..],
            b"\0\0\0",
            b"\0\0\0\x09abc",
            b"\0\0\0\x03\x65\xff\xff",
        ] {
            assert!(decode_key_frame(&sets, data).is_err());
        }
    }
}
