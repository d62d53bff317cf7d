//! Raw pictures as cameras deliver them, to what the encoder takes (I420).

use picam_media::Yuv420;

use super::format::PixelFormat;

/// A buffer that holds less than its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooShort;

/// Rows of `stride` bytes, of which each holds `wide` of a picture; the last may end with these.
struct Rows<'a> {
    bytes: &'a [u8],
    stride: usize,
    wide: usize,
}

impl<'a> Rows<'a> {
    /// `high` rows; `stride` 0 for rows without padding.
    fn new(bytes: &'a [u8], stride: usize, wide: usize, high: usize) -> Result<Self, TooShort> {
        let stride = if stride == 0 { wide } else { stride };
        let needed = stride
            .checked_mul(high.saturating_sub(1))
            .and_then(|rows| rows.checked_add(wide));
        if stride < wide || needed.is_none_or(|needed| bytes.len() < needed) {
            return Err(TooShort);
        }
        Ok(Self {
            bytes,
            stride,
            wide,
        })
    }

    fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        let wide = self.wide;
        self.bytes
            .chunks(self.stride)
            .filter_map(move |row| row.get(..wide))
    }
}

/// Converts what a camera of this format, and of rows of `stride` bytes, delivered. What lies behind the picture's own
/// even size is cut off.
pub(crate) fn convert(
    format: PixelFormat,
    bytes: &[u8],
    stride: usize,
    size: (usize, usize),
    picture: &mut Yuv420,
) -> Result<(), TooShort> {
    match format {
        PixelFormat::Yuyv => yuyv(bytes, stride, size, picture),
        PixelFormat::Nv12 => nv12(bytes, stride, size, picture),
        PixelFormat::Yu12 => yu12(bytes, stride, size, picture),
        PixelFormat::H264 | PixelFormat::Mjpeg => Err(TooShort),
    }
}

/// Y0 U Y1 V: two pixels a chroma sample; of two rows the mean is taken.
fn yuyv(
    bytes: &[u8],
    stride: usize,
    (width, height): (usize, usize),
    picture: &mut Yuv420,
) -> Result<(), TooShort> {
    let rows = Rows::new(bytes, stride, width.div_ceil(2) * 4, height)?;
    let wide = picture.width().max(2);
    let luma = picture.y.chunks_exact_mut(wide);
    for (to, from) in luma.zip(rows.iter()) {
        for (to, from) in to.chunks_exact_mut(2).zip(from.chunks_exact(4)) {
            if let ([first, second], [y0, _, y1, _]) = (to, from) {
                (*first, *second) = (*y0, *y1);
            }
        }
    }
    let blue = picture.u.chunks_exact_mut(wide / 2);
    let chroma = blue.zip(picture.v.chunks_exact_mut(wide / 2));
    let pairs = rows.iter().step_by(2).zip(rows.iter().skip(1).step_by(2));
    for ((blue, red), (upper, lower)) in chroma.zip(pairs) {
        let upper = upper.chunks_exact(4);
        let samples = upper.zip(lower.chunks_exact(4));
        for ((blue, red), (upper, lower)) in blue.iter_mut().zip(red).zip(samples) {
            if let ([_, u0, _, v0], [_, u1, _, v1]) = (upper, lower) {
                *blue = u0.midpoint(*u1);
                *red = v0.midpoint(*v1);
            }
        }
    }
    Ok(())
}

/// A plane of luma, then one of U and V in turn, of as long rows.
fn nv12(
    bytes: &[u8],
    stride: usize,
    (width, height): (usize, usize),
    picture: &mut Yuv420,
) -> Result<(), TooShort> {
    let stride = if stride == 0 { width } else { stride };
    let luma = Rows::new(bytes, stride, width, height)?;
    let chroma = bytes.get(stride * height..).unwrap_or_default();
    let chroma = Rows::new(chroma, stride, picture.width(), picture.height() / 2)?;
    copy(&luma, picture.width(), &mut picture.y);
    let half = (picture.width() / 2).max(1);
    let planes = picture.u.chunks_exact_mut(half);
    for ((blue, red), from) in planes
        .zip(picture.v.chunks_exact_mut(half))
        .zip(chroma.iter())
    {
        for ((blue, red), from) in blue.iter_mut().zip(red).zip(from.chunks_exact(2)) {
            if let [u, v] = from {
                (*blue, *red) = (*u, *v);
            }
        }
    }
    Ok(())
}

/// Three planes; the rows of the latter two are half as long.
fn yu12(
    bytes: &[u8],
    stride: usize,
    (width, height): (usize, usize),
    picture: &mut Yuv420,
) -> Result<(), TooShort> {
    let stride = if stride == 0 { width } else { stride };
    let luma = Rows::new(bytes, stride, width, height)?;
    let half = stride / 2;
    let (wide, high) = (picture.width() / 2, picture.height() / 2);
    let blue_at = stride * height;
    let red_at = blue_at + half * (height / 2);
    let blue = Rows::new(bytes.get(blue_at..).unwrap_or_default(), half, wide, high)?;
    let red = Rows::new(bytes.get(red_at..).unwrap_or_default(), half, wide, high)?;
    copy(&luma, picture.width(), &mut picture.y);
    copy(&blue, wide, &mut picture.u);
    copy(&red, wide, &mut picture.v);
    Ok(())
}

