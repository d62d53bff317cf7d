//! `fsck.exfat` of exfatprogs, in its mode that changes nothing.
//!
//! It reads the boot region, the FAT, the allocation bitmap, the up-case table and the directories, and no
//! file's content. So only those are written to the image that it looks at, and two disks that do not differ
//! there get one verdict.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::blklog::SECTOR;
use crate::disk::{Disk, Source};
use crate::exfat::{Extent, Listing, Volume};

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Soundness {
    /// "clean", exit code 0. That the volume was not unmounted is part of it: a camera's never is.
    Clean,
    /// Anything else, with what it said.
    Damaged(String),
}

/// The check, with the image that it looks at and what it said before.
#[derive(Debug)]
pub struct Fsck {
    path: PathBuf,
    image: File,
    holds: HashMap<u32, Source>,
    known: HashMap<u64, Soundness>,
    /// How often the program was run.
    pub runs: usize,
}

impl Fsck {
    /// Makes an image of the disk's length in `scratch`.
    ///
    /// # Errors
    /// Whatever making it gives.
    pub fn new(scratch: &Path, disk: &Disk<'_>) -> std::io::Result<Self> {
        let path = scratch.join("fsck.img");
        let image = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        image.set_len(u64::from(disk.sectors()) * SECTOR as u64)?;
        let mut fsck = Self {
            path,
            image,
            holds: HashMap::new(),
            known: HashMap::new(),
            runs: 0,
        };
        // As it was formatted.
        for sector in 0..disk.sectors() {
            let content = disk.sector(sector);
            if content.iter().any(|&byte| byte != 0) {
                fsck.put(sector, content)?;
            }
        }
        Ok(fsck)
    }

    fn put(&mut self, sector: u32, content: &[u8; SECTOR]) -> std::io::Result<()> {
        self.image
            .write_all_at(content, u64::from(sector) * SECTOR as u64)
    }

    /// Checks the filesystem on `disk`.
    pub fn check(&mut self, disk: &Disk<'_>, volume: &Volume, listing: &Listing) -> Soundness {
        let mut extents: Vec<Extent> = vec![(0, volume.heap())];
        extents.extend(&listing.metadata);
        let mut hasher = DefaultHasher::new();
        for &(first, sectors) in &extents {
            first.hash(&mut hasher);
            disk.sources(first, sectors).hash(&mut hasher);
        }
        let key = hasher.finish();
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        for (first, sectors) in extents {
            for (sector, &source) in (first..).zip(disk.sources(first, sectors)) {
                if self.holds.get(&sector).copied().unwrap_or(0) != source {
                    self.put(sector, disk.sector(sector)).unwrap();
                    self.holds.insert(sector, source);
                }
            }
        }
        let said = self.run();
        self.known.insert(key, said.clone());
        said
    }

    fn run(&mut self) -> Soundness {
        self.runs += 1;
        let mut fsck = Command::new("fsck.exfat");
        let done = fsck
            .arg("-n")
            .arg(&self.path)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let lines = said
            .lines()
            .filter(|line| !line.starts_with("exfatprogs version"));
        let said: Vec<&str> = lines.map(str::trim).collect();
        let clean = |line: &&str| line.contains(": clean. directories ");
        if done.status.code() == Some(0) && matches!(said.as_slice(), [line] if clean(line)) {
            return Soundness::Clean;
        }
        let code = done.status.code().unwrap_or(-1);
        let said = said
            .join("; ")
            .replace(&*self.path.to_string_lossy(), "the disk");
        Soundness::Damaged(format!("exit code {code}: {said}"))
    }
}
