//! The ring's directory on real filesystems: whatever the temporary directory is on, a tiny tmpfs,
//! ext4 and exFAT. Those that must be mounted need root; without it they say what to run.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing
)]

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use picam_mp4::{Flush, ReadAt, SlotFile};
use picam_ring::{
    CameraNeed, Catalog, Directory, Entry, Fault, FsDirectory, Provision, SlotName, SlotTable,
    Slots, Step,
};
use tempfile::TempDir;

const SLOT: u64 = 64 * 1024;

/// Page-aligned memory, as `O_DIRECT` wants it.
#[repr(align(4096))]
struct Page([u8; 4096]);

/// What every filesystem must do.
fn check_directory(path: &Path, direct: bool) {
    let directory = FsDirectory::open(path, direct).unwrap();
    let spare = "free_video_slot_F-_000000.bin";
    let segment = "20261120_110800_FN_000001.mp4";

    let mut slot = directory.create(spare, SLOT).unwrap();
    assert_eq!(slot.size().unwrap(), SLOT);
    let taken = directory.create(spare, SLOT).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);

    slot.write_at(4096, &Page([7; 4096]).0).unwrap();
    slot.flush(Flush::All).unwrap();
    slot.write_at(8192, &Page([8; 4096]).0).unwrap();
    slot.flush(Flush::Data).unwrap();
    // Readers need no alignment, and see what was just written.
    let mut seen = [1; 5];
    slot.read_exact_at(8190, &mut seen).unwrap();
    assert_eq!(seen, [7, 7, 8, 8, 8]);
    slot.read_exact_at(4094, &mut seen).unwrap();
    assert_eq!(seen, [0, 0, 7, 7, 7]);

    directory.rename(spare, segment).unwrap();
    directory.sync().unwrap();
    // The open slot follows its name.
    slot.write_at(0, &Page([9; 4096]).0).unwrap();
    slot.flush(Flush::Data).unwrap();
    drop(slot);
    let slot = directory.open(segment).unwrap();
    slot.read_exact_at(4094, &mut seen).unwrap();
    assert_eq!(seen, [9, 9, 7, 7, 7]);
    assert_eq!(slot.size().unwrap(), SLOT);

    // A rename never replaces a file.
    fs::write(path.join("mine.txt"), "mine").unwrap();
    let taken = directory.rename(segment, "mine.txt").unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(path.join("mine.txt")).unwrap(), b"mine");
    let missing = directory.rename(spare, "other").unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    let missing = directory.open(spare).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);

    fs::create_dir_all(path.join("folder")).unwrap();
    fs::write(path.join("folder/inside.txt"), "inside").unwrap();
    let mut entries = directory.list().unwrap();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let entries: Vec<(&str, u64)> = entries.iter().map(|e| (e.name.as_str(), e.size)).collect();
    assert_eq!(entries, [(segment, SLOT), ("mine.txt", 4)]);

    let space = directory.space().unwrap();
    assert!(space.available <= space.total);
    let reserved = directory.create(spare, 16 * SLOT).unwrap();
    // Its own blocks, for others may free and take space meanwhile; units of 512 bytes (stat(2)).
    let blocks = fs::metadata(path.join(spare)).unwrap().blocks();
    assert!(blocks * 512 >= 16 * SLOT, "a new slot has {blocks} blocks");
    // FUSE keeps a removed file under another name while it is open.
    drop((slot, reserved));
    directory.remove(spare).unwrap();
    directory.remove(segment).unwrap();
    directory.sync().unwrap();
    wait_for_removals(&directory);
    assert_eq!(directory.list().unwrap().len(), 1);
    assert!(directory.is_current().unwrap());
}

