//! How pictures look, changed by a person while they are recorded, and seen in what ffmpeg decodes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::segments;
use picam_testkit::{binary, judges};

const SIZE: (usize, usize) = (320, 240);

fn picam(args: &[&str]) -> Output {
    Command::new(binary()).args(args).output().unwrap()
}

fn said(done: &Output) -> String {
    let (out, err) = (&done.stdout, &done.stderr);
    String::from_utf8_lossy(&[&out[..], err].concat()).into_owned()
}

/// Mean luma of the sky, and whether it is above; number of the picture, if that can be read.
fn seen(grey: &[u8]) -> (f64, bool, u32) {
    let band = |from: usize| {
        let rows = &grey[from * SIZE.0..(from + 40) * SIZE.0];
        rows.iter().map(|&luma| f64::from(luma)).sum::<f64>() / rows.len() as f64
    };
    let (upper, lower) = (band(60), band(SIZE.1 - 100));
    (
        upper.max(lower),
        upper > lower,
        judges::barcode(grey, SIZE.0),
    )
}

#[test]
fn what_is_set_is_seen_and_costs_no_picture() {
    if !judges::have("ffmpeg", "ffmpeg") {
        return;
    }
    let (card, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let (socket, config) = (path("recorder.sock"), path("picam.toml"));
    let lines = |more: &str| {
        let text = format!(
            "segment = \"60s\"\nslots = 4\nslot-size = \"4MiB\"\n[[camera]]\nname = \"front\"\n\
             source = \"sim:?size=320x240&fps=30&bitrate=1M&clock=off\"\n{more}\n"
        );
        fs::write(&config, text).unwrap();
    };
    lines("");
    let args = ["--config", &config, "--control", &socket];
    let camera = Camera::start("record", card.path(), &args);
    let long = Duration::from_secs(60);
    wait_for("the recorder", long, || {
        picam(&["picture", "--recorder", &socket, "front"])
            .status
            .success()
            .then_some(())
    });
    let rest = || std::thread::sleep(Duration::from_millis(1500));
    let set = |change: &str| {
        let done = picam(&["picture", "--recorder", &socket, "front", change]);
        assert!(done.status.success(), "{}", said(&done));
        rest();
        said(&done)
    };
    rest();
    let told = set("brightness=60");
    assert!(told.contains("60 until the next start"), "{told}");
    let told = set("rotation=180");
    assert!(told.contains("of 0, 180"), "{told}");
    // Refused with the range, and nothing changes.
    for (change, why) in [
        ("brightness=900", "-100 to 100"),
        ("exposure=8ms", "has no exposure"),
        ("fps=15", "opened anew"),
        ("nothing", "VALUE"),
    ] {
        let done = picam(&["picture", "--recorder", &socket, "front", change]);
        assert!(
            !done.status.success() && said(&done).contains(why),
            "{}",
            said(&done)
        );
    }
    // What stands in the file from now on goes before that.
    lines("brightness = -60");
    let done = picam(&["reload", "--recorder", &socket]);
    assert!(done.status.success(), "{}", said(&done));
    rest();
    let log = camera.said();
    camera.stop();
    assert!(log.contains("picture set: front"), "{log}");
    assert_eq!(log.matches("INFO sim:front").count(), 1, "{log}");

    let phases = phases(card.path());
    let (was, bright, turned, dark) = match phases[..] {
        [was, bright, turned, dark] => (was, bright, turned, dark),
        _ => panic!("{phases:?}"),
    };
    assert!(was.1 && bright.1 && !turned.1 && dark.1, "{phases:?}");
    assert!(
        bright.0 > was.0 + 15.0 && turned.0 > was.0 + 15.0,
        "{phases:?}"
    );
    assert!(dark.0 < was.0 - 25.0, "{phases:?}");
}

/// Each way that pictures looked for a while, one after the other. Of those that are the right way up, each has the number
/// that is due.
fn phases(card: &Path) -> Vec<(f64, bool)> {
    let mut phases: Vec<(f64, bool)> = Vec::new();
    let mut count = 0u32;
    let mut first = None;
    for segment in segments(card) {
        let input = ["-i", segment.path.to_str().unwrap()];
        judges::grey_frames(&input, SIZE.0, SIZE.1, |grey| {
            let (sky, is_upright, number) = seen(grey);
            if is_upright {
                let first = *first.get_or_insert(number);
                assert_eq!(number, first + count, "a picture is missing");
            }
            let is_new = phases
                .last()
                .is_none_or(|last| last.1 != is_upright || (last.0 - sky).abs() > 12.0);
            if is_new {
                phases.push((sky, is_upright));
            }
            count += 1;
        })
        .unwrap();
    }
    assert!(count > 150, "{count} pictures");
    phases
}
