//! Carves segments out of a raw card whose filesystem is gone.
//!
//! Every fragment says itself where it belongs, and proves it by its CRC. The card is read once, from front to
//! back, and can be gone on with from [`Card::scanned`]; what is remembered of it is a few dozen bytes for each
//! stretch of fragments that lie one behind the other. The card is only read.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use picam_time::{BootNs, UtcUs};

use crate::boxes;
use crate::fragment::{FragmentRecord, Origin};
use crate::layout::{FTYP_LEN, HEAD_BOX, PAGE, SECTOR, page_up};
use crate::page_buf::PageBuf;
use crate::record::Record;
use crate::recover::{Help, Mended, RecoverError, crc_holds, mend};
use crate::storage::{Flush, ReadAt, SlotFile};
use crate::writer::{self, WriteError};

/// How much is read at once.
const STRIDE: usize = 256 * 1024;
/// No init is longer.
const LONGEST_INIT: usize = 64 * 1024;
/// Head region of a segment of version 1 whose header is gone: room for the index of half an hour.
const HEAD_V1: u32 = 1 << 20;

/// Which segment a fragment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Key {
    /// Camera letter; 0 in version 1, whose fragments do not say.
    pub camera: u8,
    /// Number of the segment.
    pub sequence: u64,
    /// Start of the boot id.
    pub boot_tag: u32,
}

/// Intact fragments of one segment that lie one behind the other, without a gap in their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Run {
    /// Whose they are.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub key: Key,
    /// Where the first stands on the card, in bytes.
    pub at: u64,
    /// Length of all of them in bytes.
    pub len: u64,
    /// Number of the first in its segment.
    pub first: u32,
    /// How many there are.
    pub count: u32,
    /// CRC-32 of the init that they need; `None` in version 1.
    pub init_crc: Option<u32>,
    /// Capture time of the first picture, UTC in microseconds since 1970, if it was known.
    #[cfg_attr(feature = "serde", serde(rename = "utc_us"))]
    pub utc: Option<UtcUs>,
    /// The same on the boot clock, nanoseconds.
    #[cfg_attr(feature = "serde", serde(rename = "boot_ns"))]
    pub boot: BootNs,
    /// How many boots the card had seen.
    pub boot_number: u32,
    /// Class letter; 0 in version 1.
    pub class: u8,
    /// Length of the head region; 0 in version 1.
    pub head_len: u32,
}

/// What was found on a card so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    /// How far it was looked through, in bytes.
    pub scanned: u64,
    /// Bytes that could not be read.
    pub unreadable: u64,
    /// The fragments, in the order of the card.
    pub runs: Vec<Run>,
    /// Every init by its CRC-32.
    pub inits: BTreeMap<u32, Vec<u8>>,
    /// Where each init stood last, for segments of version 1.
    pub init_at: BTreeMap<u64, u32>,
    /// The header records.
    pub headers: Vec<Record>,
}

/// One segment as far as it is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Whose it is.
    pub key: Key,
    /// Its fragments by their numbers, none of them twice.
    pub runs: Vec<Run>,
}

impl Card {
    /// Goes on looking through `card`, up to byte `to`. Fragments begin on sectors, whatever the partition
    /// begins at. What cannot be read is gone over.
    pub fn scan(&mut self, card: &impl ReadAt, to: u64) -> io::Result<()> {
        let size = card.size()?;
        let to = to.min(size);
        let mut window = vec![0; STRIDE + LONGEST_INIT];
        while self.scanned < to {
            let len = (size - self.scanned).min(window.len() as u64) as usize;
            let bytes = window.get_mut(..len).unwrap_or_default();
            if card.read_exact_at(self.scanned, bytes).is_err() {
                let gone = (to - self.scanned).min(PAGE as u64);
                let page = bytes.get_mut(..gone as usize).unwrap_or_default();
                if card.read_exact_at(self.scanned, page).is_err() {
                    self.unreadable += gone;
                    self.scanned += gone;
                    continue;
                }
                let page = &*page;
                self.scanned += self.look(card, page, size, page.len());
                continue;
            }
            let most = (to - self.scanned).min(STRIDE as u64) as usize;
            let bytes = &*bytes;
            self.scanned += self.look(card, bytes, size, most);
        }
        Ok(())
    }

