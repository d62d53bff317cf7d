//! Finds the fragments of a segment, past damage as well.

use std::io;

use super::bitflip;
use super::moof::{self, FRONT, Part};
use crate::boxes;
use crate::fragment::{FragmentCrc, FragmentRecord};
use crate::layout::{PAGE, page_up};
use crate::storage::ReadAt;

/// How far is looked behind an end that looks like one: twice the erase block of a card (4 MiB), which is
/// what a cut may damage at once.
const WINDOW: u64 = 8 << 20;
/// How much is read at once while searching.
const STRIDE: usize = 64 * PAGE;

/// Which segment's fragments are looked for, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sequence: u64,
    pub(super) boot_tag: u32,
    /// Where fragment 0 begins.
    pub(super) first: u64,
    /// Length of the slot: what the `free` behind the last fragment reaches to.
    pub(super) slot_len: u64,
    /// The end of what can be read.
    pub(super) limit: u64,
}

/// A fragment, or a place where one was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) at: u64,
    pub(super) end: u64,
    /// Number of the first fragment in it, and how many it is known to be.
    pub(super) index: u32,
    pub(super) count: u32,
    /// Its record; `None` if it is damaged.
    pub(super) record: Option<FragmentRecord>,
    /// Whether its CRC holds.
    pub(super) intact: bool,
    /// Its samples; `None` if nothing can be said about them.
    pub(super) parts: Option<Vec<Part>>,
}

impl Piece {
    /// Its first pictures.
    pub(super) fn video(&self) -> Option<&Part> {
        self.parts.iter().flatten().find(|part| part.is_video())
    }
}

/// What a walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walked {
    /// In the order of the file. The last one has samples.
    pub(super) pieces: Vec<Piece>,
    /// End of the last piece.
    pub(super) end: u64,
    /// How many fragments there were behind that whose samples nobody can find: 0 or 1.
    pub(super) lost_tail: u32,
    /// Whether what follows the last piece is the `free` that belongs there.
    pub(super) free_follows: bool,
}

impl Walked {
    /// Fragments of the segment of which something was found.
    pub(super) fn intact(&self) -> impl Iterator<Item = (&Piece, &FragmentRecord)> {
        self.pieces
            .iter()
            .filter(|piece| piece.intact)
            .filter_map(|piece| Some((piece, piece.record.as_ref()?)))
    }

    /// How many fragments are damaged.
    pub(super) fn damaged(&self) -> u32 {
        let pieces = self.pieces.iter().filter(|piece| !piece.intact);
        let counts = pieces.map(|piece| piece.count);
        counts.fold(self.lost_tail, u32::saturating_add)
    }
}

/// Goes on to `end`, where a finished header says that the last fragment ends, behind what the walk could find.
pub(super) fn extend(
    walked: &mut Walked,
    file: &impl ReadAt,
    place: Place,
    end: u64,
) -> io::Result<()> {
    if end <= walked.end || end > place.limit || !end.is_multiple_of(PAGE as u64) {
        return Ok(());
    }
    let index = walked
        .pieces
        .last()
        .map_or(0, |last| last.index.saturating_add(last.count));
    walked.pieces.push(Piece {
        at: walked.end,
        end,
        index,
        count: walked.lost_tail.max(1),
        record: None,
        intact: false,
        parts: None,
    });
    (walked.end, walked.lost_tail) = (end, 0);
    walked.free_follows = end == place.slot_len;
    if end + PAGE as u64 <= place.limit {
        let mut front = [0; FRONT];
        file.read_exact_at(end, &mut front)?;
        walked.free_follows = is_free(&front, place.slot_len - end);
    }
    Ok(())
}

/// Whether the fragment at `at` has the CRC that its record says.
pub(crate) fn crc_holds(file: &impl ReadAt, at: u64, record: &FragmentRecord) -> io::Result<bool> {
    Ok(crc_of(file, at, record.len, None)? == record.crc)
}

