//! The segment being written: what it has come to, and the order of its writes.

use std::io;

use picam_time::Ticks;

use super::gop::{Gop, Size};
use super::memory::Memory;
use super::pace::CommitPace;
use super::{FragmentLimits, Pushed, WriteError, boot_tag, finalise};
use crate::boxes;
use crate::fragment::{FragmentBuilder, FragmentRecord, Origin};
use crate::layout::PAGE;
use crate::moov::Index;
use crate::record::Record;
use crate::storage::{Flush, SlotFile};
use crate::track::{Sample, TrackConfig, TrackKind, VIDEO_TRACK};
use crate::wire::Fill;

/// A segment that takes samples. What it has collected is in the writer's memory.
pub(super) struct OpenSegment<F> {
    file: F,
    pub(super) record: Record,
    tracks: Vec<TrackConfig>,
    limits: FragmentLimits,
    /// Decode time of the first picture: zero on the segment's timeline.
    pub(super) origin: i64,
    /// Where the fragment being filled will stand.
    at: u64,
    /// Number of the fragment being filled: so many are committed.
    pub(super) index: u32,
    /// Where the first page of the fragment before stands, still to be made durable.
    shown_at: Option<u64>,
    /// Whether what was written last is not yet flushed.
    pub(super) unflushed: bool,
    pace: CommitPace,
    /// The last commit failed somewhere: what its flush covered must be written again, since the
    /// kernel drops pages that it could not write.
    repeat: bool,
    gop: Gop,
}

impl<F: SlotFile> OpenSegment<F> {
    /// A segment as it is once it is laid out; `first` is its first picture.
    pub(super) fn new(
        file: F,
        record: Record,
        tracks: Vec<TrackConfig>,
        limits: FragmentLimits,
        first: &Sample<'_>,
    ) -> Self {
        Self {
            at: u64::from(record.head_len) + u64::from(record.init_len),
            file,
            record,
            tracks,
            limits,
            origin: first.dts,
            index: 0,
            shown_at: None,
            unflushed: true,
            pace: CommitPace::new(limits.interval, first.captured),
            repeat: false,
            gop: Gop::default(),
        }
    }

    /// Writes what stands before the first fragment.
    pub(super) fn write_layout(&mut self, memory: &Memory) -> io::Result<()> {
        let init_at = u64::from(self.record.head_len) - PAGE as u64;
        self.write_first_page(memory)?;
        self.file.write_at(init_at, memory.init.as_slice())
    }

    pub(super) fn write_first_page(&mut self, memory: &Memory) -> io::Result<()> {
        self.file.write_at(0, memory.first_page.as_slice())
    }

    /// Whether another group of pictures like the largest so far, half as much again, and `extra` bytes fit.
    pub(super) fn has_room_for_gop(&self, memory: &Memory, extra: u64) -> bool {
        let group = self.gop.another();
        self.fits(
            memory,
            Size {
                bytes: group.bytes.saturating_add(extra),
                ..group
            },
        )
    }

    fn fits(&self, memory: &Memory, more: Size) -> bool {
        let fragment = &memory.fragment;
        let end = self.at + fragment.len_with(more.bytes as usize) + PAGE as u64;
        let pending: usize = (0..self.tracks.len()).map(|n| fragment.samples(n)).sum();
        let index = Index {
            record: &self.record,
            tracks: &self.tracks,
            tables: &memory.tables,
            places: &memory.places,
        };
        let chunks = 2 + more.pictures / 4;
        end <= self.record.slot_len
            && index.bound(pending + more.samples, chunks) <= self.record.head_len as usize
    }

    /// Adds a sample. On an error it was not taken and the call may be repeated.
    pub(super) fn push(
        &mut self,
        memory: &mut Memory,
        sample: &Sample<'_>,
    ) -> Result<Pushed, WriteError> {
        let Some(track) = self.tracks.get(sample.track) else {
            return Err(WriteError::Layout("the segment has no such track"));
        };
        let video = self
            .tracks
            .get(VIDEO_TRACK)
            .map_or(1, |track| track.timescale);
        let origin = Ticks::new(self.origin, video)
            .at_rate(track.timescale)
            .value;
        let is_camm = track.kind == TrackKind::Camm;
        let sample = Sample {
            dts: sample.dts.saturating_sub(origin),
            ..*sample
        };
        let mut pushed = Pushed::Taken;
        if self.must_close_before(&memory.fragment, &sample) {
            let next = sample.is_picture().then_some(sample.dts);
            self.commit_fragment(memory, next)?;
            pushed = Pushed::Committed;
        }
        let bytes = sample.data.len() as u64;
        let one = Size {
            bytes,
            pictures: 1,
            samples: 1,
        };
        if !self.fits(memory, one) {
            return Ok(Pushed::Full);
        }
        memory.fragment.push(&sample);
        if is_camm {
            memory.places.note(sample.data);
        }
        if sample.is_picture() {
            self.record.counters.frames += 1;
            self.gop.picture(sample.key, bytes);
        } else {
            memory.sides.take();
            self.gop.other(bytes);
        }
        Ok(pushed)
    }

