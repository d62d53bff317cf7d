//! Positions in the footage: what a real receiver once said, by way of a real gpsd and straight from a serial line, as
//! exiftool reads it out of the MP4, also after `kill -9`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::gpsd::{Gpsd, SerialLine};
use picam_testkit::{binary, judges};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(120);
/// Degrees.
const EQUAL: f64 = 1e-6;
/// From moment to moment of the receiver.
const PACE: Duration = Duration::from_secs(1);
/// Moments that the segment which is cut off shall have seen.
const OPEN: usize = 3;

type Place = (f64, f64);

/// A log of gpsd's own tests: what a u-blox NEO-M8N said, moment by moment, and where gpsd says that it was.
fn log() -> Option<(Vec<Vec<u8>>, Vec<Place>)> {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gpsd-logs");
    let Ok(said) = fs::read_to_string(logs.join("neo-m8n.log")) else {
        judges::skip(
            "gpsd's logs of receivers are not here",
            "scripts/lib/gpsd-logs",
        );
        return None;
    };
    let mut moments: Vec<Vec<u8>> = Vec::new();
    for line in said.lines().filter(|line| line.starts_with('$')) {
        if line.get(3..6) == Some("RMC") {
            moments.push(Vec::new());
        }
        if let Some(moment) = moments.last_mut() {
            moment.extend(line.as_bytes());
            moment.extend(b"\r\n");
        }
    }
    let list = fs::read_to_string(logs.join("neo-m8n.log.chk")).unwrap();
    let reports = list
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let places = reports
        .filter(|report: &Value| report["class"] == "TPV")
        .filter_map(|report| Some((report["lat"].as_f64()?, report["lon"].as_f64()?)));
    Some((moments, places.collect()))
}

/// Satellites without a fix, so that whoever listens has found the line before it counts.
fn only_satellites(moment: &[u8]) -> Vec<u8> {
    let lines = moment.split_inclusive(|byte| *byte == b'\n');
    let sky = lines.filter(|line| line.get(3..6) == Some(b"GSV"));
    sky.flatten().copied().collect()
}

fn status(socket: &Path) -> Option<Value> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(b"{\"ask\":\"status\"}\n").ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    let answer: Value = serde_json::from_str(&line).ok()?;
    Some(answer["status"].clone())
}

/// Latitude and longitude of each fix that exiftool finds in a file.
fn places(file: &Path) -> Vec<Place> {
    let output = Command::new("exiftool")
        .args([
            "-ee",
            "-n",
            "-q",
            "-p",
            "$SampleTime $GPSLatitude $GPSLongitude",
        ])
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let place = |line: &str| {
        // The place of the whole file has no time in it, and its digits are few.
        let [_time, latitude, longitude] = line.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        Some((latitude.parse().ok()?, longitude.parse().ok()?))
    };
    text.lines().filter_map(place).collect()
}

/// What `picam track` prints of a card, as places.
fn track(card: &Path) -> Vec<Place> {
    let output = Command::new(binary())
        .args(["track", "--format", "csv"])
        .arg(card)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let place = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[2].parse().unwrap(), fields[3].parse().unwrap())
    };
    text.lines().skip(1).map(place).collect()
}

fn all_are_expected(found: &[Place], expected: &[Place]) {
    for place in found {
        let near = |other: &Place| {
            (other.0 - place.0).abs() <= EQUAL && (other.1 - place.1).abs() <= EQUAL
        };
        assert!(expected.iter().any(near), "{place:?} is not in gpsd's list");
    }
}

struct Recording {
    camera: Camera,
    card: tempfile::TempDir,
    control: PathBuf,
}

fn record(source: &str) -> Recording {
    let card = tempfile::tempdir().unwrap();
    let control = card.path().with_extension("sock");
    let socket = control.to_str().unwrap().to_owned();
    let args = [
        "--camera",
        "front=sim:?size=320x240&fps=30&bitrate=500k",
        "--gps",
        source,
        "--segment",
        "3s",
        "--slots",
        "16",
        "--slot-size",
        "2MiB",
        "--control",
        &socket,
    ];
    Recording {
        camera: Camera::start("record", card.path(), &args),
        card,
        control,
    }
}

/// Says satellites until the recorder has heard them.
fn until_heard(recording: &Recording, line: &mut SerialLine, moment: &[u8]) {
    let sky = only_satellites(moment);
    wait_for("the recorder to hear the receiver", TIMEOUT, || {
        line.say(&sky);
        std::thread::sleep(PACE / 4);
        let status = status(&recording.control)?;
        (status["gps"]["state"] == "searching").then_some(())
    });
}

