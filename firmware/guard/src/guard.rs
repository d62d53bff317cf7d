//! The look at the gauge, a second apart.

use std::time::Duration;

use picam_sensors::battery::{Gauge, Reading};
use picam_time::{BootNs, Clock};

use crate::ladder::{Event, Ladder, Limits};

/// How often the gauge is looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is known of the gauge, so that each change is said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    NotYet,
    Yes,
    NoLonger,
}

/// A gauge, and the ladder that it leads down.
pub struct Guard<C> {
    clock: C,
    gauge: Box<dyn Gauge>,
    ladder: Ladder,
    answers: Answers,
    /// Whether somebody said that there is a gauge.
    expected: bool,
}

impl<C: Clock> Guard<C> {
    /// Guards a camera from now on. A gauge that is not `expected` may be missing without a word.
    pub fn new(clock: C, gauge: Box<dyn Gauge>, limits: Limits, expected: bool) -> Self {
        let ladder = Ladder::new(limits, clock.now());
        Self {
            clock,
            gauge,
            ladder,
            answers: Answers::NotYet,
            expected,
        }
    }

    /// Looks at the gauge once; the moment, and the step that follows, which has been logged.
    pub fn look(&mut self) -> (BootNs, Option<Event>) {
        let reading = self.read();
        let now = self.clock.now();
        let event = self.ladder.look(now, reading);
        match event {
            Some(Event::Low(reading)) => tracing::warn!(
                "the battery is low, {}: the camera will be switched off when it is empty",
                text(reading)
            ),
            Some(Event::Recovered(reading)) => {
                tracing::info!("the battery is no longer low: {}", text(reading));
            }
            Some(Event::PowerOff(cause, reading)) => {
                tracing::warn!("switching off: {cause}, {}", text(reading));
            }
            Some(Event::Overdue) => {
                tracing::error!("the camera should be off by now; it is asked for again");
            }
            None => {}
        }
        (now, event)
    }

    fn read(&mut self) -> Option<Reading> {
        match self.gauge.read() {
            Ok(reading) => {
                if self.answers != Answers::Yes {
                    tracing::info!("the battery gauge answers: {}", text(reading));
                    self.answers = Answers::Yes;
                }
                Some(reading)
            }
            Err(error) => {
                let first = match self.answers {
                    Answers::NotYet => self.expected,
                    Answers::Yes => true,
                    Answers::NoLonger => false,
                };
                if first {
                    tracing::warn!("{error}; the charge is unknown, and the camera goes on");
                }
                if first || self.answers == Answers::Yes {
                    self.answers = Answers::NoLonger;
                }
                None
            }
        }
    }
}

fn text(reading: Reading) -> String {
    let volts = f32::from(reading.cell_mv) / 1000.0;
    match reading.charge {
        Some(charge) => format!("{volts:.2} V a cell, {charge:.0} %"),
        None => format!("{volts:.2} V a cell"),
    }
}
