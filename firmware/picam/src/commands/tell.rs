//! `picam time`, `picam reload` and `picam microphone`: what the recorder is told.

use std::path::Path;
use std::time::SystemTime;

use clap::ValueEnum;
use picam_control::{Reply, Request, Source, ask};
use picam_time::{Clock, SystemClock, UtcUs};

use super::failure::Failure;

/// What set the system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum By {
    /// Time servers
    #[default]
    Ntp,
    /// A GPS receiver: what the recorder hears from that itself is then no second opinion
    Gps,
}

impl From<By> for Source {
    fn from(by: By) -> Self {
        match by {
            By::Ntp => Self::Ntp,
            By::Gps => Self::Gps,
        }
    }
}

/// What the microphone shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Listening
    On,
    /// Not listening
    Off,
}

/// Has the recorder behind `socket` read the configuration's cameras anew.
pub(crate) fn reload(socket: &Path) -> Result<(), Failure> {
    told(socket, Request::Reload {}).map(drop)
}

/// Switches the microphone of the recorder behind `socket` on or off.
pub(crate) fn microphone(socket: &Path, what: Switch) -> Result<(), Failure> {
    let on = what == Switch::On;
    told(socket, Request::Microphone { on }).map(drop)
}

/// Hands the system's time to the recorder behind `socket`: it is right.
pub(crate) fn time(socket: &Path, by: By) -> Result<(), Failure> {
    let request = Request::SetTime {
        source: by.into(),
        boot: SystemClock.now(),
        utc: UtcUs::from(SystemTime::now()),
    };
    told(socket, request).map(drop)
}

/// Has the recorder behind `socket` do it.
pub(super) fn told(socket: &Path, request: Request) -> Result<Reply, Failure> {
    match ask(socket, request) {
        Ok(Reply::Refused { reason, remedy, .. }) => {
            Err(Failure::new(format!("{reason}; {remedy}")))
        }
        Ok(reply) => Ok(reply),
        Err(error) => Err(Failure::new(format!(
            "the recorder does not answer at {path}: {error}; start it with --control {path}",
            path = socket.display()
        ))),
    }
}
