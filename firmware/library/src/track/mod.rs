//! Where the car was: the fixes in the footage, of any part of it, in one order.
//!
//! Every camera has the same fixes, so each is told once, whichever camera's segment still has it. Segments may be finished,
//! recovered, damaged or being recorded: what players can read of them is read.

mod format;
mod merge;
mod samples;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use picam_mp4::Record;
use picam_ring::newest_first;
use picam_time::{BootNs, UtcUs};

use crate::clip::{CameraError, Candidate, candidates, named};

pub use format::{TrackFormat, TrackWriter};
use merge::Merge;

/// Where the car was at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackPoint {
    /// When; `None` if neither receiver nor recorder knew.
    pub utc: Option<UtcUs>,
    /// Degrees, north positive (WGS 84).
    pub latitude: f64,
    /// Degrees, east positive (WGS 84).
    pub longitude: f64,
    /// Metres above the ellipsoid; `None` of a fix in two dimensions.
    pub altitude: Option<f64>,
    /// Metres a second over ground, and degrees from north clockwise; `None` if not known.
    pub motion: Option<(f64, f64)>,
    /// Metres that it may be off; `None` if not known.
    pub accuracy: Option<f64>,
}

/// Which part of the footage.
#[derive(Debug, Clone, Default)]
pub struct TrackQuery {
    /// Name or letter of a camera; without, all cameras.
    pub camera: Option<String>,
    /// From then on.
    pub from: Option<UtcUs>,
    /// Before then.
    pub to: Option<UtcUs>,
    /// One fix in this time at most; zero for all of them.
    pub every: Duration,
}

/// What was read, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackSummary {
    /// Fixes.
    pub points: u64,
    /// Pieces of the track, between gaps.
    pub pieces: u64,
    /// Segments within the range that cannot be read.
    pub broken: Vec<String>,
}

/// Why there is no track.
#[derive(Debug, thiserror::Error)]
pub enum TrackError {
    /// A directory cannot be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A camera that is not there.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// It cannot be written.
    #[error("the track cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// The fixes of a segment that is open, in order, each with when it is shown; `None` if it is another one by now.
pub(crate) fn fixes(file: &File, record: &Record) -> io::Result<Option<Vec<(BootNs, TrackPoint)>>> {
    let found = samples::unless_another(file, record)?;
    Ok(found.map(|all| {
        all.into_iter()
            .map(|found| (found.boot, found.point))
            .collect()
    }))
}

/// Metres between two places near each other, in degrees of latitude and longitude.
pub(crate) fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
    /// Half the circumference of a sphere as large as the Earth (IUGG), a degree of it.
    const DEGREE: f64 = 111_194.93;
    let turned = (b.1 - a.1 + 540.0).rem_euclid(360.0) - 180.0;
    let east = turned * f64::midpoint(a.0, b.0).to_radians().cos();
    (b.0 - a.0).hypot(east) * DEGREE
}

/// A segment begins this much before its last fix at most: the longest segment that can be configured, twice over.
const LONGEST_SEGMENT: Duration = Duration::from_secs(1200);

/// Hands over the fixes in the footage of `directories`, each a volume of its own, in their order.
///
/// # Errors
/// [`TrackError`]; a single segment that cannot be read is none.
pub fn read_track<W: io::Write>(
    directories: &[PathBuf],
    query: &TrackQuery,
    out: TrackWriter<W>,
) -> Result<TrackSummary, TrackError> {
    let mut merge = Merge::new(query, out)?;
    for segment in segments(directories, query.camera.as_deref())? {
        let record = &segment.record;
        if record.start_utc.is_some_and(|start| {
            query.to.is_some_and(|to| start >= to)
                || query
                    .from
                    .is_some_and(|from| start + LONGEST_SEGMENT < from)
        }) {
            continue;
        }
        merge.begin_segment(record.boot_id, record.start_boot)?;
        match samples::of(&segment.path, record) {
            Ok(Some(found)) => found.into_iter().for_each(|found| merge.take(&found)),
            // Recorded over meanwhile: it was among the oldest.
            Ok(None) => {}
            Err(_) => merge.broken(segment.name),
        }
    }
    Ok(merge.finish()?)
}

/// All segments whose header can be read, oldest first, those of several cameras by the boot clock.
fn segments(directories: &[PathBuf], camera: Option<&str>) -> Result<Vec<Candidate>, TrackError> {
    let mut all = Vec::new();
    for directory in directories {
        all.extend(candidates(directory).map_err(|source| TrackError::Read {
            path: directory.to_owned(),
            source,
        })?);
    }
    if let Some(wanted) = camera {
        all = named(all, wanted)?;
    }
    // Each camera of each volume counts on its own.
    let mut lists: Vec<Vec<Candidate>> = Vec::new();
    for candidate in all {
        let key = |c: &Candidate| (c.path.parent().map(Path::to_owned), c.name.camera);
        let own = |list: &&mut Vec<Candidate>| list.first().map(key) == Some(key(&candidate));
        match lists.iter_mut().find(own) {
            Some(list) => list.push(candidate),
            None => lists.push(vec![candidate]),
        }
    }
    for list in &mut lists {
        list.sort_by_key(|candidate| std::cmp::Reverse(candidate.record.sequence));
    }
    let mut merged = newest_first(lists, Candidate::moment);
    merged.reverse();
    Ok(merged)
}
