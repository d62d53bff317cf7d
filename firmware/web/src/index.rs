//! What is on the card, read from the card: the names of the files and their header records.
//!
//! Nothing is kept that a listing of the directory could contradict. A header is read again only
//! when name, length or modification time of its file changed, or while it is being recorded.

use std::collections::HashMap;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use picam_mp4::{SegmentState, shown_end};
use picam_ring::{SegmentName, SlotName, is_filler};
use serde::Serialize;

use crate::footage;
use crate::segment::{Segment, State, unwrap_sequence};

/// The segments of a footage directory.
#[derive(Debug)]
pub(crate) struct Index {
    dir: PathBuf,
    cache: Mutex<HashMap<String, Cached>>,
    latest: RwLock<Arc<Listing>>,
}

/// What one look at the card found.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Newest first by sequence.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// What else lies there.
    pub(crate) foreign: Foreign,
}

/// Files that are not ours; they are left alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Foreign {
    /// How many, folders included.
    pub(crate) files: u64,
    /// What they take, in bytes; folders are not descended into.
    pub(crate) bytes: u64,
}

#[derive(Debug)]
struct Cached {
    stamp: Stamp,
    segment: Arc<Segment>,
}

/// As long as this is the same, so is the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
}

impl Index {
    /// An index of `dir`, which need not be there yet.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            cache: Mutex::default(),
            latest: RwLock::default(),
        }
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Looks at the card. Blocks: one `readdir`, one `stat` a file, one read for each new file.
    pub(crate) fn refresh(&self) -> io::Result<Arc<Listing>> {
        // The cache holds nothing that a panic could leave half done.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = HashMap::with_capacity(cache.len());
        let mut foreign = Foreign::default();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().is_some_and(is_filler) {
                continue;
            }
            match name.to_str().and_then(SlotName::parse) {
                Some(SlotName::Segment(name)) => {
                    // A file that vanished since, or that cannot be read, is not listed.
                    if let Ok(cached) = self.look_at(&entry, &name, &mut cache) {
                        seen.insert(cached.segment.name.clone(), cached);
                    }
                }
                Some(SlotName::Spare { .. }) => {}
                None => {
                    foreign.files += 1;
                    let metadata = entry.metadata().ok();
                    let file = metadata.filter(fs::Metadata::is_file);
                    foreign.bytes += file.map_or(0, |metadata| metadata.len());
                }
            }
        }
        let segments = seen.values().map(|cached| Arc::clone(&cached.segment));
        let listing = Arc::new(Listing {
            segments: newest_first(segments.collect()),
            foreign,
        });
        *cache = seen;
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        *latest = Arc::clone(&listing);
        Ok(listing)
    }

    /// The name that a segment had when the card was last looked at.
    pub(crate) fn last_known(&self, id: &str) -> Option<Arc<Segment>> {
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        latest.find(id)
    }

    fn look_at(
        &self,
        entry: &DirEntry,
        name: &SegmentName,
        cache: &mut HashMap<String, Cached>,
    ) -> io::Result<Cached> {
        let metadata = entry.metadata()?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let stamp = Stamp {
            modified: metadata.modified().ok(),
            len: metadata.len(),
        };
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
            return Ok(Segment::damaged(name, len));
        };
        let size = match state {
            SegmentState::Finished => record.end.min(len),
            SegmentState::Recording => shown_end(&file, &record, None)?.0,
        };
        Ok(Segment::new(name, &record, state, size))
    }
}

impl Listing {
    /// The segment with this id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Segment>> {
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
