//! The table itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use picam_time::BootNs;

use super::claim::{Claim, Owner};
use super::failures::Failures;
use crate::catalog::{Catalog, Ring};
use crate::directory::Directory;
use crate::name::{SEQUENCE_MODULUS, SlotName};
use crate::policy::Choice;
use crate::sequence::distance;

/// What everybody who works in one footage directory knows of it. Clones are the same table.
#[derive(Debug, Clone, Default)]
pub struct SlotTable(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// `None` before anybody has looked, and after the card failed.
    catalog: Option<Catalog>,
    /// Sequence digits of each camera's newest segment, once header records or its recorder have told.
    newest: BTreeMap<u8, u32>,
    claims: HashMap<SlotName, Held>,
    /// Spare slots with footage that was cut off before it got its name.
    footage: HashSet<SlotName>,
    failures: Failures,
    /// How many slots a camera shall have.
    targets: HashMap<u8, usize>,
    /// Names of spare slots that something on the card has, though it is no slot that we know.
    occupied: HashSet<SlotName>,
    /// Listings under way, and what was changed meanwhile.
    listings: usize,
    journal: Vec<Change>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    owner: Owner,
    /// Its file is being made, and so may or may not be on the card; its length in bytes.
    making: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    There(SlotName, u64),
    Gone(SlotName),
}

impl SlotTable {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics; and a table half changed is still better than none.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists the card anew. What is changed through the table meanwhile is not lost.
    pub fn look(&self, directory: &impl Directory) -> io::Result<()> {
        self.state().listings += 1;
        let listed = Catalog::read(directory);
        let mut state = self.state();
        state.listings -= 1;
        let installed = listed.map(|catalog| state.install(catalog));
        if state.listings == 0 {
            state.journal.clear();
        }
        installed
    }

    /// Whether it is known what is on the card.
    pub fn is_known(&self) -> bool {
        self.state().catalog.is_some()
    }

    /// What was known of the card may be wrong: it must be looked at again.
    pub fn forget(&self) {
        self.state().catalog = None;
    }

    /// What is on the card; empty if nobody has looked.
    pub fn catalog(&self) -> Catalog {
        self.state().catalog.clone().unwrap_or_default()
    }

    /// Asks about a camera's slots; only in memory, for the table is locked meanwhile.
    pub fn ring<T>(&self, camera: u8, ask: impl FnOnce(&Ring) -> T) -> T {
        match &self.state().catalog {
            Some(catalog) => ask(catalog.ring(camera)),
            None => ask(Catalog::default().ring(camera)),
        }
    }

    /// Whether a name is one of our slots', or of something that keeps a slot from having it.
    pub fn is_taken(&self, camera: u8, sequence: u32) -> bool {
        let state = self.state();
        let Some(catalog) = &state.catalog else {
            return false;
        };
        catalog.ring(camera).find(sequence).is_some()
            || catalog.unusable_slots().any(|slot| {
                matches!(slot, SlotName::Segment(name) if name.camera == camera && name.sequence == sequence)
            })
    }

    /// Settles which segment of a camera is the newest.
    pub fn set_newest(&self, camera: u8, sequence: u32) {
        let mut state = self.state();
        state.newest.insert(camera, sequence);
        if let Some(catalog) = &mut state.catalog {
            catalog.set_newest(camera, sequence);
        }
    }

    /// How many slots a camera shall have, once that has been planned.
    pub fn target(&self, camera: u8) -> Option<usize> {
        self.state().targets.get(&camera).copied()
    }

    /// Plans how many slots a camera shall have.
    pub fn set_target(&self, camera: u8, slots: usize) {
        self.state().targets.insert(camera, slots);
    }

    /// Who works on a slot.
    pub fn owner(&self, slot: SlotName) -> Option<Owner> {
        self.state().claims.get(&slot).map(|held| held.owner)
    }

    /// Takes a slot to work on it; `None` while somebody else does, or if there is no such slot.
    pub fn claim(&self, slot: SlotName, owner: Owner) -> Option<Claim> {
        let mut state = self.state();
        let size = state.catalog.as_ref()?.size_of(slot)?;
        if state.claims.contains_key(&slot) {
            return None;
        }
        state.claims.insert(
            slot,
            Held {
                owner,
                making: None,
            },
        );
        Some(Claim::new(self.clone(), slot, size))
    }

