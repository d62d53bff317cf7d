//! Motion JPEG: pictures of a USB camera, to what the encoder takes.

use picam_media::Yuv420;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// So many pictures in a row that break a rule of the standard are this camera's way.
const HABIT: u32 = 8;
/// No header of a picture is longer.
const MAX_HEADER: usize = 64 * 1024;

/// Decodes pictures of one size.
pub(crate) struct Decoder {
    size: (usize, usize),
    /// Whether pictures that can be shown in part alone are refused.
    is_strict: bool,
    /// Pictures that were refused since the last good one.
    refused: u32,
    /// Y, Cb and Cr in turn, not yet thinned out.
    samples: Vec<u8>,
    /// The picture with the tables that it left out.
    completed: Vec<u8>,
}

impl Decoder {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self {
            size: (width, height),
            is_strict: true,
            refused: 0,
            samples: Vec::new(),
            completed: Vec::new(),
        }
    }

    /// Decodes `jpeg` into `picture`.
    ///
    /// # Errors
    /// What is wrong with it: broken, cut off, or of another size.
    pub(crate) fn decode(&mut self, jpeg: &[u8], picture: &mut Yuv420) -> Result<(), String> {
        let done = self.decode_strictly(jpeg, picture, self.is_strict);
        match &done {
            Ok(()) => self.refused = 0,
            Err(_) if self.is_strict => {
                self.refused = self.refused.saturating_add(1);
                let habit = self.refused > HABIT;
                if habit && self.decode_strictly(jpeg, picture, false).is_ok() {
                    self.is_strict = false;
                    return Ok(());
                }
            }
            Err(_) => {}
        }
        done
    }

    fn decode_strictly(
        &mut self,
        jpeg: &[u8],
        picture: &mut Yuv420,
        strict: bool,
    ) -> Result<(), String> {
        let size = self.size;
        if strict && !has_end(jpeg) {
            return Err("it is cut off".to_owned());
        }
        let bytes = match lacks_huffman_tables(jpeg) {
            true => {
                complete(jpeg, &mut self.completed);
                &self.completed
            }
            false => jpeg,
        };
        let options = DecoderOptions::new_fast()
            .set_strict_mode(strict)
            .set_max_width(size.0)
            .set_max_height(size.1)
            .jpeg_set_out_colorspace(ColorSpace::YCbCr);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        let wrong = |error: zune_jpeg::errors::DecodeErrors| format!("{error:?}");
        decoder.decode_headers().map_err(wrong)?;
        if decoder.dimensions() != Some(size) {
            let found = decoder.dimensions().unwrap_or_default();
            return Err(format!(
                "a picture of {}x{} where {}x{} was agreed",
                found.0, found.1, size.0, size.1
            ));
        }
        let grey = match decoder.input_colorspace() {
            Some(ColorSpace::YCbCr) => false,
            Some(ColorSpace::Luma) => true,
            other => return Err(format!("colours are coded as {other:?}")),
        };
        if grey {
            let options = *decoder.options();
            decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
        }
        let components = if grey { 1 } else { 3 };
        self.samples.resize(size.0 * size.1 * components, 0);
        decoder.decode_into(&mut self.samples).map_err(wrong)?;
        match grey {
            true => thin_out_grey(&self.samples, size.0, picture),
            false => thin_out(&self.samples, size.0, picture),
        }
        Ok(())
    }
}

/// Whether the end marker is there. The decoder does not miss what is missing of the last rows.
fn has_end(jpeg: &[u8]) -> bool {
    jpeg.windows(2).rev().any(|bytes| bytes == [0xff, 0xd9])
}

/// Whether whoever knows nothing of the camera can show it.
pub(crate) fn stands_alone(jpeg: &[u8]) -> bool {
    has_end(jpeg) && !lacks_huffman_tables(jpeg)
}

/// Whether Huffman tables are missing: cameras may leave them out, as in AVI, and mean those of ITU-T T.81 K.3.
fn lacks_huffman_tables(jpeg: &[u8]) -> bool {
    let mut at = 2;
    while at < MAX_HEADER {
        let Some([0xff, marker, high, low]) = jpeg.get(at..at + 4) else {
            return false;
        };
        match marker {
            // Filler.
            0xff => at += 1,
            // Tables are there.
            0xc4 => return false,
            // The scan begins.
            0xda => return true,
            _ => at += 2 + usize::from(u16::from_be_bytes([*high, *low])).max(2),
        }
    }
    false
}

/// An APP0 segment by which the decoder knows that a picture means these tables.
const MEANS_USUAL_TABLES: &[u8; 18] = b"\xff\xe0\x00\x10AVI1\0\0\0\0\0\0\0\0\0\0";

/// The picture with that segment behind its start.
fn complete(jpeg: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let (start, rest) = jpeg.split_at_checked(2).unwrap_or((jpeg, &[]));
    out.extend_from_slice(start);
    out.extend_from_slice(MEANS_USUAL_TABLES);
    out.extend_from_slice(rest);
}

/// From a chroma sample a pixel to one of four.
fn thin_out(samples: &[u8], width: usize, picture: &mut Yuv420) {
    let wide = picture.width().max(2);
    let rows = samples.chunks_exact((width * 3).max(1));
    for (to, from) in picture.y.chunks_exact_mut(wide).zip(rows.clone()) {
        for (to, from) in to.iter_mut().zip(from.chunks_exact(3)) {
            if let [y, ..] = from {
                *to = *y;
            }
        }
    }
    let pairs = rows.clone().step_by(2).zip(rows.skip(1).step_by(2));
    let blue = picture.u.chunks_exact_mut(wide / 2);
    let planes = blue.zip(picture.v.chunks_exact_mut(wide / 2));
    for ((blue, red), (upper, lower)) in planes.zip(pairs) {
        let upper = upper.chunks_exact(6);
        let samples = upper.zip(lower.chunks_exact(6));
        for ((blue, red), (upper, lower)) in blue.iter_mut().zip(red).zip(samples) {
            if let ([_, u0, v0, _, u1, v1], [_, u2, v2, _, u3, v3]) = (upper, lower) {
                let mean = |a: &u8, b: &u8, c: &u8, d: &u8| {
                    let sum = u16::from(*a) + u16::from(*b) + u16::from(*c) + u16::from(*d);
                    ((sum + 2) / 4) as u8
                };
                *blue = mean(u0, u1, u2, u3);
                *red = mean(v0, v1, v2, v3);
            }
        }
    }
}

fn thin_out_grey(samples: &[u8], width: usize, picture: &mut Yuv420) {
    let wide = picture.width().max(2);
    let rows = samples.chunks_exact(width.max(1));
    for (to, from) in picture.y.chunks_exact_mut(wide).zip(rows) {
        if let Some(from) = from.get(..to.len()) {
            to.copy_from_slice(from);
        }
    }
    picture.u.fill(128);
    picture.v.fill(128);
}

#[cfg(test)]
#[path = "jpeg_tests.rs"]
mod tests;
