//! The other end of the socket.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::live::{LiveSource, PROTOCOL};
use crate::lock::Origin;
use crate::orders::{Denied, Order, OrderTaker, Save, Saved, Why};
use crate::picture::{CameraPicture, PictureSource, Wanted};
use crate::status::{Status, StatusSource, StatusUnavailable};
use crate::stills::StillMade;

use crate::exchange::{exchange, send};
use crate::message::{Reply, Request};

/// The recorder may be waiting for the card while it puts its status together.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// A camera may send a key frame every ten seconds, and others may wait for stills, too.
const STILL_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest answer in bytes.
const MAX_REPLY: u64 = 1 << 20;

/// Asks the recorder behind `socket`.
pub fn ask(socket: &Path, request: Request) -> io::Result<Reply> {
    let timeout = match request {
        Request::Still { .. } => STILL_TIMEOUT,
        _ => REPLY_TIMEOUT,
    };
    exchange(socket, &request, timeout, MAX_REPLY)
}

/// The recorder in another process.
#[derive(Debug, Clone)]
pub struct RemoteRecorder {
    /// Where it listens.
    pub socket: PathBuf,
}

impl StatusSource for RemoteRecorder {
    fn status(&self) -> Result<Status, StatusUnavailable> {
        match ask(&self.socket, Request::Status {}) {
            Ok(Reply::Status(status)) => Ok(*status),
            Err(error) => Err(StatusUnavailable {
                reason: format!("the recorder does not answer: {error}"),
                remedy: "it is started again by itself; if that does not help, look into its log"
                    .into(),
            }),
            reply => {
                let Denied { reason, remedy, .. } = denied(reply);
                Err(StatusUnavailable { reason, remedy })
            }
        }
    }
}

impl OrderTaker for RemoteRecorder {
    fn order(&self, order: Order) -> Result<(), Denied> {
        match ask(&self.socket, Request::Page { order }) {
            Ok(Reply::Done) => Ok(()),
            reply => Err(denied(reply)),
        }
    }

    fn save(&self, save: Save) -> Result<Saved, Denied> {
        let origin = Origin::Page;
        match ask(&self.socket, Request::Save { save, origin }) {
            Ok(Reply::Saved(saved)) => Ok(*saved),
            reply => Err(denied(reply)),
        }
    }

    fn still(&self, camera: &str) -> Result<StillMade, Denied> {
        let camera = camera.to_owned();
        match ask(&self.socket, Request::Still { camera }) {
            Ok(Reply::Still(made)) => Ok(*made),
            reply => Err(denied(reply)),
        }
    }
}

impl PictureSource for RemoteRecorder {
    fn picture(&self, camera: &str, set: Wanted, origin: Origin) -> Result<CameraPicture, Denied> {
        let camera = camera.to_owned();
        let request = Request::Picture {
            camera,
            set,
            origin,
        };
        match ask(&self.socket, request) {
            Ok(Reply::Picture(picture)) => Ok(*picture),
            reply => Err(denied(reply)),
        }
    }
}

impl LiveSource for RemoteRecorder {
    fn follow(&self, camera: char) -> Result<UnixStream, Denied> {
        match follow(&self.socket, camera) {
            Ok((Reply::Live { protocol: PROTOCOL }, stream)) => Ok(stream),
            reply => Err(denied(reply.map(|(reply, _)| reply))),
        }
    }
}

/// What an answer that is no yes comes to.
fn denied(reply: io::Result<Reply>) -> Denied {
    let (reason, remedy) = match reply {
        Ok(Reply::Refused {
            reason,
            remedy,
            why,
        }) => return Denied::new(why, reason, remedy),
        Ok(_) => (
            "the recorder's answer makes no sense".into(),
            "update both to the same version",
        ),
        Err(error) => (
            format!("the recorder does not answer: {error}"),
            "try again in a few seconds",
        ),
    };
    Denied::new(Why::Unavailable, reason, remedy)
}

/// Asks for a camera's pictures; they are what can be read from the stream next.
fn follow(socket: &Path, camera: char) -> io::Result<(Reply, UnixStream)> {
    let mut stream = send(socket, &Request::Live { camera }, REPLY_TIMEOUT)?;
    let mut line = Vec::new();
    let mut byte = [0];
    // Not a byte more than the line: what follows is no text.
    while byte != *b"\n" && line.len() < MAX_REPLY as usize {
        stream.read_exact(&mut byte)?;
        line.extend(byte);
    }
    Ok((serde_json::from_slice(&line)?, stream))
}
