//! A reader of exFAT as it lies on a [`Disk`], written from Microsoft's "exFAT file system specification"
//! (revision 1.00; the sections are named where they are used).
//!
//! It reads what a cut left in a fraction of the time that a mount takes. Whether it reads right is shown by a
//! mount with exfat-fuse of a sample of disks, and whether the filesystem is sound is for `fsck.exfat` to say:
//! here a damaged directory entry is only reported as such.

mod entries;

use crate::blklog::SECTOR;
use crate::disk::Disk;
pub use entries::TornSet;

/// Where the parts of a volume lie; they do not change after formatting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    fat: u32,
    heap: u32,
    clusters: u32,
    root: u32,
    sectors_per_cluster: u32,
}

/// Sectors side by side: first and number.
pub type Extent = (u32, u32);

/// A file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Path from the root, without a leading slash.
    pub path: String,
    /// Whether it is a directory.
    pub directory: bool,
    /// Length in bytes.
    pub len: u64,
    /// How much of it was ever written; what lies behind is zeros to a reader (7.6.5).
    pub valid: u64,
    /// Where its content lies, in order.
    pub extents: Vec<Extent>,
}

/// Everything that the directories of a volume say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files and directories that a reader finds.
    pub nodes: Vec<Node>,
    /// Directory entry sets that no reader can use.
    pub torn: Vec<TornSet>,
    /// The sectors of directories, of the allocation bitmap and of the up-case table.
    pub metadata: Vec<Extent>,
}

/// Why a volume cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// The boot sector is not that of an exFAT volume with 512-byte sectors.
    #[error("no exFAT volume: {0}")]
    Boot(&'static str),
    /// The checksum of the boot region (3.4) does not hold.
    #[error("the boot region's checksum does not hold")]
    Checksum,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Largest value of a FAT entry that names a cluster (4.1.3).
const LAST_CLUSTER: u32 = 0xffff_fff6;

impl Volume {
    /// Reads the main boot region (3.1).
    ///
    /// # Errors
    /// [`VolumeError`] if there is none.
    pub fn read(disk: &Disk<'_>) -> Result<Self, VolumeError> {
        let boot = disk.sector(0);
        if &boot[3..11] != b"EXFAT   " || boot[510..] != [0x55, 0xaa] {
            return Err(VolumeError::Boot("the boot sector is another's"));
        }
        if boot[108] != 9 || boot[109] > 16 || boot[110] != 1 {
            return Err(VolumeError::Boot(
                "sectors of 512 bytes and one FAT are expected",
            ));
        }
        let mut sum = 0u32;
        for sector in 0..11 {
            for (at, &byte) in disk.sector(sector).iter().enumerate() {
                // VolumeFlags and PercentInUse change without it (3.4).
                if sector != 0 || !matches!(at, 106 | 107 | 112) {
                    sum = sum.rotate_right(1).wrapping_add(byte.into());
                }
            }
        }
        if disk
            .sector(11)
            .as_chunks::<4>()
            .0
            .iter()
            .any(|&word| u32::from_le_bytes(word) != sum)
        {
            return Err(VolumeError::Checksum);
        }
        Ok(Self {
            fat: u32_at(boot, 80),
            heap: u32_at(boot, 88),
            clusters: u32_at(boot, 92),
            root: u32_at(boot, 96),
            sectors_per_cluster: 1 << boot[109],
        })
    }

    /// First sector of the cluster heap: boot regions and FAT lie before it.
    pub fn heap(&self) -> u32 {
        self.heap
    }

    fn cluster(&self, number: u32) -> Option<Extent> {
        let index = number
            .checked_sub(2)
            .filter(|&index| index < self.clusters)?;
        Some((
            self.heap + index * self.sectors_per_cluster,
            self.sectors_per_cluster,
        ))
    }

    fn next(&self, disk: &Disk<'_>, cluster: u32) -> Option<u32> {
        let at = cluster as usize * 4;
        let next = u32_at(disk.sector(self.fat + (at / SECTOR) as u32), at % SECTOR);
        (2..=LAST_CLUSTER).contains(&next).then_some(next)
    }

    /// The sectors of a chain of clusters that holds `len` bytes; fewer if the chain ends before.
    fn extents(&self, disk: &Disk<'_>, first: u32, len: u64, chained: bool) -> Vec<Extent> {
        let cluster_len = u64::from(self.sectors_per_cluster) * SECTOR as u64;
        let mut wanted = len.div_ceil(cluster_len).min(self.clusters.into());
        let mut extents: Vec<Extent> = Vec::new();
        let mut at = Some(first);
        while wanted > 0 {
            let Some((start, sectors)) = at.and_then(|cluster| self.cluster(cluster)) else {
                break;
            };
            match extents.last_mut() {
                Some(last) if last.0 + last.1 == start => last.1 += sectors,
                _ => extents.push((start, sectors)),
            }
            wanted -= 1;
            at = at.and_then(|cluster| {
                if chained {
                    self.next(disk, cluster)
                } else {
                    Some(cluster + 1)
                }
            });
        }
        extents
    }

    /// Walks all directories.
    pub fn list(&self, disk: &Disk<'_>) -> Listing {
        let mut listing = Listing::default();
        // The root directory's length is that of its chain (7.1).
        let root = self.extents(disk, self.root, u64::MAX, true);
        self.walk(disk, "", root, &mut listing, 0);
        listing
    }

    fn walk(
        &self,
        disk: &Disk<'_>,
        prefix: &str,
        at: Vec<Extent>,
        listing: &mut Listing,
        depth: u32,
    ) {
        let mut bytes = Vec::new();
        for &(first, sectors) in &at {
            disk.read(first, sectors, &mut bytes);
        }
        listing.metadata.extend(&at);
        for found in entries::read(&bytes) {
            match found {
                entries::Found::System { first, len } => {
                    listing
                        .metadata
                        .extend(self.extents(disk, first, len, true));
                }
                entries::Found::Torn(torn) => listing.torn.push(torn),
                entries::Found::Set(set) => {
                    let extents = self.extents(disk, set.first, set.len, set.chained);
                    let path = format!("{prefix}{}", set.name);
                    if set.directory && depth < 8 {
                        let inside = format!("{path}/");
                        self.walk(disk, &inside, extents.clone(), listing, depth + 1);
                    }
                    listing.nodes.push(Node {
                        path,
                        directory: set.directory,
                        len: set.len,
                        valid: set.valid,
                        extents,
                    });
                }
            }
        }
    }
}

impl Node {
    /// The content, as a reader gets it. Shorter than [`Node::len`] if clusters are missing.
    pub fn read(&self, disk: &Disk<'_>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len as usize);
        for &(first, sectors) in &self.extents {
            disk.read(first, sectors, &mut bytes);
        }
        bytes.truncate(self.len as usize);
        let valid = (self.valid as usize).min(bytes.len());
        bytes[valid..].fill(0);
        bytes
    }

    /// The sector of the disk that holds the byte at `offset`.
    pub fn sector_of(&self, offset: u64) -> Option<u32> {
        let mut left = (offset / SECTOR as u64) as u32;
        for &(first, sectors) in &self.extents {
            if left < sectors {
                return Some(first + left);
            }
            left -= sectors;
        }
        None
    }
}
