//! Which camera's footage a clip is made of.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use picam_mp4::Record;
use picam_mp4::recover::read_record;
use picam_ring::{Catalog, FsDirectory, Moment, SegmentName, newest_first};

use super::shown;
use crate::footage::open_slot;

/// A segment that the clip may need.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Where its file is.
    pub(crate) path: PathBuf,
    pub(crate) name: SegmentName,
    /// Its header, with the duration filled in if it is not finished.
    pub(crate) record: Record,
}

impl Candidate {
    /// The camera's name and letter (`front (F)`).
    pub(super) fn camera(&self) -> String {
        format!(
            "{} ({})",
            self.record.camera_name,
            char::from(self.name.camera)
        )
    }

    /// Reads it; `None` if its header is damaged.
    pub(super) fn read(path: &Path, name: SegmentName) -> io::Result<Option<Self>> {
        let file = open_slot(path)?;
        let Ok((mut record, state)) = read_record(&file) else {
            return Ok(None);
        };
        record.duration = shown(&file, &record, state);
        let path = path.to_owned();
        Ok(Some(Self { path, name, record }))
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment {
            boot_id: Some(self.record.boot_id),
            boot: self.record.start_boot,
            utc: self.record.start_utc,
        }
    }
}

/// Why no camera could be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CameraError {
    /// There is no footage at all.
    #[error("there is no footage here; name the directory that holds the segments")]
    None,
    /// There are several, and none was named.
    #[error("there is footage of {0}; choose one with --camera, by name or letter")]
    Several(String),
    /// There is none of this name.
    #[error("there is no footage of a camera '{wanted}'; there is of {there}")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// What there is.
        there: String,
    },
}

/// All segments whose header can be read, camera by camera, oldest first. Segments whose header is
/// damaged belong to no camera for sure.
pub(crate) fn candidates(directory: &Path) -> io::Result<Vec<Candidate>> {
    let catalog = Catalog::read(&FsDirectory::open(directory, false)?)?;
    let segments = catalog
        .cameras()
        .flat_map(|camera| catalog.ring(camera).segments());
    let mut candidates: Vec<Candidate> = segments
        .filter_map(|segment| {
            let path = directory.join(segment.name.to_string());
            Candidate::read(&path, segment.name).ok()?
        })
        .collect();
    candidates.sort_by_key(|candidate| (candidate.name.camera, candidate.record.sequence));
    Ok(candidates)
}

/// The same for several volumes, each of which counts on its own: camera by camera, oldest first, by the boot clock.
pub(super) fn interleave(volumes: Vec<Vec<Candidate>>) -> Vec<Candidate> {
    let letters: BTreeSet<u8> = volumes.iter().flatten().map(|c| c.name.camera).collect();
    let mut all = Vec::new();
    for letter in letters {
        let own = |volume: &Vec<Candidate>| {
            let own = volume.iter().rev().filter(|c| c.name.camera == letter);
            own.cloned().collect()
        };
        let mut merged = newest_first(volumes.iter().map(own).collect(), Candidate::moment);
        merged.reverse();
        all.extend(merged);
    }
    all
}

/// The segments of the camera whose name or letter is `wanted`, or of the only one.
pub(super) fn choose(
    candidates: Vec<Candidate>,
    wanted: Option<&str>,
) -> Result<Vec<Candidate>, CameraError> {
    let Some(first) = candidates.first() else {
        return Err(CameraError::None);
    };
    let letter = first.name.camera;
    match wanted {
        Some(wanted) => named(candidates, wanted),
        None if candidates.iter().all(|other| other.name.camera == letter) => Ok(candidates),
        None => Err(CameraError::Several(cameras(&candidates))),
    }
}

fn cameras(candidates: &[Candidate]) -> String {
    let cameras: BTreeSet<String> = candidates.iter().map(Candidate::camera).collect();
    cameras.into_iter().collect::<Vec<_>>().join(", ")
}

/// The segments of the camera whose name or letter is `wanted`.
pub(crate) fn named(
    mut candidates: Vec<Candidate>,
    wanted: &str,
) -> Result<Vec<Candidate>, CameraError> {
    let there = cameras(&candidates);
    if candidates.iter().any(|c| c.record.camera_name == wanted) {
        candidates.retain(|c| c.record.camera_name == wanted);
        return Ok(candidates);
    }
    candidates.retain(|c| wanted.eq_ignore_ascii_case(&char::from(c.name.camera).to_string()));
    if candidates.is_empty() {
        let wanted = wanted.to_owned();
        return Err(CameraError::Unknown { wanted, there });
    }
    Ok(candidates)
}
