//! Whether the car is on, and when the camera of a car that is off is to be switched off.
//!
//! Unknown is not off: a line that cannot be read, or was not looked at, switches nothing off.

use std::time::Duration;

use picam_time::BootNs;

/// A level must stay for so long to be believed: while the engine starts, the ignition drops out.
const HOLD: Duration = Duration::from_secs(3);
/// Looks further apart say nothing of the time between them.
const MAX_GAP: Duration = Duration::from_secs(2);
/// A camera that was just switched on records for so long, whatever the ignition says.
const MIN_RUN: Duration = Duration::from_secs(60);

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The ignition is on.
    On,
    /// It is off; the camera is switched off when it has been so for long.
    Off,
    /// It has been off for so long that the camera is to be switched off. Said once for each time that it is off.
    SwitchOff,
}

/// The machine. Give it every look at the line, in the order of time.
#[derive(Debug)]
pub(crate) struct Ignition {
    started: BootNs,
    stay: Duration,
    /// The level of late, when it was first and last seen.
    raw: Option<(bool, BootNs, BootNs)>,
    /// What is believed.
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Unknown,
    On,
    Off { since: BootNs },
    SwitchingOff,
}

impl Ignition {
    /// Of a camera that was started then, and goes on for `stay` after the ignition is off.
    pub(crate) fn new(started: BootNs, stay: Duration) -> Self {
        Self {
            started,
            stay,
            raw: None,
            state: State::Unknown,
        }
    }

    /// Takes a look: `None` if the line could not be read.
    pub(crate) fn look(&mut self, now: BootNs, on: Option<bool>) -> Option<Turn> {
        let Some(on) = on else {
            self.raw = None;
            if matches!(self.state, State::Off { .. }) {
                self.state = State::Unknown;
            }
            return None;
        };
        let since = match self.raw {
            Some((level, since, last)) if level == on && now.since(last) <= MAX_GAP => since,
            _ => now,
        };
        let missed = self.raw.is_some_and(|(.., last)| now.since(last) > MAX_GAP);
        self.raw = Some((on, since, now));
        if missed && matches!(self.state, State::Off { .. }) {
            // It may have been on meanwhile: the time begins anew.
            self.state = State::Unknown;
        }
        if now.since(since) < HOLD {
            return None;
        }
        match (self.state, on) {
            (State::On, true) | (State::SwitchingOff, false) => None,
            (_, true) => {
                self.state = State::On;
                Some(Turn::On)
            }
            (State::Unknown | State::On, false) => {
                self.state = State::Off { since };
                Some(Turn::Off)
            }
            (State::Off { since }, false) => {
                let over = now.since(since) >= self.stay && now.since(self.started) >= MIN_RUN;
                over.then(|| {
                    self.state = State::SwitchingOff;
                    Turn::SwitchOff
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAY: Duration = Duration::from_secs(600);
    const STARTED: u64 = 10;

    /// Looks every half second; the turns with their second.
    fn turns(stay: Duration, levels: &[(u64, Option<bool>)]) -> Vec<(u64, Turn)> {
        let mut ignition = Ignition::new(BootNs::from_secs(STARTED), stay);
        let mut half = 2 * STARTED;
        let mut all = Vec::new();
        for &(seconds, level) in levels {
            for _ in 0..2 * seconds {
                let now = BootNs(half * 500_000_000);
                all.extend(ignition.look(now, level).map(|turn| (half / 2, turn)));
                half += 1;
            }
        }
        all
    }

    const ON: Option<bool> = Some(true);
    const OFF: Option<bool> = Some(false);

    #[test]
    fn it_goes_on_for_a_while_after_the_ignition_is_off() {
        let said = turns(STAY, &[(100, ON), (1_000, OFF)]);
        assert_eq!(
            said,
            [(13, Turn::On), (113, Turn::Off), (710, Turn::SwitchOff)]
        );
        // On again in time; and then the whole time once more.
        let said = turns(STAY, &[(100, ON), (599, OFF), (10, ON), (601, OFF)]);
        let off: Vec<_> = said
            .iter()
            .filter(|(_, turn)| *turn == Turn::SwitchOff)
            .collect();
        assert_eq!(off, [&(10 + 100 + 599 + 10 + 600, Turn::SwitchOff)]);
    }

    #[test]
    fn starting_the_engine_is_not_off() {
        let said = turns(Duration::ZERO, &[(100, ON), (2, OFF), (100, ON)]);
        assert_eq!(said, [(13, Turn::On)]);
    }

    #[test]
    fn a_camera_that_was_just_switched_on_records_for_a_minute() {
        let said = turns(Duration::ZERO, &[(1_000, OFF)]);
        assert_eq!(said, [(13, Turn::Off), (70, Turn::SwitchOff)]);
    }

    #[test]
    fn unknown_is_not_off() {
        assert_eq!(turns(Duration::ZERO, &[(100_000, None)]), []);
        // Nor does it count as off what was not seen.
        let said = turns(STAY, &[(100, ON), (500, OFF), (1_000, None), (599, OFF)]);
        assert!(
            said.iter().all(|(_, turn)| *turn != Turn::SwitchOff),
            "{said:?}"
        );
    }

    #[test]
    fn a_stall_of_the_looks_is_not_off() {
        let mut ignition = Ignition::new(BootNs::from_secs(0), STAY);
        for second in 100..110 {
            ignition.look(BootNs::from_secs(second), OFF);
        }
        for second in 10_000..10_599 {
            assert_ne!(
                ignition.look(BootNs::from_secs(second), OFF),
                Some(Turn::SwitchOff)
            );
        }
        assert_eq!(
            ignition.look(BootNs::from_secs(10_600), OFF),
            Some(Turn::SwitchOff)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Never within the time to stay after it was last seen on or not at all, and once for each time that it was on.
        #[test]
        fn never_early_and_never_twice(
            levels in prop::collection::vec((4_u64..400, prop::sample::select(vec![ON, OFF, OFF, None])), 1..40),
        ) {
            let stay = Duration::from_secs(300);
            let said = turns(stay, &levels);
            let mut ends = Vec::new();
            let mut at = STARTED;
            for &(seconds, level) in &levels {
                at += seconds;
                ends.push((at, level));
            }
            for &(second, turn) in &said {
                if turn != Turn::SwitchOff {
                    continue;
                }
                let other = ends.iter().filter(|(end, level)| *end <= second && *level != OFF).map(|(end, _)| *end).max();
                prop_assert!(second >= other.unwrap_or(STARTED) + 300, "{said:?}");
                prop_assert!(second >= STARTED + 60);
            }
            let runs = said.split(|(_, turn)| *turn == Turn::On);
            for run in runs {
                prop_assert!(run.iter().filter(|(_, turn)| *turn == Turn::SwitchOff).count() <= 1, "{said:?}");
            }
        }
    }
}
