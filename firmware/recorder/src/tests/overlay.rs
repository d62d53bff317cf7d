//! What is written into the pictures of a camera, and into the text track of one that codes by itself.

use std::process::Command;

use picam_capture::OverlayStyle;
use picam_control::status::StatusSource;
use picam_testkit::{ffmpeg, judges};

use super::whole::wait;
use super::*;
use crate::{OverlayPlan, start};

fn segment(footage: &Path, camera: char) -> std::path::PathBuf {
    let mut all: Vec<_> = std::fs::read_dir(footage)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".mp4") && name.contains(&format!("_{camera}"))
        })
        .collect();
    all.sort();
    all.remove(0)
}

#[test]
fn it_is_in_the_pictures_and_in_the_track_of_a_camera_that_codes_by_itself() {
    if !ffmpeg::available() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let grey = "-f lavfi -i color=c=gray:size=320x240:rate=10:duration=9 -c:v libx264 -g 10";
    let clip = ffmpeg::make(directory.path(), "grey.mp4", grey);
    let cameras = [
        "front=sim:?size=1280x720&fps=10".to_owned(),
        format!("rear=file:{}?loop=1", clip.display()),
    ];
    let cameras = cameras.iter().map(|text| CameraSpec::parse(text).unwrap());
    let plan = RecordPlan {
        cameras: cameras.collect(),
        segment: SECOND * 4,
        system_clock: true,
        overlay: OverlayPlan {
            time: true,
            plate: Some("B-XY 123".into()),
            style: OverlayStyle {
                size: 5,
                ..OverlayStyle::default()
            },
            ..OverlayPlan::default()
        },
        ..plan(directory.path())
    };
    let recording = start(plan.clone()).unwrap();
    let status = recording.status();
    wait("a segment of each", || {
        let cameras = status.status().unwrap().cameras;
        cameras.iter().all(|camera| camera.segments >= 1)
    });
    recording.stopper().stop();
    recording.wait();
    for camera in status.status().unwrap().cameras {
        assert_eq!(
            camera.dropped_encoder + camera.dropped_queue,
            0,
            "{camera:?}"
        );
    }

    let file = segment(&plan.footage, 'R');
    judges::ffmpeg_decodes(&file).unwrap();
    let track = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&file)
        .args(["-map", "0:s:0", "-f", "srt", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8(track.stdout).unwrap();
    assert!(text.contains("UTC  B-XY 123"), "{text}");

    let file = segment(&plan.footage, 'F');
    let line = directory.path().join("line.png");
    let crop = "-frames:v 1 -vf crop=iw:ih/8:0:ih*7/8";
    ffmpeg::run(&format!("-ss 1 -i {} {crop}", file.display()), &line);
    if judges::have("tesseract", "tesseract-ocr") {
        let read = Command::new("tesseract")
            .arg(&line)
            .args(["-", "--psm", "6"])
            .output()
            .unwrap();
        let read = String::from_utf8(read.stdout).unwrap();
        assert!(read.contains("UTC") && read.contains("B-XY 123"), "{read}");
    }
}
