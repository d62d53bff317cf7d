//! How the camera is moved: accelerometers, and the impacts that they feel.

mod pulse;

pub use pulse::{Pulse, STANDARD_GRAVITY, Shape};

use picam_time::BootNs;

/// One measurement of an accelerometer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it was measured.
    pub at: BootNs,
    /// What it felt along its axes, in g; at rest its weight, which is one.
    pub g: [f32; 3],
}
