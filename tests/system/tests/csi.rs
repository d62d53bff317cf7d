//! Cameras on the ribbon cable as a person has them: `picam record` with the real libcamera and its imitated cameras.
//!
//! `PICAM_CSI_SECONDS` lets two cameras run for so long before anything is done to them, `PICAM_CSI_STARTS` says how often one
//! is started: `scripts/csi-tests --long`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use picam_system_tests::camera::{Camera, binary, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_testkit::{ffmpeg, judges};
use rustix::process::{Pid, Signal, kill_process};

const A_MINUTE: Duration = Duration::from_secs(60);
/// Small: the imitated cameras deliver as fast as they can.
const FRONT: &str = "front=csi:Virtual0?size=640x480&bitrate=4M";
const BACK: &str = "back=csi:Virtual1?bitrate=4M";
const RING: [&str; 6] = ["--segment", "2s", "--slots", "24", "--slot-size", "8MiB"];

/// The program, in a Debian with libcamera; `None` with a word of it where that was not fetched.
fn program() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let made = Command::new(root.join("scripts/csi-tests"))
        .arg("--program")
        .output()
        .unwrap();
    if made.status.code() == Some(3) {
        judges::skip(
            "cameras through libcamera: there is no Debian with it here",
            "scripts/csi-tests --fetch",
        );
        return None;
    }
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    Some(String::from_utf8(made.stdout).unwrap().trim().into())
}

fn number(variable: &str, usual: u64) -> u64 {
    let set = std::env::var(variable).ok();
    set.map_or(usual, |text| text.parse().unwrap())
}

fn record(program: &Path, card: &Path, cameras: &[&str]) -> Camera {
    let sources = cameras.iter().flat_map(|camera| ["--camera", camera]);
    let args: Vec<&str> = sources.chain(RING).collect();
    let variables = [("PICAM_CSI", program.as_os_str())];
    Camera::start_with(&variables, "record", card, &args)
}

/// Finished segments of a camera.
fn of(card: &Path, camera: &str) -> Vec<Segment> {
    let all = segments(card).into_iter();
    all.filter(|segment| segment.finished() && segment.record.camera_name == camera)
        .collect()
}

fn wait_for_more(card: &Path, camera: &str) {
    let newest =
        |segments: &[Segment]| segments.iter().map(|segment| segment.record.sequence).max();
    let before = newest(&of(card, camera));
    wait_for(camera, A_MINUTE, || {
        (newest(&of(card, camera)) > before).then_some(())
    });
}

/// Whether a process lives, and is not only waiting to be buried.
fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.is_empty() && !state.starts_with('Z')
}

/// The process of a camera of libcamera that this recorder has started.
fn process(recorder: u32, camera: &str) -> Option<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_it = |pid: &i32| {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let status = String::from_utf8_lossy(&read("status")).into_owned();
        let command = String::from_utf8_lossy(&read("cmdline")).into_owned();
        status.contains(&format!("PPid:\t{recorder}\n"))
            && command.split('\0').next() == Some("/picam-csi/build/picam-csi")
            && command.contains(&format!("--camera\0{camera}\0"))
    };
    pids.into_iter().find(|pid| is_it(pid) && lives(*pid))
}

fn wait_for_process(recorder: u32, camera: &str, not: Option<i32>) -> i32 {
    wait_for(camera, A_MINUTE, || {
        process(recorder, camera).filter(|&pid| Some(pid) != not)
    })
}

fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Decodes all pictures with ffmpeg, which may not complain. They come so fast that times rounded to a usual rate would fall
/// together: what it writes has others.
fn decodes(file: &Path) -> Result<(), String> {
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-xerror", "-i"])
        .arg(file)
        .args(["-vf", "settb=1,setpts=N", "-vsync", "passthrough"])
        .args(["-f", "rawvideo", "-y", "/dev/null"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&decoded.stderr).into_owned();
    match decoded.status.success() && said.is_empty() {
        true => Ok(()),
        false => Err(format!("{}: {said}", file.display())),
    }
}

fn check(card: &Path) {
    let judged = Command::new(binary()).arg("check").arg(card).output();
    let judged = judged.unwrap();
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(judged.status.success(), "{said}");
    for segment in segments(card) {
        decodes(&segment.path).unwrap();
    }
}

#[test]
fn two_cameras_lose_nothing_and_one_that_hangs_or_dies_comes_back_without_the_other_noticing() {
    if !ffmpeg::available() {
        return;
    }
    let Some(program) = program() else { return };
    let card = tempfile::tempdir().unwrap();
    let recorder = record(&program, card.path(), &[FRONT, BACK]);
    std::thread::sleep(Duration::from_secs(number("PICAM_CSI_SECONDS", 0)));
    for camera in ["front", "back"] {
        wait_for_more(card.path(), camera);
        wait_for_more(card.path(), camera);
    }
    for camera in ["front", "back"] {
        for segment in of(card.path(), camera) {
            let counters = segment.record.counters;
            assert_eq!(
                (counters.dropped_encoder, counters.stream_damage),
                (0, 0),
                "{camera}"
            );
        }
    }

    let (first, other) = (
        wait_for_process(recorder.pid(), "Virtual0", None),
        wait_for_process(recorder.pid(), "Virtual1", None),
    );
    // It hangs.
    signal(first, Signal::STOP);
    let hung = Instant::now();
    let second = wait_for_process(recorder.pid(), "Virtual0", Some(first));
    assert!(!lives(first), "the one that hangs was left alone");
    println!(
        "a hanging process was replaced after {:.1?}",
        hung.elapsed()
    );
    wait_for_more(card.path(), "front");
    wait_for_more(card.path(), "front");
    // It dies.
    signal(second, Signal::KILL);
    let third = wait_for_process(recorder.pid(), "Virtual0", Some(second));
    wait_for_more(card.path(), "front");
    wait_for_more(card.path(), "front");
    assert_eq!(
        process(recorder.pid(), "Virtual1"),
        Some(other),
        "the other one was disturbed"
    );
    // Both times what was missing is counted.
    let damage: u32 = of(card.path(), "front")
        .iter()
        .map(|segment| segment.record.counters.stream_damage)
        .sum();
    assert_eq!(damage, 2);
    let said = recorder.said();
    for part in [
        "nv12 640x480",
        "the camera hangs",
        "picam-csi has ended",
        "(Back)",
    ] {
        assert!(said.contains(part), "{said}");
    }

    // Neither outlives a recorder that is killed.
    recorder.kill();
    wait_for("the processes to end", A_MINUTE, || {
        (!lives(third) && !lives(other)).then_some(())
    });
    // What was being recorded is finished by the next start.
    let recovered = Command::new(binary())
        .arg("recover")
        .arg(card.path())
        .output();
    assert!(recovered.unwrap().status.success());
    check(card.path());
}

#[test]
fn it_is_started_again_and_again_and_auto_takes_it() {
    if !ffmpeg::available() {
        return;
    }
    let Some(program) = program() else { return };
    let card = tempfile::tempdir().unwrap();
    for n in 0..number("PICAM_CSI_STARTS", 3) {
        let recorder = record(&program, card.path(), &["front=auto:?size=640x480"]);
        let process = wait_for_process(recorder.pid(), "Virtual0", None);
        // Something is durable.
        wait_for("a picture", A_MINUTE, || {
            let newest = segments(card.path())
                .into_iter()
                .max_by_key(|segment| segment.record.sequence)?;
            (!newest.finished() && decodes(&newest.path).is_ok()).then_some(())
        });
        let said = recorder.said();
        recorder.stop();
        assert!(!lives(process), "start {n}: {said}");
    }
    // The other one has a name of its own.
    let names = fs::read_to_string(card.path().join("picam-cameras.txt")).unwrap();
    for line in ["front csi:Virtual0\n", "cam2 csi:Virtual1\n"] {
        assert!(names.contains(line), "{names}");
    }
    check(card.path());
    let probed = Command::new(binary())
        .args(["probe", "--json"])
        .env("PICAM_CSI", OsStr::new(&program))
        .output()
        .unwrap();
    let probed = String::from_utf8_lossy(&probed.stdout).into_owned();
    assert!(
        probed.contains("\"csi\"") && probed.contains("csi:Virtual1"),
        "{probed}"
    );
}

#[test]
fn what_libcameras_camera_does_not_have_is_said_and_what_it_has_is_set() {
    let Some(program) = program() else {
        return;
    };
    let (card, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let socket = scratch.path().join("recorder.sock");
    let socket = socket.to_str().unwrap();
    let config = scratch.path().join("picam.toml");
    let lines = "segment = \"2s\"\nslots = 24\nslot-size = \"8MiB\"\n[[camera]]\nname = \"front\"\n\
                 source = \"csi:Virtual0?size=640x480&bitrate=4M\"\nbrightness = 20\nhflip = true\n";
    fs::write(&config, lines).unwrap();
    let variables = [("PICAM_CSI", program.as_os_str())];
    let args = ["--config", config.to_str().unwrap(), "--control", socket];
    let camera = Camera::start_with(&variables, "record", card.path(), &args);
    wait_for_more(card.path(), "front");
    let picture = |change: &[&str]| {
        let done = Command::new(binary())
            .args(["picture", "--json", "--recorder", socket, "front"])
            .args(change)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        serde_json::from_slice::<serde_json::Value>(&done.stdout).map_err(|_| said)
    };
    let told = picture(&[]).unwrap();
    let setting = |told: &serde_json::Value, key: &str| {
        let all = told["settings"].as_array().unwrap().iter();
        let mut found = all.filter(|setting| setting["key"] == key);
        found.next().unwrap().clone()
    };
    let brightness = setting(&told, "brightness");
    assert_eq!(brightness["is_available"], false, "{brightness:#}");
    let problem = brightness["problem"].as_str().unwrap();
    assert!(problem.contains("libcamera has no control"), "{problem}");
    // Mirrored it is, by picam.
    assert_eq!(setting(&told, "hflip")["now"], "on");
    assert!(
        picture(&["exposure=8ms"])
            .unwrap_err()
            .contains("no exposure")
    );
    // It has but one rate, and says so.
    let refused = picture(&["longest-shutter=66ms"]).unwrap_err();
    assert!(refused.contains("33.333ms to 33.333ms"), "{refused}");
    let told = picture(&["hflip=off", "longest-shutter=frame"]).unwrap();
    assert_eq!(setting(&told, "hflip")["now"], "off");
    let longest = setting(&told, "longest-shutter");
    assert_eq!(longest["controls"][0]["name"], "FrameDurationLimits (us)");
    wait_for_more(card.path(), "front");
    let log = camera.said();
    camera.stop();
    assert_eq!(log.matches("INFO csi:").count(), 1, "{log}");
    check(card.path());
}
