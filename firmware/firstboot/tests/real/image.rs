//! Cards: sparse files with the image's layout, put into a loop device.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use picam_firstboot::card::{BlockDevice, CardError, Entry, Erase, prepare};
use picam_testkit::judges;
use tempfile::TempDir;

/// The image's partitions, as wic makes them. The signature is fixed so that tables can be compared.
const LAYOUT: &str = "label: dos
label-id: 0x70636d31
start=4MiB,size=256MiB,type=c
start=260MiB,size=4MiB,type=da
start=264MiB,size=512MiB,type=da
start=776MiB,size=776MiB,type=f
start=777MiB,size=512MiB,type=da
start=1290MiB,size=256MiB,type=da
";
/// What a boot loader would have left there; it must stay.
const BOOT_CODE: [u8; 440] = [0xb0; 440];

/// Runs a program that must succeed, and returns what it printed.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {printed}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether loop devices and all judges are here; prints the SKIPPED line if not.
pub(crate) fn allowed() -> bool {
    for (program, package) in [
        ("sfdisk", "fdisk"),
        ("mkfs.exfat", "exfatprogs"),
        ("mount.exfat-fuse", "exfat-fuse"),
    ] {
        if !judges::have(program, package) {
            return false;
        }
    }
    let scratch = tempfile::NamedTempFile::new().unwrap();
    scratch.as_file().set_len(1 << 20).unwrap();
    let attach = Command::new("losetup")
        .args(["-f", "--show"])
        .arg(scratch.path())
        .stderr(Stdio::null())
        .output();
    match attach {
        Ok(output) if output.status.success() => {
            run(
                "losetup",
                &["-d", String::from_utf8(output.stdout).unwrap().trim()],
            );
            true
        }
        _ => {
            judges::skip(
                "there are no loop devices, or only root may use them",
                "sudo -E scripts/test",
            );
            false
        }
    }
}

/// A directory in memory, where syncing costs nothing, else on the disk.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// An SD card.
pub(crate) struct Card {
    scratch: TempDir,
    pub(crate) file: PathBuf,
    /// The reader it is in.
    device: Option<String>,
}

impl Card {
    /// A card of so many bytes with nothing on it.
    pub(crate) fn empty(bytes: u64) -> Self {
        let scratch = scratch();
        let file = scratch.path().join("card.img");
        File::create(&file).unwrap().set_len(bytes).unwrap();
        Self {
            scratch,
            file,
            device: None,
        }
    }

    /// A card as sold, just flashed.
    pub(crate) fn flashed(gigabytes: u64) -> Self {
        let card = Self::empty(gigabytes * 1_000_000_000 / 512 * 512);
        card.flash();
        card
    }

    /// Writes the image over what is there: its table, and nothing beyond its last partition.
    pub(crate) fn flash(&self) {
        self.partition(LAYOUT);
        let file = File::options().write(true).open(&self.file).unwrap();
        file.write_all_at(&BOOT_CODE, 0).unwrap();
    }

