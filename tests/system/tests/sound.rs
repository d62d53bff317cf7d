//! Sound that comes with a file's pictures, in the files of a running camera.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::process::Command;
use std::time::Duration;

use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::together::{APART, apart, beep_and_flash_together};
use picam_testkit::{binary, ffmpeg, judges};

/// 1024 samples, in seconds.
const AAC_FRAME: f64 = 1024.0 / 48_000.0;
/// A flash and a beep each second, for eight: a segment has the film's beginning once at the most.
const INPUTS: &str = "-f lavfi -i color=black:size=320x240:rate=30:duration=8,\
    drawbox=t=fill:color=white:enable='lt(mod(t\\,1)\\,0.1)' \
    -f lavfi -i aevalsrc='if(lt(mod(t\\,1)\\,0.1)\\,0.5*sin(2*PI*1000*t)\\,0)':s=48000:d=8";

#[test]
fn aac_of_files_stays_with_its_pictures_over_rotations_loops_and_a_cut() {
    if !ffmpeg::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut cameras = Vec::new();
    for (name, file, encode) in [
        ("a", "plain.mp4", "-bf 0"),
        ("b", "reordered.mp4", "-bf 2 -b_strategy 0"),
        ("c", "reordered.mkv", "-bf 2 -b_strategy 0"),
        (
            "d",
            "fragments.mp4",
            "-bf 0 -movflags frag_keyframe+empty_moov",
        ),
    ] {
        let path = dir.path().join(file);
        let arguments = format!(
            "{INPUTS} -c:v libx264 -preset ultrafast -g 30 -pix_fmt yuv420p {encode} -c:a aac -b:a 128k"
        );
        ffmpeg::run(&arguments, &path);
        beep_and_flash_together(&path, 7);
        cameras.push(format!("{name}=file:{}?loop=1", path.display()));
    }
    let card = tempfile::tempdir().unwrap();
    let mut args = vec!["--segment", "3s", "--slots", "32", "--slot-size", "1MiB"];
    for camera in &cameras {
        args.extend(["--camera", camera.as_str()]);
    }
    let camera = Camera::start("record", card.path(), &args);
    let finished = || {
        segments(card.path())
            .iter()
            .filter(|s| s.finished())
            .count()
    };
    wait_for("four segments of each", Duration::from_secs(180), || {
        (finished() >= 16).then_some(())
    });
    let said = camera.kill();
    assert!(!said.contains("sound"), "{said}");
    let recovered = Command::new(binary())
        .arg("recover")
        .arg(card.path())
        .output()
        .unwrap();
    assert!(recovered.status.success(), "{recovered:?}");
    let all = segments(card.path());
    assert!(all.len() >= 16 && all.iter().all(Segment::finished));
    for segment in &all {
        let probe = judges::ffprobe(&segment.path, false).unwrap();
        let streams = probe["streams"].as_array().unwrap();
        let names: Vec<&str> = streams
            .iter()
            .map(|stream| stream["codec_tag_string"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["avc1", "mp4a"], "{}", segment.path.display());
        // Of a file that was cut before its first sound ffprobe has none to tell the profile from.
        if streams[1].get("nb_frames").is_some() {
            assert_eq!(streams[1]["profile"], "LC");
        }
        judges::ffmpeg_decodes(&segment.path).unwrap();
        // Where the film begins anew, the frame of sound that the last one's end covers is left out, and half a beep with it.
        let apart = apart(&segment.path);
        let late: Vec<&f64> = apart.iter().filter(|&&apart| apart > APART).collect();
        let explained = late.len() <= 1 && late.iter().all(|&&apart| apart <= AAC_FRAME + APART);
        assert!(explained, "{}: {apart:?}", segment.path.display());
        let counters = segment.record.counters;
        assert_eq!((counters.lost_side, counters.stream_damage), (0, 0));
    }
}

#[test]
fn what_sound_is_left_out_is_said_once() {
    if !ffmpeg::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("opus.mkv");
    let inputs = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=3 -f lavfi -i sine=duration=3";
    ffmpeg::run(&format!("{inputs} -c:v libx264 -c:a libopus"), &file);
    let card = tempfile::tempdir().unwrap();
    let source = format!("a=file:{}?loop=1", file.display());
    let camera = Camera::start(
        "record",
        card.path(),
        &["--camera", &source, "--segment", "2s"],
    );
    wait_for("two segments", Duration::from_secs(60), || {
        (segments(card.path()).len() >= 3).then_some(())
    });
    let said = camera.kill();
    assert_eq!(
        said.matches("its sound is not recorded: A_OPUS").count(),
        1,
        "{said}"
    );
}
