//! How a picture lies in a driver's buffer.

use picam_media::Yuv420;

/// Three planes behind each other (`YU12`): luma, then the two of chroma with half of its stride and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Layout {
    /// Of the driver's picture, which may be larger than what is picture.
    pub(super) width: u32,
    /// Likewise.
    pub(super) height: u32,
    /// Bytes from row to row of luma.
    pub(super) stride: usize,
}

impl Layout {
    /// Copies a picture there, to the upper left; how many bytes are in use then. `None` if it does not fit.
    pub(super) fn copy(&self, picture: &Yuv420, into: &mut [u8]) -> Option<usize> {
        let rows = self.height as usize;
        let (width, height) = (picture.width(), picture.height());
        if height > rows || width > self.stride {
            return None;
        }
        let luma = self.stride.checked_mul(rows)?;
        let (stride, chroma) = (self.stride / 2, self.stride / 2 * rows.div_ceil(2));
        let all = luma.checked_add(chroma.checked_mul(2)?)?;
        let (y, rest) = into.get_mut(..all)?.split_at_mut_checked(luma)?;
        let (u, v) = rest.split_at_mut_checked(chroma)?;
        copy_rows(&picture.y, width, y, self.stride)?;
        copy_rows(&picture.u, width / 2, u, stride)?;
        copy_rows(&picture.v, width / 2, v, stride)?;
        Some(all)
    }
}

fn copy_rows(from: &[u8], width: usize, into: &mut [u8], stride: usize) -> Option<()> {
    if width == stride {
        into.get_mut(..from.len())?.copy_from_slice(from);
        return Some(());
    }
    for (from, into) in from
        .chunks_exact(width.max(1))
        .zip(into.chunks_mut(stride.max(1)))
    {
        into.get_mut(..width)?.copy_from_slice(from);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Yuv420 {
        let mut picture = Yuv420::new(4, 2);
        picture.y = vec![1, 2, 3, 4, 5, 6, 7, 8];
        picture.u = vec![20, 21];
        picture.v = vec![30, 31];
        picture
    }

    #[test]
    fn rows_begin_where_the_driver_wants_them() {
        let layout = |height, stride| Layout {
            width: 4,
            height,
            stride,
        };
        let mut into = [0; 40];
        assert_eq!(layout(2, 4).copy(&picture(), &mut into), Some(12));
        assert_eq!(into[..12], [1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 30, 31]);
        let mut into = [0; 40];
        assert_eq!(layout(4, 6).copy(&picture(), &mut into), Some(36));
        assert_eq!(into[..12], [1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0]);
        assert_eq!(
            (&into[24..27], &into[30..33]),
            (&[20, 21, 0][..], &[30, 31, 0][..])
        );
        // Neither too small a buffer nor too large a picture is written to or past.
        assert_eq!(layout(2, 4).copy(&picture(), &mut [0; 11]), None);
        assert_eq!(layout(2, 2).copy(&picture(), &mut into), None);
        assert_eq!(layout(1, 4).copy(&picture(), &mut into), None);
    }
}
