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
