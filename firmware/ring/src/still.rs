//! Stills beside the ring: what they are called, and which of them make room for another.
//!
//! ```text
//! DCIM/100PICAM/PICF0001.JPG    the first, of camera F
//! ```
//!
//! Folders and names are those of DCF (JEITA CP-3461), as every card reader and phone expects them. Folder and number count
//! the stills of all cameras together. They lie in what the ring leaves free; the ring never counts their bytes as taken from
//! it, and they never take a slot's.

use std::fmt;

use crate::id::Volume;
use crate::name::is_camera_letter;

/// The folder of all stills, in the footage directory.
pub const STILLS_FOLDER: &str = "DCIM";
/// What a still is called until it is whole.
pub const STILL_PART: &str = "STILL.PRT";
/// Free characters of a folder's name, and of a file's.
const OURS: &str = "PICAM";
const PREFIX: &str = "PIC";
const ENDING: &str = ".JPG";
const FOLDERS: std::ops::RangeInclusive<u16> = 100..=999;
const NUMBERS: std::ops::RangeInclusive<u16> = 1..=9999;
/// What the id of a still on the USB disk ends in.
const USB_MARK: char = 'u';

/// A still's place among all. The order is that in which they were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StillName {
    folder: u16,
    number: u16,
    camera: u8,
}

impl StillName {
    /// The one behind `last` (the first if there is none); `None` if all numbers are taken.
    pub fn behind(last: Option<Self>, camera: u8) -> Option<Self> {
        let first = |folder| (folder, *NUMBERS.start());
        let (folder, number) = match last {
            None => first(*FOLDERS.start()),
            Some(last) if last.number < *NUMBERS.end() => (last.folder, last.number + 1),
            Some(last) => first(last.folder + 1),
        };
        let fits = FOLDERS.contains(&folder) && is_camera_letter(camera);
        fits.then_some(Self {
            folder,
            number,
            camera,
        })
    }

    /// From the names of a folder and of a file in it; `None` if they are not ours.
    pub fn parse(folder: &str, file: &str) -> Option<Self> {
        let folder = folder.strip_suffix(OURS)?;
        let file = file.strip_prefix(PREFIX)?.strip_suffix(ENDING)?;
        let (camera, number) = file.split_at_checked(1)?;
        Self::of(folder, camera, number)
    }

    fn of(folder: &str, camera: &str, number: &str) -> Option<Self> {
        let digits = |text: &str, len: usize| {
            let are_all = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
            are_all.then(|| text.parse::<u16>().ok()).flatten()
        };
        let &[camera] = camera.as_bytes() else {
            return None;
        };
        let folder = digits(folder, 3).filter(|n| FOLDERS.contains(n))?;
        let number = digits(number, 4).filter(|n| NUMBERS.contains(n))?;
        is_camera_letter(camera).then_some(Self {
            folder,
            number,
            camera,
        })
    }

    /// The letter of its camera.
    pub const fn camera(&self) -> u8 {
        self.camera
    }

    /// Name of its folder in [`STILLS_FOLDER`].
    pub fn folder(&self) -> String {
        format!("{}{OURS}", self.folder)
    }

    /// Name of its file.
    pub fn file(&self) -> String {
        let Self { camera, number, .. } = self;
        format!("{PREFIX}{}{number:04}{ENDING}", char::from(*camera))
    }

    /// What it is called across all volumes: `100F0001`, on the USB disk `100F0001u`.
    pub fn id(&self, volume: Volume) -> String {
        let Self {
            folder,
            number,
            camera,
        } = self;
        let id = format!("{folder}{}{number:04}", char::from(*camera));
        match volume {
            Volume::Card => id,
            Volume::Usb => id + "u",
        }
    }

    /// Reads [`StillName::id`].
    pub fn parse_id(id: &str) -> Option<(Volume, Self)> {
        let (volume, id) = match id.strip_suffix(USB_MARK) {
            Some(rest) => (Volume::Usb, rest),
            None => (Volume::Card, id),
        };
        let (folder, rest) = id.split_at_checked(3)?;
        let (camera, number) = rest.split_at_checked(1)?;
        Some((volume, Self::of(folder, camera, number)?))
    }
}

impl fmt::Display for StillName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.folder(), self.file())
    }
}

/// A still that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StillFile {
    /// Its name.
    pub name: StillName,
    /// Its length in bytes.
    pub size: u64,
    /// Whether it is marked read-only, as cameras and PCs mark what is to be kept.
    pub is_locked: bool,
}

/// How much room stills have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StillRoom {
    /// Bytes for all of them together.
    pub most: u64,
    /// Bytes that are free on the volume, and that no slot is still to take.
    pub free: u64,
}

/// There is no room for a still, whatever is given up for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoStillRoom {
    /// It is larger than all that stills may take.
    #[error("stills may take {most} bytes in all, and this one has {size}")]
    TooLarge {
        /// Of the still.
        size: u64,
        /// Of all.
        most: u64,
    },
    /// What is left is locked.
    #[error("the stills that are marked read-only take all the room that stills have")]
    AllLocked,
    /// Others take it.
    #[error("the card has no free room beside the footage")]
    Full,
}

