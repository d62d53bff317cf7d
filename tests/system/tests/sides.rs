//! Sound, place and motion in the files of a running camera, as programs that others wrote read them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::judge;
use picam_system_tests::together::{beep_and_flash_together, seconds};
use picam_testkit::{binary, judges};

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
/// GPS time runs ahead of UTC by so many seconds, and exiftool shows it as it is.
const LEAP_S: f64 = 18.0;
/// What exiftool's and our rounding to milliseconds may come to, in seconds.
const ROUNDED: f64 = 0.002;

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

/// Each fix is shown when it was measured, and lies on the road. One that came so late that its fragment was on the card is
/// shown with the sample before it: that much later, which is no more than a processor was `withheld`.
fn each_fix_at_its_picture(segment: &Segment, withheld: f64) {
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
            (-ROUNDED..=ROUNDED + withheld).contains(&off),
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

fn judge(segment: &Segment, withheld: f64) {
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
    beep_and_flash_together(&segment.path, 2);
    each_fix_at_its_picture(segment, withheld);
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
    let withheld = camera.withheld().as_secs_f64();
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
        judge(segment, withheld);
        assert_eq!(
            segment.record.counters.lost_side,
            0,
            "{}",
            segment.path.display()
        );
    }
}
