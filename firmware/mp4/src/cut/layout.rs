//! The order of samples in a clip: chunks of about half a second, interleaved by time.

use std::time::Duration;

use picam_time::Ticks;

use super::join::{Joined, Placed};

/// Longest chunk by decode time.
const CHUNK: Duration = Duration::from_millis(500);

/// A stretch of bytes copied from one source.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) struct Extent {
    /// Where it starts in the clip; it ends where the next one starts.
    pub(super) at: u64,
    /// Index into the list of sources.
    pub(super) source: usize,
    /// Where it starts in its source.
    pub(super) offset: u64,
}

/// Neighbouring samples of one track with one sample entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    /// Offset from the start of the samples.
    pub(super) at: u64,
    /// Samples as the tables count them.
    pub(super) count: u32,
    /// Index of the sample entry.
    pub(super) entry: usize,
}

/// All samples of a clip in order.
pub(super) struct Interleaved {
    /// The chunks of every track.
    pub(super) chunks: Vec<Vec<Chunk>>,
    /// Relative to the start of the samples.
    pub(super) extents: Vec<Extent>,
    pub(super) len: u64,
}

/// Splits a track into chunks.
fn split<'a>(track: &'a Joined<'_>) -> impl Iterator<Item = &'a [Placed]> {
    let longest = Ticks::from_span(CHUNK, track.timescale).value;
    let mut rest = track.samples.as_slice();
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let inside =
            |s: &Placed| s.entry == first.entry && s.dts.saturating_sub(first.dts) < longest;
        let len = rest.iter().position(|s| !inside(s)).unwrap_or(rest.len());
        let (chunk, behind) = rest.split_at(len.max(1));
        rest = behind;
        Some(chunk)
    })
}

/// When a sample is due in the clip, in nanoseconds.
fn due(track: &Joined<'_>, sample: &Placed) -> i64 {
    let shift = track.spans.first().map_or(0, |span| span.shift);
    Ticks::new(sample.dts.saturating_sub(shift), track.timescale).nanos()
}

/// Orders the chunks of all tracks by the time of their first sample.
pub(super) fn interleave(tracks: &[Joined<'_>]) -> Interleaved {
    let mut order = Vec::new();
    for (index, track) in tracks.iter().enumerate() {
        for chunk in split(track) {
            let when = chunk.first().map_or(0, |first| due(track, first));
            order.push((when, index, chunk));
        }
    }
    // A stable sort, so that chunks of one track keep their order.
    order.sort_by_key(|&(when, track, _)| (when, track));
    let mut chunks = vec![Vec::new(); tracks.len()];
    let mut extents: Vec<Extent> = Vec::new();
    let mut at = 0u64;
    let mut end = (usize::MAX, 0);
    for (_, track, samples) in order {
        if let (Some(chunks), Some(first)) = (chunks.get_mut(track), samples.first()) {
            chunks.push(Chunk {
                at,
                count: samples.iter().fold(0, |n, s| s.run.saturating_add(n)),
                entry: first.entry,
            });
        }
        for sample in samples.iter().filter(|sample| sample.size > 0) {
            if end != (sample.source, sample.offset) {
                extents.push(Extent {
                    at,
                    source: sample.source,
                    offset: sample.offset,
                });
            }
            at = at.saturating_add(sample.size.into());
            end = (
                sample.source,
                sample.offset.saturating_add(sample.size.into()),
            );
        }
    }
    Interleaved {
        chunks,
        extents,
        len: at,
    }
}

/// Moves the extents behind the head of the file.
pub(super) fn behind(mut extents: Vec<Extent>, head_len: u64) -> Vec<Extent> {
    for extent in &mut extents {
        extent.at = extent.at.saturating_add(head_len);
    }
    extents.shrink_to_fit();
    extents
}
