//! An accelerometer that is not there, in a car that drives along the closed road, and is hit by something now and then.

use std::f64::consts::PI;
use std::time::Duration;

use picam_time::BootNs;

use super::STANDARD_GRAVITY;
use super::chip::Read;
use super::sensor::{Accelerometer, MotionError};
use crate::Road;

/// From measurement to measurement: 100 a second.
const STEP: Duration = Duration::from_millis(10);
/// What waits at most, as in a real one.
const QUEUE: usize = 32;
/// What hits it: a parking manoeuvre that went wrong, at 8 km/h. Its highest acceleration in g, and how long it lasts.
const HIT_G: f64 = 5.0;
const HIT_S: f64 = 0.09;

/// Such a sensor.
#[derive(Debug)]
pub(super) struct SimSensor {
    road: Road,
    begun: BootNs,
    /// The next step.
    step: u32,
    impacts: Option<Duration>,
}

impl SimSensor {
    pub(super) fn new(begun: BootNs, impacts: Option<Duration>) -> Self {
        Self {
            road: Road::default(),
            begun,
            step: 0,
            impacts,
        }
    }

    fn felt(&self, since: Duration) -> [f32; 3] {
        let [right, down, forward] = self.road.at(since.as_secs_f64()).felt;
        let behind = self
            .impacts
            .map(|each| since.as_nanos() % each.as_nanos().max(1));
        let hit = match behind {
            Some(behind) if since >= self.impacts.unwrap_or_default() => hit(behind as f64 / 1e9),
            _ => 0.0,
        };
        [right, down, forward - hit * STANDARD_GRAVITY].map(|felt| (felt / STANDARD_GRAVITY) as f32)
    }
}

/// Acceleration so many seconds after the hit began, g: the square of a sine, as of a car against a barrier.
fn hit(seconds: f64) -> f64 {
    match seconds <= HIT_S {
        true => HIT_G * (PI * seconds / HIT_S).sin().powi(2),
        false => 0.0,
    }
}

impl Accelerometer for SimSensor {
    fn read(&mut self, now: BootNs, into: &mut Vec<[f32; 3]>) -> Result<Read, MotionError> {
        let due =
            u32::try_from(now.since(self.begun).as_nanos() / STEP.as_nanos()).unwrap_or(u32::MAX);
        let waiting = due.saturating_sub(self.step);
        let kept = waiting.min(QUEUE as u32);
        for step in due - kept..due {
            into.push(self.felt(STEP * (step + 1)));
        }
        self.step = due;
        Ok(Read {
            count: kept as usize,
            overrun: waiting > kept,
        })
    }
}
