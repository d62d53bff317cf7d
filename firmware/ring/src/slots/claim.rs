//! A slot that somebody works on, for as long as this value lives.

use std::io;

use super::table::SlotTable;
use crate::directory::Directory;
use crate::name::{SegmentName, SlotName};
use crate::unnamed::unnamed_footage;

/// Names tried when the one that a file should get is taken on the card.
const NAME_TRIES: u32 = 16;

/// Who works on a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The recorder of the camera with this letter.
    Recorder(u8),
    /// Recovery, dating, ageing.
    Housekeeper,
    /// Making and removing slots.
    Provisioning,
}

/// One slot of which its holder alone may change the content, the name, and whether it is there. Dropped, it is anybody's.
#[derive(Debug)]
pub struct Claim {
    table: SlotTable,
    slot: SlotName,
    size: u64,
}

impl Claim {
    pub(super) const fn new(table: SlotTable, slot: SlotName, size: u64) -> Self {
        Self { table, slot, size }
    }

    /// The slot's name on the card now.
    pub const fn slot(&self) -> SlotName {
        self.slot
    }

    /// Length of its file in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Renames it, durably. [`io::ErrorKind::AlreadyExists`] if anybody has that name. Once the card took the name it is the
    /// slot's, also where making it durable failed: call again.
    pub fn rename(&mut self, directory: &impl Directory, to: SlotName) -> io::Result<()> {
        if to != self.slot {
            if !self.table.reserve(to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let renamed = directory.rename(&self.slot.to_string(), &to.to_string());
            match renamed {
                Ok(()) => {
                    self.table.renamed(self.slot, to, self.size);
                    self.slot = to;
                }
                Err(error) => {
                    self.table.release(to);
                    return Err(error);
                }
            }
        }
        directory.sync()
    }

    /// Gives it a segment's name. Where something that is no slot of ours has it already, the segment is named by the second
    /// after.
    pub fn name_segment(
        &mut self,
        directory: &impl Directory,
        name: SegmentName,
    ) -> io::Result<SegmentName> {
        let mut to = name;
        for _ in 0..NAME_TRIES {
            match self.rename(directory, SlotName::Segment(to)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    to = to.a_second_later();
                }
                other => return other.map(|()| to),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Makes it spare in name: nobody is shown its footage any more.
    pub fn make_spare(&mut self, directory: &impl Directory) -> io::Result<()> {
        if let SlotName::Spare { .. } = self.slot {
            return directory.sync();
        }
        for _ in 0..NAME_TRIES {
            let spare = self.table.free_spare(self.slot.camera());
            match self.rename(directory, spare) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.table.occupied(spare);
                }
                other => return other,
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Removes it, durably; one that is gone already is no error. `false` for a spare slot that holds footage after all: that
    /// is left for recovery.
    pub fn remove(self, directory: &impl Directory) -> io::Result<bool> {
        let name = self.slot.to_string();
        if matches!(self.slot, SlotName::Spare { .. })
            && let Ok(file) = directory.open(&name)
            && unnamed_footage(&file).is_some()
        {
            self.table.holds_footage(self.slot);
            return Ok(false);
        }
        match directory.remove(&name) {
            // A user was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
        self.table.removed(self.slot);
        directory.sync()?;
        Ok(true)
    }

    /// Makes a new spare slot. A name that is taken on the card is left alone, whoever took it, and the next number tried.
    pub fn make<D: Directory>(
        table: &SlotTable,
        directory: &D,
        camera: u8,
        size: u64,
        owner: Owner,
    ) -> io::Result<(Self, D::File)> {
        let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..NAME_TRIES {
            let claim = table.reserve_spare(camera, size, owner);
            match directory.create(&claim.slot.to_string(), size) {
                Ok(file) => {
                    table.made(claim.slot);
                    directory.sync()?;
                    return Ok((claim, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    table.occupied(claim.slot);
                    taken = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.table.release(self.slot);
    }
}

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
