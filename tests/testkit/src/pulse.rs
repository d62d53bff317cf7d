//! Shapes of crash pulses: how a car is slowed down, or pushed, while it hits something.
//!
//! Crash tests are described by a few shapes with a peak and a length (M. Huang, Vehicle Crash Mechanics, 2002, chapter 2):
//! the half-sine of FMVSS 208, S13 (49 CFR 571.208), the haversine that approximates a car against a barrier, the triangle of
//! rear-end tests (IIWPG; Euro NCAP's medium whiplash pulse), and the trapezoid of its low and high one and of UN R129.

use std::f64::consts::PI;

/// One g in metres a second squared.
const STANDARD_GRAVITY: f64 = 9.806_65;

/// How acceleration rises and falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The square of a sine.
    Haversine,
    /// Half a sine.
    HalfSine,
    /// Up and down in straight lines.
    Triangle,
    /// Up within a quarter, then level, and down within the last quarter.
    Trapezoid,
}

/// One push in one direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// How it rises and falls.
    pub shape: Shape,
    /// Its highest acceleration, g.
    pub peak_g: f64,
    /// How long it lasts, seconds.
    pub length_s: f64,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 4] = [
        Self::Haversine,
        Self::HalfSine,
        Self::Triangle,
        Self::Trapezoid,
    ];

    /// The mean of a pulse in parts of its peak.
    pub const fn mean(self) -> f64 {
        match self {
            Self::Haversine | Self::Triangle => 0.5,
            Self::HalfSine => 2.0 / PI,
            Self::Trapezoid => 0.75,
        }
    }
}

impl Pulse {
    /// Acceleration so many seconds after it began, g; zero before and behind it.
    pub fn at(&self, seconds: f64) -> f64 {
        let part = seconds / self.length_s;
        if !(0.0..=1.0).contains(&part) {
            return 0.0;
        }
        let height = match self.shape {
            Shape::Haversine => (PI * part).sin().powi(2),
            Shape::HalfSine => (PI * part).sin(),
            Shape::Triangle => 1.0 - (2.0 * part - 1.0).abs(),
            Shape::Trapezoid => (4.0 * part.min(1.0 - part)).min(1.0),
        };
        self.peak_g * height
    }

    /// By how much it changes the speed, metres a second.
    pub const fn velocity_change(&self) -> f64 {
        self.peak_g * STANDARD_GRAVITY * self.length_s * self.shape.mean()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_changes_the_speed_by_its_area() {
        for shape in Shape::ALL {
            let pulse = Pulse {
                shape,
                peak_g: 4.0,
                length_s: 0.06,
            };
            let steps = 60_000;
            let step = pulse.length_s / f64::from(steps);
            let area: f64 = (0..steps)
                .map(|n| pulse.at(step * (f64::from(n) + 0.5)) * step)
                .sum();
            let expected = pulse.velocity_change();
            assert!(
                (area * STANDARD_GRAVITY - expected).abs() < 1e-6,
                "{shape:?}"
            );
            assert!((pulse.at(0.03) - 4.0).abs() < 1e-9);
            assert_eq!((pulse.at(-0.001), pulse.at(0.061)), (0.0, 0.0));
        }
    }

    /// FMVSS 208, S13: half a sine of 17.2 g within 125 ms takes 30 mph away.
    #[test]
    fn the_sled_of_fmvss_208_loses_30_miles_an_hour() {
        let sled = Pulse {
            shape: Shape::HalfSine,
            peak_g: 17.2,
            length_s: 0.125,
        };
        let mph = sled.velocity_change() / 0.44704;
        assert!((mph - 30.0).abs() < 1.0, "{mph}");
    }
}