/// The CRC of the `len` bytes at `at`, as if their record were `instead`.
fn crc_of(
    file: &impl ReadAt,
    at: u64,
    len: u32,
    instead: Option<&FragmentRecord>,
) -> io::Result<u32> {
    let mut crc = FragmentCrc::new();
    let mut piece = vec![0; STRIDE];
    let (mut done, len) = (0, u64::from(len));
    while done < len {
        let n = (len - done).min(STRIDE as u64) as usize;
        let bytes = piece.get_mut(..n).unwrap_or_default();
        file.read_exact_at(at + done, bytes)?;
        if let (0, Some(record)) = (done, instead) {
            record.put_into(bytes);
        }
        crc.update(bytes);
        done += n as u64;
    }
    Ok(crc.finish())
}

/// What stands at a page border.
enum At {
    Fragment(FragmentRecord),
    Free,
    Other,
}

struct Walk<'a, F> {
    file: &'a F,
    place: Place,
    verify: bool,
    pieces: Vec<Piece>,
    at: u64,
    index: u32,
}

/// Walks the whole segment. Without `verify`, a fragment counts as intact if its record and its `moof` do.
pub(super) fn walk(file: &impl ReadAt, place: Place, verify: bool) -> io::Result<Walked> {
    let mut walk = Walk {
        file,
        place,
        verify,
        pieces: Vec::new(),
        at: place.first,
        index: 0,
    };
    let free_follows = walk.run()?;
    let mut lost_tail = 0;
    while walk.pieces.last().is_some_and(|p| p.parts.is_none()) {
        let count = walk.pieces.pop().map_or(0, |piece| piece.count);
        lost_tail = u32::saturating_add(lost_tail, count);
    }
    let end = walk.pieces.last().map_or(place.first, |piece| piece.end);
    let free_follows = free_follows && lost_tail == 0;
    if lost_tail == 0 && !free_follows && end + PAGE as u64 <= place.limit {
        let front = walk.front(end)?;
        lost_tail = u32::from(looks_like_a_fragment(&front));
    }
    Ok(Walked {
        pieces: walk.pieces,
        end,
        lost_tail,
        free_follows,
    })
}

