//! Mirroring pictures that were not coded yet.

use picam_media::Yuv420;

/// How pictures are mirrored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flips {
    /// Left and right are changed.
    pub horizontal: bool,
    /// Above and below are.
    pub vertical: bool,
}

impl Flips {
    /// Mirrors a picture in its place.
    pub fn apply(self, picture: &mut Yuv420) {
        if self == Self::default() {
            return;
        }
        let width = picture.width();
        for (plane, width) in [
            (&mut picture.y, width),
            (&mut picture.u, width / 2),
            (&mut picture.v, width / 2),
        ] {
            if width > 0 {
                self.plane(plane, width);
            }
        }
    }

    fn plane(self, plane: &mut [u8], width: usize) {
        match (self.horizontal, self.vertical) {
            // All of it backwards is both.
            (true, true) => plane.reverse(),
            (true, false) => plane.chunks_exact_mut(width).for_each(<[u8]>::reverse),
            (false, true) => {
                let mut rows = plane.chunks_exact_mut(width);
                while let (Some(upper), Some(lower)) = (rows.next(), rows.next_back()) {
                    upper.swap_with_slice(lower);
                }
            }
            (false, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plane_is_mirrored_and_back() {
        // Three rows of chroma: the one in the middle stays.
        let mut picture = Yuv420::new(4, 6);
        for (n, byte) in picture.y.iter_mut().enumerate() {
            *byte = n as u8;
        }
        for (n, (u, v)) in picture.u.iter_mut().zip(&mut picture.v).enumerate() {
            (*u, *v) = (n as u8, 100 + n as u8);
        }
        let original = picture.clone();
        for (horizontal, vertical, first, u) in [
            (true, false, [3, 2, 1, 0], [1, 0, 3, 2, 5, 4]),
            (false, true, [20, 21, 22, 23], [4, 5, 2, 3, 0, 1]),
            (true, true, [23, 22, 21, 20], [5, 4, 3, 2, 1, 0]),
            (false, false, [0, 1, 2, 3], [0, 1, 2, 3, 4, 5]),
        ] {
            let flips = Flips {
                horizontal,
                vertical,
            };
            flips.apply(&mut picture);
            assert_eq!(picture.y[..4], first);
            assert_eq!(picture.u, u);
            assert_eq!(picture.v, u.map(|n| n + 100));
            flips.apply(&mut picture);
            assert_eq!(picture, original);
        }
    }
}
