//! The directory on whatever filesystem temporary files are on.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

fn entry(name: &str) -> Entry {
    Entry {
        name: name.to_owned(),
        size: 1,
    }
}

/// So many listings break off, with these entries each; then one is whole.
fn survey(broken: u32, entries: &[&str]) -> (io::Result<usize>, u32) {
    let mut listings = 0;
    let found = survey_with(|| {
        listings += 1;
        let listing = Listing {
            entries: entries.iter().map(|name| entry(name)).collect(),
            ..Listing::default()
        };
        Ok((listing, (listings <= broken).then_some(Errno::IO)))
    });
    (found.map(|listing| listing.entries.len()), listings)
}

#[test]
fn a_listing_that_breaks_off_is_tried_again_and_then_taken_as_it_is() {
    for (broken, listings) in [(0, 1), (1, 2), (2, 3), (3, 3), (9, 3)] {
        let (found, made) = survey(broken, &["a", "b"]);
        assert_eq!((found.unwrap(), made), (2, listings), "{broken}");
    }
    // Nothing at all is no listing.
    assert_eq!(survey(2, &[]).0.unwrap(), 0);
    let error = survey(3, &[]).0.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()));
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

#[test]
fn memory_for_direct_reads_begins_at_a_page_and_is_no_longer_than_one() {
    let mut memory = PageMemory::new();
    for (len, given) in [(0, 0), (512, 512), (PAGE, PAGE), (2 * PAGE, PAGE)] {
        let bytes = memory.first(len);
        assert_eq!((bytes.len(), bytes.as_ptr().align_offset(PAGE)), (given, 0));
    }
}
