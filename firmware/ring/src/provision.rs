//! Making slots: how many each camera gets, and the next one to create or remove.
//!
//! [`Provision::step`] carries out one action, so that a thread in the background
//! can fill the card while recording runs. Files that are not slots are never touched.

use std::io;

use crate::card_full::CardFull;
use crate::catalog::{Catalog, Ring};
use crate::directory::{Directory, Space};
use crate::fault::Fault;
use crate::name::SlotName;
use crate::slots::{Claim, Owner, SlotTable};

/// Slots a camera needs to record in a ring: one being recorded, one just finished, one to take
/// next.
pub const MIN_SLOTS: usize = 3;

/// How many slots to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slots {
    /// So many, for all cameras together.
    Count(u32),
    /// As many as fit.
    Fill(Reserve),
}

/// What to leave free on the card.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reserve {
    /// In bytes.
    Bytes(u64),
    /// In percent of the card, 0 to 100.
    Percent(f64),
}

/// A configured camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CameraNeed {
    /// Its letter.
    pub camera: u8,
    /// Bytes of one of its slots.
    pub slot_size: u64,
}

/// How many slots each configured camera should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provision {
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    need: CameraNeed,
    slots: usize,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A slot was created; there may be more to do.
    Created(SlotName),
    /// A slot was removed, unless somebody works on it; there may be more to do.
    Removed(SlotName),
    /// Nothing more can be done until there is room; try again every minute or so.
    Full(CardFull),
    /// Nothing more is to be done.
    Done,
}

impl Provision {
    /// Decides how many slots each camera should have, on a card with `space` left next to what
    /// `catalog` lists.
    pub fn plan(slots: Slots, cameras: &[CameraNeed], space: Space, catalog: &Catalog) -> Self {
        let whole = match slots {
            Slots::Count(count) => u64::from(count),
            Slots::Fill(reserve) => usable(reserve, cameras, space, catalog),
        };
        let targets = cameras
            .iter()
            .zip(divide(whole, cameras.len()))
            .map(|(&need, part)| {
                let count = match slots {
                    Slots::Count(_) => part,
                    // Recording matters more than the reserve.
                    Slots::Fill(_) => (part / need.slot_size.max(1)).max(MIN_SLOTS as u64),
                };
                let slots = usize::try_from(count).unwrap_or(usize::MAX);
                Target { need, slots }
            })
            .collect();
        Self { targets }
    }

    /// How many slots a camera should have; 0 for one that is not configured.
    pub fn target(&self, camera: u8) -> usize {
        self.targets
            .iter()
            .find(|target| target.need.camera == camera)
            .map_or(0, |target| target.slots)
    }

    /// Does the next thing there is to do on the card: removes a spare slot of the wrong size or one too many, makes one that
    /// is missing, or, for want of room, removes one of a camera that is no longer configured. Slots in `busy` are left alone,
    /// and those that somebody works on or that hold footage after all, which come to them.
    ///
    /// Segments of a configured camera are never removed here: those too many go one at a time as
    /// their turn comes ([`crate::surplus`]).
    pub fn step(
        &self,
        directory: &impl Directory,
        table: &SlotTable,
        busy: &mut Vec<SlotName>,
    ) -> io::Result<Step> {
        let (catalog, space) = (table.catalog(), directory.space()?);
        if let Some(spare) = self.unfit_spare(&catalog, busy) {
            return remove(spare, directory, table, busy);
        }
        let fill =
            |target: &Target| catalog.ring(target.need.camera).len() as f64 / target.slots as f64;
        let emptiest = self
            .targets
            .iter()
            .filter(|target| catalog.ring(target.need.camera).len() < target.slots)
            .min_by(|a, b| fill(a).total_cmp(&fill(b)));
        let Some(&Target { need, .. }) = emptiest else {
            return Ok(Step::Done);
        };
        if need.slot_size <= space.available {
            let owner = Owner::Provisioning;
            return match Claim::make(table, directory, need.camera, need.slot_size, owner) {
                Ok((claim, _)) => Ok(Step::Created(claim.slot())),
                // The filesystem needed more than it had said.
                Err(error) if Fault::of(&error) == Fault::NoSpace => {
                    Ok(Step::Full(self.card_full(&catalog, directory.space()?)))
                }
                Err(error) => Err(error),
            };
        }
        match self.leftover(&catalog, busy) {
            Some(slot) => remove(slot, directory, table, busy),
            None => Ok(Step::Full(self.card_full(&catalog, space))),
        }
    }

