//! What others tell a recorder while it records: the time, an event.

use picam_mp4::RecoverError;

use super::Recorder;
use super::error::{RecordError, doing, write_error};
use crate::anchor::{NOTICEABLE_US, name_time};
use crate::class::Class;
use crate::directory::Directory;
use crate::name::{NameTime, SegmentName, SlotName};
use crate::recovery::reclass;
use crate::sequence::digits_of;
use crate::slots::Owner;

impl<D: Directory> Recorder<D> {
    /// Says how late it is, in nanoseconds since boot: for how long the card has been refusing.
    pub fn set_now(&mut self, boot_ns: u64) {
        self.caution.note_time(boot_ns);
    }

    /// Says what time it is: UTC minus the boot clock, in microseconds. The segment being recorded gets its true time, also
    /// where it had another; those before are the housekeeper's.
    pub fn set_utc(&mut self, utc_minus_boot_us: i64) -> Result<(), RecordError> {
        self.utc_minus_boot_us = Some(utc_minus_boot_us);
        let Some(record) = self.writer.record() else {
            return Ok(());
        };
        let start_boot_ns = record.start_boot_ns;
        let utc = self.utc_at(start_boot_ns);
        let is_right = match (record.start_utc_us, utc) {
            (Some(old), Some(new)) => old.abs_diff(new) < NOTICEABLE_US,
            (old, new) => old == new,
        };
        if !is_right {
            self.writer
                .update_record(|record| record.start_utc_us = utc)
                .map_err(write_error)?;
        }
        // The name may lag behind the header, if the card refused in between.
        let start = self.writer.record().and_then(|record| record.start_utc_us);
        let time = name_time(start, self.boot.number, start_boot_ns);
        self.rename_current(|name| match (name.time, time) {
            // It was taken, and the next second chosen.
            (NameTime::Utc(had), NameTime::Utc(due)) if had.abs_diff(due) < 2 => name,
            _ => SegmentName { time, ..name },
        })
    }

    /// Locks the segment being recorded, the one before and the one to come. May be called again if
    /// the card refused.
    pub fn lock(&mut self, class: Class) -> Result<(), RecordError> {
        self.next_class = self.next_class.stronger(class);
        let Some(current) = self.current.filter(|current| !current.closed) else {
            return Ok(());
        };
        let own = current.segment.class.stronger(class);
        // First the name, which decides what may be overwritten.
        self.rename_current(|name| SegmentName { class: own, ..name })?;
        self.writer
            .update_record(|record| record.class = own.letter())
            .map_err(write_error)?;
        self.lock_the_one_before(current.sequence, class)
    }

    fn lock_the_one_before(&mut self, sequence: u64, class: Class) -> Result<(), RecordError> {
        let before = digits_of(sequence.wrapping_sub(1));
        let find = |ring: &crate::catalog::Ring| ring.find(before).map(|segment| segment.name);
        let Some(name) = self.slots.ring(self.config.letter, find) else {
            return Ok(());
        };
        let refused = doing("locking the segment before");
        let owner = Owner::Recorder(self.config.letter);
        let Some(mut claim) = self.slots.claim(SlotName::Segment(name), owner) else {
            // Somebody is working on it, and is done in a moment.
            return Err(refused(std::io::ErrorKind::ResourceBusy.into()));
        };
        let class = name.class.stronger(class);
        match reclass(&mut claim, &self.directory, class) {
            Ok(()) => Ok(()),
            Err(RecoverError::Io(error)) => Err(refused(error)),
            // It cannot be locked in its header; its name decides.
            Err(_) => Err(refused(std::io::ErrorKind::InvalidData.into())),
        }
    }

    fn rename_current(
        &mut self,
        change: impl FnOnce(SegmentName) -> SegmentName,
    ) -> Result<(), RecordError> {
        let Some(current) = self.current else {
            return Ok(());
        };
        let mut to = change(current.segment);
        if to != current.segment && current.named {
            to = self.rename_to(to)?;
        }
        if let Some(current) = &mut self.current {
            current.segment = to;
        }
        Ok(())
    }
}
