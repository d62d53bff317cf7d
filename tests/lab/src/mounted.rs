//! The laboratory's own reader against a mount of the same disk.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::blklog::SECTOR;
use crate::disk::Disk;
use crate::exfat::Volume;
use crate::fuse::Mounted;

/// Writes the disk to a file.
pub fn image(disk: &Disk<'_>, path: &Path) {
    let image = File::create(path).unwrap();
    image
        .set_len(u64::from(disk.sectors()) * SECTOR as u64)
        .unwrap();
    for number in 0..disk.sectors() {
        let content = disk.sector(number);
        if content.iter().any(|&byte| byte != 0) {
            image
                .write_all_at(content, u64::from(number) * SECTOR as u64)
                .unwrap();
        }
    }
}

/// Mounts an image of the disk read-only with exfat-fuse, and compares every file. `false` where nothing can be
/// mounted.
///
/// # Panics
/// If the two differ.
pub fn agrees(disk: &Disk<'_>, volume: &Volume, scratch: &Path) -> bool {
    let path = scratch.join("mounted.img");
    image(disk, &path);
    let Some(mounted) = Mounted::new(&path, true) else {
        return false;
    };
    let nodes = volume.list(disk).nodes;
    let ours = nodes
        .iter()
        .filter(|node| !node.directory)
        .map(|node| node.path.clone());
    let theirs = mounted
        .files()
        .into_iter()
        .map(|path| path.to_string_lossy().into_owned());
    assert_eq!(
        ours.collect::<BTreeSet<_>>(),
        theirs.collect(),
        "the files that exfat-fuse finds"
    );
    for node in nodes.iter().filter(|node| !node.directory) {
        let (ours, theirs) = (
            node.read(disk),
            std::fs::read(mounted.path().join(&node.path)).unwrap(),
        );
        assert_eq!(ours.len(), theirs.len(), "exfat-fuse on {}", node.path);
        // What was never written reads as zeros; exfat-fuse 1.3 shows what the clusters held before.
        let valid = (node.valid as usize).min(ours.len());
        assert!(
            ours[..valid] == theirs[..valid],
            "exfat-fuse reads other bytes in {}",
            node.path
        );
    }
    true
}
