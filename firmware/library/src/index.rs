//! What is on the card, read from the card: the names of the files and their header records.
//!
//! A header is read again only when name, length or modification time of its file changed, or while it
//! is being recorded. While nothing was renamed, made or removed, only what may still grow is looked at;
//! once a minute, everything.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use picam_mp4::{SegmentState, shown};
use picam_ring::{Foreign, FsDirectory, FsKind, SegmentName, SlotName, Volume, is_filler};

use crate::footage;
use crate::segment::{Segment, State, unwrap_sequence};

/// The segments of a footage directory.
#[derive(Debug)]
pub(crate) struct Index {
    dir: PathBuf,
    volume: Volume,
    cache: Mutex<Cache>,
    latest: RwLock<Arc<Listing>>,
}

#[derive(Debug, Default)]
struct Cache {
    files: HashMap<String, Cached>,
    looked: Option<Looked>,
}

/// The last look at everything.
#[derive(Debug)]
struct Looked {
    at: Instant,
    directory: DirectoryStamp,
    /// Whether a change within the same tick of the filesystem's clock would have been seen.
    settled: bool,
}

/// As long as this is the same, so are the names in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DirectoryStamp {
    device: u64,
    inode: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
}

/// Everything is looked at at least so often: a file may have been written over on the spot.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The coarsest clock of a filesystem that footage lies on (FAT's).
const TICK: Duration = Duration::from_secs(2);

/// What one look at the card found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Newest first by sequence.
    pub segments: Vec<Arc<Segment>>,
    /// What else lies there.
    pub foreign: Foreign,
    /// Counts the listings that differed from the one before.
    pub version: u64,
}

#[derive(Debug)]
struct Cached {
    stamp: Stamp,
    segment: Arc<Segment>,
}

/// As long as this is the same, so is the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    /// Seconds since 1970, and nanoseconds.
    modified: (i64, i64),
    len: u64,
}

impl Index {
    /// An index of `dir`, which need not be there yet.
    pub(crate) fn new(dir: PathBuf, volume: Volume) -> Self {
        Self {
            dir,
            volume,
            cache: Mutex::default(),
            latest: RwLock::default(),
        }
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Looks at the card. Blocks: one `stat` and one read for each file that may still grow; and if
    /// anything else may have changed, one `readdir`, one `stat` a file, one read for each new file.
    pub(crate) fn refresh(&self) -> io::Result<Arc<Listing>> {
        // The cache holds nothing that a panic could leave half done.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = DirectoryStamp::of(&self.dir)?;
        let known = cache.looked.as_ref().is_some_and(|looked| {
            looked.settled && looked.directory == stamp && looked.at.elapsed() < LOOK_AGAIN
        });
        // What cannot be read any more is a matter for a look at everything.
        if known && let Ok(listing) = self.follow_growing(&mut cache.files) {
            return Ok(listing);
        }
        cache.looked = None;
        let (at, now) = (Instant::now(), SystemTime::now());
        let listing = self.look_at_all(&mut cache.files)?;
        cache.looked = Some(Looked {
            at,
            directory: stamp,
            settled: stamp.is_older_than(TICK, now),
        });
        Ok(listing)
    }

    fn look_at_all(&self, cache: &mut HashMap<String, Cached>) -> io::Result<Arc<Listing>> {
        let mut seen = HashMap::with_capacity(cache.len());
        let mut foreign = Foreign::default();
        for entry in FsDirectory::open(&self.dir, false)?.entries()? {
            let name = entry.name.to_str();
            if name.is_some_and(is_filler) {
                continue;
            }
            let stamp = match entry.kind {
                FsKind::File { size, modified } => Some(Stamp {
                    modified,
                    len: size,
                }),
                FsKind::Other | FsKind::Unknown => None,
            };
            match (name.and_then(SlotName::parse), stamp) {
                (Some(SlotName::Segment(name)), Some(stamp)) => {
                    // A file that vanished since, or that cannot be read, is not listed.
                    if let Ok(cached) = self.look_at(stamp, &name, cache) {
                        seen.insert(cached.segment.name.clone(), cached);
                    }
                }
                // What only has the name of a slot is nobody's footage.
                (Some(_), _) => {}
                (None, stamp) => {
                    foreign.files += 1;
                    foreign.bytes += stamp.map_or(0, |stamp| stamp.len);
                }
            }
        }
        let segments = seen.values().map(|cached| Arc::clone(&cached.segment));
        let segments = newest_first(segments.collect());
        *cache = seen;
        Ok(self.publish(segments, foreign))
    }

    /// Reads again what may have changed without a change of the directory.
    fn follow_growing(&self, cache: &mut HashMap<String, Cached>) -> io::Result<Arc<Listing>> {
        let mut changed = false;
        for cached in cache.values_mut() {
            if !cached.segment.may_change() {
                continue;
            }
            let name = cached.segment.parsed;
            let metadata = fs::symlink_metadata(self.dir.join(&cached.segment.name))?;
            let segment = self.read(&name, metadata.len())?;
            cached.stamp = Stamp::of(&metadata);
            // The order of all may depend on it: `newest_first` has found a number for a damaged one.
            let sequence = match segment.state {
                State::Damaged => cached.segment.sequence,
                _ => segment.sequence,
            };
            let segment = Segment {
                sequence,
                ..segment
            };
            if segment != *cached.segment {
                cached.segment = Arc::new(segment);
                changed = true;
            }
        }
        let latest = self.latest();
        if !changed {
            return Ok(latest);
        }
        let segments = cache.values().map(|cached| Arc::clone(&cached.segment));
        let segments = newest_first(segments.collect());
        Ok(self.publish(segments, latest.foreign))
    }

    /// Makes a listing the latest, unless it is the same.
    fn publish(&self, segments: Vec<Arc<Segment>>, foreign: Foreign) -> Arc<Listing> {
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        if latest.segments != segments || latest.foreign != foreign || latest.version == 0 {
            *latest = Arc::new(Listing {
                segments,
                foreign,
                version: latest.version + 1,
            });
        }
        Arc::clone(&latest)
    }

    fn latest(&self) -> Arc<Listing> {
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&latest)
    }

