//! The init: verified by its CRC, and got back where it is damaged.

use std::io;

use super::{Help, RecoverError, bitflip};
use crate::boxes;
use crate::layout::{PAGE, page_up};
use crate::moov;
use crate::page_buf::PageBuf;
use crate::read::{Movie, Track};
use crate::record::Record;
use crate::storage::{Flush, ReadAt, SlotFile};
use crate::track::{TrackConfig, TrackKind};

/// No init is longer: parameter sets are some hundred bytes.
const LONGEST: u64 = 1 << 20;

/// An init and how sure it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Init {
    /// The `moov` alone.
    pub(super) bytes: Vec<u8>,
    pub(super) tracks: Vec<TrackConfig>,
    /// Composition time at which the presentation begins.
    pub(super) zero: u64,
    /// Whether it is the one that stands in the file.
    pub(super) in_place: bool,
    /// Whether its CRC is the one that the segment states; always `false` in version 1.
    pub(super) verified: bool,
}

impl Init {
    /// Its length with the padding to the next page.
    pub(super) fn padded_len(&self) -> u64 {
        page_up(self.bytes.len() as u64 + 8)
    }

    fn parse(bytes: Vec<u8>, in_place: bool, verified: bool) -> Result<Self, RecoverError> {
        let movie = Movie::read(&bytes)?;
        let tracks = tracks_of(&movie)?;
        if tracks.first().is_none_or(|t| t.kind != TrackKind::Video) {
            return Err(RecoverError::Layout("its first track is no video"));
        }
        Ok(Self {
            zero: movie.tracks.first().map_or(0, zero_of),
            bytes,
            tracks,
            in_place,
            verified,
        })
    }
}

/// Where the edit list of a track begins.
fn zero_of(track: &Track) -> u64 {
    let starts = track.edits.iter().filter_map(|edit| edit.media_time);
    starts.map(i64::unsigned_abs).next().unwrap_or(0)
}

/// The tracks of a movie as picam describes them.
pub(super) fn tracks_of(movie: &Movie) -> Result<Vec<TrackConfig>, RecoverError> {
    let config = |track: &Track| {
        let kind = TrackKind::from_handler(track.handler.0)
            .ok_or(RecoverError::Layout("it has a track of an unknown kind"))?;
        Ok(TrackConfig {
            kind,
            timescale: track.timescale,
            stsd: track.stsd.clone(),
            width: track.width,
            height: track.height,
        })
    };
    movie.tracks.iter().map(config).collect()
}

/// The init `moov` that stands in the file.
pub(super) fn stored(file: &impl ReadAt, record: &Record) -> io::Result<Vec<u8>> {
    let len = match record.init_moov_len {
        0 => {
            let mut size = [0; 4];
            file.read_exact_at(record.head_len.into(), &mut size)?;
            u32::from_be_bytes(size).into()
        }
        len => u64::from(len),
    };
    let room = file.size()?.saturating_sub(record.head_len.into());
    let mut init = vec![0; len.min(LONGEST).min(room) as usize];
    file.read_exact_at(record.head_len.into(), &mut init)?;
    Ok(init)
}

/// Finds the init of the segment: in its place, in another segment, or by the finished index `shown`.
pub(super) fn find(
    file: &impl ReadAt,
    record: &Record,
    shown: Option<&Movie>,
    help: &Help<'_>,
) -> Result<Init, RecoverError> {
    let mut here = stored(file, record)?;
    let Some(want) = record.init_crc else {
        // Nothing says what it should be: whatever can be read is taken.
        return Init::parse(here, true, false).or_else(|error| {
            made_of(shown).map_or(Err(error), |made| Init::parse(made, false, false))
        });
    };
    if crc32fast::hash(&here) == want {
        return Init::parse(here, true, true);
    }
    if let Some(made) = made_of(shown).filter(|made| crc32fast::hash(made) == want) {
        return Init::parse(made, false, true);
    }
    if let Some(lent) = (help.lend)(want).filter(|lent| crc32fast::hash(lent) == want) {
        return Init::parse(lent, false, true);
    }
    // The length may be what is damaged, too; then it is that of the box.
    let damaged = here.clone();
    if bitflip::mend(&mut here, want) && crc32fast::hash(&here) == want {
        return Init::parse(here, false, true);
    }
    // What can be read of it may be all that it said.
    let read = Movie::read(&damaged).ok();
    if let Some(made) = made_of(read.as_ref()).filter(|made| crc32fast::hash(made) == want) {
        return Init::parse(made, false, true);
    }
    Init::parse(damaged, true, false)
}

/// The init that belongs to a finished index, or was read: it is made of the tracks alone.
fn made_of(shown: Option<&Movie>) -> Option<Vec<u8>> {
    let shown = shown?;
    let tracks = tracks_of(shown).ok()?;
    let zero = shown.tracks.first().map_or(0, zero_of);
    let mut made = Vec::new();
    moov::encode_init(&tracks, u32::try_from(zero).ok()?, &mut made).ok()?;
    Some(made)
}

/// Puts the init into its place: every sector that changes was damaged.
pub(super) fn put<F: SlotFile>(file: &mut F, record: &Record, init: &Init) -> io::Result<()> {
    let mut bytes = init.bytes.clone();
    let pad = init.padded_len() - bytes.len() as u64;
    boxes::header(b"free", pad, &mut bytes);
    let mut page = PageBuf::with_capacity(init.padded_len() as usize);
    page.extend(&bytes);
    page.resize(init.padded_len() as usize);
    super::index::write_differing(file, record.head_len.into(), page.as_slice())?;
    file.flush(Flush::Data)
}

/// What is wrong with the init of a segment; `None` if nothing is, or nothing can be said.
pub(super) fn fault(file: &impl ReadAt, record: &Record) -> io::Result<Option<String>> {
    let init = stored(file, record)?;
    let at = record.head_len;
    Ok(match record.init_crc {
        Some(want) if crc32fast::hash(&init) != want => {
            Some(format!("the init at byte {at} is damaged (CRC mismatch)"))
        }
        Some(_) => None,
        None => Init::parse(init, true, false)
            .err()
            .map(|error| format!("the init at byte {at} is damaged: {error}")),
    })
}

// The init begins and ends on pages.
const _: () = assert!(LONGEST.is_multiple_of(PAGE as u64));
