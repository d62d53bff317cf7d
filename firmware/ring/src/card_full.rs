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

/// Warns of a camera that has fewer than [`MIN_SLOTS`] slots, and so no ring.
pub fn too_few_slots(catalog: &Catalog, camera: u8) -> Option<String> {
    let slots = catalog.ring(camera).len();
    let camera = char::from(camera);
    let what = match slots {
        MIN_SLOTS.. => return None,
        0 => "no slot and cannot record".to_owned(),
        1 => "1 slot: each segment overwrites the one before".to_owned(),
        n => format!(
            "{n} slots: it keeps the segment being recorded and the one before, locked or not"
        ),
    };
    Some(format!(
        "camera {camera} has {what}. Make room for at least {MIN_SLOTS}"
    ))
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
        let found = |camera| too_few_slots(&catalog, camera);
        assert_eq!(found(b'F'), None);
        let two = found(b'R').unwrap();
        assert!(two.starts_with("camera R has 2 slots: it keeps"), "{two}");
        assert!(two.ends_with("Make room for at least 3"));
        let none = found(b'X').unwrap();
        assert!(
            none.starts_with("camera X has no slot and cannot record."),
            "{none}"
        );
    }
}
