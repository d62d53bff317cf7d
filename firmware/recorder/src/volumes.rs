//! The places that footage is recorded to: a USB disk if its owner wants that, and the card while the disk is away.
//!
//! Each is a ring of its own. Which one takes the next segment is asked anew whenever one begins; a disk that refuses is left
//! alone for a while.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use picam_ring::{FsDirectory, SlotTable, Volume};

use crate::boot::Card;

/// A disk that refused is tried again after so long; twice as long each time until it is pulled.
const FIRST_BAN: Duration = Duration::from_secs(30);
const LONGEST_BAN: Duration = Duration::from_secs(600);

/// A place that is open.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) which: Volume,
    pub(crate) directory: FsDirectory,
    pub(crate) slots: SlotTable,
}

/// The ways to all places. The best that is there takes the footage.
#[derive(Debug, Clone)]
pub(crate) struct Volumes {
    card: Card,
    disk: Option<Disk>,
}

#[derive(Debug, Clone)]
struct Disk {
    card: Card,
    ban: Arc<Mutex<Ban>>,
}

/// For how long a disk that refused is left alone. It holds until the disk is pulled.
#[derive(Debug, Default)]
struct Ban {
    until: Option<Instant>,
    times: u32,
}

impl Ban {
    fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    fn refused(&mut self, now: Instant) {
        // Every camera reports the same failure.
        if self.holds(now) {
            return;
        }
        let doubled = FIRST_BAN.saturating_mul(1 << self.times.min(10));
        self.until = now.checked_add(doubled.min(LONGEST_BAN));
        self.times += 1;
    }
}

impl Volumes {
    /// The card's directory, and where a disk is mounted if one is wanted.
    pub(crate) fn new(footage: PathBuf, disk: Option<PathBuf>) -> Self {
        Self {
            card: Card::new(footage),
            disk: disk.map(|path| Disk {
                card: Card::mounted_at(path),
                ban: Arc::default(),
            }),
        }
    }

    /// All of them, whether they are there or not; the best first.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Volume, &Card)> {
        let disk = self.disk.iter().map(|disk| (Volume::Usb, &disk.card));
        disk.chain([(Volume::Card, &self.card)])
    }

    /// One of them.
    pub(crate) fn get(&self, which: Volume) -> &Card {
        match (&self.disk, which) {
            (Some(disk), Volume::Usb) => &disk.card,
            _ => &self.card,
        }
    }

    /// Opens the best that is there.
    pub(crate) fn open(&self) -> io::Result<Open> {
        if self.prefers_over(Volume::Card)
            && let Ok((directory, slots)) = self.get(Volume::Usb).open()
        {
            return Ok(Open {
                which: Volume::Usb,
                directory,
                slots,
            });
        }
        let (directory, slots) = self.card.open()?;
        Ok(Open {
            which: Volume::Card,
            directory,
            slots,
        })
    }

    /// Whether there is a better place than `which` now.
    pub(crate) fn prefers_over(&self, which: Volume) -> bool {
        let Some(disk) = self.disk.as_ref().filter(|_| which == Volume::Card) else {
            return false;
        };
        let mut ban = disk.ban.lock().unwrap_or_else(PoisonError::into_inner);
        match disk.card.why_not() {
            None => !ban.holds(Instant::now()),
            Some(why) => {
                disk.card.let_go();
                // Another one, or this one after it was looked at, starts afresh.
                if why.kind() != io::ErrorKind::ReadOnlyFilesystem {
                    *ban = Ban::default();
                }
                false
            }
        }
    }

    /// A place has refused again and again: the disk is left alone for a while, and the card has to do.
    pub(crate) fn refused(&self, which: Volume) {
        if let Some(disk) = self.disk.as_ref().filter(|_| which == Volume::Usb) {
            let mut ban = disk.ban.lock().unwrap_or_else(PoisonError::into_inner);
            ban.refused(Instant::now());
        }
    }

    /// Whether the disk is there, and left alone because it refused.
    pub(crate) fn is_banned(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| {
            let ban = disk.ban.lock().unwrap_or_else(PoisonError::into_inner);
            ban.holds(Instant::now())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_refuses_is_left_alone_longer_each_time() {
        let (mut ban, mut now) = (Ban::default(), Instant::now());
        for seconds in [30, 60, 120, 240, 480, 600, 600] {
            assert!(!ban.holds(now));
            ban.refused(now);
            // A second camera's report of the same failure changes nothing.
            ban.refused(now);
            assert!(ban.holds(now + Duration::from_secs(seconds - 1)));
            now += Duration::from_secs(seconds);
        }
    }

    #[test]
    fn a_directory_that_nothing_is_mounted_on_is_no_disk() {
        let dir = tempfile::tempdir().unwrap();
        let disk = dir.path().join("disk");
        std::fs::create_dir(&disk).unwrap();
        let volumes = Volumes::new(dir.path().join("footage"), Some(disk.clone()));
        assert!(!volumes.prefers_over(Volume::Card));
        assert_eq!(volumes.open().unwrap().which, Volume::Card);
        assert!(volumes.get(Volume::Usb).open().is_err());
        assert_eq!(std::fs::read_dir(&disk).unwrap().count(), 0);
    }

    /// Where something is always mounted that nobody can record to.
    const MOUNTED: &str = "/proc";

    #[test]
    fn a_disk_that_is_there_is_preferred_until_it_refuses_and_again_after_it_was_pulled() {
        let dir = tempfile::tempdir().unwrap();
        let volumes = Volumes::new(dir.path().join("footage"), Some(MOUNTED.into()));
        assert!(volumes.prefers_over(Volume::Card) && !volumes.is_banned());
        assert!(!volumes.prefers_over(Volume::Usb));
        volumes.refused(Volume::Card);
        assert!(volumes.prefers_over(Volume::Card) && !volumes.is_banned());
        volumes.refused(Volume::Usb);
        assert!(!volumes.prefers_over(Volume::Card) && volumes.is_banned());
        assert_eq!(volumes.open().unwrap().which, Volume::Card);
        // Pulled.
        let ban = volumes.disk.as_ref().unwrap().ban.clone();
        let pulled = Volumes {
            card: volumes.card.clone(),
            disk: Some(Disk {
                card: Card::mounted_at(dir.path().to_owned()),
                ban,
            }),
        };
        assert!(pulled.is_banned());
        assert!(!pulled.prefers_over(Volume::Card) && !pulled.is_banned());
        assert!(volumes.prefers_over(Volume::Card));
    }

    #[test]
    fn without_a_disk_the_card_is_all_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let volumes = Volumes::new(dir.path().join("footage"), None);
        for which in [Volume::Card, Volume::Usb] {
            volumes.refused(which);
            assert!(!volumes.prefers_over(which) && !volumes.is_banned());
        }
    }
}
