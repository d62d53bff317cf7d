//! Slots that the card refused to be written: set aside, and tried again after a while.

use std::collections::HashMap;
use std::time::Duration;

use picam_time::BootNs;

use crate::name::SlotName;

/// A slot that failed once is tried again after this time.
pub const FIRST_PROBE: Duration = Duration::from_secs(1);
/// The pause doubles with each failure up to this: a queue of ten seconds shall see one more try.
pub const LAST_PROBE: Duration = Duration::from_secs(8);

#[derive(Debug, Clone, Copy)]
struct Failure {
    retry_at: BootNs,
    wait: Duration,
    times: u32,
    /// It does not hold what is written to it, whatever it answers.
    for_good: bool,
}

/// Which slots failed, and when they are tried again.
#[derive(Debug, Default)]
pub(super) struct Failures {
    slots: HashMap<SlotName, Failure>,
}

impl Failures {
    /// It failed (again).
    pub(super) fn note(&mut self, slot: SlotName, now: BootNs) {
        let failure = self.slots.entry(slot).or_insert(Failure {
            retry_at: BootNs::ZERO,
            wait: FIRST_PROBE / 2,
            times: 0,
            for_good: false,
        });
        failure.times = failure.times.saturating_add(1);
        failure.wait = (failure.wait * 2).min(LAST_PROBE);
        failure.retry_at = now + failure.wait;
    }

    /// It is not to be used any more.
    pub(super) fn set_aside(&mut self, slot: SlotName) {
        let failure = Failure {
            retry_at: BootNs::MAX,
            wait: LAST_PROBE,
            times: 1,
            for_good: true,
        };
        self.slots.insert(slot, failure);
    }

    /// It works, or is gone.
    pub(super) fn clear(&mut self, slot: &SlotName) {
        self.slots.remove(slot);
    }

    pub(super) fn renamed(&mut self, from: &SlotName, to: SlotName) {
        if let Some(failure) = self.slots.remove(from) {
            self.slots.insert(to, failure);
        }
    }

    pub(super) fn has(&self, slot: &SlotName) -> bool {
        self.slots.contains_key(slot)
    }

    /// Whether it failed and its time to be tried again has not come.
    pub(super) fn waits(&self, slot: &SlotName, now: BootNs) -> bool {
        self.slots
            .get(slot)
            .is_some_and(|failure| failure.for_good || failure.retry_at > now)
    }

    /// How often it failed since it last worked.
    pub(super) fn times(&self, slot: &SlotName) -> u32 {
        self.slots
            .get(slot)
            .map_or(0, |failure| match failure.for_good {
                true => u32::MAX,
                false => failure.times,
            })
    }

    /// How many slots of a camera are set aside now.
    pub(super) fn count(&self, camera: u8) -> usize {
        self.slots
            .keys()
            .filter(|slot| slot.camera() == camera)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: BootNs = BootNs::from_secs(100);

    fn slot(sequence: u32) -> SlotName {
        SlotName::Spare {
            camera: b'F',
            sequence,
        }
    }

    #[test]
    fn a_slot_that_fails_again_and_again_is_tried_again_ever_later() {
        let mut failures = Failures::default();
        for (times, pause) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 8)] {
            failures.note(slot(1), NOW);
            assert_eq!(failures.times(&slot(1)), times);
            let due = NOW + Duration::from_secs(pause);
            assert!(failures.waits(&slot(1), BootNs(due.0 - 1)), "{times}");
            assert!(!failures.waits(&slot(1), due), "{times}");
        }
        assert!(!failures.waits(&slot(2), NOW) && !failures.has(&slot(2)));
        assert_eq!((failures.times(&slot(2)), failures.count(b'F')), (0, 1));
        assert_eq!(failures.count(b'R'), 0);
        failures.clear(&slot(1));
        assert_eq!(
            (failures.has(&slot(1)), failures.times(&slot(1))),
            (false, 0)
        );
    }

    #[test]
    fn a_slot_that_does_not_hold_what_it_took_is_never_tried_again() {
        let mut failures = Failures::default();
        failures.set_aside(slot(1));
        assert!(failures.waits(&slot(1), BootNs::MAX));
        assert_eq!(failures.times(&slot(1)), u32::MAX);
    }

    #[test]
    fn a_failure_goes_with_the_slots_name() {
        let mut failures = Failures::default();
        failures.note(slot(1), NOW);
        failures.renamed(&slot(1), slot(2));
        assert_eq!([1, 2].map(|n| failures.waits(&slot(n), NOW)), [false, true]);
        // One that is well takes nothing along.
        failures.renamed(&slot(3), slot(4));
        assert_eq!(failures.count(b'F'), 1);
    }
}
