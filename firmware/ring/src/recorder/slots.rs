//! Where the next segment goes: looking at the card, and taking a slot from it.

use picam_mp4::recover::read_record;
use picam_mp4::{Record, SegmentState, SlotFile, shown_end};

use super::Recorder;
use super::boot::newest_record;
use super::error::{RecordError, doing};
use crate::catalog::Catalog;
use crate::directory::Directory;
use crate::name::SlotName;
use crate::policy::{next_slot, surplus};
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

    /// Gives up a slot's content for the next segment, and says which slot that is.
    pub(super) fn take_slot(&mut self) -> Result<(SlotName, D::File), RecordError> {
        self.look_at_card()?;
        let letter = self.config.letter;
        let size = self.config.slot_size;
        let catalog = self.catalog.get_or_insert_default();
        let mut busy = self.busy.clone();
        busy.extend(&self.failed);
        // There shall be fewer slots than before: one goes with every segment.
        let extra = surplus(
            catalog.ring(letter),
            &self.config.shares,
            self.config.slots,
            &busy,
        );
        if let Some(extra) = extra.filter(|_| self.config.slots < usize::MAX) {
            self.directory
                .remove(&extra.slot.to_string())
                .map_err(doing("removing a slot too many"))?;
            catalog.removed(extra.slot);
        }
        let choice = next_slot(catalog.ring(letter), &self.config.shares, size, &busy);
        let too_few = catalog.ring(letter).len() < self.config.slots.min(3);
        let choice =
            choice.filter(|choice| !too_few || matches!(choice.slot, SlotName::Spare { .. }));
        let Some(choice) = choice else {
            let made = self.make_slot();
            if made.is_err() && !self.failed.is_empty() {
                // Better a slot that failed once than none.
                self.failed.clear();
            }
            return made;
        };
        let spare = match choice.slot {
            SlotName::Spare { .. } => choice.slot,
            SlotName::Segment(_) => {
                let number = catalog.ring(letter).free_spare_number();
                let spare = SlotName::Spare {
                    camera: letter,
                    sequence: number,
                };
                self.directory
                    .rename(&choice.slot.to_string(), &spare.to_string())
                    .and_then(|()| self.directory.sync())
                    .map_err(doing("giving the oldest segment's slot to the next one"))
                    .inspect_err(|_| self.catalog = None)?;
                if let Some(catalog) = &mut self.catalog {
                    catalog.renamed(choice.slot, spare);
                }
                spare
            }
        };
        if choice.replace {
            self.directory
                .remove(&spare.to_string())
                .map_err(doing("removing a slot of the wrong size"))
                .inspect_err(|_| self.catalog = None)?;
            if let Some(catalog) = &mut self.catalog {
                catalog.removed(spare);
            }
            return self.make_slot();
        }
        let file = self
            .directory
            .open(&spare.to_string())
            .map_err(doing("opening a slot"))
            .inspect_err(|_| self.catalog = None)?;
        Ok((spare, file))
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
