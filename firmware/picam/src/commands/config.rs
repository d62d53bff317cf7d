//! `picam config check FILE`.

use std::io::{self, Write};
use std::path::Path;

use super::failure::Failure;
use crate::config::load;

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
