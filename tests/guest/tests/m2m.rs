//! The path of pictures through an encoder's driver, with the kernel's own `vicodec` for the encoder. What it makes is no
//! H.264, so that it is judged by counts, times and order, and decoded by `vicodec` again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::HashMap;
use std::time::Duration;

use picam_guest_tests::Guest;
use picam_testkit::judges;
use picam_testkit::steps::Steps;

/// Pictures of the short form, and of an hour at 30 a second.
const PICTURES: (u64, u64) = (3_000, 108_000);
/// Only what hangs reaches it.
const LONG: Duration = Duration::from_secs(3600);
/// What the decoder is given a picture to read a number in.
const SIZE: (usize, usize) = (160, 96);

#[test]
fn pictures_go_through_an_encoders_driver() {
    if !judges::have("v4l2-ctl", "v4l-utils") {
        return;
    }
    let Some(guest) = Guest::boot().unwrap() else {
        return;
    };
    guest.ok("modprobe vicodec multiplanar=1").unwrap();
    let mut steps = Steps::default();
    steps.step("every picture comes out, in order", || {
        every_picture(&guest)
    });
    steps.step("what comes out is the pictures", || the_pictures(&guest));
    steps.step("it ends, and begins again", || ends(&guest));
    steps.step("one that hangs is set up anew", || hangs(&guest));
    steps.end();
}

/// Runs the program that puts pictures through; its counts by name.
fn load(guest: &Guest, arguments: &str) -> HashMap<String, u64> {
    let program = env!("CARGO_BIN_EXE_m2m-load");
    let said = guest
        .ok_within(&format!("{program} {arguments} 2>&1"), LONG)
        .unwrap();
    println!("{arguments}: {said}");
    let mut counts = HashMap::new();
    let mut name = String::new();
    for word in said.lines().last().unwrap().split(' ') {
        match word.parse() {
            Ok(count) => drop(counts.insert(std::mem::take(&mut name), count)),
            Err(_) if name.is_empty() => word.clone_into(&mut name),
            Err(_) => name = format!("{name} {word}"),
        }
    }
    counts
}

fn every_picture(guest: &Guest) {
    let long = std::env::var_os("PICAM_GUEST_LONG").is_some();
    let count = if long { PICTURES.1 } else { PICTURES.0 };
    let counts = load(guest, &format!("--count {count} --gop 30"));
    // A host that stands still for long lets some find no room.
    let through = count - counts["refused"];
    assert_eq!((counts["coded"], counts["units"]), (through, through));
    assert_eq!(
        (counts["dropped"], counts["damaged"], counts["rebuilt"]),
        (0, 0, 0)
    );
}

fn the_pictures(guest: &Guest) {
    let (width, height) = SIZE;
    let counts = load(
        guest,
        &format!("--count 300 --gop 300 --key-at 100 --size {width} {height} --out /out/coded"),
    );
    let decoded = format!(
        "for n in /sys/class/video4linux/*; do grep -qx stateful-decoder $n/name && d=/dev/$(basename $n); done; \
         timeout 200 v4l2-ctl -d $d --set-fmt-video-out=width={width},height={height},pixelformat=FWHT \
         --stream-mmap --stream-out-mmap --stream-from-hdr=/out/coded --stream-to=/out/decoded 2>&1"
    );
    let said = guest.ok(&decoded).unwrap();
    let raw = std::fs::read(guest.out().join("decoded")).unwrap();
    let numbers: Vec<_> = raw
        .chunks_exact(width * height * 3 / 2)
        .map(|picture| judges::barcode(picture, width))
        .collect();
    assert_eq!(numbers.len() as u64, counts["units"], "{said}");
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    if counts["refused"] == 0 {
        assert_eq!(numbers, Vec::from_iter(0..300));
    }
}

fn ends(guest: &Guest) {
    let counts = load(
        guest,
        "--count 500 --gop 1000 --size 160 96 --finish-every 50",
    );
    let through = 500 - counts["refused"];
    assert_eq!((counts["coded"], counts["rebuilt"]), (through, 9));
    // Each begins with a key frame, which the program has looked at; and not every picture is one.
    assert!((10..250).contains(&counts["starts"]), "{counts:?}");
}

fn hangs(guest: &Guest) {
    let counts = load(guest, "--count 500 --gop 1000 --hang-at 200");
    assert!(counts["rebuilt"] >= 1, "{counts:?}");
    assert!(
        counts["lost"] >= 1 && counts["told lost"] >= counts["lost"],
        "{counts:?}"
    );
    // It goes on behind.
    assert!(counts["coded"] > 300, "{counts:?}");
}
