//! Which camera's footage a clip is made of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use picam_mp4::Record;
use picam_mp4::recover::read_record;
use picam_ring::{Catalog, Entry, Moment, SegmentName, newest_first};

use super::shown;
use crate::footage::open_slot;

/// A segment that the clip may need.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Where its file is.
    pub(super) path: PathBuf,
    pub(super) name: SegmentName,
    /// Its header, with the duration filled in if it is not finished.
    pub(super) record: Record,
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
pub(super) fn candidates(directory: &Path, entries: &[Entry]) -> Vec<Candidate> {
    let catalog = Catalog::from_entries(entries);
    let segments = catalog
        .cameras()
        .flat_map(|camera| catalog.ring(camera).segments());
    let mut candidates: Vec<Candidate> = segments
        .filter_map(|segment| {
            let path = directory.join(segment.name.to_string());
            let file = open_slot(&path).ok()?;
            let (mut record, state) = read_record(&file).ok()?;
            record.duration = shown(&file, &record, state);
            let name = segment.name;
            Some(Candidate { path, name, record })
        })
        .collect();
    candidates.sort_by_key(|candidate| (candidate.name.camera, candidate.record.sequence));
    candidates
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
        let mut merged = newest_first(volumes.iter().map(own).collect(), moment);
        merged.reverse();
        all.extend(merged);
    }
    all
}

fn moment(candidate: &Candidate) -> Moment {
    let record = &candidate.record;
    Moment {
        boot_id: Some(record.boot_id),
        boot: record.start_boot,
        utc: record.start_utc,
    }
}

/// The segments of the camera whose name or letter is `wanted`, or of the only one.
pub(super) fn choose(
    mut candidates: Vec<Candidate>,
    wanted: Option<&str>,
) -> Result<Vec<Candidate>, CameraError> {
    let cameras: BTreeSet<String> = candidates.iter().map(Candidate::camera).collect();
    let there = cameras.into_iter().collect::<Vec<_>>().join(", ");
    let Some(first) = candidates.first() else {
        return Err(CameraError::None);
    };
    let Some(wanted) = wanted else {
        let letter = first.name.camera;
        if candidates.iter().any(|other| other.name.camera != letter) {
            return Err(CameraError::Several(there));
        }
        return Ok(candidates);
    };
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
