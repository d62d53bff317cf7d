//! The shutdown ladder: fine, warned, switching off.
//!
//! A reading that is missing is no reading: it neither takes a step down nor up. A step down takes several readings over a
//! while, so that no single wrong one and no load's short dip switches a camera off; a step up takes as many, from a higher
//! threshold. What was decided is not taken back, for the files are being closed by then.

use std::time::Duration;

use picam_control::power::{BatteryState, Cause};
use picam_sensors::battery::Reading;
use picam_time::BootNs;

/// The least number of readings that a step takes, however long it holds.
const MIN_READINGS: u32 = 3;
/// Readings further apart say nothing of the time between them.
const MAX_GAP: Duration = Duration::from_secs(30);

/// One step: entered at or below the lower threshold, left at or above the upper one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rung {
    /// Voltage of a cell, in millivolts.
    pub enter_mv: u16,
    /// Voltage of a cell, in millivolts; more than `enter_mv`.
    pub leave_mv: u16,
    /// Charge in per cent at or below which it is entered as well, if the voltage is below `leave_mv`: a gauge that knows its
    /// cell badly says 0 % of a full one.
    pub charge: f32,
    /// How long it must be so.
    pub hold: Duration,
}

/// When which step is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The battery is low.
    pub warn: Rung,
    /// It is time to switch off.
    pub off: Rung,
    /// The same, however short the camera has run.
    pub empty: Rung,
    /// How long the camera runs at least from its start, unless the battery is empty: whoever switches it on with a low
    /// battery gets that much footage.
    pub min_run: Duration,
    /// How long switching off may take before it is asked for again.
    pub overdue: Duration,
}

impl Default for Limits {
    /// Of a lithium cell under load. It has some 5 % left at 3.4 V, and its protection cuts it off between 2.4 and 3.0 V.
    fn default() -> Self {
        let rung = |enter_mv, leave_mv, charge, seconds| Rung {
            enter_mv,
            leave_mv,
            charge,
            hold: Duration::from_secs(seconds),
        };
        Self {
            warn: rung(3_600, 3_700, 15.0, 10),
            off: rung(3_400, 3_500, 5.0, 20),
            empty: rung(3_150, 3_250, 0.0, 5),
            min_run: Duration::from_secs(60),
            overdue: Duration::from_secs(60),
        }
    }
}

/// A step that was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// The battery is low.
    Low(Reading),
    /// It is no longer.
    Recovered(Reading),
    /// The camera is to be switched off.
    PowerOff(Cause, Reading),
    /// It was to be switched off, and still runs: to be asked for again.
    Overdue,
}

/// How long something has been so.
#[derive(Debug, Clone, Copy, Default)]
struct Streak {
    /// First and last reading, and how many.
    seen: Option<(BootNs, BootNs, u32)>,
}

impl Streak {
    /// Counts a reading that says so; whether it has been so for `hold`.
    fn add(&mut self, at: BootNs, hold: Duration) -> bool {
        let going = self.seen.filter(|&(_, last, _)| at.since(last) <= MAX_GAP);
        let (first, _, count) = going.unwrap_or((at, at, 0));
        self.seen = Some((first, at, count.saturating_add(1)));
        count + 1 >= MIN_READINGS && at.since(first) >= hold
    }

    fn end(&mut self) {
        self.seen = None;
    }
}

impl Rung {
    fn is_entered_by(&self, reading: Reading) -> bool {
        let empty = reading.charge.is_some_and(|charge| charge <= self.charge);
        reading.cell_mv <= self.enter_mv || (empty && reading.cell_mv < self.leave_mv)
    }

    /// Counts a reading; whether the step is taken.
    fn takes(&self, streak: &mut Streak, at: BootNs, reading: Reading) -> bool {
        if self.is_entered_by(reading) {
            return streak.add(at, self.hold);
        }
        if reading.cell_mv >= self.leave_mv {
            streak.end();
        }
        false
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Fine,
    Warned,
    /// Since it was last asked for.
    SwitchingOff(BootNs),
}

/// The machine. Give it every look at the gauge, in the order of time.
#[derive(Debug)]
pub struct Ladder {
    limits: Limits,
    started: BootNs,
    state: State,
    low: Streak,
    off: Streak,
    empty: Streak,
    recovered: Streak,
}

impl Ladder {
    /// A camera that was started at a moment.
    pub fn new(limits: Limits, started: BootNs) -> Self {
        Self {
            limits,
            started,
            state: State::Fine,
            low: Streak::default(),
            off: Streak::default(),
            empty: Streak::default(),
            recovered: Streak::default(),
        }
    }

    /// Somebody wants the camera switched off, whatever the battery says. Whether that is news: what was decided before goes on.
    pub fn order_off(&mut self, at: BootNs) -> bool {
        let news = !matches!(self.state, State::SwitchingOff(_));
        if news {
            self.state = State::SwitchingOff(at);
        }
        news
    }

    /// How far down it is, by the readings there were.
    pub fn state(&self) -> BatteryState {
        match self.state {
            State::Fine => BatteryState::Fine,
            State::Warned => BatteryState::Low,
            State::SwitchingOff(_) => BatteryState::SwitchingOff,
        }
    }

    /// Takes a look, `None` if the gauge said nothing, and says which step follows.
    pub fn look(&mut self, at: BootNs, reading: Option<Reading>) -> Option<Event> {
        if let State::SwitchingOff(asked) = self.state {
            let overdue = at.since(asked) >= self.limits.overdue;
            return overdue.then(|| {
                self.state = State::SwitchingOff(at);
                Event::Overdue
            });
        }
        let reading = reading?;
        let limits = self.limits;
        let low = limits.warn.takes(&mut self.low, at, reading);
        let off = limits.off.takes(&mut self.off, at, reading);
        let empty = limits.empty.takes(&mut self.empty, at, reading);
        let cause = if empty {
            Some(Cause::BatteryEmpty)
        } else if off && at.since(self.started) >= limits.min_run {
            Some(Cause::BatteryLow)
        } else {
            None
        };
        if let Some(cause) = cause {
            self.state = State::SwitchingOff(at);
            return Some(Event::PowerOff(cause, reading));
        }
        match self.state {
            State::Fine if low => {
                self.state = State::Warned;
                self.recovered.end();
                Some(Event::Low(reading))
            }
            State::Warned => self.recover(at, reading),
            _ => None,
        }
    }

    fn recover(&mut self, at: BootNs, reading: Reading) -> Option<Event> {
        let warn = self.limits.warn;
        if reading.cell_mv < warn.leave_mv {
            self.recovered.end();
            return None;
        }
        self.recovered.add(at, warn.hold).then(|| {
            self.state = State::Fine;
            Event::Recovered(reading)
        })
    }
}

#[cfg(test)]
mod tests;
