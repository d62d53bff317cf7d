//! `picam recover DIR`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use picam_mp4::{Mended, RecordError, RecoverError, SegmentState};
use picam_recorder::lock_directory;
use picam_ring::{
    Directory, FsDirectory, Lenders, Needs, SegmentName, SlotName, look, recover_slot,
};

use super::failure::Failure;
use crate::text;

/// Finishes every segment that was cut off, and mends what is damaged; fails if one could not be.
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
    let entries = directory.list().map_err(cannot)?;
    let mut slots: Vec<SlotName> = entries
        .iter()
        .filter_map(|entry| SlotName::parse(&entry.name))
        .collect();
    slots.sort_by_key(SlotName::to_string);
    let lenders = Lenders::new(&directory, slots.clone());
    let mut sums = Sums::default();
    for slot in slots {
        let line = match one(&directory, slot, &lenders) {
            Ok(Outcome::Nothing) => continue,
            Ok(outcome) => sums.add(&outcome, slot),
            Err(error) => {
                sums.failed += 1;
                format!("FAILED {slot}: {error}")
            }
        };
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{shown}: {sums}")?;
    out.flush()?;
    match sums.failed {
        0 => Ok(()),
        _ => Err(Failure::silent()),
    }
}

/// What became of a file.
enum Outcome {
    /// There was nothing to do.
    Nothing,
    /// It was cut off, and is finished now under this name.
    Recovered(SegmentName, Mended),
    /// It was finished, and what of it was damaged is mended.
    Repaired(Mended),
    /// There is no footage in it; it is a spare slot now.
    Spare,
}

fn one(
    directory: &FsDirectory,
    slot: SlotName,
    lenders: &Lenders<'_, FsDirectory>,
) -> Result<Outcome, RecoverError> {
    let spare = matches!(slot, SlotName::Spare { .. });
    if spare && look(directory, slot)?.needs != Needs::Recovery {
        return Ok(Outcome::Nothing);
    }
    let (now, mended) = match recover_slot(directory, slot, &|crc| lenders.lend(crc)) {
        // Not a segment at all, whatever it is called.
        Err(RecoverError::Record(RecordError::Foreign)) => return Ok(Outcome::Nothing),
        done => done?,
    };
    Ok(match (now, mended.was) {
        (SlotName::Spare { .. }, _) => Outcome::Spare,
        (SlotName::Segment(name), SegmentState::Recording) => Outcome::Recovered(name, mended),
        (_, SegmentState::Finished) if mended.changed() => Outcome::Repaired(mended),
        (_, SegmentState::Finished) => Outcome::Nothing,
    })
}

#[derive(Default)]
struct Sums {
    recovered: u64,
    repaired: u64,
    empty: u64,
    failed: u64,
}

impl Sums {
    /// Counts it; says what is printed of it.
    fn add(&mut self, outcome: &Outcome, slot: SlotName) -> String {
        match outcome {
            Outcome::Recovered(name, mended) => {
                self.recovered += 1;
                format!("recovered {name}{}", details(mended, false))
            }
            Outcome::Repaired(mended) => {
                self.repaired += 1;
                format!("repaired {slot}{}", details(mended, true))
            }
            Outcome::Spare | Outcome::Nothing => {
                self.empty += 1;
                format!("{slot} held no footage yet: a spare slot again")
            }
        }
    }
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let segments = text::count(self.recovered, "segment");
        write!(f, "{segments} recovered")?;
        let others = [
            (self.repaired, "repaired"),
            (self.empty, "without footage"),
            (self.failed, "FAILED"),
        ];
        for (n, what) in others.into_iter().filter(|(n, _)| *n > 0) {
            write!(f, ", {n} {what}")?;
        }
        Ok(())
    }
}

/// What was mended, and what is lost.
fn details(mended: &Mended, index: bool) -> String {
    let mut parts = Vec::new();
    for (done, what) in [
        (mended.header, "header mended"),
        (mended.init, "init mended"),
        (mended.index && index, "index made anew"),
    ] {
        if done {
            parts.push(what.to_owned());
        }
    }
    if mended.damaged > 0 {
        let fragments = text::count(mended.damaged.into(), "damaged fragment");
        parts.push(format!("{fragments} kept as far as they can be shown"));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!(": {}", parts.join(", ")),
    }
}
