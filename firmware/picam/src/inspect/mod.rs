//! What there is to know about one MP4, picam's own or anybody's.

mod show;
mod track;

use jiff::Timestamp;
use picam_mp4::read::{Movie, ReadError};
use picam_mp4::{
    Checked, Counters, ReadAt, Record, RecordError, RecoverError, SegmentState, check,
};
use picam_ring::{Class, SegmentName};
use serde::Serialize;

pub(crate) use show::losses;
pub use track::TrackReport;

/// Everything about a file. Its JSON form is stable: keys are added, never changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReport {
    /// Name as it was given.
    pub file: String,
    /// Length in bytes.
    pub size: u64,
    /// Length of what a player shows, in seconds.
    pub duration_s: f64,
    /// The tracks that a player sees.
    pub tracks: Vec<TrackReport>,
    /// Fragments: of a picam segment those that are intact, else those that a player sees.
    pub fragments: usize,
    /// What picam wrote about it; `None` for files of others.
    pub segment: Option<SegmentReport>,
    /// What is wrong with it; empty if nothing is.
    pub faults: Vec<String>,
}

/// What a picam segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being recorded, or cut off while it was. Plays as far as it goes.
    Recording,
    /// Finished by the recorder.
    Finished,
    /// Cut off, and finished afterwards.
    Recovered,
}

impl State {
    /// From the file's first sector.
    pub(crate) fn of(record: &Record, state: SegmentState) -> Self {
        match state {
            SegmentState::Recording => Self::Recording,
            SegmentState::Finished if record.recovered => Self::Recovered,
            SegmentState::Finished => Self::Finished,
        }
    }
}

/// The header record of a picam segment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentReport {
    /// What it is.
    pub state: State,
    /// Number of the segment on its card.
    pub sequence: u64,
    /// Name of the camera.
    pub camera: String,
    /// Letter of the camera in file names.
    pub letter: char,
    /// What it was recorded for: `normal`, `event`, `parking` or `manual`.
    pub class: String,
    /// When it starts; `None` if nobody knew.
    pub start: Option<Timestamp>,
    /// The same in seconds since boot.
    pub start_boot_s: f64,
    /// How many boots the card had seen.
    pub boot_number: u32,
    /// The kernel's boot id, in hexadecimal.
    pub boot_id: String,
    /// Length of its slot in bytes.
    pub slot_size: u64,
    /// End of the last intact fragment in bytes.
    pub end: u64,
    /// Frames in it, and what happened to the others.
    #[serde(flatten)]
    pub counters: Counters,
    /// Frames that the camera had delivered since boot before the first of this segment.
    pub frames_before: u64,
}

/// Looks at a file whose name is `file`.
///
/// # Errors
/// [`ReadError`] if it is no MP4 at all, or a segment that no player could open.
pub fn inspect(file: &str, src: &impl ReadAt) -> Result<FileReport, ReadError> {
    let checked = check(src);
    let movie = Movie::read(src)?;
    let size = src
        .size()
        .map_err(|source| ReadError::Io { offset: 0, source })?;
    let tracks: Vec<TrackReport> = movie.tracks.iter().map(TrackReport::new).collect();
    let mut report = FileReport {
        file: file.to_owned(),
        size,
        duration_s: movie.duration as f64 / f64::from(movie.timescale.max(1)),
        fragments: movie.fragments.len(),
        segment: None,
        faults: Vec::new(),
        tracks,
    };
    match checked {
        Ok(checked) => {
            let shown = movie.video().map_or(0, |video| video.samples.len() as u32);
            report.fragments = checked.fragments as usize;
            report.segment = Some(SegmentReport::new(file, &checked, shown));
            report.faults = checked.faults;
        }
        Err(RecoverError::Record(RecordError::Foreign)) => {}
        Err(error) => report.faults.push(error.to_string()),
    }
    Ok(report)
}

impl SegmentReport {
    fn new(file: &str, checked: &Checked, shown: u32) -> Self {
        let record = &checked.record;
        let mut counters = record.counters;
        if checked.state == SegmentState::Recording {
            counters.frames = shown;
        }
        // The name decides: it is what the ring looks at.
        let name = file.rsplit('/').next().and_then(SegmentName::parse);
        let class = name
            .map(|name| name.class)
            .or_else(|| Class::from_letter(record.class));
        Self {
            state: State::of(record, checked.state),
            sequence: record.sequence,
            camera: record.camera_name.clone(),
            letter: char::from(record.camera),
            class: class.map_or_else(|| "unknown".to_owned(), |class| class.to_string()),
            start: record
                .start_utc
                .and_then(|utc| Timestamp::from_microsecond(utc.0).ok()),
            start_boot_s: record.start_boot.as_secs_f64(),
            boot_number: record.boot_number,
            boot_id: hex::encode(record.boot_id),
            slot_size: record.slot_len,
            end: checked.end,
            counters,
            frames_before: record.pictures_before,
        }
    }
}
