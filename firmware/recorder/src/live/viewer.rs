//! One viewer's thread: from the tap into a socket, as `picam_control::live` says.

use std::io::{self, IoSlice, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use picam_control::live::{Codec, Config, Header, Kind, PICTURE_HEAD_LEN, PictureHead};
use picam_media::ParameterSets;
use rustix::net::sockopt::set_socket_send_buffer_size;

use super::tap::{Next, Picture, Tap};

/// A viewer that takes not a byte for so long is cut off.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// After so long without a picture the viewer is told that there is none, which also shows whether it is still there.
const NOTHING_AFTER: Duration = Duration::from_secs(1);
/// What the kernel holds for a viewer, in bytes (it takes twice as much for its own books). What lies there is old
/// before it is read: a quarter of a second at 4 Mbit/s.
const SOCKET_BUFFER: usize = 128 << 10;

/// Serves until the viewer is gone (an error), or the camera (`Ok`).
pub(super) fn serve(tap: &Arc<Tap>, stream: &UnixStream) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    set_socket_send_buffer_size(stream, SOCKET_BUFFER)?;
    let mut reader = tap.follow();
    let mut viewer = Viewer {
        stream,
        sets: None,
        left_out: 0,
        head: Vec::new(),
    };
    loop {
        match reader.next(NOTHING_AFTER) {
            Next::Picture(picture, left_out) => {
                viewer.left_out += left_out;
                if !viewer.show(&picture)? {
                    reader.skip_to_key_frame();
                }
            }
            Next::Nothing => viewer.say(Kind::Nothing)?,
            Next::End => return viewer.say(Kind::End),
        }
    }
}

struct Viewer<'a> {
    stream: &'a UnixStream,
    /// What the viewer's decoder was told last.
    sets: Option<Arc<ParameterSets>>,
    /// Pictures left out since the last one that was sent.
    left_out: u64,
    /// What is sent before a picture's data.
    head: Vec<u8>,
}

impl Viewer<'_> {
    /// Sends a picture; `false` if it has to be left out, as its decoder would have to be told something new in the
    /// middle of a group.
    fn show(&mut self, picture: &Picture) -> io::Result<bool> {
        self.head.clear();
        if picture.sets != self.sets || self.sets.is_none() {
            let config = picture.sets.as_deref().filter(|_| picture.start.is_start());
            let Some(config) = config.and_then(encode) else {
                self.left_out += 1;
                return Ok(false);
            };
            self.header(Kind::Config, config.len())?;
            self.head.extend(config);
            self.sets.clone_from(&picture.sets);
        }
        let start = picture.start.is_start();
        let len = PICTURE_HEAD_LEN + picture.data.len();
        self.header(Kind::Picture { start }, len)?;
        let head = PictureHead {
            dts: picture.dts,
            pts: picture.pts,
            captured: picture.captured,
            dropped: u32::try_from(self.left_out).unwrap_or(u32::MAX),
        };
        self.head.extend(head.to_bytes());
        write_both(self.stream, &self.head, &picture.data)?;
        self.left_out = 0;
        Ok(true)
    }

    fn say(&mut self, kind: Kind) -> io::Result<()> {
        self.head.clear();
        self.header(kind, 0)?;
        self.stream.write_all(&self.head)
    }

    fn header(&mut self, kind: Kind, len: usize) -> io::Result<()> {
        let header = Header { kind, len }.to_bytes();
        self.head.extend(header.ok_or(io::ErrorKind::FileTooLarge)?);
        Ok(())
    }
}

/// Both in one call where the socket takes them, so that whoever reads is woken once.
fn write_both(mut to: &UnixStream, head: &[u8], data: &[u8]) -> io::Result<()> {
    let written = loop {
        match to.write_vectored(&[IoSlice::new(head), IoSlice::new(data)]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            written => break written?,
        }
    };
    to.write_all(head.get(written..).unwrap_or_default())?;
    let of_data = written.saturating_sub(head.len());
    to.write_all(data.get(of_data..).unwrap_or_default())
}

fn encode(sets: &ParameterSets) -> Option<Vec<u8>> {
    let config = Config {
        codec: match sets.codec {
            picam_media::Codec::H264 => Codec::H264,
            picam_media::Codec::H265 => Codec::H265,
        },
        width: sets.width,
        height: sets.height,
        vps: sets.vps.clone(),
        sps: sets.sps.clone(),
        pps: sets.pps.clone(),
    };
    let mut body = Vec::new();
    config.encode(&mut body)?;
    Some(body)
}
