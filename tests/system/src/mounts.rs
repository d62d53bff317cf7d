//! Real filesystems on image files, to be filled, frozen, broken and pulled.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use picam_testkit::judges;
use tempfile::TempDir;

use crate::camera::wait_for;

/// Runs a program that must succeed.
pub fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
}

/// Whether filesystems can be mounted here; prints the SKIPPED line if not.
pub fn allowed() -> bool {
    let scratch = tempfile::tempdir().unwrap();
    let root = rustix::process::geteuid().is_root();
    let mounted = root
        && Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "none"])
            .arg(scratch.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if mounted {
        run("umount", &[scratch.path().to_str().unwrap()]);
    } else {
        judges::skip(
            "filesystems can only be mounted as root",
            "sudo -E scripts/test",
        );
    }
    mounted
}

/// A place for a filesystem; unmounted when dropped.
pub struct Mount {
    scratch: TempDir,
    card: String,
    /// The image, as a loop device.
    device: Option<String>,
}

impl Mount {
    /// A filesystem in memory with room for `bytes`.
    pub fn tmpfs(bytes: u64) -> Self {
        let mount = Self::unmounted();
        let size = format!("size={bytes}");
        run("mount", &["-t", "tmpfs", "-o", &size, "none", mount.at()]);
        mount
    }

    /// An ext4 of `bytes` on a loop device.
    pub fn ext4(bytes: u64) -> Self {
        let mount = Self::with_image(bytes);
        run("mkfs.ext4", &["-q", "-F", "-m", "0", mount.device()]);
        mount.attach_ext4();
        mount
    }

    /// An exFAT of `bytes`; [`Mount::insert_exfat`] puts it in.
    pub fn exfat(bytes: u64) -> Self {
        let mount = Self::with_image(bytes);
        run("mkfs.exfat", &[mount.device()]);
        mount
    }

    fn unmounted() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let card = scratch.path().join("card");
        fs::create_dir(&card).unwrap();
        Self {
            card: card.to_str().unwrap().to_owned(),
            scratch,
            device: None,
        }
    }

    fn with_image(bytes: u64) -> Self {
        let mut mount = Self::unmounted();
        let image = mount.scratch.path().join("image");
        File::create(&image).unwrap().set_len(bytes).unwrap();
        let made = Command::new("losetup")
            .args(["-f", "--show"])
            .arg(image)
            .output();
        let device = String::from_utf8(made.unwrap().stdout).unwrap();
        assert!(device.starts_with("/dev/"), "no loop device");
        mount.device = Some(device.trim().to_owned());
        mount
    }

    /// The loop device that it is on.
    pub fn device(&self) -> &str {
        self.device.as_deref().unwrap()
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        Path::new(&self.card)
    }

    fn at(&self) -> &str {
        &self.card
    }

    /// Mounts the ext4 (again); errors in it make it read-only.
    pub fn attach_ext4(&self) {
        run(
            "mount",
            &["-o", "errors=remount-ro", self.device(), self.at()],
        );
    }

    /// Checks and repairs the ext4, as soon as nobody uses it any more.
    pub fn repair_ext4(&self) {
        wait_for(
            "the damaged card to be let go",
            Duration::from_secs(30),
            || {
                let mut check = Command::new("fsck.ext4");
                check.args(["-fy", self.device()]);
                let code = check
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .unwrap()
                    .code();
                // Exit code 1: errors were corrected. 8: the device is in use.
                assert!(matches!(code, Some(0 | 1 | 8)), "fsck.ext4: {code:?}");
                (code != Some(8)).then_some(())
            },
        );
    }

    /// Unmounts it, whoever uses it.
    pub fn detach(&self) {
        run("umount", &["-l", self.at()]);
    }

    /// Lets every write wait until [`Mount::thaw`].
    pub fn freeze(&self) {
        run("fsfreeze", &["-f", self.at()]);
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        run("fsfreeze", &["-u", self.at()]);
    }

    /// Tells the kernel that the ext4 is damaged, upon which it makes it read-only.
    pub fn damage(&self) {
        let device = Path::new(self.device()).file_name().unwrap();
        let trigger = Path::new("/sys/fs/ext4")
            .join(device)
            .join("trigger_fs_error");
        fs::write(trigger, "test").unwrap();
    }

    /// Puts the exFAT card in, served by a process whose death is the pulling of the card.
    pub fn insert_exfat(&self) -> Card {
        let server = Command::new("mount.exfat-fuse")
            .arg("-d")
            .args([self.device(), self.at()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("the exFAT to be mounted", Duration::from_secs(10), || {
            let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
            mounts.contains(self.at()).then_some(())
        });
        Card { server }
    }
}

/// A card that is in.
pub struct Card {
    server: Child,
}

impl Card {
    /// Pulls it: everything on it fails from now on.
    pub fn pull(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        self.pull();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let card = self.at();
        let _ = Command::new("fsfreeze")
            .arg("-u")
            .arg(card)
            .stderr(Stdio::null())
            .status();
        // Mounts may lie on each other.
        while Command::new("umount")
            .arg("-l")
            .arg(card)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
        {}
        if let Some(device) = &self.device {
            let _ = Command::new("losetup").args(["-d", device]).status();
        }
    }
}
