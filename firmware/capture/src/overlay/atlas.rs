//! Glyphs in one size, as how much of each sample they cover.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

/// What the font's pictures are made in; other sizes are made of these.
const MADE_IN: RasterHeight = RasterHeight::Size32;
const WEIGHT: FontWeight = FontWeight::Bold;
/// Characters there are: ASCII and Latin-1. Others are shown as a question mark.
const RANGES: [std::ops::RangeInclusive<u32>; 2] = [0x20..=0x7e, 0xa0..=0xff];
/// An outline is as wide as this part of a line is high.
const OUTLINE_PART: usize = 18;

/// How much of each sample is covered, 0 to 255, row by row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph<'a> {
    pub(super) luma: &'a [u8],
    /// Of samples half as many in both directions.
    pub(super) chroma: &'a [u8],
}

/// A character and what is around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Covers<'a> {
    pub(super) text: Glyph<'a>,
    /// The character included.
    pub(super) outline: Glyph<'a>,
}

/// All of them.
pub(super) struct Atlas {
    width: usize,
    height: usize,
    /// Of each character: text, and outline; luma, and chroma.
    glyphs: Vec<[Vec<u8>; 4]>,
}

impl Atlas {
    /// For lines of this height, which is even.
    pub(super) fn new(height: usize) -> Self {
        let height = height.max(8) & !1;
        let width = (height * get_raster_width(WEIGHT, MADE_IN) / MADE_IN.val()).max(4) & !1;
        let all = RANGES.into_iter().flatten().filter_map(char::from_u32);
        let glyphs = all.map(|c| covers(c, width, height)).collect();
        Self {
            width,
            height,
            glyphs,
        }
    }

    pub(super) const fn width(&self) -> usize {
        self.width
    }

    pub(super) const fn height(&self) -> usize {
        self.height
    }

    pub(super) fn glyph(&self, c: char) -> Option<Covers<'_>> {
        let [luma, chroma, outline, around] = self.glyphs.get(index(c))?;
        Some(Covers {
            text: Glyph { luma, chroma },
            outline: Glyph {
                luma: outline,
                chroma: around,
            },
        })
    }
}

fn index(c: char) -> usize {
    let c = u32::from(c);
    let [ascii, latin] = &RANGES;
    let behind = ascii.end() - ascii.start() + 1;
    let n = match c {
        c if ascii.contains(&c) => c - ascii.start(),
        c if latin.contains(&c) => behind + c - latin.start(),
        _ => u32::from('?') - ascii.start(),
    };
    n as usize
}

fn covers(c: char, width: usize, height: usize) -> [Vec<u8>; 4] {
    let made = get_raster(c, WEIGHT, MADE_IN);
    let rows: Vec<&[u8]> = made.map(|made| made.rows().collect()).unwrap_or_default();
    let luma = scaled(&rows, width, height);
    let outline = widened(&luma, width, (height / OUTLINE_PART).max(1));
    let chroma = halved(&luma, width);
    let around = halved(&outline, width);
    [luma, chroma, outline, around]
}

/// The mean of what lies under each sample.
fn scaled(rows: &[&[u8]], width: usize, height: usize) -> Vec<u8> {
    let wide = rows.first().map_or(0, |row| row.len());
    let high = rows.len();
    let mut out = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let (mut sum, mut weight) = (0.0, 0.0);
            let (top, bottom) = span(y, height, high);
            let (left, right) = span(x, width, wide);
            for (j, row) in rows.iter().enumerate() {
                let share = overlap(top, bottom, j);
                if share <= 0.0 {
                    continue;
                }
                for (i, &sample) in row.iter().enumerate() {
                    let share = share * overlap(left, right, i);
                    sum += share * f64::from(sample);
                    weight += share;
                }
            }
            out.push(if weight > 0.0 {
                (sum / weight).round() as u8
            } else {
                0
            });
        }
    }
    out
}

/// What sample `n` of `to` has under it, of `from`.
fn span(n: usize, to: usize, from: usize) -> (f64, f64) {
    let scale = from as f64 / to.max(1) as f64;
    (n as f64 * scale, (n + 1) as f64 * scale)
}

fn overlap(from: f64, to: f64, n: usize) -> f64 {
    (to.min(n as f64 + 1.0) - from.max(n as f64)).max(0.0)
}

/// The most of what is near.
fn widened(cover: &[u8], width: usize, by: usize) -> Vec<u8> {
    let height = cover.len() / width.max(1);
    let near = |at: usize, most: usize| at.saturating_sub(by)..(at + by + 1).min(most);
    let mut out = Vec::with_capacity(cover.len());
    for y in 0..height {
        for x in 0..width {
            let rows = near(y, height).filter_map(|row| cover.get(row * width..(row + 1) * width));
            let all = rows.filter_map(|row| row.get(near(x, width))).flatten();
            out.push(all.max().copied().unwrap_or(0));
        }
    }
    out
}

/// The mean of each four.
fn halved(cover: &[u8], width: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(cover.len() / 4);
    for pair in cover.chunks_exact(width * 2) {
        let (upper, lower) = pair.split_at(width);
        for (upper, lower) in upper.chunks_exact(2).zip(lower.chunks_exact(2)) {
            let sum: u16 = upper
                .iter()
                .chain(lower)
                .map(|&sample| u16::from(sample))
                .sum();
            out.push((sum / 4) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_its_glyph_in_every_size() {
        for height in [8, 15, 32, 64] {
            let atlas = Atlas::new(height);
            let (wide, high) = (atlas.width(), atlas.height());
            assert_eq!((high, wide % 2, high % 2), (height & !1, 0, 0));
            for c in "AZaz09:-.,°äÖß ".chars() {
                let covers = atlas.glyph(c).unwrap();
                assert_eq!(covers.text.luma.len(), wide * high);
                assert_eq!(covers.text.chroma.len(), wide * high / 4);
                let most = covers.text.luma.iter().max().unwrap();
                assert!(c == ' ' || *most > 80, "{c} at {height}: {most}");
                let around = covers.outline.luma.iter().zip(covers.text.luma);
                assert!(around.into_iter().all(|(outline, text)| outline >= text));
            }
            let unknown = atlas.glyph('\u{4e2d}').unwrap().text.luma;
            assert_eq!(unknown, atlas.glyph('?').unwrap().text.luma);
        }
    }
}
