//! Reads what was written back from the medium itself: does the card hold what it took, and does it still?
//!
//! A forged card says that it is larger than it is: what is written beyond its end is dropped, or lands on what was written
//! before. So the last fragment of every segment is read once the segment is finished, past the page cache; and of the others
//! one fragment of one segment at a time, round and round, which finds what was overwritten since, and rot.

use std::collections::{HashMap, HashSet};
use std::io;

use picam_mp4::fragment::FragmentRecord;
use picam_mp4::layout::{PAGE, SECTOR};
use picam_mp4::{Record, SegmentState};

use crate::catalog::{Catalog, Segment};
use crate::directory::Directory;
use crate::name::{SegmentName, SlotName};
use crate::sequence::digits_of;
use crate::slots::{Owner, SlotTable};

/// Finished segments read at once; more wait for the next turn.
const NEW_AT_ONCE: usize = 4;
/// Where a fragment's checksum lies in it; it is taken with these bytes as zero (docs/card-format.md).
const CRC: std::ops::Range<usize> = 52..56;
/// How much of a fragment is held at once, in bytes: whole pages.
const PIECE: usize = 16 * PAGE;

/// What reading back found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The slot holds something else than was written to it, or nothing.
    Forged(SlotName),
    /// The slot holds what was written to it, damaged.
    Rotten(SlotName),
}

/// A segment to look at, and which of its fragments, counted round; `None` for the last.
type Due = (SegmentName, Option<u64>);

/// What a look at one fragment showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Good,
    Rotten,
    NotWritten,
}

/// Remembers what was read already.
#[derive(Debug, Default)]
pub struct Readback {
    /// The newest segment of each camera whose end was read, or that was there before.
    read: HashMap<u8, HashSet<SegmentName>>,
    /// Counts the samples: which segment is next, and which of its fragments.
    samples: u64,
    known_bad: HashSet<SlotName>,
    forged: bool,
}

impl Readback {
    /// Whether the card turned out to be smaller than it says.
    pub const fn is_forged(&self) -> bool {
        self.forged
    }

    /// Reads the ends of a few segments that were finished since, and one fragment of another; sets aside the slots that do not
    /// hold what they took. To be called every so often: it reads some megabytes at most.
    pub fn next(&mut self, directory: &impl Directory, table: &SlotTable) -> Vec<Found> {
        let catalog = table.catalog();
        let mut found = Vec::new();
        let (new, sample) = self.due(&catalog);
        for (name, fragment) in new.into_iter().chain(sample) {
            let slot = SlotName::Segment(name);
            // Nobody shall write to it meanwhile.
            let Some(claim) = table.claim(slot, Owner::Housekeeper) else {
                continue;
            };
            // A segment that is being recorded, or cannot be read at all, says nothing.
            let seen = look(directory, name, claim.size(), fragment);
            if fragment.is_none() && !matches!(seen, Ok(None)) {
                self.read.entry(name.camera).or_default().insert(name);
            }
            let what = match seen {
                Ok(Some(Seen::NotWritten)) => Found::Forged(slot),
                Ok(Some(Seen::Rotten)) => Found::Rotten(slot),
                _ => continue,
            };
            if !self.known_bad.insert(slot) {
                continue;
            }
            found.push(what);
            table.set_aside(slot);
            if let Found::Forged(_) = what {
                drop(claim);
                self.keep_to_what_is_there(directory, table, &catalog);
            }
        }
        found
    }

    /// Which ends are to be read, and which fragment of which other segment.
    fn due(&mut self, catalog: &Catalog) -> (Vec<Due>, Option<Due>) {
        let mut new = Vec::new();
        let mut all: Vec<&Segment> = Vec::new();
        for camera in catalog.cameras() {
            let segments = catalog.ring(camera).segments();
            let read = self.read.entry(camera).or_insert_with(|| {
                // What was there before is sampled only.
                segments.iter().map(|segment| segment.name).collect()
            });
            let names: HashSet<SegmentName> = segments.iter().map(|segment| segment.name).collect();
            read.retain(|name| names.contains(name));
            let unread = names.iter().filter(|name| !read.contains(name));
            new.extend(unread.map(|name| (*name, None)));
            all.extend(segments);
        }
        new.sort_by_key(|(name, _)| name.to_string());
        new.truncate(NEW_AT_ONCE);
        self.samples += 1;
        let n = self.samples as usize;
        let sample = n
            .checked_rem(all.len())
            .and_then(|at| all.get(at))
            .map(|segment| (segment.name, Some(self.samples / all.len() as u64)));
        (new, sample)
    }

