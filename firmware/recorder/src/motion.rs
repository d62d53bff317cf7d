//! Listens to the accelerometer: what it feels goes to every camera, and what hit the car to whoever locks footage.
//!
//! A thread of its own, which may wait for a bus. Recording threads only see what it puts into their queues, and a moment
//! since which they should make haste.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use arc_swap::ArcSwap;
use picam_control::status::{Fault, ImpactStatus, MotionStatus};
use picam_media::{AccessUnit, TIMESCALE, UnitKind};
use picam_mp4::camm;
use picam_sensors::motion::{
    Accelerometer, Budget, Detector, Finding, Impact, MotionError, MotionSpec, Pace, Sample,
    Sensitivity, Verdict, open,
};
use picam_time::{BootNs, Clock};

use crate::desk::Desk;
use crate::side_input::SideSenders;
use crate::true_time::TrueTime;

/// How often the sensor's queue is looked into: often enough that an impact is on the card in time, and that a queue of 32
/// does not overflow while the machine is busy for a quarter of a second.
const LOOK: Duration = Duration::from_millis(50);
/// Pause after a sensor that did not answer; doubles with each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// It may be plugged in at any moment.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Making haste costs flushes: no more often than this.
const HASTE_EVERY: Duration = Duration::from_millis(400);
/// One that does not answer for so long is said to be missing. A single failure is not worth a word.
const MISSING_AFTER: Duration = Duration::from_secs(2);

/// What is wanted of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Which sensor.
    pub(crate) sensor: MotionSpec,
    /// How weak an impact may be that locks footage; `None` if none shall.
    pub(crate) impact: Option<Sensitivity>,
}

/// What is shown of it. Swapped as a whole: nobody waits.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    seen: ArcSwap<Seen>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    rate: Option<f64>,
    samples: u64,
    overruns: u64,
    impacts: u64,
    not_locked: u64,
    last: Option<Impact>,
    fault: Option<String>,
}

impl Shown {
    /// For the status; `None` if no sensor is wanted.
    pub(crate) fn status(&self, wanted: &Wanted, now: BootNs) -> Option<MotionStatus> {
        if !wanted.sensor.is_on() {
            return None;
        }
        let seen = self.seen.load();
        Some(MotionStatus {
            sensor: wanted.sensor.to_string(),
            sensitivity: wanted.impact.map_or("off", Sensitivity::word).into(),
            rate: seen.rate.map(|rate| (rate * 10.0).round() / 10.0),
            samples: seen.samples,
            overruns: seen.overruns,
            impacts: seen.impacts,
            not_locked: seen.not_locked,
            last_impact: seen.last.map(|impact| ImpactStatus {
                ms_ago: now.since(impact.at).as_millis() as u64,
                peak_g: impact.peak_g,
                velocity_change: impact.velocity_change,
            }),
            fault: seen.fault.as_ref().map(|message| Fault {
                message: message.clone(),
                remedy: "check motion.sensor in picam.toml and the four wires (docs/hardware.md); it is tried again by itself"
                    .into(),
            }),
        })
    }
}

/// What listens.
pub(crate) struct Motion {
    clock: Arc<TrueTime>,
    cameras: SideSenders,
    desk: Arc<Desk>,
    /// Takes impacts that lock footage.
    locks: SyncSender<Impact>,
    shown: Arc<Shown>,
    seen: Seen,
    pace: Pace,
    detector: Option<Detector>,
    budget: Budget,
    unit: AccessUnit,
    felt: Vec<[f32; 3]>,
    hastened: BootNs,
}

impl Motion {
    pub(crate) fn new(
        clock: Arc<TrueTime>,
        cameras: SideSenders,
        desk: Arc<Desk>,
        locks: SyncSender<Impact>,
        shown: Arc<Shown>,
    ) -> Self {
        Self {
            clock,
            cameras,
            desk,
            locks,
            shown,
            seen: Seen::default(),
            pace: Pace::default(),
            detector: None,
            budget: Budget::default(),
            unit: AccessUnit::new(),
            felt: Vec::new(),
            hastened: BootNs::ZERO,
        }
    }

