//! Clips for whoever asks the page: planned from the list of segments, so that only what is cut is opened.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use picam_ring::SegmentId;
use picam_time::{BootNs, UtcUs};

use super::camera::Candidate;
use super::{CameraError, Clip, ClipError, Keep, When, listed_anew};
use crate::library::Library;
use crate::segment::Segment;

/// The longest clip that is cut: its index is held in memory while it is sent.
pub const LONGEST: Duration = Duration::from_secs(15 * 60);
/// What is not known of a segment's ends: clocks that were put right, and pictures that lead its first.
const MARGIN: Duration = Duration::from_secs(5);
/// A segment that is still being recorded is no longer than that.
const OPEN: Duration = Duration::from_secs(24 * 3600);

/// Why a text names no moment.
#[derive(Debug, thiserror::Error)]
pub enum WhenError {
    /// It is not written like one.
    #[error("this is no moment of the footage")]
    NotOne,
    /// There is no such segment.
    #[error("no segment {0} on the card")]
    NoSegment(String),
    /// Nobody knows when the segment was recorded.
    #[error("{0} is damaged, and has no time")]
    Damaged(String),
    /// The card does not give the list.
    #[error(transparent)]
    Card(#[from] io::Error),
}

impl Library {
    /// Reads a moment: `2026-11-20T11:08:00Z`, or `F000123@12.4`, which is 12.4 s after that segment's start, whether
    /// or not anybody knows what time that was. It may lie before its start (`F000123@-5`) and behind its end.
    ///
    /// # Errors
    /// [`WhenError`]
    pub fn when(&self, text: &str) -> Result<When, WhenError> {
        let Some((id, seconds)) = text.split_once('@') else {
            let utc: Timestamp = text.parse().map_err(|_| WhenError::NotOne)?;
            return Ok(When::Utc(UtcUs(utc.as_microsecond())));
        };
        let seconds = offset(seconds).filter(|_| SegmentId::parse(id).is_some());
        let seconds = seconds.ok_or(WhenError::NotOne)?;
        let segment = match self.last_known(id) {
            Some(segment) => segment,
            None => {
                let found = self.refresh()?.find(id);
                found.ok_or_else(|| WhenError::NoSegment(id.to_owned()))?
            }
        };
        let boot = segment.boot_id;
        let boot = boot.ok_or_else(|| WhenError::Damaged(id.to_owned()))?;
        Ok(When::Boot {
            id: boot,
            at: segment
                .start_boot
                .shifted_ns((seconds * 1e9).round() as i64),
        })
    }

    /// Plans the clip `[from, to)` of one camera, of [`LONGEST`] at most.
    ///
    /// # Errors
    /// [`ClipError`]
    pub fn clip(&self, camera: char, from: When, to: When, keep: Keep) -> Result<Clip, ClipError> {
        listed_anew(|| self.try_clip(camera, from, to, keep))
    }

    fn try_clip(&self, camera: char, from: When, to: When, keep: Keep) -> Result<Clip, ClipError> {
        let listing = self.refresh().map_err(|source| ClipError::Read {
            path: self.footage().to_owned(),
            source,
        })?;
        let own: Vec<&Segment> = listing
            .segments
            .iter()
            .map(AsRef::as_ref)
            .filter(|segment| segment.camera == camera)
            .collect();
        let Some(any) = own.first() else {
            return Err(CameraError::None.into());
        };
        let nothing = || ClipError::Nothing {
            camera: camera_of(any),
            footage: "other times".to_owned(),
        };
        let segments: Vec<&Segment> = between(&own, from, to)
            .iter()
            .copied()
            .filter(|segment| !is_before(segment, from) && !is_after(segment, to))
            .collect();
        let seconds = segments.iter().filter_map(|segment| segment.duration_s);
        let longest = segments.iter().filter_map(|segment| segment.duration_s);
        // The first and the last may be in it with their ends alone.
        let ends = 2.0 * longest.fold(0.0, f64::max) + 2.0 * MARGIN.as_secs_f64();
        if seconds.sum::<f64>() > LONGEST.as_secs_f64() + ends {
            return Err(ClipError::TooLong);
        }
        let mut chosen = Vec::with_capacity(segments.len());
        // The list has the newest first.
        for segment in segments.into_iter().rev() {
            let path = self.dir(segment).join(&segment.name);
            let read = Candidate::read(&path, segment.parsed);
            chosen.extend(read.map_err(|source| ClipError::Read { path, source })?);
        }
        if chosen.is_empty() {
            return Err(nothing());
        }
        Clip::of(chosen, from, to, keep, LONGEST)
    }
}

/// Those, the newest first, from the first of the boot that a clip starts in to the last of the one that it ends in.
fn between<'a, 'b>(own: &'a [&'b Segment], from: When, to: When) -> &'a [&'b Segment] {
    let is_of = |id: [u8; 16]| move |segment: &&Segment| segment.boot_id == Some(id);
    let oldest = match from {
        When::Boot { id, .. } => own.iter().rposition(is_of(id)).map(|at| at + 1),
        _ => Some(own.len()),
    };
    let newest = match to {
        When::Boot { id, .. } => own.iter().position(is_of(id)),
        _ => Some(0),
    };
    let range = newest.zip(oldest).map(|(newest, oldest)| newest..oldest);
    range.and_then(|range| own.get(range)).unwrap_or_default()
}

fn camera_of(segment: &Segment) -> String {
    let name = segment.camera_name.as_deref().unwrap_or("camera");
    format!("{name} ({})", segment.camera)
}

fn length(segment: &Segment) -> Duration {
    let seconds = segment.duration_s.map(Duration::try_from_secs_f64);
    seconds.and_then(Result::ok).unwrap_or(OPEN)
}

/// Whether a segment certainly ends before a moment, or has no time at all. What else nobody knows is found out when it
/// is opened.
fn is_before(segment: &Segment, from: When) -> bool {
    let end = length(segment) + MARGIN;
    match from {
        When::Utc(utc) => utc_of(segment).is_some_and(|start| start + end < utc),
        When::Boot { id, at } => {
            boot_of(segment).is_none_or(|(boot, start)| boot == id && start + end < at)
        }
        When::After(_) => false,
    }
}

/// Whether it certainly begins after one.
fn is_after(segment: &Segment, to: When) -> bool {
    match to {
        When::Utc(utc) => utc_of(segment).is_some_and(|start| start > utc + MARGIN),
        When::Boot { id, at } => {
            boot_of(segment).is_none_or(|(boot, start)| boot == id && start > at + MARGIN)
        }
        When::After(_) => false,
    }
}

fn utc_of(segment: &Segment) -> Option<UtcUs> {
    let start = segment.start?;
    Some(UtcUs(start.as_microsecond()))
}

fn boot_of(segment: &Segment) -> Option<([u8; 16], BootNs)> {
    Some((segment.boot_id?, segment.start_boot))
}

/// Seconds, with milliseconds at most. `f64` also reads words, exponents and plus signs.
fn offset(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let plain = are_digits(whole, 4) && are_digits(part, 3);
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_plain_numbers_of_seconds() {
        for (text, seconds) in [
            ("0", Some(0.0)),
            ("12.4", Some(12.4)),
            ("-5", Some(-5.0)),
            ("9999.999", Some(9999.999)),
            ("10000", None),
            ("0.1234", None),
            (".5", None),
            ("5.", None),
            ("", None),
            ("-", None),
            ("+5", None),
            ("1e3", None),
            ("nan", None),
            ("--5", None),
        ] {
            assert_eq!(offset(text), seconds, "{text}");
        }
    }
}
