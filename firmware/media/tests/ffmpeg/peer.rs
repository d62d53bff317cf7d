//! Streams made by ffmpeg, and what ffprobe says of them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether `tool` can be run; else says so.
pub(crate) fn has(tool: &str) -> bool {
    let found = Command::new(tool)
        .arg("-version")
        .output()
        .is_ok_and(|o| o.status.success());
    if !found {
        eprintln!("SKIPPED: {tool} is not installed; run: sudo apt-get install ffmpeg");
    }
    found
}

/// Runs ffmpeg on a test picture with `arguments`, writing `name` into `dir`.
pub(crate) fn make(dir: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = dir.join(name);
    run(
        &format!("-f lavfi -i testsrc2=size=320x180:rate=30:duration=2 {arguments}"),
        &path,
    );
    path
}

/// Runs ffmpeg with `arguments` and the output `path`.
pub(crate) fn run(arguments: &str, path: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-nostdin"])
        .args(arguments.split_whitespace())
        .arg(path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// One packet as ffprobe sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packet {
    /// Presentation time in seconds, where there is one.
    pub(crate) pts: Option<f64>,
    /// Decode time in seconds, where there is one.
    pub(crate) dts: Option<f64>,
    /// Whether it is marked as a key frame.
    pub(crate) key: bool,
}

/// The packets of the first video stream.
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
            pts: field(line, "pts_time=").and_then(|t| t.parse().ok()),
            dts: field(line, "dts_time=").and_then(|t| t.parse().ok()),
            key: field(line, "flags=").is_some_and(|f| f.starts_with('K')),
        })
        .collect()
}
