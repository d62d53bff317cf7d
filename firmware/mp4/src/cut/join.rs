//! Lays the samples of all sources onto one timeline a track.

use std::time::Duration;

use picam_time::Ticks;

use super::select::{self, Window, rescale};
use super::{CutError, Keep};
use crate::read::{FourCc, Sample, SampleEntry, Track, TrackBoxes};

/// Sound whose joint is off by less is put end to end: a rounding error, not a gap.
const SNAP: Duration = Duration::from_millis(1);

/// A sample of the clip, with times in the ticks of its track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    /// Index into the list of sources.
    pub(super) source: usize,
    /// Where it lies in its source.
    pub(super) offset: u64,
    pub(super) size: u32,
    pub(super) dts: i64,
    pub(super) pts: i64,
    pub(super) duration: u32,
    /// Index into [`Joined::entries`].
    pub(super) entry: usize,
    /// How many samples of the file it stands for, and how long each lasts.
    pub(super) run: u32,
    pub(super) each: u32,
    pub(super) key: bool,
}

/// A stretch of the media timeline that the clip shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Where it begins in the clip, in the track's ticks.
    pub(super) at: i64,
    pub(super) end: i64,
    /// Media time less clip time.
    pub(super) shift: i64,
}

/// One track of the clip.
#[derive(Debug)]
pub(super) struct Joined<'a> {
    pub(super) id: u32,
    /// Headers are taken from here.
    pub(super) boxes: &'a TrackBoxes,
    /// Whether the track that gave them is in the clip's first source.
    pub(super) from_first: bool,
    pub(super) timescale: u32,
    pub(super) video: bool,
    /// Sample entries, each once.
    pub(super) entries: Vec<&'a SampleEntry>,
    pub(super) samples: Vec<Placed>,
    pub(super) spans: Vec<Span>,
    key: Key,
    /// Media time less clip time for what comes next.
    shift: i64,
}

/// Tracks with the same key in different sources continue each other: handler, codec, and which of
/// several such tracks it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    handler: FourCc,
    codec: FourCc,
    nth: usize,
}

fn keys(window: &Window<'_>) -> Vec<Key> {
    let tracks = &window.movie.tracks;
    let same = |a: &Track, b: &Track| a.handler == b.handler && a.codec == b.codec;
    let nth = |n: usize, track: &Track| tracks.iter().take(n).filter(|t| same(t, track)).count();
    let key = |(n, track): (usize, &Track)| Key {
        handler: track.handler,
        codec: track.codec,
        nth: nth(n, track),
    };
    tracks.iter().enumerate().map(key).collect()
}

/// Joins the samples of all windows, track by track.
pub(super) fn join<'a>(windows: &[Window<'a>], keep: Keep) -> Result<Vec<Joined<'a>>, CutError> {
    let lags: Vec<_> = windows.iter().flat_map(lags).collect();
    let mut joined: Vec<Joined<'a>> = Vec::new();
    let mut video: Option<FourCc> = None;
    for (n, window) in windows.iter().enumerate() {
        if let Some(track) = window.movie.video() {
            let before = *video.get_or_insert(track.codec);
            if before != track.codec {
                return Err(CutError::CodecChanges {
                    source_index: window.source,
                    before,
                    after: track.codec,
                });
            }
        }
        let kept = window.movie.tracks.iter().zip(keys(window));
        for (track, key) in kept.filter(|(track, _)| keep.takes(track)) {
            let into = match joined.iter().position(|joined| joined.key == key) {
                Some(index) => joined.get_mut(index),
                None => {
                    let used = |id| joined.iter().any(|j| j.id == id);
                    let free = (1..).find(|&id| !used(id)).unwrap_or(1);
                    let id = if used(track.id) { free } else { track.id };
                    joined.push(Joined::new(id, track, key, n == 0));
                    joined.last_mut()
                }
            };
            let Some(into) = into else { continue };
            into.append(window, track, longest_lag(&lags, key))?;
        }
    }
    joined.retain(|track| !track.samples.is_empty());
    if joined.is_empty() {
        return Err(CutError::Nothing);
    }
    for track in &mut joined {
        track.settle()?;
    }
    Ok(joined)
}

/// Whether one entry does for the other. What is not a parameter set (a bit rate) may differ.
fn same_entry(a: &SampleEntry, b: &SampleEntry) -> bool {
    let sets = a.parameter_sets.is_some() && a.parameter_sets == b.parameter_sets;
    a.bytes == b.bytes || (sets && a.kind == b.kind)
}

/// How long after decoding the first picture that is needed is shown, in nanoseconds.
fn lag_ns(window: &Window<'_>, track: &Track) -> i64 {
    if !track.is_video() {
        return 0;
    }
    let range = window.samples(track, false);
    let first = track.samples.get(range.start);
    first.map_or(0, |first| {
        select::ticks_to_ns(first.cts_offset.into(), track.timescale)
    })
}

fn lags(window: &Window<'_>) -> Vec<(Key, i64)> {
    let tracks = window.movie.tracks.iter();
    let lag = |(key, track)| (key, lag_ns(window, track));
    keys(window).into_iter().zip(tracks).map(lag).collect()
}

fn longest_lag(lags: &[(Key, i64)], key: Key) -> i64 {
    let same = lags.iter().filter(|(of, _)| *of == key);
    same.map(|(_, lag)| *lag).max().unwrap_or(0)
}

impl<'a> Joined<'a> {
    fn new(id: u32, track: &'a Track, key: Key, from_first: bool) -> Self {
        Self {
            id,
            boxes: &track.boxes,
            from_first,
            timescale: track.timescale,
            video: track.is_video(),
            entries: Vec::new(),
            samples: Vec::new(),
            spans: Vec::new(),
            key,
            shift: 0,
        }
    }

