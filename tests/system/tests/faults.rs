//! Cards that are full, damaged or pulled: recording says so, and resumes by itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use picam_system_tests::camera::{Camera, free_address, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::mounts::{self, Mount};
use picam_system_tests::{http, judge};
use picam_testkit::judges;
use serde_json::Value;

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
const SLOTS: u64 = 6;

fn start(card: &Path, listen: SocketAddr) -> Camera {
    let listen = listen.to_string();
    let args = [
        ["--camera", "front=sim:?size=320x240&fps=30&bitrate=500k"],
        ["--segment", "1s"],
        ["--slots", "6"],
        ["--slot-size", "1MiB"],
        ["--listen", &listen],
    ];
    Camera::start("run", card, args.as_flattened())
}

fn state(page: SocketAddr) -> Option<Value> {
    let status = http::get(page, "/api/status")?;
    Some(status["cameras"][0].clone())
}

/// Waits until the camera is in a state; a fault must come with a remedy.
fn wait_for_state(page: SocketAddr, wanted: &str) {
    let mut last = Value::Null;
    let what = format!("the camera to be {wanted}");
    wait_for(&what, WAIT_TIMEOUT, || {
        last = state(page)?;
        (last["state"] == wanted).then_some(())
    });
    if wanted == "fault" {
        let remedy = last["fault"]["remedy"].as_str().unwrap_or_default();
        assert!(!remedy.is_empty(), "{last}");
    }
}

fn newest(card: &Path) -> u64 {
    segments(card)
        .last()
        .map_or(0, |segment| segment.record.sequence)
}

/// Waits for a segment after `before`, and for it to be finished.
fn wait_for_new_footage(card: &Path, before: u64) {
    wait_for("a new segment", WAIT_TIMEOUT, || {
        let found = |s: &Segment| s.record.sequence > before && s.finished();
        segments(card).iter().any(found).then_some(())
    });
}

fn judge_all(card: &Path) {
    let scratch = tempfile::tempdir().unwrap();
    for segment in segments(card) {
        judge::judge(&segment, scratch.path()).unwrap();
    }
}

#[test]
fn a_card_full_of_other_files_is_said_to_be_full_and_used_once_there_is_room() {
    if !judge::installed() || !mounts::allowed() {
        return;
    }
    let mount = Mount::tmpfs((SLOTS + 4) << 20);
    let holiday = mount.path().join("holiday.mov");
    let room = vec![0; (SLOTS as usize + 4) << 20];
    let filled = fs::write(&holiday, &room);
    assert!(filled.is_err() || !room.is_empty());
    let page = free_address();
    let mut camera = start(mount.path(), page);
    wait_for_state(page, "fault");
    camera.assert_running();
    assert!(holiday.exists(), "somebody's own file is gone");
    fs::remove_file(&holiday).unwrap();
    wait_for_new_footage(mount.path(), 0);
    wait_for_state(page, "recording");
    camera.stop();
    judge_all(mount.path());
}

#[test]
fn a_damaged_card_turns_read_only_and_is_recorded_to_again_after_a_repair() {
    if !judge::installed() || !mounts::allowed() {
        return;
    }
    let mount = Mount::ext4(64 << 20);
    let page = free_address();
    let mut camera = start(mount.path(), page);
    wait_for_new_footage(mount.path(), 0);
    mount.damage();
    wait_for_state(page, "fault");
    camera.assert_running();
    judge_all(mount.path());
    let before = newest(mount.path());
    mount.detach();
    mount.repair_ext4();
    mount.attach_ext4();
    wait_for_new_footage(mount.path(), before);
    wait_for_state(page, "recording");
    camera.stop();
    judge_all(mount.path());
}

#[test]
fn a_pulled_card_is_waited_for_and_recorded_to_again() {
    let installed = judge::installed() && judges::have("mount.exfat-fuse", "exfat-fuse");
    if !installed || !judges::have("mkfs.exfat", "exfatprogs") || !mounts::allowed() {
        return;
    }
    let mount = Mount::exfat(64 << 20);
    let mut card = mount.insert_exfat();
    let page = free_address();
    let mut camera = start(mount.path(), page);
    wait_for_new_footage(mount.path(), 0);
    let before = newest(mount.path());
    card.pull();
    wait_for_state(page, "fault");
    camera.assert_running();
    mount.detach();
    std::thread::sleep(Duration::from_secs(1));
    let in_the_empty_directory = fs::read_dir(mount.path()).unwrap().count();
    assert_eq!(in_the_empty_directory, 0, "footage landed beside the card");
    let _card = mount.insert_exfat();
    wait_for_new_footage(mount.path(), before);
    wait_for_state(page, "recording");
    camera.stop();
    judge_all(mount.path());
}