impl<F: ReadAt> Walk<'_, F> {
    /// Says whether it ended at a `free`.
    fn run(&mut self) -> io::Result<bool> {
        while self.at + PAGE as u64 <= self.place.limit {
            let front = self.front(self.at)?;
            match self.stands_here(&front) {
                At::Fragment(record) => self.take(record, &front)?,
                here => {
                    let free = matches!(here, At::Free);
                    // A slot is empty only if nothing is anywhere in it.
                    let most = if free && self.index > 0 {
                        WINDOW
                    } else {
                        u64::MAX
                    };
                    let found = self.search(self.at + PAGE as u64, self.index, most)?;
                    // A recorder may have gone on meanwhile.
                    let front = self.front(self.at)?;
                    if let At::Fragment(record) = self.stands_here(&front) {
                        self.take(record, &front)?;
                        continue;
                    }
                    match found {
                        Some((next, record)) => {
                            self.lost(next, Some(record.index - self.index))?;
                        }
                        None => {
                            self.lost(self.place.limit, None)?;
                            if self.at + PAGE as u64 > self.place.limit {
                                break;
                            }
                            let here = self.front(self.at)?;
                            return Ok(matches!(self.stands_here(&here), At::Free));
                        }
                    }
                }
            }
        }
        Ok(self.at == self.place.slot_len)
    }

    fn front(&self, at: u64) -> io::Result<[u8; FRONT]> {
        let mut front = [0; FRONT];
        self.file.read_exact_at(at, &mut front)?;
        Ok(front)
    }

    fn is_ours(&self, record: &FragmentRecord, at: u64, least: u32) -> bool {
        record.sequence == self.place.sequence
            && record.boot_tag == self.place.boot_tag
            && record.index >= least
            && at + u64::from(record.len) <= self.place.limit
    }

    fn stands_here(&self, front: &[u8; FRONT]) -> At {
        match FragmentRecord::parse(front) {
            Some(record) if self.is_ours(&record, self.at, self.index) => At::Fragment(record),
            _ if is_free(front, self.place.slot_len - self.at) => At::Free,
            _ => At::Other,
        }
    }

    /// Takes the fragment that stands here by its record, damaged or not.
    fn take(&mut self, record: FragmentRecord, front: &[u8; FRONT]) -> io::Result<()> {
        let end = self.at + u64::from(record.len);
        let crc = match self.verify {
            true => crc_of(self.file, self.at, record.len, None)?,
            false => record.crc,
        };
        if crc == record.crc {
            self.gap_before(record.index);
            let parts = moof::sound_parts(front, self.at, record.len.into());
            self.push(end, record.index, Some(record), parts);
            return Ok(());
        }
        // Its length and index may be what is damaged.
        let end = match self.goes_on_at(end)? {
            true => end,
            false => match self.search(
                self.at + PAGE as u64,
                self.index.saturating_add(1),
                u64::MAX,
            )? {
                Some((next, _)) => next,
                None => self.end_of_samples(front).unwrap_or(end),
            },
        };
        let len = end - self.at;
        let whole = len == u64::from(record.len);
        let parts = mended_front(front, record.len, crc ^ record.crc)
            .filter(|_| whole)
            .and_then(|front| moof::sound_parts(&front, self.at, len))
            .or_else(|| {
                let parts = moof::damaged_parts(front, self.at, end);
                Some(parts).filter(|parts| !parts.is_empty())
            });
        self.push(end, self.index, None, parts);
        Ok(())
    }

    /// Whether the next fragment of this segment, or the `free` behind the last, stands there.
    fn goes_on_at(&self, at: u64) -> io::Result<bool> {
        if at + PAGE as u64 > self.place.limit {
            return Ok(at == self.place.limit);
        }
        let front = self.front(at)?;
        let record = FragmentRecord::parse(&front);
        Ok(
            record.is_some_and(|record| self.is_ours(&record, at, self.index.saturating_add(1)))
                || is_free(&front, self.place.slot_len - at),
        )
    }

    /// Where the fragment here ends by its samples.
    fn end_of_samples(&self, front: &[u8; FRONT]) -> Option<u64> {
        let parts = moof::damaged_parts(front, self.at, self.place.limit);
        let end = parts.iter().map(|part| part.offset + part.bytes()).max()?;
        Some(page_up(end).min(self.place.limit))
    }

    /// Goes over a stretch in which no record of this segment can be read, up to `to`; `count` fragments, if
    /// that is known. What of them still says where its samples are, is taken.
    fn lost(&mut self, to: u64, count: Option<u32>) -> io::Result<()> {
        let mut left = count.unwrap_or(u32::MAX);
        while left > 0 && self.at < to {
            let front = self.front(self.at)?;
            let Some((end, parts)) = self.without_record(&front, to, left, count)? else {
                break;
            };
            self.push(end, self.index, None, Some(parts));
            left -= 1;
        }
        if count.is_some() && self.at < to {
            self.pieces.push(Piece {
                at: self.at,
                end: to,
                index: self.index,
                count: left,
                record: None,
                intact: false,
                parts: None,
            });
            (self.at, self.index) = (to, self.index.saturating_add(left));
        }
        Ok(())
    }

    /// A fragment whose record is damaged, if it can be told from an older one: by its CRC with the right
    /// record, or because it does not begin before the one before it ends.
    fn without_record(
        &self,
        front: &[u8; FRONT],
        to: u64,
        left: u32,
        count: Option<u32>,
    ) -> io::Result<Option<(u64, Vec<Part>)>> {
        let whole = (count.is_some() && left == 1).then_some(to);
        if let Some(stated) = FragmentRecord::parse(front) {
            let right = FragmentRecord {
                sequence: self.place.sequence,
                boot_tag: self.place.boot_tag,
                index: self.index,
                len: whole.map_or(stated.len, |end| (end - self.at) as u32),
                ..stated
            };
            let end = self.at + u64::from(right.len);
            if end <= to && crc_of(self.file, self.at, right.len, Some(&right))? == right.crc {
                let parts = moof::sound_parts(front, self.at, right.len.into());
                return Ok(parts.map(|parts| (end, parts)));
            }
            // Older fragments have lower numbers, or are of another boot.
            let damaged = stated.sequence == 0 || stated.sequence >= self.place.sequence;
            if !damaged {
                return Ok(None);
            }
        } else if is_free(front, self.place.slot_len - self.at) && count.is_none() {
            return Ok(None);
        }
        let parts = moof::damaged_parts(front, self.at, to);
        let Some(video) = parts.iter().find(|part| part.is_video()) else {
            return Ok(None);
        };
        let goes_on = match self.pieces.last() {
            Some(before) => video_end(before).is_none_or(|end| video.base_dts >= end),
            None => video.base_dts == 0,
        };
        if !goes_on {
            return Ok(None);
        }
        let end = parts.iter().map(|part| part.offset + part.bytes()).max();
        let end = whole.unwrap_or_else(|| page_up(end.unwrap_or(to)).min(to));
        Ok(Some((end, parts)))
    }

    /// Where an index jumps, fragments are missing that took no room any more.
    fn gap_before(&mut self, index: u32) {
        if index > self.index {
            self.pieces.push(Piece {
                at: self.at,
                end: self.at,
                index: self.index,
                count: index - self.index,
                record: None,
                intact: false,
                parts: None,
            });
        }
    }

    fn push(
        &mut self,
        end: u64,
        index: u32,
        record: Option<FragmentRecord>,
        parts: Option<Vec<Part>>,
    ) {
        self.pieces.push(Piece {
            at: self.at,
            end,
            index,
            count: 1,
            intact: record.is_some(),
            record,
            parts,
        });
        (self.at, self.index) = (end, index.saturating_add(1));
    }

    /// The first fragment of this segment from `from` on, with an index of at least `least`.
    fn search(
        &self,
        from: u64,
        least: u32,
        most: u64,
    ) -> io::Result<Option<(u64, FragmentRecord)>> {
        let to = self.place.limit.min(from.saturating_add(most));
        for_each_fragment(self.file, from, to, |at, record| {
            Ok(self.is_ours(record, at, least))
        })
    }
}

