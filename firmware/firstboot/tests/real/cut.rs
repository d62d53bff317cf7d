//! A disk whose power goes after so many steps.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use picam_firstboot::card::{BlockDevice, Disk, Entry, Layout, Sector, Tools};

/// What becomes of the step at which the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// It has not begun.
    Before,
    /// It has begun: a format is half there, and everything else is as before.
    Amid,
}

/// Carries out so many steps and fails ever after.
pub(crate) struct Cut {
    disk: BlockDevice,
    left: usize,
    at: At,
    seed: u64,
    partition: String,
    /// What was done.
    pub(crate) done: Vec<&'static str>,
}

impl Cut {
    pub(crate) fn after(disk: BlockDevice, steps: usize, at: At, partition: String) -> Self {
        Self {
            disk,
            left: steps,
            at,
            seed: steps as u64 + 1,
            partition,
            done: Vec::new(),
        }
    }

    fn step(&mut self, what: &'static str) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(dead)?;
        self.done.push(what);
        Ok(())
    }

    fn is_last(&self) -> bool {
        self.left == 0 && self.at == At::Amid
    }
}

fn dead() -> io::Error {
    io::Error::other("the power is gone")
}

impl Disk for Cut {
    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read(sector, buffer)
    }

    fn write(&mut self, sector: u64, bytes: &Sector) -> io::Result<()> {
        self.step(if sector == 0 { "table" } else { "note" })?;
        self.disk.write(sector, bytes)
    }
}

impl Tools for Cut {
    fn attach(&mut self, entry: &Entry) -> io::Result<()> {
        self.step("attach")?;
        self.disk.attach(entry)
    }

    fn is_in_use(&mut self) -> io::Result<bool> {
        self.disk.is_in_use()
    }

    fn format(&mut self, layout: &Layout) -> io::Result<()> {
        self.step("format")?;
        self.disk.format(layout)?;
        if self.is_last() {
            let unsynced = File::options()
                .read(true)
                .write(true)
                .open(&self.partition)?;
            forget_some(&unsynced, self.seed)?;
            return Err(dead());
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step("sync")?;
        self.disk.sync()
    }

    fn check(&mut self) -> io::Result<()> {
        self.step("check")?;
        self.disk.check()
    }
}

/// Of what mkfs.exfat writes into the first 24 MiB, a random part never reached the card.
fn forget_some(partition: &File, mut seed: u64) -> io::Result<()> {
    let mut page = [0; 4096];
    for at in (0..24 << 20).step_by(4096) {
        partition.read_exact_at(&mut page, at)?;
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if page != [0; 4096] && seed >> 63 == 1 {
            partition.write_all_at(&[0; 4096], at)?;
        }
    }
    partition.sync_all()
}
