//! `picam token`.

use std::io::{self, Write};

use picam_web::{Role, make_token};

use super::failure::Failure;

/// Makes a token and prints it, and its hash as a line of `picam.toml`.
pub(crate) fn run(owner: bool) -> Result<(), Failure> {
    let role = if owner { Role::Owner } else { Role::Viewer };
    let (token, hash) = make_token(role).map_err(|error| {
        Failure::new(format!("there are no random numbers: {error}; try again"))
    })?;
    let mut out = io::stdout();
    writeln!(out, "# For the program, shown this once: {token}")?;
    writeln!(out, "# For picam.toml, in [web]:\ntoken-hash = \"{hash}\"")?;
    Ok(())
}
