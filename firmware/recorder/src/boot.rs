//! What is known at start: the boot, the clock, and how to reach the card.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use picam_ring::{FsDirectory, SlotTable};
use rustix::fs::{FlockOperation, StatVfsMountFlags, flock, statvfs};
use rustix::io::Errno;

/// Whether slots are written with `O_DIRECT`; measured both ways, see `docs/benchmarks.md`.
pub(crate) const DIRECT: bool = true;

/// The kernel's boot id (`Documentation/admin-guide/sysctl/kernel.rst`, random); one made of the
/// start time where there is none.
pub(crate) fn boot_id() -> [u8; 16] {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits = text.trim().replace('-', "");
    match u128::from_str_radix(&digits, 16) {
        Ok(id) if digits.len() == 32 => id.to_be_bytes(),
        _ => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos()
            .to_be_bytes(),
    }
}

/// The way to the footage directory; the card may come and go. Whoever records into a directory
/// holds a lock on it: two recorders in one ring would overwrite each other.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    path: PathBuf,
    /// Whether the path itself must be a mount point, and is never made: a disk's.
    must_be_mounted: bool,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Where the card is mounted. Without it, the path leads to the disk below: nothing may be
    /// recorded there, and what lies there would be hidden by the card once it is back.
    mount_point: Option<PathBuf>,
    held: Option<Held>,
}

/// A locked directory. The lock goes with the file.
#[derive(Debug)]
struct Held {
    device: u64,
    inode: u64,
    /// Who works on what in it; another card gets another table.
    slots: SlotTable,
    _file: File,
}

impl Card {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            must_be_mounted: false,
            known: Arc::default(),
        }
    }

    /// A place that is there only while something is mounted on it.
    pub(crate) fn mounted_at(path: PathBuf) -> Self {
        Self {
            must_be_mounted: true,
            ..Self::new(path)
        }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Why nothing can be recorded there now, as far as can be told without touching the medium.
    pub(crate) fn why_not(&self) -> Option<io::Error> {
        let looked = || {
            if self.must_be_mounted && !(self.path.exists() && is_mounted(&self.path)?) {
                return Ok(Some(Errno::NODEV.into()));
            }
            let flags = statvfs(&self.path)?.f_flag;
            let is_read_only = flags.contains(StatVfsMountFlags::RDONLY);
            Ok(is_read_only.then(|| io::ErrorKind::ReadOnlyFilesystem.into()))
        };
        looked().unwrap_or_else(Some)
    }

    /// Opens the directory, creating it if need be, and locks it unless that was done before; with the table of those who work
    /// in it.
    /// [`io::ErrorKind::ResourceBusy`] if another process records into it, `ENODEV` if the card that
    /// it lay on is not mounted any more.
    pub(crate) fn open(&self) -> io::Result<(FsDirectory, SlotTable)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { mount_point, held } = &mut *known;
        if let Some(mount_point) = mount_point
            && !is_mounted(mount_point)?
        {
            // An unmounted card can be repaired only once nobody holds it.
            *held = None;
            return Err(Errno::NODEV.into());
        }
        if self.must_be_mounted {
            if let Some(why) = self.why_not() {
                *held = None;
                return Err(why);
            }
        } else {
            Root::look()?.refuse(&self.path)?;
            std::fs::create_dir_all(&self.path)?;
        }
        let directory = FsDirectory::open(&self.path, DIRECT)?;
        if mount_point.is_none() {
            *mount_point = Some(mount_point_of(&self.path)?);
        }
        let file = File::open(&self.path)?;
        let (device, inode) = {
            let metadata = file.metadata()?;
            (metadata.dev(), metadata.ino())
        };
        if let Some(held) = held
            && (held.device, held.inode) == (device, inode)
        {
            return Ok((directory, held.slots.clone()));
        }
        lock_directory(&file)?;
        let slots = SlotTable::default();
        *held = Some(Held {
            device,
            inode,
            slots: slots.clone(),
            _file: file,
        });
        Ok((directory, slots))
    }

    /// Opens the directory beside those who record into it, for others that are not on their way; with their table, and what
    /// tells this card from others. An error before anybody records, and while the card is gone.
    pub(crate) fn beside(&self) -> io::Result<(FsDirectory, SlotTable, (u64, u64))> {
        let held = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let held = known.held.as_ref();
            held.map(|held| ((held.device, held.inode), held.slots.clone()))
        };
        let (medium, slots) = held.ok_or(Errno::NODEV)?;
        let directory = FsDirectory::open(&self.path, false)?;
        let metadata = self.path.metadata()?;
        if (metadata.dev(), metadata.ino()) != medium || !directory.is_current()? {
            return Err(Errno::NODEV.into());
        }
        Ok((directory, slots, medium))
    }

    /// Holds nothing of it any more: it is gone, and cannot be repaired or mounted again while somebody does.
    pub(crate) fn let_go(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.held = None;
    }

    /// The table of the card that is there, or was last.
    pub(crate) fn slots(&self) -> Option<SlotTable> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.held.as_ref().map(|held| held.slots.clone())
    }
}

/// The directory at or above `path` that its filesystem is mounted on.
pub(crate) fn mount_point_of(path: &Path) -> io::Result<PathBuf> {
    let mut top = path.canonicalize()?;
    while !is_mounted(&top)? {
        top.pop();
    }
    Ok(top)
}

/// The device's own root filesystem.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) is_read_only: bool,
    pub(crate) device: u64,
}

impl Root {
    pub(crate) fn look() -> io::Result<Self> {
        let root = Path::new("/");
        let flags = statvfs(root)?.f_flag;
        Ok(Self {
            is_read_only: flags.contains(StatVfsMountFlags::RDONLY),
            device: root.metadata()?.dev(),
        })
    }

    /// Fails where a path leads to it and nobody can write to it: the footage partition is not mounted (yet), and the root's
    /// size and free space say nothing of it.
    pub(crate) fn refuse(&self, path: &Path) -> io::Result<()> {
        if self.is_read_only && path.exists() && path.metadata()?.dev() == self.device {
            let why = format!("no card is mounted at {}", path.display());
            return Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, why));
        }
        Ok(())
    }
}

/// Whether a filesystem is mounted on this very directory; `/` always is one.
pub(crate) fn is_mounted(directory: &Path) -> io::Result<bool> {
    let Some(parent) = directory.parent() else {
        return Ok(true);
    };
    Ok(directory.metadata()?.dev() != parent.metadata()?.dev())
}

/// Locks a footage directory against every other recorder and repairer.
pub fn lock_directory(directory: &File) -> io::Result<()> {
    match flock(directory, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(io::ErrorKind::ResourceBusy.into()),
        // A filesystem without locks is used by one recorder all the same.
        Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