    /// Runs until `stop` is set. The sensor is opened, lost and opened again for as long as that takes.
    pub(crate) fn run(mut self, wanted: &Wanted, stop: &AtomicBool) {
        self.detector = wanted.impact.map(Detector::new);
        let mut pause = FIRST_PAUSE;
        let mut missing_since = None;
        while !stop.load(Ordering::SeqCst) {
            let now = self.clock.now();
            let error = match open(&wanted.sensor, now) {
                Ok(None) => return,
                Ok(Some(mut sensor)) => {
                    self.listen(&mut *sensor, &mut pause, &mut missing_since, stop)
                }
                Err(error) => Some(error),
            };
            if let Some(error) = error {
                self.lost(&error, &mut missing_since);
                self.clock
                    .sleep_while(pause, || !stop.load(Ordering::SeqCst));
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Says once that it is missing, and what was suspected when it went is an impact.
    fn lost(&mut self, error: &MotionError, since: &mut Option<BootNs>) {
        if let Some(impact) = self.detector.as_mut().and_then(Detector::end) {
            self.hit(impact);
        }
        self.pace.interrupted();
        let now = self.clock.now();
        let first = *since.get_or_insert(now);
        if now.since(first) >= MISSING_AFTER && self.seen.fault.is_none() {
            tracing::warn!(
                "{error}; it is tried again by itself, and recording goes on without it"
            );
            self.seen.fault = Some(error.to_string());
        }
        self.seen.rate = None;
        self.show();
    }

    /// Listens for as long as it measures; nothing if it is told to stop.
    fn listen(
        &mut self,
        sensor: &mut dyn Accelerometer,
        pause: &mut Duration,
        missing_since: &mut Option<BootNs>,
        stop: &AtomicBool,
    ) -> Option<MotionError> {
        while !stop.load(Ordering::SeqCst) {
            let count = match self.look(sensor) {
                Ok(count) => count,
                Err(error) => return Some(error),
            };
            if count > 0 {
                *pause = FIRST_PAUSE;
                *missing_since = None;
                if self.seen.fault.take().is_some() {
                    tracing::info!("the accelerometer measures again");
                } else if self.seen.samples == count as u64 {
                    tracing::info!("the accelerometer measures");
                }
                self.show();
            }
            self.clock.sleep(LOOK);
        }
        None
    }

    fn show(&self) {
        self.shown.seen.store(Arc::new(self.seen.clone()));
    }

    /// Takes what the sensor has.
    fn look(&mut self, sensor: &mut dyn Accelerometer) -> Result<usize, MotionError> {
        let mut felt = std::mem::take(&mut self.felt);
        felt.clear();
        let read = sensor.read(self.clock.now(), &mut felt);
        // A slow bus takes its time: what came was measured before the end of that.
        let now = self.clock.now();
        if let Ok(read) = read {
            if read.overrun {
                self.seen.overruns += 1;
                self.pace.interrupted();
            }
            let times = self.pace.times(felt.len(), now);
            for (&g, at) in felt.iter().zip(times) {
                self.take(&Sample { at, g });
            }
            self.seen.samples += felt.len() as u64;
            self.seen.rate = self.pace.rate();
        }
        self.felt = felt;
        read.map(|read| read.count)
    }

    /// Takes a measurement.
    fn take(&mut self, sample: &Sample) {
        self.unit.begin(UnitKind::Motion);
        self.unit.captured = sample.at;
        self.unit.dts = sample.at.ticks(TIMESCALE).value;
        self.unit.pts = self.unit.dts;
        self.unit
            .data
            .extend(camm::acceleration_sample(sample.metres_s2()));
        self.cameras.send(&self.unit);
        let found = self
            .detector
            .as_mut()
            .and_then(|detector| detector.feel(sample));
        match found {
            Some(Finding::Suspected) => self.make_haste(),
            Some(Finding::Impact(impact)) => self.hit(impact),
            None => {}
        }
    }

    fn make_haste(&mut self) {
        let now = self.clock.now();
        if now.since(self.hastened) >= HASTE_EVERY {
            self.hastened = now;
            self.desk.make_haste();
        }
    }

    fn hit(&mut self, impact: Impact) {
        self.desk.make_haste();
        self.hastened = self.clock.now();
        self.seen.last = Some(impact);
        let what = format!(
            "an impact: {:.1} g, speed changed by {:.1} km/h",
            impact.peak_g,
            impact.velocity_change * 3.6
        );
        match self.budget.decide(&impact) {
            Verdict::Lock => {
                self.seen.impacts += 1;
                tracing::info!("{what}; footage is locked");
                if let Err(TrySendError::Full(_)) = self.locks.try_send(impact) {
                    self.seen.not_locked += 1;
                }
            }
            Verdict::Kept => {
                self.seen.impacts += 1;
                tracing::info!("{what}; its footage is locked already");
            }
            Verdict::TooMany => {
                self.seen.not_locked += 1;
                tracing::warn!(
                    "{what}; there have been too many, and no footage is locked: is the camera loose?"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
