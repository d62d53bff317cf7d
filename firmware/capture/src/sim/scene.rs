//! What the simulated camera sees: a road to the horizon, posts passing by, a car in front.

use std::fmt::Write;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;
use picam_media::Yuv420;
use picam_time::{BootNs, UtcUs};

use super::barcode;
use super::canvas::{Canvas, Yuv};
use super::params::{BurntClock, SimParams};
use super::text;

const SKY_TOP: Yuv = Yuv::rgb(96, 150, 214);
const SKY_LOW: Yuv = Yuv::rgb(206, 222, 236);
const HILL: Yuv = Yuv::rgb(92, 118, 128);
const GRASS: Yuv = Yuv::rgb(84, 128, 66);
const ROAD: Yuv = Yuv::rgb(82, 84, 90);
const LINE: Yuv = Yuv::rgb(232, 230, 214);
const POST: Yuv = Yuv::rgb(240, 240, 240);
const REFLECTOR: Yuv = Yuv::rgb(214, 60, 48);
const CAR: Yuv = Yuv::rgb(168, 36, 42);
const CAR_WINDOW: Yuv = Yuv::rgb(40, 46, 58);
const SUN: Yuv = Yuv::rgb(252, 240, 200);

/// Distance from mark to mark on the road, in metres.
const MARK_SPACING: f32 = 12.0;
/// Metres that things come nearer in a second.
const SPEED: f32 = 15.0;
/// How far marks and posts are seen, in metres.
const SIGHT: f32 = 120.0;
/// Height of the camera above the road, in metres.
const EYE: f32 = 1.3;

/// Draws the frames. The still part is prepared once and copied.
pub(crate) struct Scene {
    name: String,
    fps: u32,
    clock: BurntClock,
    background: Yuv420,
    frame: Yuv420,
    line: String,
}

impl Scene {
    pub(crate) fn new(name: &str, params: &SimParams) -> Self {
        let background = background(params.width, params.height);
        Self {
            name: name.to_owned(),
            fps: params.fps,
            clock: params.clock,
            frame: background.clone(),
            background,
            line: String::new(),
        }
    }

    /// The frame with this number, captured at this moment.
    pub(crate) fn draw(
        &mut self,
        number: u64,
        moment: BootNs,
        utc: Option<UtcUs>,
        flash: bool,
    ) -> &mut Yuv420 {
        self.frame.y.copy_from_slice(&self.background.y);
        self.frame.u.copy_from_slice(&self.background.u);
        self.frame.v.copy_from_slice(&self.background.v);
        let canvas = &mut Canvas(&mut self.frame);
        let view = View::of(canvas.0);
        // A day's frames, so that single precision keeps steps of less than a millimetre.
        let seconds = (number % (u64::from(self.fps) * 86_400)) as f64 / f64::from(self.fps);
        draw_marks(canvas, &view, seconds);
        draw_car(canvas, &view, seconds as f32);
        if flash {
            draw_flash(canvas);
        }
        barcode::draw(canvas, number);
        self.write_texts(number, moment, utc);
        &mut self.frame
    }

    fn write_texts(&mut self, number: u64, moment: BootNs, utc: Option<UtcUs>) {
        let canvas = &mut Canvas(&mut self.frame);
        let (width, height) = (canvas.0.width() as i32, canvas.0.height() as i32);
        let factor = (canvas.0.width() as u32 / 400).max(1);
        let margin = factor as i32 * 6;
        self.line.clear();
        self.line.push(' ');
        text::write_clock(&mut self.line, self.clock, moment, utc);
        self.line.push(' ');
        if self.clock != BurntClock::Off {
            text::draw(
                canvas,
                &self.line,
                Point::new(margin, height - margin),
                factor,
            );
        }
        self.line.clear();
        // Writing to a string does not fail.
        let _ = write!(self.line, " {} #{number} ", self.name);
        let wide = self.line.len() as i32 * 6 * factor as i32;
        let above = if wide * 2 > width {
            factor as i32 * 12
        } else {
            0
        };
        let corner = Point::new((width - margin - wide).max(margin), height - margin - above);
        text::draw(canvas, &self.line, corner, factor);
    }
}

/// Where things of the world stand in the picture.
struct View {
    width: f32,
    height: f32,
    horizon: f32,
    /// Focal length in pixels.
    focal: f32,
}

impl View {
    fn of(picture: &Yuv420) -> Self {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        Self {
            width,
            height,
            horizon: (height * 0.5).floor(),
            focal: height * 0.9,
        }
    }

    /// Pixels of a metre at a distance.
    fn scale(&self, distance: f32) -> f32 {
        self.focal / distance
    }

    /// Column of what stands `side` metres right of the middle.
    fn x(&self, side: f32, distance: f32) -> f32 {
        self.width / 2.0 + side * self.scale(distance)
    }

    /// Row of the ground.
    fn ground(&self, distance: f32) -> f32 {
        self.horizon + EYE * self.scale(distance)
    }
}

fn fill(canvas: &mut Canvas<'_>, x: f32, y: f32, width: f32, height: f32, color: Yuv) {
    let size = Size::new(width.max(1.0) as u32, height.max(1.0) as u32);
    let Ok(()) = canvas.fill_solid(&Rectangle::new(Point::new(x as i32, y as i32), size), color);
}

