//! The index of a finished segment: made of its fragments, compared with them, and put in place.

use std::io;
use std::ops::Range;
use std::time::Duration;

use super::RecoverError;
use super::moof::Part;
use super::walk::Piece;
use crate::boxes;
use crate::camm::Places;
use crate::layout::{FTYP_LEN, HEAD_BOX, MDAT_TO_INIT, PAGE, SECTOR};
use crate::moov::{self, Index};
use crate::page_buf::PageBuf;
use crate::read::{Movie, Track};
use crate::record::Record;
use crate::storage::{Flush, ReadAt, SlotFile};
use crate::tables::{TableSample, Tables};
use crate::track::{TrackConfig, TrackKind};
use crate::writer;

/// No sample of the `camm` track is longer.
const LONGEST_FIX: u32 = 4096;

/// What an index is made of.
pub(super) struct Content {
    pub(super) tables: Vec<Tables>,
    pub(super) places: Places,
}

impl Content {
    /// Collects the samples of all pieces.
    pub(super) fn of(
        file: &impl ReadAt,
        pieces: &[Piece],
        tracks: &[TrackConfig],
        zero: u64,
    ) -> io::Result<Self> {
        let mut tables: Vec<Tables> = tracks.iter().map(|_| Tables::new()).collect();
        if let Some(video) = tables.first_mut() {
            *video = Tables::beginning_at(zero);
        }
        let mut places = Places::default();
        for part in pieces.iter().flat_map(|piece| piece.parts.iter().flatten()) {
            let (Some(track), Some(tables)) = (tracks.get(part.track), tables.get_mut(part.track))
            else {
                continue;
            };
            if track.kind == TrackKind::Camm {
                note_places(file, part, &mut places)?;
            }
            tables.add_chunk(part.offset, part.base_dts, part.samples.iter().copied());
        }
        Ok(Self { tables, places })
    }

    pub(super) fn pictures(&self) -> usize {
        self.tables.first().map_or(0, Tables::samples)
    }

    /// The head region of the finished file.
    pub(super) fn head(
        &self,
        record: &mut Record,
        tracks: &[TrackConfig],
    ) -> mp4_atom::Result<Vec<u8>> {
        let video = tracks.first().zip(self.tables.first());
        record.duration = video.map_or(Duration::ZERO, |(track, tables)| {
            moov::ticks(tables.duration(), track.timescale).span()
        });
        let mut head = Vec::new();
        Index {
            record,
            tracks,
            tables: &self.tables,
            places: &self.places,
        }
        .encode(&mut head)?;
        Ok(head)
    }
}

fn note_places(file: &impl ReadAt, part: &Part, places: &mut Places) -> io::Result<()> {
    let mut offset = part.offset;
    for sample in &part.samples {
        if sample.size <= LONGEST_FIX {
            let mut bytes = vec![0; sample.size as usize];
            file.read_exact_at(offset, &mut bytes)?;
            places.note(&bytes);
        }
        offset += u64::from(sample.size);
    }
    Ok(())
}

/// Takes the samples of damaged fragments from the finished index `shown`, which lists them, too. What the
/// damaged fragment itself says counts only where the index has nothing.
pub(super) fn fill_from(pieces: &mut [Piece], shown: &Movie, tracks: usize) {
    for (n, track) in shown.tracks.iter().enumerate().take(tracks) {
        let shift = shift_of(pieces, n, track);
        for piece in pieces.iter_mut().filter(|piece| !piece.intact) {
            let listed = listed(track, n, piece.at..piece.end, shift);
            if listed.is_empty() {
                continue;
            }
            let parts = piece.parts.get_or_insert_default();
            parts.retain(|part| part.track != n);
            parts.extend(listed);
        }
    }
}

