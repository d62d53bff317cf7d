//! Writes one segment after another into slots.
//!
//! The order of writes is the whole point; `docs/card-format.md` proves why a cut between any two
//! sectors leaves a valid file:
//!
//! 1. *Begin*: first page, init, and the `free` after it. Nothing is shown yet: the slot has a
//!    name that no player opens until its first fragment is durable.
//! 2. *Commit* of a fragment: all but its first sector, with the next `free` behind it, while
//!    hidden in the current `free`; flush; then that sector, which turns `free` into `moof`.
//! 3. *Finish*: the index while hidden in the head's `free`; flush; then the first sector,
//!    which turns that `free` into `moov`; flush.

mod finalise;
mod gop;
mod pace;

use std::io;
use std::time::Duration;

use picam_time::{BootNs, Ticks};

use crate::boxes;
use crate::camm::Places;
use crate::fragment::{FragmentBuilder, FragmentRecord, Origin};
use crate::layout::{FTYP_LEN, HEAD_BOX, PAGE, SECTOR, page_up};
use crate::moov::{self, Index};
use crate::page_buf::PageBuf;
use crate::record::{Counters, Record};
use crate::storage::{Flush, SlotFile};
use crate::tables::Tables;
use crate::track::{Sample, TrackConfig, TrackKind};

pub(crate) use finalise::finalise;
use gop::{Gop, Size};
use pace::CommitPace;

/// Smallest head region: enough for the boxes of a few tracks and some seconds of samples.
pub const MIN_HEAD_LEN: u32 = 32 * 1024;

/// Why a segment cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The card refused a write or a flush. Calling again repeats it; nothing was lost yet.
    #[error("writing to the card failed: {0}")]
    Io(#[from] io::Error),
    /// The description of the segment makes no sense.
    #[error("this segment cannot be laid out: {0}")]
    Layout(&'static str),
    /// The box encoder refused.
    #[error("a box cannot be encoded: {0}")]
    Encode(#[from] mp4_atom::Error),
}

/// When a fragment is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentLimits {
    /// Longest time in one fragment, by capture times. A cut loses at most two. It is also
    /// the mean time between two flushes at the least.
    pub interval: Duration,
    /// Most bytes in one fragment; bounds the memory a segment needs.
    pub bytes: usize,
}

impl Default for FragmentLimits {
    /// A quarter of a second: four flushes a second; with a flush that takes a quarter, too, a cut loses
    /// less than one second, and a key frame every second divides into whole fragments.
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(250),
            bytes: 2 << 20,
        }
    }
}

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// Taken; its fragment is still open.
    Taken,
    /// Taken, after the fragment before it was committed.
    Committed,
    /// Not taken: neither slot nor index has room. The segment must end here.
    Full,
}

/// What the open segment has come to.
struct Open<F> {
    file: F,
    record: Record,
    tracks: Vec<TrackConfig>,
    /// Decode time of the first picture: zero on the segment's timeline.
    origin: i64,
    /// Where the fragment being filled will stand.
    at: u64,
    index: u32,
    /// Where the first page of the fragment before stands, still to be made durable.
    shown_at: Option<u64>,
    /// Whether what was written last is not yet flushed.
    unflushed: bool,
    pace: CommitPace,
    /// The last commit failed somewhere: what its flush covered must be written again, since the
    /// kernel drops pages that it could not write.
    repeat: bool,
    gop: Gop,
}

/// Writes segments; its memory is used again from one to the next.
pub struct SegmentWriter<F> {
    limits: FragmentLimits,
    open: Option<Open<F>>,
    fragment: FragmentBuilder,
    tables: Vec<Tables>,
    places: Places,
    /// First page of the segment as it stands on the card.
    first_page: PageBuf,
    /// From the page that holds the inner `ftyp` to the `free` after the init.
    init: PageBuf,
    /// First page of the fragment before, durable only with the next flush.
    shown_page: PageBuf,
    /// First page of the fragment that is being committed.
    next_page: PageBuf,
    index: Vec<u8>,
    /// Samples of other tracks than the first.
    side_taken: u64,
    /// By fragment: samples of other tracks up to and with it.
    side_committed: Vec<u64>,
}

