//! The directory on whatever filesystem temporary files are on.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Command;

use super::*;

fn entry(name: &str) -> FsEntry {
    let (size, modified) = (1, (0, 0));
    FsEntry {
        name: name.into(),
        kind: FsKind::File { size, modified },
    }
}

/// So many listings break off, with these entries each; then one is whole.
fn list(broken: u32, entries: &[&str]) -> (io::Result<usize>, u32) {
    let mut listings = 0;
    let found = list_with(|| {
        listings += 1;
        let entries = entries.iter().map(|name| entry(name)).collect();
        Ok((entries, (listings <= broken).then_some(Errno::IO)))
    });
    (found.map(|entries| entries.len()), listings)
}

#[test]
fn a_listing_that_breaks_off_is_tried_again_and_then_taken_as_it_is() {
    for (broken, listings) in [(0, 1), (1, 2), (2, 3), (3, 3), (9, 3)] {
        let (found, made) = list(broken, &["a", "b"]);
        assert_eq!((found.unwrap(), made), (2, listings), "{broken}");
    }
    // Nothing at all is no listing.
    assert_eq!(list(2, &[]).0.unwrap(), 0);
    let error = list(3, &[]).0.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()));
}

#[test]
fn a_listing_has_everything_and_a_survey_what_is_ours_or_in_the_way() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let slot = |n: u32| format!("free_video_slot_F-_{n:06}.bin");
    fs::write(at(&slot(1)), [1; 100]).unwrap();
    fs::write(at("holiday.jpg"), [1; 10]).unwrap();
    fs::create_dir(at("folder")).unwrap();
    fs::create_dir(at(&slot(2))).unwrap();
    symlink("holiday.jpg", at(&slot(3))).unwrap();
    let odd = OsStr::from_bytes(b"odd\xff");
    fs::write(scratch.path().join(odd), [1; 1]).unwrap();
    let directory = FsDirectory::open(scratch.path(), false).unwrap();

    let mut entries = directory.entries().unwrap();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let file = |name: &OsStr, size| {
        let metadata = fs::metadata(scratch.path().join(name)).unwrap();
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        (name.to_owned(), FsKind::File { size, modified })
    };
    let other = |name: &str| (OsString::from(name), FsKind::Other);
    let found: Vec<_> = entries.into_iter().map(|e| (e.name, e.kind)).collect();
    let expected = [
        other("folder"),
        file(slot(1).as_ref(), 100),
        other(&slot(2)),
        other(&slot(3)),
        file("holiday.jpg".as_ref(), 10),
        file(odd, 1),
    ];
    assert_eq!(found, expected);

    let mut survey = directory.survey().unwrap();
    survey.entries.sort_by(|a, b| a.name.cmp(&b.name));
    survey.unusable.sort();
    let files = survey.entries.into_iter().map(|e| (e.name, e.size));
    let ours: Vec<_> = files.collect();
    assert_eq!(ours, [(slot(1), 100), ("holiday.jpg".into(), 10)]);
    let in_the_way = [slot(2), slot(3), "odd\u{fffd}".into()];
    assert_eq!(survey.unusable, in_the_way);
}

#[test]
fn a_directory_that_was_replaced_is_not_the_one_that_was_opened() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("footage");
    fs::create_dir(&path).unwrap();
    let directory = FsDirectory::open(&path, false).unwrap();
    assert!(directory.is_current().unwrap());
    fs::rename(&path, scratch.path().join("away")).unwrap();
    assert!(directory.is_current().is_err());
    fs::create_dir(&path).unwrap();
    assert!(!directory.is_current().unwrap());
}

#[test]
fn what_is_removed_is_gone_and_its_name_free() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = FsDirectory::open(scratch.path(), false).unwrap();
    directory.create("slot", 8192).unwrap();
    directory.remove("slot").unwrap();
    assert_eq!(directory.list().unwrap().len(), 0);
    directory.create("slot", 4096).unwrap();
    assert_eq!(directory.open("slot").unwrap().size().unwrap(), 4096);
    let missing = directory.remove("other").unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}

#[test]
fn what_is_read_past_the_cache_is_what_the_file_holds() {
    let scratch = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..3 * PAGE + 100).map(|n| (n * 7 / 5) as u8).collect();
    fs::write(scratch.path().join("file"), &bytes).unwrap();
    File::open(scratch.path().join("file"))
        .unwrap()
        .sync_all()
        .unwrap();
    let directory = FsDirectory::open(scratch.path(), true).unwrap();
    for (offset, len) in [
        (0, 512),
        (0, PAGE),
        (0, 2 * PAGE + 1),
        (PAGE, 2 * PAGE),
        (2 * PAGE, 9000),
        (3 * PAGE, PAGE),
        (0, 5 * PAGE),
        (4 * PAGE, 100),
        // Not where `O_DIRECT` reads.
        (10, 300),
    ] {
        let mut read = vec![0xee; len];
        let count = directory
            .read_uncached("file", offset as u64, &mut read)
            .unwrap();
        let expected = bytes.get(offset..).unwrap_or_default();
        let expected = &expected[..expected.len().min(len)];
        assert_eq!(
            (count, &read[..count]),
            (expected.len(), expected),
            "{offset} {len}"
        );
        assert!(
            read[count..].iter().all(|&byte| byte == 0xee),
            "{offset} {len}"
        );
    }
}

#[test]
fn nothing_is_read_through_a_link_and_no_pipe_is_waited_for() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("file"), [1; PAGE]).unwrap();
    symlink("file", scratch.path().join("link")).unwrap();
    let pipe = scratch.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let directory = FsDirectory::open(scratch.path(), true).unwrap();
    let mut page = [0; PAGE];
    assert!(directory.read_uncached("link", 0, &mut page).is_err());
    assert!(directory.read_uncached("pipe", 0, &mut page).is_err());
    assert!(directory.open("link").is_err() && directory.open("pipe").is_err());
    assert!(FsDirectory::open(&pipe, true).is_err());
}
