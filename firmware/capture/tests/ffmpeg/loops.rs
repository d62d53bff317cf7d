//! Files played over and over, and in real time.

use std::time::{Duration, Instant};

use picam_capture::Event;
use picam_media::AccessUnit;

use picam_testkit::ffmpeg::{available, make};

use crate::peer::{annexb, decode, open, read};

#[test]
fn times_go_on_evenly_over_the_seam() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, format, encode) in [
        ("l.h264", "h264", "-c:v libx264 -bf 2 -g 20"),
        ("l.mp4", "h264", "-c:v libx264 -bf 2 -g 20"),
        (
            "frag.mp4",
            "h264",
            "-c:v libx264 -bf 2 -g 20 -movflags frag_keyframe+empty_moov",
        ),
        ("l.mkv", "h264", "-c:v libx264 -bf 2 -g 20"),
        ("p.mkv", "h264", "-c:v libx264 -bf 0 -g 20"),
        (
            "h.mp4",
            "hevc",
            "-c:v libx265 -x265-params log-level=0:bframes=3:keyint=20",
        ),
        (
            "h.mkv",
            "hevc",
            "-c:v libx265 -x265-params log-level=0:bframes=3:keyint=20",
        ),
    ] {
        let path = make(dir.path(), name, encode);
        let mut source = open(&format!("file:{}?pace=off&loop=1", path.display())).unwrap();
        let units = read(&mut *source, 170);
        assert_eq!(units.len(), 170, "{name}");
        // Matroska rounds to milliseconds.
        let tolerance = if name.ends_with("mkv") { 91 } else { 1 };
        for (n, pair) in units.windows(2).enumerate() {
            let step = pair[1].dts - pair[0].dts;
            assert!((step - 3000).abs() <= tolerance, "{name} {n}: {step}");
            assert!(pair[1].pts >= pair[1].dts, "{name} {n}");
        }
        // The last few of the sorted times wait for pictures that were not read any more.
        let mut shown: Vec<_> = units.iter().map(|u| u.pts).collect();
        shown.sort_unstable();
        for (n, pair) in shown[..160].windows(2).enumerate() {
            let step = pair[1] - pair[0];
            assert!(
                (step - 3000).abs() <= tolerance,
                "{name} {n}: shown after {step}"
            );
        }
        assert_eq!(
            decode(format, &annexb(&units), 320 * 180).len(),
            170,
            "{name}"
        );
    }
}

#[test]
fn the_end_comes_once_unless_asked_otherwise() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = make(dir.path(), "o.mp4", "-c:v libx264");
    let mut source = open(&format!("file:{}?pace=off", path.display())).unwrap();
    assert_eq!(read(&mut *source, usize::MAX).len(), 60);
    let mut unit = AccessUnit::new();
    assert_eq!(source.read(&mut unit, Duration::ZERO).unwrap(), Event::End);
    assert_eq!(source.describe(), format!("file:{}", path.display()));
}

#[test]
fn files_are_played_in_real_time_by_default() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = make(dir.path(), "r.mp4", "-c:v libx264 -bf 2 -r 10 -t 1");
    let mut source = open(&format!("file:{}", path.display())).unwrap();
    assert!(source.is_live());
    let start = Instant::now();
    let units = read(&mut *source, usize::MAX);
    let elapsed = start.elapsed();
    // Ten frames, of which the first is due at once.
    assert_eq!(units.len(), 10);
    assert!(
        (Duration::from_millis(895)..Duration::from_secs(5)).contains(&elapsed),
        "{elapsed:?}"
    );
    let steps: Vec<_> = units
        .windows(2)
        .map(|w| w[1].captured.since(w[0].captured))
        .collect();
    assert_eq!(steps, [Duration::from_millis(100); 9]);
}