impl<F: SlotFile> SegmentWriter<F> {
    /// A writer with no segment open.
    pub fn new(limits: FragmentLimits) -> Self {
        Self {
            limits,
            open: None,
            fragment: FragmentBuilder::new(limits.bytes.min(1 << 20)),
            tables: Vec::new(),
            places: Places::default(),
            first_page: PageBuf::with_capacity(PAGE),
            init: PageBuf::with_capacity(4 * PAGE),
            shown_page: PageBuf::with_capacity(PAGE),
            next_page: PageBuf::with_capacity(PAGE),
            index: Vec::new(),
            side_taken: 0,
            side_committed: Vec::new(),
        }
    }

    /// Lays a segment out in `file`, whose content is given up. `record` says what it is;
    /// lengths and counters in it are filled in here. `first` is the first picture, not yet
    /// pushed. Nothing is flushed: the first commit does that.
    pub fn begin(
        &mut self,
        file: F,
        record: Record,
        tracks: Vec<TrackConfig>,
        first: &Sample<'_>,
    ) -> Result<(), WriteError> {
        if tracks
            .first()
            .is_none_or(|track| track.kind != TrackKind::Video)
        {
            return Err(WriteError::Layout("the first track must be video"));
        }
        let head_len = u64::from(record.head_len);
        if record.head_len < MIN_HEAD_LEN || !head_len.is_multiple_of(PAGE as u64) {
            return Err(WriteError::Layout(
                "the head region must be whole pages, 32 KiB or more",
            ));
        }
        if !record.slot_len.is_multiple_of(PAGE as u64)
            || record.slot_len < head_len + 64 * PAGE as u64
        {
            return Err(WriteError::Layout(
                "the slot must be whole pages and hold the head region and 256 KiB more",
            ));
        }
        let mut record = Record {
            end: 0,
            duration: Duration::ZERO,
            recovered: false,
            counters: Counters::default(),
            ..record
        };
        self.lay_out(&mut record, &tracks, first.composition_offset)?;
        self.fragment.begin_segment(tracks.len());
        self.tables.truncate(tracks.len());
        self.tables.iter_mut().for_each(Tables::clear);
        self.tables.resize_with(tracks.len(), Tables::new);
        self.places.clear();
        self.open = Some(Open {
            at: head_len + u64::from(record.init_len),
            file,
            record,
            tracks,
            origin: first.dts,
            index: 0,
            shown_at: None,
            unflushed: true,
            pace: CommitPace::new(self.limits.interval, first.captured),
            repeat: false,
            gop: Gop::default(),
        });
        self.side_taken = 0;
        self.side_committed.clear();
        self.write_layout()
    }

    fn lay_out(
        &mut self,
        record: &mut Record,
        tracks: &[TrackConfig],
        first_offset: u32,
    ) -> Result<(), WriteError> {
        self.index.clear();
        moov::encode_init(tracks, first_offset, &mut self.index)?;
        let moov_len = self.index.len();
        record.init_crc = Some(crc32fast::hash(&self.index));
        // A free box needs 8 bytes; the init never ends closer to the page than that.
        let init_len = page_up(moov_len as u64 + 8);
        record.init_moov_len = moov_len as u32;
        record.init_len = init_len as u32;
        boxes::header(b"free", init_len - moov_len as u64, &mut self.index);

        self.init.clear();
        self.init.resize(PAGE - FTYP_LEN);
        self.init.extend(&boxes::ftyp()?);
        self.init.extend(&self.index);
        self.init.resize(PAGE + init_len as usize);
        let first_fragment = u64::from(record.head_len) + init_len;
        self.index.clear();
        boxes::header(b"free", record.slot_len - first_fragment, &mut self.index);
        self.init.extend(&self.index);
        self.init.pad_to_page();

        self.index.clear();
        self.index.extend(boxes::ftyp()?);
        let head = u64::from(record.head_len) - HEAD_BOX as u64;
        boxes::header(b"free", head, &mut self.index);
        self.first_page.clear();
        self.first_page.extend(&self.index);
        self.first_page.resize(PAGE);
        store_record(&mut self.first_page, record);
        Ok(())
    }

