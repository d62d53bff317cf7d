//! JPEG of one picture, and what is put into one that a camera has coded itself.

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use crate::{Colour, MediaError, Yuv420};

/// Start of image, end of image, and the segment that EXIF stands in.
const SOI: [u8; 2] = [0xff, 0xd8];
const EOI: [u8; 2] = [0xff, 0xd9];
const APP1: u8 = 0xe1;
const SCAN: u8 = 0xda;
const HUFFMAN_TABLES: u8 = 0xc4;
/// What EXIF's segment begins with.
const EXIF: &[u8; 6] = b"Exif\0\0";

/// Codes `picture` as a JPEG of this quality, 1 to 100, with `exif` (a TIFF structure, [`crate::Exif::to_tiff`]) in it.
///
/// # Errors
/// [`MediaError::Still`] if the picture is of a size that no JPEG has.
pub fn encode_jpeg(
    picture: &Yuv420,
    colour: Colour,
    quality: u8,
    exif: &[u8],
) -> Result<Vec<u8>, MediaError> {
    let failed = |error: jpeg_encoder::EncodingError| MediaError::Still(error.to_string());
    let mut out = Vec::with_capacity(picture.y.len() / 4);
    let mut encoder = Encoder::new(&mut out, quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.add_exif_metadata(exif).map_err(failed)?;
    encoder
        .encode_image(Rows::new(picture, colour)?)
        .map_err(failed)?;
    Ok(out)
}

/// Puts `exif` into a JPEG that a camera has coded, in place of what it says of itself. `None` if it cannot stand alone: it
/// is cut off, or leaves its Huffman tables to whoever shows it.
pub fn with_exif(jpeg: &[u8], exif: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(exif.len() + EXIF.len() + 2).ok()?;
    // Behind the end drivers leave what was in the buffer before.
    let end = jpeg.windows(2).rposition(|bytes| bytes == EOI)? + EOI.len();
    let mut rest = jpeg.get(..end)?.strip_prefix(&SOI)?;
    let mut out = Vec::with_capacity(jpeg.len() + exif.len() + 32);
    out.extend_from_slice(&SOI);
    out.extend_from_slice(&[0xff, APP1]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(EXIF);
    out.extend_from_slice(exif);
    let mut has_tables = false;
    loop {
        let &[0xff, marker, high, low, ..] = rest else {
            return None;
        };
        // Filler.
        if marker == 0xff {
            rest = rest.get(1..)?;
            continue;
        }
        if marker == SCAN {
            out.extend_from_slice(rest);
            return has_tables.then_some(out);
        }
        has_tables |= marker == HUFFMAN_TABLES;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (segment, behind) = rest.split_at_checked(2 + length)?;
        if marker != APP1 {
            out.extend_from_slice(segment);
        }
        rest = behind;
    }
}

/// The rows of a picture as JPEG has them: BT.601 from 0 to 255, whatever the picture's rules are.
struct Rows<'a> {
    picture: &'a Yuv420,
    size: (u16, u16),
    to: Matrix,
}

/// In whole numbers of 1/65536: what a sample is worth, and how much of one chroma goes into luma and the other chroma.
struct Matrix {
    black: i32,
    luma: i32,
    /// Into luma: of blue, of red.
    into_luma: [i32; 2],
    /// Into blue: of blue, of red.
    into_blue: [i32; 2],
    into_red: [i32; 2],
}

const ONE: f64 = 65_536.0;

impl Matrix {
    fn of(colour: Colour) -> Self {
        let (is_709, is_full) = match colour {
            Colour::Bt709 => (true, false),
            Colour::Bt709Full => (true, true),
            Colour::Bt601 => (false, false),
            Colour::Bt601Full => (false, true),
        };
        let (black, luma, chroma) = match is_full {
            true => (0, 1.0, 1.0),
            false => (16, 255.0 / 219.0, 255.0 / 224.0),
        };
        // From the luma coefficients of both, 0.2126/0.7152/0.0722 and 0.299/0.587/0.114.
        let shares = match is_709 {
            true => [
                [0.101_581, 0.196_079],
                [0.989_854, -0.110_654],
                [-0.072_456, 0.983_398],
            ],
            false => [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
        };
        let [into_luma, into_blue, into_red] =
            shares.map(|pair: [f64; 2]| pair.map(|share| (share * chroma * ONE).round() as i32));
        Self {
            black,
            luma: (luma * ONE).round() as i32,
            into_luma,
            into_blue,
            into_red,
        }
    }
}

/// From 1/65536 to a byte.
fn byte(value: i32) -> u8 {
    ((value + 32_768) >> 16).clamp(0, 255) as u8
}

impl<'a> Rows<'a> {
    fn new(picture: &'a Yuv420, colour: Colour) -> Result<Self, MediaError> {
        let side = |n: usize| u16::try_from(n).ok().filter(|&n| n > 0);
        match (side(picture.width()), side(picture.height())) {
            (Some(width), Some(height)) if picture.is_whole() => Ok(Self {
                picture,
                size: (width, height),
                to: Matrix::of(colour),
            }),
            _ => {
                let (width, height) = (picture.width(), picture.height());
                Err(MediaError::Still(format!("a picture of {width}x{height}")))
            }
        }
    }
}

impl<'a> ImageBuffer for Rows<'a> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.size.0
    }

    fn height(&self) -> u16 {
        self.size.1
    }

    fn fill_buffers(&self, row: u16, buffers: &mut [Vec<u8>; 4]) {
        let (width, row) = (usize::from(self.size.0), usize::from(row));
        let at = |plane: &'a [u8], wide: usize, row: usize| {
            plane.get(row * wide..(row + 1) * wide).unwrap_or_default()
        };
        let luma = at(&self.picture.y, width, row);
        let blue = at(&self.picture.u, width / 2, row / 2);
        let red = at(&self.picture.v, width / 2, row / 2);
        let [y, u, v, _] = buffers;
        let to = &self.to;
        for (pair, (&b, &r)) in luma.chunks_exact(2).zip(blue.iter().zip(red)) {
            let (b, r) = (i32::from(b) - 128, i32::from(r) - 128);
            let tint = to.into_luma[0] * b + to.into_luma[1] * r;
            for &sample in pair {
                y.push(byte((i32::from(sample) - to.black) * to.luma + tint));
            }
            let chroma = |share: [i32; 2]| byte(share[0] * b + share[1] * r + (128 << 16));
            // It is halved again by the encoder.
            let (b, r) = (chroma(to.into_blue), chroma(to.into_red));
            u.extend_from_slice(&[b, b]);
            v.extend_from_slice(&[r, r]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_out_as_they_went_in() {
        // Red (BT.709: 63, 102, 240 from 16 to 235), white and black.
        for (colour, [y, u, v], jfif) in [
            (Colour::Bt709, [63, 102, 240], [76, 85, 255]),
            (Colour::Bt709Full, [54, 99, 255], [76, 85, 255]),
            (Colour::Bt601, [82, 90, 240], [76, 85, 255]),
            (Colour::Bt601Full, [76, 85, 255], [76, 85, 255]),
            (Colour::Bt709, [235, 128, 128], [255, 128, 128]),
            (Colour::Bt601, [16, 128, 128], [0, 128, 128]),
        ] {
            let mut picture = Yuv420::new(16, 16);
            picture.y.fill(y);
            picture.u.fill(u);
            picture.v.fill(v);
            let mut buffers = [const { Vec::new() }; 4];
            Rows::new(&picture, colour)
                .unwrap()
                .fill_buffers(3, &mut buffers);
            for (plane, wanted) in buffers.iter().zip(jfif) {
                assert_eq!(plane.len(), 16);
                let off = i32::from(plane[0]).abs_diff(wanted);
                assert!(off <= 2, "{colour:?}: {} for {wanted}", plane[0]);
            }
        }
    }

    #[test]
    fn a_cameras_own_jpeg_gets_what_is_known_of_it_and_nothing_else_changes() {
        let picture = Yuv420::new(32, 16);
        let own = encode_jpeg(&picture, Colour::Bt601Full, 90, b"II*\0of the camera").unwrap();
        let mut buffer = own.clone();
        buffer.extend_from_slice(&[7; 100]);
        let made = with_exif(&buffer, b"II*\0ours").unwrap();
        let has = |jpeg: &[u8], what: &[u8]| jpeg.windows(what.len()).any(|bytes| bytes == what);
        assert!(has(&made, b"ours") && !has(&made, b"of the camera"));
        assert!(made.ends_with(&EOI));
        let scan =
            |jpeg: &[u8]| jpeg[jpeg.windows(2).position(|b| b == [0xff, SCAN]).unwrap()..].to_vec();
        assert_eq!(scan(&made), scan(&own));
        // Cut off, without tables, or no JPEG at all.
        assert_eq!(with_exif(&own[..own.len() - 2], b""), None);
        let at = own
            .windows(2)
            .position(|b| b == [0xff, HUFFMAN_TABLES])
            .unwrap();
        let to = own.windows(2).position(|b| b == [0xff, SCAN]).unwrap();
        let bare = [&own[..at], &own[to..]].concat();
        assert_eq!(with_exif(&bare, b""), None);
        for len in 0..own.len().min(400) {
            let _ = with_exif(&own[..len], b"x");
        }
    }

    #[test]
    fn nothing_of_nothing() {
        assert!(encode_jpeg(&Yuv420::new(0, 16), Colour::Bt709, 90, b"").is_err());
        let mut short = Yuv420::new(16, 16);
        short.u.clear();
        assert!(encode_jpeg(&short, Colour::Bt709, 90, b"").is_err());
    }
}
