//! The laboratory's exFAT reader against what others wrote: `mkfs.exfat` formats, exfat-fuse (a filesystem
//! driver of its own) fills, and both read the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use picam_lab::blklog::Log;
use picam_lab::disk::{Base, Disk};
use picam_lab::exfat::{Node, Volume};
use picam_lab::fuse::Mounted;
use picam_lab::judge::{Fsck, Soundness};

fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = picam_testkit::sim_disk::Rng(seed);
    (0..len).map(|_| rng.below(256) as u8).collect()
}

fn fill(root: &Path) {
    fs::create_dir_all(root.join("a folder/inner")).unwrap();
    fs::write(
        root.join("20261120_110800_FN_000123.mp4"),
        bytes(1, 300_001),
    )
    .unwrap();
    fs::write(root.join("empty"), b"").unwrap();
    fs::write(root.join("a folder/inner/Grüße.txt"), b"hello").unwrap();
    // Two files that grow in turns: neither lies side by side, so that the FAT is needed.
    let mut one = File::create(root.join("one")).unwrap();
    let mut two = File::create(root.join("two")).unwrap();
    for turn in 0..20 {
        one.write_all(&bytes(turn, 40_000)).unwrap();
        one.sync_all().unwrap();
        two.write_all(&bytes(turn + 100, 50_000)).unwrap();
        two.sync_all().unwrap();
    }
    fs::remove_file(root.join("empty")).unwrap();
}

#[test]
fn a_volume_reads_as_exfat_fuse_reads_it() {
    let scratch = tempfile::tempdir().unwrap();
    let image = scratch.path().join("image");
    let Some(()) = picam_lab::fuse::format(&image, 64 << 20) else {
        return;
    };
    let Some(mounted) = Mounted::new(&image, false) else {
        return;
    };
    fill(mounted.path());
    drop(mounted);

    let base = Base::read(&image).unwrap();
    let log = Log::default();
    let mut disk = Disk::new(&base, &log);
    let volume = Volume::read(&disk).unwrap();
    let listing = volume.list(&disk);
    assert_eq!(listing.torn, []);
    let mut fsck = Fsck::new(scratch.path(), &disk).unwrap();
    assert_eq!(fsck.check(&disk, &volume, &listing), Soundness::Clean);
    let file =
        |path: &str| -> &Node { listing.nodes.iter().find(|node| node.path == path).unwrap() };
    assert!(file("one").extents.len() > 5, "{:?}", file("one"));
    assert!(listing.nodes.iter().all(|node| node.path != "empty"));

    let mounted = Mounted::new(&image, true).unwrap();
    let files = listing.nodes.iter().filter(|node| !node.directory);
    let mut compared = 0;
    for node in files {
        let theirs = fs::read(mounted.path().join(&node.path)).unwrap();
        assert!(node.read(&disk) == theirs, "{}", node.path);
        compared += 1;
    }
    assert_eq!(compared, 4);
    drop(mounted);

    // One bit in a name, and the set is torn; one in the boot sector, and the volume is none.
    let (root, _) = listing.metadata[0];
    let found = (root..root + 64)
        .find(|&sector| disk.sector(sector)[..64].contains(&0x85))
        .unwrap();
    let mut damaged = fs::read(&image).unwrap();
    let start = found as usize * 512;
    let set = damaged[start..]
        .chunks(32)
        .position(|entry| entry[0] == 0x85)
        .unwrap();
    damaged[start + set * 32 + 70] ^= 1;
    fs::write(&image, &damaged).unwrap();
    let base = Base::read(&image).unwrap();
    disk = Disk::new(&base, &log);
    let listing = volume.list(&disk);
    assert_eq!(listing.torn.len(), 1);
    let mut fsck = Fsck::new(scratch.path(), &disk).unwrap();
    let said = fsck.check(&disk, &volume, &listing);
    assert!(matches!(said, Soundness::Damaged(_)), "{said:?}");
    damaged[81] ^= 1;
    fs::write(&image, &damaged).unwrap();
    let base = Base::read(&image).unwrap();
    assert!(Volume::read(&Disk::new(&base, &log)).is_err());
}
