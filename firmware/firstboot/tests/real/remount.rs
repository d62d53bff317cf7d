//! A boot partition that is read-only but for the moment of a change.

use std::fs;
use std::process::{Command, Stdio};

use picam_testkit::judges;
use rustix::fs::{StatVfsMountFlags, statvfs};

use crate::image::{allowed, run, unmount};
use crate::killed_settings::{Device, assert_settled};
use crate::picam::{Whom, kill_after, kills, succeed};

/// A boot partition of its own below a device's directory.
struct Partition {
    device: Device,
}

impl Partition {
    /// vfat where this kernel has it, else ext4.
    fn new(toml: &str) -> Self {
        let device = Device::with(toml);
        let (image, boot) = (device.path("boot.img"), device.path("boot"));
        let (image, boot) = (image.to_str().unwrap(), boot.to_str().unwrap());
        fs::remove_file(device.path("boot/picam.toml")).unwrap();
        fs::File::create(image).unwrap().set_len(64 << 20).unwrap();
        let mount = |kind: &str| {
            let mut mount = Command::new("mount");
            mount.args(["-t", kind, "-o", "loop", image, boot]);
            mount.stderr(Stdio::null());
            mount.status().unwrap().success()
        };
        let vfat = fs::read_to_string("/proc/filesystems")
            .unwrap()
            .contains("\tvfat\n");
        match vfat && judges::have("mkfs.vfat", "dosfstools") {
            true => {
                run("mkfs.vfat", &["-F", "32", image]);
                assert!(mount("vfat"));
            }
            false => {
                run("mkfs.ext4", &["-q", "-F", image]);
                assert!(mount("ext4"));
            }
        }
        let partition = Self { device };
        fs::write(partition.device.path("boot/picam.toml"), toml).unwrap();
        run("mount", &["-o", "remount,ro", boot]);
        assert!(!partition.is_writable());
        partition
    }

    fn is_writable(&self) -> bool {
        let flags = statvfs(self.device.path("boot")).unwrap().f_flag;
        !flags.contains(StatVfsMountFlags::RDONLY)
    }
}

impl Drop for Partition {
    fn drop(&mut self) {
        assert!(unmount(&self.device.path("boot")));
    }
}

#[test]
fn the_boot_partition_is_read_only_afterwards() {
    if !allowed() {
        return;
    }
    let toml = "slots = 5\n[device]\nname = \"kombi\"\n";
    let partition = Partition::new(toml);
    let mut args = partition.device.args();
    args.push("--remount".to_owned());
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let took = succeed(&args);
    assert!(!partition.is_writable());
    assert_settled(&partition.device.path("boot"), None);
    for n in 0..kills().div_ceil(3) {
        let partition = Partition::new(toml);
        let mut args = partition.device.args();
        args.push("--remount".to_owned());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        kill_after(&args, took * n / kills() * 3, Whom::All);
        succeed(&args);
        assert!(!partition.is_writable(), "it stays writable");
        assert_settled(&partition.device.path("boot"), None);
    }
}