    fn write_layout(&mut self) -> Result<(), WriteError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let init_at = u64::from(open.record.head_len) - PAGE as u64;
        open.file.write_at(0, self.first_page.as_slice())?;
        open.file.write_at(init_at, self.init.as_slice())?;
        Ok(())
    }

    /// The open segment's record.
    pub fn record(&self) -> Option<&Record> {
        self.open.as_ref().map(|open| &open.record)
    }

    /// How many fragments of the open segment are committed. The last of them is durable only
    /// after the next commit or [`Self::flush`].
    pub fn fragments(&self) -> u32 {
        self.open.as_ref().map_or(0, |open| open.index)
    }

    /// The open segment's counters, to be added to.
    pub fn counters_mut(&mut self) -> Option<&mut Counters> {
        self.open.as_mut().map(|open| &mut open.record.counters)
    }

    /// Decode time of the open segment's first picture, in ticks of the first track.
    pub fn origin(&self) -> Option<i64> {
        self.open.as_ref().map(|open| open.origin)
    }

    /// How long the open segment is, up to `dts` of the first track, in its ticks.
    pub fn elapsed(&self, dts: i64) -> i64 {
        self.open
            .as_ref()
            .map_or(0, |open| dts.saturating_sub(open.origin))
    }

    /// Whether another group of pictures like the largest so far, half as much again, and `extra` bytes fit.
    pub fn has_room_for_gop(&self, extra: u64) -> bool {
        let Some(open) = &self.open else { return false };
        let group = open.gop.another();
        self.fits(Size {
            bytes: group.bytes.saturating_add(extra),
            ..group
        })
    }

    fn fits(&self, more: Size) -> bool {
        let Some(open) = &self.open else { return false };
        let end = open.at + self.fragment.len_with(more.bytes as usize) + PAGE as u64;
        let pending: usize = (0..open.tracks.len())
            .map(|n| self.fragment.samples(n))
            .sum();
        let index = Index {
            record: &open.record,
            tracks: &open.tracks,
            tables: &self.tables,
            places: &self.places,
        };
        let chunks = 2 + more.pictures / 4;
        end <= open.record.slot_len
            && index.bound(pending + more.samples, chunks) <= open.record.head_len as usize
    }

    /// Adds a sample. On an error it was not taken and the call may be repeated.
    pub fn push(&mut self, sample: &Sample<'_>) -> Result<Pushed, WriteError> {
        let Some(open) = &self.open else {
            return Err(WriteError::Layout("no segment is open"));
        };
        let Some(track) = open.tracks.get(sample.track) else {
            return Err(WriteError::Layout("the segment has no such track"));
        };
        let video = open.tracks.first().map_or(1, |track| track.timescale);
        let origin = Ticks::new(open.origin, video)
            .at_rate(track.timescale)
            .value;
        let is_camm = track.kind == TrackKind::Camm;
        let sample = Sample {
            dts: sample.dts.saturating_sub(origin),
            ..*sample
        };
        let mut pushed = Pushed::Taken;
        if self.must_close_before(&sample) {
            let next = (sample.track == 0).then_some(sample.dts);
            self.commit_fragment(next)?;
            pushed = Pushed::Committed;
        }
        let one = Size {
            bytes: sample.data.len() as u64,
            pictures: 1,
            samples: 1,
        };
        if !self.fits(one) {
            return Ok(Pushed::Full);
        }
        self.fragment.push(&sample);
        if is_camm {
            self.places.note(sample.data);
        }
        if let Some(open) = &mut self.open {
            let bytes = sample.data.len() as u64;
            if sample.track == 0 {
                open.record.counters.frames += 1;
                open.gop.picture(sample.key, bytes);
            } else {
                self.side_taken += 1;
                open.gop.other(bytes);
            }
        }
        Ok(pushed)
    }

    fn must_close_before(&self, sample: &Sample<'_>) -> bool {
        if self.fragment.is_empty() {
            return false;
        }
        if self.fragment.is_closed() {
            return true;
        }
        let full = self.fragment.len_with(sample.data.len()) > self.limits.bytes as u64
            || !self.fragment.has_room();
        let (Some(open), Some(first)) = (&self.open, self.fragment.captured()) else {
            // Samples that came before their picture share its fragment.
            return full;
        };
        // The first fragment is a picture or two: what is durable soon is named soon.
        let interval = self.limits.interval / if open.index == 0 { 10 } else { 1 };
        let now = sample.captured;
        let due = now.since(first) >= interval;
        // A picture comes a little early or late; with a key frame a second there is no time to spare.
        let jitter = now.since(self.fragment.last_captured()) / 2;
        let affordable = sample.key && open.pace.allows(now + jitter);
        full || sample.track == 0 && (due || affordable)
    }

    /// Capture time of the first picture that is not committed yet.
    pub fn uncommitted_since(&self) -> Option<BootNs> {
        self.open.as_ref()?;
        self.fragment.captured()
    }

    /// The same for samples of other tracks in a fragment that has no picture.
    pub fn side_uncommitted_since(&self) -> Option<BootNs> {
        self.open.as_ref()?;
        match self.fragment.captured() {
            None => self.fragment.since(),
            Some(_) => None,
        }
    }

    /// How many samples of other tracks than the first the segment has taken behind its first `fragments`; of one that was
    /// abandoned, too.
    pub fn side_samples_behind(&self, fragments: u32) -> u64 {
        let committed = self.side_committed.get(..fragments as usize);
        let committed = committed.and_then(<[u64]>::last).copied().unwrap_or(0);
        self.side_taken.saturating_sub(committed)
    }

    /// Whether something was committed that the next power cut could still take.
    pub fn is_unflushed(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.unflushed)
    }

    /// Closes the fragment being filled and puts it on the card; does nothing if it is empty.
    /// `next_dts` is when the first track goes on, on the same timeline as the samples.
    pub fn commit(&mut self, next_dts: Option<i64>) -> Result<(), WriteError> {
        let origin = self.open.as_ref().map_or(0, |open| open.origin);
        self.commit_fragment(next_dts.map(|dts| dts.saturating_sub(origin)))
    }

    fn commit_fragment(&mut self, next_dts: Option<i64>) -> Result<(), WriteError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if self.fragment.is_empty() {
            return Ok(());
        }
        let record = FragmentRecord {
            crc: 0,
            len: 0,
            index: open.index,
            sequence: open.record.sequence,
            boot_tag: boot_tag(&open.record.boot_id),
            counters: open.record.counters,
            origin: Some(open.origin_of(&self.fragment)),
        };
        self.fragment.close(next_dts, record)?;
        let len = self.fragment.bytes().len() as u64;
        let next = open.at + len;
        self.index.clear();
        boxes::header(b"free", open.record.slot_len - next, &mut self.index);

        if std::mem::replace(&mut open.repeat, true) {
            self.write_unflushed()?;
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let granule = open.file.granule();
        let bytes = self.fragment.bytes_mut();
        bytes.extend(&self.index);
        bytes.resize(len as usize + granule);
        // Hidden first: its first sector says `free` as it does on the card, all else is in place.
        self.next_page.clear();
        self.next_page
            .extend(bytes.as_slice().get(..PAGE).unwrap_or_default());
        self.index.clear();
        boxes::header(b"free", open.record.slot_len - open.at, &mut self.index);
        crate::wire::Fill::new(bytes.as_mut_slice()).put(&self.index);
        let written = open
            .file
            .write_at(open.at, bytes.as_slice())
            .and_then(|()| flush_to(&mut open.file, &mut open.record, next + granule as u64))
            .and_then(|()| {
                let head = self.next_page.as_slice().get(..granule);
                open.file.write_at(open.at, head.unwrap_or_default())
            });
        if let Err(error) = written {
            // As it was, for the next try.
            crate::wire::Fill::new(bytes.as_mut_slice()).put(self.next_page.as_slice());
            bytes.resize(len as usize);
            return Err(error.into());
        }
        std::mem::swap(&mut self.shown_page, &mut self.next_page);
        open.shown_at = Some(open.at);

        for chunk in self.fragment.chunks() {
            if let Some(tables) = self.tables.get_mut(chunk.track) {
                tables.add_chunk(open.at + chunk.offset, chunk.base_dts, chunk.samples());
            }
        }
        open.pace.spend(self.fragment.last_captured());
        open.at = next;
        open.index += 1;
        self.side_committed.push(self.side_taken);
        open.unflushed = true;
        open.repeat = false;
        self.fragment.clear();
        Ok(())
    }

    /// Writes again what the flush of the next commit must cover.
    fn write_unflushed(&mut self) -> Result<(), WriteError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        match open.shown_at {
            Some(at) => {
                let granule = open.file.granule();
                let head = self.shown_page.as_slice().get(..granule);
                Ok(open.file.write_at(at, head.unwrap_or_default())?)
            }
            None => self.write_layout(),
        }
    }

    /// Makes everything committed durable now.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if std::mem::replace(&mut open.repeat, true) {
            self.write_unflushed()?;
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let granule = open.file.granule() as u64;
        flush_to(&mut open.file, &mut open.record, open.at + granule)?;
        open.repeat = false;
        open.unflushed = false;
        Ok(())
    }

    /// Changes the open segment's record (its class, its true time) and writes it out.
    pub fn update_record(&mut self, change: impl FnOnce(&mut Record)) -> Result<(), WriteError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        change(&mut open.record);
        store_record(&mut self.first_page, &open.record);
        Ok(open.file.write_at(0, self.first_page.as_slice())?)
    }

    /// Commits what is left and turns the slot into an ordinary MP4. `next_dts` is when the next
    /// segment begins, which says how long the last picture is shown. The segment stays open on an
    /// error, and the call may be repeated. `None` if no sample ever came.
    pub fn finish(&mut self, next_dts: Option<i64>) -> Result<Option<(F, Record)>, WriteError> {
        self.commit(next_dts)?;
        let Some(open) = &mut self.open else {
            return Ok(None);
        };
        if open.index == 0 {
            self.open = None;
            return Ok(None);
        }
        open.record.end = open.at;
        if std::mem::replace(&mut open.repeat, true) {
            self.write_unflushed()?;
        }
        let Some(open) = &mut self.open else {
            return Ok(None);
        };
        finalise(
            &mut open.file,
            &mut open.record,
            &open.tracks,
            &self.tables,
            &self.places,
            (&mut self.index, &mut self.init),
        )?;
        Ok(self.open.take().map(|open| (open.file, open.record)))
    }

    /// Gives the open segment up as it stands: committed fragments stay for recovery.
    pub fn abandon(&mut self) -> Option<(F, Record)> {
        self.open.take().map(|open| (open.file, open.record))
    }
}

