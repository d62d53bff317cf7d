//! Slots that the card refused to be written: set aside, and tried again after a while.

use std::collections::HashMap;

use crate::name::SlotName;

/// A slot that failed once is tried again after this time, in nanoseconds.
pub const FIRST_PROBE_NS: u64 = 1_000_000_000;
/// The pause doubles with each failure up to this, in nanoseconds: a queue of ten seconds shall see one more try.
pub const LAST_PROBE_NS: u64 = 8_000_000_000;

#[derive(Debug, Clone, Copy)]
struct Failure {
    retry_at_ns: u64,
    wait_ns: u64,
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
    /// It failed (again) at `now_ns`.
    pub(super) fn note(&mut self, slot: SlotName, now_ns: u64) {
        let failure = self.slots.entry(slot).or_insert(Failure {
            retry_at_ns: 0,
            wait_ns: FIRST_PROBE_NS / 2,
            times: 0,
            for_good: false,
        });
        failure.times = failure.times.saturating_add(1);
        failure.wait_ns = (failure.wait_ns * 2).min(LAST_PROBE_NS);
        failure.retry_at_ns = now_ns.saturating_add(failure.wait_ns);
    }

    /// It is not to be used any more.
    pub(super) fn set_aside(&mut self, slot: SlotName) {
        let failure = Failure {
            retry_at_ns: u64::MAX,
            wait_ns: LAST_PROBE_NS,
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
    pub(super) fn waits(&self, slot: &SlotName, now_ns: u64) -> bool {
        self.slots
            .get(slot)
            .is_some_and(|failure| failure.for_good || failure.retry_at_ns > now_ns)
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
