//! Plugs a USB camera made of software into this machine's kernel, which must have `vhci_hcd`. It stays until it is
//! killed, which is how it is pulled out. Prints a line for each thing that happens:
//! `plugged in`, `started mjpeg`, `delivered 17`, `brightness 77`.

use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use picam_guest_tests::uvc::camera::{Camera, Film, Happened};
use picam_guest_tests::uvc::descriptors::Identity;
use picam_guest_tests::uvc::pictures;

#[derive(Parser)]
struct Arguments {
    /// Port of the hub, from 0.
    #[arg(long, default_value_t = 0)]
    port: u8,
    /// Serial number.
    #[arg(long, default_value = "0001")]
    serial: String,
    /// Size of the pictures, WIDTHxHEIGHT.
    #[arg(long, value_parser = size)]
    size: (u16, u16),
    /// Pictures a second.
    #[arg(long, default_value_t = 30)]
    fps: u32,
    /// JPEG pictures, one behind the other.
    #[arg(long)]
    mjpeg: PathBuf,
    /// The same ones, brighter: shown as JPEG when the brightness is set beyond 160.
    #[arg(long)]
    bright: Option<PathBuf>,
    /// The same pictures in H.264, with access unit delimiters.
    #[arg(long)]
    h264: PathBuf,
    /// Number of the picture to begin with.
    #[arg(long, default_value_t = 0)]
    first: usize,
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parsed = text
        .split_once('x')
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    parsed.ok_or_else(|| format!("'{text}' is no size such as 640x360"))
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let film = Film {
        mjpeg: pictures::mjpeg(&arguments.mjpeg)?,
        h264: pictures::h264(&arguments.h264)?,
        bright: arguments
            .bright
            .map_or(Ok(Vec::new()), |file| pictures::mjpeg(&file))?,
        first: arguments.first,
    };
    let identity = Identity {
        size: arguments.size,
        fps: arguments.fps.max(1),
        serial: arguments.serial,
    };
    let mut out = std::io::stdout();
    let report = move |happened| {
        let line = match happened {
            Happened::PluggedIn => "plugged in".to_owned(),
            Happened::Started { h264: true } => "started h264".to_owned(),
            Happened::Started { h264: false } => "started mjpeg".to_owned(),
            Happened::Delivered(number) => format!("delivered {number}"),
            Happened::Brightness(value) => format!("brightness {value}"),
        };
        // Whoever does not read it does not stop a camera.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    };
    Camera::plug_in(arguments.port, identity, film, report)?.run()
}
