//! Streams made by ffmpeg, and what ffprobe says of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::judges;

/// Whether ffmpeg and ffprobe can be run; else prints the skip line.
pub fn available() -> bool {
    judges::have("ffmpeg", "ffmpeg") && judges::have("ffprobe", "ffmpeg")
}

/// Runs ffmpeg on two seconds of a 320x180 test picture with `arguments`, writing `name` into `dir`.
pub fn make(dir: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = dir.join(name);
    let input = "-f lavfi -i testsrc2=size=320x180:rate=30:duration=2";
    run(&format!("{input} {arguments}"), &path);
    path
}

/// Runs ffmpeg with `arguments` and the output `path`.
pub fn run(arguments: &str, path: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-nostdin"])
        .args(arguments.split_whitespace())
        .arg(path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "ffmpeg {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// One packet as ffprobe sees it, times in seconds where there are any.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// Presentation time.
    pub pts: Option<f64>,
    /// Decode time.
    pub dts: Option<f64>,
    /// Whether it is marked as a key frame.
    pub key: bool,
}

/// The packets of the first video stream in file order.
pub fn packets(path: &Path) -> Vec<Packet> {
    let probe = judges::ffprobe(path, true).unwrap();
    let time = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse().ok());
    let packets = probe["packets"].as_array().into_iter().flatten();
    packets
        .map(|packet| Packet {
            pts: time(&packet["pts_time"]),
            dts: time(&packet["dts_time"]),
            key: packet["flags"]
                .as_str()
                .is_some_and(|flags| flags.starts_with('K')),
        })
        .collect()
}
