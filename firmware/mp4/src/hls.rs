//! HTTP Live Streaming playlists (RFC 8216, version 7) straight over the bytes of segments: every
//! entry is a byte range of a slot's file, and its fragments are served as they lie there.
//!
//! ```no_run
//! use picam_mp4::hls::{self, Options, Part};
//! use picam_mp4::read::Movie;
//!
//! let file = std::fs::File::open("20261120_110800_FN_000123.mp4")?;
//! let (movie, record, _) = Movie::read_slot(&file)?;
//! let part = Part {
//!     movie: &movie,
//!     uri: "20261120_110800_FN_000123.mp4",
//!     start_utc: record.start_utc,
//! };
//! let playlist = hls::playlist(&[part], &Options::default())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt::Write;
use std::ops::Range;
use std::time::Duration;

use picam_time::{Ticks, UtcUs};

use crate::read::{Fragment, Movie, Track};

/// One file of a playlist.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Its fragments, as [`Movie::read_slot`] shows them.
    pub movie: &'a Movie,
    /// Where a player finds the file: a URI reference, percent-encoded.
    pub uri: &'a str,
    /// When its first picture was taken, where that is known.
    pub start_utc: Option<UtcUs>,
}

/// What kind of playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Whether the last part is still being recorded: the list stays open and leaves out the group
    /// of pictures that may still grow, so that a later list only adds to this one.
    pub open: bool,
    /// Shortest entry in milliseconds: groups of pictures are put together up to here. The list of
    /// a whole day gets shorter by it.
    pub at_least_ms: u32,
    /// Target duration to state, in seconds, should no entry be longer. It must not change between
    /// versions of an open list: state there the longest group of pictures to come.
    pub target_s: u32,
}

/// Why there is no playlist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HlsError {
    /// A URI that would break the list.
    #[error("{0:?} is no percent-encoded URI: encode spaces, quotes and everything beyond ASCII")]
    Uri(String),
    /// No fragment starts with a key frame.
    #[error(
        "`{0}` holds no fragments to list; it is no picam segment, or nothing was recorded yet"
    )]
    NoFragments(String),
}

/// One entry: fragments of which the first starts with a key frame.
#[derive(Debug, Clone)]
struct Entry {
    bytes: Range<u64>,
    /// On the presentation timeline of the part, in ticks of its pictures.
    time: Range<i64>,
}

/// Writes the playlist of one part or of many in a row.
pub fn playlist(parts: &[Part<'_>], options: &Options) -> Result<String, HlsError> {
    let mut body = String::new();
    let mut longest_us = 0;
    for (index, part) in parts.iter().enumerate() {
        check_uri(part.uri)?;
        let track = part.movie.video().or(part.movie.tracks.first());
        let entries = track.map(|track| (track, entries(part.movie, track, options)));
        let Some((track, mut entries)) = entries.filter(|(_, entries)| !entries.is_empty()) else {
            return Err(HlsError::NoFragments(part.uri.to_owned()));
        };
        if options.open && index + 1 == parts.len() {
            entries.pop();
        }
        if entries.is_empty() {
            continue;
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
        let date = part.start_utc.map(|utc| {
            let date = utc
                .0
                .saturating_add(Ticks::new(first, track.timescale).micros());
            jiff::Timestamp::from_microsecond(date)
        });
        if let Some(Ok(date)) = date {
            line(
                &mut body,
                format_args!("#EXT-X-PROGRAM-DATE-TIME:{date:.3}"),
            );
        }
        let micros = |ticks| Ticks::new(ticks, track.timescale).micros();
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
    let target_s = longest_s.max(options.target_s.into()).max(1);
    let kind = if options.open { "EVENT" } else { "VOD" };
    let end = if options.open { "" } else { "#EXT-X-ENDLIST\n" };
    Ok(format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target_s}\n#EXT-X-PLAYLIST-TYPE:{kind}\n\
         #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n{body}{end}"
    ))
}

fn line(body: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(body, "{text}");
}

fn check_uri(uri: &str) -> Result<(), HlsError> {
    // RFC 3986: printable ASCII but these. A line that starts with `#` is no URI to a player.
    let allowed =
        |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`');
    if uri.is_empty() || uri.starts_with('#') || !uri.chars().all(allowed) {
        return Err(HlsError::Uri(uri.to_owned()));
    }
    Ok(())
}

/// When the key frame is shown that the fragment starts with, if it starts with one.
fn starts(movie: &Movie, track: &Track, fragment: &Fragment) -> Option<i64> {
    let index = movie.tracks.iter().position(|t| t.id == track.id)?;
    let samples = track.samples.get(fragment.samples.get(index)?.clone())?;
    let first = samples.first().filter(|first| first.key)?;
    Some(track.presentation(first))
}

fn entries(movie: &Movie, track: &Track, options: &Options) -> Vec<Entry> {
    let at_least = Duration::from_millis(options.at_least_ms.into());
    let at_least = Ticks::from_span(at_least, track.timescale).value;
    let mut entries: Vec<Entry> = Vec::new();
    for fragment in &movie.fragments {
        let start = starts(movie, track, fragment);
        match (start, entries.last_mut()) {
            (Some(start), Some(open)) => {
                open.time.end = start;
                if start.saturating_sub(open.time.start) >= at_least {
                    entries.push(Entry {
                        bytes: fragment.offset..fragment.end,
                        time: start..start,
                    });
                } else {
                    open.bytes.end = fragment.end;
                }
            }
            (Some(start), None) => entries.push(Entry {
                bytes: fragment.offset..fragment.end,
                time: start..start,
            }),
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
