//! What pictures cost that a camera does not encode itself: `scripts/bench encode`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use picam_media::{AccessUnit, Colour, Encoder, EncoderSettings, Yuv420};

use super::format::PixelFormat;
use super::{jpeg, pixels};

const PICTURES: usize = 90;

/// What ffmpeg makes of its moving test picture, as one file.
fn film(dir: &Path, size: (usize, usize), name: &str, coding: &[&str]) -> Vec<u8> {
    let path = dir.join(name);
    let done = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg(format!("testsrc2=size={}x{}:rate=30", size.0, size.1))
        .args(["-frames:v", &PICTURES.to_string()])
        .args(coding)
        .arg(&path)
        .status();
    assert!(done.is_ok_and(|status| status.success()), "ffmpeg");
    fs::read(path).unwrap()
}

/// What this thread has cost: others on a busy machine change that little.
fn spent() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

/// Milliseconds a picture.
fn each(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0 / PICTURES as f64
}

/// Processor time of ffmpeg's x264, one thread, without its start.
fn x264(raw: &Path, size: (usize, usize), bitrate: u32) -> f64 {
    let output = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-benchmark",
            "-y",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuv420p",
        ])
        .args(["-s", &format!("{}x{}", size.0, size.1), "-r", "30", "-i"])
        .arg(raw)
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-threads",
            "1",
            "-g",
            "30",
        ])
        .args(["-b:v", &bitrate.to_string(), "-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let time = said
        .split("utime=")
        .nth(1)
        .and_then(|rest| rest.split('s').next());
    each(Duration::from_secs_f64(time.unwrap().parse().unwrap()))
}

#[test]
#[ignore = "a measurement: scripts/bench encode"]
fn measure() {
    let dir = tempfile::tempdir().unwrap();
    println!("| | 1280x720, 4 Mbit/s | 1920x1080, 8 Mbit/s |\n|---|---|---|");
    let mut rows: Vec<(&str, Vec<f64>)> = Vec::new();
    for (size, bitrate) in [((1280, 720), 4_000_000), ((1920, 1080), 8_000_000)] {
        let mut row = |name, ms| match rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.push(ms),
            None => rows.push((name, vec![ms])),
        };
        let raw = film(
            dir.path(),
            size,
            "raw.yuv",
            &["-pix_fmt", "yuv420p", "-f", "rawvideo"],
        );
        let yuyv = film(
            dir.path(),
            size,
            "yuyv",
            &["-pix_fmt", "yuyv422", "-f", "rawvideo"],
        );
        let coding = [
            "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj422p", "-f", "mjpeg",
        ];
        let mjpeg = film(dir.path(), size, "mjpeg", &coding);
        let mut picture = Yuv420::new(size.0 as u16, size.1 as u16);
        let mut encoder = Encoder::new(EncoderSettings {
            width: size.0 as u16,
            height: size.1 as u16,
            fps: 30,
            bitrate,
            gop: 30,
            colour: Colour::Bt601,
        })
        .unwrap();
        let mut unit = AccessUnit::new();
        let (mut encoding, mut bytes) = (Duration::ZERO, 0);
        for frame in raw.chunks_exact(size.0 * size.1 * 3 / 2) {
            pixels::convert(PixelFormat::Yu12, frame, 0, size, &mut picture).unwrap();
            let begun = spent();
            encoder.encode(&picture, false, &mut unit).unwrap();
            encoding += spent() - begun;
            bytes += unit.data.len();
        }
        row("OpenH264 as picam sets it, ms a picture", each(encoding));
        row("  its bits a second, millions", bytes as f64 * 8.0 / 3e6);
        row(
            "x264 ultrafast, one thread (ffmpeg, reading included)",
            x264(&dir.path().join("raw.yuv"), size, bitrate),
        );
        let begun = spent();
        for frame in yuyv.chunks_exact(size.0 * size.1 * 2) {
            pixels::convert(PixelFormat::Yuyv, frame, 0, size, &mut picture).unwrap();
        }
        row("YUYV to 4:2:0", each(spent() - begun));
        let mut decoder = jpeg::Decoder::new(size.0, size.1);
        let mut starts: Vec<usize> = (0..mjpeg.len() - 2)
            .filter(|&at| mjpeg[at..at + 3] == [0xff, 0xd8, 0xff])
            .collect();
        starts.push(mjpeg.len());
        assert_eq!(starts.len(), PICTURES + 1);
        let begun = spent();
        for pair in starts.windows(2) {
            decoder
                .decode(&mjpeg[pair[0]..pair[1]], &mut picture)
                .unwrap();
        }
        row("MJPEG to 4:2:0", each(spent() - begun));
    }
    for (name, values) in rows {
        println!("| {name} | {:.1} | {:.1} |", values[0], values[1]);
    }
}
