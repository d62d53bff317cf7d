//! Which part of each source, and which samples of it, a clip needs.

use std::ops::Range;
use std::time::Duration;

use picam_time::Ticks;

use super::{Gap, Source};
use crate::read::{Movie, Track};

/// Sound decoded before it is heard: Opus needs 80 ms, AAC a frame or two.
const PREROLL: Duration = Duration::from_millis(100);

/// A time in one timescale expressed in another, to the nearest tick.
pub(super) fn rescale(ticks: i64, from: u32, to: u32) -> i64 {
    Ticks::new(ticks, from).nearest(to).value
}

/// The first tick at or after a time, so that a sample lies in a range of ticks exactly if it lies
/// in the range of time.
fn first_tick(ticks: i64, from: u32, to: u32) -> i64 {
    Ticks::new(ticks, from).rounded_up(to).value
}

/// Ticks a second of nanoseconds.
pub(super) const NS: u32 = 1_000_000_000;

pub(super) fn ticks_to_ns(ticks: i64, timescale: u32) -> i64 {
    rescale(ticks, timescale, NS)
}

/// The part of one source that a clip shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    /// Index into the list of sources.
    pub(super) source: usize,
    pub(super) movie: &'a Movie,
    source_start_ns: i64,
    /// Ticks a second of `start` and `end`: those of the source's pictures.
    pub(super) timescale: u32,
    /// Presentation time in the source at which it begins.
    pub(super) start: i64,
    pub(super) end: i64,
    /// The source's own end.
    source_end: i64,
    /// Where it begins in the clip, in ticks of the first window.
    pub(super) at: i64,
    /// Ticks a second of `at`.
    pub(super) clip_timescale: u32,
    /// What counts as following exactly: the duration of the last picture.
    tolerance: i64,
    /// Its first picture is the last one that the window before shows, and is not shown again.
    continues: bool,
}

impl Window<'_> {
    /// How much of the clip it fills, in the clip's ticks.
    pub(super) fn len(&self) -> i64 {
        let len = self.end.saturating_sub(self.start);
        rescale(len, self.timescale, self.clip_timescale)
    }

    /// When it begins on the common timeline.
    pub(super) fn start_ns(&self) -> i64 {
        self.source_start_ns
            .saturating_add(ticks_to_ns(self.start, self.timescale))
    }

    /// Whether it goes on to the end of its source.
    fn whole_end(&self) -> bool {
        self.end >= self.source_end
    }

    /// The samples that showing this window needs of a track. `joined` says that they follow others.
    pub(super) fn samples(&self, track: &Track, joined: bool) -> Range<usize> {
        let needed = samples(track, &self.of_track(track), joined);
        match self.continues && track.is_video() && joined {
            true => needed.start.saturating_add(1).min(needed.end)..needed.end,
            false => needed,
        }
    }

    /// The window on the presentation timeline of a track, in the track's ticks.
    pub(super) fn of_track(&self, track: &Track) -> Range<i64> {
        let tick = |ticks| first_tick(ticks, self.timescale, track.timescale);
        tick(self.start)..tick(self.end)
    }
}

/// The windows of all sources that the range touches.
pub(super) fn windows<'a>(sources: &[Source<'a>], from_ns: i64, to_ns: i64) -> Vec<Window<'a>> {
    let mut windows: Vec<Window<'a>> = Vec::new();
    for (source, &Source { movie, start_ns }) in sources.iter().enumerate() {
        let Some(track) = movie.video().or(movie.tracks.first()) else {
            continue;
        };
        let source_end = track.presentation_end();
        let tick = |ns: i64| {
            let ns = ns.saturating_sub(start_ns);
            first_tick(ns, NS, track.timescale).clamp(0, source_end)
        };
        let (start, end) = (tick(from_ns), tick(to_ns));
        if start >= end {
            continue;
        }
        let last = windows.last();
        let continued = last.filter(|_| start == 0).and_then(|last| {
            let before = last.whole_end().then(|| last.movie.video()).flatten()?;
            let since = start_ns.saturating_sub(last.source_start_ns);
            after_the_copy(before, track, since)
        });
        let start = continued.unwrap_or_else(|| on_screen(track, start));
        if start >= end {
            continue;
        }
        let clip_timescale = last.map_or(track.timescale, |last| last.clip_timescale);
        windows.push(Window {
            source,
            movie,
            source_start_ns: start_ns,
            timescale: track.timescale,
            start,
            end,
            source_end,
            at: last.map_or(0, |last| last.at.saturating_add(last.len())),
            clip_timescale,
            tolerance: track.samples.last().map_or(0, |s| i64::from(s.duration)),
            continues: continued.is_some(),
        });
    }
    windows
}

