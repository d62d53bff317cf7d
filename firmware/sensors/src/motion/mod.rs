//! How the camera is moved: accelerometers, and the impacts that they feel.
//!
//! A chip's queue ([`Chip`], [`Accelerometer`]) becomes samples with a time ([`Pace`]), and samples impacts ([`Detector`]), of
//! which no more are acted upon than a [`Budget`] has. All of that is pure but for the bus.

mod budget;
mod chip;
mod impact;
mod pace;
mod sensor;
mod sim;
mod spec;
#[cfg(test)]
mod tests;

pub use budget::{Budget, Verdict};
pub use chip::{Chip, Read};
pub use impact::{Detector, Finding, Impact, Sensitivity};
pub use pace::Pace;
pub use sensor::{Accelerometer, MotionError, open};
pub use spec::{MotionSpec, MotionSpecError};

use picam_time::BootNs;

/// One g in metres a second squared.
pub const STANDARD_GRAVITY: f64 = 9.806_65;

/// One measurement of an accelerometer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it was measured.
    pub at: BootNs,
    /// What it felt along its axes, in g; at rest its weight, which is one.
    pub g: [f32; 3],
}

impl Sample {
    /// In metres a second squared, as files have it.
    pub fn metres_s2(&self) -> [f32; 3] {
        self.g.map(|g| (f64::from(g) * STANDARD_GRAVITY) as f32)
    }
}
