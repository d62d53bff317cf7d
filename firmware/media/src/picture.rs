//! An uncoded picture.

use openh264::formats::YUVSource;

/// A picture of 8-bit Y'CbCr with halved chroma (I420), its rows without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yuv420 {
    width: usize,
    height: usize,
    /// Luma: `width * height` bytes.
    pub y: Vec<u8>,
    /// Blue difference: `width / 2 * height / 2` bytes.
    pub u: Vec<u8>,
    /// Red difference, likewise.
    pub v: Vec<u8>,
}

impl Yuv420 {
    /// A black picture (limited range). Odd sides are rounded down to even ones.
    pub fn new(width: u16, height: u16) -> Self {
        let (width, height) = (usize::from(width & !1), usize::from(height & !1));
        let chroma = width / 2 * (height / 2);
        Self {
            width,
            height,
            y: vec![16; width * height],
            u: vec![128; chroma],
            v: vec![128; chroma],
        }
    }

    /// Width in luma samples.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Height in luma samples.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Whether the planes have the lengths that the size asks for.
    pub(crate) fn is_whole(&self) -> bool {
        let chroma = self.width / 2 * (self.height / 2);
        self.y.len() == self.width * self.height && self.u.len() == chroma && self.v.len() == chroma
    }
}

impl YUVSource for Yuv420 {
    fn dimensions(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.width, self.width / 2, self.width / 2)
    }

    fn y(&self) -> &[u8] {
        &self.y
    }

    fn u(&self) -> &[u8] {
        &self.u
    }

    fn v(&self) -> &[u8] {
        &self.v
    }
}
