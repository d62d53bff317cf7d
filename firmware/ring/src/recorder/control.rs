//! What others tell a recorder while it records: the time, an event.

use picam_time::{BootNs, UtcUs};

use super::Recorder;
use super::error::{RecordError, write_error};
use crate::anchor::{NOTICEABLE, name_time};
use crate::class::Class;
use crate::directory::Directory;
use crate::name::{NameTime, SegmentName};

impl<D: Directory> Recorder<D> {
    /// Says how late it is: for how long the card has been refusing.
    pub fn set_now(&mut self, now: BootNs) {
        self.caution.note_time(now);
    }

    /// Says what time it is, by when the board booted. The segment being recorded gets its true time, also
    /// where it had another; those before are the housekeeper's.
    pub fn set_utc(&mut self, booted: UtcUs) -> Result<(), RecordError> {
        self.booted = Some(booted);
        let Some(record) = self.writer.record() else {
            return Ok(());
        };
        let start_boot = record.start_boot;
        let utc = self.utc_at(start_boot);
        let is_right = match (record.start_utc, utc) {
            (Some(old), Some(new)) => old.apart(new) < NOTICEABLE,
            (old, new) => old == new,
        };
        if !is_right {
            self.writer
                .update_record(|record| record.start_utc = utc)
                .map_err(write_error)?;
        }
        // The name may lag behind the header, if the card refused in between.
        let start = self.writer.record().and_then(|record| record.start_utc);
        let time = name_time(start, self.boot.number, start_boot);
        self.rename_current(|name| match (name.time, time) {
            // It was taken, and the next second chosen.
            (NameTime::Utc(had), NameTime::Utc(due)) if had.abs_diff(due) < 2 => name,
            _ => SegmentName { time, ..name },
        })
    }

    /// When the segment being recorded began, on the boot clock and in UTC if known.
    pub fn started(&self) -> Option<(BootNs, Option<UtcUs>)> {
        let open = self.current.filter(|current| !current.closed);
        let record = open.and_then(|_| self.writer.record())?;
        Some((record.start_boot, record.start_utc))
    }

    /// Locks the segment being recorded, unless it is of that class, or a stronger one, already. May be called again if the
    /// card refused.
    pub fn lock(&mut self, class: Class) -> Result<(), RecordError> {
        let Some(current) = self.current.filter(|current| !current.closed) else {
            return Ok(());
        };
        let own = current.segment.class.stronger(class);
        // First the name, which decides what may be overwritten.
        self.rename_current(|name| SegmentName { class: own, ..name })?;
        let letter = own.letter();
        match self.writer.record() {
            Some(record) if record.class != letter => self
                .writer
                .update_record(|record| record.class = letter)
                .map_err(write_error),
            _ => Ok(()),
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
