//! Stills of cameras that record: of pictures from before they are coded, and of key frames.

use std::path::PathBuf;
use std::process::Command;

use picam_control::orders::{Denied, Order, Why};
use picam_control::status::StatusSource;
use picam_control::stills::{StillFrom, StillMade};
use picam_testkit::{ffmpeg, judges};

use super::whole::wait;
use super::*;
use crate::{Recording, StillsPlan, start};

fn of_cameras(directory: &Path, cameras: &[String]) -> RecordPlan {
    let cameras = cameras.iter().map(|text| CameraSpec::parse(text).unwrap());
    RecordPlan {
        cameras: cameras.collect(),
        slots: Slots::Count(8),
        segment: SECOND * 5,
        drive: true,
        system_clock: true,
        ..plan(directory)
    }
}

fn begun(plan: RecordPlan) -> Recording {
    let recording = start(plan).unwrap();
    wait("pictures, and a plan for the card", || {
        let status = recording.status().status().unwrap();
        let all = |camera: &picam_control::status::CameraStatus| camera.frames > 20;
        status.cameras.iter().all(all) && take(&recording, "nobody").is_err()
    });
    recording
}

fn take(recording: &Recording, camera: &str) -> Result<StillMade, Denied> {
    recording.orders().still(camera)
}

/// Once the card was looked over.
fn taken(recording: &Recording, camera: &str) -> StillMade {
    let mut made = None;
    wait("a still", || match take(recording, camera) {
        Ok(still) => made.replace(still).is_none(),
        Err(denied) => {
            assert_eq!(denied.why, Why::Unavailable, "{denied}");
            false
        }
    });
    made.unwrap()
}

/// Ends it; nothing was lost of any camera.
fn ended(recording: Recording) {
    recording.stopper().stop();
    let status = recording.status();
    recording.wait();
    for camera in status.status().unwrap().cameras {
        let lost = camera.lost;
        let lost = lost.card + lost.room + lost.undecodable + lost.stream_damage;
        let lost = camera.dropped_encoder + camera.dropped_queue + lost;
        assert_eq!(lost, 0, "{camera:?}");
    }
}

/// What exiftool reads, each as text.
fn exif(still: &StillMade) -> Option<serde_json::Value> {
    if Command::new("exiftool").arg("-ver").output().is_err() {
        judges::skip(
            "exiftool is not installed",
            "apt-get install libimage-exiftool-perl",
        );
        return None;
    }
    let read = Command::new("exiftool")
        .args(["-j", "-n", "-validate", "-warning"])
        .arg("-all")
        .arg(&still.file)
        .output()
        .unwrap();
    let mut all: Vec<serde_json::Value> = serde_json::from_slice(&read.stdout).unwrap();
    Some(all.remove(0))
}

#[test]
fn a_still_is_taken_while_it_records_and_others_read_when_and_where() {
    let directory = tempfile::tempdir().unwrap();
    let cameras = [
        "front=sim:?size=640x360&fps=15".to_owned(),
        "rear=sim:?size=320x240&fps=10".to_owned(),
    ];
    let recording = begun(of_cameras(directory.path(), &cameras));
    let first = taken(&recording, "front");
    assert_eq!(first.from, StillFrom::Raw);
    assert_eq!((first.width, first.height, first.camera), (640, 360, 'F'));
    // By its letter as by its name; one counts on from the other.
    let second = taken(&recording, "R");
    assert_eq!((second.name.as_str(), second.width), ("rear", 320));
    let id: Vec<_> = [&first, &second]
        .map(|still| still.id[3..].to_owned())
        .into();
    assert_eq!(id, ["F0001", "R0002"]);
    if let Some(exif) = exif(&first) {
        assert_eq!(
            (&exif["Make"], &exif["Model"]),
            (&"picam".into(), &"F front".into())
        );
        let utc = first.taken.unwrap().0;
        assert_eq!(exif["OffsetTimeOriginal"], "+00:00");
        let parts = format!("{:06}", utc.rem_euclid(1_000_000));
        let shown = &exif["SubSecTimeOriginal"];
        assert_eq!(
            shown.to_string().trim_matches('"').trim_start_matches('0'),
            parts.trim_start_matches('0')
        );
        let date = exif["DateTimeOriginal"].as_str().unwrap();
        let seconds = format!(":{:02}", utc.div_euclid(1_000_000) % 60);
        assert!(date.starts_with("20") && date.ends_with(&seconds), "{date}");
        // Where the simulated car drives.
        let (latitude, longitude) = (exif["GPSLatitude"].as_f64(), exif["GPSLongitude"].as_f64());
        assert!((50.0..51.0).contains(&latitude.unwrap()), "{exif}");
        assert!((6.0..8.0).contains(&longitude.unwrap()), "{exif}");
        assert_eq!(
            (&exif["ImageWidth"], &exif["ImageHeight"]),
            (&640.into(), &360.into())
        );
        assert_eq!(exif.get("Warning"), None, "{exif}");
    }
    if ffmpeg::available() {
        judges::ffmpeg_decodes(&first.file).unwrap();
    }
    let denied = take(&recording, "left").unwrap_err();
    assert_eq!(denied.why, Why::NoCamera);
    recording
        .orders()
        .order(Order::Pause { seconds: 60 })
        .unwrap();
    let denied = take(&recording, "front").unwrap_err();
    assert!(denied.reason.contains("paused"), "{denied}");
    recording.orders().order(Order::Resume {}).unwrap();
    let stills = recording.status().status().unwrap().stills;
    // What somebody was told is no fault of the device.
    assert_eq!((stills.made, stills.fault), (2, None));
    ended(recording);
}

