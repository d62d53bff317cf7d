//! Text drawn into pictures before they are coded: time, speed, place, plate, or whatever the owner wants.
//!
//! Whoever knows what to write ([`Caption`]) is handed in. Drawing a picture takes no memory: glyphs are made when the
//! overlay is, in the size that the pictures want, and lines are written into room that is used again.

mod atlas;
mod blend;
mod style;

use std::fmt::Write;

use jiff::Timestamp;
use picam_media::{Colour, Yuv420};
use picam_time::{BootNs, UtcUs};

use self::atlas::{Atlas, Glyph};
use self::blend::{Ink, Plane};
pub use self::style::{Background, OverlayStyle, Place, Rgb};

/// Lines of text at most; what does not fit them is left out.
const MOST_LINES: usize = 4;
/// Between two parts on one line.
const GAP: &str = "  ";

/// Knows what is to be written into pictures.
pub trait Caption: Send {
    /// Writes the parts that belong into a picture of this moment, each by [`Parts::push`].
    fn write(&mut self, captured: BootNs, parts: &mut Parts);
}

/// Pieces of text that stay together on a line.
#[derive(Debug, Default)]
pub struct Parts {
    text: String,
    ends: Vec<usize>,
}

impl Parts {
    /// Adds what `write` writes, unless that is nothing.
    pub fn push(&mut self, write: impl FnOnce(&mut String)) {
        let before = self.text.len();
        write(&mut self.text);
        if self.text.len() > before {
            self.ends.push(self.text.len());
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        let spans = starts.zip(&self.ends);
        spans.filter_map(|(&from, &to)| self.text.get(from..to))
    }

    /// Takes all away, and keeps the room.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }
}

/// What draws. Of one camera.
pub struct Overlay {
    caption: Box<dyn Caption>,
    style: OverlayStyle,
    parts: Parts,
    lines: Vec<String>,
    /// For pictures of one height and kind of colours.
    ready: Option<Ready>,
}

struct Ready {
    height: usize,
    colour: Colour,
    atlas: Atlas,
    text: Ink,
    behind: Option<Ink>,
    outline: Ink,
}

impl Overlay {
    /// One that writes what `caption` says.
    pub fn new(caption: Box<dyn Caption>, style: OverlayStyle) -> Self {
        Self {
            caption,
            style,
            parts: Parts::default(),
            lines: Vec::new(),
            ready: None,
        }
    }

    /// Draws it into a picture whose colours are coded so.
    pub fn draw(&mut self, picture: &mut Yuv420, colour: Colour, captured: BootNs) {
        self.parts.clear();
        self.caption.write(captured, &mut self.parts);
        let height = picture.height();
        let is_ready = |ready: &Ready| (ready.height, ready.colour) == (height, colour);
        if !self.ready.as_ref().is_some_and(is_ready) {
            self.ready = Some(Ready::of(&self.style, height, colour));
        }
        let Some(ready) = &self.ready else { return };
        let (cell, high) = (ready.atlas.width(), ready.atlas.height());
        let margin = even(high / 2);
        let columns = picture.width().saturating_sub(2 * margin) / cell;
        let room = picture.height().saturating_sub(2 * margin) / high;
        let lines = fold(&self.parts, columns, &mut self.lines).min(room);
        let top = match self.style.place {
            Place::Top => margin,
            Place::Bottom => even(picture.height().saturating_sub(margin + lines * high)),
        };
        for (n, line) in self.lines.iter().take(lines).enumerate() {
            ready.write(picture, line, (margin, top + n * high));
        }
    }
}

/// Writes the time: UTC to the second if it is known, else how long the device has run.
pub fn write_time(text: &mut String, moment: BootNs, utc: Option<UtcUs>) {
    let utc = utc.and_then(|utc| Timestamp::from_microsecond(utc.0).ok());
    // Writing to a string does not fail.
    let _ = match utc {
        Some(utc) => write!(text, "{} UTC", utc.strftime("%Y-%m-%d %H:%M:%S")),
        None => {
            let s = moment.micros() / 1_000_000;
            write!(text, "up {:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
        }
    };
}

const fn even(n: usize) -> usize {
    n & !1
}

/// Puts the parts into lines of at most so many characters; says how many lines that took.
fn fold(parts: &Parts, columns: usize, lines: &mut Vec<String>) -> usize {
    lines.iter_mut().for_each(String::clear);
    let mut used = 0;
    for part in parts.iter() {
        let len = part.chars().count();
        let fits = |line: &String| {
            let before = line.chars().count();
            before == 0 || before + GAP.len() + len <= columns
        };
        if used == 0 || !lines.get(used - 1).is_some_and(fits) {
            if used == MOST_LINES {
                break;
            }
            used += 1;
            if lines.len() < used {
                lines.push(String::new());
            }
        }
        let Some(line) = lines.get_mut(used - 1) else {
            break;
        };
        if !line.is_empty() {
            line.push_str(GAP);
        }
        // What is wider than the picture ends at its edge.
        line.extend(part.chars().take(columns));
    }
    used
}

impl Ready {
    fn of(style: &OverlayStyle, height: usize, colour: Colour) -> Self {
        let atlas = Atlas::new(style.line_height(height));
        let behind = match style.background {
            Background::None => None,
            Background::Box(rgb) => Some(Ink::of(rgb, colour)),
        };
        Self {
            height,
            colour,
            atlas,
            text: Ink::of(style.colour, colour),
            behind,
            outline: Ink::of(style.colour.opposite(), colour),
        }
    }

    fn write(&self, picture: &mut Yuv420, line: &str, (left, top): (usize, usize)) {
        let (cell, high) = (self.atlas.width(), self.atlas.height());
        let wide = picture.width();
        let Yuv420 { y, u, v, .. } = picture;
        let mut planes = [
            Plane::of(y, wide, 1),
            Plane::of(u, wide / 2, 2),
            Plane::of(v, wide / 2, 2),
        ];
        if let Some(behind) = self.behind {
            let len = line.chars().count() * cell;
            for (plane, value) in planes.iter_mut().zip(behind.values()) {
                plane.fill(left, top, len, high, value);
            }
        }
        for (n, c) in line.chars().enumerate() {
            let Some(glyph) = self.atlas.glyph(c) else {
                continue;
            };
            let x = left + n * cell;
            let Glyph { luma, chroma } = glyph.text;
            let covers = [luma, chroma, chroma];
            if self.behind.is_none() {
                let Glyph { luma, chroma } = glyph.outline;
                let outlines = [luma, chroma, chroma];
                let all = planes.iter_mut().zip(outlines).zip(self.outline.values());
                all.for_each(|((plane, cover), value)| plane.blend(x, top, cell, cover, value));
            }
            let all = planes.iter_mut().zip(covers).zip(self.text.values());
            all.for_each(|((plane, cover), value)| plane.blend(x, top, cell, cover, value));
        }
    }
}

#[cfg(test)]
mod tests;
