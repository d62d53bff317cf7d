//! What reaches the kernel: the flushes that a slot's promises rest on, traced.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::process::Command;

use picam_mp4::{Flush, SlotFile};
use picam_ring::{Directory, FsDirectory};

#[repr(align(4096))]
struct Page([u8; 4096]);

const WHERE: &str = "PICAM_TRACED_DIRECTORY";
const SPARE: &str = "free_video_slot_F-_000000.bin";
const SEGMENT: &str = "20261120_110800_FN_000001.mp4";

/// What is traced, in a process of its own; does nothing by itself.
#[test]
fn traced() {
    let Some(path) = std::env::var_os(WHERE) else {
        return;
    };
    let directory = FsDirectory::open(path, false).unwrap();
    let mut slot = directory.create(SPARE, 1 << 20).unwrap();
    slot.write_at(4096, &Page([1; 4096]).0).unwrap();
    slot.flush(Flush::Data).unwrap();
    slot.write_at(8192, &Page([2; 4096]).0).unwrap();
    slot.flush(Flush::All).unwrap();
    directory.rename(SPARE, SEGMENT).unwrap();
    directory.sync().unwrap();
    directory.remove(SEGMENT).unwrap();
}

#[test]
fn every_promise_is_flushed_to_the_kernel_in_order() {
    let scratch = tempfile::tempdir().unwrap();
    let footage = scratch.path().join("footage");
    std::fs::create_dir(&footage).unwrap();
    let log = scratch.path().join("trace");
    let traced = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-e",
            "trace=fallocate,ftruncate,fsync,fdatasync,pwrite64,renameat2,unlinkat",
            "-o",
        ])
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "traced", "--test-threads=1"])
        .env(WHERE, &footage)
        .output()
        .expect("strace is needed: apt-get install strace");
    assert!(
        traced.status.success(),
        "{}",
        String::from_utf8_lossy(&traced.stderr)
    );
    let trace = std::fs::read_to_string(&log).unwrap();
    let path = footage.to_str().unwrap();
    let steps: Vec<&str> = trace
        .lines()
        .filter(|line| line.contains(path) || line.contains(SPARE))
        .map(|line| {
            let call = line.split_whitespace().nth(1).unwrap_or_default();
            let of_a_file = line.contains(&format!("{path}/"));
            match call.split('(').next().unwrap_or_default() {
                "fallocate" | "ftruncate" => "reserve",
                "pwrite64" => "write",
                "fdatasync" => "file data",
                "fsync" if of_a_file => "file",
                "fsync" => "directory",
                "renameat2" => "rename",
                "unlinkat" => "remove",
                other => panic!("{other} in {line}"),
            }
        })
        .collect();
    let expected = [
        // Clusters are taken durably before anything says whose they are.
        "reserve",
        "directory",
        "file", //
        "write",
        "file data",
        "write",
        "file", //
        "rename",
        "directory",
        "remove",
        "directory",
    ];
    assert_eq!(steps, expected, "{trace}");
}
