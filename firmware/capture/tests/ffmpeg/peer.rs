//! Sources read to their end, and their pictures decoded by ffmpeg.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use picam_capture::{CameraSpec, Cancel, CaptureError, Event, Source};
use picam_media::AccessUnit;
use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_time::SystemClock;

/// Opens the source described by `kind` and what follows it.
pub(crate) fn open(source: &str) -> Result<Box<dyn Source>, CaptureError> {
    picam_capture::open(
        &CameraSpec::parse(&format!("t={source}"))?,
        Arc::new(SystemClock),
        &Cancel::default(),
        &Arc::default(),
    )
}

/// Reads a source to its end, or `limit` units.
pub(crate) fn read(source: &mut dyn Source, limit: usize) -> Vec<AccessUnit> {
    let mut units = Vec::new();
    let mut unit = AccessUnit::new();
    while units.len() < limit {
        match source.read(&mut unit, Duration::from_secs(2)).unwrap() {
            Event::Unit => units.push(unit.clone()),
            Event::Config(_) => {}
            Event::Gap { damaged } => panic!("{damaged} places are damaged"),
            Event::End => break,
            Event::Timeout => panic!("nothing came for two seconds"),
        }
    }
    units
}

/// The units as a raw stream that any decoder reads.
pub(crate) fn annexb(units: &[AccessUnit]) -> Vec<u8> {
    let mut out = Vec::new();
    for unit in units {
        if unit.start.is_start() {
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
