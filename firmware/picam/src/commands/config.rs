//! `picam config`.

use std::io::{self, Write};
use std::path::Path;

use super::failure::Failure;
use super::firstboot::device_defaults;
use crate::config::{example, load};

/// Prints a file that explains every key, over a device's own values if there are any.
pub(crate) fn print_example(defaults: Option<&Path>) -> Result<(), Failure> {
    let base = defaults.map(device_defaults);
    let mut out = io::stdout().lock();
    out.write_all(example(base.as_ref()).as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Lists everything that is wrong with a file; fails if anything is.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    let problems = load(path).problems;
    let mut out = io::stdout().lock();
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    if problems.is_empty() {
        writeln!(out, "{}: good", path.display())?;
    }
    out.flush()?;
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::silent_usage()),
    }
}
