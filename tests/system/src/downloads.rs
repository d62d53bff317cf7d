//! What a browser saved, judged by programs of others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::camera::wait_for;

/// Length in seconds of a file that ffmpeg decodes without a complaint.
pub fn judged(path: &Path) -> f64 {
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&decoded.stderr);
    assert!(decoded.status.success() && said.is_empty(), "{said}");
    let probed = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "format=duration",
            "-of",
            "csv=p=0",
        ])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8_lossy(&probed.stdout)
        .trim()
        .parse()
        .unwrap()
}

/// The one finished file in a directory of downloads.
pub fn downloaded(directory: &Path) -> PathBuf {
    wait_for("the download", Duration::from_secs(60), || {
        let mut files = fs::read_dir(directory)
            .ok()?
            .flatten()
            .map(|entry| entry.path());
        files.find(|path| {
            let ending = path.extension().unwrap_or_default();
            ending == "zip" || ending == "mp4"
        })
    })
}

/// What is in a ZIP, unpacked by somebody else's program.
pub fn unpacked(zip: &Path) -> Vec<PathBuf> {
    let directory = zip.with_extension("d");
    let code = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nz.extractall(sys.argv[2])";
    let done = Command::new("python3")
        .args(["-c", code])
        .arg(zip)
        .arg(&directory)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}
