//! Edit lists (ISO/IEC 14496-12 8.6.6): what part of a track is shown, and when.

use mp4_atom::{Elst, ElstEntry};

/// One entry of an edit list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    /// How long it lasts, in ticks of the movie. 0 in fragmented files: to the end.
    pub duration: u64,
    /// Where in the track's media it starts, in ticks of the track; `None` for nothing is shown.
    pub media_time: Option<i64>,
}

/// What the edit list comes to, in ticks of the track.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown {
    /// Added to a composition time gives presentation time.
    pub(super) shift: i64,
    /// Presentation time at which the first edit that shows something ends.
    pub(super) end: Option<i64>,
}

pub(super) fn edits(elst: &Elst) -> Vec<Edit> {
    let edit = |entry: &ElstEntry| Edit {
        duration: entry.segment_duration,
        media_time: entry.media_time.and_then(|t| i64::try_from(t).ok()),
    };
    elst.entries.iter().map(edit).collect()
}

impl Shown {
    pub(super) fn new(edits: &[Edit], movie_timescale: u32, timescale: u32) -> Self {
        let ticks = |duration: u64| {
            let movie = i128::from(movie_timescale);
            let ticks = (i128::from(duration) * i128::from(timescale) + movie / 2) / movie;
            i64::try_from(ticks).unwrap_or(i64::MAX)
        };
        let mut delay = 0i64;
        for edit in edits {
            match edit.media_time {
                None => delay = delay.saturating_add(ticks(edit.duration)),
                Some(start) => {
                    let end = delay.saturating_add(ticks(edit.duration));
                    return Self {
                        shift: delay.saturating_sub(start),
                        end: (edit.duration != 0).then_some(end),
                    };
                }
            }
        }
        Self {
            shift: delay,
            end: None,
        }
    }
}
