//! `picam time`: tells the recorder that the system's clock is right.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use picam_control::{Reply, Request, Source, ask};
use picam_time::{Clock, SystemClock, UtcUs};

use super::failure::Failure;

/// Hands the system's time to the recorder behind `socket`.
pub(crate) fn run(socket: &Path) -> Result<(), Failure> {
    let request = Request::SetTime {
        // A system's clock is right because a time server, or a receiver beside it, set it.
        source: Source::Ntp,
        boot: SystemClock.now(),
        utc: UtcUs::from(SystemTime::now()),
    };
    match ask(socket, request) {
        Ok(Reply::Refused { reason, remedy, .. }) => {
            Err(Failure::new(format!("{reason}; {remedy}")))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(no_answer(socket, &error)),
    }
}

pub(super) fn no_answer(socket: &Path, error: &io::Error) -> Failure {
    Failure::new(format!(
        "the recorder does not answer at {path}: {error}; start it with --control {path}",
        path = socket.display()
    ))
}