    /// Writes another table.
    pub(crate) fn partition(&self, layout: &str) {
        assert!(self.device.is_none(), "take it out first");
        let script = self.scratch.path().join("layout");
        fs::write(&script, layout).unwrap();
        let sfdisk = Command::new("sfdisk")
            .args(["--quiet", "--wipe", "never", "--wipe-partitions", "never"])
            .arg(&self.file)
            .stdin(File::open(script).unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(sfdisk.unwrap().success());
    }

    /// Puts it into a reader, whose kernel looks for partitions; returns the device.
    pub(crate) fn insert(&mut self) -> String {
        let file = self.file.to_str().unwrap();
        let device = run("losetup", &["-f", "-P", "--show", file])
            .trim()
            .to_owned();
        // First of all: whatever fails now, it is taken out again.
        self.device = Some(device.clone());
        if !Path::new(&format!("{device}p1")).exists() {
            // This kernel knows no MBR; partx does.
            let _ = Command::new("partx")
                .args(["--add", &device])
                .stderr(Stdio::null())
                .status();
        }
        if !Path::new(&format!("{device}p2")).exists() && self.has_footage_entry() {
            // What reaches beyond the disk, a kernel cuts off (block/partitions/core.c).
            let sectors = fs::metadata(&self.file).unwrap().len() / 512;
            let (start, room) = (self.start(), sectors - self.start());
            run(
                "addpart",
                &[&device, "2", &start.to_string(), &room.to_string()],
            );
        }
        device
    }

    fn has_footage_entry(&self) -> bool {
        let table = Command::new("sfdisk").arg("-d").arg(&self.file).output();
        String::from_utf8_lossy(&table.unwrap().stdout).contains("card.img2 ")
    }

    /// Takes it out, as pulling the plug does: what was not synced may be on it or not.
    pub(crate) fn pull(&mut self) {
        if let Some(device) = self.device.take() {
            let _ = take_out(&device);
        }
    }

    /// The footage partition's device.
    pub(crate) fn footage(&self) -> String {
        format!("{}p2", self.device.as_ref().unwrap())
    }

    /// `picam firstboot card`, in this process.
    pub(crate) fn prepare(&self, erase: Erase) -> Result<Entry, CardError> {
        let mut disk = self.open();
        let card = disk.card();
        prepare(&mut disk, &card, erase)
    }

    /// The disk as the program opens it.
    pub(crate) fn open(&self) -> BlockDevice {
        BlockDevice::open(Path::new(self.device.as_ref().unwrap())).unwrap()
    }

    /// Everything that first boot decides, as text: the table, and what dump.exfat and fsck.exfat say.
    pub(crate) fn describe(&self) -> String {
        let table = self.table();
        let exfat = run("dump.exfat", &[&self.footage()]);
        let exfat: Vec<&str> = exfat
            .lines()
            .filter(|line| !line.contains("Serial"))
            .collect();
        format!("{table}\n{}\n{}", exfat.join("\n"), self.check())
    }

    /// The table, as sfdisk understands it.
    pub(crate) fn table(&self) -> String {
        let table = run("sfdisk", &["-d", self.file.to_str().unwrap()]);
        table.replace(self.file.to_str().unwrap(), "card")
    }

    /// What `fsck.exfat -n` says of a clean filesystem; fails if it is not.
    pub(crate) fn check(&self) -> String {
        let printed = run("fsck.exfat", &["-n", &self.footage()]);
        let printed = printed.replace(&self.footage(), "footage");
        assert!(printed.contains("clean"), "{printed}");
        printed
    }

    /// Mounts the footage partition and lets `use_it` work there.
    pub(crate) fn mounted<T>(&self, use_it: impl FnOnce(&Path) -> T) -> T {
        let place = self.scratch.path().join("footage");
        fs::create_dir_all(&place).unwrap();
        run(
            "mount.exfat-fuse",
            &[&self.footage(), place.to_str().unwrap()],
        );
        let result = use_it(&place);
        assert!(unmount(&place), "{} stays mounted", place.display());
        result
    }

    /// Numbers of the boot sector, in sectors of the card: FAT, first cluster; and a cluster's bytes.
    pub(crate) fn geometry(&self) -> (u64, u64, u64) {
        let mut sector = [0; 512];
        let start = self.start();
        let file = File::open(&self.file).unwrap();
        file.read_exact_at(&mut sector, start * 512).unwrap();
        let u32_at =
            |at: usize| u64::from(u32::from_le_bytes(sector[at..at + 4].try_into().unwrap()));
        let cluster = 1 << (sector[108] + sector[109]);
        (start + u32_at(80), start + u32_at(88), cluster)
    }

    /// First sector of the footage partition.
    pub(crate) fn start(&self) -> u64 {
        let table = self.table();
        let line = table
            .lines()
            .find(|line| line.starts_with("card2"))
            .unwrap();
        let start = line.split("start=").nth(1).unwrap();
        start.split(',').next().unwrap().trim().parse().unwrap()
    }

    /// Asserts that nothing before the footage changed but the second entry.
    pub(crate) fn assert_rest_untouched(&self) {
        let file = File::open(&self.file).unwrap();
        let mut sector = [0; 512];
        file.read_exact_at(&mut sector, 0).unwrap();
        assert_eq!(sector[..440], BOOT_CODE);
        assert_eq!(sector[440..446], [0x31, 0x6d, 0x63, 0x70, 0, 0]);
        let table = self.table();
        for entry in [
            "card1 : start=        8192, size=      524288, type=c",
            "card3 : start=      540672, size=     1048576, type=da",
            "card4 : start=     1589248, size=     1589248, type=f",
            "card5 : start=     1591296, size=     1048576, type=da",
            "card6 : start=     2641920, size=      524288, type=da",
        ] {
            assert!(table.contains(entry), "{entry}:\n{table}");
        }
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        // Whatever still holds it after a failed test: the loop device must not outlive it.
        unmount(&self.scratch.path().join("footage"));
        self.pull();
    }
}

/// Tries again for a while: a process that another test is just starting holds what is open here
/// until it has become the other program.
fn patiently(mut attempt: impl FnMut() -> bool) -> bool {
    (0..500).any(|_| {
        let done = attempt();
        if !done {
            std::thread::sleep(Duration::from_millis(10));
        }
        done
    })
}

fn quietly(program: &str, args: &[&str]) -> bool {
    let status = Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.unwrap().success()
}

pub(crate) fn unmount(place: &Path) -> bool {
    let mounted = || {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        mounts.contains(place.to_str().unwrap())
    };
    patiently(|| !mounted() || quietly("umount", &[place.to_str().unwrap()]))
}

fn take_out(device: &str) -> bool {
    let partitions = || (1..=6).any(|n| Path::new(&format!("{device}p{n}")).exists());
    patiently(|| !partitions() || quietly("partx", &["--delete", device]));
    quietly("losetup", &["-d", device])
}
