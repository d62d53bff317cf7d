//! Text in the picture, magnified to be read from a distance.

use std::fmt::Write;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyleBuilder;
use embedded_graphics::mono_font::ascii::FONT_6X10;
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};

use picam_time::{BootNs, UtcUs};

use super::canvas::{Canvas, Yuv};
use super::params::BurntClock;

/// Draws everything `factor` times as large.
struct Magnified<'a, 'b> {
    canvas: &'a mut Canvas<'b>,
    origin: Point,
    factor: u32,
}

impl OriginDimensions for Magnified<'_, '_> {
    fn size(&self) -> Size {
        self.canvas.size() / self.factor
    }
}

impl DrawTarget for Magnified<'_, '_> {
    type Color = Yuv;
    type Error = core::convert::Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Self::Error>
    where
        I: IntoIterator<Item = Pixel<Yuv>>,
    {
        for Pixel(point, color) in pixels {
            self.fill_solid(&Rectangle::new(point, Size::new(1, 1)), color)?;
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Yuv) -> Result<(), Self::Error> {
        let area = Rectangle::new(
            self.origin + area.top_left * self.factor as i32,
            area.size * self.factor,
        );
        self.canvas.fill_solid(&area, color)
    }
}

/// Writes `line` with its lower left corner at `corner`, white on black, characters `6 * factor` wide.
pub(crate) fn draw(canvas: &mut Canvas<'_>, line: &str, corner: Point, factor: u32) {
    let style = MonoTextStyleBuilder::new()
        .font(&FONT_6X10)
        .text_color(Yuv::WHITE)
        .background_color(Yuv::BLACK)
        .build();
    let mut magnified = Magnified {
        canvas,
        origin: corner,
        factor,
    };
    let text = Text::with_baseline(line, Point::zero(), style, Baseline::Bottom);
    let Ok(_) = text.draw(&mut magnified);
}

/// Writes the time into `line`: UTC if known and wanted, else time since boot.
pub(crate) fn write_clock(
    line: &mut String,
    clock: BurntClock,
    moment: BootNs,
    utc: Option<UtcUs>,
) {
    let utc = utc
        .filter(|_| clock == BurntClock::Auto)
        .and_then(|utc| jiff::Timestamp::from_microsecond(utc.0).ok());
    // Writing to a string does not fail.
    let _ = match (clock, utc) {
        (BurntClock::Off, _) => Ok(()),
        (_, Some(utc)) => write!(line, "{} UTC", utc.strftime("%Y-%m-%d %H:%M:%S%.3f")),
        (_, None) => {
            let ms = moment.micros() / 1000;
            let (s, m, h) = (ms / 1000 % 60, ms / 60_000 % 60, ms / 3_600_000);
            write!(line, "up {h:02}:{m:02}:{s:02}.{:03}", ms % 1000)
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(clock: BurntClock, utc: Option<UtcUs>) -> String {
        let mut line = String::new();
        write_clock(&mut line, clock, BootNs(3_723_004_000_000), utc);
        line
    }

    #[test]
    fn shows_utc_once_known_and_uptime_before() {
        let utc = Some(UtcUs(1_795_172_880_123_000));
        assert_eq!(clock(BurntClock::Auto, utc), "2026-11-20 11:08:00.123 UTC");
        assert_eq!(clock(BurntClock::Auto, None), "up 01:02:03.004");
        assert_eq!(clock(BurntClock::Uptime, utc), "up 01:02:03.004");
        assert_eq!(clock(BurntClock::Off, utc), "");
    }
}
