//! Where the next segment goes: looking at the card, and taking a slot from it.
//!
//! In this order: a spare slot; a new one, while the ring has fewer than it shall have; a slot without footage that failed
//! before, once its time has come; the oldest segment; and the newest only where nothing is left. Before an old segment is
//! touched its file must take a flush, and after failures some time must have passed ([`super::caution`]).

use std::io;

use picam_mp4::layout::PAGE;
use picam_mp4::{Flush, PageBuf, SlotFile};

use super::Recorder;
use super::boot::newest_record;
use super::error::{RecordError, doing};
use crate::directory::Directory;
use crate::fault::Fault;
use crate::name::SlotName;
use crate::policy::{Choice, Why, next_slot, surplus};
use crate::provision::MIN_SLOTS;
use crate::sequence::digits_of;
use crate::slots::{Claim, Owner};
use crate::unnamed::unnamed_footage;

/// How many spare slots are looked at for footage that a power cut left unnamed.
const SPARES_LOOKED_AT: usize = 4;
/// Slots that turn out not to be of use before the card is said to have refused.
const TRIES: usize = 32;
/// So often must the last slot that is no footage have failed before the newest footage is given up.
const HOPELESS: u32 = 8;

/// What a slot that was tried turned out to be.
enum Tried<F> {
    Open(F),
    /// It holds footage after all, is gone, or does not open: another one.
    Another,
}

impl<D: Directory> Recorder<D> {
    /// Looks at the card if that was not done yet, or not since it failed.
    fn look_at_card(&mut self) -> Result<(), RecordError> {
        if self.slots.is_known() && self.last_sequence.is_some() {
            return Ok(());
        }
        if !self.slots.is_known() {
            self.slots
                .look(&self.directory)
                .map_err(doing("listing the card"))?;
        }
        let letter = self.config.letter;
        let ring = self.slots.ring(letter, Clone::clone);
        let newest = newest_record(&self.directory, &ring);
        if let Some(record) = &newest {
            self.slots.set_newest(letter, digits_of(record.sequence));
        }
        let last = newest.map(|record| record.sequence).or_else(|| {
            // No record can be read: the digits in the name are better than nothing.
            ring.newest().map(|segment| segment.name.sequence.into())
        });
        self.last_sequence = self.last_sequence.max(last).or(Some(0));
        // A segment that was cut off before it got its name lies in a spare slot.
        for spare in ring.spares().iter().take(SPARES_LOOKED_AT) {
            if let Ok(file) = self.directory.open(&spare.slot().to_string()) {
                self.note_footage(spare.slot(), &file);
            }
        }
        Ok(())
    }

    /// Keeps a spare slot from being used if it holds footage without a name; says whether it does.
    fn note_footage(&mut self, slot: SlotName, file: &D::File) -> bool {
        let Some(record) = unnamed_footage(file) else {
            return false;
        };
        self.last_sequence = self.last_sequence.max(Some(record.sequence));
        self.slots.holds_footage(slot);
        true
    }

    /// Finds room for the next segment: a slot whose content is given up, claimed.
    pub(super) fn take_slot(&mut self) -> Result<D::File, RecordError> {
        self.look_at_card()?;
        // A slot that a segment could not be begun in is tried again until it is given up.
        if let Some(claim) = self.claim.take()
            && matches!(claim.slot(), SlotName::Spare { .. })
            && let Some(file) = self.open(&claim)
        {
            self.claim = Some(claim);
            return Ok(file);
        }
        self.remove_surplus();
        for _ in 0..TRIES {
            if let Some(choice) = self.choose(|slot| slot.failed, Some(Why::Spare)) {
                match self.take_spare(choice)? {
                    Tried::Open(file) => return Ok(file),
                    Tried::Another => continue,
                }
            }
            if self.slots.ring(self.config.letter, |ring| ring.len()) < self.target() {
                match self.make_slot() {
                    Ok(file) => return Ok(file),
                    Err(error) => self.ring_must_do(error)?,
                }
            }
            if let Some(choice) = self.choose(|slot| slot.waits, Some(Why::Spare)) {
                return self.take_failed(choice);
            }
            if !self.caution.may_give_up_footage() {
                return Err(waiting());
            }
            let old = self
                .choose(|slot| slot.waits, None)
                .or_else(|| self.choose_newest());
            let Some(choice) = old else {
                return Err(waiting());
            };
            match self.take_footage(choice)? {
                Tried::Open(file) => return Ok(file),
                Tried::Another => continue,
            }
        }
        Err(waiting())
    }

