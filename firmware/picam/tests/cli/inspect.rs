//! `inspect`, `check` and `recover`.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use picam_testkit::judges::{ffmpeg_decodes, ffprobe};
use rustix::process::Signal;

use crate::support::{FRAMES, Running, footage, input, picam, segments, wait_for};

fn number(value: &serde_json::Value) -> f64 {
    match value.as_str() {
        Some(text) => text.parse().unwrap(),
        None => value.as_f64().unwrap(),
    }
}

/// Compares what `inspect` says with what ffprobe says.
fn agrees_with_ffprobe(file: &Path) -> serde_json::Value {
    let ours = picam(&["inspect", "--json", file.to_str().unwrap()]);
    ours.expect(0, &[]);
    let ours = ours.json();
    let theirs = ffprobe(file, true).unwrap();
    let (track, stream) = (&ours["tracks"][0], &theirs["streams"][0]);
    assert_eq!(track["width"], stream["width"]);
    assert_eq!(track["height"], stream["height"]);
    assert_eq!(track["codec"], stream["codec_tag_string"]);
    let packets = theirs["packets"].as_array().unwrap();
    assert_eq!(track["samples"], packets.len());
    let bytes: f64 = packets.iter().map(|packet| number(&packet["size"])).sum();
    assert_eq!(number(&track["bytes"]), bytes);
    let apart = number(&ours["duration_s"]) - number(&stream["duration"]);
    assert!(apart.abs() < 0.001, "{apart}");
    // How long the very last picture lasts is a guess.
    let fps = number(&track["fps"]);
    assert!((fps - 25.0).abs() < 0.1, "{fps}");
    ours
}

#[test]
fn inspect_tells_what_ffprobe_tells_and_more() {
    let theirs = agrees_with_ffprobe(input());
    assert!(theirs["segment"].is_null());
    let dir = footage();
    let mut frames = 0;
    for (n, file) in segments(dir.path()).iter().enumerate() {
        let ours = agrees_with_ffprobe(file);
        let segment = &ours["segment"];
        assert_eq!(segment["state"], "finished");
        assert_eq!(segment["camera"], "front");
        assert_eq!(segment["letter"], "F");
        assert_eq!(segment["class"], "normal");
        assert_eq!(segment["sequence"], n + 1);
        assert_eq!(segment["frames"], ours["tracks"][0]["samples"]);
        assert!(segment["start"].as_str().unwrap().ends_with('Z'));
        frames += segment["frames"].as_u64().unwrap();
    }
    assert_eq!(frames, u64::from(FRAMES));
}

#[test]
fn inspect_speaks_to_people() {
    let dir = footage();
    let first = &segments(dir.path())[0];
    picam(&["inspect", first.to_str().unwrap()]).expect(
        0,
        &[
            "picam segment, finished",
            "camera     front (F)",
            "none lost",
            "video, H.264 (avc1), 320x240, 25.00 fps",
            "all fragments intact",
        ],
    );
    picam(&["inspect", input().to_str().unwrap()]).expect(0, &["MP4, not a picam segment"]);
    picam(&["inspect", "/dev/null"]).expect(1, &["no player can open this as MP4"]);
    picam(&["inspect", "/no/such.mp4"]).expect(1, &["No such file"]);
    picam(&["inspect", dir.path().to_str().unwrap()]).expect(1, &["picam check"]);
}

#[test]
fn check_finds_the_broken_one() {
    let dir = footage();
    let path = dir.path().to_str().unwrap();
    fs::write(dir.path().join("holiday.jpg"), [0; 1000]).unwrap();
    let good = picam(&["check", path]);
    good.expect(
        0,
        &["nothing is broken", "1 other file (1000 bytes), left alone"],
    );
    let json = picam(&["check", "--json", path]).json();
    let files = segments(dir.path());
    assert_eq!(json["finished"], files.len());
    assert_eq!(json["frames"], FRAMES);
    // A recorder that ends soon need not have made all of its slots.
    let entries = fs::read_dir(dir.path()).unwrap();
    let spare =
        entries.filter(|entry| entry.as_ref().unwrap().path().extension() == Some("bin".as_ref()));
    assert_eq!(json["spare"], spare.count());
    assert_eq!(json["foreign_files"], 1);
    assert_eq!(json["foreign_bytes"], 1000);

    // One bit in the middle of the second segment's footage.
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&files[1])
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 400_000).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 400_000).unwrap();
    let name = files[1].file_name().unwrap().to_str().unwrap();
    let broken = format!("BROKEN {name}: ");
    picam(&["check", path]).expect(
        1,
        &[&broken, "is damaged (CRC mismatch)", "1 segment BROKEN"],
    );
    picam(&["inspect", files[1].to_str().unwrap()]).expect(1, &["FAULT", "CRC mismatch"]);
    assert_eq!(
        picam(&["check", "--json", path]).json()["broken"][0]["file"],
        name
    );
}

#[test]
fn check_compares_names_with_headers() {
    let dir = footage();
    let path = dir.path().to_str().unwrap();
    let file = &segments(dir.path())[0];
    let name = file.file_name().unwrap().to_str().unwrap();
    let renamed = |name: String| fs::rename(file, dir.path().join(name)).unwrap();
    // Of another class: the ring renames first.
    renamed(name.replace("_FN_", "_FE_"));
    picam(&["check", path]).expect(0, &["its name says event, its header N; the name decides"]);
    fs::rename(dir.path().join(name.replace("_FN_", "_FE_")), file).unwrap();
    renamed(name.replace("_000001", "_000077"));
    picam(&["check", path]).expect(1, &["its name says sequence 77, its header 1"]);
}

#[test]
fn an_empty_directory_is_fine_and_a_missing_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    picam(&["check", path]).expect(0, &["0 segments, 0 spare slots"]);
    picam(&["recover", path]).expect(0, &["0 segments recovered"]);
    for command in ["check", "recover"] {
        picam(&[command, "/no/such/dir"])
            .expect(1, &["name the directory that holds the segments"]);
    }
}

#[test]
fn recover_finishes_what_was_cut_off_but_not_under_a_running_recorder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let camera = "front=sim:?size=160x120&fps=15";
    let options = ["--slots", "3", "--slot-size", "1MiB", "--footage", path];
    let args = [&["record", "--camera", camera][..], &options].concat();
    let recorder = Running::start(&args);
    wait_for("a segment", || {
        let file = segments(dir.path());
        file.first().is_some_and(|file| {
            let report = picam(&["inspect", "--json", file.to_str().unwrap()]);
            report.code == Some(0) && report.json()["segment"]["frames"].as_u64() > Some(15)
        })
    });
    picam(&["recover", path]).expect(1, &["a recorder is using", "stop it first"]);
    picam(&["check", path]).expect(0, &["1 being recorded or cut off", "nothing is broken"]);
    recorder.send(Signal::KILL);
    recorder.end();
    picam(&["check", path]).expect(0, &["1 being recorded or cut off"]);
    picam(&["recover", path]).expect(0, &["1 segment recovered"]);
    picam(&["check", path]).expect(0, &["1 recovered, 0 being recorded"]);
    let file = &segments(dir.path())[0];
    picam(&["inspect", file.to_str().unwrap()]).expect(0, &["cut off and recovered"]);
    ffmpeg_decodes(file).unwrap();
    picam(&["recover", path]).expect(0, &["0 segments recovered"]);
}