/// An open start stands at the end of one segment, with the pictures that lead it, and at the front of the next (recording.md).
/// If `track` begins with a copy of what `before` shows last: when the picture after it is shown. `since_ns` is the time from
/// the start of `before` to that of `track`.
fn after_the_copy(before: &Track, track: &Track, since_ns: i64) -> Option<i64> {
    let shown_last = before
        .samples
        .iter()
        .max_by_key(|s| before.presentation(s))?;
    let first = track.samples.first()?;
    let ns = |track: &Track, s| ticks_to_ns(track.presentation(s), track.timescale);
    let apart = since_ns
        .saturating_add(ns(track, first))
        .saturating_sub(ns(before, shown_last));
    // A segment's start is when its first picture was decoded, where that is not when it is shown.
    let lag = i64::from(shown_last.cts_offset.max(first.cts_offset));
    let picture = ticks_to_ns(shown_last.duration.into(), before.timescale);
    let tolerance = picture / 2 + ticks_to_ns(lag, track.timescale);
    // Parameter sets may stand in front of the one that is not at the front of its segment.
    let same = shown_last.key && first.key && shown_last.size >= first.size;
    let same = same && apart.saturating_abs() <= tolerance;
    let rest = track.samples.iter().skip(1);
    let next = rest.map(|s| track.presentation(s)).min();
    next.filter(|_| same && before.is_video())
}

/// When the picture that is shown at `tick` appeared. Players do not agree on when to show what
/// an edit list leaves of a picture, and ffmpeg moves it against the sound.
fn on_screen(track: &Track, tick: i64) -> i64 {
    let shown = track.samples.iter().map(|s| track.presentation(s));
    let last = shown.filter(|&at| at <= tick).max();
    last.filter(|&at| track.is_video() && at >= 0)
        .unwrap_or(tick)
}

/// Where the windows do not follow each other on the common timeline.
pub(super) fn gaps(windows: &[Window<'_>]) -> Vec<Gap> {
    let pairs = windows.iter().zip(windows.iter().skip(1));
    let gap = |(before, after): (&Window<'_>, &Window<'_>)| {
        let end = ticks_to_ns(before.source_end, before.timescale);
        let missing_ns = after
            .source_start_ns
            .saturating_sub(before.source_start_ns)
            .saturating_sub(end);
        let tolerance = ticks_to_ns(before.tolerance, before.timescale);
        if after.continues {
            return None;
        }
        (missing_ns.saturating_abs() > tolerance).then(|| Gap {
            after: before.source,
            at_ns: ticks_to_ns(after.at, after.clip_timescale),
            missing_ns,
        })
    };
    pairs.filter_map(gap).collect()
}

/// The samples that showing `shown` of a track needs. `joined` says that they follow others, so
/// that a sound decoder is already running.
fn samples(track: &Track, shown: &Range<i64>, joined: bool) -> Range<usize> {
    let samples = &track.samples;
    let at = |index: usize| samples.get(index).map(|s| track.presentation(s));
    let last = samples
        .iter()
        .rposition(|s| track.presentation(s) < shown.end);
    let end = last.map_or(0, |last| last.saturating_add(1));
    if track.is_video() {
        let key = |index: &usize| samples.get(*index).is_some_and(|s| s.key);
        let before = (0..end).rev().filter(key);
        let start = before
            .filter(|&index| at(index).is_some_and(|at| at <= shown.start))
            .max();
        // Footage that does not begin with a key frame is shown from its first one.
        let start = start.or_else(|| (0..end).find(key)).unwrap_or(0);
        let end = (end..samples.len()).find(key).unwrap_or(samples.len());
        return start..end;
    }
    let preroll = match track.is_audio() && !joined {
        true => Ticks::from_span(PREROLL, track.timescale).value,
        false => 0,
    };
    let start = samples.iter().position(|s| {
        let ends = track.presentation(s).saturating_add(s.duration.into());
        ends > shown.start.saturating_sub(preroll)
    });
    start.unwrap_or(end).min(end)..end
}