    fn target(&self) -> usize {
        let target = self.slots.target(self.config.letter);
        target.unwrap_or(self.config.slots)
    }

    /// Chooses a slot, but none that `leave` says of, and claims it; only for this reason, or (`None`) for any but the last.
    fn choose(
        &self,
        leave: impl Fn(crate::slots::SlotFacts) -> bool,
        why: Option<Why>,
    ) -> Option<(Choice, Claim)> {
        self.slots.choose(
            self.config.letter,
            leave,
            |ring, busy| {
                next_slot(ring, &self.config.shares, self.config.slot_size, busy).filter(|choice| {
                    match why {
                        Some(why) => choice.why == why,
                        None => choice.why != Why::LastResort,
                    }
                })
            },
            self.caution.now(),
        )
    }

    /// The newest footage: only where every slot without footage has failed again and again, or there is none.
    fn choose_newest(&self) -> Option<(Choice, Claim)> {
        if self.slots.has_hope(self.config.letter, HOPELESS) {
            return None;
        }
        let newest = |set_aside: bool| {
            self.slots.choose(
                self.config.letter,
                |slot| slot.times == u32::MAX && !set_aside,
                |ring, busy| {
                    next_slot(ring, &self.config.shares, self.config.slot_size, busy)
                        .filter(|choice| set_aside || choice.why != Why::Spare)
                },
                self.caution.now(),
            )
        };
        // Better a slot that forgets than nothing to record into.
        newest(false).or_else(|| newest(true))
    }

    /// A new slot could not be made. Returns only if the ring is as large as it can be.
    fn ring_must_do(&mut self, error: RecordError) -> Result<(), RecordError> {
        let full = error.io().map(Fault::of) == Some(Fault::NoSpace);
        let has_few = self.slots.ring(self.config.letter, |ring| ring.len()) < MIN_SLOTS;
        if full {
            self.caution.no_need_to_make();
            return Ok(());
        }
        // A slot that failed before is rather tried again than footage lost.
        if !has_few && self.caution.cannot_make() {
            return Ok(());
        }
        match self.choose(|slot| slot.waits, Some(Why::Spare)) {
            // The claim goes; it is taken in a moment.
            Some(_) => Ok(()),
            None => Err(error),
        }
    }

    /// There shall be fewer slots than before: one goes with every segment. One that cannot be removed is no obstacle.
    fn remove_surplus(&mut self) {
        let target = self.target();
        let shares = self.config.shares;
        let extra = self.slots.choose(
            self.config.letter,
            |slot| slot.failed,
            |ring, busy| surplus(ring, &shares, target, busy),
            self.caution.now(),
        );
        if let Some((_, claim)) = extra {
            // What the card refuses now has its turn again with the next segment.
            let _ = claim.remove(&self.directory);
        }
    }

    fn take_spare(
        &mut self,
        (choice, claim): (Choice, Claim),
    ) -> Result<Tried<D::File>, RecordError> {
        if choice.replace {
            let gone = claim
                .remove(&self.directory)
                .map_err(doing("removing a slot of the wrong size"))
                .inspect_err(|_| self.slots.forget())?;
            return match gone {
                true => self.make_slot().map(Tried::Open),
                false => Ok(Tried::Another),
            };
        }
        let Some(file) = self.open(&claim) else {
            return Ok(Tried::Another);
        };
        if self.note_footage(claim.slot(), &file) {
            return Ok(Tried::Another);
        }
        self.claim = Some(claim);
        Ok(Tried::Open(file))
    }