    /// The card has no more room than what was written well: slots that were never written are set aside, and none are made.
    fn keep_to_what_is_there(
        &mut self,
        directory: &impl Directory,
        table: &SlotTable,
        catalog: &Catalog,
    ) {
        self.forged = true;
        for camera in catalog.cameras() {
            let ring = catalog.ring(camera);
            table.set_target(camera, ring.len());
            for spare in ring.spares() {
                let medium = Medium::new(directory, spare.slot());
                let mut head = [0; PAGE];
                if medium.read(0, &mut head).is_err() || Record::parse(&head).is_err() {
                    table.set_aside(spare.slot());
                }
            }
        }
    }
}

/// Looks at one fragment of a finished segment: number `nth` of them, counted round, or the last.
fn look(
    directory: &impl Directory,
    name: SegmentName,
    size: u64,
    nth: Option<u64>,
) -> io::Result<Option<Seen>> {
    let medium = Medium::new(directory, SlotName::Segment(name));
    let mut head = [0; PAGE];
    medium.read(0, &mut head)?;
    let (record, state) = match Record::parse(&head) {
        Ok(read) => read,
        Err(_) => return Ok(Some(missing(&head))),
    };
    if digits_of(record.sequence) != name.sequence {
        return Ok(Some(Seen::NotWritten));
    }
    if state != SegmentState::Finished {
        return Ok(None);
    }
    let mut fragments = Vec::new();
    let mut at = u64::from(record.head_len) + u64::from(record.init_len);
    let mut frames = 0;
    let mut front = [0; PAGE];
    while at + PAGE as u64 <= size {
        medium.read(at, &mut front)?;
        let Some(fragment) = FragmentRecord::parse(&front).filter(|fragment| {
            fragment.sequence == record.sequence
                && fragment.index as usize == fragments.len()
                && at + u64::from(fragment.len) <= size
        }) else {
            break;
        };
        fragments.push((at, fragment));
        frames = fragment.counters.frames;
        at += u64::from(fragment.len);
    }
    if frames < record.counters.frames {
        // It was written further than it can be read.
        return Ok(Some(missing(&front)));
    }
    let pick = match nth {
        Some(nth) => nth.checked_rem(fragments.len() as u64).unwrap_or(0) as usize,
        None => fragments.len().saturating_sub(1),
    };
    fragments
        .get(pick)
        .map(|&(at, fragment)| check(&medium, at, &fragment, record.sequence))
        .transpose()
}

/// Compares a fragment with its checksum, piece by piece: a key frame may be megabytes.
fn check(
    medium: &Medium<'_, impl Directory>,
    at: u64,
    fragment: &FragmentRecord,
    sequence: u64,
) -> io::Result<Seen> {
    // Somebody else's beginnings in the middle of it.
    let foreign = |page: &[u8]| {
        Record::parse(page).is_ok()
            || FragmentRecord::parse(page).is_some_and(|other| other.sequence != sequence)
    };
    let mut piece = vec![0; PIECE.min(fragment.len as usize)];
    let mut crc = crc32fast::Hasher::new();
    let mut overwritten = false;
    let mut read = 0;
    while read < fragment.len {
        let left = (fragment.len - read) as usize;
        let len = left.min(piece.len());
        let Some(bytes) = piece.get_mut(..len) else {
            break;
        };
        medium.read(at + u64::from(read), bytes)?;
        if let (0, Some(crc)) = (read, bytes.get_mut(CRC)) {
            crc.fill(0);
        }
        crc.update(bytes);
        // The last page may be all padding.
        let mut pages = bytes.chunks(PAGE);
        let last = (len == left).then(|| pages.next_back()).flatten();
        overwritten |=
            pages.any(|page| foreign(page) || uniform(page)) || last.is_some_and(foreign);
        read += len as u32;
    }
    Ok(match (crc.finalize() == fragment.crc, overwritten) {
        (true, _) => Seen::Good,
        (false, true) => Seen::NotWritten,
        (false, false) => Seen::Rotten,
    })
}

/// What lies where a record should be: something else, or nothing, or what cannot be read any more.
fn missing(page: &[u8; PAGE]) -> Seen {
    let front = page.get(..SECTOR).unwrap_or_default();
    let foreign = FragmentRecord::parse(front).is_some() || Record::parse(front).is_ok();
    match uniform(front) || foreign {
        true => Seen::NotWritten,
        false => Seen::Rotten,
    }
}

/// Whether nothing was ever written there: all bytes are the same.
fn uniform(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| Some(byte) == bytes.first())
}

/// A file as the medium holds it.
struct Medium<'a, D> {
    directory: &'a D,
    name: String,
}

impl<'a, D: Directory> Medium<'a, D> {
    fn new(directory: &'a D, slot: SlotName) -> Self {
        Self {
            directory,
            name: slot.to_string(),
        }
    }

    /// Fills `buf`, which is of whole pages, from there on.
    fn read(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        match self.directory.read_uncached(&self.name, offset, buf)? {
            read if read == buf.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
