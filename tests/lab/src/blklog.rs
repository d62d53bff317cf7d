//! The log of everything that was done to a disk, as QEMU's `blklogwrites` driver writes it.
//!
//! The format is that of Linux's `dm-log-writes` target (`Documentation/admin-guide/device-mapper/log-writes.rst`,
//! structures in `drivers/md/dm-log-writes.c`; QEMU's copy of them in `block/blklogwrites.c`). All fields are
//! little-endian. Sector 0 of the log holds
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 8 | magic 0x6a736677736872 |
//! | 8 | 8 | version, 1 |
//! | 16 | 8 | number of entries |
//! | 24 | 4 | bytes of a sector |
//!
//! and behind it come the entries: one sector with
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 8 | first sector on the disk |
//! | 8 | 8 | number of sectors |
//! | 16 | 8 | flags: 1 flush, 2 FUA, 4 discard, 8 mark |
//! | 24 | 8 | bytes of data of a mark |
//!
//! followed by the data that was written; a discard has none. QEMU logs a write once it has been carried out
//! and before the guest is told so, a flush likewise. The number of entries in sector 0 is brought up to date
//! now and then only, so that the entries are counted here.

/// Bytes of a sector: what a disk writes whole or not at all.
pub const SECTOR: usize = 512;
const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;
const MARK: u64 = 8;

/// What was done to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sectors were written.
    Write,
    /// Everything written before was made durable.
    Flush,
    /// Sectors were given up. The laboratory's disk takes none.
    Discard,
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What was done.
    pub kind: Kind,
    /// First sector on the disk.
    pub sector: u32,
    /// How many.
    pub sectors: u32,
    /// Where the data stands, in sectors from the start of the log.
    pub data: u32,
    /// Where the entry ends in the log, in bytes: the log is that long once it is written.
    pub end: u64,
}

/// A whole log, in memory.
#[derive(Debug, Default)]
pub struct Log {
    bytes: Vec<u8>,
    /// The entries in order.
    pub entries: Vec<Entry>,
}

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LogError {
    /// It does not begin as one.
    #[error("not a log of block writes, or of another version or sector size: {0}")]
    Foreign(&'static str),
    /// An entry says what no entry may.
    #[error("entry {0} of the log at byte {1} makes no sense: {2}")]
    Entry(usize, usize, &'static str),
    /// Fewer entries than the log itself counts.
    #[error("the log counts {counted} entries, and only {found} are there")]
    Short {
        /// What its first sector says.
        counted: u64,
        /// What there are.
        found: usize,
    },
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

impl Log {
    /// Reads all entries. One that ends behind the end of the log was being written, and is left out.
    ///
    /// # Errors
    /// [`LogError`] for what is no log of 512-byte sectors.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, LogError> {
        let foreign = |what| Err(LogError::Foreign(what));
        if bytes.len() < SECTOR {
            return foreign("it is shorter than a sector");
        }
        if u64_at(&bytes, 0) != MAGIC {
            return foreign("the magic number is wrong");
        }
        if u64_at(&bytes, 8) != VERSION {
            return foreign("the version is not 1");
        }
        let counted = u64_at(&bytes, 16);
        if u64_at(&bytes, 24) as u32 as usize != SECTOR {
            return foreign("its sectors are not 512 bytes long");
        }
        let mut entries = Vec::new();
        let mut at = SECTOR;
        while at + SECTOR <= bytes.len() {
            let wrong = |what| Err(LogError::Entry(entries.len(), at, what));
            let (sector, sectors) = (u64_at(&bytes, at), u64_at(&bytes, at + 8));
            let flags = u64_at(&bytes, at + 16);
            let kind = match flags {
                0 => Kind::Write,
                // A flush that carries data is that of a disk which was asked to write and flush at once.
                FLUSH if sectors == 0 => Kind::Flush,
                FLUSH => return wrong("a flush with data"),
                DISCARD => Kind::Discard,
                FUA => return wrong("a write with FUA; the disk was not to offer that"),
                MARK => return wrong("a mark"),
                _ => return wrong("unknown flags"),
            };
            let (Ok(sector), Ok(sectors)) = (u32::try_from(sector), u32::try_from(sectors)) else {
                return wrong("a sector beyond 2 TiB");
            };
            let data = at + SECTOR;
            let len = match kind {
                Kind::Write => sectors as usize * SECTOR,
                Kind::Flush | Kind::Discard => 0,
            };
            if data + len > bytes.len() {
                break;
            }
            at = data + len;
            entries.push(Entry {
                kind,
                sector,
                sectors,
                data: (data / SECTOR) as u32,
                end: at as u64,
            });
        }
        if (entries.len() as u64) < counted {
            return Err(LogError::Short {
                counted,
                found: entries.len(),
            });
        }
        Ok(Self { bytes, entries })
    }

    /// One sector of the log, by its number.
    pub fn sector(&self, number: u32) -> &[u8; SECTOR] {
        let at = number as usize * SECTOR;
        self.bytes[at..at + SECTOR].try_into().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sector: u64, sectors: u64, flags: u64) -> Vec<u8> {
        let mut bytes = [sector, sectors, flags, 0].map(u64::to_le_bytes).concat();
        bytes.resize(SECTOR, 0);
        bytes
    }

    fn log(counted: u64, entries: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = [MAGIC, VERSION, counted, SECTOR as u64]
            .map(u64::to_le_bytes)
            .concat();
        bytes.resize(SECTOR, 0);
        bytes.extend(entries.concat());
        bytes
    }

    #[test]
    fn writes_and_flushes_are_read_in_order() {
        let mut write = entry(7, 2, 0);
        write.extend([0xaa; SECTOR]);
        write.extend([0xbb; SECTOR]);
        let log = Log::parse(log(2, &[write, entry(0, 0, FLUSH), entry(9, 4, DISCARD)])).unwrap();
        let kinds: Vec<_> = log.entries.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Kind::Write, Kind::Flush, Kind::Discard]);
        let write = log.entries[0];
        assert_eq!((write.sector, write.sectors, write.end), (7, 2, 2048));
        assert_eq!(log.sector(write.data), &[0xaa; SECTOR]);
        assert_eq!(log.sector(write.data + 1), &[0xbb; SECTOR]);
        assert_eq!(log.entries[2].end, 2048 + 512 + 512);
    }

    #[test]
    fn a_write_that_was_under_way_is_left_out() {
        let mut torn = entry(7, 2, 0);
        torn.extend([1; SECTOR]);
        let log = Log::parse(log(1, &[entry(0, 0, FLUSH), torn])).unwrap();
        assert_eq!(log.entries.len(), 1);
    }

    #[test]
    fn what_is_no_log_is_refused() {
        assert!(matches!(
            Log::parse(vec![0; 1024]),
            Err(LogError::Foreign(_))
        ));
        assert!(matches!(Log::parse(vec![]), Err(LogError::Foreign(_))));
        let short = LogError::Short {
            counted: 3,
            found: 1,
        };
        assert_eq!(
            Log::parse(log(3, &[entry(0, 0, FLUSH)])).unwrap_err(),
            short
        );
        for flags in [FUA, MARK, FLUSH | FUA, 16] {
            let parsed = Log::parse(log(0, &[entry(0, 1, flags)]));
            assert!(matches!(parsed, Err(LogError::Entry(0, 512, _))), "{flags}");
        }
    }
}
