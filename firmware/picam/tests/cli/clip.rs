//! `picam clip`.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use picam_testkit::judges::frame_checksums;

use crate::support::{footage, input, picam, record, segments};

#[test]
fn a_clip_over_segments_holds_exactly_the_frames_between() {
    let dir = footage();
    assert!(segments(dir.path()).len() >= 3);
    let path = dir.path().to_str().unwrap();
    let out = dir.path().join("clip.mp4");
    let out_path = out.to_str().unwrap();
    // 1.5 s is in the middle of a group of pictures.
    let args = [
        "clip", path, "--from", "+1.52s", "--to", "+18.2s", "-o", out_path,
    ];
    picam(&args).expect(0, &["16.7 s of camera front (F)", "out of 3 segments"]);
    let expected = frame_checksums(input(), "trim=start_frame=38:end_frame=455");
    assert_eq!(expected.len(), 455 - 38);
    assert_eq!(frame_checksums(&out, "null"), expected);
    picam(&["inspect", out_path]).expect(0, &["MP4, not a picam segment", "length     16.7 s"]);

    picam(&args).expect(1, &["exists; choose another name, or add --force"]);
    let before = fs::read(&out).unwrap();
    picam(&[
        "clip", path, "--from", "+0s", "--to", "+1s", "-o", out_path, "--force",
    ])
    .expect(0, &[]);
    assert_ne!(fs::read(&out).unwrap(), before);
    let hidden = fs::read_dir(dir.path()).unwrap().filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_str()
            .unwrap()
            .starts_with('.')
    });
    assert_eq!(hidden.count(), 0, "temporary files are left behind");
}

#[test]
fn times_of_day_find_their_place() {
    let dir = footage();
    let path = dir.path().to_str().unwrap();
    let first = segments(dir.path())[0].clone();
    let report = picam(&["inspect", "--json", first.to_str().unwrap()]).json();
    let start: Timestamp = report["segment"]["start"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let after = |seconds: i64| {
        start
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .unwrap()
    };
    let out = dir.path().join("clip.mp4");
    let (from, to) = (
        after(2).to_string(),
        after(4).strftime("%Y-%m-%d %H:%M:%S.%f").to_string(),
    );
    picam(&[
        "clip",
        path,
        "--from",
        &from,
        "--to",
        &to,
        "-o",
        out.to_str().unwrap(),
    ])
    .expect(0, &["2.0 s of camera"]);
    assert_eq!(
        frame_checksums(&out, "null"),
        frame_checksums(input(), "trim=start_frame=50:end_frame=100")
    );
    let (from, to) = (after(-100).to_string(), after(-50).to_string());
    let nothing = [
        "clip",
        path,
        "--from",
        &from,
        "--to",
        &to,
        "-o",
        "/no/such/dir/x.mp4",
    ];
    picam(&nothing).expect(
        1,
        &[
            "nothing was recorded by front (F)",
            "its footage is of 20",
            "+0s to +20.0s",
        ],
    );
}

#[test]
fn a_missing_segment_is_reported_and_closed() {
    let dir = footage();
    let files = segments(dir.path());
    let report = |file: &Path| picam(&["inspect", "--json", file.to_str().unwrap()]).json();
    let length = |file: &Path| report(file)["duration_s"].as_f64().unwrap();
    let (first, second) = (length(&files[0]), length(&files[1]));
    fs::remove_file(&files[1]).unwrap();
    let out = dir.path().join("clip.mp4");
    let args = [
        "clip",
        dir.path().to_str().unwrap(),
        "--from",
        "+0",
        "--to",
        "+1h",
        "-o",
        out.to_str().unwrap(),
    ];
    picam(&args).expect(
        0,
        &[&format!("{second:.1} s are missing after {first:.1} s")],
    );
    assert_eq!(
        frame_checksums(&out, "null").len(),
        500 - (second * 25.0).round() as usize
    );
}

#[test]
fn one_camera_of_several_is_chosen_by_name_or_letter() {
    let dir = footage();
    record(dir.path(), "rear").expect(0, &[]);
    let path = dir.path().to_str().unwrap();
    let clip = |camera: &[&str], out: &str| {
        let out = dir.path().join(out);
        let out = out.to_str().unwrap();
        picam(
            &[
                &["clip", path, "--from", "+0", "--to", "+1s", "-o", out][..],
                camera,
            ]
            .concat(),
        )
    };
    clip(&[], "a.mp4").expect(1, &["front (F), rear (R); choose one with --camera"]);
    clip(&["--camera", "rear"], "b.mp4").expect(0, &["camera rear (R)"]);
    clip(&["--camera", "f"], "c.mp4").expect(0, &["camera front (F)"]);
    clip(&["--camera", "side"], "d.mp4").expect(
        1,
        &["no footage of a camera 'side'; there is of front (F), rear (R)"],
    );
    let empty = tempfile::tempdir().unwrap();
    let none = [
        "clip",
        empty.path().to_str().unwrap(),
        "--from",
        "+0",
        "--to",
        "+1s",
        "-o",
        "x.mp4",
    ];
    picam(&none).expect(1, &["there is no footage here"]);
}
