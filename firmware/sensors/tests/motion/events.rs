//! What shakes a car without being a collision, each a function of the time since it began; forward, left and up, in g.
//!
//! Sizes: potholes 1 to 5 g on the dash within 20 to 40 ms, with wheel hop at 10 to 12 Hz behind them (J. Eriksson et al., The
//! Pothole Patrol, MobiSys 2008; A. Mednis et al., DCOSS 2011; wheel hop and body modes: T. Gillespie, Fundamentals of Vehicle
//! Dynamics, 1992, chapter 5); humps up to 1.5 g (TRL report 614 measures 0.4 to 1.2 g at 20 to 40 km/h); doors ring at 25 to
//! 60 Hz for less than a fifth of a second.

use std::f64::consts::{PI, TAU};

use picam_sensors::motion::STANDARD_GRAVITY;
use picam_testkit::pulse::{Pulse, Shape};

use crate::chance::Chance;

/// Something that happens once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// Into a hole: the wheel falls, hits its far edge, hops; the body swings until it is where it was.
    Pothole {
        peak: f64,
        length: f64,
        hop: f64,
        back: f64,
        left: f64,
    },
    /// Over a hump, first with one axle, then with the other.
    Hump { peak: f64, length: f64, behind: f64 },
    /// Up a kerb at a walk.
    Kerb { peak: f64, length: f64, back: f64 },
    /// A door, a boot lid, a bonnet falls shut.
    Door {
        peak: f64,
        hertz: f64,
        lasts: f64,
        axis: [f64; 3],
    },
    /// Somebody knocks against the camera.
    Knock {
        peak: f64,
        length: f64,
        hertz: f64,
        axis: [f64; 3],
    },
    /// Bars across the road: a cattle grid, rails, rumble strips.
    Grid { peak: f64, hertz: f64, length: f64 },
    /// The brake, or a bend: up within `ramp`, level, down within it.
    Push {
        level: f64,
        ramp: f64,
        length: f64,
        axis: [f64; 3],
    },
}

impl Event {
    pub(crate) fn pothole(chance: &mut Chance) -> Self {
        Self::Pothole {
            peak: chance.between(1.0, 5.0),
            length: chance.between(0.02, 0.04),
            hop: chance.between(10.0, 12.0),
            back: chance.between(0.05, 0.3),
            left: chance.between(-0.25, 0.25),
        }
    }

    pub(crate) fn hump(chance: &mut Chance) -> Self {
        Self::Hump {
            peak: chance.between(0.4, 1.5),
            length: chance.between(0.1, 0.2),
            behind: 2.6 / chance.between(4.0, 11.0),
        }
    }

    pub(crate) fn kerb(chance: &mut Chance) -> Self {
        Self::Kerb {
            peak: chance.between(0.8, 2.0),
            length: chance.between(0.05, 0.09),
            back: chance.between(0.2, 0.5),
        }
    }

    pub(crate) fn door(chance: &mut Chance) -> Self {
        Self::Door {
            peak: chance.between(2.0, 10.0),
            hertz: chance.between(25.0, 60.0),
            lasts: chance.between(0.02, 0.05),
            axis: chance.direction(),
        }
    }

    pub(crate) fn knock(chance: &mut Chance) -> Self {
        Self::Knock {
            peak: chance.between(3.0, 16.0),
            length: chance.between(0.004, 0.012),
            hertz: chance.between(25.0, 60.0),
            axis: chance.direction(),
        }
    }

    pub(crate) fn grid(chance: &mut Chance) -> Self {
        Self::Grid {
            peak: chance.between(0.5, 1.5),
            hertz: chance.between(8.0, 40.0),
            length: chance.between(0.5, 1.5),
        }
    }

    pub(crate) fn brake(chance: &mut Chance) -> Self {
        Self::Push {
            level: chance.between(0.3, 1.1),
            ramp: chance.between(0.08, 0.5),
            length: chance.between(1.0, 5.0),
            axis: [-1.0, 0.0, 0.0],
        }
    }

    pub(crate) fn bend(chance: &mut Chance) -> Self {
        Self::Push {
            level: chance.between(0.2, 0.9),
            ramp: chance.between(0.3, 1.0),
            length: chance.between(1.0, 6.0),
            axis: [0.0, chance.one_of(&[-1.0, 1.0]), 0.0],
        }
    }

    /// Whether it shakes faster than a few times a wheel does.
    pub(crate) fn rings(&self) -> bool {
        matches!(self, Self::Door { .. } | Self::Knock { .. })
    }

    /// Whether it lasts as long as the driver wants it to.
    pub(crate) fn holds(&self) -> bool {
        matches!(self, Self::Push { .. })
    }

