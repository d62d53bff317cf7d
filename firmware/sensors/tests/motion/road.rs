//! A drive of hours: roads of all kinds, and what happens on them.
//!
//! Roughness: ISO 8608 classes A to E at usual speeds shake the body by 0.02 to 0.35 g (RMS), mostly at its own 1.4 Hz and
//! the wheels' 11 Hz.

use std::f64::consts::TAU;

use crate::chance::Chance;
use crate::events::Event;

/// One way of swinging that is kept alive by noise.
#[derive(Debug, Clone, Copy, Default)]
struct Mode {
    last: f64,
    before: f64,
}

impl Mode {
    /// A resonance at `hertz` of about unit size, at steps of `step` seconds.
    fn next(&mut self, hertz: f64, step: f64, noise: f64) {
        let w = TAU * hertz * step;
        let r = (-w * 0.25).exp();
        let (last, before) = (2.0 * r * w.cos(), -r * r);
        // The noise that gives such a series a deviation of 1.
        let spread = (1.0 + before) * ((1.0 - before).powi(2) - last * last) / (1.0 - before);
        let next = last * self.last + before * self.before + noise * spread.max(0.0).sqrt();
        self.before = std::mem::replace(&mut self.last, next);
    }
}

/// Seconds from step to step of what swings.
const SWING: f64 = 0.005;

/// A drive as it goes.
pub(crate) struct Road {
    chance: Chance,
    /// Until when the present stretch lasts, and how rough it is.
    until: f64,
    rough: f64,
    idles: bool,
    engine: f64,
    modes: [Mode; 6],
    swung: f64,
    happening: Vec<(f64, Event)>,
    last: f64,
    is_eventful: bool,
}

/// What may happen, drawn by chance.
type Happening = fn(&mut Chance) -> Event;

/// How often an hour each happens.
const HOURLY: [(f64, Happening); 8] = [
    (40.0, Event::pothole),
    (12.0, Event::hump),
    (3.0, Event::kerb),
    (6.0, Event::door),
    (3.0, Event::knock),
    (4.0, Event::grid),
    (20.0, Event::brake),
    (60.0, Event::bend),
];

impl Road {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            until: 0.0,
            rough: 0.05,
            idles: false,
            engine: 25.0,
            modes: [Mode::default(); 6],
            swung: 0.0,
            happening: Vec::new(),
            last: 0.0,
            is_eventful: true,
        }
    }

    /// How finely it is to be looked at, seconds.
    pub(crate) fn grain(&self) -> f64 {
        let rings = self.happening.iter().any(|(_, event)| event.rings());
        if rings { 0.0005 } else { 0.005 }
    }

    /// Nothing happens on it but what its surface is like.
    pub(crate) fn smooth(&mut self) {
        self.is_eventful = false;
    }

    /// What the car feels at a moment, g; moments come in order.
    pub(crate) fn at(&mut self, t: f64) -> [f64; 3] {
        let step = (t - self.last).clamp(1e-4, 0.1);
        self.last = t;
        let chance = &mut self.chance;
        if t >= self.until {
            self.until = t + chance.between(20.0, 240.0);
            self.idles = chance.either(0.15);
            // From a new motorway to gravel.
            self.rough = chance.one_of(&[0.02, 0.04, 0.06, 0.1, 0.2, 0.35]);
            self.engine = chance.between(20.0, 90.0);
        }
        for (hourly, make) in HOURLY {
            if self.is_eventful && chance.either(hourly * step / 3600.0) {
                let event = make(chance);
                // One foot brakes, and one bend is driven at a time.
                let held = event.holds() && self.happening.iter().any(|(_, event)| event.holds());
                if !held {
                    self.happening.push((t, event));
                }
            }
        }
        // Both swing in steps of their own, however finely somebody looks.
        while self.swung < t {
            self.swung += SWING;
            for (mode, hertz) in self.modes.iter_mut().zip([1.4, 11.0].into_iter().cycle()) {
                mode.next(hertz, SWING, chance.noise());
            }
        }
        let mut felt = [0.0, 0.0, 1.0];
        let rough = if self.idles { 0.0 } else { self.rough };
        for (n, (axis, part)) in [(2, 1.0), (1, 0.3), (0, 0.25)].into_iter().enumerate() {
            let [body, hop] = [2 * n, 2 * n + 1].map(|mode| self.modes[mode].last);
            felt[axis] += rough * part * (0.6 * body + 0.6 * hop + 0.53 * chance.noise());
            felt[axis] += 0.04 * (TAU * self.engine * t + n as f64).sin();
        }
        self.happening
            .retain(|(begun, event)| t - begun < event.lasts());
        for (begun, event) in &self.happening {
            let more = event.at(t - begun);
            felt = [felt[0] + more[0], felt[1] + more[1], felt[2] + more[2]];
        }
        felt
    }
}

/// Mean and RMS of what a stretch of one roughness feels without anything happening.
#[test]
fn roads_are_as_rough_as_published() {
    let mut road = Road::new(3);
    let (mut sum, mut squares) = ([0.0; 3], [0.0; 3]);
    let steps = 3600 * 100;
    for n in 0..steps {
        let felt = road.at(f64::from(n) / 100.0);
        for axis in 0..3 {
            let dynamic = felt[axis] - if axis == 2 { 1.0 } else { 0.0 };
            sum[axis] += dynamic / f64::from(steps);
            squares[axis] += dynamic * dynamic / f64::from(steps);
        }
    }
    let rms = squares.map(f64::sqrt);
    println!("mean {sum:?}, RMS {rms:?}");
    assert!((0.05..0.35).contains(&rms[2]), "{rms:?}");
    assert!(sum[2].abs() < 0.02, "{sum:?}");
}
