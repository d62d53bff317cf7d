//! Where the next segment goes: looking at the card, and taking a slot from it.

use picam_mp4::recover::read_record;
use picam_mp4::{Record, SegmentState, SlotFile, shown_end};

use super::Recorder;
use super::boot::newest_record;
use super::error::{RecordError, doing};
use crate::catalog::Catalog;
use crate::directory::Directory;
use crate::name::SlotName;
use crate::policy::{Choice, next_slot, surplus};
use crate::provision::MIN_SLOTS;
use crate::sequence::digits_of;

/// How many spare slots are looked at for footage that a power cut left unnamed.
const SPARES_LOOKED_AT: usize = 4;

impl<D: Directory> Recorder<D> {
    /// Looks at the card if that was not done yet, or not since it failed.
    fn look_at_card(&mut self) -> Result<(), RecordError> {
        if self.catalog.is_some() && self.last_sequence.is_some() {
            return Ok(());
        }
        let mut catalog = match self.catalog.take() {
            Some(catalog) => catalog,
            None => Catalog::read(&self.directory).map_err(doing("listing the card"))?,
        };
        let letter = self.config.letter;
        let newest = newest_record(&self.directory, catalog.ring(letter));
        if let Some(record) = &newest {
            catalog.set_newest(letter, digits_of(record.sequence));
        }
        let mut last = newest.map(|record| record.sequence).or_else(|| {
            // No record can be read: the digits in the name are better than nothing.
            catalog
                .ring(letter)
                .newest()
                .map(|segment| segment.name.sequence.into())
        });
        // A segment that was cut off before it got its name lies in a spare slot.
        for spare in catalog.ring(letter).spares().iter().take(SPARES_LOOKED_AT) {
            let Ok(file) = self.directory.open(&spare.slot().to_string()) else {
                continue;
            };
            if let Some(record) = unnamed_footage(&file) {
                last = last.max(Some(record.sequence));
                if !self.busy.contains(&spare.slot()) {
                    self.busy.push(spare.slot());
                }
            }
        }
        self.last_sequence = self.last_sequence.max(last).or(Some(0));
        self.catalog = Some(catalog);
        Ok(())
    }

    /// Finds room for the next segment: a slot whose content is given up, and its name.
    pub(super) fn take_slot(&mut self) -> Result<(SlotName, D::File), RecordError> {
        self.look_at_card()?;
        let mut busy = self.busy.clone();
        busy.extend(&self.failed);
        self.remove_surplus(&busy)?;
        let ring = self
            .catalog
            .get_or_insert_default()
            .ring(self.config.letter);
        let size = self.config.slot_size;
        let choice = next_slot(ring, &self.config.shares, size, &busy);
        let enough = ring.len() >= self.config.slots.min(MIN_SLOTS);
        match choice {
            Some(choice) if enough || matches!(choice.slot, SlotName::Spare { .. }) => {
                self.clear_slot(&choice)
            }
            // Too few for a ring: rather a new slot than the newest footage, rather that than none.
            Some(choice) => self.make_slot().or_else(|_| {
                self.look_at_card()?;
                self.clear_slot(&choice)
            }),
            // Better a slot that failed once than none.
            None => self.make_slot().inspect_err(|_| self.failed.clear()),
        }
    }

    /// There shall be fewer slots than before: one goes with every segment.
    fn remove_surplus(&mut self, busy: &[SlotName]) -> Result<(), RecordError> {
        let target = self.config.slots;
        let catalog = self.catalog.get_or_insert_default();
        let ring = catalog.ring(self.config.letter);
        if let Some(extra) = surplus(ring, &self.config.shares, target, busy) {
            self.directory
                .remove(&extra.slot.to_string())
                .map_err(doing("removing a slot too many"))?;
            catalog.removed(extra.slot);
        }
        Ok(())
    }

    /// Makes a slot spare in name, so that nobody is shown it any more, and opens it.
    fn clear_slot(&mut self, choice: &Choice) -> Result<(SlotName, D::File), RecordError> {
        let letter = self.config.letter;
        let catalog = self.catalog.get_or_insert_default();
        let mut slot = choice.slot;
        if let SlotName::Segment(_) = slot {
            let sequence = catalog.ring(letter).free_spare_number();
            slot = SlotName::Spare {
                camera: letter,
                sequence,
            };
            self.directory
                .rename(&choice.slot.to_string(), &slot.to_string())
                .and_then(|()| self.directory.sync())
                .map_err(doing("giving the oldest segment's slot to the next one"))
                .inspect_err(|_| self.catalog = None)?;
            if let Some(catalog) = &mut self.catalog {
                catalog.renamed(choice.slot, slot);
            }
        }
        if choice.replace {
            self.directory
                .remove(&slot.to_string())
                .map_err(doing("removing a slot of the wrong size"))
                .inspect_err(|_| self.catalog = None)?;
            if let Some(catalog) = &mut self.catalog {
                catalog.removed(slot);
            }
            return self.make_slot();
        }
        let file = self
            .directory
            .open(&slot.to_string())
            .map_err(doing("opening a slot"))
            .inspect_err(|_| self.catalog = None)?;
        Ok((slot, file))
    }

    fn make_slot(&mut self) -> Result<(SlotName, D::File), RecordError> {
        let catalog = self.catalog.get_or_insert_default();
        let letter = self.config.letter;
        let number = catalog.ring(letter).free_spare_number();
        let spare = SlotName::Spare {
            camera: letter,
            sequence: number,
        };
        let file = self
            .directory
            .create(&spare.to_string(), self.config.slot_size)
            .and_then(|file| self.directory.sync().map(|()| file))
            .map_err(RecordError::NoSlot)
            .inspect_err(|_| self.catalog = None)?;
        if let Some(catalog) = &mut self.catalog {
            catalog.added(spare, self.config.slot_size);
        }
        Ok((spare, file))
    }
}

/// The record of a segment that was cut off after its first fragment and before it got its name.
pub(crate) fn unnamed_footage(file: &impl SlotFile) -> Option<Record> {
    let (record, state) = read_record(file).ok()?;
    if state == SegmentState::Finished {
        return None;
    }
    let (_, fragments) = shown_end(file, &record, None).ok()?;
    (fragments > 0).then_some(record)
}
