//! Putting colours into planes.

use picam_media::Colour;

use super::style::Rgb;

/// A colour as it stands in the planes of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink([u8; 3]);

impl Ink {
    pub(super) fn of(Rgb([r, g, b]): Rgb, colour: Colour) -> Self {
        let [r, g, b] = [r, g, b].map(|part| f64::from(part) / 255.0);
        let (is_709, is_full) = match colour {
            Colour::Bt709 => (true, false),
            Colour::Bt709Full => (true, true),
            Colour::Bt601 => (false, false),
            Colour::Bt601Full => (false, true),
        };
        let (kr, kb) = if is_709 {
            (0.2126, 0.0722)
        } else {
            (0.299, 0.114)
        };
        let y = kr * r + (1.0 - kr - kb) * g + kb * b;
        let (u, v) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
        let (black, luma, chroma) = match is_full {
            true => (0.0, 255.0, 255.0),
            false => (16.0, 219.0, 224.0),
        };
        let byte = |value: f64| value.round().clamp(0.0, 255.0) as u8;
        Self([
            byte(black + luma * y),
            byte(128.0 + chroma * u),
            byte(128.0 + chroma * v),
        ])
    }

    pub(super) const fn values(self) -> [u8; 3] {
        self.0
    }
}

/// One plane of a picture; `part` samples of luma in each direction have one of it.
pub(super) struct Plane<'a> {
    samples: &'a mut [u8],
    wide: usize,
    part: usize,
}

impl<'a> Plane<'a> {
    pub(super) const fn of(samples: &'a mut [u8], wide: usize, part: usize) -> Self {
        Self {
            samples,
            wide,
            part,
        }
    }

    /// The rest of each row from `left` on, of all from `top` on. Both, as all sizes here, are in samples of luma.
    fn rows(&mut self, left: usize, top: usize) -> impl Iterator<Item = &mut [u8]> {
        let (left, top) = (left / self.part, top / self.part);
        let rows = self.samples.chunks_exact_mut(self.wide.max(1)).skip(top);
        rows.filter_map(move |row| row.get_mut(left..))
    }

    /// Fills a rectangle, cut to the picture.
    pub(super) fn fill(&mut self, left: usize, top: usize, wide: usize, high: usize, value: u8) {
        let (wide, high) = (wide / self.part, high / self.part);
        for row in self.rows(left, top).take(high) {
            row.iter_mut().take(wide).for_each(|sample| *sample = value);
        }
    }

    /// Lays `value` over what is there, as much of it as `cover` says; its rows are `wide` samples of luma.
    pub(super) fn blend(&mut self, left: usize, top: usize, wide: usize, cover: &[u8], value: u8) {
        let covers = cover.chunks_exact((wide / self.part).max(1));
        for (row, cover) in self.rows(left, top).zip(covers) {
            for (sample, &cover) in row.iter_mut().zip(cover) {
                let (old, cover) = (i32::from(*sample), i32::from(cover));
                let apart = (i32::from(value) - old) * cover;
                *sample = (old + (apart + apart.signum() * 127) / 255) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_the_picture() {
        let white = Rgb([255; 3]);
        assert_eq!(Ink::of(white, Colour::Bt709).values(), [235, 128, 128]);
        assert_eq!(Ink::of(white, Colour::Bt601Full).values(), [255, 128, 128]);
        let red = Rgb([255, 0, 0]);
        assert_eq!(Ink::of(red, Colour::Bt709).values(), [63, 102, 240]);
        assert_eq!(Ink::of(red, Colour::Bt601Full).values(), [76, 85, 255]);
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        let mut samples = [10; 16];
        let mut plane = Plane::of(&mut samples, 4, 1);
        plane.fill(2, 3, 9, 9, 20);
        plane.blend(3, 0, 2, &[255, 255, 128, 0], 110);
        plane.fill(9, 9, 9, 9, 99);
        #[rustfmt::skip]
        assert_eq!(samples, [
            10, 10, 10, 110,
            10, 10, 10, 60,
            10, 10, 10, 10,
            10, 10, 20, 20,
        ]);
    }
}
