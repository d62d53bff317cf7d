//! What of its samples a track of a clip shows, and when.

use mp4_atom::ElstEntry;

use super::join::Joined;
use super::select::rescale;

/// The track's edit list; durations in ticks of the clip, media times in those of the track. Empty where nothing of it is
/// shown: sound that ends just before the clip starts has samples that are only decoded.
pub(super) fn edits(track: &Joined<'_>, clip_timescale: u32) -> Vec<ElstEntry> {
    let to_clip = |ticks: i64| rescale(ticks, track.timescale, clip_timescale);
    let (first, last) = (track.media_start(), track.media_end());
    let mut edits: Vec<ElstEntry> = Vec::new();
    let mut shown_to = 0;
    for span in &track.spans {
        // From the first sample to the last, should the track begin late or end early.
        let at = span.at.max(first.saturating_sub(span.shift));
        let end = span.end.min(last.saturating_sub(span.shift));
        let (from, to) = (to_clip(at), to_clip(end));
        let media_time = u64::try_from(at.saturating_add(span.shift)).ok();
        if to <= from || media_time.is_none() {
            continue;
        }
        if from > shown_to {
            edits.push(edit(from.saturating_sub(shown_to), None));
        }
        edits.push(edit(to.saturating_sub(from), media_time));
        shown_to = to;
    }
    edits
}

fn edit(duration: i64, media_time: Option<u64>) -> ElstEntry {
    ElstEntry {
        segment_duration: u64::try_from(duration).unwrap_or(0),
        media_time,
        media_rate: 1.into(),
    }
}
