//! What is on all volumes, in one list.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, time};

use picam_ring::{Foreign, Moment, Volume, newest_first};
use picam_time::UtcUs;

use crate::index::{Index, Listing};
use crate::segment::Segment;

/// The segments of the card, and of the USB disk where one is used.
#[derive(Debug)]
pub struct Library {
    card: Index,
    disk: Option<Index>,
    latest: Mutex<Latest>,
    /// Tells the tags of this library from those of another start.
    nonce: u64,
}

/// The listings that the last merged one was made of, and that.
#[derive(Debug, Default)]
struct Latest {
    of: Vec<Arc<Listing>>,
    merged: Arc<Listing>,
}

impl Library {
    /// Of directories that need not be there yet.
    pub fn new(footage: PathBuf, disk: Option<PathBuf>) -> Self {
        let since = time::SystemTime::now().duration_since(time::SystemTime::UNIX_EPOCH);
        Self {
            card: Index::new(footage, Volume::Card),
            disk: disk.map(|dir| Index::new(dir, Volume::Usb)),
            latest: Mutex::default(),
            nonce: since.map_or(0, |since| since.as_nanos() as u64),
        }
    }

    /// The directory of the card.
    pub(crate) fn footage(&self) -> &Path {
        self.card.dir()
    }

    /// The directory that a segment lies in.
    pub fn dir(&self, segment: &Segment) -> &Path {
        match (&self.disk, segment.volume) {
            (Some(disk), Volume::Usb) => disk.dir(),
            _ => self.card.dir(),
        }
    }

    /// All volumes with their directories, the disk first.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = (Volume, &Path)> {
        let disk = self.disk.iter().map(|disk| (Volume::Usb, disk.dir()));
        disk.chain([(Volume::Card, self.card.dir())])
    }

    /// The directories of all volumes that are there.
    pub fn dirs(&self) -> Vec<PathBuf> {
        let all = std::iter::once(&self.card).chain(&self.disk);
        let there = all.map(Index::dir).filter(|dir| dir.is_dir());
        there.map(Path::to_owned).collect()
    }

    /// What tells a listing from others.
    pub fn tag(&self, listing: &Listing) -> String {
        format!("{:x}-{:x}", self.nonce, listing.version)
    }

    /// Looks at all volumes; blocks. A disk that is not there has nothing on it; of a
    /// card that cannot be read nothing is said where the disk has footage.
    pub fn refresh(&self) -> io::Result<Arc<Listing>> {
        let card = self.card.refresh();
        let listings: Vec<Arc<Listing>> = match &self.disk {
            None => vec![card?],
            Some(disk) => match (card, disk.refresh()) {
                (Ok(card), Ok(disk)) => vec![card, disk],
                (Ok(card), Err(_)) => vec![card],
                (Err(_), Ok(disk)) if !disk.segments.is_empty() => vec![disk],
                (Err(error), _) => return Err(error),
            },
        };
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let same = listings.len() == latest.of.len()
            && listings
                .iter()
                .zip(&latest.of)
                .all(|(a, b)| Arc::ptr_eq(a, b));
        if !same {
            latest.merged = Arc::new(Listing {
                version: latest.merged.version + 1,
                ..merge(&listings)
            });
            latest.of = listings;
        }
        Ok(Arc::clone(&latest.merged))
    }

    /// The name that a segment had when the volumes were last looked at.
    pub fn last_known(&self, id: &str) -> Option<Arc<Segment>> {
        let disk = self.disk.as_ref().and_then(|disk| disk.last_known(id));
        disk.or_else(|| self.card.last_known(id))
    }
}

fn merge(listings: &[Arc<Listing>]) -> Listing {
    let mut foreign = Foreign::default();
    for listing in listings {
        foreign.files += listing.foreign.files;
        foreign.bytes += listing.foreign.bytes;
    }
    let volumes = listings.iter().map(|listing| listing.segments.clone());
    Listing {
        segments: newest_first(volumes.collect(), |segment| moment(segment)),
        foreign,
        version: 0,
    }
}

pub(crate) fn moment(segment: &Segment) -> Moment {
    Moment {
        boot_id: segment.boot_id,
        boot: segment.start_boot,
        utc: segment.start.map(|start| UtcUs(start.as_microsecond())),
    }
}
