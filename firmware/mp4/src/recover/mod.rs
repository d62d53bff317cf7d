//! Finishes segments that a power cut left as they were being recorded, and mends what a card damaged.
//!
//! Nothing here makes a file less playable than it was found, wherever it is interrupted: fragments are
//! never moved or changed, and where the outcome would show fewer pictures, the file is left as it is.
//! `docs/card-format.md` states the rule and the order of writes.

mod bitflip;
mod check;
mod header;
mod index;
mod init;
mod moof;
#[cfg(test)]
mod tests;
mod times;
mod walk;

use std::io;
use std::ops::Range;

use index::Content;
use init::Init;
use walk::{Place, Walked};

use crate::fragment::FragmentRecord;
use crate::layout::PAGE;
use crate::page_buf::PageBuf;
use crate::read::{Movie, ReadError};
use crate::record::{Counters, Record, RecordError, SegmentState};
use crate::storage::{ReadAt, SlotFile};
use crate::writer::{self, WriteError};

pub use check::{Checked, DamagedFragment, check};
pub use header::read_record;
pub(crate) use walk::crc_holds;

/// Why a slot cannot be recovered. The file is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The header record cannot be used.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The card refused.
    #[error("the card refused: {0}")]
    Io(#[from] io::Error),
    /// The init is damaged: nobody can say what the fragments hold.
    #[error("the init section is damaged: {0}")]
    Init(#[from] ReadError),
    /// Writing the index failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The record contradicts the file.
    #[error("the header record does not fit the file: {0}")]
    Layout(&'static str),
    /// What could be made of it shows less than what is there.
    #[error("as it is, it shows {now} pictures; mended, it would show {mended}: left as it is")]
    LessPlayable {
        /// Pictures that are shown now.
        now: usize,
        /// Pictures that would be shown.
        mended: usize,
    },
}

/// What the file's name says about a segment, for one whose header record is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// Camera letter.
    pub camera: u8,
    /// Class letter.
    pub class: u8,
    /// Sequence modulo `modulus`.
    pub sequence: u64,
    /// What the sequence in names is taken modulo.
    pub modulus: u64,
}

impl Named {
    fn fits(&self, fragment: &FragmentRecord) -> bool {
        let camera = fragment.origin.is_none_or(|o| o.camera == self.camera);
        camera && fragment.sequence % self.modulus.max(1) == self.sequence
    }

    /// Whether the segment named is a newer one than that of a sequence.
    fn is_newer_than(&self, sequence: u64) -> bool {
        let modulus = self.modulus.max(1);
        let ahead = (self.sequence + modulus - sequence % modulus) % modulus;
        (1..modulus / 2).contains(&ahead)
    }
}

/// What others can do for a damaged segment.
pub struct Help<'a> {
    /// Gives the init `moov` with this CRC-32, from another segment of the same camera; it is checked again.
    pub lend: &'a dyn Fn(u32) -> Option<Vec<u8>>,
    /// What the file is called.
    pub named: Option<Named>,
}

impl Help<'_> {
    /// No help at all.
    pub const NONE: Help<'static> = Help {
        lend: &|_| None,
        named: None,
    };
}

/// What was done to a file, and what it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// Its header record.
    pub record: Record,
    /// Whether it was finished before.
    pub was: SegmentState,
    /// There is no footage in it, and nothing was changed.
    pub empty: bool,
    /// The header record was mended, or made anew from the fragments.
    pub header: bool,
    /// The init was mended, or borrowed.
    pub init: bool,
    /// The index was made or mended.
    pub index: bool,
    /// Something behind the last fragment was hidden.
    pub tail: bool,
    /// Fragments that are damaged, and kept as far as they can be shown.
    pub damaged: u32,
}

impl Mended {
    /// Whether anything was changed.
    pub fn changed(&self) -> bool {
        self.header || self.init || self.index || self.tail
    }
}