/// What is to be added to the times of the index, which count from its first sample, to get those of the
/// fragments.
fn shift_of(pieces: &[Piece], n: usize, track: &Track) -> i64 {
    let parts = pieces
        .iter()
        .filter(|piece| piece.intact)
        .flat_map(|piece| piece.parts.iter().flatten())
        .filter(|part| part.track == n);
    parts
        .into_iter()
        .find_map(|part| {
            let same = track.samples.iter().find(|s| s.offset == part.offset)?;
            Some(i64::try_from(part.base_dts).ok()? - same.dts)
        })
        .unwrap_or(0)
}

/// The samples that the index lists within `range`, in runs of neighbours.
pub(super) fn listed(track: &Track, n: usize, range: Range<u64>, shift: i64) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut end = 0;
    for sample in &track.samples {
        if !range.contains(&sample.offset) || sample.end() > range.end || sample.size == 0 {
            continue;
        }
        // A run of PCM stands for many samples.
        let run = sample.run.max(1);
        let one = TableSample {
            size: sample.size / run,
            duration: sample.duration / run,
            composition_offset: u32::try_from(sample.cts_offset).unwrap_or(0),
            key: sample.key,
        };
        if end != sample.offset || parts.is_empty() {
            parts.push(Part {
                track: n,
                offset: sample.offset,
                base_dts: u64::try_from(sample.dts.saturating_add(shift)).unwrap_or(0),
                samples: Vec::new(),
            });
        }
        if let Some(part) = parts.last_mut() {
            part.samples.extend((0..run).map(|_| one));
        }
        end = sample.end();
    }
    parts
}

/// The stretches of a head region that are looked at: the `moov`, and what stands right before the init. The
/// padding between them means nothing.
fn meant(head: &[u8]) -> [Range<usize>; 2] {
    let size = head.get(HEAD_BOX..).and_then(|s| s.first_chunk());
    let moov = size.map_or(0, |size| u32::from_be_bytes(*size) as usize);
    let padding = (HEAD_BOX + moov + 8).min(head.len());
    [
        0..padding,
        head.len().saturating_sub(MDAT_TO_INIT)..head.len(),
    ]
}

/// The boxes in which the head region of the file differs from `head`, which its fragments would have.
/// Times of creation do not count: they are changed before the header record is.
pub(super) fn differences(file: &impl ReadAt, head: &[u8]) -> io::Result<Vec<String>> {
    let mut stored = vec![0; head.len()];
    file.read_exact_at(0, &mut stored)?;
    let mut found = Vec::new();
    for range in meant(head) {
        let start = range.start;
        let (want, have) = (head.get(range.clone()), stored.get(range));
        compare(
            want.unwrap_or_default(),
            have.unwrap_or_default(),
            start,
            &mut found,
        );
    }
    Ok(found)
}

fn compare(want: &[u8], have: &[u8], at: usize, found: &mut Vec<String>) {
    let (mut want, mut have, mut at) = (want, have, at);
    while let Some(([a, b, c, d, kind @ ..], _)) = want.split_first_chunk::<8>() {
        let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let size = if size < 8 { want.len() } else { size };
        let (this, rest) = want.split_at(size.min(want.len()));
        let (stored, rest_stored) = have.split_at(size.min(have.len()));
        if this != stored {
            let inner = match kind {
                b"moov" | b"trak" | b"edts" | b"mdia" | b"minf" | b"dinf" | b"stbl" => 8,
                _ => this.len(),
            };
            if !same_but_for_times(kind, this, stored, inner) {
                found.push(format!("`{}` at byte {at}", kind.escape_ascii()));
            }
            compare(
                this.get(inner..).unwrap_or_default(),
                stored.get(inner..).unwrap_or_default(),
                at + inner,
                found,
            );
        }
        (want, have, at) = (rest, rest_stored, at + size);
    }
}

/// Compares a box, or the header of one that holds others (its first `own` bytes).
fn same_but_for_times(kind: &[u8; 4], want: &[u8], have: &[u8], own: usize) -> bool {
    let times = match kind {
        b"mvhd" | b"tkhd" | b"mdhd" => 12..28,
        _ => 0..0,
    };
    let same = |(n, (a, b)): (usize, (&u8, &u8))| a == b || times.contains(&n);
    let pairs = want.iter().zip(have).take(own).enumerate();
    want.len() == have.len() && { pairs }.all(same)
}

