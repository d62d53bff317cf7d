//! What is on the card, from one listing, kept up to date as the recorder changes it.

use std::collections::BTreeMap;
use std::io;

use crate::class::Class;
use crate::directory::{Directory, Entry, Listing};
use crate::filler::is_filler;
use crate::name::{SEQUENCE_MODULUS, SegmentName, SlotName};
use crate::sequence::{distance, newest_candidates};

/// A slot that holds footage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its name.
    pub name: SegmentName,
    /// Length of the file in bytes.
    pub size: u64,
}

/// A slot that holds none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spare {
    /// The camera's letter.
    pub camera: u8,
    /// The number in its name.
    pub sequence: u32,
    /// Length of the file in bytes.
    pub size: u64,
}

impl Segment {
    /// Its name as that of a slot.
    pub const fn slot(&self) -> SlotName {
        SlotName::Segment(self.name)
    }
}

impl Spare {
    /// Its name as that of a slot.
    pub const fn slot(&self) -> SlotName {
        SlotName::Spare {
            camera: self.camera,
            sequence: self.sequence,
        }
    }
}

/// Files in the directory that are not slots. They are never touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Foreign {
    /// How many, folders included.
    pub files: u64,
    /// Their lengths in all, in bytes; folders are not descended into.
    pub bytes: u64,
}

/// The slots of one camera.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ring {
    /// Oldest first.
    segments: Vec<Segment>,
    /// By number.
    spares: Vec<Spare>,
}

static EMPTY: Ring = Ring {
    segments: Vec::new(),
    spares: Vec::new(),
};

/// Every slot in the directory, by camera, and what else lies there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    rings: BTreeMap<u8, Ring>,
    foreign: Foreign,
    unusable: Vec<String>,
}

impl Ring {
    /// Segments, oldest first, in the order of their sequence; the one being recorded is among them
    /// once it has its name.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Slots without footage, lowest number first.
    pub fn spares(&self) -> &[Spare] {
        &self.spares
    }

    /// All slots of this camera.
    pub fn len(&self) -> usize {
        self.segments.len() + self.spares.len()
    }

    /// Whether this camera has no slot at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The segment recorded last.
    pub fn newest(&self) -> Option<&Segment> {
        self.segments.last()
    }

    /// The segment with these sequence digits; the newest of them should a user have copied one.
    pub fn find(&self, sequence: u32) -> Option<&Segment> {
        self.segments
            .iter()
            .rfind(|segment| segment.name.sequence == sequence)
    }

    /// How many segments are of this class.
    pub fn count(&self, class: Class) -> usize {
        self.segments
            .iter()
            .filter(|segment| segment.name.class == class)
            .count()
    }

    /// Bytes of all slots.
    pub fn bytes(&self) -> u64 {
        self.sizes().sum()
    }

    /// Which segments may be the newest, likeliest first. With more than one, read their header
    /// records and give the one with the highest sequence to [`Catalog::set_newest`].
    pub fn newest_candidates(&self) -> Vec<Segment> {
        newest_candidates(self.segments.iter().map(|segment| segment.name.sequence))
            .into_iter()
            .filter_map(|sequence| self.find(sequence).copied())
            .collect()
    }

    /// The lowest number that no spare slot has.
    pub fn free_spare_number(&self) -> u32 {
        let mut free = 0;
        for spare in &self.spares {
            if spare.sequence > free {
                break;
            }
            free = spare.sequence + 1;
        }
        free % SEQUENCE_MODULUS
    }

    fn size_of(&self, name: &SlotName) -> Option<u64> {
        match name {
            SlotName::Segment(name) => {
                let mut segments = self.segments.iter();
                segments
                    .find(|segment| segment.name == *name)
                    .map(|segment| segment.size)
            }
            SlotName::Spare { sequence, .. } => {
                let mut spares = self.spares.iter();
                spares
                    .find(|spare| spare.sequence == *sequence)
                    .map(|spare| spare.size)
            }
        }
    }

    fn sizes(&self) -> impl Iterator<Item = u64> {
        let segments = self.segments.iter().map(|segment| segment.size);
        segments.chain(self.spares.iter().map(|spare| spare.size))
    }

    fn sort(&mut self, newest: u32) {
        self.segments.sort_by(|a, b| {
            let age = |segment: &Segment| distance(segment.name.sequence, newest);
            // The rest of the name only decides between copies of one sequence.
            age(b)
                .cmp(&age(a))
                .then_with(|| a.name.to_string().cmp(&b.name.to_string()))
        });
    }

