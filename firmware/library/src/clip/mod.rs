//! A clip over any part of one camera's footage.

mod camera;
mod guard;
mod indexed;
mod timeline;
mod when;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
pub use picam_mp4::cut::Keep;
use picam_mp4::cut::{CutError, CutPlan, Source};
use picam_mp4::read::Movie;
use picam_mp4::{Record, SegmentState};
use picam_time::{Ticks, UtcUs};

pub use camera::CameraError;
pub use indexed::{LONGEST, WhenError};
pub use when::When;

pub(crate) use camera::{Candidate, candidates, named};
use timeline::Placed;

use crate::footage::{is_still, movie, open_slot};
use crate::segment::SinceBoot;
use crate::text::{self, utc};
use crate::zip::DosTime;

/// How often the directory is listed again because a recorder renamed what was listed.
const TRIES: usize = 4;

/// Why there is no clip.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The directory, or a file in it, cannot be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// No camera was chosen, or one that is not there.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// Nothing was recorded then.
    #[error(
        "nothing was recorded by {camera} between these two times; its footage is of {footage}"
    )]
    Nothing {
        /// The camera.
        camera: String,
        /// When its footage begins and ends.
        footage: String,
    },
    /// The segments cannot become one clip.
    #[error("{source} (the sources are, from 0: {names})")]
    Cut {
        /// The cause.
        source: CutError,
        /// The files.
        names: String,
    },
    /// More than is cut at a time for whoever asks over the network.
    #[error("that is more than a clip of {} minutes; choose a shorter one", LONGEST.as_secs() / 60)]
    TooLong,
    /// The recorder was faster.
    #[error("the recorder has overwritten {0} meanwhile; choose a later start")]
    Overwritten(String),
}

/// One file that the clip takes pictures from.
#[derive(Debug)]
struct Piece {
    name: String,
    record: Record,
    file: File,
    movie: Movie,
    at: Placed,
}

/// A clip that is ready to be written.
#[derive(Debug)]
pub struct Clip {
    plan: CutPlan,
    names: Vec<String>,
    records: Vec<Record>,
    files: Vec<File>,
    /// Of the clip's first picture; `None` if nobody knew.
    start_utc: Option<UtcUs>,
    /// The same by the clock of the boot that recorded it.
    start_boot: Option<SinceBoot>,
    /// The camera that it is of.
    camera: String,
    /// Segments in the range that are left out because they are broken.
    broken: Vec<String>,
}

impl Clip {
    /// Plans the clip `[from, to)` of the footage in `directories`, each a volume of its own. Without `camera` there must be
    /// footage of only one.
    ///
    /// # Errors
    /// [`ClipError`], which says what to do.
    pub fn plan(
        directories: &[PathBuf],
        camera: Option<&str>,
        from: When,
        to: When,
    ) -> Result<Self, ClipError> {
        listed_anew(|| Self::try_plan(directories, camera, from, to))
    }

    fn try_plan(
        directories: &[PathBuf],
        camera: Option<&str>,
        from: When,
        to: When,
    ) -> Result<Self, ClipError> {
        let mut volumes = Vec::new();
        for directory in directories {
            volumes.push(candidates(directory).map_err(|source| ClipError::Read {
                path: directory.to_owned(),
                source,
            })?);
        }
        let chosen = camera::choose(camera::interleave(volumes), camera)?;
        Self::of(chosen, from, to, Keep::ALL, Duration::MAX)
    }

    /// The clip of segments of one camera, the oldest first, if they fill no more than `longest` of the range.
    fn of(
        chosen: Vec<Candidate>,
        from: When,
        to: When,
        keep: Keep,
        longest: Duration,
    ) -> Result<Self, ClipError> {
        let placed = timeline::place(chosen.iter().map(|candidate| &candidate.record));
        let first = chosen.first().map(Candidate::camera).unwrap_or_default();
        let nothing = || ClipError::Nothing {
            camera: first.clone(),
            footage: extent(&placed),
        };
        let range = timeline::range(&placed, from, to).ok_or_else(nothing)?;
        let filled: Duration = placed.iter().map(|piece| piece.within(&range)).sum();
        if filled > longest {
            return Err(ClipError::TooLong);
        }
        let mut pieces = Vec::new();
        let mut broken = Vec::new();
        for (candidate, &at) in chosen.iter().zip(&placed) {
            if at.at_ns >= range.end || at.end_ns() <= range.start {
                continue;
            }
            match open(candidate, at)? {
                Some(piece) => pieces.push(piece),
                None => broken.push(candidate.name.to_string()),
            }
        }
        let sources: Vec<Source<'_>> = pieces
            .iter()
            .map(|piece| Source {
                movie: &piece.movie,
                start_ns: piece.at.at_ns,
            })
            .collect();
        let plan = CutPlan::keeping(&sources, range.start, range.end, keep);
        let plan = plan.map_err(|error| match error {
            CutError::Nothing => nothing(),
            source => ClipError::Cut {
                source,
                names: names(&pieces).join(", "),
            },
        })?;
        let start_utc = pieces.iter().rev().find_map(|piece| {
            let into = u64::try_from(plan.start_ns().saturating_sub(piece.at.at_ns)).ok()?;
            Some(piece.at.utc? + Duration::from_nanos(into))
        });
        let start_boot = pieces.iter().rev().find_map(|piece| {
            let into = plan.start_ns().checked_sub(piece.at.at_ns)?;
            let start = piece.record.start_boot.shifted_ns(into);
            (into >= 0).then_some(SinceBoot {
                number: piece.record.boot_number,
                seconds: start.as_secs_f64(),
            })
        });
        Ok(Self {
            names: names(&pieces),
            camera: first,
            start_utc,
            start_boot,
            broken,
            plan,
            records: pieces.iter().map(|piece| piece.record.clone()).collect(),
            files: pieces.into_iter().map(|piece| piece.file).collect(),
        })
    }

