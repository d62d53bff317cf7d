//! `picam microphone`: switches a recorder's microphone on or off.

use std::path::Path;

use picam_control::Request;

use super::failure::Failure;
use super::time::told;

/// What the microphone shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    /// Listening
    On,
    /// Not listening
    Off,
}

/// Tells the recorder behind `socket`.
pub(crate) fn run(socket: &Path, what: Switch) -> Result<(), Failure> {
    let on = what == Switch::On;
    told(socket, Request::Microphone { on }).map(drop)
}