/// Looks at every page from `from` to `to` that begins with a fragment's record, until `wanted` says yes.
pub(crate) fn for_each_fragment(
    file: &impl ReadAt,
    from: u64,
    to: u64,
    mut wanted: impl FnMut(u64, &FragmentRecord) -> io::Result<bool>,
) -> io::Result<Option<(u64, FragmentRecord)>> {
    let mut pages = vec![0; STRIDE];
    let mut at = from;
    while at + PAGE as u64 <= to {
        let n = ((to - at) / PAGE as u64 * PAGE as u64).min(STRIDE as u64) as usize;
        let bytes = pages.get_mut(..n).unwrap_or_default();
        file.read_exact_at(at, bytes)?;
        for (page, here) in bytes.chunks(PAGE).zip((at..).step_by(PAGE)) {
            if let Some(record) = FragmentRecord::parse(page)
                && wanted(here, &record)?
            {
                return Ok(Some((here, record)));
            }
        }
        at += n as u64;
    }
    Ok(None)
}

/// The front of a damaged fragment without the damage, if that is one bit of its `moof`.
fn mended_front(front: &[u8; FRONT], len: u32, syndrome: u32) -> Option<[u8; FRONT]> {
    let mut front = *front;
    let (byte, bit) = bitflip::find_in_front(syndrome, len as usize, moof::ROOM)?;
    *front.get_mut(byte)? ^= 1 << bit;
    Some(front)
}

/// Decode time at which the pictures of an intact piece end.
fn video_end(piece: &Piece) -> Option<u64> {
    let video = Some(piece).filter(|piece| piece.intact)?.video()?;
    Some(video.base_dts + video.duration())
}

/// Whether these bytes begin with the `free` that reaches to the end of the slot; two damaged bytes do not
/// make a fragment of it.
fn is_free(front: &[u8], len: u64) -> bool {
    let mut header = Vec::with_capacity(16);
    boxes::header(b"free", len, &mut header);
    let differ = header.iter().zip(front).filter(|(a, b)| a != b).count();
    differ <= 2 && front.get(4..8) != Some(b"moof")
}

/// Whether there was a fragment whose front is damaged: something is left of its boxes. What has a record is
/// of an older segment.
fn looks_like_a_fragment(front: &[u8]) -> bool {
    if FragmentRecord::parse(front).is_some() {
        return false;
    }
    front.get(4..8) == Some(b"moof")
        || FragmentRecord::is_named(front)
        || front.windows(4).any(|window| window == b"traf")
}
