//! Whether what is seen and what is heard come together: a flash and a beep each second.

use std::path::Path;
use std::process::Command;

use picam_testkit::judges;
use serde_json::Value;

/// Sound and picture must be no further apart, in seconds.
pub const APART: f64 = 0.005;
/// Samples a second of the sound.
const RATE: usize = 48_000;

/// A number of ffprobe's, in seconds.
pub fn seconds(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// Where it becomes true, the beginning left out: there nobody knows how long it has been.
fn rises(states: &[bool]) -> Vec<usize> {
    (1..states.len())
        .filter(|&n| states[n] && !states[n - 1])
        .collect()
}

/// When the middle of a picture of 320x240 turns white, in seconds of the file.
pub fn flashes(file: &Path) -> Vec<f64> {
    let probe = judges::ffprobe(file, true).unwrap();
    let packets = probe["packets"].as_array().unwrap();
    let video = packets.iter().filter(|packet| packet["stream_index"] == 0);
    let mut times: Vec<f64> = video.map(|packet| seconds(&packet["pts_time"])).collect();
    times.sort_by(f64::total_cmp);
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
pub fn beeps(file: &Path) -> Vec<f64> {
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

/// How far from each flash the nearest beep is, in seconds.
pub fn apart(file: &Path) -> Vec<f64> {
    let (flashes, beeps) = (flashes(file), beeps(file));
    let nearest = |flash: &f64| {
        let apart = beeps.iter().map(|beep| (beep - flash).abs());
        apart.fold(f64::MAX, f64::min)
    };
    flashes.iter().map(nearest).collect()
}

/// Fails unless a beep comes with each flash, and there are at least so many.
pub fn beep_and_flash_together(file: &Path, least: usize) {
    let apart = apart(file);
    assert!(apart.len() >= least, "{}: {apart:?}", file.display());
    let together = apart.iter().all(|&apart| apart <= APART);
    assert!(together, "{}: {apart:?}", file.display());
}
