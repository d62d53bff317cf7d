//! The tools that judge, and the clips they make.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use picam_testkit::judges::have;

/// Runs a tool and gives what it wrote to stdout and stderr; panics unless it succeeds.
pub(crate) fn run(tool: &str, args: &[&str]) -> (Vec<u8>, String) {
    let output = Command::new(tool)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{tool} {args:?}: {stderr}");
    (output.stdout, stderr)
}

/// Makes a clip with ffmpeg from a moving test picture and noise.
pub(crate) struct Clip<'a> {
    pub(crate) seconds: u32,
    /// Shifts colours and noise, so that clips of one row differ.
    pub(crate) number: u32,
    pub(crate) size: &'static str,
    pub(crate) audio: bool,
    pub(crate) args: &'a [&'a str],
}

pub(crate) const CLIP: Clip<'static> = Clip {
    seconds: 4,
    number: 0,
    size: "320x180",
    audio: true,
    args: &[],
};

/// Two B-frames, a key frame every 20 of 25 frames a second, closed GOPs.
pub(crate) const B_FRAMES: &[&str] = &[
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
    pub(crate) fn make(&self, dir: &Path, name: &str) -> PathBuf {
        let path = dir.join(name);
        let video = format!(
            "testsrc2=s={}:r=25:d={},hue=h={}",
            self.size,
            self.seconds,
            self.number * 40
        );
        let audio = format!(
            "anoisesrc=c=pink:a=0.3:r=48000:seed={}:d={}",
            self.number, self.seconds
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
pub(crate) struct Packet {
    pub(crate) stream: usize,
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) size: u32,
    pub(crate) pos: u64,
    pub(crate) key: bool,
    pub(crate) discard: bool,
}

/// All packets of a file in the order of the streams, then of the file.
pub(crate) fn packets(path: &Path, input_args: &[&str]) -> Vec<Packet> {
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

/// One decoded picture: when it is shown, in microseconds, and the MD5 of its pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) us: i64,
    pub md5: String,
}

/// Decodes the pictures of a file or playlist; ffmpeg must have nothing to say about it.
pub(crate) fn frames(path: &Path) -> Vec<Frame> {
    let (frames, err) = frames_and_complaints(path);
    assert_eq!(err, "", "{path:?}");
    frames
}

/// The same, with what ffmpeg has to say.
pub(crate) fn frames_and_complaints(path: &Path) -> (Vec<Frame>, String) {
    let mut args = vec!["-v"];
    if path.extension().is_some_and(|ext| ext == "m3u8") {
        // It warns of every `moov` behind a discontinuity, whoever wrote it.
        args.extend(["error", "-allowed_extensions", "ALL"]);
        args.extend(["-protocol_whitelist", "file,crypto"]);
    } else {
        args.extend(["warning", "-copyts"]);
    }
    args.extend(["-i", path.to_str().unwrap(), "-map", "0:v:0"]);
    args.extend(["-fps_mode", "passthrough", "-enc_time_base", "1:1000000"]);
    args.extend(["-f", "framemd5", "-"]);
    let (out, err) = run("ffmpeg", &args);
    let out = String::from_utf8(out).unwrap();
    let frame = |line: &str| {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        Frame {
            us: fields[2].parse().unwrap(),
            md5: fields[5].to_string(),
        }
    };
    let lines = out.lines().filter(|l| !l.starts_with('#'));
    (lines.map(frame).collect(), err)
}

/// Decodes the sound of a file to 48 kHz mono.
pub(crate) fn sound(path: &Path) -> Vec<i16> {
    let input = path.to_str().unwrap();
    let args = [
        "-v", "warning", "-i", input, "-map", "0:a:0", "-ac", "1", "-f", "s16le", "-",
    ];
    let (out, err) = run("ffmpeg", &args);
    assert_eq!(err, "", "{path:?}");
    out.chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect()
}

/// Plays a file through GStreamer's demuxer and decoder without a warning from either.
pub(crate) fn gstreamer_plays(path: &Path) {
    if !have(
        "gst-launch-1.0",
        "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad",
    ) {
        return;
    }
    let pipeline = format!(
        "filesrc location={} ! qtdemux name=d d.video_0 ! queue ! h264parse ! fakesink",
        path.display()
    );
    let args: Vec<_> = ["-q", "--gst-debug=2"]
        .into_iter()
        .chain(pipeline.split_whitespace())
        .collect();
    let (_, err) = run("gst-launch-1.0", &args);
    // What it says of every progressive file, whoever wrote it, and of tracks it does not know.
    let usual = [
        "pad not activated yet",
        "failed to find fragment defaults",
        "unknown QuickTime node type",
    ];
    let complains = |line: &&str| {
        let warns = line.contains("WARN") || line.contains("ERROR");
        warns && !usual.iter().any(|usual| line.contains(usual))
    };
    let complaints: Vec<_> = err.lines().filter(complains).collect();
    assert!(complaints.is_empty(), "{path:?}: {complaints:?}");
}
