//! `picam reload`: has a recorder read the configuration's cameras anew.

use std::path::Path;

use picam_control::Request;

use super::failure::Failure;
use super::time::told;

/// Asks the recorder behind `socket`.
pub(crate) fn run(socket: &Path) -> Result<(), Failure> {
    told(socket, Request::Reload {}).map(drop)
}