    /// The name that a segment had when the card was last looked at.
    pub(crate) fn last_known(&self, id: &str) -> Option<Arc<Segment>> {
        self.latest().find(id)
    }

    fn look_at(
        &self,
        stamp: Stamp,
        name: &SegmentName,
        cache: &mut HashMap<String, Cached>,
    ) -> io::Result<Cached> {
        let known = cache.remove(&name.to_string());
        if let Some(known) = known
            && known.stamp == stamp
            && known.segment.state != State::Recording
        {
            return Ok(known);
        }
        let segment = Arc::new(self.read(name, stamp.len)?);
        Ok(Cached { stamp, segment })
    }

    fn read(&self, name: &SegmentName, len: u64) -> io::Result<Segment> {
        let file = footage::open(&self.dir, name)?;
        let sector = footage::first_sector(&file)?;
        let Ok((record, state)) = footage::record_of(&sector, name) else {
            return Ok(Segment::damaged(name, len).on(self.volume));
        };
        let size = match state {
            SegmentState::Finished => record.end.min(len),
            SegmentState::Recording => shown(&file, &record)?.end,
        };
        Ok(Segment::new(name, &record, state, size).on(self.volume))
    }
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            len: metadata.len(),
        }
    }
}

impl DirectoryStamp {
    fn of(dir: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(dir)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: metadata.modified().ok(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Whether the last change lies apart from `now`, on either side: clocks are set.
    fn is_older_than(&self, tick: Duration, now: SystemTime) -> bool {
        self.modified.is_some_and(|modified| {
            let apart = now.duration_since(modified);
            apart.unwrap_or_else(|error| error.duration()) > tick
        })
    }
}

impl Listing {
    /// The segment with this id.
    pub fn find(&self, id: &str) -> Option<Arc<Segment>> {
        let found = self.segments.iter().find(|segment| segment.id == id);
        found.map(Arc::clone)
    }
}

/// Sorts by sequence, never by clock. Of two files with one id the readable one counts.
fn newest_first(mut segments: Vec<Arc<Segment>>) -> Vec<Arc<Segment>> {
    let readable = segments.iter().filter(|s| s.state != State::Damaged);
    let newest = readable.map(|s| s.sequence).max().unwrap_or(0);
    for segment in &mut segments {
        let whole = unwrap_sequence(segment.parsed.sequence, newest);
        if segment.state == State::Damaged && segment.sequence != whole {
            Arc::make_mut(segment).sequence = whole;
        }
    }
    segments.sort_by(|a, b| {
        let damaged = |s: &Segment| s.state == State::Damaged;
        (b.sequence, a.camera, damaged(a), &a.name).cmp(&(
            a.sequence,
            b.camera,
            damaged(b),
            &b.name,
        ))
    });
    segments.dedup_by(|later, earlier| later.id == earlier.id);
    segments
}
