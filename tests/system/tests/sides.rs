//! Sound, place and motion in the files of a running camera, as programs that others wrote read them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::judge;
use picam_testkit::{binary, judges};
use serde_json::Value;

const ARGS: [&str; 9] = [
    "--camera",
    "front=sim:?size=320x240&fps=30&audio=1&bitrate=500k",
    "--drive",
    "--segment",
    "2s",
    "--slots",
    "8",
    "--slot-size",
    "2MiB",
];
/// Sound and picture must be no further apart, in seconds.
const APART: f64 = 0.005;
/// GPS time runs ahead of UTC by so many seconds, and exiftool shows it as it is.
const LEAP_S: f64 = 18.0;
/// What exiftool's and our rounding to milliseconds may come to, in seconds.
const ROUNDED: f64 = 0.002;

/// When the middle of the picture turns white, in seconds of the file.
fn flashes(file: &Path) -> Vec<f64> {
    let probe = judges::ffprobe(file, true).unwrap();
    let packets = probe["packets"].as_array().unwrap();
    let video = packets.iter().filter(|packet| packet["stream_index"] == 0);
    let times: Vec<f64> = video.map(|packet| seconds(&packet["pts_time"])).collect();
    let mut lit = Vec::new();
    let path = file.to_str().unwrap();
    judges::grey_frames(&["-i", path], 320, 240, |frame| {
        lit.push(frame[120 * 320 + 160] > 225)
    })
    .unwrap();
    assert_eq!(lit.len(), times.len());
    rises(&lit).into_iter().map(|n| times[n]).collect()
}

/// When a beep begins, in seconds of the file.
fn beeps(file: &Path) -> Vec<f64> {
    const RATE: usize = 48_000;
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:a:0", "-f", "s16le", "-"])
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let probe = judges::ffprobe(file, false).unwrap();
    let start = seconds(&probe["streams"][1]["start_time"]);
    // Loud within a millisecond: a beep of a kilohertz is.
    let loud: Vec<bool> = output
        .stdout
        .chunks_exact(2 * RATE / 1000)
        .map(|ms| {
            ms.chunks_exact(2)
                .any(|s| i16::from_le_bytes([s[0], s[1]]).unsigned_abs() > 8000)
        })
        .collect();
    rises(&loud)
        .into_iter()
        .map(|n| start + n as f64 / 1000.0)
        .collect()
}

/// Where it becomes true, the beginning left out: there nobody knows how long it has been.
fn rises(states: &[bool]) -> Vec<usize> {
    (1..states.len())
        .filter(|&n| states[n] && !states[n - 1])
        .collect()
}

fn seconds(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn beep_and_flash_together(file: &Path) {
    let (flashes, beeps) = (flashes(file), beeps(file));
    assert!(flashes.len() >= 2, "{}: {flashes:?}", file.display());
    for flash in &flashes {
        let apart = beeps
            .iter()
            .map(|beep| (beep - flash).abs())
            .fold(f64::MAX, f64::min);
        assert!(apart <= APART, "{}: {flashes:?} {beeps:?}", file.display());
    }
}

/// What exiftool reads of the drive: time in the file, GPS time of day, latitude and longitude.
fn fixes(file: &Path) -> Vec<(f64, f64, f64, f64)> {
    let output = Command::new("exiftool")
        .args([
            "-ee",
            "-n",
            "-q",
            "-p",
            "$SampleTime $GPSDateTime $GPSLatitude $GPSLongitude",
        ])
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let clock: Vec<f64> = words[2]
                .trim_end_matches('Z')
                .split(':')
                .map(|n| n.parse().unwrap())
                .collect();
            let of_day = clock[0] * 3600.0 + clock[1] * 60.0 + clock[2];
            let number = |n: usize| words[n].parse().unwrap();
            (number(0), of_day, number(3), number(4))
        })
        .collect()
}

/// Each fix is shown when it was measured, and lies on the road.
fn each_fix_at_its_picture(segment: &Segment) {
    let fixes = fixes(&segment.path);
    assert!(fixes.len() >= 20, "{} fixes", fixes.len());
    let start = segment.record.start_utc.unwrap().0 as f64 / 1e6;
    // exiftool knows no edit lists, which say when a track's first sample comes.
    let probe = judges::ffprobe(&segment.path, false).unwrap();
    let start = start + seconds(&probe["streams"][2]["start_time"]);
    for (at, of_day, latitude, longitude) in fixes {
        let shown = (start + at + LEAP_S).rem_euclid(86_400.0);
        let off = (shown - of_day + 43_200.0).rem_euclid(86_400.0) - 43_200.0;
        assert!(
            off.abs() <= ROUNDED,
            "{}: {off} s off at {at}",
            segment.path.display()
        );
        let east = (longitude - 6.9447) * 111_194.93 * 50.3289f64.to_radians().cos() / 800.0;
        let north = (latitude - 50.3289) * 111_194.93 / 400.0;
        assert!(
            (east.hypot(north) - 1.0).abs() < 0.001,
            "{latitude} {longitude}"
        );
    }
}

fn judge(segment: &Segment) {
    let probe = judges::ffprobe(&segment.path, false).unwrap();
    let streams = probe["streams"].as_array().unwrap();
    let kinds: Vec<&str> = streams
        .iter()
        .map(|s| s["codec_tag_string"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["avc1", "sowt", "camm", "tx3g"]);
    // What comes along makes no file longer than its pictures.
    let longest = seconds(&probe["format"]["duration"]);
    let pictures = seconds(&streams[0]["duration"]);
    assert!(longest <= pictures + 0.021, "{longest} {pictures}");
    judges::ffmpeg_decodes(&segment.path).unwrap();
    beep_and_flash_together(&segment.path);
    each_fix_at_its_picture(segment);
}

#[test]
fn sound_place_and_motion_lie_beside_their_pictures_also_after_a_cut() {
    if !judge::installed() || !judges::have("exiftool", "libimage-exiftool-perl") {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    let camera = Camera::start("record", card.path(), &ARGS);
    let finished = || {
        segments(card.path())
            .into_iter()
            .filter(Segment::finished)
            .count()
    };
    wait_for("three segments", Duration::from_secs(120), || {
        (finished() >= 3).then_some(())
    });
    // Long enough that the one being recorded has two flashes.
    std::thread::sleep(Duration::from_millis(3500));
    camera.kill();
    let all = segments(card.path());
    assert!(!all.last().unwrap().finished());
    let recovered = Command::new(binary())
        .arg("recover")
        .arg(card.path())
        .output()
        .unwrap();
    assert!(recovered.status.success(), "{recovered:?}");
    let checked = Command::new(binary())
        .arg("check")
        .arg(card.path())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let all = segments(card.path());
    assert!(all.len() >= 4 && all.iter().all(Segment::finished));
    for segment in &all {
        judge(segment);
        assert_eq!(
            segment.record.counters.lost_side,
            0,
            "{}",
            segment.path.display()
        );
    }
}
