//! The way to a directory of footage, and who holds it.

use std::io::ErrorKind;

use super::*;
use crate::boot::{Card, Root, is_mounted, mount_point_of};
use crate::lock_directory;

#[test]
fn the_boots_id_is_the_kernels() {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let hex: String = boot_id().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, text.trim().replace('-', ""));
}

#[test]
fn a_directory_has_one_holder_and_one_table() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("footage");
    let card = Card::new(path.clone());
    assert!(card.why_not().is_some() && card.slots().is_none());
    assert!(card.beside().is_err());
    let (opened, slots) = card.open().unwrap();
    assert!(card.why_not().is_none() && opened.is_current().unwrap());
    slots.set_target(b'F', 7);
    assert_eq!(card.open().unwrap().1.target(b'F'), Some(7));
    assert_eq!(card.beside().unwrap().1.target(b'F'), Some(7));
    assert_eq!(card.slots().unwrap().target(b'F'), Some(7));
    // Somebody else has to wait.
    let other = Card::new(path.clone());
    assert_eq!(other.open().unwrap_err().kind(), ErrorKind::ResourceBusy);
    let file = std::fs::File::open(&path).unwrap();
    let refused = lock_directory(&file).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ResourceBusy);
    card.let_go();
    assert!(card.slots().is_none() && card.beside().is_err());
    other.open().unwrap();
}

#[test]
fn another_directory_of_that_name_gets_another_table() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("footage");
    let card = Card::new(path.clone());
    card.open().unwrap().1.set_target(b'F', 7);
    let (_, _, medium) = card.beside().unwrap();
    std::fs::rename(&path, directory.path().join("pulled")).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(card.beside().is_err());
    assert_eq!(card.open().unwrap().1.target(b'F'), None);
    assert_ne!(card.beside().unwrap().2, medium);
}

#[test]
fn a_root_that_nobody_can_write_to_is_no_card() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let device = std::os::unix::fs::MetadataExt::dev(&path.metadata().unwrap());
    let root = |is_read_only, device| Root {
        is_read_only,
        device,
    };
    let refused = root(true, device).refuse(path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnlyFilesystem);
    assert!(refused.to_string().contains("no card is mounted"));
    // It can be written to, something is mounted there, or nothing is there yet.
    root(false, device).refuse(path).unwrap();
    root(true, device + 1).refuse(path).unwrap();
    root(true, device).refuse(&path.join("footage")).unwrap();
}

#[test]
fn a_disk_is_there_only_while_it_is_mounted() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Card::mounted_at(directory.path().to_owned());
    assert!(disk.why_not().is_some());
    assert!(disk.open().is_err() && disk.beside().is_err());
    assert_eq!(disk.path(), directory.path());
    let proc = Card::mounted_at("/proc".into());
    assert!(proc.why_not().is_none());
    let within = Path::new("/proc/sys/kernel");
    assert_eq!(mount_point_of(within).unwrap(), Path::new("/proc"));
    assert!(is_mounted(Path::new("/")).unwrap());
    assert!(is_mounted(Path::new("/proc")).unwrap() && !is_mounted(within).unwrap());
}
