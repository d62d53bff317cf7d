//! The frame number as a row of squares that survives coding, for tests to read back.
//!
//! Cells are `max(4, width / 40)` pixels wide and high. 32 stand in a row, the most significant bit
//! first; the row's left edge is 4 cells from the left, its top edge 1 cell from the top. Luma is 235 for
//! 1 and 16 for 0, chroma neutral. Around the row is a margin of one black cell.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use super::canvas::{Canvas, Yuv};

const BITS: u32 = 32;

/// Side of a cell in pixels, in a picture of `width`.
pub(crate) fn cell(width: usize) -> u32 {
    (width as u32 / 40).max(4)
}

/// Draws the low 32 bits of `number`.
pub(crate) fn draw(canvas: &mut Canvas<'_>, number: u64) {
    let cell = cell(canvas.0.width());
    let at = |column: u32, row: u32| Point::new((column * cell) as i32, (row * cell) as i32);
    let Ok(()) = canvas.fill_solid(
        &Rectangle::new(at(3, 0), Size::new((BITS + 2) * cell, 3 * cell)),
        Yuv::BLACK,
    );
    for bit in 0..BITS {
        if number >> (BITS - 1 - bit) & 1 == 1 {
            let Ok(()) = canvas.fill_solid(
                &Rectangle::new(at(4 + bit, 1), Size::new(cell, cell)),
                Yuv::WHITE,
            );
        }
    }
}