    /// Tries a slot without footage that failed before: its first page is written as it is, and must become durable.
    fn take_failed(&mut self, (choice, claim): (Choice, Claim)) -> Result<D::File, RecordError> {
        if choice.replace {
            let _ = claim.remove(&self.directory);
            return self.make_slot();
        }
        let slot = claim.slot();
        let file = self
            .directory
            .open(&slot.to_string())
            .and_then(|mut file| probe(&mut file).map(|()| file))
            .map_err(doing("trying a slot again that failed before"))
            .inspect_err(|_| self.slots.failed(slot, self.caution.now()))?;
        if self.note_footage(slot, &file) {
            self.slots.works(slot);
            return Err(waiting());
        }
        self.slots.works(slot);
        self.claim = Some(claim);
        Ok(file)
    }

    /// Gives footage up for the next segment.
    fn take_footage(
        &mut self,
        (choice, mut claim): (Choice, Claim),
    ) -> Result<Tried<D::File>, RecordError> {
        let Some(mut file) = self.open(&claim) else {
            return Ok(Tried::Another);
        };
        // A card that makes nothing durable gets no footage given up for it.
        file.flush(Flush::Data)
            .map_err(doing(
                "flushing the oldest segment before its slot is used again",
            ))
            .inspect_err(|_| {
                if self.slots.has_failed(claim.slot()) {
                    self.slots.failed(claim.slot(), self.caution.now());
                }
            })?;
        self.slots.works(claim.slot());
        claim
            .make_spare(&self.directory)
            .map_err(doing("giving the oldest segment's slot to the next one"))
            .inspect_err(|_| self.slots.forget())?;
        if choice.replace {
            drop(file);
            claim
                .remove(&self.directory)
                .map_err(doing("removing a slot of the wrong size"))
                .inspect_err(|_| self.slots.forget())?;
            return self.make_slot().map(Tried::Open);
        }
        self.claim = Some(claim);
        Ok(Tried::Open(file))
    }

    /// Opens a slot; one that does not open is set aside, or forgotten if it is gone.
    fn open(&mut self, claim: &Claim) -> Option<D::File> {
        match self.directory.open(&claim.slot().to_string()) {
            Ok(file) => Some(file),
            Err(error) => {
                if error.kind() == io::ErrorKind::NotFound {
                    self.slots.vanished(claim.slot());
                } else {
                    self.slots.failed(claim.slot(), self.caution.now());
                }
                None
            }
        }
    }

    fn make_slot(&mut self) -> Result<D::File, RecordError> {
        let letter = self.config.letter;
        let owner = Owner::Recorder(letter);
        let size = self.config.slot_size;
        let (claim, file) = Claim::make(&self.slots, &self.directory, letter, size, owner)
            .map_err(RecordError::NoSlot)?;
        self.caution.no_need_to_make();
        self.claim = Some(claim);
        Ok(file)
    }

    /// The slot being recorded into refused again and again.
    pub(super) fn slot_failed(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.slots.failed(claim.slot(), self.caution.now());
        }
        self.caution.struck();
    }
}

/// Nothing may be taken yet.
fn waiting() -> RecordError {
    RecordError::NoSlot(io::Error::other(
        "the card refused to write; what it holds is not given up while it does",
    ))
}

/// Writes a slot's first page as it is and makes it durable.
fn probe(file: &mut impl SlotFile) -> io::Result<()> {
    let mut page = PageBuf::zeroed(PAGE);
    file.read_exact_at(0, page.as_mut_slice())?;
    file.write_at(0, page.as_slice())?;
    file.flush(Flush::All)
}