    /// How long it lasts until nothing of it is left, seconds.
    pub(crate) fn lasts(&self) -> f64 {
        match *self {
            Self::Pothole { .. } | Self::Kerb { .. } => 2.0,
            Self::Hump { behind, .. } => behind + 2.0,
            Self::Door { .. } | Self::Knock { .. } => 0.6,
            Self::Grid { length, .. } => length,
            Self::Push { ramp, length, .. } => 2.0 * ramp + length,
        }
    }

    /// What it adds so many seconds after it began.
    pub(crate) fn at(&self, t: f64) -> [f64; 3] {
        match *self {
            Self::Pothole {
                peak,
                length,
                hop,
                back,
                left,
            } => {
                let hit = bump(t - 0.03, peak, length, hop);
                let fall = -pulse(Shape::HalfSine, 0.6, 0.03).at(t);
                let edge = pulse(Shape::Haversine, peak, length).at(t - 0.03);
                [-back * edge, left * edge, fall + hit]
            }
            Self::Hump {
                peak,
                length,
                behind,
            } => {
                let axle = |t: f64| bump(t, peak, length, 3.0);
                let slows = -0.1 * pulse(Shape::HalfSine, peak, length).at(t);
                [slows, 0.0, axle(t) + 0.6 * axle(t - behind)]
            }
            Self::Kerb { peak, length, back } => {
                let edge = pulse(Shape::Haversine, peak, length).at(t);
                [-back * edge, 0.1 * edge, bump(t, peak, length, 11.0)]
            }
            Self::Door {
                peak,
                hertz,
                lasts,
                axis,
            } => {
                let rock = 0.1 * (-t / 0.3).exp() * (TAU * 2.5 * t).sin();
                let ring = ringing(t, peak, hertz, lasts);
                axis.map(|part| part * ring + 0.5 * rock)
            }
            Self::Knock {
                peak,
                length,
                hertz,
                axis,
            } => {
                // What the hit gives, the mount takes back.
                let hit = pulse(Shape::HalfSine, peak, length);
                let back = peak.signum() * hit.velocity_change() / STANDARD_GRAVITY;
                let swings = swinging(t - length, back, hertz, 0.03);
                axis.map(|part| part * (hit.at(t) + swings))
            }
            Self::Grid { peak, hertz, .. } => {
                let wave = peak * (TAU * hertz * t).sin();
                [0.2 * wave, 0.1 * wave, wave]
            }
            Self::Push {
                level,
                ramp,
                length,
                axis,
            } => {
                let rise = (t / ramp)
                    .min((2.0 * ramp + length - t) / ramp)
                    .clamp(0.0, 1.0);
                let smooth = 0.5 - 0.5 * (PI * rise).cos();
                axis.map(|part| part * level * smooth)
            }
        }
    }
}

fn pulse(shape: Shape, peak_g: f64, length_s: f64) -> Pulse {
    Pulse {
        shape,
        peak_g,
        length_s,
    }
}

/// Metal rings: what it feels begins with `peak`, and sums up to no speed.
fn ringing(t: f64, peak: f64, hertz: f64, fades: f64) -> f64 {
    let w = TAU * hertz;
    // v = peak / w * exp(-t / fades) * sin(wt), as an acceleration.
    peak * (-t / fades).exp() * ((w * t).cos() - (w * t).sin() / (w * fades))
}

/// What was set going with a speed (g seconds) and swings until it stands again.
fn swinging(t: f64, speed: f64, hertz: f64, fades: f64) -> f64 {
    if t < 0.0 {
        return 0.0;
    }
    // v = speed * exp(-t / fades) * cos(wt), as an acceleration.
    let w = TAU * hertz;
    -speed * (-t / fades).exp() * ((w * t).cos() / fades + w * (w * t).sin())
}

/// The body is pushed up, swings on its springs, and ends where it was: what it feels sums up to no speed. The wheel hops.
fn bump(t: f64, peak: f64, length: f64, hop: f64) -> f64 {
    let hit = pulse(Shape::Haversine, peak, length);
    let since = t - length;
    let speed = hit.velocity_change() / STANDARD_GRAVITY;
    let mut felt = hit.at(t) + swinging(since, speed, 1.4, 0.35);
    if since > 0.0 {
        felt += 0.35 * peak * (-since / 0.08).exp() * (TAU * hop * since).sin();
    }
    felt
}

#[test]
fn whatever_shakes_it_the_body_ends_where_it_was() {
    let mut chance = Chance::new(1);
    for _ in 0..100 {
        for make in [Event::pothole, Event::hump, Event::door, Event::knock] {
            let event = make(&mut chance);
            let step = 1e-4;
            for axis in [1, 2] {
                let gained: f64 = (0..(event.lasts() / step) as u32)
                    .map(|n| event.at(step * (f64::from(n) + 0.5))[axis] * step * STANDARD_GRAVITY)
                    .sum();
                let pushed = matches!(event, Event::Pothole { .. }) && axis == 1;
                assert!(gained.abs() < 0.3 || pushed, "{event:?}: {gained} m/s");
            }
        }
    }
}