/// Writes those pages of `bytes`, which belong at `at`, that the file does not hold already. Says whether
/// there were any.
pub(super) fn write_differing<F: SlotFile>(
    file: &mut F,
    at: u64,
    bytes: &[u8],
) -> io::Result<bool> {
    let mut page = PageBuf::with_capacity(PAGE);
    let mut stored = [0; PAGE];
    let mut any = false;
    for (want, at) in bytes.chunks(PAGE).zip((at..).step_by(PAGE)) {
        let stored = stored.get_mut(..want.len()).unwrap_or_default();
        file.read_exact_at(at, stored)?;
        if want != stored {
            page.clear();
            page.extend(want);
            page.pad_to_page();
            file.write_at(at, page.as_slice())?;
            any = true;
        }
    }
    Ok(any)
}

/// Mends the index of a finished file where it stands, if what is there has the same layout: every sector that
/// is written is as good as before or better, whatever subset of them survives a cut. Says whether it did.
pub(super) fn mend_in_place<F: SlotFile>(file: &mut F, head: &[u8]) -> io::Result<bool> {
    let mut stored = vec![0; head.len()];
    file.read_exact_at(0, &mut stored)?;
    let [moov, behind] = meant(head);
    let mut wanted = stored.clone();
    for range in [moov, behind] {
        if let (Some(to), Some(from)) = (wanted.get_mut(range.clone()), head.get(range)) {
            to.copy_from_slice(from);
        }
    }
    let sectors = wanted.chunks(SECTOR).zip(stored.chunks(SECTOR));
    let others = sectors.skip(1).filter(|(a, b)| a != b).count();
    let same_size = wanted.get(HEAD_BOX..MVHD_TYPE) == stored.get(HEAD_BOX..MVHD_TYPE);
    if !same_size && others > 0 {
        return Ok(false);
    }
    write_differing(file, 0, &wanted)?;
    file.flush(Flush::Data)?;
    Ok(true)
}

/// The head box's header and that of the `mvhd` in it.
const MVHD_TYPE: usize = HEAD_BOX + 16;

/// Shows the fragments of a finished file instead of its index, so that the index can be made anew.
pub(super) fn hide<F: SlotFile>(file: &mut F, record: &Record) -> Result<(), RecoverError> {
    let mut page = PageBuf::zeroed(PAGE);
    file.read_exact_at(0, page.as_mut_slice())?;
    let mut front = boxes::ftyp().map_err(writer::WriteError::from)?;
    boxes::header(
        b"free",
        (record.head_len as usize - HEAD_BOX) as u64,
        &mut front,
    );
    crate::wire::Fill::new(page.as_mut_slice()).put(&front);
    if let Some(sector) = page.as_mut_slice().first_chunk_mut::<SECTOR>() {
        record.store(sector);
    }
    file.write_at(0, page.as_slice())?;
    file.flush(Flush::Data)?;
    Ok(())
}

/// Makes sure that a `free` follows the last fragment, and not what is left of one that cannot be shown.
pub(super) fn hide_rest<F: SlotFile>(file: &mut F, record: &Record) -> Result<bool, RecoverError> {
    if record.end + PAGE as u64 > record.slot_len {
        return Ok(false);
    }
    let mut header = Vec::with_capacity(16);
    boxes::header(b"free", record.slot_len - record.end, &mut header);
    let mut page = PageBuf::zeroed(PAGE);
    file.read_exact_at(record.end, page.as_mut_slice())?;
    if page.as_slice().starts_with(&header) {
        return Ok(false);
    }
    page.clear();
    page.extend(&header);
    page.resize(PAGE);
    file.write_at(record.end, page.as_slice())?;
    file.flush(Flush::Data)?;
    Ok(true)
}

const _: () = assert!(MDAT_TO_INIT > FTYP_LEN);
