//! MP4, MKV and raw files: the units, keys and times that ffprobe sees.

use std::path::Path;

use picam_capture::CaptureError;
use picam_media::{AccessUnit, UnitKind};

use picam_testkit::ffmpeg::{available, make, packets};

use crate::peer::{annexb, decode, open, read};

fn read_file(path: &Path, query: &str) -> Vec<AccessUnit> {
    pictures_and_sound(path, query).0
}

fn pictures_and_sound(path: &Path, query: &str) -> (Vec<AccessUnit>, Vec<AccessUnit>) {
    let mut source = open(&format!("file:{}?pace=off{query}", path.display())).unwrap();
    assert!(!source.is_live());
    let all = read(&mut *source, usize::MAX);
    all.into_iter()
        .partition(|unit| unit.kind == UnitKind::Video)
}

/// Compares with ffprobe; all times may be shifted by one constant, `tolerance` in ticks.
fn assert_like_ffprobe(name: &str, path: &Path, units: &[AccessUnit], tolerance: f64, dts: bool) {
    let packets = packets(path);
    assert_eq!(units.len(), packets.len(), "{name}");
    let shift = units[0].pts as f64 - packets[0].pts.unwrap() * 90_000.0;
    let dts_shift = units[0].dts as f64 - packets[0].dts.unwrap_or(0.0) * 90_000.0;
    let mut before = i64::MIN;
    for (n, (unit, packet)) in units.iter().zip(&packets).enumerate() {
        let pts = packet.pts.unwrap() * 90_000.0 + shift;
        assert!(
            (unit.pts as f64 - pts).abs() <= tolerance,
            "{name} {n}: {} {pts}",
            unit.pts
        );
        if let (true, Some(packet_dts)) = (dts, packet.dts) {
            let expected = packet_dts * 90_000.0 + dts_shift;
            assert!(
                (unit.dts as f64 - expected).abs() <= tolerance,
                "{name} {n}: {} {expected}",
                unit.dts
            );
        }
        assert_eq!(unit.start.is_start(), packet.key, "{name} {n}");
        assert!(unit.pts >= unit.dts && unit.dts >= before, "{name} {n}");
        before = unit.dts;
    }
    assert_eq!(units[0].dts, 0, "{name}");
}

const ENCODINGS: [(&str, &str, &str); 7] = [
    ("plain", "h264", "-c:v libx264 -bf 0 -g 15"),
    ("b", "h264", "-c:v libx264 -bf 3 -b_strategy 0 -g 20"),
    ("slices", "h264", "-c:v libx264 -bf 2 -slices 4 -aud 1"),
    ("ntsc", "h264", "-r 30000/1001 -c:v libx264 -bf 2"),
    ("slow", "h264", "-r 12.5 -c:v libx264 -bf 2"),
    (
        "x265",
        "hevc",
        "-c:v libx265 -x265-params log-level=0:bframes=4:b-adapt=0:keyint=20:open-gop=1",
    ),
    (
        "x265p",
        "hevc",
        "-c:v libx265 -x265-params log-level=0:bframes=0:keyint=20",
    ),
];

#[test]
fn mp4_and_mkv_give_the_units_and_times_ffprobe_sees() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, format, encode) in ENCODINGS {
        for container in ["mp4", "frag.mp4", "mkv"] {
            let fragmented = if container == "frag.mp4" {
                "-movflags frag_keyframe+empty_moov"
            } else {
                ""
            };
            // Sound besides.
            let sound = "-f lavfi -i sine=duration=2 -c:a aac";
            let file = format!("{name}.{container}");
            let path = make(
                dir.path(),
                &file,
                &format!("{sound} {encode} -pix_fmt yuv420p {fragmented}"),
            );
            let (units, sound) = pictures_and_sound(&path, "");
            // Two seconds at 44.1 kHz; a file in fragments does not say that the first frame is the encoder's own.
            assert!((84..=88).contains(&sound.len()), "{file}: {}", sound.len());
            for pair in sound.windows(2) {
                assert!(
                    (2089..=2091).contains(&(pair[1].dts - pair[0].dts)),
                    "{file}"
                );
            }
            // Matroska keeps milliseconds, and no decode times: ffprobe guesses them.
            let mkv = container == "mkv";
            assert_like_ffprobe(&file, &path, &units, if mkv { 46.0 } else { 1.0 }, !mkv);
            let stream = annexb(&units);
            assert_eq!(
                decode(format, &stream, 320 * 180).len(),
                units.len(),
                "{file}"
            );
        }
    }
}

