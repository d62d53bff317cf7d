//! Volumes formatted by exfatprogs and mounted by exfat-fuse, a driver that shares no code with the kernel's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use picam_testkit::judges;

/// Formats `image` with `len` bytes as a card of 32 GB is formatted. `None`, and a SKIPPED line, where
/// `mkfs.exfat` is missing.
pub fn format(image: &Path, len: u64) -> Option<()> {
    let file = std::fs::File::create(image).unwrap();
    file.set_len(len).unwrap();
    let mut mkfs = Command::new("mkfs.exfat");
    mkfs.args(["-L", "FOOTAGE", "-c", "32K", "-b", "4M"]);
    match said(mkfs.arg(image)) {
        Ok(_) => Some(()),
        Err(why) => {
            judges::skip(
                &format!("exFAT cannot be made here ({why})"),
                "apt-get install exfatprogs",
            );
            None
        }
    }
}

/// A mounted image. Dropped, it is unmounted.
#[derive(Debug)]
pub struct Mounted {
    at: tempfile::TempDir,
    device: Loop,
}

/// A loop device: exfat-fuse wants a block device. Detached when dropped.
#[derive(Debug)]
struct Loop(String);

impl Loop {
    fn new(image: &Path, read_only: bool) -> Result<Self, String> {
        let mut attach = Command::new("losetup");
        attach.args(["--find", "--show"]);
        if read_only {
            attach.arg("--read-only");
        }
        said(attach.arg(image)).map(|device| Self(device.trim().to_owned()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        if let Err(error) = said(Command::new("losetup").args(["--detach", &self.0])) {
            eprintln!("{} could not be detached: {error}", self.0);
        }
    }
}

/// What a program prints, or the last line of its complaints.
fn said(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("{program}: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&done.stderr);
    Err(format!(
        "{program}: {}",
        why.lines().last().unwrap_or_default()
    ))
}

impl Mounted {
    /// Mounts `image` with exfat-fuse. `None`, and a SKIPPED line, where that cannot be done.
    pub fn new(image: &Path, read_only: bool) -> Option<Self> {
        let mounted = Loop::new(image, read_only).and_then(|device| {
            let at = tempfile::tempdir().unwrap();
            let options = if read_only { "ro" } else { "rw" };
            let mut mount = Command::new("mount.exfat-fuse");
            said(mount.args(["-o", options, &device.0]).arg(at.path()))?;
            Ok(Self { at, device })
        });
        match mounted {
            Ok(mounted) => Some(mounted),
            Err(why) => {
                let how = "apt-get install exfat-fuse util-linux, then the same as root";
                judges::skip(&format!("exFAT cannot be mounted here ({why})"), how);
                None
            }
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.at.path()
    }

    /// All files, as paths from its root.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.at.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push(
                        entry
                            .path()
                            .strip_prefix(self.at.path())
                            .unwrap()
                            .to_owned(),
                    );
                }
            }
        }
        found
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Err(error) = said(Command::new("umount").arg(self.at.path())) {
            eprintln!("{} could not be unmounted: {error}", self.device.0);
        }
    }
}
