//! Records one camera into its ring: takes a slot, writes segments, goes on to the next.
//!
//! Nothing here waits, sleeps or reads a clock. A call that the card refused returns a
//! [`RecordError`] and may be repeated with the same picture: short faults lose nothing. After
//! [`ATTEMPTS`] refusals in a row the segment is given up as it stands (what was committed stays
//! playable and is finished later), and the next key frame begins a new one in another slot.

mod account;
mod boot;
mod caution;
mod config;
mod control;
mod durability;
mod error;
mod side;
mod sides;
mod slots;

use std::sync::Arc;
use std::time::Duration;

use picam_mp4::recover::read_record;
use picam_mp4::{Counters, Pushed, Record, Sample, SegmentWriter, TrackConfig, shown};
use picam_time::{BootNs, Ticks, UtcUs};

use crate::anchor::name_time;
use crate::class::Class;
use crate::directory::Directory;
use crate::name::{NameTime, SegmentName};
use crate::sequence::{digits_of, next_sequence};
use crate::slots::{Claim, SlotTable};

pub use account::{Account, Loss};
pub use boot::Boot;
use caution::Caution;
pub use config::{RingConfig, head_len_for};
use durability::{Due, Durability, Waiting};
pub use error::RecordError;
use error::{doing, unclaimed, write_error};
use side::Side;
pub use side::{HOLD as SIDE_HOLD, SideSample};

/// A segment is finished once no picture came for this long.
const SILENCE: Duration = Duration::from_secs(10);
/// Refusals in a row after which a segment is given up.
pub const ATTEMPTS: u32 = 3;

/// One picture on its way to the card.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Times and bytes; its track is 0.
    pub sample: Sample<'a>,
    /// What was lost since the picture before.
    pub lost_before: Counters,
}

/// Where a picture shall go.
#[derive(Debug, Clone, Copy)]
pub enum Placement<'a> {
    /// Into the segment being recorded. Without one it is lost.
    Current,
    /// To the front of a new segment of these tracks.
    New(&'a Arc<Vec<TrackConfig>>),
}

/// How much a new segment is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The segment being recorded has room and is not long enough.
    None,
    /// It is long enough.
    Convenient,
    /// It has no room for another group of pictures.
    Urgent,
    /// No segment is being recorded.
    NoSegment,
}

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is in the segment.
    Yes,
    /// It is not, since no segment is open and it is no key frame, or the slot has no room. It is counted.
    Skipped,
}

/// The segment that is being recorded.
#[derive(Debug, Clone, Copy)]
struct Current {
    segment: SegmentName,
    /// Whether the file bears its segment's name yet.
    named: bool,
    /// Whether the writer is done with it, and only the name is missing.
    closed: bool,
    /// Whether its slot has no room. It stays open to bear what is lost up to the next key frame.
    full: bool,
}

/// Records one camera.
pub struct Recorder<D: Directory> {
    directory: D,
    config: RingConfig,
    boot: Boot,
    slots: SlotTable,
    writer: SegmentWriter<D::File>,
    current: Option<Current>,
    /// The slot of `current`, or the one about to be.
    claim: Option<Claim>,
    tracks: Arc<Vec<TrackConfig>>,
    caution: Caution,
    last_sequence: Option<u64>,
    /// The last number used on another volume.
    behind: Option<u64>,
    /// UTC of the moment of booting, once known.
    booted: Option<UtcUs>,
    refusals: u32,
    account: Account,
    durability: Durability,
    side: Side,
    /// What waits to be taken was captured from then on, if anything does.
    pictures_until: Option<BootNs>,
    newest: BootNs,
}

impl<D: Directory> Recorder<D> {
    /// A recorder that has not recorded yet; `slots` is the table that all share who work in this directory.
    pub fn new(directory: D, config: RingConfig, boot: Boot, slots: SlotTable) -> Self {
        let limits = config.limits;
        Self {
            directory,
            config,
            boot,
            slots,
            writer: SegmentWriter::new(limits),
            current: None,
            claim: None,
            tracks: Arc::default(),
            caution: Caution::default(),
            last_sequence: None,
            behind: None,
            booted: None,
            refusals: 0,
            account: Account::default(),
            durability: Durability::default(),
            side: Side::default(),
            pictures_until: None,
            newest: BootNs::ZERO,
        }
    }

