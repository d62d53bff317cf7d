//! Which boot records, counted on the card itself.

use picam_mp4::Record;
use picam_mp4::recover::read_record;

use crate::catalog::{Catalog, Ring};
use crate::directory::Directory;

/// Which boot this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// The kernel's boot id.
    pub id: [u8; 16],
    /// How many boots the card has seen.
    pub number: u32,
}

impl Boot {
    /// Numbers this boot one above the newest segment's, or the same if it is the same boot.
    /// Segments that cannot be read count for nothing.
    pub fn after(directory: &impl Directory, catalog: &Catalog, id: [u8; 16]) -> Self {
        let newest = catalog
            .cameras()
            .filter_map(|camera| newest_record(directory, catalog.ring(camera)))
            .max_by_key(|record| record.boot_number);
        let number = match newest {
            Some(record) if record.boot_id == id => record.boot_number,
            Some(record) => record.boot_number + 1,
            None => 1,
        };
        Self { id, number }
    }
}

/// The record of a ring's newest segment whose record can be read, among the likeliest.
pub(super) fn newest_record(directory: &impl Directory, ring: &Ring) -> Option<Record> {
    ring.newest_candidates()
        .iter()
        .take(4)
        .filter_map(|segment| record_of(directory, &segment.name.to_string()))
        .max_by_key(|record| record.sequence)
}

fn record_of(directory: &impl Directory, name: &str) -> Option<Record> {
    let file = directory.open(name).ok()?;
    read_record(&file).ok().map(|(record, _)| record)
}