/// A segment as it was found.
struct Found {
    record: Record,
    state: SegmentState,
    /// Whether the header record is as it was written.
    header_intact: bool,
    /// Whether it is known at all; else it is made of what the fragments say.
    header_known: bool,
    /// Whether header and index are of a segment that had been given up, and overwritten by this one.
    overwritten: bool,
    init: Init,
    walked: Walked,
}

/// Finishes the segment in `file` if it was cut off, and mends what of header, init and index is damaged,
/// finished or not. A finished file of which nothing but footage is damaged is not touched. Interrupted at any point, it can be
/// done again.
pub fn mend<F: SlotFile>(file: &mut F, help: &Help<'_>) -> Result<Mended, RecoverError> {
    if let Some(sound) = sound(file)? {
        return Ok(sound);
    }
    give_length_back(file)?;
    let found = find(file, help, true)?;
    let (mut record, state) = (found.record.clone(), found.state);
    let mut mended = Mended {
        record: found.record.clone(),
        was: state,
        empty: false,
        header: !found.header_intact,
        init: false,
        index: false,
        tail: false,
        damaged: found.walked.damaged(),
    };
    if found.walked.pieces.is_empty() {
        return match state {
            SegmentState::Recording if found.header_known && mended.damaged == 0 => Ok(Mended {
                empty: true,
                ..mended
            }),
            _ => Err(RecoverError::Layout("none of its fragments is left")),
        };
    }
    let content = content(file, &found)?;
    let pictures = content.pictures();
    let now = shown_pictures(file, &found);
    if pictures < now || pictures == 0 {
        return Err(RecoverError::LessPlayable {
            now,
            mended: pictures,
        });
    }
    count(&mut record, &found, pictures);
    record.end = found.walked.end;
    record.recovered |= state == SegmentState::Recording || !found.header_known;
    if record.written_len == 0 {
        record.written_len = record.end;
    }
    let tracks = &found.init.tracks;
    let head = content
        .head(&mut record, tracks)
        .map_err(WriteError::from)?;

    if !found.init.in_place {
        init::put(file, &record, &found.init)?;
        mended.init = true;
    }
    mended.tail = index::hide_rest(file, &record)?;
    let finished = state == SegmentState::Finished;
    let differs = !finished || !index::differences(file, &head)?.is_empty();
    if finished && differs && index::mend_in_place(file, &head)? {
        mended.index = true;
    } else if differs {
        if finished || found.overwritten {
            index::hide(file, &record)?;
        }
        let mut scratch = (Vec::new(), PageBuf::with_capacity(PAGE));
        writer::finalise(
            file,
            &mut record,
            tracks,
            &content.tables,
            &content.places,
            (&mut scratch.0, &mut scratch.1),
        )?;
        mended.index = true;
    }
    mended.record = record;
    Ok(mended)
}

/// Says so if the file is finished and its header, init and index are sound. Its footage is not read.
fn sound(file: &impl ReadAt) -> Result<Option<Mended>, RecoverError> {
    let Ok((record, SegmentState::Finished)) = read_record(file) else {
        return Ok(None);
    };
    if file.size()? < record.slot_len {
        return Ok(None);
    }
    let Ok(found) = find(file, &Help::NONE, false) else {
        return Ok(None);
    };
    let whole = found.walked.pieces.iter().all(|piece| piece.intact);
    if !whole || !found.init.in_place || record.end != found.walked.end {
        return Ok(None);
    }
    if record.init_crc.is_some() != found.init.verified || !found.walked.free_follows {
        return Ok(None);
    }
    let content = content(file, &found)?;
    let mut expected = record.clone();
    let head = content.head(&mut expected, &found.init.tracks);
    let Ok(head) = head else { return Ok(None) };
    let same = index::differences(file, &head)?.is_empty();
    Ok(same.then_some(Mended {
        record,
        was: SegmentState::Finished,
        empty: false,
        header: false,
        init: false,
        index: false,
        tail: false,
        damaged: 0,
    }))
}

