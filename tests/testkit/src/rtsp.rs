//! GStreamer's RTSP server, as a camera.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::judges::skip;

/// A running server; it is killed when this goes.
#[derive(Debug)]
pub struct RtspServer {
    child: Child,
    /// Where it listens on loopback.
    pub port: u16,
}

/// How a file is served as it is: the streams copied, the parameter sets in every group of pictures.
pub fn pipeline(file: &Path, codec: &str, sound: bool) -> String {
    let sound = match sound {
        true => "d.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97",
        false => "",
    };
    format!(
        "filesrc location={} ! qtdemux name=d d.video_0 ! queue ! {codec}parse config-interval=-1 ! \
         rtp{codec}pay name=pay0 pt=96 {sound}",
        file.display()
    )
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rtsp/serve")
}

/// Whether the server can run; else prints the skip line.
pub fn available() -> bool {
    let probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer";
    let found = Command::new("/usr/bin/python3")
        .args(["-c", probe])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        skip(
            "GStreamer's RTSP server is not installed",
            "apt-get install python3-gi gir1.2-gst-rtsp-server-1.0",
        );
    }
    found
}

impl RtspServer {
    /// Starts one with the arguments of `tests/rtsp/serve`.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .arg(script())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Self { child, port }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
