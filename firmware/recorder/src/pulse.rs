//! Whether the recorder still does its work, for the watchdog that restarts it if not.
//!
//! Only frames on the card count, or a fault that is known, shown and being worked on: a process that
//! merely runs is not alive.

use picam_time::BootNs;

/// What is seen of one camera.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Everything captured up to here would survive a power cut; zero for nothing yet.
    pub durable_until: BootNs,
    /// How often a thread of this camera said that it is working on a known fault.
    pub fault_beats: u64,
    /// Its source has come to its end.
    pub ended: bool,
}

/// What the watchdog is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Every camera has frames on the card, or a stated reason why not. Stays true.
    pub ready: bool,
    /// Every camera has come further since the last look.
    pub alive: bool,
}

/// Compares each look with the one before.
#[derive(Debug, Default)]
pub struct Watch {
    last: Vec<Pulse>,
    ready: bool,
}

impl Watch {
    /// Looks at every camera; always in the same order.
    pub fn look(&mut self, pulses: &[Pulse]) -> Verdict {
        let started = |pulse: &Pulse| {
            pulse.ended || pulse.durable_until > BootNs::ZERO || pulse.fault_beats > 0
        };
        self.ready |= pulses.iter().all(started);
        let mut before = self.last.iter();
        let alive = pulses.iter().all(|pulse| {
            let before = before.next().copied().unwrap_or_default();
            pulse.ended
                || pulse.durable_until > before.durable_until
                || pulse.fault_beats > before.fault_beats
        });
        self.last = pulses.to_vec();
        Verdict {
            ready: self.ready,
            alive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(durable_ns: u64, fault_beats: u64) -> Pulse {
        Pulse {
            durable_until: BootNs(durable_ns),
            fault_beats,
            ended: false,
        }
    }

    fn look(watch: &mut Watch, pulses: &[Pulse]) -> (bool, bool) {
        let Verdict { ready, alive } = watch.look(pulses);
        (ready, alive)
    }

    #[test]
    fn one_camera_of_two_is_neither_ready_nor_alive() {
        let mut watch = Watch::default();
        assert_eq!(
            look(&mut watch, &[pulse(0, 0), pulse(5, 0)]),
            (false, false)
        );
        assert_eq!(look(&mut watch, &[pulse(1, 0), pulse(9, 0)]), (true, true));
        assert_eq!(
            look(&mut watch, &[pulse(1, 0), pulse(12, 0)]),
            (true, false)
        );
    }

    #[test]
    fn a_fault_counts_while_somebody_works_on_it() {
        let mut watch = Watch::default();
        assert_eq!(look(&mut watch, &[pulse(0, 1)]), (true, true));
        assert_eq!(look(&mut watch, &[pulse(0, 2)]), (true, true));
        assert_eq!(look(&mut watch, &[pulse(0, 2)]), (true, false));
        assert_eq!(look(&mut watch, &[pulse(7, 2)]), (true, true));
    }

    #[test]
    fn an_ended_source_is_nothing_to_restart_for() {
        let mut watch = Watch::default();
        let ended = Pulse {
            ended: true,
            ..Pulse::default()
        };
        assert_eq!(look(&mut watch, &[ended]), (true, true));
        assert_eq!(look(&mut watch, &[ended]), (true, true));
    }
}
