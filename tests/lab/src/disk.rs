//! A disk put together of what it held at first and of writes in a log.
//!
//! For each sector only where its content stands is kept: nothing, so that it is as at first, or the sector
//! of the log that was written last. A disk of 256 MiB costs 2 MiB, and two disks on which a file has the same
//! list of sources hold the same file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::blklog::{Entry, Log, SECTOR};

/// Where a sector's content stands: 0 as it was at first, else this sector of the log.
pub type Source = u32;

/// What the disk held before the log begins.
#[derive(Debug, Default)]
pub struct Base {
    /// Sectors that are not all zeros.
    written: HashMap<u32, [u8; SECTOR]>,
    /// Length in sectors.
    pub sectors: u32,
}

impl Base {
    /// Reads an image.
    ///
    /// # Errors
    /// Whatever reading it gives.
    pub fn read(image: &Path) -> io::Result<Self> {
        let mut file = File::open(image)?;
        let mut chunk = vec![0; 1 << 20];
        let mut base = Self::default();
        loop {
            let mut filled = 0;
            while filled < chunk.len() {
                match file.read(&mut chunk[filled..])? {
                    0 => break,
                    n => filled += n,
                }
            }
            if filled == 0 {
                return Ok(base);
            }
            for sector in chunk[..filled].as_chunks::<SECTOR>().0 {
                if sector.iter().any(|&byte| byte != 0) {
                    base.written.insert(base.sectors, *sector);
                }
                base.sectors += 1;
            }
        }
    }
}

/// One state of the disk.
#[derive(Debug, Clone)]
pub struct Disk<'a> {
    base: &'a Base,
    log: &'a Log,
    sources: Vec<Source>,
}

impl<'a> Disk<'a> {
    /// The disk before anything in the log happened.
    pub fn new(base: &'a Base, log: &'a Log) -> Self {
        Self {
            base,
            log,
            sources: vec![0; base.sectors as usize],
        }
    }

    /// Carries out a write whole.
    pub fn write(&mut self, entry: &Entry) {
        for i in 0..entry.sectors {
            self.set(entry.sector + i, entry.data + i);
        }
    }

    /// Gives one sector another content, and says where it came from before.
    pub fn set(&mut self, sector: u32, source: Source) -> Source {
        std::mem::replace(&mut self.sources[sector as usize], source)
    }

    /// Where the content of `sectors` sectors from `first` on stands.
    pub fn sources(&self, first: u32, sectors: u32) -> &[Source] {
        &self.sources[first as usize..(first + sectors) as usize]
    }

    /// Length in sectors.
    pub fn sectors(&self) -> u32 {
        self.base.sectors
    }

    /// The content of a sector.
    pub fn sector(&self, number: u32) -> &[u8; SECTOR] {
        match self.sources[number as usize] {
            0 => self.base.written.get(&number).unwrap_or(&[0; SECTOR]),
            source => self.log.sector(source),
        }
    }

    /// The content of sectors side by side.
    pub fn read(&self, first: u32, sectors: u32, into: &mut Vec<u8>) {
        for number in first..first + sectors {
            into.extend_from_slice(self.sector(number));
        }
    }
}
