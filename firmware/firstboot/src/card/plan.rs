//! The footage partition's state machine: what the table says, and the one next thing to do.
//!
//! | 2nd entry | state |
//! |---|---|
//! | type 0xda before 1600 MiB, or none | placeholder: as the image has it |
//! | type 0xda from there on | formatting: nothing there is worth anything |
//! | anything else from there on | footage: never touched, but for a main boot region that only its backup still has |

use super::exfat::Volume;
use super::geometry::{Card, FOOTAGE_FROM, TooSmall};
use super::marker::Marker;
use super::mbr::{EXFAT, EXTENDED, Entry, FAT32, LINUX, Mbr, NoMbr, Primary, RESERVED};

/// Whether `picam.toml` asks for footage to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erase {
    /// It does not.
    No,
    /// It cannot be read: nothing is erased, and nothing is forgotten.
    Unknown,
    /// It does; this tells one request from another.
    Asked(u32),
}

/// What the table says of the footage partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The card was just flashed.
    Placeholder,
    /// It is to be formatted, or was being so.
    Formatting(Entry),
    /// It holds footage, or what its owner made of it.
    Footage(Entry),
}

/// Why a disk is left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No table, or a GPT.
    #[error("{0}; flash picam's image to it first")]
    NoMbr(#[from] NoMbr),
    /// A table of something else.
    #[error("{what} is not what a picam card has there; flash picam's image to it first")]
    OtherLayout {
        /// Which entry, and what it is.
        what: String,
    },
    /// No room for footage.
    #[error(transparent)]
    TooSmall(#[from] TooSmall),
}

impl State {
    /// Reads it from the table; refuses the table of anything but a picam card.
    pub fn of(table: &Mbr) -> Result<Self, Refusal> {
        for (primary, number, kinds) in [
            (Primary::Boot, 1, &[FAT32] as &[u8]),
            // As the image has it; the older type is that of cards of earlier images.
            (Primary::Root, 3, &[RESERVED, LINUX]),
            (Primary::Extended, 4, &[EXTENDED]),
        ] {
            let entry = table.entry(primary);
            if entry.is_empty() || !kinds.contains(&entry.kind) || entry.end() >= FOOTAGE_FROM {
                return Err(other_layout(number, entry));
            }
        }
        let entry = table.entry(Primary::Footage);
        match (entry.kind, u64::from(entry.start) >= FOOTAGE_FROM) {
            _ if entry.is_empty() => Ok(Self::Placeholder),
            (RESERVED, true) => Ok(Self::Formatting(entry)),
            (RESERVED, false) => Ok(Self::Placeholder),
            (_, true) => Ok(Self::Footage(entry)),
            (_, false) => Err(other_layout(2, entry)),
        }
    }
}

fn other_layout(number: u8, entry: Entry) -> Refusal {
    let Entry {
        kind,
        start,
        sectors,
    } = entry;
    let what = match entry.is_empty() {
        true => format!("no partition {number}"),
        false => {
            format!("partition {number} (type 0x{kind:02x}, {sectors} sectors from sector {start})")
        }
    };
    Refusal::OtherLayout { what }
}

/// What lies where footage begins, or may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// First sector of the place.
    pub start: u64,
    /// The exFAT there.
    pub volume: Option<Volume>,
    /// The note in the sector before.
    pub marker: Option<Marker>,
}

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is footage.
    Done(Entry),
    /// Write this table, which is one sector, and look again.
    WriteTable {
        /// The sector.
        table: Mbr,
        /// What it does, for the log.
        why: Why,
    },
    /// Format, check, leave this note and write this table.
    Format {
        /// What to format.
        entry: Entry,
        /// What to note when it is done.
        marker: Option<Marker>,
        /// The table that makes it footage.
        table: Mbr,
    },
    /// Clear the note before the footage, and look again.
    ClearMarker(u64),
    /// Make the main boot region of this footage anew from its backup, and look again.
    Restore(Entry),
}

/// What a table is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Footage was found: it is a partition again.
    Keep(Volume),
    /// There is none: its place is made ready for formatting.
    Begin,
    /// All footage is to be erased.
    Erase,
    /// The place to be formatted is not what this card has, as on a card copied from another one.
    Resize,
}

/// Decides what comes next. `found` is the planned place first, then the others.
pub fn next(
    table: &Mbr,
    state: State,
    card: &Card,
    found: &[Found],
    erase: Erase,
) -> Result<Next, Refusal> {
    let entry_as = |kind, start| card.footage(kind, start);
    let write = |entry, why| Next::WriteTable {
        table: table.with(Primary::Footage, entry),
        why,
    };
    match state {
        State::Placeholder => {
            let kept = found.iter().find_map(|found| {
                let unfinished = found.marker == Some(Marker::Unfinished);
                let volume = found
                    .volume
                    .filter(|_| !unfinished && !is_due(erase, found))?;
                Some((found.start, volume))
            });
            Ok(match kept {
                Some((start, volume)) => write(entry_as(EXFAT, start)?, Why::Keep(volume)),
                None => write(entry_as(RESERVED, card.footage_start())?, Why::Begin),
            })
        }
        State::Formatting(entry) => {
            let expected = entry_as(RESERVED, entry.start.into())?;
            if expected != entry {
                return Ok(write(expected, Why::Resize));
            }
            let footage = Entry {
                kind: EXFAT,
                ..entry
            };
            Ok(Next::Format {
                entry,
                marker: match erase {
                    Erase::Asked(request) => Some(Marker::Erased(request)),
                    Erase::No | Erase::Unknown => None,
                },
                table: table.with(Primary::Footage, footage),
            })
        }
        State::Footage(entry) => {
            let here = found
                .iter()
                .find(|found| found.start == u64::from(entry.start));
            Ok(match here {
                Some(here) if is_due(erase, here) => {
                    write(entry_as(RESERVED, entry.start.into())?, Why::Erase)
                }
                // Stale, and it would condemn the footage after a reflash, or swallow a later request.
                Some(here) if here.marker.is_some() && is_stale(erase, here) => {
                    Next::ClearMarker(here.start)
                }
                // Mounting writes to the boot sector each time, so that a power cut may tear it. The backup of a longer
                // volume is another one's.
                Some(Found {
                    volume: Some(volume),
                    ..
                }) if volume.on_backup && volume.sectors <= entry.sectors.into() => {
                    Next::Restore(entry)
                }
                _ => Next::Done(entry),
            })
        }
    }
}

/// Whether a request to erase has not been met yet.
fn is_due(erase: Erase, found: &Found) -> bool {
    match erase {
        Erase::No | Erase::Unknown => false,
        Erase::Asked(request) => found.marker != Some(Marker::Erased(request)),
    }
}

fn is_stale(erase: Erase, found: &Found) -> bool {
    match found.marker {
        Some(Marker::Unfinished) => true,
        Some(Marker::Erased(_)) => erase == Erase::No,
        None => false,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