    /// What is missing and what takes the room.
    fn card_full(&self, catalog: &Catalog, space: Space) -> CardFull {
        let missing = |target: &Target| {
            let has = catalog.ring(target.need.camera).len();
            target.slots.saturating_sub(has)
        };
        CardFull {
            slots: self.targets.iter().map(missing).sum(),
            bytes: self
                .targets
                .iter()
                .map(|target| target.need.slot_size.saturating_mul(missing(target) as u64))
                .sum(),
            available: space.available,
            foreign: catalog.foreign(),
            others: space
                .total
                .saturating_sub(space.available)
                .saturating_sub(catalog.bytes()),
        }
    }

    /// A spare slot of a configured camera that has the wrong size or is one too many.
    fn unfit_spare(&self, catalog: &Catalog, busy: &[SlotName]) -> Option<SlotName> {
        self.targets.iter().find_map(|target| {
            let ring = catalog.ring(target.need.camera);
            let too_many = ring.len() > target.slots;
            ring.spares()
                .iter()
                .rev()
                .find(|spare| {
                    let wrong = spare.size != target.need.slot_size;
                    (too_many || wrong) && !busy.contains(&spare.slot())
                })
                .map(|spare| spare.slot())
        })
    }

    /// A slot of a camera that is not configured any more: spare ones first, then the oldest
    /// unlocked segment.
    fn leftover(&self, catalog: &Catalog, busy: &[SlotName]) -> Option<SlotName> {
        let rings = || {
            catalog
                .cameras()
                .filter(|&camera| {
                    self.targets
                        .iter()
                        .all(|target| target.need.camera != camera)
                })
                .map(|camera| catalog.ring(camera))
        };
        let spares = rings().flat_map(|ring| ring.spares().iter().map(|spare| spare.slot()));
        spares
            .chain(rings().flat_map(unlocked))
            .find(|slot| !busy.contains(slot))
    }
}

fn remove(
    slot: SlotName,
    directory: &impl Directory,
    table: &SlotTable,
    busy: &mut Vec<SlotName>,
) -> io::Result<Step> {
    let claim = table.claim(slot, Owner::Provisioning);
    let gone = claim.map_or(Ok(false), |claim| claim.remove(directory))?;
    if !gone {
        busy.push(slot);
    }
    Ok(Step::Removed(slot))
}

fn unlocked(ring: &Ring) -> impl Iterator<Item = SlotName> {
    let segments = ring.segments().iter();
    segments
        .filter(|segment| !segment.name.class.is_locked())
        .map(|segment| segment.slot())
}

/// Bytes that slots may take in all: what is free, and what slots take already and could give up.
fn usable(reserve: Reserve, cameras: &[CameraNeed], space: Space, catalog: &Catalog) -> u64 {
    let configured = |camera: u8| cameras.iter().any(|need| need.camera == camera);
    let own: u64 = catalog
        .cameras()
        .map(|camera| {
            let ring = catalog.ring(camera);
            let kept: u64 = ring
                .segments()
                .iter()
                .filter(|segment| !configured(camera) && segment.name.class.is_locked())
                .map(|segment| segment.size)
                .sum();
            ring.bytes() - kept
        })
        .sum();
    let reserve = match reserve {
        Reserve::Bytes(bytes) => bytes,
        Reserve::Percent(percent) => (space.total as f64 * percent / 100.0) as u64,
    };
    let bytes = (space.available + own).saturating_sub(reserve);
    // The filesystem's own tables grow with the slots.
    bytes - bytes / 256
}

/// Divides `total` among so many cameras, to the last one.
fn divide(total: u64, cameras: usize) -> impl Iterator<Item = u64> {
    let cameras = cameras as u64;
    (0..cameras).map(move |n| total / cameras + u64::from(n < total % cameras))
}

#[cfg(test)]
#[path = "provision_tests.rs"]
mod tests;
