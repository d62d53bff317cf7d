//! A file of the simulated disk: what readers see, and what a refusal leaves of what was written.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use picam_mp4::layout::{PAGE, SECTOR};
use picam_mp4::{Flush, ReadAt, SlotFile};

use super::disk::{State, refused};
use super::log::{Mutant, Op, flush_after};

/// A file on the simulated disk.
#[derive(Debug, Clone)]
pub struct SimFile {
    pub(super) disk: Rc<RefCell<State>>,
    pub(super) file: usize,
}

impl ReadAt for SimFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.borrow();
        if state.unreadable {
            return Err(refused());
        }
        state.contents[self.file].read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.borrow().contents[self.file].len() as u64)
    }
}

impl SlotFile for SimFile {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.disk.borrow_mut();
        assert!(
            offset.is_multiple_of(PAGE as u64) && data.len().is_multiple_of(state.granule),
            "unaligned write of {} bytes at {offset}",
            data.len()
        );
        if state.refuses() {
            if state.tears {
                let sectors = (data.len() / SECTOR) as u64;
                let written = state.rng.below(sectors + 1) as usize * SECTOR;
                state.write(self.file, offset, &data[..written])?;
            }
            return Err(refused());
        }
        state.write(self.file, offset, data)?;
        state.last_write = flush_after(offset, data);
        Ok(())
    }

    fn granule(&mut self) -> usize {
        self.disk.borrow().granule
    }

    fn flush(&mut self, scope: Flush) -> io::Result<()> {
        let mut state = self.disk.borrow_mut();
        if state.refuses() {
            state.drop_unflushed(self.file);
            return Err(refused());
        }
        if state.mutant != Mutant::None && state.mutant == state.last_write {
            return Ok(());
        }
        let file = self.file;
        state.unflushed[file].clear();
        state.log.push(Op::Flush { file, scope });
        Ok(())
    }
}

impl State {
    fn write(&mut self, file: usize, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = offset as usize;
        let place = self.contents[file]
            .get_mut(start..start + data.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        for (n, sector) in place.as_chunks::<SECTOR>().0.iter().enumerate() {
            self.unflushed[file]
                .entry(offset / SECTOR as u64 + n as u64)
                .or_insert(*sector);
        }
        place.copy_from_slice(data);
        if !data.is_empty() {
            self.log.push(Op::Write {
                file,
                offset,
                data: data.into(),
            });
        }
        Ok(())
    }

    /// A flush failed. Each sector written since the last one was on the card by then; or it is lost, and readers
    /// see what stood there before; or it is lost, and they see it in the cache for as long as the power is on.
    fn drop_unflushed(&mut self, file: usize) {
        let mut kept = Vec::new();
        for (sector, before) in std::mem::take(&mut self.unflushed[file]) {
            match self.rng.below(4) {
                0 => {
                    kept.push(sector);
                    // Not flushed: the next one, too, covers it.
                    self.unflushed[file].insert(sector, before);
                }
                1 => {}
                _ => {
                    let at = sector as usize * SECTOR;
                    self.contents[file][at..at + SECTOR].copy_from_slice(&before);
                }
            }
        }
        self.log.push(Op::FailedFlush {
            file,
            kept: kept.into(),
        });
    }
}
