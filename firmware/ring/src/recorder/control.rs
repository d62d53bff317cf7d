//! What others tell a recorder while it records: the time, an event, changes of its slots.

use picam_mp4::RecoverError;

use super::Recorder;
use super::error::{RecordError, doing, write_error};
use crate::class::Class;
use crate::directory::Directory;
use crate::name::{SegmentName, SlotName};
use crate::recovery::reclass_slot;
use crate::sequence::digits_of;

impl<D: Directory> Recorder<D> {
    /// Says what time it is: UTC minus the boot clock, in microseconds. The segment being recorded
    /// gets its true time; those before are the housekeeper's.
    pub fn set_utc(&mut self, utc_minus_boot_us: i64) -> Result<(), RecordError> {
        self.utc_minus_boot_us = Some(utc_minus_boot_us);
        let Some(record) = self
            .writer
            .record()
            .filter(|record| record.start_utc_us.is_none())
        else {
            return Ok(());
        };
        let start_boot_ns = record.start_boot_ns;
        let utc = self.utc_at(start_boot_ns);
        self.writer
            .update_record(|record| record.start_utc_us = utc)
            .map_err(write_error)?;
        let time = self.name_time(start_boot_ns);
        self.rename_current(|name| SegmentName { time, ..name })
    }

    /// Locks the segment being recorded, the one before and the one to come. May be called again if
    /// the card refused.
    pub fn lock(&mut self, class: Class) -> Result<(), RecordError> {
        self.next_class = self.next_class.stronger(class);
        let Some(current) = self.current.filter(|current| !current.closed) else {
            return Ok(());
        };
        let class = current.segment.class.stronger(class);
        self.writer
            .update_record(|record| record.class = class.letter())
            .map_err(write_error)?;
        self.rename_current(|name| SegmentName { class, ..name })?;
        let before = digits_of(current.sequence.wrapping_sub(1));
        let ring = self
            .catalog
            .get_or_insert_default()
            .ring(self.config.letter);
        let Some(name) = ring.find(before).map(|segment| segment.name) else {
            return Ok(());
        };
        let class = name.class.stronger(class);
        let now = reclass_slot(&self.directory, name, class).map_err(|error| match error {
            RecoverError::Io(source) => doing("locking the segment before")(source),
            // It cannot be locked in its header; its name decides.
            _ => RecordError::Io {
                doing: "locking the segment before",
                source: std::io::ErrorKind::InvalidData.into(),
            },
        })?;
        if let Some(catalog) = &mut self.catalog {
            catalog.renamed(SlotName::Segment(name), now);
        }
        Ok(())
    }

    fn rename_current(
        &mut self,
        change: impl FnOnce(SegmentName) -> SegmentName,
    ) -> Result<(), RecordError> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let from = current.segment;
        let to = change(from);
        if to == from {
            return Ok(());
        }
        if current.named {
            self.rename(SlotName::Segment(from), SlotName::Segment(to))?;
        }
        if let Some(current) = &mut self.current {
            current.segment = to;
        }
        Ok(())
    }

    /// Lets somebody else work on a slot; `false` if it is being recorded into.
    pub fn lend(&mut self, slot: SlotName) -> bool {
        let recording = self.current.is_some_and(|current| {
            slot == current.slot || slot == SlotName::Segment(current.segment)
        });
        if !recording && !self.busy.contains(&slot) {
            self.busy.push(slot);
        }
        !recording
    }

    /// Takes a lent slot back, under the name it has now.
    pub fn give_back(&mut self, slot: SlotName, now: SlotName) {
        self.busy.retain(|busy| *busy != slot);
        if let Some(catalog) = &mut self.catalog {
            catalog.renamed(slot, now);
        }
    }

    /// A slot was made while recording.
    pub fn slot_made(&mut self, slot: SlotName, size: u64) {
        if let Some(catalog) = &mut self.catalog {
            catalog.added(slot, size);
        }
    }

    /// A lent slot was removed.
    pub fn slot_removed(&mut self, slot: SlotName) {
        self.busy.retain(|busy| *busy != slot);
        if let Some(catalog) = &mut self.catalog {
            catalog.removed(slot);
        }
    }
}
