//! `picam support`: the text for whoever helps the owner.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use crate::settings_service::{Place, Reply, Request, ask};

/// Options of the command.
#[derive(Debug, Args)]
pub(crate) struct SupportArgs {
    /// Socket of `picam settings`, which makes the file
    #[arg(
        long,
        value_name = "SOCKET",
        default_value = "/run/picam-settings.sock"
    )]
    settings: PathBuf,
    /// Write it onto the boot partition as picam-support.txt, for a PC, instead of printing it
    #[arg(long)]
    to_card: bool,
}

/// Prints it, or has it written.
pub(crate) fn run(args: &SupportArgs) -> Result<(), Failure> {
    let to = args.to_card.then_some(Place::Card);
    let socket = args.settings.display();
    let reply = ask(&args.settings, &Request::Support { to }).map_err(|error| {
        Failure::new(format!(
            "the settings service at {socket} does not answer: {error}; run this on the camera, as root"
        ))
    })?;
    match reply {
        Reply::Support(file) => {
            let mut out = io::stdout().lock();
            out.write_all(file.text.as_bytes())?;
            Ok(out.flush()?)
        }
        Reply::Done => Ok(()),
        Reply::Refused { reason, remedy, .. } => Err(Failure::new(format!("{reason}; {remedy}"))),
        Reply::Settings(_) => Err(Failure::new(
            "the settings service's answer makes no sense; update both to the same version",
        )),
    }
}