/// FUSE keeps a file that is removed while it is open under another name, and is told of the last `close` only after
/// that has returned: on a busy machine the name, and the room, are still taken for a while.
fn wait_for_removals(directory: &FsDirectory) {
    let is_hidden = |entry: &Entry| entry.name.starts_with(".fuse_hidden");
    let started = Instant::now();
    while directory.list().unwrap().iter().any(is_hidden) {
        assert!(started.elapsed() < Duration::from_secs(60), "never removed");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a filesystem refuses to write directly goes through the page cache.
fn check_refused_direct_write(path: &Path) {
    let directory = FsDirectory::open(path, true).unwrap();
    let mut slot = directory.create("odd", SLOT).unwrap();
    slot.write_at(1, &Page([5; 4096]).0[1..100]).unwrap();
    let mut seen = [1; 3];
    slot.read_exact_at(98, &mut seen).unwrap();
    assert_eq!(seen, [5, 5, 0]);
    drop(slot);
    directory.remove("odd").unwrap();
    wait_for_removals(&directory);
}

/// Fills what is left of a small filesystem with slots, to the last byte it gives.
fn check_full(path: &Path) {
    let directory = FsDirectory::open(path, false).unwrap();
    wait_for_removals(&directory);
    let mine = fs::metadata(path.join("mine.txt")).map_or(0, |file| file.len());
    let table = SlotTable::default();
    table.look(&directory).unwrap();
    let need = CameraNeed {
        camera: b'F',
        slot_size: 4 * SLOT,
    };
    let space = directory.space().unwrap();
    let provision = Provision::plan(Slots::Count(100_000), &[need], space, &table.catalog());
    let full = loop {
        match provision.step(&directory, &table, &mut Vec::new()).unwrap() {
            Step::Created(_) => {}
            Step::Full(full) => break full,
            other => panic!("{other:?}"),
        }
    };
    let catalog = table.catalog();
    let ring = catalog.ring(b'F');
    assert!(ring.len() > 1, "{full}");
    let sizes = ring.segments().iter().map(|segment| segment.size);
    let mut sizes = sizes.chain(ring.spares().iter().map(|spare| spare.size));
    assert!(sizes.all(|size| size == need.slot_size));
    assert_eq!(full.slots, 100_000 - ring.len());
    assert_eq!(full.foreign.bytes, mine);
    assert!(full.others >= mine);
    wait_for_removals(&directory);
    // A slot that does not fit leaves nothing behind.
    let error = directory
        .create("free_video_slot_F-_999999.bin", space.total)
        .unwrap_err();
    assert_eq!(Fault::of(&error), Fault::NoSpace, "{error}");
    wait_for_removals(&directory);
    assert_eq!(Catalog::read(&directory).unwrap(), catalog);
    // Slots that exist are written on a full card.
    let name = SlotName::Spare {
        camera: b'F',
        sequence: 0,
    };
    let mut slot = directory.open(&name.to_string()).unwrap();
    for at in (0..need.slot_size).step_by(4096) {
        slot.write_at(at, &Page([3; 4096]).0).unwrap();
    }
    slot.flush(Flush::All).unwrap();
}

/// A filesystem mounted for one test.
struct Mounted {
    at: PathBuf,
    device: Option<String>,
    _keep: TempDir,
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = run("umount", &["-l".as_ref(), self.at.as_os_str()]);
        if let Some(device) = &self.device {
            let _ = run("losetup", &["-d".as_ref(), device.as_ref()]);
        }
    }
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let error = String::from_utf8_lossy(&output.stderr);
        let first = error.trim().lines().next().unwrap_or_default();
        Err(format!("{program}: {first}"))
    }
}

fn mount_tmpfs() -> Result<Mounted, String> {
    let keep = TempDir::new().unwrap();
    let at = keep.path().join("card");
    fs::create_dir(&at).unwrap();
    let options = ["-t", "tmpfs", "-o", "size=3m,mode=755", "none"].map(AsRef::as_ref);
    run("mount", &[&options[..], &[at.as_os_str()]].concat())?;
    Ok(Mounted {
        at,
        device: None,
        _keep: keep,
    })
}

/// An image file of `size` bytes, formatted and mounted by the commands given.
fn mount_image(size: u64, format: &[&str], mounts: &[&[&str]]) -> Result<Mounted, String> {
    let keep = TempDir::new().unwrap();
    let (image, at) = (keep.path().join("image"), keep.path().join("card"));
    File::create(&image).unwrap().set_len(size).unwrap();
    fs::create_dir(&at).unwrap();
    let mut arguments: Vec<&std::ffi::OsStr> = format[1..].iter().map(AsRef::as_ref).collect();
    arguments.push(image.as_os_str());
    run(format[0], &arguments)?;
    let device = run(
        "losetup",
        &["-f".as_ref(), "--show".as_ref(), image.as_os_str()],
    )?;
    let mut mounted = Mounted {
        at,
        device: Some(device.clone()),
        _keep: keep,
    };
    let mut errors = Vec::new();
    for mount in mounts {
        let mut arguments: Vec<&std::ffi::OsStr> = mount[1..].iter().map(AsRef::as_ref).collect();
        arguments.extend([device.as_ref(), mounted.at.as_os_str()]);
        match run(mount[0], &arguments) {
            Ok(_) => return Ok(mounted),
            Err(error) => errors.push(error),
        }
    }
    let _ = run("losetup", &["-d".as_ref(), device.as_ref()]);
    mounted.device = None;
    Err(errors.join("; "))
}

fn mount_exfat(size: u64) -> Result<Mounted, String> {
    let mounts: [&[&str]; 2] = [&["mount", "-t", "exfat"], &["mount.exfat-fuse"]];
    mount_image(size, &["mkfs.exfat"], &mounts)
}

fn mount_ext4(size: u64) -> Result<Mounted, String> {
    mount_image(
        size,
        &["mkfs.ext4", "-q", "-F"],
        &[&["mount", "-t", "ext4"]],
    )
}

/// Past the test harness, which hides what a passing test prints.
fn skipped(why: &str) {
    let command = "sudo -E env PATH=\"$PATH\" cargo test -p picam-ring --test filesystems";
    let _ = writeln!(io::stderr(), "SKIPPED: {why}; run: {command}");
}

fn on(mounted: Result<Mounted, String>, check: impl FnOnce(&Path)) {
    match mounted {
        Ok(mounted) => check(&mounted.at),
        Err(why) => skipped(&why),
    }
}

