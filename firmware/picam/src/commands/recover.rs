//! `picam recover DIR`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use picam_ring::{Directory, FsDirectory, Needs, SlotName, look, recover_slot};

use super::failure::Failure;
use crate::record::lock_directory;
use crate::text;

/// Finishes every segment that was cut off; fails if one of them could not be.
pub(crate) fn run(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let cannot = |error: io::Error| {
        Failure::new(format!(
            "{shown} cannot be opened ({error}); name the directory that holds the segments"
        ))
    };
    let lock = File::open(path).map_err(cannot)?;
    let directory = FsDirectory::open(path, false).map_err(cannot)?;
    lock_directory(&lock).map_err(|error| match error.kind() {
        io::ErrorKind::ResourceBusy => Failure::new(format!(
            "a recorder is using {shown}: it recovers by itself what was cut off; stop it first if \
             you want to do it by hand"
        )),
        _ => Failure::new(format!("{shown} cannot be locked: {error}")),
    })?;
    let mut out = io::stdout().lock();
    let (mut recovered, mut empty, mut failed) = (0, 0, 0);
    let entries = directory.list().map_err(cannot)?;
    let mut slots: Vec<SlotName> = entries
        .iter()
        .filter_map(|entry| SlotName::parse(&entry.name))
        .collect();
    slots.sort_by_key(SlotName::to_string);
    for slot in slots {
        let now = match look(&directory, slot).map(|seen| seen.needs) {
            Ok(Needs::Recovery) => {
                recover_slot(&directory, slot).map_err(|error| error.to_string())
            }
            Ok(Needs::Nothing | Needs::Time) => continue,
            Err(error) => Err(format!("it cannot be read: {error}")),
        };
        match now {
            Ok(SlotName::Segment(name)) => {
                recovered += 1;
                writeln!(out, "recovered {name}")?;
            }
            Ok(SlotName::Spare { .. }) => {
                empty += 1;
                writeln!(out, "{slot} held no footage yet: a spare slot again")?;
            }
            Err(error) => {
                failed += 1;
                writeln!(out, "FAILED {slot}: {error}")?;
            }
        }
    }
    let segments = text::count(recovered, "segment");
    write!(out, "{shown}: {segments} recovered")?;
    if empty > 0 {
        write!(out, ", {empty} without footage")?;
    }
    if failed > 0 {
        write!(out, ", {failed} FAILED")?;
    }
    writeln!(out)?;
    out.flush()?;
    match failed {
        0 => Ok(()),
        _ => Err(Failure::silent()),
    }
}
