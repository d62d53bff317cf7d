//! A card whose filesystem is gone: `picam salvage` carves the footage out of the bare device.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use picam_system_tests::camera::binary;
use picam_system_tests::card::segments;
use picam_system_tests::judge;
use picam_system_tests::mounts::{self, Mount};
use picam_testkit::{ffmpeg, judges};

const ZEROED: usize = 16 << 20;
const PICTURES: usize = 2400;

fn picam(args: &[&str]) -> std::process::Output {
    let mut command = Command::new(binary());
    command.args(args).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn an_exfat_without_its_first_16_mib_gives_its_footage_back() {
    let installed = judge::installed() && judges::have("mount.exfat-fuse", "exfat-fuse");
    if !installed || !judges::have("mkfs.exfat", "exfatprogs") || !mounts::allowed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let clip = scratch.path().join("clip.mp4");
    let source = "-f lavfi -i testsrc2=size=320x180:rate=30:duration=80 -pix_fmt yuv420p";
    ffmpeg::run(
        &format!("{source} -c:v libx264 -preset ultrafast -g 30 -b:v 1M"),
        &clip,
    );

    let mount = Mount::exfat(128 << 20);
    let mut card = mount.insert_exfat();
    // On a card of 64 GB, 16 MiB are a thousandth of a ring. Here, another file lies there.
    let filler = File::create(mount.path().join("filler.jpg")).unwrap();
    filler
        .write_all_at(&vec![0x5a; ZEROED + (4 << 20)], 0)
        .unwrap();
    let camera = format!("front=file:{}?pace=off", clip.display());
    let footage = mount.path().to_str().unwrap();
    let args = ["record", "--camera", &camera, "--footage", footage];
    let ring = ["--segment", "10s", "--slots", "10", "--slot-size", "4MiB"];
    let recorded = picam(&[&args[..], &ring].concat());
    assert!(recorded.status.success(), "{recorded:?}");
    let on_card = segments(mount.path());
    assert!(on_card.len() >= 4, "{}", on_card.len());
    let before: usize = on_card
        .iter()
        .map(|s| judges::decoded_pictures(&s.path))
        .sum();
    assert_eq!(before, PICTURES);
    mount.detach();
    card.pull();

    let device = OpenOptions::new().write(true).open(mount.device()).unwrap();
    device.write_all_at(&vec![0; ZEROED], 0).unwrap();
    device.sync_all().unwrap();
    let out = scratch.path().join("out");
    let salvaged = picam(&["salvage", mount.device(), "-o", out.to_str().unwrap()]);
    assert!(salvaged.status.success(), "{salvaged:?}");
    let files = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|e| e == "mp4"));
    let after: usize = files.map(|path| judges::decoded_pictures(&path)).sum();
    println!("{after} of {before} pictures");
    assert!(
        after * 1000 >= before * 999,
        "{after} of {before} pictures: {salvaged:?}"
    );
}
