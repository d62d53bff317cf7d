//! Stills beside the footage.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

use jiff::Timestamp;
use picam_media::StillFacts;
use picam_ring::{STILLS_FOLDER, StillFile, StillName, Volume, list_stills};
use serde::Serialize;

use crate::footage::open_slot;
use crate::{Library, Member};

/// What a still says of itself stands within so many bytes from its beginning.
const HEAD: u64 = 4096;

/// A still, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Still {
    /// What it is called, such as `100F0001`.
    pub id: String,
    /// The letter of its camera.
    pub camera: char,
    /// When it was taken, if that was known then.
    pub taken: Option<Timestamp>,
    /// In pixels, if it says so.
    pub width: Option<u32>,
    /// In pixels, if it says so.
    pub height: Option<u32>,
    /// Its length.
    pub bytes: u64,
    /// Whether it is marked read-only, and never given up for others.
    pub locked: bool,
}

/// A still's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StillId(Volume, StillName);

impl StillId {
    /// Reads it (`100F0001`); `None` if it is none.
    pub fn parse(id: &str) -> Option<Self> {
        StillName::parse_id(id).map(|(volume, name)| Self(volume, name))
    }
}

/// A part of the list of stills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stills {
    /// The newest of each volume first, the USB disk's before the card's.
    pub stills: Vec<Still>,
    /// Ask with this as `before` for those further back; null at the end.
    pub next: Option<String>,
    /// How many there are.
    pub total: usize,
}

/// A still's bytes.
#[derive(Debug)]
pub struct StillBytes {
    file: File,
    size: u64,
    /// When it was written.
    pub modified: Option<SystemTime>,
    /// What it is called on the card (`PICF0001.JPG`).
    pub name: String,
}

impl Member for StillBytes {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

impl Library {
    /// At most `limit` stills, those behind `before` in the list; looks at all volumes, and blocks.
    pub fn stills(&self, before: Option<StillId>, limit: usize) -> io::Result<Stills> {
        let mut all: Vec<(Volume, StillFile)> = Vec::new();
        for (volume, dir) in self.volumes() {
            let stills = match list_stills(&dir.join(STILLS_FOLDER)) {
                // A disk that is away has none.
                Err(_) if volume == Volume::Usb => continue,
                stills => stills?,
            };
            all.extend(stills.into_iter().rev().map(|still| (volume, still)));
        }
        // That one may have been given up meanwhile.
        let is_behind = |(volume, still): &&(Volume, StillFile)| {
            before.is_none_or(|StillId(of, before)| (*volume, still.name) < (of, before))
        };
        let rest: Vec<_> = all.iter().filter(is_behind).collect();
        let shown = rest.get(..limit).unwrap_or(&rest);
        let stills: Vec<Still> = shown
            .iter()
            .map(|(volume, of)| self.show(*volume, of))
            .collect();
        let next = stills.last().filter(|_| shown.len() < rest.len());
        Ok(Stills {
            next: next.map(|still| still.id.clone()),
            stills,
            total: all.len(),
        })
    }

    fn show(&self, volume: Volume, of: &StillFile) -> Still {
        let mut head = Vec::new();
        let read = self.open_still_file(volume, &of.name);
        let read = read.and_then(|file| file.take(HEAD).read_to_end(&mut head));
        let facts = match read {
            Ok(_) => StillFacts::read(&head),
            // It has gone meanwhile.
            Err(_) => StillFacts::default(),
        };
        let taken = facts
            .taken
            .and_then(|utc| Timestamp::from_microsecond(utc.0).ok());
        Still {
            id: of.name.id(volume),
            camera: char::from(of.name.camera()),
            taken,
            width: facts.size.map(|(width, _)| width),
            height: facts.size.map(|(_, height)| height),
            bytes: of.size,
            locked: of.is_locked,
        }
    }

    /// Opens a still; `None` if it is not there.
    pub fn still(&self, StillId(volume, name): StillId) -> io::Result<Option<StillBytes>> {
        let file = match self.open_still_file(volume, &name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let metadata = file.metadata()?;
        Ok(Some(StillBytes {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            name: name.file(),
            file,
        }))
    }

    fn open_still_file(&self, volume: Volume, name: &StillName) -> io::Result<File> {
        let mut volumes = self.volumes();
        let (_, dir) = volumes
            .find(|(which, _)| *which == volume)
            .ok_or(io::ErrorKind::NotFound)?;
        open_slot(&dir.join(STILLS_FOLDER).join(name.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_newest_come_first_page_by_page() {
        let dir = tempfile::tempdir().unwrap();
        let (card, disk) = (dir.path().join("card"), dir.path().join("disk"));
        let put = |dir: &std::path::Path, name: &str| {
            let path = dir.join(STILLS_FOLDER).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        };
        let id = |text: &str| StillId::parse(text).unwrap();
        let library = Library::new(card.clone(), Some(disk.clone()));
        assert_eq!(library.stills(None, 10).unwrap().total, 0);
        for name in [
            "100PICAM/PICF0001.JPG",
            "101PICAM/PICR0001.JPG",
            "100PICAM/PICF0002.JPG",
        ] {
            put(&card, name);
        }
        put(&card, "100PICAM/STILL.PRT");
        put(&disk, "100PICAM/PICF0007.JPG");
        let (mut ids, mut before, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = library.stills(before.as_deref().map(id), 2).unwrap();
            assert_eq!(page.total, 4);
            ids.extend(page.stills.iter().map(|still| still.id.clone()));
            pages += 1;
            let Some(next) = page.next else { break };
            before = Some(next);
        }
        assert_eq!(pages, 2);
        assert_eq!(ids, ["100F0007u", "101R0001", "100F0002", "100F0001"]);
        let still = library.still(id("101R0001")).unwrap().unwrap();
        assert_eq!(still.read(3, 5).unwrap(), b"PICAM");
        assert_eq!(still.name, "PICR0001.JPG");
        for gone in ["101R0002", "101R0001u"] {
            assert!(library.still(id(gone)).unwrap().is_none(), "{gone}");
        }
        assert_eq!(StillId::parse("../card"), None);
        // One that has been given up: what is older is still behind it.
        let behind = library.stills(Some(id("100R0003")), 2).unwrap().stills;
        assert_eq!(behind[0].id, "100F0002");
    }
}
