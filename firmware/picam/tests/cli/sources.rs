//! Sources that cannot be opened, and streams that are hard to cut.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use picam_testkit::{ffmpeg, judges};
use rustix::process::Signal;

use crate::support::{Running, picam, wait_for};

#[test]
fn a_fifo_in_place_of_a_file_keeps_nobody_from_ending() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("clip.h264");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let camera = format!("ip=file:{}?fps=30", fifo.display());
    let footage = dir.path().join("footage");
    let footage = footage.to_str().unwrap();
    let args = ["record", "--slots", "3", "--slot-size", "1MiB"];
    let args = [&args[..], &["--footage", footage, "--camera", &camera]].concat();
    let mut recorder = Running::start(&args);
    wait_for("the footage directory", || {
        std::fs::exists(footage).unwrap()
    });
    assert!(recorder.is_running());
    let asked = Instant::now();
    recorder.send(Signal::TERM);
    recorder.end().expect(0, &["stopped"]);
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// What is missing of a file that was cut off follows no picture: the segment of the last one says so.
#[test]
fn a_file_that_was_cut_off_is_recorded_and_what_it_lacks_is_counted() {
    if !ffmpeg::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("clip.mp4");
    ffmpeg::run(
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=4 -c:v libx264 -g 30 -movflags frag_keyframe+empty_moov",
        &clip,
    );
    let bytes = std::fs::read(&clip).unwrap();
    std::fs::write(&clip, &bytes[..bytes.len() * 7 / 10]).unwrap();
    let camera = format!("road=file:{}?pace=off", clip.display());
    let footage = dir.path().join("footage");
    let footage = footage.to_str().unwrap();
    let args = ["record", "--slots", "3", "--slot-size", "1MiB", "--footage"];
    picam(&[&args[..], &[footage, "--camera", &camera]].concat()).expect(0, &["stopped"]);
    picam(&["check", footage]).expect(0, &["the source's stream damaged at"]);
}

/// Records a clip as fast as it goes into segments of two seconds; what `check` says of them.
fn recorded_in_small_slots(clip: &Path, footage: &str) -> serde_json::Value {
    let camera = format!("road=file:{}?pace=off", clip.display());
    let args = ["record", "--segment", "2s", "--slots", "14"];
    let more = ["--slot-size", "1MiB", "--footage", footage, "--camera"];
    picam(&[&args[..], &more, &[&camera]].concat()).expect(0, &["stopped"]);
    picam(&["check", "--json", footage]).json()
}

/// Where groups of pictures refer to each other, the picture at a joint stands in both segments, and what is shown
/// before it in the old one: 600 pictures of the source, and one more for each joint.
#[test]
fn open_groups_lose_no_picture_between_segments() {
    if !ffmpeg::available() {
        return;
    }
    let source = "-f lavfi -i testsrc2=size=320x180:rate=30:duration=20 -pix_fmt yuv420p";
    let groups = "open-gop=1:keyint=30:min-keyint=30:bframes=3";
    let codecs = [
        format!("-c:v libx264 -x264-params {groups}"),
        format!("-c:v libx265 -x265-params {groups}:log-level=none"),
    ];
    for codec in codecs {
        let dir = tempfile::tempdir().unwrap();
        let clip = dir.path().join("clip.mp4");
        ffmpeg::run(&format!("{source} {codec}"), &clip);
        let footage = dir.path().join("footage");
        let footage = footage.to_str().unwrap();
        let checked = recorded_in_small_slots(&clip, footage);
        let segments = checked["finished"].as_u64().unwrap();
        assert!(segments > 3, "{checked}");
        assert_eq!(checked["frames"], 600 + segments - 1, "{checked}");
        assert_eq!(checked["frames_lost"], 0, "{checked}");
        let decoded: usize = std::fs::read_dir(footage)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "mp4"))
            .map(|path| judges::decoded_pictures(&path))
            .sum();
        assert_eq!(decoded as u64, 600 + segments - 1, "{codec}");
        // A clip over the joints has each picture once, wherever it ends. Where pictures are not shown in the order in which
        // they are decoded, a segment's start is known to some of them.
        let out = dir.path().join("cut.mp4");
        let out = out.to_str().unwrap();
        let pictures = judges::frame_checksums(&clip, "null");
        assert_eq!(pictures.len(), 600);
        for (to, range) in [("+30s", 600..=600), ("+15.99s", 476..=484)] {
            let done = picam(&["clip", footage, "--from", "+0s", "--to", to, "-o", out]);
            done.expect(0, &["out of"]);
            assert!(
                !done.err.contains("twice") && !done.out.contains("twice"),
                "{done:?}"
            );
            let cut = judges::frame_checksums(Path::new(out), "null");
            assert!(range.contains(&cut.len()), "{codec} {to}: {}", cut.len());
            assert!(pictures.starts_with(&cut), "{codec} {to}");
            std::fs::remove_file(out).unwrap();
        }
    }
}

/// Where a stream has no key frame after its first, segments begin at its recovery points: no picture is lost, and a clip
/// over the joints shows each.
#[test]
fn a_stream_without_key_frames_is_recorded_from_its_recovery_points() {
    if !ffmpeg::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("clip.mp4");
    ffmpeg::run(
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=20 -pix_fmt yuv420p -c:v libx264 \
         -x264-params intra-refresh=1:keyint=30:bframes=0",
        &clip,
    );
    let footage = dir.path().join("footage");
    let footage = footage.to_str().unwrap();
    let checked = recorded_in_small_slots(&clip, footage);
    assert!(checked["finished"].as_u64().unwrap() > 3, "{checked}");
    assert_eq!(checked["frames"], 600, "{checked}");
    assert_eq!(checked["frames_lost"], 0, "{checked}");
    let out = dir.path().join("cut.mp4");
    let out = out.to_str().unwrap();
    let done = picam(&["clip", footage, "--from", "+0s", "--to", "+30s", "-o", out]);
    done.expect(0, &["out of"]);
    let pictures = judges::frame_checksums(&clip, "null");
    assert_eq!(judges::frame_checksums(Path::new(out), "null"), pictures);
}
