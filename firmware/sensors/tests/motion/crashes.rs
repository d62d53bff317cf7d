//! Collisions: published pulses, and any others of at least 4 g and 60 ms.
//!
//! | pulse | source |
//! |---|---|
//! | half-sine, 17.2 g, 125 ms | FMVSS 208, S13 (49 CFR 571.208): generic sled |
//! | haversine, 35 g, 95 ms | full width against a rigid barrier, 56 km/h (US NCAP; Huang 2002) |
//! | haversine, 25 g, 130 ms | offset deformable barrier, 56 km/h (UN R94) |
//! | trapezoid, 24 g, 80 ms | frontal sled of child restraints (UN R129: 20 to 28 g) |
//! | half-sine, 16 g, 70 ms | barrier into the side, 50 km/h (UN R95) |
//! | trapezoid, 5 g, 122 ms | Euro NCAP whiplash, low (16 km/h) |
//! | triangle, 10 g, 91 ms | IIWPG and Euro NCAP whiplash, medium (15.7 km/h) |
//! | trapezoid, 7.5 g, 125 ms | Euro NCAP whiplash, high (24.5 km/h) |
//!
//! Where only peak and speed are published (the sleds), the length is what gives that speed.
//!
//! 49 CFR 563 has event data recorders begin at 8 km/h within 150 ms; UN R160 likewise.

use std::f64::consts::TAU;

use picam_testkit::pulse::{Pulse, Shape};

use crate::chance::Chance;

/// A collision as a car feels it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crash {
    pub(crate) pulse: Pulse,
    /// Which way it pushes.
    axis: [f64; 3],
    /// The structure rings, in parts of the peak.
    ring: f64,
    hertz: f64,
    /// Braked before, for that long.
    brake: f64,
    braked_for: f64,
    /// Slides on behind it, for that long.
    slide: f64,
    slides_for: f64,
}

impl Crash {
    /// Some collision with a pulse, seen from any side, up to 30 degrees off the level.
    pub(crate) fn with(pulse: Pulse, chance: &mut Chance) -> Self {
        let around = chance.between(0.0, TAU);
        let pitch = chance.between(-30.0, 30.0).to_radians();
        let axis = [
            pitch.cos() * around.cos(),
            pitch.cos() * around.sin(),
            pitch.sin(),
        ];
        let brakes = chance.either(0.4);
        let slides = chance.either(0.5);
        Self {
            pulse,
            axis,
            ring: chance.between(0.0, 0.3),
            hertz: chance.between(20.0, 60.0),
            brake: if brakes {
                chance.between(0.3, 1.0)
            } else {
                0.0
            },
            braked_for: chance.between(0.3, 2.5),
            slide: if slides {
                chance.between(0.2, 0.8)
            } else {
                0.0
            },
            slides_for: chance.between(0.2, 1.5),
        }
    }

    /// Any that is to be found whatever the sensitivity: the weakest are the most.
    pub(crate) fn any(chance: &mut Chance) -> Self {
        let weakest = chance.either(0.3);
        let pulse = Pulse {
            shape: chance.one_of(&Shape::ALL),
            peak_g: if weakest {
                4.0
            } else {
                4.0 * 10.0_f64.powf(chance.part())
            },
            length_s: if weakest {
                0.06
            } else {
                chance.between(0.06, 0.2)
            },
        };
        Self::with(pulse, chance)
    }

    /// What it adds, so many seconds after the pulse began.
    pub(crate) fn at(&self, t: f64) -> [f64; 3] {
        let mut felt = self.pulse.at(t);
        let end = self.pulse.length_s;
        if (0.0..end + 0.3).contains(&t) {
            let fade = if t < end {
                1.0
            } else {
                (-(t - end) / 0.05).exp()
            };
            felt += self.ring * self.pulse.peak_g * fade * (TAU * self.hertz * t).sin();
        }
        let mut all = self.axis.map(|part| part * felt);
        if (-self.braked_for..end).contains(&t) {
            all[0] -= self.brake * ((t + self.braked_for) / 0.15).min(1.0);
        }
        if (end..end + self.slides_for).contains(&t) {
            all[0] -= self.slide;
        }
        all
    }
}

/// The published ones.
pub(crate) fn published() -> [(&'static str, Pulse); 8] {
    let pulse = |shape, peak_g, ms: f64| Pulse {
        shape,
        peak_g,
        length_s: ms / 1000.0,
    };
    [
        ("FMVSS 208 sled", pulse(Shape::HalfSine, 17.2, 125.0)),
        (
            "rigid barrier, 56 km/h",
            pulse(Shape::Haversine, 35.0, 95.0),
        ),
        (
            "offset barrier (UN R94)",
            pulse(Shape::Haversine, 25.0, 130.0),
        ),
        ("sled (UN R129)", pulse(Shape::Trapezoid, 24.0, 80.0)),
        ("side (UN R95)", pulse(Shape::HalfSine, 16.0, 70.0)),
        ("rear, Euro NCAP low", pulse(Shape::Trapezoid, 5.0, 122.0)),
        ("rear, IIWPG", pulse(Shape::Triangle, 10.0, 91.0)),
        ("rear, Euro NCAP high", pulse(Shape::Trapezoid, 7.5, 125.0)),
    ]
}

/// Published speeds, where there are any.
#[test]
fn published_pulses_change_the_speed_by_what_is_published() {
    for (name, kmh) in [
        ("FMVSS 208 sled", 48.3),
        ("rigid barrier, 56 km/h", 58.0),
        ("rear, IIWPG", 15.7),
        ("rear, Euro NCAP high", 24.5),
        ("rear, Euro NCAP low", 16.1),
    ] {
        let all = published();
        let (_, pulse) = all.iter().find(|(known, _)| *known == name).unwrap();
        let is = pulse.velocity_change() * 3.6;
        assert!((is - kmh).abs() < 0.05 * kmh, "{name}: {is} km/h");
    }
}