/// Finds out what is there. Without `verify`, fragments are taken by their records alone.
fn find(file: &impl ReadAt, help: &Help<'_>, verify: bool) -> Result<Found, RecoverError> {
    let size = file.size()?;
    let read = read_record(file);
    let known = header::mended(file)?;
    let named = help.named.as_ref();
    // A card that loses what was written last gives the page from before back: the header of what was overwritten.
    let stale = known
        .as_ref()
        .and_then(|(record, _)| named.filter(|named| named.is_newer_than(record.sequence)));
    let told = match (&known, stale) {
        (Some(_), None) => None,
        _ => header::told(file, named)?,
    };
    let (mut record, state, overwritten) = match (known, told) {
        (Some(_), Some(told)) => (told.record(size, named), SegmentState::Recording, true),
        (Some((record, state)), None) => (record, state, false),
        (None, Some(told)) => (told.record(size, named), told.state, false),
        (None, None) => return Err(read.err().unwrap_or(RecordError::Damaged.into())),
    };
    if let Some(told) = told {
        record.init_len = told.first.map_or(0, |first| {
            u32::try_from(first.saturating_sub(told.head_len.into())).unwrap_or(0)
        });
    } else {
        check_layout(&record, size)?;
    }
    let shown = match state {
        SegmentState::Finished => Movie::read_front(file).ok(),
        SegmentState::Recording => None,
    };
    let init = init::find(file, &record, shown.as_ref(), help)?;
    if told.is_some() {
        record.init_moov_len = init.bytes.len() as u32;
        if record.init_len == 0 {
            record.init_len = init.padded_len() as u32;
        }
        check_layout(&record, size)?;
    }
    let place = Place {
        sequence: record.sequence,
        boot_tag: writer::boot_tag(&record.boot_id),
        first: first_fragment(&record),
        slot_len: record.slot_len,
        limit: size.min(record.slot_len),
    };
    let mut walked = walk::walk(file, place, verify)?;
    if told.is_some() {
        header::complete(&mut record, &walked, &init.tracks);
    }
    if let Some(shown) = shown.filter(|shown| shown.tracks.len() == init.tracks.len()) {
        let mut longer = walked.clone();
        if told.is_none() {
            walk::extend(&mut longer, file, place, record.end)?;
        }
        index::fill_from(&mut longer.pieces, &shown, init.tracks.len());
        if longer.pieces.last().is_none_or(|last| last.parts.is_some()) {
            walked = longer;
        } else {
            index::fill_from(&mut walked.pieces, &shown, init.tracks.len());
        }
    }
    times::settle(&mut walked.pieces, &init.tracks, init.zero);
    Ok(Found {
        record,
        state,
        header_intact: read.is_ok() && !overwritten,
        header_known: told.is_none(),
        overwritten,
        init,
        walked,
    })
}

fn content(file: &impl ReadAt, found: &Found) -> io::Result<Content> {
    let (pieces, init) = (&found.walked.pieces, &found.init);
    Content::of(file, pieces, &init.tracks, init.zero)
}

/// Pictures of this segment that a player of the file finds now.
fn shown_pictures(file: &impl ReadAt, found: &Found) -> usize {
    if found.overwritten {
        return 0;
    }
    let movie = match found.state {
        SegmentState::Finished => Movie::read_front(file),
        SegmentState::Recording => Movie::read(file),
    };
    let movie = movie.ok();
    let place = first_fragment(&found.record)..found.walked.end;
    let video = movie.as_ref().and_then(|movie| movie.tracks.first());
    let samples = video.iter().flat_map(|track| &track.samples);
    let here = samples.filter(|sample| place.contains(&sample.offset) && sample.size > 0);
    let others = others(file, found).unwrap_or_default();
    here.filter(|sample| !others.iter().any(|other| other.contains(&sample.offset)))
        .count()
}

