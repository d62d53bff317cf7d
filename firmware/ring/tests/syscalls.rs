//! The kernel is really asked to make things durable: what the directory on a real filesystem does is traced.
//!
//! The work is done by an ignored test of this same program, run under `strace`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::Path;
use std::process::{Command, Stdio};

use picam_mp4::{Flush, SlotFile};
use picam_ring::{Directory, FsDirectory};
use picam_testkit::judges;

/// Where the ignored test works; without it that does nothing.
const DIRECTORY: &str = "PICAM_TRACED_DIRECTORY";
const SLOT: u64 = 64 * 1024;

#[repr(align(4096))]
struct Page([u8; 4096]);

#[test]
#[ignore = "the part that is traced"]
fn traced() {
    let Some(path) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let directory = FsDirectory::open(path, false).unwrap();
    let mut slot = directory.create("slot", SLOT).unwrap();
    slot.write_at(0, &Page([1; 4096]).0).unwrap();
    slot.flush(Flush::All).unwrap();
    slot.write_at(4096, &Page([2; 4096]).0).unwrap();
    slot.flush(Flush::Data).unwrap();
    directory.rename("slot", "named").unwrap();
    directory.sync().unwrap();
    drop(slot);
    directory.remove("named").unwrap();
}

/// What the kernel was asked, in order: each call with the file or directory that it was about.
fn calls(log: &str, directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    let mut calls = Vec::new();
    for line in log.lines().filter(|line| line.contains(directory)) {
        let Some((call, arguments)) = line.split_once('(') else {
            continue;
        };
        let call = call.split_whitespace().next_back().unwrap_or_default();
        // strace -y: 3</path/of/the/file>, and "(deleted)" behind a removed one's.
        let about = arguments.split_once(directory).map_or("", |(_, rest)| rest);
        let about = about.split(['>', ',']).next().unwrap_or_default();
        let about = match about.trim_start_matches('/') {
            "" => "directory",
            _ => "file",
        };
        assert!(line.contains(" = 0") || line.contains(" = 4096"), "{line}");
        calls.push(format!("{call} {about}"));
    }
    calls
}

#[test]
fn flushes_and_syncs_reach_the_kernel_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let card = directory.path().join("card");
    std::fs::create_dir(&card).unwrap();
    let log = directory.path().join("log");
    let status = Command::new("strace")
        .args(["-f", "-y", "-e"])
        .arg("trace=fallocate,ftruncate,fsync,fdatasync,pwrite64,renameat2,unlinkat")
        .arg("-o")
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "traced", "--ignored", "--test-threads=1"])
        .env(DIRECTORY, &card)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        judges::skip(
            "strace is not installed, or may trace nothing here",
            "apt-get install strace; cargo test -p picam-ring --test syscalls",
        );
        return;
    }
    let log = std::fs::read_to_string(&log).unwrap();
    let found = calls(&log, &card);
    assert_eq!(
        found,
        [
            // Made: the blocks are taken, which is durable before it is said whose they are.
            "fallocate file",
            "fsync directory",
            "fsync file",
            // Written for the first time, and again.
            "pwrite64 file",
            "fsync file",
            "pwrite64 file",
            "fdatasync file",
            "renameat2 directory",
            "fsync directory",
            "unlinkat directory",
            "fsync directory",
        ],
        "{log}"
    );
}