#[test]
fn the_temporary_directory() {
    for direct in [false, true] {
        let directory = TempDir::new().unwrap();
        check_directory(directory.path(), direct);
    }
}

#[test]
fn a_tiny_tmpfs_runs_full() {
    on(mount_tmpfs(), |path| {
        // tmpfs took O_DIRECT only lately: either way the slot is written.
        check_directory(path, true);
        check_full(path);
    });
}

#[test]
fn ext4_runs_full() {
    on(mount_ext4(16 << 20), |path| {
        fs::remove_dir(path.join("lost+found")).unwrap();
        check_directory(path, true);
        check_refused_direct_write(path);
        check_full(path);
    });
}

#[test]
fn exfat_runs_full() {
    on(mount_exfat(16 << 20), |path| {
        check_directory(path, false);
        fs::remove_file(path.join("mine.txt")).unwrap();
        check_directory(path, true);
        check_full(path);
    });
}

#[test]
fn a_read_only_card_is_told_apart() {
    on(mount_tmpfs(), |path| {
        let directory = FsDirectory::open(path, false).unwrap();
        directory
            .create("free_video_slot_F-_000000.bin", SLOT)
            .unwrap();
        let remount = ["-o", "remount,ro"].map(AsRef::as_ref);
        run("mount", &[&remount[..], &[path.as_os_str()]].concat()).unwrap();
        for error in [
            directory
                .create("free_video_slot_F-_000001.bin", SLOT)
                .unwrap_err(),
            directory.open("free_video_slot_F-_000000.bin").unwrap_err(),
            directory
                .remove("free_video_slot_F-_000000.bin")
                .unwrap_err(),
        ] {
            assert_eq!(Fault::of(&error), Fault::ReadOnly, "{error}");
        }
        assert_eq!(directory.list().unwrap().len(), 1);
    });
}

#[test]
fn a_card_that_was_unmounted_is_noticed_and_its_mount_point_left_empty() {
    on(mount_tmpfs(), |path| {
        let directory = FsDirectory::open(path, false).unwrap();
        assert!(directory.is_current().unwrap());
        run("umount", &["-l".as_ref(), path.as_os_str()]).unwrap();
        assert!(!directory.is_current().unwrap());
        let _ = directory.create("free_video_slot_F-_000000.bin", SLOT);
        assert_eq!(fs::read_dir(path).unwrap().count(), 0);
    });
}

#[test]
fn a_directory_that_is_missing_or_a_file_is_refused() {
    let directory = TempDir::new().unwrap();
    let missing = FsDirectory::open(directory.path().join("no"), false).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    fs::write(directory.path().join("file"), "").unwrap();
    let file = FsDirectory::open(directory.path().join("file"), false).unwrap_err();
    assert_eq!(file.kind(), io::ErrorKind::NotADirectory);
}

#[test]
fn slots_are_for_everyone_to_read_and_nothing_else_is_opened() {
    use rustix::fs::OFlags;
    use std::os::unix::fs::symlink;

    let path = TempDir::new().unwrap();
    let directory = FsDirectory::open(path.path(), false).unwrap();
    drop(directory.create("slot", SLOT).unwrap());
    // What this process's umask leaves of 0644.
    fs::write(path.path().join("any"), "").unwrap();
    let mode = |name: &str| fs::metadata(path.path().join(name)).unwrap().mode();
    assert_eq!(mode("slot"), mode("any") & !0o022);
    symlink(path.path().join("slot"), path.path().join("link")).unwrap();
    assert!(directory.open("link").is_err());
    // Nobody writes into this pipe, and nobody is waited for.
    let pipe = path.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o644.into()).unwrap();
    assert!(directory.open("pipe").is_err());
    // No program that picam starts gets at the card through a file that was left open.
    let slot = directory.open("slot").unwrap();
    let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let target = fs::read_link(entry.path()).ok()?;
        (target.starts_with(path.path())).then(|| (target, entry.file_name()))
    });
    let open: Vec<_> = open.collect();
    assert_eq!(open.len(), 2, "{open:?}");
    for (target, number) in open {
        let number: i32 = number.to_str().unwrap().parse().unwrap();
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = u32::from_str_radix(flags.unwrap().trim(), 8).unwrap();
        assert!(flags & OFlags::CLOEXEC.bits() != 0, "{}", target.display());
    }
    drop(slot);
}

#[test]
fn four_thousand_slots_are_listed_at_once() {
    let path = TempDir::new().unwrap();
    for sequence in 0..4000 {
        let name = format!("boot0001_000000_FN_{sequence:06}.mp4");
        File::create(path.path().join(name)).unwrap();
    }
    let directory = FsDirectory::open(path.path(), false).unwrap();
    let started = Instant::now();
    let catalog = Catalog::read(&directory).unwrap();
    let took = started.elapsed();
    assert_eq!(catalog.ring(b'F').len(), 4000);
    let _ = writeln!(io::stderr(), "4000 slots listed and sorted out in {took:?}");
    // Some ten milliseconds; the bound leaves room for a busy machine.
    assert!(took.as_millis() < 200, "{took:?}");
}
