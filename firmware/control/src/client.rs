//! The other end of the socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::lock::Origin;
use crate::orders::{Denied, Order, OrderTaker, Save, Saved, Why};
use crate::status::{Status, StatusSource, StatusUnavailable};

use crate::exchange::exchange;
use crate::message::{Reply, Request};

/// The recorder may be waiting for the card while it puts its status together.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer in bytes.
const MAX_REPLY: u64 = 1 << 20;

/// Asks the recorder behind `socket`.
pub fn ask(socket: &Path, request: Request) -> io::Result<Reply> {
    exchange(socket, &request, REPLY_TIMEOUT, MAX_REPLY)
}

/// The recorder in another process.
#[derive(Debug, Clone)]
pub struct RemoteRecorder {
    /// Where it listens.
    pub socket: PathBuf,
}

impl StatusSource for RemoteRecorder {
    fn status(&self) -> Result<Status, StatusUnavailable> {
        let unavailable = |reason: String, remedy: &str| StatusUnavailable {
            reason,
            remedy: remedy.into(),
        };
        match ask(&self.socket, Request::Status {}) {
            Ok(Reply::Status(status)) => Ok(*status),
            Ok(Reply::Refused { reason, remedy, .. }) => Err(StatusUnavailable { reason, remedy }),
            Ok(_) => Err(unavailable(
                "the recorder's answer makes no sense".into(),
                "update both to the same version",
            )),
            Err(error) => Err(unavailable(
                format!("the recorder does not answer: {error}"),
                "it is started again by itself; if that does not help, look into its log",
            )),
        }
    }
}

impl OrderTaker for RemoteRecorder {
    fn order(&self, order: Order) -> Result<(), Denied> {
        match self.command(Request::Page { order })? {
            Reply::Done => Ok(()),
            _ => Err(nonsense()),
        }
    }

    fn save(&self, save: Save) -> Result<Saved, Denied> {
        let origin = Origin::Page;
        match self.command(Request::Save { save, origin })? {
            Reply::Saved(saved) => Ok(*saved),
            _ => Err(nonsense()),
        }
    }
}

impl RemoteRecorder {
    /// The answer to a command, unless it is a no.
    fn command(&self, request: Request) -> Result<Reply, Denied> {
        match ask(&self.socket, request) {
            Ok(Reply::Refused {
                reason,
                remedy,
                why,
            }) => Err(Denied::new(why, reason, remedy)),
            Ok(reply) => Ok(reply),
            Err(error) => Err(Denied::new(
                Why::Unavailable,
                format!("the recorder does not answer: {error}"),
                "try again in a few seconds",
            )),
        }
    }
}

fn nonsense() -> Denied {
    Denied::new(
        Why::Unavailable,
        "the recorder's answer makes no sense",
        "update both to the same version",
    )
}