/// Those that are given up for one of `size` bytes, the oldest first and never a locked one.
///
/// # Errors
/// [`NoStillRoom`] if that would not do; then none is to be given up.
pub fn stills_to_give_up(
    stills: &[StillFile],
    size: u64,
    room: StillRoom,
) -> Result<Vec<StillName>, NoStillRoom> {
    if size > room.most {
        let most = room.most;
        return Err(NoStillRoom::TooLarge { size, most });
    }
    let mut taken: u64 = stills.iter().map(|still| still.size).sum();
    let mut free = room.free;
    let mut oldest: Vec<&StillFile> = stills.iter().filter(|still| !still.is_locked).collect();
    oldest.sort_by_key(|still| still.name);
    let mut oldest = oldest.into_iter();
    let mut gone = Vec::new();
    loop {
        let within = taken.saturating_add(size) <= room.most;
        if within && free >= size {
            return Ok(gone);
        }
        let Some(still) = oldest.next() else {
            return Err(match within {
                true => NoStillRoom::Full,
                false => NoStillRoom::AllLocked,
            });
        };
        taken -= still.size;
        free = free.saturating_add(still.size);
        gone.push(still.name);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn still(n: u16, size: u64, is_locked: bool) -> StillFile {
        let name = StillName {
            folder: 100,
            number: n,
            camera: b'F',
        };
        StillFile {
            name,
            size,
            is_locked,
        }
    }

    #[test]
    fn names_are_counted_on_and_read_back() {
        let first = StillName::behind(None, b'F').unwrap();
        assert_eq!(first.to_string(), "100PICAM/PICF0001.JPG");
        assert_eq!(
            StillName::behind(Some(first), b'R')
                .unwrap()
                .id(Volume::Usb),
            "100R0002u"
        );
        let last = StillName::parse("100PICAM", "PICF9999.JPG").unwrap();
        let next = StillName::behind(Some(last), b'F').unwrap();
        assert_eq!(next.to_string(), "101PICAM/PICF0001.JPG");
        assert!(last < next && first < last);
        let end = StillName::parse("999PICAM", "PICF9999.JPG").unwrap();
        assert_eq!(StillName::behind(Some(end), b'F'), None);
        for name in [first, last, end] {
            assert_eq!(StillName::parse(&name.folder(), &name.file()), Some(name));
            for volume in [Volume::Card, Volume::Usb] {
                assert_eq!(StillName::parse_id(&name.id(volume)), Some((volume, name)));
            }
        }
    }

    #[test]
    fn what_others_put_there_is_not_ours() {
        for (folder, file) in [
            ("100APPLE", "IMG_0001.JPG"),
            ("100PICAM", "PICF0000.JPG"),
            ("100PICAM", "PICF001.JPG"),
            ("100PICAM", "PICF00001.JPG"),
            ("100PICAM", "PICF+001.JPG"),
            ("100PICAM", "PIC\u{e4}0001.JPG"),
            ("099PICAM", "PICF0001.JPG"),
            ("PICAM", "PICF0001.JPG"),
            ("100PICAM", STILL_PART),
        ] {
            assert_eq!(StillName::parse(folder, file), None, "{folder}/{file}");
        }
        for id in [
            "",
            "u",
            "100F",
            "100F0001x",
            "\u{e4}00F0001",
            "100F0001uu",
            "../F0001",
        ] {
            assert_eq!(StillName::parse_id(id), None, "{id}");
        }
    }

    #[test]
    fn the_oldest_unlocked_go_first() {
        let stills = [still(3, 10, false), still(1, 10, true), still(2, 10, false)];
        let give_up = |size, most, free| stills_to_give_up(&stills, size, StillRoom { most, free });
        let numbers = |names: Vec<StillName>| names.iter().map(|n| n.number).collect::<Vec<_>>();
        assert_eq!(give_up(10, 40, 100).map(numbers), Ok(vec![]));
        assert_eq!(give_up(10, 39, 100).map(numbers), Ok(vec![2]));
        assert_eq!(give_up(10, 29, 100).map(numbers), Ok(vec![2, 3]));
        assert_eq!(give_up(10, 19, 100), Err(NoStillRoom::AllLocked));
        assert_eq!(give_up(10, 100, 0).map(numbers), Ok(vec![2]));
        assert_eq!(give_up(31, 100, 10), Err(NoStillRoom::Full));
        let too_large = NoStillRoom::TooLarge { size: 10, most: 9 };
        assert_eq!(give_up(10, 9, 100), Err(too_large));
    }

    proptest! {
        #[test]
        fn never_more_is_taken_than_there_is(
            sizes in proptest::collection::vec((1u64..50, any::<bool>()), 0..30),
            size in 1u64..60, most in 0u64..400, free in 0u64..200,
        ) {
            let stills: Vec<_> =
                (1..).zip(&sizes).map(|(n, &(size, locked))| still(n, size, locked)).collect();
            let room = StillRoom { most, free };
            if let Ok(gone) = stills_to_give_up(&stills, size, room) {
                let (away, kept): (Vec<&StillFile>, Vec<&StillFile>) =
                    stills.iter().partition(|still| gone.contains(&still.name));
                let sum = |of: &[&StillFile]| of.iter().map(|still| still.size).sum::<u64>();
                prop_assert!(away.iter().all(|still| !still.is_locked));
                prop_assert!(sum(&kept) + size <= most && free + sum(&away) >= size);
                prop_assert!(gone.is_sorted());
            }
        }
    }
}