/// Cuts off while the receiver talks, recovers, and compares what is there before and after with what was said.
fn cut_off_and_judged(
    recording: Recording,
    mut line: SerialLine,
    moments: &[Vec<u8>],
    expected: &[Place],
) {
    until_heard(&recording, &mut line, &moments[0]);
    let mut open: Vec<Value> = Vec::new();
    for moment in moments {
        line.say(moment);
        std::thread::sleep(PACE);
        let status = status(&recording.control).unwrap();
        open.push(status["cameras"][0]["segment"].clone());
        // Not before one segment is finished, and not where the next has just begun.
        let same = open.iter().rev().take_while(|n| Some(*n) == open.last());
        if open.len() > moments.len() / 2 && same.count() >= OPEN && open.first() != open.last() {
            break;
        }
    }
    let said = open.len();
    let status = status(&recording.control).unwrap();
    assert_eq!(status["clock"]["source"], "gps", "{status}");
    assert_eq!(status["clock"]["accuracy_ms"], 200, "{status}");
    assert_eq!(status["gps"]["rejected"]["jumps"], 0, "{status}");
    let card = recording.card.path();
    recording.camera.kill();
    let cut_off = segments(card);
    let cut_off = cut_off.iter().find(|segment| !segment.finished()).unwrap();
    let cut_off = cut_off.record.sequence;
    let before = track(card);
    let recovered = Command::new(binary()).arg("recover").arg(card).output();
    assert!(recovered.unwrap().status.success());
    let all = segments(card);
    assert!(all.len() >= 2 && all.iter().all(Segment::finished));
    let mended = all
        .iter()
        .find(|segment| segment.record.sequence == cut_off);
    assert!(!places(&mended.unwrap().path).is_empty());
    assert_eq!(track(card), before);
    let found: Vec<Place> = all
        .iter()
        .flat_map(|segment| places(&segment.path))
        .collect();
    // exiftool shows each fix, and some of them again out of the box for BlackVue's programs.
    all_are_expected(&before, expected);
    all_are_expected(&found, &before);
    all_are_expected(&before, &found);
    // The cut may cost the last second; gpsd waits for more of the first moment.
    assert!(before.len() + 3 >= said, "{} of {said}", before.len());
    // The receiver's log is of 2015: a date that began anew, 1024 weeks before this one.
    let named = all.iter().filter(|segment| {
        let name = segment.path.file_name().unwrap().to_str().unwrap();
        name.starts_with("20341101_")
    });
    assert!(named.count() >= 1);
    for segment in &all {
        assert_eq!(segment.record.counters.lost_side, 0);
    }
    let shown = Command::new(binary()).arg("check").arg(card).output();
    assert!(shown.unwrap().status.success());
}

#[test]
fn positions_by_way_of_gpsd_are_in_the_file_and_survive_a_cut() {
    if !judges::have("exiftool", "libimage-exiftool-perl") {
        return;
    }
    let Some((moments, expected)) = log() else {
        return;
    };
    let line = SerialLine::new();
    let Some(gpsd) = Gpsd::start(&line) else {
        return;
    };
    let recording = record(&format!("gpsd:{}", gpsd.address));
    cut_off_and_judged(recording, line, &moments, &expected);
}

#[test]
fn positions_of_a_receiver_on_a_serial_line_are_the_same() {
    if !judges::have("exiftool", "libimage-exiftool-perl") {
        return;
    }
    let Some((moments, expected)) = log() else {
        return;
    };
    let line = SerialLine::new();
    let recording = record(&format!("serial:{}?baud=9600", line.path.display()));
    cut_off_and_judged(recording, line, &moments, &expected);
}

#[test]
fn a_gpsd_that_goes_away_and_comes_back_is_no_trouble() {
    let Some((moments, _)) = log() else { return };
    let mut line = SerialLine::new();
    let Some(gpsd) = Gpsd::start(&line) else {
        return;
    };
    let recording = record(&format!("gpsd:{}", gpsd.address));
    until_heard(&recording, &mut line, &moments[0]);
    drop(gpsd);
    let fault = wait_for("the loss to be shown", TIMEOUT, || {
        let status = status(&recording.control)?;
        let message = status["gps"]["fault"]["message"].as_str()?.to_owned();
        Some((message, status["cameras"][0]["state"] == "recording"))
    });
    assert!(fault.0.contains("gpsd does not answer"), "{fault:?}");
    assert!(fault.1, "recording goes on");
    recording.camera.stop();
}