#[test]
fn frames_at_uneven_times_keep_them() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, encode) in [
        ("vfr.mkv", "-bf 2 -b_strategy 0"),
        ("vfr.mp4", "-bf 2 -b_strategy 0"),
        ("vfr0.mkv", "-bf 0"),
    ] {
        let uneven = "-vf select='not(mod(n,7))+not(mod(n,3))' -vsync vfr -c:v libx264";
        let path = make(dir.path(), name, &format!("{uneven} {encode}"));
        let units = read_file(&path, "");
        let mut shown: Vec<_> = units.iter().map(|u| u.pts).collect();
        shown.sort_unstable();
        let steps: std::collections::BTreeSet<_> = shown
            .windows(2)
            .map(|w| (w[1] - w[0] + 200) / 3000)
            .collect();
        assert!(steps.len() > 1, "{name} is uneven: {steps:?}");
        assert_like_ffprobe(name, &path, &units, 46.0, name.ends_with("mp4"));
    }
}

#[test]
fn raw_files_are_told_apart_and_read() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let h264 = make(dir.path(), "a.h264", "-c:v libx264 -bf 2");
    let hevc = make(
        dir.path(),
        "a.hevc",
        "-c:v libx265 -x265-params log-level=0",
    );
    for (path, format) in [(&h264, "h264"), (&hevc, "hevc")] {
        let nameless = dir.path().join(format!("{format} stream?"));
        std::fs::copy(path, &nameless).unwrap();
        let awkward = nameless.display().to_string().replace('?', "%3F");
        let units = read(
            &mut *open(&format!("file:{awkward}?pace=off")).unwrap(),
            usize::MAX,
        );
        assert_eq!(units.len(), 60);
        assert_eq!(decode(format, &annexb(&units), 320 * 180).len(), 60);
    }
    let units = read_file(&h264, "&fps=25");
    assert_eq!(units[1].dts, 3600);
    let units = read_file(&h264, "&fps=29.97");
    assert_eq!(units[1].dts, 3003);
}

#[test]
fn what_cannot_be_read_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let error = |source: String| open(&source).err().unwrap();
    let missing = error(format!("file:{}", at("missing.mp4")));
    assert!(
        matches!(missing, CaptureError::Io { .. }) && missing.to_string().contains("missing.mp4"),
        "{missing}"
    );
    std::fs::write(at("text"), "no video").unwrap();
    assert!(
        error(format!("file:{}", at("text")))
            .to_string()
            .contains("Annex B")
    );
    for cut in ["\0\0\0\x20ftypisom", "\x1a\u{45}"] {
        std::fs::write(at("cut"), cut).unwrap();
        assert!(matches!(
            error(format!("file:{}", at("cut"))),
            CaptureError::Stream(_)
        ));
    }
    if !available() {
        return;
    }
    let sound = make(
        dir.path(),
        "sound.mp4",
        "-f lavfi -i sine=duration=1 -map 1:a -c:a aac",
    );
    assert!(
        error(format!("file:{}", sound.display()))
            .to_string()
            .contains("no H.264 or H.265")
    );
    let mjpeg = make(dir.path(), "m.mkv", "-c:v mjpeg");
    assert!(
        error(format!("file:{}", mjpeg.display()))
            .to_string()
            .contains("no H.264 or H.265")
    );
    let mp4 = make(dir.path(), "v.mp4", "-c:v libx264");
    let fps = error(format!("file:{}?fps=30", mp4.display()));
    assert!(
        matches!(fps, CaptureError::Config(_)) && fps.to_string().contains("fps="),
        "{fps}"
    );
}

#[test]
fn cut_off_files_give_what_they_have_or_say_so() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let cut = |name: &str| {
        let path = make(dir.path(), name, "-c:v libx264 -bf 2");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        path
    };
    let units = read_file(&cut("c.h264"), "");
    assert!((10..60).contains(&units.len()), "{}", units.len());
    // A container's index lies at the end, or says where it should.
    for name in ["c.mkv", "c.mp4"] {
        let error = open(&format!("file:{}", cut(name).display()))
            .err()
            .unwrap();
        assert!(matches!(error, CaptureError::Stream(_)), "{error}");
    }
}
