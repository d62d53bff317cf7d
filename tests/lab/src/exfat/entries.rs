//! Directory entries (section 6) and the sets that they form (7.4, 7.6, 7.7).

use super::{u16_at, u32_at, u64_at};

const ENTRY: usize = 32;
const BITMAP: u8 = 0x81;
const UPCASE: u8 = 0x82;
const FILE: u8 = 0x85;
const STREAM: u8 = 0xc0;
const NAME: u8 = 0xc1;
const DIRECTORY: u16 = 0x10;
/// NoFatChain of GeneralSecondaryFlags (6.3.4.2).
const NO_FAT_CHAIN: u8 = 2;

/// A whole entry set of a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntrySet {
    /// Its name.
    pub name: String,
    /// Whether it is a directory.
    pub directory: bool,
    /// DataLength.
    pub len: u64,
    /// ValidDataLength.
    pub valid: u64,
    /// Its first cluster.
    pub first: u32,
    /// Whether its clusters stand in the FAT; else they lie side by side.
    pub chained: bool,
}

/// An entry set that its checksum or its own numbers contradict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornSet {
    /// The name, as far as there is one.
    pub name: String,
    /// Where the set begins in its directory, in bytes.
    pub at: usize,
}

pub(super) enum Found {
    /// The allocation bitmap or the up-case table.
    System {
        first: u32,
        len: u64,
    },
    Set(EntrySet),
    Torn(TornSet),
}

/// EntrySetChecksum (6.3.3): all bytes of the set but the checksum itself.
fn checksum(set: &[u8]) -> u16 {
    let bytes = set
        .iter()
        .enumerate()
        .filter(|(at, _)| !matches!(at, 2 | 3));
    bytes.fold(0u16, |sum, (_, &byte)| {
        sum.rotate_right(1).wrapping_add(byte.into())
    })
}

fn name_of(names: &[u8], len: usize) -> String {
    let units = names
        .as_chunks::<ENTRY>()
        .0
        .iter()
        .filter(|entry| entry[0] == NAME);
    let units: Vec<u16> = units
        .flat_map(|entry| entry[2..].as_chunks::<2>().0)
        .map(|&unit| u16::from_le_bytes(unit))
        .take(len)
        .collect();
    String::from_utf16_lossy(&units)
}

/// All that stands in a directory, up to its end-of-directory entry (6.2.1.1).
pub(super) fn read(bytes: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(entry) = bytes.get(at..at + ENTRY) {
        let here = at;
        at += ENTRY;
        match entry[0] {
            0 => break,
            BITMAP | UPCASE => found.push(Found::System {
                first: u32_at(entry, 20),
                len: u64_at(entry, 24),
            }),
            FILE => {
                let end = here + ENTRY * (1 + usize::from(entry[1]));
                let set = bytes.get(here..end).unwrap_or_default();
                match parse(set) {
                    Some(set) => {
                        found.push(Found::Set(set));
                        at = end;
                    }
                    None => found.push(Found::Torn(TornSet {
                        name: name_of(set, usize::MAX),
                        at: here,
                    })),
                }
            }
            _ => {}
        }
    }
    found
}

fn parse(set: &[u8]) -> Option<EntrySet> {
    if set.len() < 3 * ENTRY || checksum(set) != u16_at(set, 2) {
        return None;
    }
    let (stream, names) = set[ENTRY..].split_at(ENTRY);
    let whole = stream[0] == STREAM && names.iter().step_by(ENTRY).all(|&kind| kind & 0x80 != 0);
    let len = usize::from(stream[3]);
    let (valid, data) = (u64_at(stream, 8), u64_at(stream, 24));
    if !whole || names.len() / ENTRY * 15 < len || valid > data {
        return None;
    }
    Some(EntrySet {
        name: name_of(names, len),
        directory: u16_at(set, 4) & DIRECTORY != 0,
        len: data,
        valid,
        first: u32_at(stream, 20),
        chained: stream[1] & NO_FAT_CHAIN == 0,
    })
}
