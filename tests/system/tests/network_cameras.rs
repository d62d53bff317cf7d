//! Network cameras as a person has them: two behind GStreamer's server, and a simulated one beside them.
//!
//! `PICAM_RTSP_SECONDS=600` lets them run for so long before anything is done to them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_testkit::rtsp::{self, RtspServer, pipeline};
use picam_testkit::{ffmpeg, judges};
use rustix::process::{Pid, Signal, kill_process};

const PASSWORD: &str = "zebra crossing";
const A_MINUTE: Duration = Duration::from_secs(60);

/// Finished segments of a camera.
fn of(card: &Path, camera: &str) -> Vec<Segment> {
    let all = segments(card).into_iter();
    all.filter(|segment| segment.finished() && segment.record.camera_name == camera)
        .collect()
}

fn wait_for_more(card: &Path, camera: &str, more: usize) {
    let before = of(card, camera).len();
    wait_for(camera, A_MINUTE, || {
        (of(card, camera).len() >= before + more).then_some(())
    });
}

fn signal(server: &RtspServer, signal: Signal) {
    let pid = Pid::from_raw(server.pid().cast_signed()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn two_network_cameras_and_one_more_come_back_whatever_becomes_of_them() {
    if !(ffmpeg::available() && rtsp::available()) {
        return;
    }
    let set = std::env::var("PICAM_RTSP_SECONDS").ok();
    let seconds: u64 = set.map_or(10, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (gate, yard) = (dir.path().join("gate.mp4"), dir.path().join("yard.mp4"));
    let inputs = |sound: &str| {
        let long = seconds + 120;
        format!(
            "-f lavfi -i testsrc2=size=320x240:rate=25:duration={long} {sound} -preset ultrafast"
        )
    };
    let sine = format!(
        "-f lavfi -i sine=sample_rate=48000:duration={}",
        seconds + 120
    );
    ffmpeg::run(
        &format!("{} -c:v libx264 -bf 0 -g 25 -c:a aac", inputs(&sine)),
        &gate,
    );
    let x265 = "-c:v libx265 -x265-params log-level=0:keyint=25:bframes=0";
    ffmpeg::run(&format!("{} {x265}", inputs("")), &yard);

    let gate_mount = format!("/gate/s3cret={}", pipeline(&gate, "h264", true));
    let user = format!("viewer:{PASSWORD}");
    let gate_server = RtspServer::start(&["--user", &user, &gate_mount]);
    let yard_mount = format!("/yard={}", pipeline(&yard, "h265", false));
    let yard_server = RtspServer::start(&[&yard_mount]);
    let yard_port = yard_server.port.to_string();

    let config = dir.path().join("picam.toml");
    let text = format!(
        "[[camera]]\nname = \"front\"\nsource = \"sim:?size=320x240&fps=15&bitrate=300k\"\n\
         [[camera]]\nname = \"gate\"\nsource = \"rtsp://viewer@127.0.0.1:{}/gate/s3cret?key=s3cret\"\n\
         password = \"{PASSWORD}\"\n\
         [[camera]]\nname = \"yard\"\nsource = \"rtsp://127.0.0.1:{yard_port}/yard#transport=udp\"\n",
        gate_server.port
    );
    fs::write(&config, text).unwrap();
    let card = tempfile::tempdir().unwrap();
    let config = config.to_str().unwrap();
    let ring = ["--segment", "2s", "--slots", "300", "--slot-size", "1MiB"];
    let mut camera = Camera::start(
        "record",
        card.path(),
        &[&["--config", config], &ring[..]].concat(),
    );
    std::thread::sleep(Duration::from_secs(seconds));
    for name in ["front", "gate", "yard"] {
        wait_for(name, A_MINUTE, || {
            (of(card.path(), name).len() >= 2).then_some(())
        });
    }

    // One freezes, and thaws when it has been given up.
    signal(&gate_server, Signal::STOP);
    wait_for("the silence", A_MINUTE, || {
        camera
            .said()
            .contains("no picture came for 5 s")
            .then_some(())
    });
    wait_for_more(card.path(), "yard", 1);
    signal(&gate_server, Signal::CONT);
    wait_for_more(card.path(), "gate", 2);

    // The other is killed, and started again.
    drop(yard_server);
    wait_for("the end", A_MINUTE, || {
        camera
            .said()
            .contains("the camera ended the stream")
            .then_some(())
    });
    wait_for_more(card.path(), "gate", 1);
    let _yard_server = RtspServer::start(&["--port", &yard_port, &yard_mount]);
    wait_for_more(card.path(), "yard", 2);
    wait_for_more(card.path(), "front", 1);
    camera.assert_running();
    let said = camera.said();
    camera.stop();

    for secret in [PASSWORD, "s3cret", "viewer"] {
        assert!(!said.contains(secret), "{said}");
    }
    for (name, codecs) in [
        ("front", &["avc1"][..]),
        ("gate", &["avc1", "mp4a"]),
        ("yard", &["hvc1"]),
    ] {
        let all = of(card.path(), name);
        assert!(all.len() >= 4, "{name}: {}", all.len());
        for segment in &all {
            let probe = judges::ffprobe(&segment.path, false).unwrap();
            let streams = probe["streams"].as_array().unwrap();
            let tags: Vec<&str> = streams
                .iter()
                .map(|stream| stream["codec_tag_string"].as_str().unwrap())
                .collect();
            assert_eq!(tags, codecs, "{}", segment.path.display());
            judges::ffmpeg_decodes(&segment.path).unwrap();
            let counters = segment.record.counters;
            assert_eq!(counters.lost_pictures(), 0, "{name}: {counters:?}");
            let bytes = fs::read(&segment.path).unwrap();
            for secret in [PASSWORD, "s3cret"] {
                let found = bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes());
                assert!(!found, "{}", segment.path.display());
            }
        }
    }
}

#[test]
fn a_password_on_the_command_line_is_refused_and_repeated_nowhere() {
    let source = "gate=rtsp://viewer:s3cret@127.0.0.1/x";
    let output = std::process::Command::new(picam_testkit::binary())
        .args(["record", "--camera", source])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(
        !output.status.success() && said.contains("below [[camera]]"),
        "{said}"
    );
    assert!(!said.contains("s3cret"), "{said}");
}