    fn add(&mut self, name: SlotName, size: u64) {
        match name {
            SlotName::Segment(name) => {
                let segment = Segment { name, size };
                let Some(newest) = self.newest().map(|newest| newest.name.sequence) else {
                    self.segments.push(segment);
                    return;
                };
                let at = if distance(newest, name.sequence) < SEQUENCE_MODULUS / 2 {
                    self.segments.len()
                } else {
                    let age = distance(name.sequence, newest);
                    self.segments
                        .partition_point(|other| distance(other.name.sequence, newest) > age)
                };
                self.segments.insert(at, segment);
            }
            SlotName::Spare { camera, sequence } => {
                let spare = Spare {
                    camera,
                    sequence,
                    size,
                };
                let at = self
                    .spares
                    .partition_point(|other| other.sequence < sequence);
                self.spares.insert(at, spare);
            }
        }
    }

    fn remove(&mut self, name: &SlotName) -> Option<u64> {
        match name {
            SlotName::Segment(name) => {
                let at = self
                    .segments
                    .iter()
                    .position(|segment| segment.name == *name)?;
                Some(self.segments.remove(at).size)
            }
            SlotName::Spare { sequence, .. } => {
                let at = self
                    .spares
                    .iter()
                    .position(|spare| spare.sequence == *sequence)?;
                Some(self.spares.remove(at).size)
            }
        }
    }
}

impl Catalog {
    /// Lists the directory once. What cannot be used is skipped and counted.
    pub fn read(directory: &impl Directory) -> io::Result<Self> {
        let Listing { entries, unusable } = directory.survey()?;
        Ok(Self {
            unusable,
            ..Self::from_entries(&entries)
        })
    }

    /// Sorts out a listing.
    pub fn from_entries(entries: &[Entry]) -> Self {
        let mut catalog = Self::default();
        for entry in entries.iter().filter(|entry| !is_filler(&entry.name)) {
            let size = entry.size;
            let Some(name) = SlotName::parse(&entry.name) else {
                catalog.foreign.files += 1;
                catalog.foreign.bytes += size;
                continue;
            };
            let ring = catalog.rings.entry(name.camera()).or_default();
            match name {
                SlotName::Segment(name) => ring.segments.push(Segment { name, size }),
                SlotName::Spare { camera, sequence } => ring.spares.push(Spare {
                    camera,
                    sequence,
                    size,
                }),
            }
        }
        for ring in catalog.rings.values_mut() {
            ring.spares.sort_by_key(|spare| spare.sequence);
            if let Some(&newest) = ring.newest_candidates().first() {
                ring.sort(newest.name.sequence);
            }
        }
        catalog
    }

    /// The slots of a camera; empty for one that has none.
    pub fn ring(&self, camera: u8) -> &Ring {
        self.rings.get(&camera).unwrap_or(&EMPTY)
    }

    /// The letters of all cameras that have slots here, configured or not.
    pub fn cameras(&self) -> impl Iterator<Item = u8> {
        self.rings.keys().copied()
    }

    /// What is not ours.
    pub fn foreign(&self) -> Foreign {
        self.foreign
    }

    /// Entries that cannot be used: a directory, a link or a pipe with a slot's name, and what cannot even be asked about.
    /// Their names, as far as they can be read. They are left alone, and gone around.
    pub fn unusable(&self) -> &[String] {
        &self.unusable
    }

    /// Those of them that have a slot's name, which no slot can have therefore.
    pub fn unusable_slots(&self) -> impl Iterator<Item = SlotName> {
        self.unusable
            .iter()
            .filter_map(|name| SlotName::parse(name))
    }

    /// Length of a slot's file in bytes; `None` if it is not known.
    pub fn size_of(&self, name: SlotName) -> Option<u64> {
        self.rings.get(&name.camera())?.size_of(&name)
    }

    /// Bytes of all slots of all cameras.
    pub fn bytes(&self) -> u64 {
        self.rings.values().map(Ring::bytes).sum()
    }

    /// Settles which segment of a camera is the newest, once header records have told.
    pub fn set_newest(&mut self, camera: u8, sequence: u32) {
        if let Some(ring) = self.rings.get_mut(&camera) {
            ring.sort(sequence);
        }
    }

    /// A slot was created.
    pub fn added(&mut self, name: SlotName, size: u64) {
        self.rings.entry(name.camera()).or_default().add(name, size);
    }

    /// A slot was removed, or found missing. Says its size if it was known.
    pub fn removed(&mut self, name: SlotName) -> Option<u64> {
        let ring = self.rings.get_mut(&name.camera())?;
        let size = ring.remove(&name);
        if ring.is_empty() {
            self.rings.remove(&name.camera());
        }
        size
    }

    /// A slot was renamed. Does nothing for a slot that is not known.
    pub fn renamed(&mut self, from: SlotName, to: SlotName) {
        if let Some(size) = self.removed(from) {
            self.added(to, size);
        }
    }
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
