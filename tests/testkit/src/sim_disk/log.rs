//! What reached the disk, in order, and the flush that is left out to see whether anybody notices.

use std::rc::Rc;

use picam_mp4::Flush;
use picam_mp4::layout::{PAGE, SECTOR};

/// One thing that reached the disk, in order.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the fields are what the variants' lines name
pub enum Op {
    /// Bytes were written to a file.
    Write {
        file: usize,
        offset: u64,
        data: Rc<[u8]>,
    },
    /// A file was flushed.
    Flush { file: usize, scope: Flush },
    /// A flush failed. What was written since the last one is gone, as the kernel drops pages that it could not
    /// write; but the sectors in `kept` had reached the card by then, and may survive a cut.
    FailedFlush { file: usize, kept: Rc<[u64]> },
    /// A file was created, its length durable with its name.
    Create {
        file: usize,
        name: String,
        size: u64,
    },
    /// A file changed its name.
    Rename { from: String, to: String },
    /// A file was removed.
    Remove { name: String },
    /// The directory was synced.
    SyncDirectory,
    /// The caller's own note: how many frames it had handed over by now.
    Mark(u64),
}

/// How the protocol under test is broken on purpose: one kind of flush never happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Not at all.
    None,
    /// The flush between a fragment's bytes and the sector that shows them.
    FragmentFlush,
    /// The flush between the index and the sector that shows it.
    IndexFlush,
    /// The flush between the first fragment and the name that shows the file.
    NamingFlush,
    /// The sync of the directory.
    DirectorySync,
}

/// Which flush follows a write, told from the write alone.
pub(super) fn flush_after(offset: u64, data: &[u8]) -> Mutant {
    let page = data.len() == PAGE;
    match data.get(4..8) {
        Some(b"moof") if data.len() == SECTOR || page => Mutant::NamingFlush,
        _ if offset > 0 && page && data.get(PAGE - 28..PAGE - 24) == Some(b"ftyp") => {
            Mutant::IndexFlush
        }
        _ if offset == 0 => Mutant::None,
        _ => Mutant::FragmentFlush,
    }
}
