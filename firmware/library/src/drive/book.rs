//! What is kept of drives between requests: how they were put together, and what their segments say of the way.
//!
//! Reading where a segment's car was takes its index and a few hundred small reads. So that nobody waits for that and
//! the card has time for the recorder, an answer tells what is known by then, and a turn of reading ([`DriveBook::read`])
//! follows it, which ends after [`TURN`]. It goes on only while somebody asks, and one at a time. What was read of a
//! finished segment is kept until that leaves the card.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use picam_mp4::recover::read_record;
use picam_ring::Volume;

use super::covered::{Said, covering, track, travelled};
use super::positions::Positions;
use super::{Drive, Fix, Part, Travelled, drives};
use crate::footage;
use crate::index::Listing;
use crate::library::Library;
use crate::segment::{Segment, State};
use crate::{clip, track as tracks};

/// A turn of reading ends after that.
const TURN: Duration = Duration::from_millis(250);
/// Segments whose fixes are kept, at 1 to 20 kB each.
const MOST: usize = 4096;

/// What tells a segment from every other.
pub(super) type Key = (Volume, [u8; 16], char, u64);

pub(super) fn key(segment: &Segment) -> Option<Key> {
    let boot = segment.boot_id?;
    Some((segment.volume, boot, segment.camera, segment.sequence))
}

/// What is known of drives.
#[derive(Debug, Default)]
pub struct DriveBook {
    latest: Mutex<Latest>,
    said: Mutex<HashMap<Key, Arc<Said>>>,
    /// Held by whoever reads.
    turn: Mutex<()>,
}

/// The drives of the last listing.
#[derive(Debug, Default)]
struct Latest {
    of: Arc<Listing>,
    drives: Arc<Vec<Drive>>,
    /// How long those are that are being recorded, by their sizes.
    growing: HashMap<Key, (u64, Duration)>,
}

// All of it is true after each change.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DriveBook {
    /// The drives of a listing, the newest first. Blocks: each segment that has grown is looked through.
    pub fn drives(&self, library: &Library, listing: &Arc<Listing>) -> Arc<Vec<Drive>> {
        let mut latest = held(&self.latest);
        if Arc::ptr_eq(&latest.of, listing) {
            return Arc::clone(&latest.drives);
        }
        let mut growing = HashMap::new();
        for segment in &listing.segments {
            let Some(key) = key(segment).filter(|_| segment.state == State::Recording) else {
                continue;
            };
            let known = latest.growing.get(&key).copied();
            let length = match known.filter(|(size, _)| *size == segment.size) {
                Some((_, length)) => length,
                None => length_of(library, segment).unwrap_or_default(),
            };
            growing.insert(key, (segment.size, length));
        }
        let length = |segment: &Segment| {
            let known = key(segment).and_then(|key| growing.get(&key));
            known.map_or(Duration::ZERO, |&(_, length)| length)
        };
        let drives = Arc::new(drives(&listing.segments, length));
        let there: HashSet<Key> = listing.segments.iter().filter_map(|s| key(s)).collect();
        held(&self.said).retain(|key, _| there.contains(key));
        *latest = Latest {
            of: Arc::clone(listing),
            drives: Arc::clone(&drives),
            growing,
        };
        drives
    }

    /// How far a drive went, by what has been read so far.
    pub fn travelled(&self, drive: &Drive) -> Travelled {
        let said = held(&self.said);
        travelled(drive, |part| {
            said.get(&key(&part.segment)?).map(AsRef::as_ref)
        })
    }

    /// Where a drive went, by what has been read so far: `most` fixes, evenly.
    pub fn track(&self, drive: &Drive, most: usize) -> Vec<Fix> {
        let said = held(&self.said);
        let said = |part: &Part| said.get(&key(&part.segment)?).map(AsRef::as_ref);
        track(drive, said, most)
    }

    /// Reads where the car was in these drives, in this order, for a quarter of a second at most. Returns at once if somebody
    /// else does.
    pub fn read<'a>(&self, library: &Library, wanted: impl IntoIterator<Item = &'a Drive>) {
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let began = Instant::now();
        let wanted: Vec<&Drive> = wanted.into_iter().collect();
        for drive in &wanted {
            for (part, _) in covering(drive) {
                let Some(key) = key(&part.segment) else {
                    continue;
                };
                let has_room = {
                    let mut said = held(&self.said);
                    if said.contains_key(&key) {
                        continue;
                    }
                    make_room(&mut said, &wanted, MOST)
                };
                if !has_room || began.elapsed() >= TURN {
                    return;
                }
                // What cannot be read is not tried again and again; what was renamed meanwhile is.
                let read = match read(library, &part.segment) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    other => other.unwrap_or_default(),
                };
                held(&self.said).insert(key, Arc::new(Said::new(read)));
            }
        }
    }
}

/// Whether one more can be kept; if there are too many, those go that are not `wanted` now, of another page of the list, say.
pub(super) fn make_room(
    said: &mut HashMap<Key, Arc<Said>>,
    wanted: &[&Drive],
    most: usize,
) -> bool {
    if said.len() >= most {
        let parts = wanted.iter().flat_map(|drive| drive.parts());
        let keys: HashSet<Key> = parts.filter_map(|part| key(&part.segment)).collect();
        said.retain(|key, _| keys.contains(key));
    }
    said.len() < most
}

fn read(library: &Library, segment: &Segment) -> io::Result<Positions> {
    let file = footage::open(library.dir(segment), &segment.parsed)?;
    let (record, _) = read_record(&file).map_err(io::Error::other)?;
    if Some(record.boot_id) != segment.boot_id || record.sequence != segment.sequence {
        return Err(io::ErrorKind::NotFound.into());
    }
    let found = tracks::fixes(&file, &record)?;
    let found = found.ok_or(io::ErrorKind::NotFound)?;
    Ok(Positions::new(record.start_boot, found))
}

/// How long a segment is by now that is being recorded.
fn length_of(library: &Library, segment: &Segment) -> Option<Duration> {
    let file = footage::open(library.dir(segment), &segment.parsed).ok()?;
    let (record, state) = read_record(&file).ok()?;
    Some(clip::shown(&file, &record, state))
}