    /// Writes the clip.
    ///
    /// # Errors
    /// Those of `out`, and of the card.
    pub fn write_to(&self, out: &mut impl io::Write) -> io::Result<()> {
        self.plan.write_to(&self.files, out)
    }

    /// Makes sure that what was written is what was planned: a running recorder overwrites its
    /// oldest segments.
    ///
    /// # Errors
    /// [`ClipError::Overwritten`].
    pub fn verify(&self) -> Result<(), ClipError> {
        for ((name, then), file) in self.names.iter().zip(&self.records).zip(&self.files) {
            if !is_still(file, then) {
                return Err(ClipError::Overwritten(name.clone()));
            }
        }
        Ok(())
    }

    /// Its index: length, duration, gaps.
    pub fn index(&self) -> &CutPlan {
        &self.plan
    }

    /// Names of the segments that it takes pictures from.
    pub fn segments(&self) -> &[String] {
        &self.names
    }

    /// When it starts; `None` if nobody knew.
    pub fn start_utc(&self) -> Option<UtcUs> {
        self.start_utc
    }

    /// A name for its file, without its ending: what it shows, and when by somebody's clock (as
    /// [`Segment::download_name`](crate::Segment::download_name)).
    pub fn file_name(&self, offset: Option<i16>) -> String {
        let when = self.file_time(offset);
        let record = self.records.first();
        let letter = record.map_or('_', |record| char::from(record.camera));
        let camera = record.map(|record| record.camera_name.as_str());
        format!("picam_{when}_{}", text::camera_for_name(camera, letter))
    }

    /// When it starts, for the name of a file.
    pub fn file_time(&self, offset: Option<i16>) -> String {
        text::for_name(self.timestamp(), self.start_boot, offset)
    }

    /// When it starts by somebody's clock, for a ZIP.
    pub fn dos_time(&self, offset: Option<i16>) -> DosTime {
        DosTime::of(self.timestamp(), offset)
    }

    fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.start_utc?.0).ok()
    }

    /// The camera that it is of (`front (F)`).
    pub fn camera(&self) -> &str {
        &self.camera
    }

    /// Segments within the range that are left out because no player can open them.
    pub fn broken(&self) -> &[String] {
        &self.broken
    }
}

/// Plans a clip, and anew if what was listed was renamed by the recorder since.
fn listed_anew(plan: impl Fn() -> Result<Clip, ClipError>) -> Result<Clip, ClipError> {
    for _ in 1..TRIES {
        match plan() {
            Err(ClipError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            planned => return planned,
        }
    }
    plan()
}

fn names(pieces: &[Piece]) -> Vec<String> {
    pieces.iter().map(|piece| piece.name.clone()).collect()
}

/// Reads the index of a segment; `None` if it is broken.
fn open(candidate: &Candidate, at: Placed) -> Result<Option<Piece>, ClipError> {
    let path = &candidate.path;
    let read = |source| ClipError::Read {
        path: path.clone(),
        source,
    };
    let file = open_slot(path).map_err(read)?;
    let movie = movie(&file).map_err(read)?;
    Ok(movie.map(|movie| Piece {
        name: candidate.name.to_string(),
        record: candidate.record.clone(),
        file,
        movie,
        at,
    }))
}

/// How long a segment is that does not say so itself, because it is not finished.
pub(crate) fn shown(file: &File, record: &Record, state: SegmentState) -> Duration {
    if state == SegmentState::Finished {
        return record.duration;
    }
    Movie::read(file).map_or(Duration::ZERO, |movie| {
        let ticks = i64::try_from(movie.duration).unwrap_or(0);
        Ticks::new(ticks, movie.timescale).span()
    })
}

/// From when to when there is footage.
fn extent(placed: &[Placed]) -> String {
    let known = || placed.iter().filter_map(|piece| Some((piece.utc?, piece)));
    let first = known().map(|(utc, _)| utc).min();
    let last = known().map(|(utc, piece)| utc + piece.len).max();
    let end = placed.iter().map(Placed::end_ns).max().unwrap_or(0);
    let seconds = format!("+0s to +{:.1}s", end as f64 / 1e9);
    match first.zip(last) {
        Some((first, last)) => format!("{} to {} ({seconds})", utc(first), utc(last)),
        None => format!("{seconds}; nobody knew the time of day"),
    }
}