    fn must_close_before(&self, fragment: &FragmentBuilder, sample: &Sample<'_>) -> bool {
        if fragment.is_empty() {
            return false;
        }
        if fragment.is_closed() {
            return true;
        }
        let full =
            fragment.len_with(sample.data.len()) > self.limits.bytes as u64 || !fragment.has_room();
        let Some(first) = fragment.captured() else {
            // Samples that came before their picture share its fragment.
            return full;
        };
        // The first fragment is a picture or two: what is durable soon is named soon.
        let interval = self.limits.interval / if self.index == 0 { 10 } else { 1 };
        let now = sample.captured;
        let due = now.since(first) >= interval;
        // A picture comes a little early or late; with a key frame a second there is no time to spare.
        let jitter = now.since(fragment.last_captured()) / 2;
        let affordable = sample.key && self.pace.allows(now + jitter);
        full || sample.is_picture() && (due || affordable)
    }

    /// Closes the fragment being filled; `next_dts` is when the video goes on, as samples that are pushed say it.
    pub(super) fn commit(
        &mut self,
        memory: &mut Memory,
        next_dts: Option<i64>,
    ) -> Result<(), WriteError> {
        let next_dts = next_dts.map(|dts| dts.saturating_sub(self.origin));
        self.commit_fragment(memory, next_dts)
    }

    /// Closes the fragment being filled and puts it on the card; does nothing if it is empty.
    /// `next_dts` is when the video goes on, on the segment's timeline.
    fn commit_fragment(
        &mut self,
        memory: &mut Memory,
        next_dts: Option<i64>,
    ) -> Result<(), WriteError> {
        if memory.fragment.is_empty() {
            return Ok(());
        }
        let record = FragmentRecord {
            crc: 0,
            len: 0,
            index: self.index,
            sequence: self.record.sequence,
            boot_tag: boot_tag(&self.record.boot_id),
            counters: self.record.counters,
            origin: Some(self.origin_of(&memory.fragment)),
        };
        memory.fragment.close(next_dts, record)?;
        let len = memory.fragment.bytes().len() as u64;
        let next = self.at + len;
        if std::mem::replace(&mut self.repeat, true) {
            self.write_unflushed(memory)?;
        }
        let granule = self.file.granule();
        let bytes = memory.fragment.bytes_mut();
        memory.boxes.clear();
        boxes::header(b"free", self.record.slot_len - next, &mut memory.boxes);
        bytes.extend(&memory.boxes);
        bytes.resize(len as usize + granule);
        // Hidden first: its first sector says `free` as it does on the card, all else is in place.
        memory.next_page.clear();
        let first_page = bytes.as_slice().get(..PAGE);
        memory.next_page.extend(first_page.unwrap_or_default());
        memory.boxes.clear();
        boxes::header(b"free", self.record.slot_len - self.at, &mut memory.boxes);
        Fill::new(bytes.as_mut_slice()).put(&memory.boxes);
        let (file, written_to) = (&mut self.file, next + granule as u64);
        let written = file
            .write_at(self.at, bytes.as_slice())
            .and_then(|()| flush_to(file, &mut self.record, written_to))
            .and_then(|()| {
                let head = memory.next_page.as_slice().get(..granule);
                file.write_at(self.at, head.unwrap_or_default())
            });
        if let Err(error) = written {
            // As it was, for the next try.
            Fill::new(bytes.as_mut_slice()).put(memory.next_page.as_slice());
            bytes.resize(len as usize);
            return Err(error.into());
        }
        self.committed(memory, next);
        Ok(())
    }

    /// The fragment is on the card, and the next one begins at `next`.
    fn committed(&mut self, memory: &mut Memory, next: u64) {
        std::mem::swap(&mut memory.shown_page, &mut memory.next_page);
        self.shown_at = Some(self.at);
        for chunk in memory.fragment.chunks() {
            if let Some(tables) = memory.tables.get_mut(chunk.track) {
                tables.add_chunk(self.at + chunk.offset, chunk.base_dts, chunk.samples());
            }
        }
        self.pace.spend(memory.fragment.last_captured());
        self.at = next;
        self.index += 1;
        memory.sides.commit();
        self.unflushed = true;
        self.repeat = false;
        memory.fragment.clear();
    }

    /// Writes again what the next flush must cover.
    fn write_unflushed(&mut self, memory: &Memory) -> io::Result<()> {
        match self.shown_at {
            Some(at) => {
                let granule = self.file.granule();
                let head = memory.shown_page.as_slice().get(..granule);
                self.file.write_at(at, head.unwrap_or_default())
            }
            None => self.write_layout(memory),
        }
    }

    /// Makes everything committed durable now.
    pub(super) fn flush(&mut self, memory: &Memory) -> io::Result<()> {
        if std::mem::replace(&mut self.repeat, true) {
            self.write_unflushed(memory)?;
        }
        let granule = self.file.granule() as u64;
        flush_to(&mut self.file, &mut self.record, self.at + granule)?;
        self.repeat = false;
        self.unflushed = false;
        Ok(())
    }

    /// Turns the slot, whose fragments are all committed, into an ordinary MP4.
    pub(super) fn finish(&mut self, memory: &mut Memory) -> Result<(), WriteError> {
        self.record.end = self.at;
        if std::mem::replace(&mut self.repeat, true) {
            self.write_unflushed(memory)?;
        }
        finalise(
            &mut self.file,
            &mut self.record,
            &self.tracks,
            &memory.tables,
            &memory.places,
            (&mut memory.boxes, &mut memory.init),
        )
    }

    /// The file and its record as they stand.
    pub(super) fn into_parts(self) -> (F, Record) {
        (self.file, self.record)
    }

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
                .saturating_sub(fragment.samples(VIDEO_TRACK) as u64),
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
