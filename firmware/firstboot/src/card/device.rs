//! A real card: a block device, past the page cache.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock, major, minor};

use super::geometry::Card;
use super::mbr::{SECTOR, Sector};
use super::run::Disk;

/// How long a formatting that outlived whoever began it may still run.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// Why there is no disk to work on.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// There is no such thing.
    #[error("{0} cannot be used: {1}; name a disk such as /dev/mmcblk0")]
    Unusable(PathBuf, io::Error),
    /// A file, a partition, or something else.
    #[error("{0} is {1}; name a whole disk such as /dev/mmcblk0")]
    NoDisk(PathBuf, &'static str),
    /// The root filesystem lies in memory or on the network.
    #[error("the root filesystem lies on no disk of its own; name the card with --disk")]
    NoRootDisk,
    /// Its sectors are not of 512 bytes.
    #[error("{0} has sectors of {1} bytes, and a card's are of 512; use an SD card")]
    OddSectors(PathBuf, u64),
}

/// A disk. It is opened for writing, and locked, only when something is to be written: closing a
/// writable disk makes udev look at it anew.
#[derive(Debug)]
pub struct BlockDevice {
    node: PathBuf,
    sysfs: PathBuf,
    card: Card,
    reader: File,
    writer: Option<File>,
    /// Which partition is the footage.
    partition: u8,
}

impl BlockDevice {
    /// The disk that holds the root filesystem.
    pub fn of_root() -> Result<Self, DeviceError> {
        let device = fs::metadata("/")
            .map_err(|_| DeviceError::NoRootDisk)?
            .dev();
        let mut sysfs = sysfs_of(device).map_err(|_| DeviceError::NoRootDisk)?;
        if sysfs.join("partition").exists() {
            sysfs.pop();
        }
        let name = sysfs.file_name().ok_or(DeviceError::NoRootDisk)?;
        Self::open(&Path::new("/dev").join(name))
    }

    /// The disk behind a device node.
    pub fn open(node: &Path) -> Result<Self, DeviceError> {
        let unusable = |error| DeviceError::Unusable(node.to_owned(), error);
        let no_disk = |what| DeviceError::NoDisk(node.to_owned(), what);
        let metadata = fs::metadata(node).map_err(unusable)?;
        if !metadata.file_type().is_block_device() {
            return Err(no_disk("no disk"));
        }
        let sysfs = sysfs_of(metadata.rdev()).map_err(unusable)?;
        if sysfs.join("partition").exists() {
            return Err(no_disk("a partition"));
        }
        let sector = number(&sysfs.join("queue/logical_block_size")).map_err(unusable)?;
        if sector != SECTOR as u64 {
            return Err(DeviceError::OddSectors(node.to_owned(), sector));
        }
        // In sectors of 512 bytes, whatever the disk's own (Linux, Documentation/ABI/stable/sysfs-block).
        let sectors = number(&sysfs.join("size")).map_err(unusable)?;
        // Of MMC and SD only (Documentation/driver-api/mmc/mmc-dev-attrs.rst), in bytes.
        let erase = number(&sysfs.join("device/preferred_erase_size")).ok();
        Ok(Self {
            card: Card::new(sectors, erase),
            reader: direct(OpenOptions::new().read(true))
                .open(node)
                .map_err(unusable)?,
            node: node.to_owned(),
            sysfs,
            writer: None,
            partition: 2,
        })
    }

    /// The same disk, whose footage is another partition than the card's.
    #[must_use]
    pub fn with_partition(mut self, number: u8) -> Self {
        self.partition = number;
        self
    }

    /// Which partition is the footage.
    pub(super) fn partition_number(&self) -> u8 {
        self.partition
    }

    /// What the kernel says of it.
    pub fn card(&self) -> Card {
        self.card
    }

    /// Its device node.
    pub fn node(&self) -> &Path {
        &self.node
    }

    /// Its directory in sysfs.
    pub(crate) fn sysfs(&self) -> &Path {
        &self.sysfs
    }

    /// The disk open for writing, and locked.
    ///
    /// The lock is held by whoever inherits it, so that a formatting program that outlived its picam
    /// is waited for, and it keeps udev away (systemd, "Locking Block Device Access").
    pub(super) fn locked(&mut self) -> io::Result<&File> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let writer = direct(OpenOptions::new().read(true).write(true)).open(&self.node)?;
                lock(&writer)?;
                writer
            }
        };
        Ok(self.writer.insert(writer))
    }
}

impl Disk for BlockDevice {
    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut pages = vec![Page([0; 4096]); buffer.len().div_ceil(4096)];
        for (n, (page, part)) in pages.iter_mut().zip(buffer.chunks_mut(4096)).enumerate() {
            let at = sector * SECTOR as u64 + n as u64 * 4096;
            let (used, _) = page.0.split_at_mut(part.len());
            self.reader.read_exact_at(used, at)?;
            part.copy_from_slice(used);
        }
        Ok(())
    }

    fn write(&mut self, sector: u64, bytes: &Sector) -> io::Result<()> {
        let mut page = Page([0; 4096]);
        let (used, _) = page.0.split_at_mut(SECTOR);
        used.copy_from_slice(bytes);
        let file = self.locked()?;
        // O_DIRECT: this sector and no other goes to the card.
        file.write_all_at(used, sector * SECTOR as u64)?;
        file.sync_data()
    }
}

/// Memory that O_DIRECT takes.
#[derive(Clone)]
#[repr(C, align(4096))]
struct Page([u8; 4096]);

fn direct(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(OFlags::DIRECT.bits().cast_signed())
}

fn lock(file: &File) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(_) if start.elapsed() < LOCK_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(20))
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn sysfs_of(device: u64) -> io::Result<PathBuf> {
    fs::canonicalize(format!(
        "/sys/dev/block/{}:{}",
        major(device),
        minor(device)
    ))
}

/// A number in a file of sysfs.
pub(super) fn number(path: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    text.trim()
        .parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no number"))
}

/// What the kernel calls a partition of a disk: `sda2`, `mmcblk0p2`.
pub(super) fn partition_of(disk: &Path, number: u8) -> PathBuf {
    let mut name = disk.file_name().unwrap_or(OsStr::new("")).to_owned();
    let digit = name
        .as_encoded_bytes()
        .last()
        .is_some_and(u8::is_ascii_digit);
    if digit {
        name.push("p");
    }
    name.push(number.to_string());
    disk.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_called_as_the_kernel_does() {
        for (disk, partition) in [
            ("/dev/mmcblk0", "/dev/mmcblk0p2"),
            ("/dev/sda", "/dev/sda2"),
            ("/dev/loop11", "/dev/loop11p2"),
        ] {
            assert_eq!(partition_of(Path::new(disk), 2), Path::new(partition));
        }
    }

    #[test]
    fn what_is_no_disk_is_refused_with_a_reason() {
        for (path, word) in [
            ("/dev/null", "no disk"),
            ("/etc/passwd", "no disk"),
            ("/no/such/disk", "cannot be used"),
        ] {
            let error = BlockDevice::open(Path::new(path)).unwrap_err().to_string();
            assert!(
                error.contains(word) && error.contains("/dev/mmcblk0"),
                "{error}"
            );
        }
    }
}
