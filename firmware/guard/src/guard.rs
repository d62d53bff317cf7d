//! Watches the battery, and knows what there is to be said of it.

use std::time::Duration;

use picam_control::power::{BatteryState, BatteryStatus, Cause, End, STALE_AFTER};
use picam_sensors::battery::{GaugeError, Reading};
use picam_time::BootNs;

use crate::ladder::{Event, Ladder, Limits};

/// How often the gauge is looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whether there is a gauge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// None is configured.
    None,
    /// There may be one: it may be missing without a word.
    Maybe,
    /// Somebody said that there is one.
    Yes,
}

/// What is known of the gauge, so that each change is said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    NotYet,
    Yes,
    NoLonger,
}

/// A battery, and the ladder that it leads down.
pub struct Guard {
    ladder: Ladder,
    answers: Answers,
    expected: Expected,
    last: Option<(BootNs, Reading)>,
    silence: Option<String>,
}

impl Guard {
    /// Guards a camera from now on.
    pub fn new(now: BootNs, limits: Limits, expected: Expected) -> Self {
        Self {
            ladder: Ladder::new(limits, now),
            answers: Answers::NotYet,
            expected,
            last: None,
            silence: None,
        }
    }

    /// Hears what the gauge says; the end that follows, if one does. Steps are logged.
    pub fn hear(&mut self, now: BootNs, said: Result<Reading, GaugeError>) -> Option<End> {
        match said {
            Ok(reading) => {
                if self.answers != Answers::Yes {
                    tracing::info!("the battery gauge answers: {}", text(reading));
                    self.answers = Answers::Yes;
                }
                (self.last, self.silence) = (Some((now, reading)), None);
                // Whether it takes too long is asked with the time, not with readings.
                if self.is_switching_off() {
                    return None;
                }
                let event = self.ladder.look(now, Some(reading));
                self.step(now, event)
            }
            Err(error) => {
                let first = match self.answers {
                    Answers::NotYet => self.expected == Expected::Yes,
                    Answers::Yes => true,
                    Answers::NoLonger => false,
                };
                if first {
                    tracing::warn!("{error}; the charge is unknown, and the camera goes on");
                }
                if first || self.answers == Answers::Yes {
                    self.answers = Answers::NoLonger;
                }
                self.silence = Some(error.to_string());
                None
            }
        }
    }

    /// Time has passed. Whether the camera should be off by now, and it is to be asked for again.
    pub fn is_overdue(&mut self, now: BootNs) -> bool {
        let event = self.ladder.look(now, None);
        let overdue = event == Some(Event::Overdue);
        if overdue {
            tracing::error!("the camera should be off by now; it is asked for again");
        }
        overdue
    }

    /// Somebody wants it switched off; the end that follows, unless it is being switched off already.
    pub fn order_off(&mut self, now: BootNs, cause: Cause) -> Option<End> {
        if !self.ladder.order_off(now) {
            return None;
        }
        tracing::warn!("switching off: {cause}");
        Some(self.end(now, cause))
    }

    /// What there is to be said of the battery now.
    pub fn battery(&self, now: BootNs) -> Option<BatteryStatus> {
        let is_there = match self.expected {
            Expected::None => false,
            Expected::Maybe => self.answers != Answers::NotYet,
            Expected::Yes => true,
        };
        if !is_there {
            return None;
        }
        let state = self.ladder.state();
        let Some(reading) = self.fresh(now) else {
            let message = match &self.silence {
                Some(silence) => silence.clone(),
                None => "the battery gauge has said nothing yet".to_owned(),
            };
            let remedy = "see that it is wired and powered; until it answers, nothing is switched off for the battery";
            let mut unknown = BatteryStatus::unknown(message, remedy);
            if state == BatteryState::SwitchingOff {
                unknown.state = state;
            }
            return Some(unknown);
        };
        Some(BatteryStatus {
            state,
            cell_mv: Some(reading.cell_mv),
            charge: reading.charge,
            fault: None,
        })
    }

    /// Whether the camera is being switched off, whatever for.
    pub fn is_switching_off(&self) -> bool {
        self.ladder.state() == BatteryState::SwitchingOff
    }

    fn fresh(&self, now: BootNs) -> Option<Reading> {
        let (at, reading) = self.last?;
        (now.since(at) <= STALE_AFTER).then_some(reading)
    }

