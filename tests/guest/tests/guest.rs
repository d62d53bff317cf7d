//! The guest itself, and the cameras in it that no part of picam has a hand in: what the tests of cameras stand on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::time::Duration;

use picam_guest_tests::numbered::Files;
use picam_guest_tests::uvc::pictures;
use picam_guest_tests::{Guest, GuestError};
use picam_testkit::judges;
use picam_testkit::steps::Steps;

const SIZE: (usize, usize) = (640, 360);
/// Only what hangs reaches it.
const LONG: Duration = Duration::from_secs(120);
/// Lists `name index` of every node of Video4Linux.
const NODES: &str =
    "for n in /sys/class/video4linux/*; do echo \"$(cat $n/name) $(cat $n/index)\"; done";

#[test]
fn real_drivers_find_cameras_in_the_guest() {
    if !judges::have("ffmpeg", "ffmpeg") || !judges::have("v4l2-ctl", "v4l-utils") {
        return;
    }
    let Some(guest) = Guest::boot().unwrap() else {
        return;
    };
    let mut steps = Steps::default();
    steps.step("scripts say how they ended", || scripts(&guest));
    steps.step("vivid is a camera", || vivid(&guest));
    steps.step("a UVC camera is plugged in", || uvc(&guest));
    steps.step("it is pulled out, and comes back", || pulled_out(&guest));
    steps.end();
}

fn scripts(guest: &Guest) {
    let slow = guest.spawn("sleep 2; echo slow; exit 3").unwrap();
    assert_eq!(guest.ok("echo quick; uname -r").unwrap().lines().count(), 2);
    let output = guest.wait(&slow, LONG).unwrap();
    assert_eq!((output.code, output.text.as_str()), (3, "slow\n"));
    let failed = guest.ok("echo before; false; echo behind");
    let Err(GuestError::Script { code: 1, said, .. }) = failed else {
        panic!("{failed:?}")
    };
    assert_eq!(said, "before\n");
    guest.ok("head -c 100000 /dev/zero >/out/zeros").unwrap();
    let zeros = std::fs::read(guest.out().join("zeros")).unwrap();
    assert_eq!(zeros.len(), 100_000);
    // What is written elsewhere is gone with the guest.
    guest.ok("echo gone >/usr/gone; test -e /usr/gone").unwrap();
    assert!(!std::path::Path::new("/usr/gone").exists());
}

fn vivid(guest: &Guest) {
    guest
        .ok("modprobe vivid n_devs=1 num_inputs=1 node_types=0x1")
        .unwrap();
    let nodes = guest.ok(NODES).unwrap();
    assert!(nodes.contains("vivid-000-vid-cap"), "{nodes}");
    let all = guest
        .ok("v4l2-ctl -d /dev/video0 --all; timeout 100 v4l2-ctl -d /dev/video0 \
             --set-fmt-video=width=640,height=360,pixelformat=YUYV --stream-mmap=4 --stream-count=10 --stream-to=/out/vivid 2>&1")
        .unwrap();
    assert!(all.contains("vivid"), "{all}");
    let len = std::fs::metadata(guest.out().join("vivid")).unwrap().len();
    assert_eq!(len, 10 * 640 * 360 * 2, "{all}");
    guest
        .ok("echo -n vivid.0 >/sys/bus/platform/drivers/vivid/unbind; rmmod vivid")
        .unwrap();
}

/// Plugs a camera in whose log is `/out/LOG`; its process is `$!`.
fn plug_in(log: &str) -> String {
    format!(
        "{} --size 640x360 --mjpeg /out/numbered.mjpeg --h264 /out/numbered.h264 --serial PICAM7 >/out/{log} 2>&1 & ",
        env!("CARGO_BIN_EXE_uvc-camera")
    )
}

/// Waits for the two nodes of a UVC camera.
const AWAIT_CAMERA: &str =
    "test $(grep -l 'Software Camera' /sys/class/video4linux/*/name | wc -l) = 2";

