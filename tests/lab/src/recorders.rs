//! The recorders, and how each is told to record into the footage disk.

use std::path::Path;

use crate::source::{RATE, Source};

/// Another recorder than picam. What each is told is what its own documentation says keeps files playable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// ffmpeg's segment muxer with plain MP4.
    FfmpegPlain,
    /// The same with a fragment a key frame.
    FfmpegFragmented,
    /// The same with a fragment a picture.
    FfmpegEveryPicture,
    /// The same with a fragment a key frame, made an ordinary MP4 in the end.
    FfmpegHybrid,
    /// GStreamer's splitmuxsink with robust muxing.
    GstreamerRobust,
}

impl Peer {
    /// What it is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::FfmpegPlain => "ffmpeg, plain MP4",
            Self::FfmpegFragmented => "ffmpeg, fragment a key frame",
            Self::FfmpegEveryPicture => "ffmpeg, fragment a picture",
            Self::FfmpegHybrid => "ffmpeg, hybrid_fragmented",
            Self::GstreamerRobust => "GStreamer, robust muxing",
        }
    }

    fn command(self, segment_s: u32) -> String {
        let ffmpeg = |options: &str| {
            format!(
                "ffmpeg -nostdin -v error -probesize 100000 -analyzeduration 0 -fflags +genpts -f h264 \
                 -framerate {RATE} -i pipe:0 -c copy -flush_packets 1 -f segment -segment_time {segment_s} \
                 -reset_timestamps 1 -segment_format mp4 {options} /footage/%06d.mp4"
            )
        };
        let flags = |flags: &str| ffmpeg(&format!("-segment_format_options movflags={flags}"));
        match self {
            Self::FfmpegPlain => ffmpeg(""),
            Self::FfmpegFragmented => flags("+frag_keyframe+empty_moov+default_base_moof"),
            Self::FfmpegEveryPicture => flags("+frag_every_frame+empty_moov+default_base_moof"),
            Self::FfmpegHybrid => flags("+hybrid_fragmented"),
            Self::GstreamerRobust => {
                let ns = u64::from(segment_s) * 1_000_000_000;
                let reserved = ns * 3;
                format!(
                    "gst-launch-1.0 -q --no-position fdsrc fd=0 ! tsdemux latency=1 ! h264parse \
                     ! splitmuxsink location=/footage/%06d.mp4 max-size-time={ns} use-robust-muxing=true \
                     muxer=\"qtmux reserved-max-duration={reserved} reserved-moov-update-period=500000000\""
                )
            }
        }
    }
}

/// What is recorded into.
#[derive(Debug, Clone, Copy)]
pub struct Ring {
    /// Nominal length of a segment in seconds.
    pub segment_s: u32,
    /// Files of each camera that are kept.
    pub files: u32,
    /// Length of picam's slots in MiB.
    pub slot_mib: u32,
}

/// How a run of picam ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `kill -9`.
    Killed,
    /// SIGTERM; then the disk is unmounted and mounted again.
    Remounted,
    /// Every camera played to its end.
    Played,
}

/// One run of picam.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    /// How it ends.
    pub end: End,
    /// The ring; slots of another size than before are replaced one after the other.
    pub ring: Ring,
    /// Whether the time of day is unknown for some seconds, as on a device.
    pub dated_late: bool,
}

/// A path as the guest sees it.
pub(crate) fn host(path: &Path) -> String {
    format!("/host{}", path.display())
}

/// As `footage.mount` of the camera does.
const MOUNT: &str =
    "mount -t exfat -o rw,noatime,lazytime,iocharset=utf8,errors=continue /dev/vda /footage";
/// After so many seconds somebody says what time it is.
const DATED_AFTER_S: u32 = 5;

/// The script that runs picam in the guest: the parts of the footage in order, one for each camera and phase.
pub fn picam_job(source: &Source, cameras: usize, phases: &[Phase], picam: &Path) -> String {
    let picam = host(picam);
    let mut job = String::from("cd /tmp\n");
    for (phase, streams) in phases.iter().zip(source.streams.chunks(cameras)) {
        let names = ["front", "rear"].iter().zip(streams);
        let cameras: String = names
            .map(|(name, stream)| format!(" --camera '{name}=file:{}?fps={RATE}'", host(stream)))
            .collect();
        let Ring {
            segment_s,
            files,
            slot_mib,
        } = phase.ring;
        let slots = files as usize * streams.len();
        let mut run = format!(
            "{picam} record --footage /footage{cameras} --segment {segment_s}s --slots {slots} --slot-size {slot_mib}MiB"
        );
        let mut most = source.style.part_s - 2;
        if phase.dated_late {
            run = format!(
                "echo 'system-clock = false' >late.toml\n{run} --config late.toml --control socket"
            );
        }
        run += " & pid=$!\n";
        if phase.dated_late {
            run += &format!("sleep {DATED_AFTER_S}\n{picam} time --recorder socket\n");
            most -= DATED_AFTER_S;
        }
        job += &run;
        job += &match phase.end {
            End::Killed => format!("sleep {most}.6\nkill -9 $pid\nwait $pid || true\n"),
            End::Remounted => {
                format!("sleep {most}.3\nkill $pid\nwait $pid\numount /footage\n{MOUNT}\n")
            }
            End::Played => "wait $pid\n".to_owned(),
        };
    }
    job
}

/// The script that runs a peer in the guest with the first part of the footage. `program` is the laboratory's,
/// which feeds it, and makes a ring as a script beside a recorder makes one: the oldest file goes. With `synced`,
/// it calls `sync` every second.
pub fn peer_job(peer: Peer, source: &Source, ring: Ring, synced: bool, program: &Path) -> String {
    let feed = feed(peer, source, program, 1);
    around(peer, ring, synced, program, &format!("{feed} >/tmp/feed\n"))
}

/// The same, but the footage is fed as often as is said, while a script runs beside it; its end is the end.
pub(crate) fn peer_job_beside(
    (peer, synced): (Peer, bool),
    source: &Source,
    ring: Ring,
    program: &Path,
    rounds: u32,
    script: &str,
) -> String {
    let feed = feed(peer, source, program, rounds);
    let inner = format!("{feed} >/tmp/feed & feed=$!\n{script}kill $feed\n");
    around(peer, ring, synced, program, &inner)
}

fn feed(peer: Peer, source: &Source, program: &Path, rounds: u32) -> String {
    // GStreamer's parser gives pictures of a bare stream no times, and its muxer takes none without.
    let (stream, begins, rounds) = if peer == Peer::GstreamerRobust {
        let (stream, begins) = source.transport(rounds);
        (stream, begins, 1)
    } else {
        (source.streams[0].clone(), source.begins[0].clone(), rounds)
    };
    let [program, stream, begins] = [program, &stream, &begins].map(host);
    format!("{program} guest feed {stream} {begins} {RATE} {rounds}")
}

fn around(peer: Peer, ring: Ring, synced: bool, program: &Path, feed: &str) -> String {
    let Ring {
        segment_s, files, ..
    } = ring;
    let command = peer.command(segment_s);
    let synced = if synced { " --synced" } else { "" };
    let program = host(program);
    // Libraries that a package's installation would have linked to.
    let libraries = ["blas", "lapack", "pulseaudio"]
        .map(|folder| format!("/usr/lib/x86_64-linux-gnu/{folder}"));
    let libraries = libraries.join(":");
    format!(
        "export LD_LIBRARY_PATH={libraries} HOME=/tmp
mkfifo /tmp/feed
{program} guest keep {files}{synced} & keep=$!
{command} </tmp/feed & pid=$!
{feed}wait $pid
kill $keep
"
    )
}