    /// Looks at the sectors that begin in the first `most` of `bytes`, which stand at [`Self::scanned`]; says
    /// how many bytes are done with.
    fn look(&mut self, card: &impl ReadAt, bytes: &[u8], size: u64, most: usize) -> u64 {
        let mut offset = 0;
        while offset < most as u64 {
            let at = self.scanned + offset;
            let here = bytes.get(offset as usize..).unwrap_or_default();
            if let Some(record) = FragmentRecord::parse(here)
                && at + u64::from(record.len) <= size
                && crc_holds(card, at, &record).unwrap_or(false)
            {
                self.add(at, &record);
                offset += u64::from(record.len);
                continue;
            }
            match here.get(4..8) {
                Some(b"moov") => self.note_init(at, here),
                _ => self.note_header(here),
            }
            offset += SECTOR as u64;
        }
        offset
    }

    fn add(&mut self, at: u64, record: &FragmentRecord) {
        let origin = record.origin;
        let key = Key {
            camera: origin.map_or(0, |origin| origin.camera),
            sequence: record.sequence,
            boot_tag: record.boot_tag,
        };
        if let Some(run) = self.runs.last_mut()
            && run.key == key
            && run.at + run.len == at
            && run.first + run.count == record.index
        {
            run.len += u64::from(record.len);
            run.count += 1;
            return;
        }
        let told = |of: fn(&Origin) -> u32| origin.as_ref().map_or(0, of);
        self.runs.push(Run {
            key,
            at,
            len: record.len.into(),
            first: record.index,
            count: 1,
            init_crc: origin.map(|origin| origin.init_crc),
            utc: origin.and_then(|origin| origin.captured_utc),
            boot: origin.map_or(BootNs::ZERO, |origin| origin.captured),
            boot_number: told(|origin| origin.boot_number),
            class: origin.map_or(0, |origin| origin.class),
            head_len: told(|origin| origin.head_len),
        });
    }

    fn note_init(&mut self, at: u64, here: &[u8]) {
        let len = here.first_chunk().map_or(0, |len| u32::from_be_bytes(*len)) as usize;
        let Some(init) = here.get(..len).filter(|_| len <= LONGEST_INIT) else {
            return;
        };
        if init.windows(4).any(|window| window == b"mvex") {
            let crc = crc32fast::hash(init);
            self.inits.entry(crc).or_insert_with(|| init.to_vec());
            self.init_at.insert(at, crc);
        }
    }

    fn note_header(&mut self, here: &[u8]) {
        if let Ok((record, _)) = Record::parse(here)
            && !self.headers.contains(&record)
        {
            self.headers.push(record);
        }
    }

    /// The segments that were found, by camera and sequence.
    pub fn segments(&self) -> Vec<Segment> {
        let mut by_key: BTreeMap<Key, Vec<Run>> = BTreeMap::new();
        for run in &self.runs {
            by_key.entry(run.key).or_default().push(*run);
        }
        let segment = |(key, mut runs): (Key, Vec<Run>)| {
            runs.sort_by_key(|run| (run.first, std::cmp::Reverse(run.count)));
            Segment { key, runs }
        };
        by_key.into_iter().map(segment).collect()
    }

    /// The header record of a segment, if it was found.
    pub fn header(&self, key: Key) -> Option<&Record> {
        let fits = |record: &&Record| {
            record.sequence == key.sequence
                && writer::boot_tag(&record.boot_id) == key.boot_tag
                && (key.camera == 0 || record.camera == key.camera)
        };
        self.headers.iter().rev().find(fits)
    }

    /// The init that a segment needs: by its CRC, or in version 1 the one that stands before its fragments.
    pub fn init(&self, segment: &Segment) -> Option<&[u8]> {
        let first = segment.runs.first()?;
        let crc = match first.init_crc {
            Some(crc) => crc,
            None => *self.init_at.range(..first.at).next_back()?.1,
        };
        self.inits.get(&crc).map(Vec::as_slice)
    }
}

impl Segment {
    /// Bytes that the file made of it will take at the most.
    pub fn file_len(&self, init: &[u8], header: Option<&Record>) -> u64 {
        let runs: u64 = self.runs.iter().map(|run| run.len).sum();
        u64::from(self.head_len(header)) + padded(init) + runs + PAGE as u64
    }