/// Middle line and posts, coming nearer.
fn draw_marks(canvas: &mut Canvas<'_>, view: &View, seconds: f64) {
    let travelled = (seconds * f64::from(SPEED) % f64::from(MARK_SPACING)) as f32;
    let mut distance = SIGHT - travelled;
    while distance > 2.0 {
        let (near, far) = ((distance - 4.0).max(1.5), distance);
        // A stripe of the middle line, in steps that follow the perspective.
        let (top, bottom) = (view.ground(far), view.ground(near).min(view.height));
        let mut y = top.floor();
        while y < bottom {
            let at = view.focal * EYE / (y + 1.0 - view.horizon);
            let wide = 0.15 * view.scale(at);
            fill(canvas, view.width / 2.0 - wide / 2.0, y, wide, 2.0, LINE);
            y += 2.0;
        }
        let post = view.scale(distance);
        for side in [-4.6, 4.6] {
            let (x, foot) = (view.x(side, distance), view.ground(distance));
            fill(
                canvas,
                x - 0.06 * post,
                foot - post,
                0.12 * post,
                post,
                POST,
            );
            fill(
                canvas,
                x - 0.06 * post,
                foot - 0.85 * post,
                0.12 * post,
                0.2 * post,
                REFLECTOR,
            );
        }
        distance -= MARK_SPACING;
    }
}

/// What is seen while a beep is heard: the middle of the picture, white.
fn draw_flash(canvas: &mut Canvas<'_>) {
    let (width, height) = (canvas.0.width() as u32, canvas.0.height() as u32);
    let corner = Point::new((width / 4) as i32, (height / 4) as i32);
    let Ok(()) = canvas.fill_solid(
        &Rectangle::new(corner, Size::new(width / 2, height / 2)),
        Yuv::WHITE,
    );
}

/// The car in front, swaying and changing its distance.
fn draw_car(canvas: &mut Canvas<'_>, view: &View, seconds: f32) {
    let distance = 16.0 + 5.0 * (seconds * 0.4).sin();
    let side = 1.9 + 0.25 * (seconds * 0.9).sin();
    let metre = view.scale(distance);
    let (x, foot) = (view.x(side, distance) - 0.9 * metre, view.ground(distance));
    fill(
        canvas,
        x,
        foot - 1.0 * metre,
        1.8 * metre,
        0.85 * metre,
        CAR,
    );
    fill(
        canvas,
        x + 0.2 * metre,
        foot - 1.45 * metre,
        1.4 * metre,
        0.5 * metre,
        CAR,
    );
    fill(
        canvas,
        x + 0.3 * metre,
        foot - 1.38 * metre,
        1.2 * metre,
        0.36 * metre,
        CAR_WINDOW,
    );
    for wheel in [0.1, 1.4] {
        fill(
            canvas,
            x + wheel * metre,
            foot - 0.3 * metre,
            0.3 * metre,
            0.3 * metre,
            Yuv::BLACK,
        );
    }
    for light in [0.05, 1.45] {
        fill(
            canvas,
            x + light * metre,
            foot - 0.85 * metre,
            0.3 * metre,
            0.2 * metre,
            REFLECTOR,
        );
    }
}

/// Sky, sun, hills, grass and road.
fn background(width: u16, height: u16) -> Yuv420 {
    let mut picture = Yuv420::new(width, height);
    let view = View::of(&picture);
    let canvas = &mut Canvas(&mut picture);
    let blend = |a: u8, b: u8, t: f32| (f32::from(a) + (f32::from(b) - f32::from(a)) * t) as u8;
    let mut y = 0.0;
    while y < view.horizon {
        let t = y / view.horizon;
        let sky = Yuv {
            y: blend(SKY_TOP.y, SKY_LOW.y, t),
            u: blend(SKY_TOP.u, SKY_LOW.u, t),
            v: blend(SKY_TOP.v, SKY_LOW.v, t),
        };
        fill(canvas, 0.0, y, view.width, 2.0, sky);
        y += 2.0;
    }
    let sun = view.height * 0.05;
    for step in -7..8 {
        let offset = step as f32 / 8.0;
        let half = (1.0 - offset * offset).sqrt() * sun;
        let y = view.height * 0.28 + offset * sun;
        fill(
            canvas,
            view.width * 0.8 - half,
            y,
            2.0 * half,
            sun / 8.0 + 1.0,
            SUN,
        );
    }
    let mut x = 0.0;
    while x < view.width {
        let t = x / view.width * std::f32::consts::TAU;
        let hill = view.height * (0.05 + 0.03 * (1.7 * t).sin() + 0.02 * (4.1 * t + 1.0).sin());
        let top = (view.horizon - hill).min(view.horizon).floor();
        fill(canvas, x, top, 2.0, view.horizon - top, HILL);
        x += 2.0;
    }
    let mut y = view.horizon;
    while y < view.height {
        let distance = view.focal * EYE / (y + 1.0 - view.horizon);
        fill(canvas, 0.0, y, view.width, 1.0, GRASS);
        let half = 3.8 * view.scale(distance);
        fill(canvas, view.width / 2.0 - half, y, 2.0 * half, 1.0, ROAD);
        let edge = 0.12 * view.scale(distance);
        for side in [-3.5, 3.5] {
            fill(
                canvas,
                view.x(side, distance) - edge / 2.0,
                y,
                edge,
                1.0,
                LINE,
            );
        }
        y += 1.0;
    }
    picture
}
