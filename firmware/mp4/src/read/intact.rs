//! What is left of a file that was cut off or damaged.

use super::boxes::{BoxHeader, FourCc, load};
use super::error::ReadError;
use super::fragments::{self, Fragment};
use super::{Budget, MAX_MOOV, MAX_SAMPLES, Movie, Track, moov};
use crate::storage::ReadAt;

/// See [`Movie::read_intact`].
pub(super) fn read(src: &(impl ReadAt + ?Sized), size: u64) -> Result<(Movie, u32), ReadError> {
    let mut budget = Budget {
        file_size: size,
        samples: size.min(MAX_SAMPLES),
        allow_outside: true,
    };
    let mut found = None;
    let mut damage = 0;
    let mut offset = 0;
    loop {
        let header = match BoxHeader::read(src, offset, size) {
            Ok(Some(header)) => header,
            Ok(None) => break,
            Err(error @ ReadError::Io { .. }) => return Err(error),
            // A media data box that is cut off still holds its first samples; nothing follows it.
            Err(_) => {
                damage += 1;
                break;
            }
        };
        match (&header.kind.0, &mut found) {
            (b"moov", None) => {
                let bytes = load(src, header, MAX_MOOV)?;
                found = Some((header, moov::parse(header, &bytes, &mut budget)?));
            }
            (b"moof", Some((_, (movie, defaults)))) => {
                let before: Vec<usize> = movie.tracks.iter().map(|t| t.samples.len()).collect();
                let mut fragment = Fragment::at(header);
                let tracks = &mut movie.tracks;
                let read = fragments::read(src, &mut fragment, tracks, defaults, &mut budget);
                match read {
                    Ok(()) => {}
                    Err(error @ ReadError::Io { .. }) => return Err(error),
                    Err(_) => {
                        damage += 1;
                        for (track, before) in movie.tracks.iter_mut().zip(before) {
                            track.samples.truncate(before);
                        }
                    }
                }
            }
            _ => {}
        }
        offset = header.end;
    }
    let Some((header, (mut movie, _))) = found else {
        return Err(ReadError::Missing {
            kind: FourCc(*b"moov"),
            offset: 0,
        });
    };
    movie.init = header.offset..header.end;
    let outside: usize = movie.tracks.iter_mut().map(|t| drop_outside(t, size)).sum();
    movie.settle_duration();
    let outside = u32::try_from(outside).unwrap_or(u32::MAX);
    Ok((movie, outside.saturating_add(damage)))
}

/// Takes the samples out that are not wholly in the file; returns how many pictures those are.
fn drop_outside(track: &mut Track, size: u64) -> usize {
    let before = track.samples.len();
    track.samples.retain(|sample| sample.end() <= size);
    if track.is_video() {
        before - track.samples.len()
    } else {
        0
    }
}
