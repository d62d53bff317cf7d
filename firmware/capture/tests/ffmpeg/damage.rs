//! Files that are cut off, damaged, or show only a part of what they hold.

use std::path::{Path, PathBuf};
use std::time::Duration;

use picam_capture::{CaptureError, Event};
use picam_media::AccessUnit;
use picam_testkit::ffmpeg::{available, make, packets, run};

use crate::peer::{annexb, decode, open};

/// Reads a file to its end: its units, and how many places were damaged.
fn read(path: &Path, query: &str) -> Result<(Vec<AccessUnit>, u32), CaptureError> {
    let mut source = open(&format!("file:{}?pace=off{query}", path.display()))?;
    let mut units = Vec::new();
    let mut unit = AccessUnit::new();
    let mut damage = 0;
    loop {
        match source.read(&mut unit, Duration::from_secs(2))? {
            Event::Unit => {
                damage += unit.damage_before;
                units.push(unit.clone());
            }
            Event::Gap { damaged } => damage += damaged,
            Event::Config(_) => {}
            Event::End => break,
            Event::Timeout => panic!("nothing came for two seconds"),
        }
    }
    let end = source.read(&mut unit, Duration::ZERO)?;
    assert_eq!(end, Event::End, "the end stays the end");
    Ok((units, damage))
}

fn cut(path: &Path, at: usize) -> PathBuf {
    let bytes = std::fs::read(path).unwrap();
    let cut = path.with_extension(format!("cut.{}", path.extension().unwrap().display()));
    std::fs::write(&cut, &bytes[..at]).unwrap();
    cut
}

#[test]
fn what_is_intact_of_a_cut_off_mp4_is_read_and_the_rest_counted() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, flags) in [
        ("fragmented.mp4", "-movflags frag_keyframe+empty_moov"),
        ("faststart.mp4", "-movflags faststart"),
    ] {
        let encode = format!("-c:v libx264 -bf 2 -g 10 {flags}");
        let path = make(dir.path(), name, &encode);
        let (whole, damage) = read(&path, "").unwrap();
        assert_eq!((whole.len(), damage), (60, 0), "{name}");
        let len = std::fs::metadata(&path).unwrap().len() as usize;
        let mut most = 0;
        for tenths in 2..10 {
            let (units, damage) = read(&cut(&path, len * tenths / 10), "").unwrap();
            // What is there is the beginning of the whole.
            for (n, (unit, expected)) in units.iter().zip(&whole).enumerate() {
                assert_eq!(unit.data, expected.data, "{name} {tenths} {n}");
                assert_eq!((unit.dts, unit.pts), (expected.dts, expected.pts));
            }
            assert!(
                units.len() >= most && damage > 0,
                "{name} {tenths}: {}",
                units.len()
            );
            most = units.len();
            if name == "faststart.mp4" {
                // The index is whole, so every picture is known.
                assert!(
                    units.len() as u32 + damage >= 60,
                    "{name} {tenths}: {damage}"
                );
            }
            assert!(decode("h264", &annexb(&units), 320 * 180).len() == units.len());
        }
        assert!(most >= 40, "{name}: {most}");
    }
}

#[test]
fn a_file_damaged_in_its_middle_is_read_to_its_end() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, encode, least) in [
        ("garbage.h264", "-c:v libx264 -bf 2 -g 10", 55),
        (
            "garbage.hevc",
            "-c:v libx265 -x265-params log-level=0:bframes=3:keyint=10",
            55,
        ),
        ("garbage.mp4", "-c:v libx264 -bf 2 -g 10", 55),
    ] {
        let path = make(dir.path(), name, encode);
        let mut bytes = std::fs::read(&path).unwrap();
        // Slices behind one another that name parameter sets nobody sent, a parameter set that is none,
        // and for MP4 a length that does not hold.
        let middle = bytes.len() / 2;
        if name.ends_with("mp4") {
            let samples = {
                let movie = picam_mp4::read::Movie::read(&bytes).unwrap();
                movie.video().unwrap().samples.clone()
            };
            let at = samples[30].offset as usize;
            bytes[at..at + 4].copy_from_slice(&[0x7f; 4]);
        } else {
            let start = (middle..)
                .find(|&at| bytes[at..].starts_with(&[0, 0, 1]))
                .unwrap();
            let garbage: &[u8] = if name.ends_with("h264") {
                &[
                    0, 0, 1, 0x67, 0xff, 0xff, 0, 0, 1, 0x41, 0x80, 0x00, 0x40, 0x11,
                ]
            } else {
                &[0, 0, 1, 0x42, 1, 0xff, 0, 0, 1, 2, 1, 0x80, 0x00, 0x40]
            };
            bytes.splice(start..start, garbage.iter().copied());
        }
        std::fs::write(&path, bytes).unwrap();
        let (units, damage) = read(&path, "").unwrap();
        assert!((1..=3).contains(&damage), "{name}: {damage}");
        assert!(
            (least..=60).contains(&units.len()),
            "{name}: {}",
            units.len()
        );
        assert_eq!(
            units.iter().map(|u| u.damage_before).sum::<u32>(),
            damage,
            "{name}"
        );
    }
}