    fn step(&self, now: BootNs, event: Option<Event>) -> Option<End> {
        match event? {
            Event::Low(reading) => {
                tracing::warn!(
                    "the battery is low, {}: the camera will be switched off when it is empty",
                    text(reading)
                );
                None
            }
            Event::Recovered(reading) => {
                tracing::info!("the battery is no longer low: {}", text(reading));
                None
            }
            Event::PowerOff(cause, reading) => {
                tracing::warn!("switching off: {cause}, {}", text(reading));
                Some(self.end(now, cause))
            }
            Event::Overdue => None,
        }
    }

    fn end(&self, now: BootNs, cause: Cause) -> End {
        let reading = self.fresh(now);
        End {
            cause,
            cell_mv: reading.map(|reading| reading.cell_mv),
            charge: reading.and_then(|reading| reading.charge),
            after_s: now.seconds(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> BootNs {
        BootNs::from_secs(second)
    }

    fn cell(cell_mv: u16) -> Result<Reading, GaugeError> {
        let charge = Some(64.0);
        Ok(Reading { cell_mv, charge })
    }

    fn silent() -> Result<Reading, GaugeError> {
        Err(GaugeError::Bus("nobody".into()))
    }

    fn guard(expected: Expected) -> Guard {
        Guard::new(at(0), Limits::default(), expected)
    }

    #[test]
    fn what_was_measured_is_told_until_it_is_too_old() {
        let mut guard = guard(Expected::Yes);
        let before = guard.battery(at(100)).unwrap();
        assert_eq!(before.state, BatteryState::Unknown);
        guard.hear(at(100), cell(3_820));
        let told = guard.battery(at(110)).unwrap();
        assert_eq!(
            (told.state, told.cell_mv, told.charge),
            (BatteryState::Fine, Some(3_820), Some(64.0))
        );
        guard.hear(at(111), silent());
        let told = guard.battery(at(111)).unwrap();
        assert_eq!((told.state, told.cell_mv), (BatteryState::Unknown, None));
        let fault = told.fault.unwrap().message;
        assert!(fault.contains("does not answer: nobody"), "{fault}");
        guard.hear(at(112), cell(3_810));
        assert_eq!(guard.battery(at(112)).unwrap().cell_mv, Some(3_810));
    }

    #[test]
    fn a_gauge_that_nobody_named_is_no_word_worth_until_it_answers() {
        let mut maybe = guard(Expected::Maybe);
        for second in 0..100 {
            maybe.hear(at(second), silent());
            assert_eq!(maybe.battery(at(second)), None);
        }
        maybe.hear(at(100), cell(3_820));
        assert!(maybe.battery(at(100)).is_some());
        // It was there.
        maybe.hear(at(101), silent());
        assert_eq!(maybe.battery(at(200)).unwrap().state, BatteryState::Unknown);
        assert_eq!(guard(Expected::None).battery(at(1)), None);
    }

    #[test]
    fn the_steps_are_told() {
        let mut guard = guard(Expected::Yes);
        let mut end = None;
        for second in 100..115 {
            guard.hear(at(second), cell(3_590));
        }
        assert_eq!(guard.battery(at(114)).unwrap().state, BatteryState::Low);
        for second in 115..140 {
            end = end.or(guard.hear(at(second), cell(3_300)));
        }
        let end = end.unwrap();
        assert_eq!(
            (end.cause, end.cell_mv, end.after_s),
            (Cause::BatteryLow, Some(3_300), 135)
        );
        let told = guard.battery(at(300)).unwrap();
        assert_eq!(told.state, BatteryState::SwitchingOff);
        // And not a second time for the button.
        assert_eq!(guard.order_off(at(140), Cause::Button), None);
    }

    #[test]
    fn the_button_switches_off_once_without_a_gauge_too() {
        let mut guard = guard(Expected::None);
        let end = guard.order_off(at(30), Cause::Button).unwrap();
        assert_eq!(
            (end.cause, end.cell_mv, end.charge, end.after_s),
            (Cause::Button, None, None, 30)
        );
        assert!(guard.is_switching_off());
        assert_eq!(guard.order_off(at(31), Cause::Button), None);
        let mut overdue = Vec::new();
        for second in 30..200 {
            guard.hear(at(second), cell(4_100));
            overdue.extend(guard.is_overdue(at(second)).then_some(second));
        }
        assert_eq!(overdue, [90, 150]);
    }
}