    /// Chooses one of a camera's slots and takes it, both at once. `choose` gets the camera's ring and the slots that are not
    /// to be had: claimed ones, and those that `leave` says of.
    pub(crate) fn choose(
        &self,
        camera: u8,
        leave: impl Fn(SlotFacts) -> bool,
        choose: impl FnOnce(&Ring, &[SlotName]) -> Option<Choice>,
        now: BootNs,
    ) -> Option<(Choice, Claim)> {
        let mut state = self.state();
        let catalog = state.catalog.as_ref()?;
        let ring = catalog.ring(camera);
        let spares = ring.spares().iter().map(|spare| spare.slot());
        let slots = ring.segments().iter().map(|segment| segment.slot());
        let busy: Vec<SlotName> = spares
            .chain(slots)
            .filter(|slot| {
                state.claims.contains_key(slot)
                    || state.footage.contains(slot)
                    || leave(SlotFacts {
                        failed: state.failures.has(slot),
                        waits: state.failures.waits(slot, now),
                        times: state.failures.times(slot),
                    })
            })
            .collect();
        let choice = choose(ring, &busy)?;
        let owner = Owner::Recorder(camera);
        state.claims.insert(
            choice.slot,
            Held {
                owner,
                making: None,
            },
        );
        Some((choice, Claim::new(self.clone(), choice.slot, choice.size)))
    }

    /// A spare slot holds footage that was cut off before it got its name.
    pub fn holds_footage(&self, slot: SlotName) {
        self.state().footage.insert(slot);
    }

    /// It does not any more.
    pub fn holds_no_footage(&self, slot: SlotName) {
        self.state().footage.remove(&slot);
    }

    /// A slot failed.
    pub fn failed(&self, slot: SlotName, now: BootNs) {
        self.state().failures.note(slot, now);
    }

    /// A slot must not be used any more: it does not hold what is written to it.
    pub fn set_aside(&self, slot: SlotName) {
        self.state().failures.set_aside(slot);
    }

    /// A slot works.
    pub fn works(&self, slot: SlotName) {
        self.state().failures.clear(&slot);
    }

    /// Slots of a camera that failed and have not worked since.
    pub fn failed_slots(&self, camera: u8) -> usize {
        self.state().failures.count(camera)
    }

    /// Whether a slot failed and has not worked since.
    pub fn has_failed(&self, slot: SlotName) -> bool {
        self.state().failures.has(&slot)
    }

    /// Whether a camera has a slot without footage that failed less than `times` times: one that may yet work.
    pub(crate) fn has_hope(&self, camera: u8, times: u32) -> bool {
        let state = self.state();
        let Some(catalog) = &state.catalog else {
            return false;
        };
        let mut spares = catalog.ring(camera).spares().iter();
        spares.any(|spare| {
            let slot = spare.slot();
            !state.footage.contains(&slot) && state.failures.times(&slot) < times
        })
    }

    /// A slot is not on the card any more.
    pub(crate) fn vanished(&self, slot: SlotName) {
        self.removed(slot);
    }

    // What claims do.

    pub(super) fn reserve(&self, slot: SlotName) -> bool {
        let mut state = self.state();
        if state.claims.contains_key(&slot) || state.size_of(slot).is_some() {
            return false;
        }
        let owner = Owner::Provisioning;
        state.claims.insert(
            slot,
            Held {
                owner,
                making: None,
            },
        );
        true
    }

    pub(super) fn release(&self, slot: SlotName) {
        let mut state = self.state();
        if state
            .claims
            .remove(&slot)
            .is_some_and(|held| held.making.is_some())
        {
            state.gone(slot);
        }
    }

