//! How text in the picture looks.

use std::fmt;
use std::str::FromStr;

/// A colour: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub [u8; 3]);

/// Those that have names.
const NAMES: [(&str, Rgb); 8] = [
    ("white", Rgb([255, 255, 255])),
    ("black", Rgb([0, 0, 0])),
    ("yellow", Rgb([255, 255, 0])),
    ("red", Rgb([255, 0, 0])),
    ("green", Rgb([0, 255, 0])),
    ("blue", Rgb([0, 0, 255])),
    ("orange", Rgb([255, 165, 0])),
    ("grey", Rgb([128, 128, 128])),
];

/// Nobody can read lines that are less high, in samples.
const SMALLEST: usize = 16;
/// From this on a colour is a light one.
const LIGHT: u32 = 128;

impl Rgb {
    /// White.
    pub const WHITE: Self = Self([255; 3]);
    /// Black.
    pub const BLACK: Self = Self([0; 3]);

    /// Black around light colours, white around dark ones.
    pub(super) fn opposite(self) -> Self {
        let [r, g, b] = self.0.map(u32::from);
        match (2 * r + 5 * g + b) / 8 >= LIGHT {
            true => Self::BLACK,
            false => Self::WHITE,
        }
    }
}

impl FromStr for Rgb {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some((_, rgb)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*rgb);
        }
        let digits = text
            .strip_prefix('#')
            .filter(|digits| digits.len() == 6)
            .ok_or(())?;
        let number = u32::from_str_radix(digits, 16).map_err(|_| ())?;
        let [_, r, g, b] = number.to_be_bytes();
        match digits.starts_with('+') {
            true => Err(()),
            false => Ok(Self([r, g, b])),
        }
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        match NAMES.iter().find(|(_, rgb)| rgb == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "#{r:02x}{g:02x}{b:02x}"),
        }
    }
}

/// What is behind text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// The picture; text has an outline.
    None,
    /// A box.
    Box(Rgb),
}

/// Where text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the upper edge.
    Top,
    /// At the lower edge.
    Bottom,
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlayStyle {
    /// Height of a line in percent of the picture's.
    pub size: u8,
    /// Of the text.
    pub colour: Rgb,
    /// Behind it.
    pub background: Background,
    /// Where it is.
    pub place: Place,
}

impl Default for OverlayStyle {
    fn default() -> Self {
        Self {
            size: 4,
            colour: Rgb::WHITE,
            background: Background::Box(Rgb::BLACK),
            place: Place::Bottom,
        }
    }
}

impl OverlayStyle {
    /// Height of a line in a picture of that height, in samples.
    pub(super) const fn line_height(&self, picture: usize) -> usize {
        let high = picture * self.size as usize / 100;
        if high < SMALLEST { SMALLEST } else { high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_shown() {
        for text in ["white", "black", "orange", "#12ab00"] {
            assert_eq!(text.parse::<Rgb>().unwrap().to_string(), text);
        }
        assert_eq!("#FF0000".parse(), Ok(Rgb([255, 0, 0])));
        for text in ["", "pink", "#12", "#1234567", "#+12345", "#12345g"] {
            assert_eq!(text.parse::<Rgb>(), Err(()), "{text}");
        }
        assert_eq!(Rgb([255, 255, 0]).opposite(), Rgb::BLACK);
        assert_eq!(Rgb([0, 0, 255]).opposite(), Rgb::WHITE);
    }
}
