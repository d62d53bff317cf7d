//! Options of `run` and `record`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use picam_capture::MicrophoneSpec;
use picam_sensors::gps::GpsSource;
use picam_sensors::motion::MotionSpec;

use crate::config::values::{check_segment, check_slot_size, check_slots};
use crate::config::{Loaded, LogFormat, SlotCount, load, load_over, parse_duration, parse_size};

/// Options of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) record: RecordOptions,
    /// Address and port of the page; beyond this machine a password must be configured
    /// [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
}

/// Options of `web`.
#[derive(Debug, Args)]
pub(crate) struct WebOptions {
    #[command(flatten)]
    pub(crate) files: ConfigFiles,
    /// The recorder's --control socket
    #[arg(long, value_name = "SOCKET")]
    pub(crate) recorder: PathBuf,
    /// The socket of `picam settings`, if the page may change the settings
    #[arg(long, value_name = "SOCKET")]
    pub(crate) settings: Option<PathBuf>,
    /// The --status file of `picam guard`, if the page shows the battery
    #[arg(long, value_name = "FILE")]
    pub(crate) guard: Option<PathBuf>,
    /// Directory of the segments, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub(crate) footage: Option<PathBuf>,
    /// Address and port of the page, instead of the configured one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
}

/// The configuration files.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct ConfigFiles {
    /// Configuration file. A value in it that cannot be used is logged, and its default is used
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Configuration file with a device's own defaults; --config goes over it
    #[arg(long, value_name = "FILE")]
    pub(crate) defaults: Option<PathBuf>,
}

impl ConfigFiles {
    /// Reads them, and says what in either could not be used.
    pub(crate) fn load(&self) -> Loaded {
        let mut loaded = self.defaults.as_deref().map(load).unwrap_or_default();
        if let Some(path) = &self.config {
            let Loaded { config, problems } = load_over(loaded.config, path);
            loaded.config = config;
            loaded.problems.extend(problems);
        }
        loaded
    }
}

/// Options of `record`. They go before the configuration file.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct RecordOptions {
    #[command(flatten)]
    pub(crate) files: ConfigFiles,
    /// Camera to record, instead of the configured ones; may be repeated
    /// [default: front=auto]
    ///
    /// auto is whatever camera is there, csi:NAME?size=WxH&fps=N&focus=infinity and v4l2:DEVICE?size=WxH&fps=N&format=FORMAT
    /// are those that picam probe lists, sim:?size=WxH&fps=N&bitrate=4M&audio=1 a simulated one,
    /// file:/PATH?loop=1&pace=off&fps=N a video file (H.264 or H.265 in MP4, MKV or Annex B),
    /// rtsp://[USER@]HOST/PATH#transport=udp&sound=off a network camera; its password stands in the configuration file.
    // Parsed later: the parser of options would repeat what it refuses, and that may hold a password.
    #[arg(long = "camera", value_name = "NAME=SOURCE")]
    pub(crate) cameras: Vec<String>,
    /// File that holds the configured cameras' passwords, in the form of the configuration file; where that is read by others,
    /// too, and has none
    #[arg(long, value_name = "FILE")]
    pub(crate) passwords: Option<PathBuf>,
    /// Drives a simulated car along a closed road: place and motion come into the footage. With --motion sim:60, something
    /// hits it each minute
    #[arg(long)]
    pub(crate) drive: bool,
    /// Where positions come from: auto (the gpsd of this machine), off, gpsd:HOST:PORT or
    /// serial:/dev/ttyX?baud=9600 [default: off]
    #[arg(long, value_name = "SOURCE", conflicts_with = "drive")]
    pub(crate) gps: Option<GpsSource>,
    /// Accelerometer: off, lis3dh, adxl345, mpu6050, lis3dh:/dev/i2c-1?address=0x18, or sim:60 for a simulated one with an
    /// impact each so many seconds [default: off]
    #[arg(long, value_name = "SENSOR")]
    pub(crate) motion: Option<MotionSpec>,
    /// Where sound comes from: alsa:NAME?rate=48000, sim: (a beep a second), off [default: off]
    #[arg(long, value_name = "SOURCE")]
    pub(crate) microphone: Option<MicrophoneSpec>,
    /// Directory for the segments, created if it is missing [default: ./footage]
    #[arg(long, value_name = "DIR")]
    pub(crate) footage: Option<PathBuf>,
    /// Nominal length of a segment, 1s to 10m [default: 60s]
    ///
    /// Slots are used to 90 % or more, so that a quiet scene's segment may last up to twice as long.
    #[arg(long, value_name = "DURATION", value_parser = segment)]
    pub(crate) segment: Option<Duration>,
    /// Slots of the ring, for all cameras together, or fill [default: 16]
    ///
    /// Each slot is a file that is made once and used again and again. "fill" makes as many as the
    /// disk holds: that is for a card of the camera's own.
    #[arg(long, value_name = "N|fill", value_parser = slots)]
    pub(crate) slots: Option<SlotCount>,
    /// Length of one slot, 1MiB to 16GiB [default: 32MiB]
    #[arg(long, value_name = "SIZE", value_parser = slot_size)]
    pub(crate) slot_size: Option<u64>,
    /// Unix socket at which other processes may ask how recording goes
    #[arg(long, value_name = "SOCKET")]
    pub(crate) control: Option<PathBuf>,
    /// File in which `picam firstboot disk` says why it did not take a USB disk; shown with the status
    #[arg(long, value_name = "FILE")]
    pub(crate) disk_note: Option<PathBuf>,
    /// User of a service that may command through that socket, by name or number; may be repeated
    ///
    /// It may tell the time, and lock footage for the button and for impacts. Root and the recorder's own user may do
    /// everything; everybody else who can open the socket may only ask.
    #[arg(long = "commander", value_name = "USER", requires = "control")]
    pub(crate) commanders: Vec<String>,
    /// User of the page, by name or number; may be repeated
    ///
    /// It may lock, delete and pause, each within bounds that the recorder holds it to.
    #[arg(long = "page-user", value_name = "USER", requires = "control")]
    pub(crate) page_users: Vec<String>,
    /// Form of the messages on stderr [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log: Option<LogFormat>,
    /// More messages; twice for all of them
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Errors only
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

fn segment(text: &str) -> Result<Duration, String> {
    check_segment(parse_duration(text)?)
}

fn slot_size(text: &str) -> Result<u64, String> {
    check_slot_size(parse_size(text)?)
}

fn slots(text: &str) -> Result<SlotCount, String> {
    match (text, text.parse()) {
        ("fill", _) => Ok(SlotCount::Fill),
        (_, Ok(count)) => check_slots(count),
        _ => Err("write a number of slots, or fill".to_owned()),
    }
}