/// Where whole fragments of other segments stand between those of this one: what a card gives back in place
/// of a write that it lost.
fn others(file: &impl ReadAt, found: &Found) -> io::Result<Vec<Range<u64>>> {
    let segment = &found.record;
    let boot_tag = writer::boot_tag(&segment.boot_id);
    let mut others = Vec::new();
    for piece in found
        .walked
        .pieces
        .iter()
        .filter(|piece| piece.parts.is_none())
    {
        walk::for_each_fragment(file, piece.at, piece.end, |at, record| {
            let end = at + u64::from(record.len);
            // One of this segment that cannot be read shows this segment's pictures.
            let other = record.sequence != segment.sequence || record.boot_tag != boot_tag;
            if other && end <= piece.end && crc_holds(file, at, record)? {
                others.push(at..end);
            }
            Ok(false)
        })?;
    }
    Ok(others)
}

/// Brings the counters up to what was found.
fn count(record: &mut Record, found: &Found, pictures: usize) {
    let pictures = u32::try_from(pictures).unwrap_or(u32::MAX);
    let damaged = found.walked.damaged();
    let finished = found.state == SegmentState::Finished;
    let before = record.counters;
    let last = found.walked.intact().last().map(|(_, r)| r.counters);
    let mut counters = match last {
        _ if finished && found.header_known => before,
        Some(last) => last,
        None => before,
    };
    let missing = match finished && found.header_known {
        true => before.frames.saturating_sub(pictures),
        false => missing_pictures(&found.walked),
    };
    counters.frames = pictures;
    // In a finished file whose index lists all of it, `check` finds what is damaged.
    if !(finished && found.header_known && pictures == before.frames) {
        counters.crc_failures = counters.crc_failures.max(damaged);
    }
    counters.lost_card = counters.lost_card.saturating_add(missing);
    record.counters = counters;
}

/// Pictures of damaged fragments that cannot be shown, as far as the fragments around them tell.
fn missing_pictures(walked: &Walked) -> u32 {
    let mut missing = 0u32;
    // Pictures up to here, as counted when they were recorded.
    let mut before = Some(0u32);
    let mut found = 0u32;
    for piece in &walked.pieces {
        let here = piece.parts.iter().flatten().filter(|part| part.is_video());
        let here: usize = here.map(|part| part.samples.len()).sum();
        let here = u32::try_from(here).unwrap_or(u32::MAX);
        match piece.record {
            Some(FragmentRecord {
                counters: Counters { frames, .. },
                ..
            }) => {
                let between = before.map_or(0, |before| frames.saturating_sub(before));
                missing =
                    missing.saturating_add(between.saturating_sub(found.saturating_add(here)));
                (before, found) = (Some(frames), 0);
            }
            None => found = found.saturating_add(here),
        }
    }
    missing
}

fn first_fragment(record: &Record) -> u64 {
    u64::from(record.head_len) + u64::from(record.init_len)
}

/// A copy that was broken off gets the length of its slot again, which all its boxes count on; what is missing reads as zeros.
fn give_length_back<F: SlotFile>(file: &mut F) -> io::Result<()> {
    let Ok((record, _)) = read_record(file) else {
        return Ok(());
    };
    let page = PAGE as u64;
    let size = file.size()?;
    if check_layout(&record, size).is_err() || record.slot_len <= size {
        return Ok(());
    }
    let mut zeros = PageBuf::with_capacity(PAGE);
    zeros.resize(PAGE);
    file.write_at(record.slot_len - page, zeros.as_slice())
}

fn check_layout(record: &Record, size: u64) -> Result<(), RecoverError> {
    let page = PAGE as u64;
    let fits = record.head_len >= writer::MIN_HEAD_LEN
        && u64::from(record.head_len).is_multiple_of(page)
        && u64::from(record.init_len).is_multiple_of(page)
        && record.slot_len.is_multiple_of(page)
        && u64::from(record.init_moov_len) <= u64::from(record.init_len)
        && first_fragment(record) + page <= record.slot_len;
    if !fits {
        return Err(RecoverError::Layout("its lengths make no sense"));
    }
    if first_fragment(record) + page > size {
        return Err(RecoverError::Layout("the file is shorter than its slot"));
    }
    Ok(())
}
