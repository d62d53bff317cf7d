//! A real USB disk, and the kernel's view of it.

use std::fs;
use std::io;
use std::path::Path;

use super::identity::Identity;
use super::prepare::Partition;
use crate::card::{BlockDevice, DeviceError};

/// An open disk.
#[derive(Debug)]
pub struct UsbDevice {
    /// The disk; what is formatted is its first partition.
    pub disk: BlockDevice,
    /// What it is.
    pub identity: Identity,
}

impl UsbDevice {
    /// Opens the disk behind a device node; `None` if it hangs on no USB.
    pub fn open(node: &Path) -> Result<Option<Self>, DeviceError> {
        let disk = BlockDevice::open(node)?.with_partition(1);
        let identity = Identity::of(disk.sysfs(), disk.card().sectors);
        Ok(identity.map(|identity| Self { disk, identity }))
    }

    /// The partitions that the kernel found on it.
    pub fn partitions(&self) -> io::Result<Vec<Partition>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.disk.sysfs())? {
            let dir = entry?.path();
            if !dir.join("partition").exists() {
                continue;
            }
            let start = fs::read_to_string(dir.join("start"))?;
            let start = start.trim().parse();
            let start = start.map_err(|_| io::Error::other("sysfs: no number in start"))?;
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            let name = name.into_owned();
            found.push(Partition { name, start });
        }
        found.sort_by_key(|partition| partition.start);
        Ok(found)
    }
}
