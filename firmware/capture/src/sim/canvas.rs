//! Drawing with `embedded-graphics` straight into Y'CbCr planes.

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::PixelColor;
use embedded_graphics::pixelcolor::raw::RawU24;
use embedded_graphics::primitives::Rectangle;
use picam_media::Yuv420;

/// A colour as it stands in the planes (BT.709, limited range).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Yuv {
    pub(crate) y: u8,
    pub(crate) u: u8,
    pub(crate) v: u8,
}

impl PixelColor for Yuv {
    type Raw = RawU24;
}

impl Yuv {
    pub(crate) const BLACK: Self = Self::gray(16);
    pub(crate) const WHITE: Self = Self::gray(235);

    pub(crate) const fn gray(y: u8) -> Self {
        Self { y, u: 128, v: 128 }
    }

    /// From full-range R'G'B' (BT.709), in whole numbers of 1/256.
    pub(crate) const fn rgb(r: u8, g: u8, b: u8) -> Self {
        let (r, g, b) = (r as i32, g as i32, b as i32);
        Self {
            y: (16 + (47 * r + 157 * g + 16 * b) / 256) as u8,
            u: (128 + (-26 * r - 86 * g + 112 * b) / 256) as u8,
            v: (128 + (112 * r - 102 * g - 10 * b) / 256) as u8,
        }
    }
}

/// A picture to draw on. Chroma is halved: of a block of two by two pixels the one drawn last decides.
pub(crate) struct Canvas<'a>(pub(crate) &'a mut Yuv420);

impl OriginDimensions for Canvas<'_> {
    fn size(&self) -> Size {
        Size::new(self.0.width() as u32, self.0.height() as u32)
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Yuv;
    type Error = core::convert::Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Self::Error>
    where
        I: IntoIterator<Item = Pixel<Yuv>>,
    {
        for Pixel(point, color) in pixels {
            self.fill(i64::from(point.x), i64::from(point.y), 1, 1, color);
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Yuv) -> Result<(), Self::Error> {
        let Size { width, height } = area.size;
        self.fill(
            area.top_left.x.into(),
            area.top_left.y.into(),
            width,
            height,
            color,
        );
        Ok(())
    }
}

impl Canvas<'_> {
    /// Fills a rectangle, cut to the picture.
    fn fill(&mut self, x: i64, y: i64, width: u32, height: u32, color: Yuv) {
        let picture_width = self.0.width();
        let columns = span(x, width, picture_width);
        let rows = span(y, height, self.0.height());
        if columns.is_empty() || rows.is_empty() {
            return;
        }
        for row in rows.clone() {
            fill_row(&mut self.0.y, row * picture_width, &columns, color.y);
        }
        let half = columns.start / 2..columns.end.div_ceil(2);
        for row in rows.start / 2..rows.end.div_ceil(2) {
            fill_row(&mut self.0.u, row * (picture_width / 2), &half, color.u);
            fill_row(&mut self.0.v, row * (picture_width / 2), &half, color.v);
        }
    }
}

/// The part of `start..start + length` inside `0..limit`.
fn span(start: i64, length: u32, limit: usize) -> std::ops::Range<usize> {
    let cut = |n: i64| usize::try_from(n.max(0)).unwrap_or(0).min(limit);
    cut(start)..cut(start + i64::from(length))
}

fn fill_row(plane: &mut [u8], row: usize, columns: &std::ops::Range<usize>, value: u8) {
    if let Some(part) = plane.get_mut(row + columns.start..row + columns.end) {
        part.fill(value);
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::geometry::Point;

    use super::*;

    #[test]
    fn fills_are_cut_to_the_picture() {
        let mut picture = Yuv420::new(8, 4);
        let color = Yuv {
            y: 200,
            u: 90,
            v: 160,
        };
        let area = Rectangle::new(Point::new(-3, 2), Size::new(6, 100));
        Canvas(&mut picture).fill_solid(&area, color).unwrap();
        let row = [200, 200, 200, 16, 16, 16, 16, 16];
        assert_eq!(picture.y, [[16; 8], [16; 8], row, row].concat());
        assert_eq!(picture.u, [128, 128, 128, 128, 90, 90, 128, 128]);
        assert_eq!(picture.v, [128, 128, 128, 128, 160, 160, 128, 128]);
        let off = [
            Pixel(Point::new(-1, 0), color),
            Pixel(Point::new(8, 0), color),
        ];
        let before = picture.clone();
        Canvas(&mut picture).draw_iter(off).unwrap();
        assert_eq!(picture, before);
    }

    #[test]
    fn colours_keep_their_range() {
        assert_eq!(Yuv::rgb(255, 255, 255).y, 235);
        assert_eq!(Yuv::rgb(0, 0, 0), Yuv::BLACK);
        assert!(Yuv::rgb(255, 0, 0).v > 230 && Yuv::rgb(0, 0, 255).u > 230);
    }
}
