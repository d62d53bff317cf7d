//! A sensor as it sits in a car: any way round, with its bias, noise, steps, clock, range and gaps.
//!
//! Figures: data sheets of LIS3DH, ADXL345 and MPU-6050 (zero-g offset up to 80 mg, sensitivity to 3 %, 1 to 5 mg of noise at
//! 100 Hz, rates off by up to a tenth); noise up to 20 mg for cheap boards.

use std::time::Duration;

use picam_sensors::motion::Sample;
use picam_time::BootNs;

use crate::chance::Chance;

pub(crate) struct Mount {
    /// Rows: the car's axes as the sensor has them.
    turn: [[f64; 3]; 3],
    bias: [f64; 3],
    scale: f64,
    noise: f64,
    step: f64,
    range: f64,
    /// Seconds from sample to sample.
    pub(crate) period: f64,
    /// How often a sample is missing, and how often a tenth of a second of them.
    missing: f64,
    gaps: f64,
    gap: u32,
    /// Noise of the sensor.
    chance: Chance,
}

impl Mount {
    /// Some sensor, somehow.
    pub(crate) fn any(chance: &mut Chance) -> Self {
        let rate = chance.one_of(&[50.0, 100.0]) * chance.between(0.92, 1.08);
        Self::with(chance, rate)
    }

    /// Some sensor at a rate, samples a second.
    pub(crate) fn with(chance: &mut Chance, rate: f64) -> Self {
        let first = chance.direction();
        let other = chance.direction();
        let second = unit(cross(first, other));
        let bias = [(); 3].map(|()| chance.between(-0.08, 0.08));
        Self {
            turn: [first, second, cross(first, second)],
            bias,
            scale: chance.between(0.97, 1.03),
            noise: chance.between(0.001, 0.02),
            step: chance.one_of(&[0.0005, 0.004, 0.012]),
            range: chance.one_of(&[8.0, 16.0]),
            period: 1.0 / rate,
            missing: 0.0,
            gaps: 0.0,
            gap: 0,
            chance: Chance::new((chance.part() * 1e15) as u64),
        }
    }

    /// One that is away for a tenth of a second now and then.
    pub(crate) fn with_gaps(mut self) -> Self {
        self.gaps = 0.0005;
        self.missing = 0.002;
        self
    }

    /// What it says at a moment of what the car has felt since its last sample, in g; nothing where a sample is missing. The
    /// filter in front of its converter is a mean.
    pub(crate) fn measure(
        &mut self,
        seconds: f64,
        grain: f64,
        mut car: impl FnMut(f64) -> [f64; 3],
    ) -> Option<Sample> {
        let parts = (self.period / grain).round().max(1.0);
        let mut mean = [0.0; 3];
        for part in 0..parts as u32 {
            let felt = car(seconds - self.period * (1.0 - (f64::from(part) + 1.0) / parts));
            mean = [0, 1, 2].map(|axis| mean[axis] + felt[axis] / parts);
        }
        self.take(seconds, mean)
    }

    fn take(&mut self, seconds: f64, car: [f64; 3]) -> Option<Sample> {
        if self.gap == 0 && self.chance.either(self.gaps) {
            self.gap = 10;
        }
        let is_missing = self.gap > 0 || self.chance.either(self.missing);
        self.gap = self.gap.saturating_sub(1);
        if is_missing {
            return None;
        }
        let mut g = [0.0; 3];
        for ((g, row), bias) in g.iter_mut().zip(self.turn).zip(self.bias) {
            let felt = dot(row, car) * self.scale + bias + self.noise * self.chance.noise();
            let stepped = (felt / self.step).round() * self.step;
            *g = stepped.clamp(-self.range, self.range) as f32;
        }
        let at = BootNs::from_secs(10) + Duration::from_secs_f64(seconds);
        Some(Sample { at, g })
    }
}

pub(crate) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn unit(a: [f64; 3]) -> [f64; 3] {
    let length = dot(a, a).sqrt();
    a.map(|value| value / length)
}

#[test]
fn however_it_is_mounted_a_car_at_rest_weighs_one_g() {
    for seed in 0..200 {
        let mut mount = Mount::any(&mut Chance::new(seed));
        let Some(sample) = mount.measure(1.0, 0.005, |_| [0.0, 0.0, 1.0]) else {
            continue;
        };
        let g = sample.g.map(f64::from);
        assert!((dot(g, g).sqrt() - 1.0).abs() < 0.25, "{seed}: {g:?}");
    }
}