fn copy(rows: &Rows<'_>, wide: usize, plane: &mut [u8]) {
    for (to, from) in plane.chunks_exact_mut(wide.max(1)).zip(rows.iter()) {
        if let Some(from) = from.get(..to.len()) {
            to.copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Luma and chroma that tell every sample from its neighbours.
    fn luma(x: usize, y: usize) -> u8 {
        (x * 7 + y * 13) as u8
    }

    fn blue(x: usize, y: usize) -> u8 {
        (x * 3 + y * 5 + 40) as u8
    }

    fn red(x: usize, y: usize) -> u8 {
        (x * 11 + y * 2 + 90) as u8
    }

    /// The same picture in each format; chroma as 4:2:0.
    fn raw(format: PixelFormat, width: usize, height: usize, stride: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let pad = |bytes: &mut Vec<u8>, row: usize, stride: usize| {
            bytes.resize(row + stride, 0xee);
        };
        match format {
            PixelFormat::Yuyv => {
                for y in 0..height {
                    let row = bytes.len();
                    for x in 0..width.div_ceil(2) {
                        let c = (x, y / 2);
                        bytes.extend([
                            luma(2 * x, y),
                            blue(c.0, c.1),
                            luma(2 * x + 1, y),
                            red(c.0, c.1),
                        ]);
                    }
                    pad(&mut bytes, row, stride);
                }
            }
            _ => {
                for y in 0..height {
                    let row = bytes.len();
                    bytes.extend((0..width).map(|x| luma(x, y)));
                    pad(&mut bytes, row, stride);
                }
                if format == PixelFormat::Nv12 {
                    for y in 0..height / 2 {
                        let row = bytes.len();
                        bytes.extend((0..width / 2).flat_map(|x| [blue(x, y), red(x, y)]));
                        pad(&mut bytes, row, stride);
                    }
                } else {
                    for plane in [blue, red] {
                        for y in 0..height / 2 {
                            let row = bytes.len();
                            bytes.extend((0..width / 2).map(|x| plane(x, y)));
                            pad(&mut bytes, row, stride / 2);
                        }
                    }
                }
            }
        }
        bytes
    }

    const RAW: [PixelFormat; 3] = [PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::Yu12];

    fn stride_of(format: PixelFormat, width: usize, padding: usize) -> usize {
        match format {
            PixelFormat::Yuyv => width.div_ceil(2) * 4 + padding,
            _ => width + width % 2 + padding,
        }
    }

    proptest! {
        #[test]
        fn every_sample_arrives_whatever_the_size_and_the_padding(
            width in 2usize..70,
            height in 2usize..40,
            padding in prop::sample::select(vec![0usize, 2, 32]),
            format in prop::sample::select(RAW.to_vec()),
        ) {
            let stride = stride_of(format, width, padding);
            let bytes = raw(format, width, height, stride);
            let mut picture = Yuv420::new(width as u16, height as u16);
            prop_assert_eq!(convert(format, &bytes, stride, (width, height), &mut picture), Ok(()));
            let (wide, high) = (picture.width(), picture.height());
            for y in 0..high {
                for x in 0..wide {
                    prop_assert_eq!(picture.y[y * wide + x], luma(x, y));
                }
            }
            for y in 0..high / 2 {
                for x in 0..wide / 2 {
                    prop_assert_eq!(picture.u[y * wide / 2 + x], blue(x, y));
                    prop_assert_eq!(picture.v[y * wide / 2 + x], red(x, y));
                }
            }
        }

        #[test]
        fn what_is_too_short_is_refused_and_never_read_beyond(
            width in 2usize..70,
            height in 2usize..40,
            stride in 0usize..300,
            bytes in prop::collection::vec(any::<u8>(), 0..3000),
            format in prop::sample::select(RAW.to_vec()),
        ) {
            let mut picture = Yuv420::new(width as u16, height as u16);
            // Nothing but that it returns.
            let _ = convert(format, &bytes, stride, (width, height), &mut picture);
            let tight = stride_of(format, width, 0);
            let whole = raw(format, width, height, tight);
            // The last row of the last plane ends where the picture ends.
            let missing = tight + 1;
            let short = &whole[..whole.len().saturating_sub(missing)];
            prop_assert_eq!(
                convert(format, short, tight, (width, height), &mut picture),
                Err(TooShort)
            );
        }
    }

    #[test]
    fn a_row_without_its_padding_at_the_end_is_enough() {
        let stride = 64 * 2 + 32;
        let mut bytes = raw(PixelFormat::Yuyv, 64, 4, stride);
        bytes.truncate(bytes.len() - 32);
        let mut picture = Yuv420::new(64, 4);
        let done = convert(PixelFormat::Yuyv, &bytes, stride, (64, 4), &mut picture);
        assert_eq!(done, Ok(()));
        assert_eq!(picture.y[3 * 64 + 63], luma(63, 3));
    }

    #[test]
    fn a_stride_of_zero_means_no_padding() {
        for format in RAW {
            let bytes = raw(format, 16, 8, stride_of(format, 16, 0));
            let (mut stated, mut unstated) = (Yuv420::new(16, 8), Yuv420::new(16, 8));
            let stride = stride_of(format, 16, 0);
            convert(format, &bytes, stride, (16, 8), &mut stated).unwrap();
            convert(format, &bytes, 0, (16, 8), &mut unstated).unwrap();
            assert_eq!(stated, unstated);
        }
    }
}