    /// Goes on counting where another recorder of this camera stopped.
    #[must_use]
    pub fn resume(mut self, account: Account) -> Self {
        self.account = account;
        self
    }

    /// Numbers what comes behind `sequence` too, the last of this camera on another volume: so no two segments that were
    /// recorded one after the other bear one number, and none seem to be neighbours that are not.
    #[must_use]
    pub fn behind(mut self, sequence: Option<u64>) -> Self {
        self.behind = sequence;
        self
    }

    /// The number of the newest segment that this has begun, or had to come behind.
    pub fn last_sequence(&self) -> Option<u64> {
        self.last_sequence.max(self.behind)
    }

    /// Ends recording without touching the card any more, which is gone. What was not durable counts as
    /// lost; say it to the next recorder.
    pub fn dismiss(mut self) -> Account {
        self.abandon(Loss::Card);
        self.forget_side();
        self.account
    }

    /// Records a picture. On [`RecordError::Io`] and [`RecordError::NoSlot`] it was not taken: call again with
    /// the same one, or give it up with [`Self::lose`]. On [`RecordError::Write`] it is lost, and counted.
    pub fn place(
        &mut self,
        picture: &Picture<'_>,
        placement: Placement<'_>,
    ) -> Result<Taken, RecordError> {
        self.caution.note_time(picture.sample.captured);
        let result = self.try_place(picture, placement);
        self.count(&result);
        match &result {
            Ok(Taken::Yes) | Err(RecordError::Io { .. } | RecordError::NoSlot(_)) => {}
            Ok(Taken::Skipped) => self.account.lost_before(&picture.lost_before),
            // It would be refused for ever, and what waits for it with it.
            Err(RecordError::Write(_)) => {
                self.abandon(Loss::Room);
                self.claim = None;
                self.lose(picture, Loss::Room);
            }
        }
        result
    }

    /// Gives up a picture that was not taken.
    pub fn lose(&mut self, picture: &Picture<'_>, why: Loss) {
        self.account.lost_before(&picture.lost_before);
        self.account.lost_as(why);
    }

    /// Something was lost behind the last picture, which no other follows. The segment being recorded counts it when it
    /// ends.
    pub fn lost_since(&mut self, lost: &Counters) {
        self.account.lost_before(lost);
    }

    /// Everything lost since the start, and (`frames`) the pictures that came into a segment.
    pub fn total(&self) -> &Counters {
        self.account.total()
    }

    /// To be called every 50 ms whether pictures come or not: makes durable what waits for pictures that
    /// do not come, and finishes the segment after ten seconds without any.
    pub fn tick(&mut self, now: BootNs) -> Result<(), RecordError> {
        self.caution.note_time(now);
        let result = self.try_tick(now);
        self.count(&result);
        result
    }

    fn try_tick(&mut self, now: BootNs) -> Result<(), RecordError> {
        self.store_waiting_side(now)?;
        if self.current.is_none() {
            return Ok(());
        }
        self.name_segment_when_due()?;
        if now.since(self.newest) >= SILENCE {
            return self.end_segment(None);
        }
        let waiting = Waiting {
            uncommitted_since: self.writer.uncommitted_since(),
            side_uncommitted_since: self.writer.side_uncommitted_since(),
            unflushed: self.writer.is_unflushed(),
        };
        match self
            .durability
            .due(waiting, now, self.config.limits.interval)
        {
            Due::Nothing => Ok(()),
            Due::Commit => self.commit(None),
            Due::Flush => self.flush(),
        }
    }

    /// Makes durable all that came by now, whatever it costs: something hit the car, and the power may be next.
    pub fn hasten(&mut self, now: BootNs) -> Result<(), RecordError> {
        self.caution.note_time(now);
        let result = self.try_hasten(now);
        self.count(&result);
        result
    }

    fn try_hasten(&mut self, now: BootNs) -> Result<(), RecordError> {
        self.store_all_side(now)?;
        if self.current.is_none_or(|current| current.closed) {
            return Ok(());
        }
        self.commit(None)?;
        self.flush()
    }

    fn commit(&mut self, next_dts: Option<i64>) -> Result<(), RecordError> {
        if let Some(since) = self.uncommitted_since() {
            self.writer.commit(next_dts).map_err(write_error)?;
            self.durability
                .committed(since, self.config.limits.interval);
        }
        self.name_segment_when_due()
    }

