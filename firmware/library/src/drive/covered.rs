//! Which segments say where a drive went, and what they say together.
//!
//! Every camera has the same fixes. Of cameras that recorded side by side only one is read: the one that has covered
//! the time so far goes on with it.

use std::time::Duration;

use picam_time::BootNs;

use super::positions::{Fix, Positions, Way};
use super::{Drive, Part};
use crate::segment::State;

/// Joints of segments overlap by less, and where more is missing another camera's segment is read, too.
const OVERLAP: Duration = Duration::from_secs(2);

/// How far a drive went, as far as its segments have been read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Travelled {
    /// Metres; `None` where nothing said where the car was.
    pub distance_m: Option<f64>,
    /// Metres a second; `None` where nothing said how fast it was.
    pub top_speed: Option<f64>,
    /// Whether all that can be read has been.
    pub complete: bool,
}

/// The finished segments that cover a drive, in order, and from when on each is the first to.
pub(super) fn covering(drive: &Drive) -> Vec<(&Part, BootNs)> {
    let parts = drive.parts();
    // Whoever has the most segments has the fewest joints.
    let cameras = drive.cameras();
    let most = cameras
        .iter()
        .max_by_key(|camera| (camera.segments, std::cmp::Reverse(camera.letter)))
        .map(|camera| camera.letter);
    let readable = |part: &&Part| matches!(part.segment.state, State::Finished | State::Recovered);
    let (main, others): (Vec<&Part>, Vec<&Part>) = parts
        .iter()
        .filter(readable)
        .partition(|part| Some(part.segment.camera) == most);
    let mut chosen: Vec<&Part> = Vec::with_capacity(main.len());
    let mut others = others.into_iter().peekable();
    let mut covered = Duration::ZERO;
    for part in main.into_iter().map(Some).chain([None]) {
        let until = part.map_or(Duration::MAX, |part| part.at);
        while let Some(other) = others.next_if(|other| other.at < until) {
            let lacks = other.end().min(until);
            if lacks.saturating_sub(covered.max(other.at)) > OVERLAP {
                covered = covered.max(other.end());
                chosen.push(other);
            }
        }
        if let Some(part) = part {
            covered = covered.max(part.end());
            chosen.push(part);
        }
    }
    let mut end = Duration::ZERO;
    let with_start = chosen.into_iter().map(|part| {
        let from = drive.start + end.max(part.at);
        end = end.max(part.end());
        (part, from)
    });
    with_start.collect()
}

/// What a segment says, as a whole: kept, for it is asked for again and again.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Said {
    pub(super) positions: Positions,
    pub(super) way: Way,
}

impl Said {
    pub(super) fn new(positions: Positions) -> Self {
        let way = Way::of(positions.fixes());
        Self { positions, way }
    }
}

/// How far a drive went, by what is known of its segments.
pub(super) fn travelled<'a>(drive: &Drive, said: impl Fn(&Part) -> Option<&'a Said>) -> Travelled {
    let mut all = Way::default();
    let mut known = false;
    let mut complete = true;
    for (part, from) in covering(drive) {
        let Some(said) = said(part) else {
            complete = false;
            continue;
        };
        known |= !said.positions.is_empty();
        match from > part.segment.start_boot + OVERLAP {
            false => all.then(&said.way),
            // Its beginning is told by the one before.
            true => all.then(&Way::of(
                said.positions.fixes().filter(|fix| fix.at >= from),
            )),
        }
    }
    Travelled {
        distance_m: known.then_some(all.metres),
        top_speed: all.top,
        complete,
    }
}

/// The fixes of a drive in order, `most` at the most, evenly.
pub(super) fn track<'a>(
    drive: &Drive,
    said: impl Fn(&Part) -> Option<&'a Said>,
    most: usize,
) -> Vec<Fix> {
    let mut all: Vec<Fix> = Vec::new();
    for (part, from) in covering(drive) {
        let Some(said) = said(part) else { continue };
        all.extend(said.positions.fixes().filter(|fix| fix.at >= from));
    }
    let step = all.len().div_ceil(most.max(1)).max(1);
    let last = all.last().copied();
    let mut thinned: Vec<Fix> = all.into_iter().step_by(step).collect();
    if let Some(last) = last.filter(|_| step > 1)
        && thinned.last() != Some(&last)
    {
        thinned.push(last);
    }
    thinned
}
