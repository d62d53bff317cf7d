//! Looks over finished segments, a few at a time and newest first, and mends what the card damaged of their header, init and
//! index. Each is looked at once after a start: whatever damaged it, a player finds it whole again without anybody asking.

use std::collections::HashSet;

use picam_mp4::{Mended, RecoverError, SegmentState};

use crate::catalog::Segment;
use crate::directory::Directory;
use crate::lenders::Lenders;
use crate::name::{SegmentName, SlotName};
use crate::recovery::recover_claimed;
use crate::slots::{Owner, SlotTable};

/// Segments looked at in one turn. Each takes a read of 4 KiB or less a fragment.
const AT_ONCE: usize = 8;

/// Remembers what was looked at already.
#[derive(Debug, Default)]
pub struct Mender {
    looked_at: HashSet<SegmentName>,
}

impl Mender {
    /// Looks at the next few segments. Says which of them were damaged, and what became of it.
    pub fn next<D: Directory>(
        &mut self,
        directory: &D,
        table: &SlotTable,
    ) -> Vec<(SlotName, Result<Mended, RecoverError>)> {
        let catalog = table.catalog();
        let segments = |camera| catalog.ring(camera).segments().iter();
        let all: Vec<&Segment> = catalog.cameras().flat_map(segments).collect();
        let names: HashSet<SegmentName> = all.iter().map(|segment| segment.name).collect();
        self.looked_at.retain(|name| names.contains(name));
        let lenders = Lenders::new(directory, all.iter().map(|one| one.slot()).collect());
        let newest_first = catalog.cameras().flat_map(|camera| segments(camera).rev());
        let due: Vec<SegmentName> = newest_first
            .map(|segment| segment.name)
            .filter(|name| !self.looked_at.contains(name))
            .take(AT_ONCE)
            .collect();
        let mut found = Vec::new();
        for name in due {
            let slot = SlotName::Segment(name);
            // Whoever else has it, its recorder or a player's clip, is done by the next turn.
            let Some(mut claim) = table.claim(slot, Owner::Housekeeper) else {
                continue;
            };
            let mended = recover_claimed(&mut claim, directory, &|crc| lenders.lend(crc));
            // What the card refused may go well the next time.
            if !matches!(mended, Err(RecoverError::Io(_))) {
                self.looked_at.insert(name);
            }
            match mended {
                Ok(done) if done.was == SegmentState::Finished && !done.changed() => {}
                told => found.push((slot, told)),
            }
        }
        found
    }
}