    pub(super) fn renamed(&self, from: SlotName, to: SlotName, size: u64) {
        let mut state = self.state();
        let owner = state.claims.remove(&from).map(|held| held.owner);
        if let (Some(owner), Some(held)) = (owner, state.claims.get_mut(&to)) {
            held.owner = owner;
        }
        state.footage.remove(&from);
        state.failures.renamed(&from, to);
        state.gone(from);
        state.there(to, size);
        if let SlotName::Segment(name) = to
            && let Some(newest) = state.newest.get_mut(&name.camera)
            && distance(*newest, name.sequence) < SEQUENCE_MODULUS / 2
        {
            *newest = name.sequence;
        }
    }

    pub(super) fn removed(&self, slot: SlotName) {
        let mut state = self.state();
        state.footage.remove(&slot);
        state.failures.clear(&slot);
        state.gone(slot);
    }

    /// A name for a spare slot that nobody has, as far as anybody knows.
    pub(super) fn free_spare(&self, camera: u8) -> SlotName {
        self.state().free_spare(camera)
    }

    pub(super) fn reserve_spare(&self, camera: u8, size: u64, owner: Owner) -> Claim {
        let mut state = self.state();
        let slot = state.free_spare(camera);
        let making = Some(size);
        state.claims.insert(slot, Held { owner, making });
        // It counts from now on, so that nobody makes one too many.
        state.there(slot, size);
        drop(state);
        Claim::new(self.clone(), slot, size)
    }

    pub(super) fn made(&self, slot: SlotName) {
        if let Some(held) = self.state().claims.get_mut(&slot) {
            held.making = None;
        }
    }

    pub(super) fn occupied(&self, slot: SlotName) {
        self.state().occupied.insert(slot);
    }
}

/// What is known of a slot when one is chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotFacts {
    /// It failed, and has not worked since.
    pub(crate) failed: bool,
    /// Its time to be tried again has not come.
    pub(crate) waits: bool,
    /// How often it failed.
    pub(crate) times: u32,
}

impl State {
    fn size_of(&self, slot: SlotName) -> Option<u64> {
        self.catalog.as_ref()?.size_of(slot)
    }

    fn install(&mut self, mut catalog: Catalog) {
        for change in &self.journal {
            apply(&mut catalog, *change);
        }
        for (&slot, held) in &self.claims {
            if let Some(size) = held.making {
                apply(&mut catalog, Change::There(slot, size));
            }
        }
        for (&camera, &newest) in &self.newest {
            if catalog.ring(camera).find(newest).is_some() {
                catalog.set_newest(camera, newest);
            }
        }
        let there = |slot: &SlotName| catalog.size_of(*slot).is_some();
        self.footage.retain(there);
        // What was in the way may have been taken away.
        self.occupied.clear();
        self.catalog = Some(catalog);
    }

    fn change(&mut self, change: Change) {
        if self.listings > 0 {
            self.journal.push(change);
        }
        if let Some(catalog) = &mut self.catalog {
            apply(catalog, change);
        }
    }

    fn there(&mut self, slot: SlotName, size: u64) {
        self.change(Change::There(slot, size));
    }

    fn gone(&mut self, slot: SlotName) {
        self.change(Change::Gone(slot));
    }

    fn free_spare(&self, camera: u8) -> SlotName {
        let spare = |sequence| SlotName::Spare { camera, sequence };
        let first = match &self.catalog {
            Some(catalog) => catalog.ring(camera).free_spare_number(),
            None => 0,
        };
        let in_the_way = |slot: SlotName| {
            self.claims.contains_key(&slot)
                || self.occupied.contains(&slot)
                || self.size_of(slot).is_some()
                || self
                    .catalog
                    .as_ref()
                    .is_some_and(|catalog| catalog.unusable_slots().any(|other| other == slot))
        };
        (0..SEQUENCE_MODULUS)
            .map(|n| spare((first + n) % SEQUENCE_MODULUS))
            .find(|&slot| !in_the_way(slot))
            .unwrap_or(spare(first))
    }
}

fn apply(catalog: &mut Catalog, change: Change) {
    match change {
        Change::There(slot, size) => {
            if catalog.size_of(slot).is_none() {
                catalog.added(slot, size);
            }
        }
        Change::Gone(slot) => {
            catalog.removed(slot);
        }
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
