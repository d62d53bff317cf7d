//! The vfat of a real kernel whose machine is killed: User Mode Linux, with the boot partition as its
//! disk. What its page cache held is gone; what it had written is on the disk, in the order written.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use picam_testkit::judges;

use crate::image::run;
use crate::killed_settings::{Device, assert_settled};
use crate::picam::{Whom, binary, kill, kills};

const TOML: &str = "slots = 5\n[device]\nname = \"kombi\"\n[web]\npassword = \"correct horse\"\n";
const READY: &str = "picam begins";

/// Whether it is installed, with its modules; prints the SKIPPED line if not.
fn allowed() -> Option<PathBuf> {
    let version = Command::new("linux.uml").arg("--version").output();
    let version = version.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    });
    let modules = PathBuf::from(format!("/usr/lib/uml/modules/{version}/kernel/fs"));
    let found = !version.is_empty() && modules.join("fat/vfat.ko").exists();
    if !found {
        judges::skip(
            "User Mode Linux is not installed",
            "apt-get install user-mode-linux",
        );
    }
    let tools = [("mkfs.vfat", "dosfstools"), ("mcopy", "mtools")];
    let here = found
        && tools
            .iter()
            .all(|(tool, package)| judges::have(tool, package));
    here.then_some(modules)
}

/// A running one; killed if the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        kill(&mut self.0, Whom::All);
    }
}

/// A camera in User Mode Linux: its root is this machine's, its disk the boot partition.
struct Machine {
    device: Device,
    image: PathBuf,
    init: PathBuf,
}

impl Machine {
    fn new(modules: &Path, toml: &str) -> Self {
        // Not in /dev/shm: the machine has a /dev of its own.
        let device = Device::below(tempfile::tempdir().unwrap(), toml);
        let (image, init) = (device.path("boot.img"), device.path("init"));
        File::create(&image).unwrap().set_len(256 << 20).unwrap();
        run(
            "mkfs.vfat",
            &["-F", "32", "-n", "PICAM", image.to_str().unwrap()],
        );
        let machine = Self {
            device,
            image,
            init,
        };
        // Names as the boot partition has them, before and after.
        for n in 0..9 {
            machine.put(&format!("bcm2710-rpi-{n}.dtb"), &"x".repeat(5000));
        }
        machine.put("picam.toml", toml);
        let args = machine.device.args().join(" ");
        let boot = machine.device.path("boot");
        let script = format!(
            "#!/bin/sh\n\
             mount -t proc proc /proc\n\
             mount -t sysfs sysfs /sys\n\
             for m in fat/fat fat/vfat nls/nls_cp437 nls/nls_ascii; do insmod {modules}/$m.ko; done\n\
             mount -t vfat -o ro,noatime,uid=0,gid=800,umask=0027,iocharset=ascii,errors=continue \
             /dev/ubda {boot} || echo no vfat\n\
             echo {READY}\n\
             {picam} firstboot {args} --remount && echo picam is done\n\
             grep {boot} /proc/mounts\n\
             umount {boot}\n\
             echo o > /proc/sysrq-trigger\n\
             sleep 9\n",
            modules = modules.display(),
            boot = boot.display(),
            picam = binary().display(),
        );
        fs::write(&machine.init, script).unwrap();
        fs::set_permissions(&machine.init, fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }

    /// Puts a file onto the boot partition.
    fn put(&self, name: &str, text: &str) {
        let file = self.device.path("put");
        fs::write(&file, text).unwrap();
        let target = format!("::/{name}");
        run(
            "mcopy",
            &[
                "-i",
                self.image.to_str().unwrap(),
                file.to_str().unwrap(),
                &target,
            ],
        );
    }

    /// Switches it on.
    fn start(&self) -> (Running, PathBuf) {
        let log = self.device.path("console");
        let console = File::create(&log).unwrap();
        let child = Command::new("linux.uml")
            .args(["mem=96M", "rootfstype=hostfs", "rootflags=/", "rw", "quiet"])
            .args(["con=null", "con0=null,fd:1", "ssl=null"])
            .arg(format!("uml_dir={}", self.device.path("run").display()))
            .arg(format!("ubd0={}", self.image.display()))
            .arg(format!("init={}", self.init.display()))
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .process_group(0)
            .spawn()
            .unwrap();
        (Running(child), log)
    }

    /// Runs it to its end; returns its console, and how long picam took.
    fn boot(&self) -> (String, Duration) {
        let (mut running, log) = self.start();
        let begun = wait_for(&log, READY).expect("it does not boot");
        wait_for(&log, "picam is done");
        let took = begun.elapsed();
        let start = Instant::now();
        while running.0.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(running);
        (fs::read_to_string(log).unwrap(), took)
    }

    /// Pulls the plug so long after picam has begun.
    fn pull_the_plug(&self, delay: Duration) {
        let (running, log) = self.start();
        let begun = wait_for(&log, READY).expect("it does not boot");
        std::thread::sleep(delay.saturating_sub(begun.elapsed()));
        drop(running);
    }

    /// Takes the files of the boot partition to where they can be looked at.
    fn files(&self) -> PathBuf {
        let files = self.device.path("files");
        let _ = fs::remove_dir_all(&files);
        fs::create_dir(&files).unwrap();
        let image = self.image.to_str().unwrap();
        run(
            "mcopy",
            &["-n", "-i", image, "::/*", files.to_str().unwrap()],
        );
        files
    }
}

/// Waits for a line on a console; returns when it was there.
fn wait_for(log: &Path, line: &str) -> Option<Instant> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        let console = fs::read(log).unwrap();
        if String::from_utf8_lossy(&console).contains(line) {
            return Some(Instant::now());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

#[test]
fn a_real_vfat_whose_machine_is_killed_ends_settled() {
    let Some(modules) = allowed() else {
        return;
    };
    let uncut = Machine::new(&modules, TOML);
    let (console, took) = uncut.boot();
    assert!(console.contains("picam is done"), "{console}");
    assert!(
        console.contains(" vfat ro,"),
        "it stays writable: {console}"
    );
    run("fsck.vfat", &["-n", uncut.image.to_str().unwrap()]);
    assert_settled(&uncut.files(), Some("correct horse"));
    // The password is nowhere on the disk, not even where nothing is.
    let disk = fs::read(&uncut.image).unwrap();
    assert!(!disk.windows(13).any(|bytes| bytes == b"correct horse"));
    let (mut cut_off, mut twins) = (0, 0);
    for n in 0..kills().div_ceil(6) {
        let machine = Machine::new(&modules, TOML);
        machine.pull_the_plug(took * (n * 6) / kills() * 12 / 10);
        let names = machine.files();
        // Old or new, the recorder reads a whole file at any time.
        let toml = fs::read_to_string(names.join("picam.toml")).unwrap();
        assert!(
            toml.starts_with("slots = 5\n") && toml.ends_with('\n'),
            "{toml}"
        );
        cut_off += u32::from(toml == TOML);
        twins += u32::from(names.join("picam.toml.new").exists());
        let (console, _) = machine.boot();
        assert!(console.contains("picam is done"), "{console}");
        assert_settled(&machine.files(), Some("correct horse"));
    }
    eprintln!(
        "{} kills within {took:?}: {cut_off} before the new file, {twins} with leftovers",
        kills().div_ceil(6)
    );
}