    fn head_len(&self, header: Option<&Record>) -> u32 {
        let first = self.runs.first().map_or(0, |run| run.head_len);
        let known = [header.map_or(0, |header| header.head_len), first];
        let known = known.into_iter().find(|len| *len >= writer::MIN_HEAD_LEN);
        known.unwrap_or(HEAD_V1)
    }

    /// Writes it into `out`, whose length is [`Self::file_len`], and finishes it.
    ///
    /// # Errors
    /// [`RecoverError`] if a card fails, or the init is of no use.
    pub fn write<F: SlotFile>(
        &self,
        card: &impl ReadAt,
        init: &[u8],
        header: Option<&Record>,
        out: &mut F,
    ) -> Result<Mended, RecoverError> {
        let head_len = self.head_len(header);
        let slot_len = out.size()?;
        let mut end = u64::from(head_len) + padded(init);
        let mut next = 0;
        for run in &self.runs {
            let (mut at, mut index) = (run.at, run.first);
            let run_end = run.at + run.len;
            // What an earlier run brought already is gone over.
            while index < next && at < run_end {
                let mut front = [0; SECTOR];
                card.read_exact_at(at, &mut front)?;
                let len = FragmentRecord::parse(&front).map_or(run.len, |r| r.len.into());
                (at, index) = (at + len, index + 1);
            }
            end = copy(card, at..run_end.max(at), out, end)?;
            next = next.max(run.first + run.count);
        }
        let mut free = Vec::with_capacity(16);
        boxes::header(b"free", slot_len - end, &mut free);
        put(out, end, &free)?;
        self.write_head(init, header, head_len, out)?;
        out.flush(Flush::All)?;
        mend(out, &Help::NONE)
    }

    /// The head as it is while a segment is recorded. Without a header record, what the fragments say is put
    /// there when it is finished.
    fn write_head<F: SlotFile>(
        &self,
        init: &[u8],
        header: Option<&Record>,
        head_len: u32,
        out: &mut F,
    ) -> Result<(), RecoverError> {
        let ftyp = boxes::ftyp().map_err(WriteError::from)?;
        let mut first = ftyp.clone();
        boxes::header(b"free", (head_len as usize - HEAD_BOX) as u64, &mut first);
        first.resize(SECTOR, 0);
        if let (Some(header), Some(sector)) = (header, first.first_chunk_mut()) {
            let record = Record {
                slot_len: out.size()?,
                head_len,
                init_len: padded(init) as u32,
                init_moov_len: init.len() as u32,
                written_len: 0,
                end: 0,
                duration: Duration::ZERO,
                ..header.clone()
            };
            record.store(sector);
        }
        put(out, 0, &first)?;
        let mut around = vec![0; PAGE - FTYP_LEN];
        around.extend(ftyp);
        around.extend(init);
        boxes::header(b"free", padded(init) - init.len() as u64, &mut around);
        put(out, u64::from(head_len) - PAGE as u64, &around)?;
        Ok(())
    }
}

fn padded(init: &[u8]) -> u64 {
    page_up(init.len() as u64 + 8)
}

/// Writes `bytes` and zeros up to the next page.
fn put<F: SlotFile>(out: &mut F, at: u64, bytes: &[u8]) -> io::Result<()> {
    let mut page = PageBuf::with_capacity(bytes.len());
    page.extend(bytes);
    page.pad_to_page();
    out.write_at(at, page.as_slice())
}

/// Copies a stretch of the card to `to` of the file; says where it ends there.
fn copy<F: SlotFile>(
    card: &impl ReadAt,
    from: std::ops::Range<u64>,
    out: &mut F,
    to: u64,
) -> io::Result<u64> {
    let mut piece = PageBuf::with_capacity(STRIDE);
    let mut done = 0;
    while from.start + done < from.end {
        let n = (from.end - from.start - done).min(STRIDE as u64);
        piece.clear();
        piece.resize(n as usize);
        card.read_exact_at(from.start + done, piece.as_mut_slice())?;
        out.write_at(to + done, piece.as_slice())?;
        done += n;
    }
    Ok(to + done)
}
