//! Files made by ffmpeg, what ffprobe says of them, and pictures decoded by ffmpeg.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use picam_capture::{CameraSpec, CaptureError, Next, Source, SystemClock};
use picam_media::AccessUnit;
use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};

/// Whether ffmpeg and ffprobe can be run; else says so.
pub(crate) fn has_ffmpeg() -> bool {
    let runs = |tool| {
        Command::new(tool)
            .arg("-version")
            .output()
            .is_ok_and(|o| o.status.success())
    };
    let found = runs("ffmpeg") && runs("ffprobe");
    if !found {
        eprintln!("SKIPPED: ffmpeg is not installed; run: sudo apt-get install ffmpeg");
    }
    found
}

/// Runs ffmpeg on a test picture of two seconds with `arguments`, writing `name` into `dir`.
pub(crate) fn make(dir: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = dir.join(name);
    let input = "-f lavfi -i testsrc2=size=320x180:rate=30:duration=2";
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-nostdin"])
        .args(format!("{input} {arguments}").split_whitespace())
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    path
}

/// One packet as ffprobe sees it, times in seconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packet {
    pub(crate) pts: f64,
    pub(crate) dts: Option<f64>,
    pub(crate) key: bool,
}

/// The packets of the first video stream in file order.
pub(crate) fn probe(path: &Path) -> Vec<Packet> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_packets"])
        .args([
            "-show_entries",
            "packet=pts_time,dts_time,flags",
            "-of",
            "compact=p=0",
        ])
        .arg(path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let field = |line: &str, key: &str| {
        line.split('|')
            .find_map(|f| f.strip_prefix(key))
            .map(str::to_owned)
    };
    text.lines()
        .filter(|line| line.contains("flags="))
        .map(|line| Packet {
            pts: field(line, "pts_time=")
                .and_then(|t| t.parse().ok())
                .unwrap(),
            dts: field(line, "dts_time=").and_then(|t| t.parse().ok()),
            key: field(line, "flags=").is_some_and(|f| f.starts_with('K')),
        })
        .collect()
}

/// Opens the source described by `kind` and what follows it.
pub(crate) fn open(source: &str) -> Result<Box<dyn Source>, CaptureError> {
    picam_capture::open(
        &CameraSpec::parse(&format!("t={source}"))?,
        Arc::new(SystemClock::new()),
    )
}

/// Reads a source to its end, or `limit` units.
pub(crate) fn read(source: &mut dyn Source, limit: usize) -> Vec<AccessUnit> {
    let mut units = Vec::new();
    let mut unit = AccessUnit::new();
    while units.len() < limit {
        match source.read(&mut unit, Duration::from_secs(2)).unwrap() {
            Next::Unit => units.push(unit.clone()),
            Next::End => break,
            Next::Timeout => panic!("nothing came for two seconds"),
        }
    }
    units
}

/// The units as a raw stream that any decoder reads.
pub(crate) fn annexb(units: &[AccessUnit]) -> Vec<u8> {
    let mut out = Vec::new();
    for unit in units {
        if unit.key {
            let sets = unit.parameter_sets.as_ref().unwrap();
            for set in sets.vps.iter().chain(&sets.sps).chain(&sets.pps) {
                out.extend_from_slice(&[0, 0, 0, 1]);
                out.extend_from_slice(set);
            }
        }
        for nal in length_prefixed_nals(&unit.data, LengthSize::Four) {
            out.extend_from_slice(&[0, 0, 0, 1]);
            out.extend_from_slice(nal.unwrap());
        }
    }
    out
}

/// Decodes a raw stream; returns each frame's luma plane. Any complaint of the decoder fails the test.
pub(crate) fn decode(format: &str, stream: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(stream).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", format, "-i"])
        .arg(file.path())
        .args([
            "-vsync",
            "passthrough",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "gray",
            "-",
        ])
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.stdout.len() % size, 0);
    output.stdout.chunks(size).map(<[u8]>::to_vec).collect()
}