    fn flush(&mut self) -> Result<(), RecordError> {
        self.writer.flush().map_err(write_error)?;
        self.durability.flushed();
        Ok(())
    }

    /// Ends the segment being recorded, if any, and finishes its file.
    pub fn finish(&mut self) -> Result<(), RecordError> {
        let result = self.end_segment(None);
        self.count(&result);
        result
    }

    fn count<T>(&mut self, result: &Result<T, RecordError>) {
        match result {
            Ok(_) => {
                self.refusals = 0;
                if self.current.is_none() {
                    self.claim = None;
                }
            }
            Err(_) => {
                self.refusals += 1;
                self.caution.refused();
                if let Some(counters) = self.writer.counters_mut() {
                    counters.io_faults = counters.io_faults.saturating_add(1);
                }
                if self.refusals >= ATTEMPTS {
                    self.give_up();
                }
            }
        }
    }

    /// Stops writing the open segment. What of it is not on the card is counted.
    fn abandon(&mut self, why: Loss) {
        if let Some((file, record)) = self.writer.abandon() {
            // A card that cannot be read either shows nothing for all that is known.
            let shown = shown(&file, &record).unwrap_or_default();
            self.account
                .segment_abandoned(&record.counters, &shown.counters, why);
            let lost_side = self.writer.side_samples_behind(shown.fragments);
            self.account.lost_side(lost_side);
        }
        self.current = None;
    }

    /// Leaves the segment as it is and forgets what was known of the card.
    fn give_up(&mut self) {
        self.refusals = 0;
        let is_open = self.current.is_some() || self.claim.is_some();
        self.abandon(Loss::Card);
        if is_open {
            self.slot_failed();
        }
        self.slots.forget();
    }

    /// How much a new segment is wanted before a picture decoded at `dts`, if one shall also have room for
    /// `extra` bytes more than a group of pictures.
    pub fn urgency(&self, dts: i64, extra: u64) -> Urgency {
        let elapsed = self.writer.elapsed(dts);
        match self.current {
            None => Urgency::NoSegment,
            Some(current) if current.closed || current.full => Urgency::Urgent,
            Some(_) if elapsed < 0 || !self.writer.has_room_for_gop(extra) => Urgency::Urgent,
            Some(_) if elapsed >= 2 * self.config.nominal_ticks => Urgency::Convenient,
            Some(_) => Urgency::None,
        }
    }

    fn try_place(
        &mut self,
        picture: &Picture<'_>,
        placement: Placement<'_>,
    ) -> Result<Taken, RecordError> {
        self.name_segment_when_due()?;
        let sample = &picture.sample;
        if let Placement::New(_) = placement {
            self.end_segment(Some(sample.dts))?;
        }
        if self.current.is_none() {
            let Placement::New(tracks) = placement else {
                self.account.lost_waiting();
                return Ok(Taken::Skipped);
            };
            self.begin(picture, tracks)?;
        }
        let waiting_since = self.uncommitted_since();
        let pushed = match self.current {
            Some(Current { full: true, .. }) => Pushed::Full,
            _ => self.writer.push(sample).map_err(write_error)?,
        };
        match (pushed, waiting_since) {
            (Pushed::Full, _) => {
                // A group of pictures larger than all before it: the rest of it has no place.
                self.account.lost_as(Loss::Room);
                if let Some(current) = &mut self.current {
                    current.full = true;
                }
                return Ok(Taken::Skipped);
            }
            (Pushed::Committed, Some(since)) => self
                .durability
                .committed(since, self.config.limits.interval),
            _ => {}
        }
        self.taken(picture);
        self.store_passed_side(sample.dts);
        Ok(Taken::Yes)
    }

    /// A picture is in the open segment. Whatever the card refuses now is tried again with the next one.
    fn taken(&mut self, picture: &Picture<'_>) {
        let sample = &picture.sample;
        self.account.lost_before(&picture.lost_before);
        let lost = self.account.taken();
        if let Some(counters) = self.writer.counters_mut() {
            counters.add(&lost);
        }
        let lasts = self.tracks.first().map_or(Duration::ZERO, |track| {
            Ticks::new(sample.duration.into(), track.timescale).span()
        });
        self.newest = sample.captured;
        self.durability.taken(sample.captured, lasts);
        // There is nothing to wait for where the next picture would close the fragment anyhow.
        let _ = if lasts >= self.config.limits.interval {
            self.commit(None)
        } else {
            self.name_segment_when_due()
        };
    }

