//! The tools that judge, and the clips they make.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a tool and gives what it wrote to stdout and stderr; panics unless it succeeds.
pub fn run(tool: &str, args: &[&str]) -> (Vec<u8>, String) {
    let output = Command::new(tool)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{tool} {args:?}: {stderr}");
    (output.stdout, stderr)
}

/// Whether a tool is there; says on stderr what is skipped for lack of it.
pub fn have(tool: &str, package: &str) -> bool {
    let found = Command::new(tool)
        .arg(if tool.starts_with("ff") {
            "-version"
        } else {
            "--version"
        })
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        eprintln!("SKIPPED: {tool} is not installed; run: apt-get install {package}");
    }
    found
}

/// Makes a clip with ffmpeg from a moving test picture and a tone.
pub struct Clip<'a> {
    pub seconds: u32,
    /// Shifts picture and tone, so that clips of one row differ.
    pub number: u32,
    pub size: &'static str,
    pub audio: bool,
    pub args: &'a [&'a str],
}

pub const CLIP: Clip<'static> = Clip {
    seconds: 4,
    number: 0,
    size: "320x180",
    audio: true,
    args: &[],
};

/// Two B-frames, a key frame every 20 of 25 frames a second, closed GOPs.
pub const B_FRAMES: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-bf",
    "2",
    "-g",
    "20",
    "-sc_threshold",
    "0",
];

impl Clip<'_> {
    pub fn make(&self, dir: &Path, name: &str) -> PathBuf {
        let path = dir.join(name);
        let video = format!(
            "testsrc2=s={}:r=25:d={},hue=h={}",
            self.size,
            self.seconds,
            self.number * 40
        );
        let audio = format!(
            "sine=f={}:r=48000:d={}",
            300 + 100 * self.number,
            self.seconds
        );
        let mut args = vec!["-v", "error", "-f", "lavfi", "-i", &video];
        if self.audio {
            args.extend(["-f", "lavfi", "-i", &audio]);
        }
        args.extend(["-pix_fmt", "yuv420p"]);
        args.extend(self.args);
        args.extend(["-bitexact", "-y"]);
        let path_arg = path.to_str().unwrap();
        args.push(path_arg);
        run("ffmpeg", &args);
        path
    }
}

/// One packet as ffprobe sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub stream: usize,
    pub pts: i64,
    pub dts: i64,
    pub size: u32,
    pub pos: u64,
    pub key: bool,
    pub discard: bool,
}

/// All packets of a file in the order of the streams, then of the file.
pub fn packets(path: &Path, input_args: &[&str]) -> Vec<Packet> {
    let mut args = vec!["-v", "error"];
    args.extend(input_args);
    args.extend([
        "-show_entries",
        "packet=stream_index,pts,dts,size,pos,flags",
        "-of",
        "compact=p=0",
        path.to_str().unwrap(),
    ]);
    let (out, err) = run("ffprobe", &args);
    assert_eq!(err, "", "{path:?}");
    let out = String::from_utf8(out).unwrap();
    let packet = |line: &str| {
        let field = |name: &str| {
            let fields = line.split('|').filter_map(|f| f.split_once('='));
            fields.clone().find(|(key, _)| *key == name).unwrap().1
        };
        Packet {
            stream: field("stream_index").parse().unwrap(),
            pts: field("pts").parse().unwrap(),
            dts: field("dts").parse().unwrap(),
            size: field("size").parse().unwrap(),
            pos: field("pos").parse().unwrap(),
            key: field("flags").contains('K'),
            discard: field("flags").contains('D'),
        }
    };
    let mut packets: Vec<Packet> = out.lines().filter(|l| !l.is_empty()).map(packet).collect();
    packets.sort_by_key(|p| p.stream);
    packets
}
