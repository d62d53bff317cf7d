//! HTTP Live Streaming playlists (RFC 8216, version 7) straight over the bytes of segments: every
//! entry is a byte range of a slot's file, and its fragments are served as they lie there. That the card's
//! format allows it is what they prove.

use std::fmt::Write;
use std::ops::Range;

use picam_mp4::read::{Fragment, Movie, Track};
use picam_time::{Ticks, UtcUs};

/// One file of a playlist.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    /// Its fragments, as `read_slot` shows them.
    pub(crate) movie: &'a Movie,
    /// Where a player finds the file: a URI reference, percent-encoded.
    pub(crate) uri: &'a str,
    /// When its first picture was taken, where that is known.
    pub(crate) start_utc: Option<UtcUs>,
}

/// One entry: fragments of which the first starts with a key frame.
#[derive(Debug, Clone)]
struct Entry {
    bytes: Range<u64>,
    /// On the presentation timeline of the part, in ticks of its pictures.
    time: Range<i64>,
}

/// Writes the playlist of one part or of many in a row. An open one leaves out the group of pictures that may
/// still grow, so that a later list only adds to this one.
pub(crate) fn playlist(parts: &[Part<'_>], open: bool) -> String {
    let mut body = String::new();
    let mut longest_us = 0;
    for (index, part) in parts.iter().enumerate() {
        let track = part.movie.video().unwrap();
        let mut entries = entries(part.movie, track);
        assert!(!entries.is_empty(), "{}", part.uri);
        if open && index + 1 == parts.len() {
            entries.pop();
        }
        if !body.is_empty() {
            body.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let init = &part.movie.init;
        line(
            &mut body,
            format_args!(
                "#EXT-X-MAP:URI=\"{}\",BYTERANGE=\"{}@{}\"",
                part.uri,
                init.end.saturating_sub(init.start),
                init.start
            ),
        );
        let first = entries.first().map_or(0, |first| first.time.start);
        let micros = |ticks| Ticks::new(ticks, track.timescale).micros();
        if let Some(utc) = part.start_utc {
            let date = jiff::Timestamp::from_microsecond(utc.0 + micros(first)).unwrap();
            line(
                &mut body,
                format_args!("#EXT-X-PROGRAM-DATE-TIME:{date:.3}"),
            );
        }
        for entry in &entries {
            // Ends and starts are rounded, not durations, so that errors do not add up.
            let us = micros(entry.time.end).saturating_sub(micros(entry.time.start));
            longest_us = longest_us.max(us);
            let (start, end) = (entry.bytes.start, entry.bytes.end);
            line(
                &mut body,
                format_args!(
                    "#EXTINF:{}.{:06},\n#EXT-X-BYTERANGE:{}@{start}\n{}",
                    us / 1_000_000,
                    us % 1_000_000,
                    end.saturating_sub(start),
                    part.uri
                ),
            );
        }
    }
    let longest_s = Ticks::new(longest_us, 1_000_000).rounded_up(1).value;
    let target_s = longest_s.max(1);
    let kind = if open { "EVENT" } else { "VOD" };
    let end = if open { "" } else { "#EXT-X-ENDLIST\n" };
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target_s}\n#EXT-X-PLAYLIST-TYPE:{kind}\n\
         #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n{body}{end}"
    )
}

fn line(body: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(body, "{text}").unwrap();
}

/// When the key frame is shown that the fragment starts with, if it starts with one.
fn starts(movie: &Movie, track: &Track, fragment: &Fragment) -> Option<i64> {
    let index = movie.tracks.iter().position(|t| t.id == track.id)?;
    let samples = track.samples.get(fragment.samples.get(index)?.clone())?;
    let first = samples.first().filter(|first| first.key)?;
    Some(track.presentation(first))
}

fn entries(movie: &Movie, track: &Track) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for fragment in &movie.fragments {
        let start = starts(movie, track, fragment);
        match (start, entries.last_mut()) {
            (Some(start), last) => {
                if let Some(last) = last {
                    last.time.end = start;
                }
                entries.push(Entry {
                    bytes: fragment.offset..fragment.end,
                    time: start..start,
                });
            }
            (None, Some(open)) => open.bytes.end = fragment.end,
            // Nothing can be decoded before the first key frame.
            (None, None) => {}
        }
    }
    if let Some(last) = entries.last_mut() {
        last.time.end = track.presentation_end().max(last.time.start);
    }
    entries
}
