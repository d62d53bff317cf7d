//! A card that takes no writes for 8 s, as tired SD cards do, costs no frame.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::segments;
use picam_system_tests::frames::{assert_consecutive, numbers};
use picam_system_tests::mounts::{self, Mount};
use picam_testkit::judges;

const STALL: Duration = Duration::from_secs(8);

#[test]
fn eight_seconds_without_the_card_cost_no_frame() {
    if !judges::have("ffmpeg", "ffmpeg") || !mounts::allowed() {
        return;
    }
    let mount = Mount::ext4(96 << 20);
    let args = [
        ["--camera", "front=sim:?size=320x240&fps=30&bitrate=500k"],
        ["--segment", "2s"],
        ["--slots", "16"],
        ["--slot-size", "1MiB"],
    ];
    let camera = Camera::start("record", mount.path(), args.as_flattened());
    wait_for("the first segment", Duration::from_secs(10), || {
        (!segments(mount.path()).is_empty()).then_some(())
    });
    std::thread::sleep(Duration::from_secs(1));
    mount.freeze();
    std::thread::sleep(STALL);
    mount.thaw();
    std::thread::sleep(Duration::from_secs(3));
    let lived = camera.started.elapsed();
    camera.stop();

    let mut all = Vec::new();
    for segment in segments(mount.path()) {
        assert_eq!(segment.record.counters.dropped_queue, 0);
        all.extend(numbers(&segment.path, 320, 240));
    }
    assert_eq!(all[0], 0);
    assert_consecutive(&all, "over the stall");
    let expected = lived.as_secs_f64() * 30.0;
    assert!(
        all.len() as f64 > expected - 45.0,
        "{} of {expected} frames",
        all.len()
    );
}
