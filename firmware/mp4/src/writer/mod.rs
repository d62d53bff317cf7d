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
mod memory;
mod open;
mod pace;

use std::io;
use std::time::Duration;

use picam_time::BootNs;

use crate::layout::PAGE;
use crate::record::{Counters, Record};
use crate::storage::SlotFile;
use crate::track::{Sample, TrackConfig, TrackKind};

pub(crate) use finalise::finalise;
use memory::Memory;
use open::OpenSegment;

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

/// Writes segments; its memory is used again from one to the next.
pub struct SegmentWriter<F> {
    limits: FragmentLimits,
    open: Option<OpenSegment<F>>,
    memory: Memory,
}

impl<F: SlotFile> SegmentWriter<F> {
    /// A writer with no segment open.
    pub fn new(limits: FragmentLimits) -> Self {
        Self {
            limits,
            open: None,
            memory: Memory::new(limits.bytes),
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
        validate(&record, &tracks)?;
        let mut record = Record {
            end: 0,
            duration: Duration::ZERO,
            recovered: false,
            counters: Counters::default(),
            ..record
        };
        let offset = first.composition_offset;
        self.memory.lay_out(&mut record, &tracks, offset)?;
        self.memory.begin_segment(tracks.len());
        let open = OpenSegment::new(file, record, tracks, self.limits, first);
        Ok(self.open.insert(open).write_layout(&self.memory)?)
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

    /// Decode time of the open segment's first picture, in ticks of the video.
    pub fn origin(&self) -> Option<i64> {
        self.open.as_ref().map(|open| open.origin)
    }

    /// How long the open segment is, up to `dts` of the video, in its ticks.
    pub fn elapsed(&self, dts: i64) -> i64 {
        self.origin().map_or(0, |origin| dts.saturating_sub(origin))
    }

    /// Whether another group of pictures like the largest so far, half as much again, and `extra` bytes fit.
    pub fn has_room_for_gop(&self, extra: u64) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.has_room_for_gop(&self.memory, extra))
    }

    /// Adds a sample. On an error it was not taken and the call may be repeated.
    pub fn push(&mut self, sample: &Sample<'_>) -> Result<Pushed, WriteError> {
        match &mut self.open {
            Some(open) => open.push(&mut self.memory, sample),
            None => Err(WriteError::Layout("no segment is open")),
        }
    }

    /// Capture time of the first picture that is not committed yet.
    pub fn uncommitted_since(&self) -> Option<BootNs> {
        self.open.as_ref()?;
        self.memory.fragment.captured()
    }

    /// The same for samples of other tracks in a fragment that has no picture.
    pub fn side_uncommitted_since(&self) -> Option<BootNs> {
        self.open.as_ref()?;
        match self.memory.fragment.captured() {
            None => self.memory.fragment.since(),
            Some(_) => None,
        }
    }

    /// How many samples of other tracks than the video the segment has taken behind its first `fragments`; of one that was
    /// abandoned, too.
    pub fn side_samples_behind(&self, fragments: u32) -> u64 {
        self.memory.sides.behind(fragments)
    }

    /// Whether something was committed that the next power cut could still take.
    pub fn is_unflushed(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.unflushed)
    }

    /// Closes the fragment being filled and puts it on the card; does nothing if it is empty.
    /// `next_dts` is when the video goes on, on the same timeline as the samples.
    pub fn commit(&mut self, next_dts: Option<i64>) -> Result<(), WriteError> {
        match &mut self.open {
            Some(open) => open.commit(&mut self.memory, next_dts),
            None => Ok(()),
        }
    }

    /// Makes everything committed durable now.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        match &mut self.open {
            Some(open) => Ok(open.flush(&self.memory)?),
            None => Ok(()),
        }
    }

    /// Changes the open segment's record (its class, its true time) and writes it out.
    pub fn update_record(&mut self, change: impl FnOnce(&mut Record)) -> Result<(), WriteError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        change(&mut open.record);
        self.memory.store_record(&open.record);
        Ok(open.write_first_page(&self.memory)?)
    }

    /// Commits what is left and turns the slot into an ordinary MP4. `next_dts` is when the next
    /// segment begins, which says how long the last picture is shown. The segment stays open on an
    /// error, and the call may be repeated. `None` if no sample ever came.
    pub fn finish(&mut self, next_dts: Option<i64>) -> Result<Option<(F, Record)>, WriteError> {
        let Some(open) = &mut self.open else {
            return Ok(None);
        };
        open.commit(&mut self.memory, next_dts)?;
        if open.index == 0 {
            self.open = None;
            return Ok(None);
        }
        open.finish(&mut self.memory)?;
        Ok(self.abandon())
    }

    /// Gives the open segment up as it stands: committed fragments stay for recovery.
    pub fn abandon(&mut self) -> Option<(F, Record)> {
        self.open.take().map(OpenSegment::into_parts)
    }
}

/// Whether a segment can be laid out as it is described.
fn validate(record: &Record, tracks: &[TrackConfig]) -> Result<(), WriteError> {
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
    if !record.slot_len.is_multiple_of(PAGE as u64) || record.slot_len < head_len + 64 * PAGE as u64
    {
        return Err(WriteError::Layout(
            "the slot must be whole pages and hold the head region and 256 KiB more",
        ));
    }
    Ok(())
}

pub(crate) fn boot_tag(boot_id: &[u8; 16]) -> u32 {
    let [a, b, c, d, ..] = *boot_id;
    u32::from_be_bytes([a, b, c, d])
}