    /// Adds what `window` shows of `track`. `lag_ns` is the longest lag of any source: all get the
    /// same, so that decoding goes on evenly where one source follows another.
    fn append(
        &mut self,
        window: &Window<'a>,
        track: &'a Track,
        lag_ns: i64,
    ) -> Result<(), CutError> {
        let joins = !self.samples.is_empty();
        let range = window.samples(track, joins);
        let Some(samples) = track.samples.get(range).filter(|s| !s.is_empty()) else {
            return Ok(());
        };
        let scale = |ticks| rescale(ticks, track.timescale, self.timescale);
        // Clip time less presentation time in the source.
        let at = rescale(window.at, window.clip_timescale, self.timescale);
        let start = rescale(window.start, window.timescale, self.timescale);
        let to_clip = at.saturating_sub(start);
        let extra = lag_ns.saturating_sub(self::lag_ns(window, track));
        let extra = rescale(extra, select::NS, self.timescale);
        let place = |sample: &Sample| {
            let presented = track.presentation(sample);
            let decoded = presented.saturating_sub(sample.cts_offset.into());
            let dts = scale(decoded).saturating_add(to_clip).saturating_sub(extra);
            (dts, scale(presented).saturating_add(to_clip))
        };
        let last = self.samples.last();
        let last_dts = last.map(|last| last.dts);
        let end = last.map(|last| last.dts.saturating_add(last.duration.into()));
        // Sound that the source before still covers is left out.
        let mut samples = samples;
        if let (Some(end), true) = (end, track.is_audio()) {
            while let Some((first, rest)) = samples.split_first() {
                let half = scale(first.duration.into()) / 2;
                if place(first).1.saturating_add(self.shift) >= end.saturating_sub(half) {
                    break;
                }
                samples = rest;
            }
        }
        let Some(first) = samples.first() else {
            return Ok(());
        };
        let first = place(first);
        let mut snap = 0;
        match (end, last_dts) {
            (Some(end), Some(last_dts)) => {
                let off = end.saturating_sub(first.0.saturating_add(self.shift));
                let tolerance = Ticks::from_span(SNAP, self.timescale).value;
                if track.is_audio() && off.saturating_abs() <= tolerance {
                    snap = off;
                } else if !self.fits(samples.iter().map(place), last_dts) {
                    // What is decoded but not shown here needs room of its own on the timeline.
                    self.shift = self.shift.saturating_add(off);
                }
            }
            // The first sample of all is decoded at 0.
            _ => self.shift = first.0.saturating_neg(),
        }
        let shift = self.shift.saturating_add(snap);
        let mut entries = Vec::with_capacity(track.entries.len());
        for entry in &track.entries {
            let known = self
                .entries
                .iter()
                .position(|known| same_entry(known, entry));
            entries.push(known.unwrap_or_else(|| {
                self.entries.push(entry);
                self.entries.len().saturating_sub(1)
            }));
        }
        let mut least = last_dts.map_or(0, |dts| dts.saturating_add(1));
        for sample in samples {
            let (dts, pts) = place(sample);
            let dts = dts.saturating_add(shift).max(least);
            least = dts.saturating_add(1);
            // A sample moved behind one at the same time is shown when it is decoded.
            let pts = match sample.cts_offset {
                0.. => pts.saturating_add(shift).max(dts),
                _ => pts.saturating_add(shift),
            };
            let entry = usize::try_from(sample.description).unwrap_or(0);
            let entry = entry.checked_sub(1).and_then(|entry| entries.get(entry));
            let duration = u32::try_from(scale(sample.duration.into()));
            let duration = duration.map_err(|_| CutError::TooLong)?;
            self.samples.push(Placed {
                source: window.source,
                offset: sample.offset,
                size: sample.size,
                dts,
                pts,
                duration,
                entry: entry.copied().unwrap_or(0),
                run: sample.run,
                each: duration / sample.run.max(1),
                key: sample.key,
            });
        }
        let length = rescale(window.len(), window.clip_timescale, self.timescale);
        let end = at.saturating_add(length);
        match self.spans.last_mut() {
            Some(span) if span.shift == self.shift => span.end = end,
            _ => self.spans.push(Span {
                at,
                end,
                shift: self.shift,
            }),
        }
        Ok(())
    }

    /// Whether samples can follow one decoded at `last` with each decoded after the one before
    /// and none after it is shown.
    fn fits(&self, samples: impl Iterator<Item = (i64, i64)>, last: i64) -> bool {
        let mut least = last.saturating_add(1);
        for (dts, pts) in samples {
            let dts = dts.saturating_add(self.shift);
            if dts >= least {
                return true;
            }
            if pts.saturating_add(self.shift) < least {
                return false;
            }
            least = least.saturating_add(1);
        }
        true
    }

    /// Makes every duration what it is on the timeline: the time to the next sample.
    fn settle(&mut self) -> Result<(), CutError> {
        let next: Vec<i64> = self.samples.iter().skip(1).map(|s| s.dts).collect();
        for (sample, next) in self.samples.iter_mut().zip(next) {
            let duration = next.saturating_sub(sample.dts);
            sample.duration = u32::try_from(duration).map_err(|_| CutError::TooLong)?;
        }
        Ok(())
    }

    /// The end of the last sample shown, in media time.
    pub(super) fn media_end(&self) -> i64 {
        let end = |s: &Placed| s.pts.saturating_add(s.duration.into());
        self.samples.iter().map(end).max().unwrap_or(0)
    }

    /// When the first sample is shown, in media time.
    pub(super) fn media_start(&self) -> i64 {
        self.samples.iter().map(|s| s.pts).min().unwrap_or(0)
    }
}
