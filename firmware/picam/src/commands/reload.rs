//! `picam reload`: has a recorder read the configuration's cameras anew.

use std::path::Path;

use picam_control::{Reply, Request, ask};

use super::failure::Failure;
use super::time::no_answer;

/// Asks the recorder behind `socket`.
pub(crate) fn run(socket: &Path) -> Result<(), Failure> {
    match ask(socket, Request::Reload {}) {
        Ok(Reply::Refused { reason, remedy, .. }) => {
            Err(Failure::new(format!("{reason}; {remedy}")))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(no_answer(socket, &error)),
    }
}