impl<F> Open<F> {
    fn origin_of(&self, fragment: &FragmentBuilder) -> Origin {
        let record = &self.record;
        let first = fragment.captured().or(fragment.since());
        let captured = first.unwrap_or(record.start_boot);
        let booted = record.start_utc.map(|utc| utc.at_boot(record.start_boot));
        let before = record.counters.lost_pictures() + u64::from(record.counters.frames);
        Origin {
            camera: record.camera,
            class: record.class,
            boot_number: record.boot_number,
            captured,
            captured_utc: booted.map(|booted| booted.after_boot(captured)),
            init_crc: record.init_crc.unwrap_or(0),
            head_len: record.head_len,
            pictures_before: (record.pictures_before + before)
                .saturating_sub(fragment.samples(0) as u64),
        }
    }
}

/// Flushes a slot written up to `end`: in full where that is further than ever before.
fn flush_to<F: SlotFile>(file: &mut F, record: &mut Record, end: u64) -> io::Result<()> {
    if end <= record.written_len {
        return file.flush(Flush::Data);
    }
    file.flush(Flush::All)?;
    record.written_len = end;
    Ok(())
}

pub(crate) fn boot_tag(boot_id: &[u8; 16]) -> u32 {
    let [a, b, c, d, ..] = *boot_id;
    u32::from_be_bytes([a, b, c, d])
}

/// Puts the record into the first sector of a page.
fn store_record(page: &mut PageBuf, record: &Record) {
    if let Some(sector) = page.as_mut_slice().first_chunk_mut::<SECTOR>() {
        record.store(sector);
    }
}
