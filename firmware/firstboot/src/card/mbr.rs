//! The master boot record: sector 0 with the four primary partitions.
//!
//! Offsets as in Linux, `include/linux/msdos_partition.h` and `block/partitions/msdos.c`. Of the
//! sector nothing but one entry is ever changed: boot code, disk signature and the other entries stay.

use crate::bytes::{array, put, u32_at};

/// Bytes of a sector. SD cards know no other size (SD Physical Layer Specification 4.3.3).
pub const SECTOR: usize = 512;
/// A sector's bytes.
pub type Sector = [u8; SECTOR];

const TABLE: usize = 0x1be;
const ENTRY: usize = 16;
const SIGNATURE: usize = 0x1fe;

/// FAT32 with LBA: what the boot partition is, and what the Pi 3's ROM reads.
pub const FAT32: u8 = 0x0c;
/// exFAT (and NTFS): footage.
pub const EXFAT: u8 = 0x07;
/// "Non-FS data": space that no system offers to format. The roots and the state, and the footage's place
/// while there is no footage yet.
pub const RESERVED: u8 = 0xda;
/// Linux, which Windows offers to format.
pub const LINUX: u8 = 0x83;
/// Extended, with LBA: holds the logical partitions.
pub const EXTENDED: u8 = 0x0f;
/// A GPT's protective entry (UEFI 5.2.3).
const GPT: u8 = 0xee;

/// One of the four primary partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // what a card of picam has there
pub enum Primary {
    Boot,
    Footage,
    Root,
    Extended,
}

impl Primary {
    /// In the order of the table.
    pub const ALL: [Self; 4] = [Self::Boot, Self::Footage, Self::Root, Self::Extended];

    fn at(self) -> usize {
        let index = match self {
            Self::Boot => 0,
            Self::Footage => 1,
            Self::Root => 2,
            Self::Extended => 3,
        };
        TABLE + index * ENTRY
    }
}

/// An entry: what lies where. All zeros where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Entry {
    /// The type, as [`EXFAT`].
    pub kind: u8,
    /// First sector.
    pub start: u32,
    /// Length in sectors.
    pub sectors: u32,
}

impl Entry {
    /// Whether it describes no partition.
    pub fn is_empty(&self) -> bool {
        self.kind == 0 || self.sectors == 0
    }

    /// The first sector after it.
    pub fn end(&self) -> u64 {
        u64::from(self.start) + u64::from(self.sectors)
    }
}

/// Why a sector is no table that we understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoMbr {
    /// The signature is missing.
    #[error("it has no partition table (MBR)")]
    Missing,
    /// A GUID partition table lies behind a protective MBR.
    #[error("its partition table is a GPT, not an MBR")]
    Gpt,
}

/// The sector.
#[derive(Clone, PartialEq, Eq)]
pub struct Mbr(Sector);

impl Mbr {
    /// Takes a sector for a table.
    pub fn parse(sector: Sector) -> Result<Self, NoMbr> {
        if array(&sector, SIGNATURE) != [0x55, 0xaa] {
            return Err(NoMbr::Missing);
        }
        let mbr = Self(sector);
        match Primary::ALL.iter().any(|&n| mbr.entry(n).kind == GPT) {
            true => Err(NoMbr::Gpt),
            false => Ok(mbr),
        }
    }

    /// An entry.
    pub fn entry(&self, primary: Primary) -> Entry {
        let at = primary.at();
        let [kind] = array(&self.0, at + 4);
        Entry {
            kind,
            start: u32_at(&self.0, at + 8),
            sectors: u32_at(&self.0, at + 12),
        }
    }

    /// The same table with another entry in one place. Its boot flag stays.
    pub fn with(&self, primary: Primary, entry: Entry) -> Self {
        let mut sector = self.0;
        let at = primary.at();
        let last = u64::from(entry.start) + u64::from(entry.sectors.saturating_sub(1));
        put(&mut sector, at + 1, &chs(entry.start.into()));
        put(&mut sector, at + 4, &[entry.kind]);
        put(&mut sector, at + 5, &chs(last));
        put(&mut sector, at + 8, &entry.start.to_le_bytes());
        put(&mut sector, at + 12, &entry.sectors.to_le_bytes());
        Self(sector)
    }

    /// The sector to write.
    pub fn as_sector(&self) -> &Sector {
        &self.0
    }
}

impl std::fmt::Debug for Mbr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(Primary::ALL.iter().map(|&n| self.entry(n)))
            .finish()
    }
}

/// A sector's number as cylinder, head and sector in the geometry that everybody assumes (255 heads,
/// 63 sectors), and what stands for "too far" beyond it. Nothing of today reads it.
fn chs(sector: u64) -> [u8; 3] {
    const HEADS: u64 = 255;
    const SECTORS: u64 = 63;
    let cylinder = sector / (HEADS * SECTORS);
    if cylinder > 1023 {
        return [0xfe, 0xff, 0xff];
    }
    let head = (sector / SECTORS) % HEADS;
    let in_track = sector % SECTORS + 1;
    // All three fit: 254, 63 | 3 << 6, 255.
    [
        head as u8,
        in_track as u8 | ((cylinder >> 8) as u8) << 6,
        cylinder as u8,
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sector_without_a_table_is_none() {
        assert_eq!(Mbr::parse([0; SECTOR]), Err(NoMbr::Missing));
        assert_eq!(Mbr::parse([0xff; SECTOR]), Err(NoMbr::Missing));
        let mut gpt = [0; SECTOR];
        put(&mut gpt, SIGNATURE, &[0x55, 0xaa]);
        assert!(Mbr::parse(gpt).is_ok());
        gpt[TABLE + 4] = GPT;
        assert_eq!(Mbr::parse(gpt), Err(NoMbr::Gpt));
    }

    #[test]
    fn cylinders_heads_and_sectors_as_sfdisk_writes_them() {
        // sfdisk 2.38, of start=4MiB,size=256MiB and start=1600MiB,size=780MiB
        assert_eq!(chs(8192), [0x82, 0x03, 0x00]);
        assert_eq!(chs(532_479), [0x25, 0x04, 0x21]);
        assert_eq!(chs(3_276_800), [0xf7, 0x2d, 0xcb]);
        assert_eq!(chs(4_874_239), [0x67, 0x78, 0x2f]);
        assert_eq!(chs(1024 * 255 * 63), [0xfe, 0xff, 0xff]);
    }

    proptest! {
        #[test]
        fn whatever_the_sector_only_the_entry_changes(
            sector in proptest::array::uniform32(proptest::array::uniform16(any::<u8>())),
            kind in any::<u8>(), start in any::<u32>(), sectors in any::<u32>(), n in 0..4_usize,
        ) {
            let mut sector: Sector = sector.concat().try_into().unwrap();
            let _ = Mbr::parse(sector);
            put(&mut sector, SIGNATURE, &[0x55, 0xaa]);
            for entry in 0..4 {
                sector[TABLE + entry * ENTRY + 4] &= 0x7f;
            }
            let before = Mbr::parse(sector).unwrap();
            let entry = Entry { kind, start, sectors };
            let after = before.with(Primary::ALL[n], entry);
            prop_assert_eq!(after.entry(Primary::ALL[n]), entry);
            let at = TABLE + n * ENTRY;
            for (offset, (a, b)) in before.0.iter().zip(&after.0).enumerate() {
                prop_assert!(a == b || (at + 1..at + ENTRY).contains(&offset));
            }
        }
    }
}