#[test]
fn they_are_taken_by_themselves_for_a_while_and_a_card_without_room_costs_no_picture() {
    let directory = tempfile::tempdir().unwrap();
    let cameras = ["front=sim:?size=320x240&fps=15".to_owned()];
    let mut plan = of_cameras(directory.path(), &cameras);
    plan.stills = StillsPlan {
        every: Some(SECOND / 4),
        lasting: Some(SECOND * 5),
        room: 60_000,
        ..StillsPlan::default()
    };
    let recording = begun(plan.clone());
    let status = || recording.status().status().unwrap().stills;
    wait("stills", || status().made >= 4);
    wait("the end of their time", || {
        let before = status().made;
        std::thread::sleep(SECOND);
        status().made == before
    });
    let footage = directory.path().join("footage");
    let there = picam_ring::list_stills(&footage.join(picam_ring::STILLS_FOLDER)).unwrap();
    let bytes: u64 = there.iter().map(|still| still.size).sum();
    assert!(!there.is_empty() && bytes <= 60_000, "{there:?}");
    ended(recording);

    let other = tempfile::tempdir().unwrap();
    plan.footage = other.path().join("footage");
    plan.stills.room = 1_000;
    let recording = begun(plan);
    let status = || recording.status().status().unwrap();
    wait("a fault", || status().stills.fault.is_some());
    let fault = status().stills.fault.unwrap();
    assert!(fault.message.contains("may take 1000 bytes"), "{fault:?}");
    assert!(status().stills.failed > 0 && status().not_recording().is_none());
    ended(recording);
}

fn clip(directory: &Path, codec: &str) -> PathBuf {
    let arguments = format!(
        "-f lavfi -i color=c=0x4080c0:size=320x240:rate=20:duration=4 -c:v {codec} -g 20 -pix_fmt yuv420p"
    );
    ffmpeg::make(directory, &format!("{codec}.mp4"), &arguments)
}

#[test]
fn of_a_camera_that_codes_by_itself_it_is_a_key_frame_and_of_h265_none() {
    if !ffmpeg::available() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let [h264, h265] = ["libx264", "libx265"].map(|codec| clip(directory.path(), codec));
    let cameras = [("front", h264), ("rear", h265)]
        .map(|(name, file)| format!("{name}=file:{}?loop=1", file.display()));
    let recording = begun(of_cameras(directory.path(), &cameras));
    let still = taken(&recording, "front");
    assert_eq!(
        (still.from, still.width, still.height),
        (StillFrom::KeyFrame, 320, 240)
    );
    let shown = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&still.file)
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    let wanted = [0x40, 0x80, 0xc0];
    let middle = &shown.stdout[shown.stdout.len() / 2..][..3];
    let near = middle
        .iter()
        .zip(wanted)
        .all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 4);
    assert!(near && shown.stderr.is_empty(), "{middle:x?}");
    let denied = take(&recording, "rear").unwrap_err();
    assert!(denied.reason.contains("H.265"), "{denied}");
    ended(recording);
}