#[test]
fn nothing_but_damage_is_no_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h264");
    let garbage = [0, 0, 1, 0x67, 0xff, 0xff].repeat(5000);
    std::fs::write(&path, garbage).unwrap();
    let error = read(&path, "&fps=30").unwrap_err();
    assert!(matches!(error, CaptureError::Stream(_)), "{error}");
    assert!(error.to_string().contains("1000"), "{error}");
}

#[test]
fn sound_that_is_left_out_is_told() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, opus) in [("a.mp4", "Opus"), ("a.mkv", "A_OPUS")] {
        let sound = |codec: &str| format!("-f lavfi -i sine=duration=2 -c:a {codec} -c:v libx264");
        for (encode, expected) in [
            (sound("libopus"), Some(opus)),
            (sound("aac"), None),
            ("-c:v libx264".to_owned(), None),
        ] {
            let path = make(dir.path(), name, &encode);
            let mut source = open(&format!("file:{}", path.display())).unwrap();
            let first = source.read(&mut AccessUnit::new(), Duration::ZERO).unwrap();
            let Event::Config(config) = first else {
                panic!("{first:?}")
            };
            let left_out = config.sound_left_out.unwrap_or_default();
            assert!(
                left_out.contains(expected.unwrap_or_default()),
                "{left_out}"
            );
            assert_eq!(left_out.is_empty(), expected.is_none(), "{left_out}");
            assert_eq!(config.sound.is_some(), encode.contains("aac"), "{name}");
            let said = source.describe().contains("sound is not recorded");
            assert_eq!(said, expected.is_some(), "{}", source.describe());
            assert!(!source.request_key_frame() && source.replays());
        }
    }
}

#[test]
fn only_what_an_edit_list_shows_is_read_with_what_it_needs() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let whole = make(
        dir.path(),
        "whole.mp4",
        "-c:v libx264 -bf 2 -b_strategy 0 -g 20",
    );
    // Pictures before the cut are in the file from the key frame on, and hidden by the edit list.
    let trimmed = dir.path().join("trimmed.mp4");
    run(&format!("-ss 0.9 -i {} -c copy", whole.display()), &trimmed);
    let (units, damage) = read(&trimmed, "").unwrap();
    assert_eq!(damage, 0);
    let hidden = packets(&trimmed);
    assert_eq!(units.len(), hidden.len());
    assert!(units[0].start.is_start());
    // Times are those of the presentation: what ffprobe shows at 0 is as far behind the first decoding.
    let shift = units[0].pts as f64 / 90_000.0 - hidden[0].pts.unwrap();
    for (unit, packet) in units.iter().zip(&hidden) {
        let pts = unit.pts as f64 / 90_000.0 - shift;
        assert!((pts - packet.pts.unwrap()).abs() < 1e-3, "{pts} {packet:?}");
    }

    // Written by hand: the edit list of the whole file moved to 1.5 s and cut to 0.2 s.
    let mut bytes = std::fs::read(&whole).unwrap();
    let at = bytes.windows(4).position(|w| w == b"elst").unwrap() + 4;
    let [_, _, _, version_and_count @ ..] = &bytes[at - 3..at + 8] else {
        panic!()
    };
    assert_eq!(version_and_count.len(), 8);
    // Version 0, one entry: duration in 1/1000 s, media time in 1/15360 s.
    assert_eq!(&bytes[at..at + 8], [0, 0, 0, 0, 0, 0, 0, 1]);
    bytes[at + 8..at + 12].copy_from_slice(&200u32.to_be_bytes());
    let timescale = u32::from_be_bytes({
        let mdhd = bytes.windows(4).position(|w| w == b"mdhd").unwrap();
        bytes[mdhd + 16..mdhd + 20].try_into().unwrap()
    });
    bytes[at + 12..at + 16].copy_from_slice(&(timescale * 3 / 2).to_be_bytes());
    std::fs::write(&whole, bytes).unwrap();
    let (units, damage) = read(&whole, "").unwrap();
    // From the key frame at 1.33 s; with two frames of reordering the picture at 1.5 s is number 43.
    assert_eq!(damage, 0);
    assert!(units[0].start.is_start());
    assert!((5..=16).contains(&units.len()), "{}", units.len());
    assert_eq!(units[0].dts, 0);
    let frames = decode("h264", &annexb(&units), 320 * 180);
    assert_eq!(frames.len(), units.len());
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo.h264");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    for path in [&fifo, &dir.path().to_owned()] {
        let error = read(path, "&fps=30").unwrap_err();
        assert!(error.to_string().contains("FIFO"), "{error}");
    }
}
