//! How the car is moved, in the files of a running camera, as exiftool reads it; and what hits it locks them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_testkit::{binary, judges};

const ARGS: [&str; 12] = [
    "--camera",
    "front=sim:?size=320x240&fps=30&bitrate=500k",
    "--camera",
    "rear=sim:?size=320x240&fps=30&bitrate=500k",
    "--motion",
    "sim:6",
    "--segment",
    "2s",
    "--slots",
    "24",
    "--slot-size",
    "2MiB",
];

/// What exiftool reads of how the car was moved: time in the file, and metres a second squared along three axes.
fn felt(file: &Path) -> Vec<(f64, [f64; 3])> {
    let output = Command::new("exiftool")
        .args(["-ee", "-n", "-q", "-p", "$SampleTime $Acceleration"])
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers = |line: &str| {
        line.split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect::<Vec<f64>>()
    };
    text.lines()
        .map(numbers)
        .map(|line| (line[0], [line[1], line[2], line[3]]))
        .collect()
}

fn locked(segment: &Segment) -> bool {
    let name = segment.path.file_name().unwrap().to_str().unwrap();
    name.contains("_FE_") || name.contains("_RE_")
}

#[test]
fn what_hits_the_car_is_in_the_files_and_locks_them_also_if_the_power_goes_then() {
    if !judges::have("exiftool", "libimage-exiftool-perl") {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    let camera = Camera::start("record", card.path(), &ARGS);
    wait_for(
        "both cameras to be locked",
        Duration::from_secs(120),
        || {
            let all = segments(card.path());
            (all.iter().filter(|segment| locked(segment)).count() >= 2).then_some(())
        },
    );
    camera.kill();
    let recovered = Command::new(binary())
        .arg("recover")
        .arg(card.path())
        .output()
        .unwrap();
    assert!(recovered.status.success(), "{recovered:?}");
    let mut hits = 0;
    for segment in segments(card.path()) {
        let all = felt(&segment.path);
        assert!(
            all.windows(2).all(|pair| pair[0].0 <= pair[1].0),
            "{}",
            segment.path.display()
        );
        // At rest along the road but for the weight, downwards.
        assert!(
            all.iter()
                .all(|(_, [_, down, _])| (down + 9.80665).abs() < 0.01)
        );
        let hardest = all
            .iter()
            .map(|(_, [_, _, forward])| -forward / 9.80665)
            .fold(0.0, f64::max);
        hits += u32::from((4.5..5.1).contains(&hardest));
    }
    assert!(hits >= 2, "{hits} files have felt it");
}

/// Whatever was not locked while it ran (here because nobody wanted it) is when the next start finds how it ended.
#[test]
fn what_ends_with_an_impact_is_locked_at_the_next_start() {
    let scratch = tempfile::tempdir().unwrap();
    let card = scratch.path().join("card");
    let config = scratch.path().join("picam.toml");
    let start = |impact: &str| {
        let text = format!("[motion]\nsensor = \"sim:6\"\nimpact = \"{impact}\"\n");
        std::fs::write(&config, text).unwrap();
        let config = config.to_str().unwrap();
        let more = [
            "--segment",
            "60s",
            "--slots",
            "6",
            "--slot-size",
            "8MiB",
            "--config",
            config,
        ];
        Camera::start("record", &card, &[&ARGS[..4], &more].concat())
    };
    let begun = |letters: &str| {
        let files = std::fs::read_dir(&card).into_iter().flatten().flatten();
        let mut names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.any(|name| name.contains(letters))
    };
    let camera = start("off");
    wait_for("both cameras", Duration::from_secs(60), || {
        (begun("_FN_") && begun("_RN_")).then_some(())
    });
    // One impact at least in the last ten seconds.
    std::thread::sleep(Duration::from_secs(10));
    camera.kill();
    let first: Vec<u64> = segments(&card).iter().map(|s| s.record.sequence).collect();
    assert!(!segments(&card).iter().any(locked));
    let camera = start("low");
    wait_for(
        "what was cut off to be locked",
        Duration::from_secs(60),
        || {
            let all = segments(&card);
            let locked = all
                .iter()
                .filter(|s| locked(s) && first.contains(&s.record.sequence));
            (locked.count() >= 2).then_some(())
        },
    );
    camera.stop();
}
