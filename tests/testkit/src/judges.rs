//! Programs that others wrote, asked what they think of a file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Why a test did not run, and what would run it. Printed, and kept in the file that `PICAM_SKIPS`
/// names: `scripts/test` shows and counts what cargo hides of passing tests.
pub fn skip(reason: &str, run: &str) {
    let line = format!("SKIPPED: {reason}; run: {run}\n");
    eprint!("{line}");
    if let Some(path) = std::env::var_os("PICAM_SKIPS") {
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// Whether a program is installed; prints the skip line if not.
pub fn have(program: &str, package: &str) -> bool {
    let found = Command::new(program)
        .arg(if program.starts_with("gst") {
            "--version"
        } else {
            "-version"
        })
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        skip(
            &format!("{program} is not installed"),
            &format!("apt-get install {package}"),
        );
    }
    found
}

fn run(command: &mut Command) -> Result<Output, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?} does not run: {error}"))?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(format!(
            "{command:?}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// Decodes a file whole with ffmpeg, which must not print one line of complaint.
pub fn ffmpeg_decodes(file: &Path) -> Result<(), String> {
    let output = run(Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-xerror", "-i"])
        .arg(file)
        .args(["-map", "0:v", "-map", "0:a?", "-f", "null", "-"]))?;
    if output.stderr.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "ffmpeg on {}: {}",
            file.display(),
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// How many pictures ffmpeg's decoder makes of the first video track; 0 if the file cannot be opened. Damage is
/// no error here: what comes out is counted.
pub fn decoded_pictures(file: &Path) -> usize {
    let output = Command::new("ffprobe")
        .args(["-v", "quiet", "-count_frames", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .expect("ffprobe runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.lines().next().unwrap_or_default();
    number.trim_matches(',').parse().unwrap_or(0)
}

/// Checksums of the pictures that ffmpeg decodes and a filter (`null`: all) lets through. Any complaint is a failure.
pub fn frame_checksums(file: &Path, filter: &str) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-vf", filter, "-f", "framemd5", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.is_empty(), "{}: {complaint}", file.display());
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let last = |line: &str| {
        line.rsplit(',')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    lines.map(last).collect()
}

/// ffprobe's view of a file: format and streams, and optionally every packet.
pub fn ffprobe(file: &Path, packets: bool) -> Result<serde_json::Value, String> {
    let mut command = Command::new("ffprobe");
    command.args([
        "-v",
        "error",
        "-of",
        "json",
        "-show_format",
        "-show_streams",
    ]);
    if packets {
        command.args(["-show_packets", "-select_streams", "v:0"]);
    }
    let output = run(command.arg(file))?;
    if !output.stderr.is_empty() {
        return Err(format!(
            "ffprobe on {}: {}",
            file.display(),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

/// Plays a file's video through GStreamer's `qtdemux` and `avdec_h264` (or `_h265`).
pub fn gstreamer_plays(file: &Path) -> Result<(), String> {
    run(Command::new("gst-launch-1.0")
        .arg("-q")
        .arg("filesrc")
        .arg(format!("location={}", file.display()))
        .args(["!", "qtdemux", "!", "decodebin", "!", "fakesink"]))
    .map(drop)
}

/// Decodes a file's video to 8-bit grey pictures of `width` x `height` and hands each over.
pub fn grey_frames(
    input: &[&str],
    width: usize,
    height: usize,
    mut each: impl FnMut(&[u8]),
) -> Result<(), String> {
    let mut child = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(input)
        .args([
            "-map",
            "0:v:0",
            "-fps_mode",
            "passthrough",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "gray",
            "-",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut frame = vec![0; width * height];
    if let Some(mut out) = child.stdout.take() {
        while std::io::Read::read_exact(&mut out, &mut frame).is_ok() {
            each(&frame);
        }
    }
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if output.status.success() && output.stderr.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "ffmpeg {input:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// Reads the frame number that the simulated camera burns into every picture: 32 square cells of
/// width/40 pixels (4 at least), the first at (4, 1) cells, most significant bit first.
pub fn barcode(grey: &[u8], width: usize) -> u32 {
    let cell = (width / 40).max(4);
    (0..32).fold(0, |number, bit| {
        let x = (4 + bit) * cell + cell / 2;
        let y = cell + cell / 2;
        number << 1 | u32::from(grey.get(y * width + x).copied().unwrap_or(0) > 126)
    })
}
