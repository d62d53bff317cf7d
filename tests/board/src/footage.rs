//! The footage partition of a card, read through exfat-fuse.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{BoardError, Result, program};

/// A mounted footage partition; unmounted when dropped.
pub struct Footage {
    device: String,
    at: PathBuf,
    server: Option<Child>,
    /// Exit code of `fsck.exfat -n`, and what it said.
    pub check: (i32, String),
}

impl Footage {
    /// Checks and mounts `size` bytes at `offset` of `card`, to be read only, below `scratch`.
    pub(crate) fn of(card: &Path, offset: u64, size: u64, scratch: &Path) -> Result<Self> {
        let at = scratch.join("footage");
        fs::create_dir_all(&at).map_err(BoardError::io(at.display().to_string()))?;
        // As the kernel names it, with no ".." in it.
        let at = fs::canonicalize(&at).map_err(BoardError::io(at.display().to_string()))?;
        // exfat-fuse takes nothing but a block device.
        let device = program::text(
            Command::new("losetup")
                .args(["--find", "--show", "--read-only", "--offset"])
                .arg(offset.to_string())
                .arg("--sizelimit")
                .arg(size.to_string())
                .arg(card),
        )?;
        let mut footage = Self {
            device: device.trim().to_owned(),
            at,
            server: None,
            check: (-1, String::new()),
        };
        let checked = Command::new("fsck.exfat")
            .args(["-n", &footage.device])
            .output()
            .map_err(BoardError::io("fsck.exfat"))?;
        let said = [checked.stdout, checked.stderr].concat();
        footage.check = (
            checked.status.code().unwrap_or(-1),
            String::from_utf8_lossy(&said).into_owned(),
        );
        // Only running in the foreground can it be waited for and ended by its process id; -d says so.
        let server = Command::new("mount.exfat-fuse")
            .args(["-d", "-o", "ro", &footage.device])
            .arg(&footage.at)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(BoardError::io("mount.exfat-fuse"))?;
        footage.server = Some(server);
        footage.wait()?;
        Ok(footage)
    }

    fn wait(&mut self) -> Result<()> {
        let start = Instant::now();
        let patience = Duration::from_secs(10);
        let at = self.at.display().to_string();
        loop {
            let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
            if mounts.split_whitespace().any(|word| word == at) {
                return Ok(());
            }
            let ended = self
                .server
                .as_mut()
                .is_none_or(|server| !matches!(server.try_wait(), Ok(None)));
            if ended || start.elapsed() > patience {
                return Err(BoardError::Program {
                    program: "mount.exfat-fuse".into(),
                    said: format!("no mount at {at}; fsck.exfat: {}", self.check.1),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.at
    }
}

impl Drop for Footage {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("-l")
            .arg(&self.at)
            .stderr(Stdio::null())
            .status();
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = Command::new("losetup").args(["-d", &self.device]).status();
    }
}
