//! `picam inspect FILE`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use picam_ring::SlotName;

use super::failure::Failure;
use crate::inspect::inspect;

/// Shows one file; fails if anything is wrong with it.
pub(crate) fn run(path: &Path, json: bool) -> Result<(), Failure> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Failure::new(format!(
            "{shown} is a directory; `picam check {shown}` looks at all that is in it"
        )));
    }
    let report = inspect(&shown.to_string(), &file).map_err(|error| {
        let name = path.file_name().and_then(|name| name.to_str());
        match name.and_then(SlotName::parse) {
            Some(SlotName::Spare { .. }) => {
                Failure::new(format!("{shown}: a spare slot, without footage"))
            }
            _ => Failure::new(format!("{shown}: no player can open this as MP4: {error}")),
        }
    })?;
    let mut out = io::stdout().lock();
    match json {
        true => write_json(&mut out, &report)?,
        false => write!(out, "{report}")?,
    }
    out.flush()?;
    match report.faults.is_empty() {
        true => Ok(()),
        false => Err(Failure::silent()),
    }
}

/// Writes one JSON value and a newline.
pub(crate) fn write_json(out: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
