//! A note in the sector before the footage, which belongs to no partition.
//!
//! The table alone cannot tell two things: whether an exFAT was ever finished (the image may be
//! written over a card whose formatting was cut off), and which request to erase everything has been
//! met already (the request stays in `picam.toml` until the settings stage can write there, and must
//! not erase again at every boot until then).

use super::mbr::{SECTOR, Sector};
use crate::bytes::{array, put, u32_at, u64_at};

const MAGIC: [u8; 8] = *b"PICAMFB1";
/// Magic, kind, start, request, CRC.
const CHECKED: usize = 24;

/// What is noted about the footage behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// It is being formatted: nothing there is footage.
    Unfinished,
    /// It was formatted because this request asked for it.
    Erased(u32),
}

/// The sector that notes it; all zeros for nothing.
pub(crate) fn encode(marker: Option<Marker>, start: u64) -> Sector {
    let mut sector = [0; SECTOR];
    let (kind, request) = match marker {
        None => return sector,
        Some(Marker::Unfinished) => (1_u32, 0),
        Some(Marker::Erased(request)) => (2, request),
    };
    put(&mut sector, 0, &MAGIC);
    put(&mut sector, 8, &kind.to_le_bytes());
    put(&mut sector, 12, &start.to_le_bytes());
    put(&mut sector, 20, &request.to_le_bytes());
    let sum = crc32fast::hash(sector.get(..CHECKED).unwrap_or_default());
    put(&mut sector, CHECKED, &sum.to_le_bytes());
    sector
}

/// What a sector notes about the footage that begins at `start`.
pub(crate) fn decode(sector: &Sector, start: u64) -> Option<Marker> {
    let sum = crc32fast::hash(sector.get(..CHECKED)?);
    let ours =
        array(sector, 0) == MAGIC && u64_at(sector, 12) == start && u32_at(sector, CHECKED) == sum;
    match u32_at(sector, 8) {
        1 if ours => Some(Marker::Unfinished),
        2 if ours => Some(Marker::Erased(u32_at(sector, 20))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_where_it_was_meant() {
        for marker in [
            None,
            Some(Marker::Unfinished),
            Some(Marker::Erased(0xdead_beef)),
        ] {
            let mut sector = encode(marker, 99);
            assert_eq!(decode(&sector, 99), marker);
            assert_eq!(decode(&sector, 98), None);
            sector[21] ^= 0x10;
            assert_eq!(decode(&sector, 99), None, "torn");
        }
        assert_eq!(encode(None, 99), [0; SECTOR]);
        assert_eq!(decode(&[0xff; SECTOR], 99), None);
    }
}