    fn begin(
        &mut self,
        picture: &Picture<'_>,
        tracks: &Arc<Vec<TrackConfig>>,
    ) -> Result<(), RecordError> {
        let file = self.take_slot()?;
        // A slot that held a whole segment before needs no metadata flush below its end.
        let written_len = match read_record(&file) {
            Ok((old, _)) if old.slot_len == self.config.slot_size => old.written_len,
            _ => 0,
        };
        let letter = self.config.letter;
        let sequence = next_sequence(self.last_sequence(), |digits| {
            self.slots.is_taken(letter, digits)
        });
        let start_boot = picture.sample.captured;
        let start_utc = self.utc_at(start_boot);
        let class = Class::Normal;
        let record = Record {
            sequence,
            boot_id: self.boot.id,
            boot_number: self.boot.number,
            camera: self.config.letter,
            class: class.letter(),
            camera_name: self.config.camera_name.clone(),
            start_boot,
            start_utc,
            slot_len: self.config.slot_size,
            head_len: self.config.head_len,
            written_len,
            pictures_before: self.account.ended(),
            ..Record::default()
        };
        self.tracks = tracks.clone();
        self.side.begin_segment();
        self.writer
            .begin(file, record, tracks.to_vec(), &picture.sample)
            .map_err(write_error)?;
        self.last_sequence = Some(sequence);
        self.current = Some(Current {
            segment: SegmentName {
                time: self.name_time(start_boot),
                camera: self.config.letter,
                class,
                sequence: digits_of(sequence),
            },
            named: false,
            closed: false,
            full: false,
        });
        Ok(())
    }

    fn utc_at(&self, moment: BootNs) -> Option<UtcUs> {
        Some(self.booted?.after_boot(moment))
    }

    fn name_time(&self, start: BootNs) -> NameTime {
        name_time(self.utc_at(start), self.boot.number, start)
    }

    /// Gives the file its segment's name once its first fragment is durable.
    fn name_segment_when_due(&mut self) -> Result<(), RecordError> {
        match self.current {
            Some(current) if !current.named && (current.closed || self.writer.fragments() > 0) => {
                if !current.closed {
                    self.flush()?;
                }
                self.name_segment(current)
            }
            _ => Ok(()),
        }
    }

    fn name_segment(&mut self, current: Current) -> Result<(), RecordError> {
        let segment = self.rename_to(current.segment)?;
        if let Some(now) = &mut self.current {
            now.segment = segment;
            now.named = true;
        }
        if current.closed {
            self.current = None;
        }
        Ok(())
    }

    /// Gives the slot being recorded a segment's name; says which it got.
    fn rename_to(&mut self, segment: SegmentName) -> Result<SegmentName, RecordError> {
        let claim = self.claim.as_mut().ok_or_else(unclaimed)?;
        claim
            .name_segment(&self.directory, segment)
            .map_err(doing("naming a segment"))
    }

    fn end_segment(&mut self, next_dts: Option<i64>) -> Result<(), RecordError> {
        let Some(current) = self.current else {
            return Ok(());
        };
        if !current.closed {
            self.store_side_before_cut(next_dts);
            let lost = self.account.bear();
            if let Some(counters) = self.writer.counters_mut() {
                counters.add(&lost);
            }
            let Some((_, record)) = self.writer.finish(next_dts).map_err(write_error)? else {
                // Not one picture: the slot is spare as before.
                self.account.put_back(&lost);
                self.current = None;
                return Ok(());
            };
            self.account.segment_ended(&record.counters);
            self.durability.finished();
            self.caution.finished();
            if let Some(now) = &mut self.current {
                now.closed = true;
            }
        }
        if current.named {
            self.current = None;
            return Ok(());
        }
        self.name_segment(Current {
            closed: true,
            ..current
        })
    }

    /// The name of the segment being recorded, once its file bears it.
    pub fn segment(&self) -> Option<SegmentName> {
        self.current
            .filter(|current| current.named)
            .map(|current| current.segment)
    }

    /// Capture time of the newest picture that would survive a power cut now; zero before the first.
    pub fn durable_until(&self) -> BootNs {
        self.durability.durable()
    }
}