fn uvc(guest: &Guest) {
    Files::make(guest.out(), 300, SIZE, 30);
    guest.ok("modprobe vhci_hcd; modprobe uvcvideo").unwrap();
    guest
        .ok(&format!(
            "{} echo $! >/out/camera.pid",
            plug_in("camera.log")
        ))
        .unwrap();
    guest.until("the camera", AWAIT_CAMERA, LONG).unwrap();
    let all = guest
        .ok("v4l2-ctl -d /dev/video0 --all; v4l2-ctl -d /dev/video0 --list-formats-ext; v4l2-ctl -d /dev/video0 --set-ctrl brightness=77")
        .unwrap();
    for part in [
        "Software Camera",
        "'MJPG'",
        "'H264'",
        "640x360",
        "30.000 fps",
    ] {
        assert!(all.contains(part), "no {part} in {all}");
    }
    for (format, file) in [("MJPG", "x.mjpeg"), ("H264", "x.h264")] {
        let said = guest
            .ok(&format!(
                "timeout 100 v4l2-ctl -d /dev/video0 --set-fmt-video=width=640,height=360,pixelformat={format} \
                 --stream-mmap=4 --stream-count=40 --stream-to=/out/{file} 2>&1"
            ))
            .unwrap();
        assert!(guest.out().join(file).exists(), "{said}");
    }
    let log = std::fs::read_to_string(guest.out().join("camera.log")).unwrap();
    for part in [
        "plugged in\n",
        "brightness 77\n",
        "started mjpeg\n",
        "started h264\n",
    ] {
        assert!(log.contains(part), "no {part} in {log}");
    }
    // What came is what was sent, byte for byte and in order; H.264 may begin in the middle of a group.
    let film = Files {
        mjpeg: guest.out().join("numbered.mjpeg"),
        h264: guest.out().join("numbered.h264"),
    }
    .film();
    let delivered = |kind: &str| -> Vec<usize> {
        let after = log.split(&format!("started {kind}\n")).last().unwrap();
        let lines = after
            .lines()
            .take_while(|line| !line.starts_with("started"));
        lines
            .filter_map(|line| line.strip_prefix("delivered ")?.parse().ok())
            .collect()
    };
    for (kind, file, all) in [
        ("mjpeg", "x.mjpeg", &film.mjpeg),
        ("h264", "x.h264", &film.h264),
    ] {
        let file = guest.out().join(file);
        let came = match kind {
            "mjpeg" => pictures::mjpeg(&file).unwrap(),
            _ => pictures::h264(&file).unwrap(),
        };
        assert_eq!(came.len(), 40, "{kind}");
        // Nobody takes some while v4l2-ctl writes others.
        let mut sent = delivered(kind).into_iter();
        for (n, picture) in came.iter().enumerate() {
            let found = sent.any(|number| all[number % all.len()] == *picture);
            assert!(
                found,
                "{kind}: picture {n} is none that was delivered behind the one before"
            );
        }
    }
}

fn pulled_out(guest: &Guest) {
    let stream = "timeout 100 v4l2-ctl -d /dev/video0 --set-fmt-video=pixelformat=MJPG --stream-mmap=4 --stream-count=3000 \
                  --stream-to=/dev/null 2>&1";
    let reader = guest.spawn(stream).unwrap();
    let flows = "test $(tail -n 5 /out/camera.log | grep -c delivered) = 5";
    guest.until("pictures", flows, LONG).unwrap();
    guest.ok("kill -9 $(cat /out/camera.pid)").unwrap();
    let ended = guest.wait(&reader, LONG).unwrap();
    assert!(
        ended.text.contains("failed") || ended.code != 0,
        "{ended:?}"
    );
    guest
        .until(
            "its nodes to go",
            "! grep -q 'Software Camera' /sys/class/video4linux/*/name",
            LONG,
        )
        .unwrap();
    guest.ok(&plug_in("again.log")).unwrap();
    guest.until("the camera", AWAIT_CAMERA, LONG).unwrap();
    let stream = stream.replace("3000", "5");
    guest.ok(&stream).unwrap();
    let log = std::fs::read_to_string(guest.out().join("again.log")).unwrap();
    assert!(log.matches("delivered").count() >= 5, "{log}");
}
