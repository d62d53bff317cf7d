//! What to tell the owner of a card that has too little room.

use std::fmt;

use crate::catalog::{Catalog, Foreign};
use crate::provision::MIN_SLOTS;

/// Slots are missing because there is no room for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardFull {
    /// How many are missing, of all cameras.
    pub slots: usize,
    /// Bytes they would take.
    pub bytes: u64,
    /// Bytes that are free.
    pub available: u64,
    /// The user's own files next to the slots.
    pub foreign: Foreign,
    /// All that is not slots, those files and other folders included, in bytes.
    pub others: u64,
}

impl fmt::Display for CardFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the card is full: {} slots ({}) are missing and {} is free. \
             Files that are not footage take {}",
            self.slots,
            Bytes(self.bytes),
            Bytes(self.available),
            Bytes(self.others),
        )?;
        if self.foreign.files > 0 {
            let (files, bytes) = (self.foreign.files, Bytes(self.foreign.bytes));
            write!(f, ", {files} of them ({bytes}) in the footage folder")?;
        }
        let needed = Bytes(self.bytes.saturating_sub(self.available));
        write!(
            f,
            "; they are never deleted. Move {needed} of them off the card, \
             or set fewer or smaller slots"
        )
    }
}

/// A camera has too few slots for a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degraded {
    /// Its letter.
    pub camera: u8,
    /// How many it has.
    pub slots: usize,
}

impl fmt::Display for Degraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let camera = char::from(self.camera);
        match self.slots {
            0 => write!(f, "camera {camera} has no slot and cannot record")?,
            1 => write!(
                f,
                "camera {camera} has 1 slot: each segment overwrites the one before"
            )?,
            n => write!(
                f,
                "camera {camera} has {n} slots: it keeps the segment being recorded and the one \
                 before, locked or not"
            )?,
        }
        write!(f, ". Make room for at least {MIN_SLOTS}")
    }
}

/// Those of `cameras` that have fewer than [`MIN_SLOTS`] slots.
pub fn degraded(catalog: &Catalog, cameras: impl IntoIterator<Item = u8>) -> Vec<Degraded> {
    cameras
        .into_iter()
        .map(|camera| Degraded {
            camera,
            slots: catalog.ring(camera).len(),
        })
        .filter(|camera| camera.slots < MIN_SLOTS)
        .collect()
}

/// Bytes as people read them on a card's label: powers of ten.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} bytes", self.0),
            1_000..1_000_000 => write!(f, "{:.1} kB", bytes / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", bytes / 1e6),
            _ => write!(f, "{:.1} GB", bytes / 1e9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Entry;

    #[test]
    fn a_full_card_says_what_to_do() {
        let full = CardFull {
            slots: 5,
            bytes: 5 << 26,
            available: 1_000_000,
            foreign: Foreign {
                files: 812,
                bytes: 28_400_000_000,
            },
            others: 29_000_000_000,
        };
        assert_eq!(
            full.to_string(),
            "the card is full: 5 slots (335.5 MB) are missing and 1.0 MB is free. \
             Files that are not footage take 29.0 GB, 812 of them (28.4 GB) in the footage folder; \
             they are never deleted. Move 334.5 MB of them off the card, or set fewer or smaller slots"
        );
    }

    #[test]
    fn numbers_of_bytes_are_as_on_a_label() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (1_000_000, "1.0 MB"),
            (1_000_000_000, "1.0 GB"),
            (64_000_000_000, "64.0 GB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
        let full = CardFull {
            slots: 1,
            bytes: 1 << 26,
            available: 0,
            foreign: Foreign::default(),
            others: 0,
        };
        let said = full.to_string();
        assert!(!said.contains("in the footage folder"), "{said}");
    }

    #[test]
    fn too_few_slots_are_stated() {
        let entries: Vec<Entry> = [
            "F-_000000",
            "F-_000001",
            "F-_000002",
            "R-_000000",
            "R-_000001",
        ]
        .into_iter()
        .map(|tail| Entry {
            name: format!("free_video_slot_{tail}.bin"),
            size: 64,
        })
        .collect();
        let catalog = Catalog::from_entries(&entries);
        let found = degraded(&catalog, [b'F', b'R', b'X']);
        assert_eq!(
            found,
            [
                Degraded {
                    camera: b'R',
                    slots: 2
                },
                Degraded {
                    camera: b'X',
                    slots: 0
                }
            ]
        );
        assert!(found[0].to_string().ends_with("Make room for at least 3"));
        assert!(found[1].to_string().contains("cannot record"));
    }
}
