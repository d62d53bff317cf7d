//! Records one camera into its ring: takes a slot, writes segments, goes on to the next.
//!
//! Nothing here waits, sleeps or reads a clock. A call that the card refused returns a
//! [`RecordError`] and may be repeated with the same picture: short faults lose nothing. After
//! [`ATTEMPTS`] refusals in a row the segment is given up as it stands (what was committed stays
//! playable and is finished later), and the next key frame begins a new one in another slot.

use std::io;
use std::sync::Arc;

use picam_mp4::recover::read_record;
use picam_mp4::{
    FragmentLimits, Pushed, Record, Sample, SegmentState, SegmentWriter, SlotFile, TrackConfig,
    WriteError, shown_end,
};

use crate::catalog::{Catalog, Ring};
use crate::class::{Class, Shares};
use crate::directory::Directory;
use crate::name::{NameTime, SegmentName, SlotName};
use crate::policy::next_slot;
use crate::sequence::{digits_of, next_sequence};

/// Refusals in a row after which a segment is given up.
pub const ATTEMPTS: u32 = 3;
/// How many spare slots are looked at for footage that a power cut left unnamed.
const SPARES_LOOKED_AT: usize = 4;

/// What a ring is made of.
#[derive(Debug, Clone)]
pub struct RingConfig {
    /// The camera's letter in names.
    pub letter: u8,
    /// The camera's name.
    pub camera_name: String,
    /// Length of every slot in bytes, whole pages.
    pub slot_size: u64,
    /// How many slots there shall be.
    pub slots: usize,
    /// Length of the head region in bytes; [`head_len_for`] says how much is enough.
    pub head_len: u32,
    /// Segments end at the first key frame after twice this, in ticks of the video track, if
    /// their slot is not full before.
    pub nominal_ticks: i64,
    /// Shares of the classes.
    pub shares: Shares,
    /// When fragments are closed.
    pub limits: FragmentLimits,
}

/// A head region that holds the index of twice `nominal_s` seconds at 60 pictures a second, with
/// sound, a fix a second and text: 4 KiB a second, between 64 KiB and 1 MiB.
pub fn head_len_for(nominal_s: u64, slot_size: u64) -> u32 {
    let most = (slot_size / 8).clamp(32 * 1024, 1 << 20);
    let want = (nominal_s * 4096).clamp(64 * 1024, 1 << 20).min(most);
    (want / 4096 * 4096) as u32
}

/// Which boot this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// The kernel's boot id.
    pub id: [u8; 16],
    /// How many boots the card has seen.
    pub number: u32,
}

impl Boot {
    /// Numbers this boot one above the newest segment's, or the same if it is the same boot.
    /// Segments that cannot be read count for nothing.
    pub fn after(directory: &impl Directory, catalog: &Catalog, id: [u8; 16]) -> Self {
        let newest = catalog
            .cameras()
            .filter_map(|camera| newest_record(directory, catalog.ring(camera)))
            .max_by_key(|record| record.boot_number);
        let number = match newest {
            Some(record) if record.boot_id == id => record.boot_number,
            Some(record) => record.boot_number + 1,
            None => 1,
        };
        Self { id, number }
    }
}

/// The record of a ring's newest segment whose record can be read, among the likeliest.
fn newest_record(directory: &impl Directory, ring: &Ring) -> Option<Record> {
    ring.newest_candidates()
        .iter()
        .take(4)
        .filter_map(|segment| record_of(directory, &segment.name.to_string()))
        .max_by_key(|record| record.sequence)
}

fn record_of(directory: &impl Directory, name: &str) -> Option<Record> {
    let file = directory.open(name).ok()?;
    read_record(&file).ok().map(|(record, _)| record)
}

/// One picture on its way to the card.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Times and bytes; its track is 0.
    pub sample: Sample<'a>,
    /// When it was taken, nanoseconds since boot.
    pub captured_boot_ns: u64,
    /// Pictures that the encoder lost just before.
    pub lost_in_encoder: u32,
    /// Pictures that the queue lost just before.
    pub lost_in_queue: u32,
}

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is in the segment.
    Yes,
    /// It is not, since no segment is open and it is no key frame.
    Skipped,
}

/// Why a picture could not be taken (yet).
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The card refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// There is no slot to record into, and none can be made.
    #[error("there is no slot for the next segment: {0}")]
    NoSlot(io::Error),
    /// The stream cannot be stored.
    #[error(transparent)]
    Write(WriteError),
}

impl RecordError {
    /// The operating system's error, where there is one.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Io { source, .. } | Self::NoSlot(source) => Some(source),
            Self::Write(WriteError::Io(source)) => Some(source),
            Self::Write(_) => None,
        }
    }
}

fn doing(doing: &'static str) -> impl FnOnce(io::Error) -> RecordError {
    move |source| RecordError::Io { doing, source }
}

/// The segment that is being recorded.
#[derive(Debug, Clone, Copy)]
struct Current {
    slot: SlotName,
    segment: SegmentName,
    sequence: u64,
    /// Whether the file bears its segment's name yet.
    named: bool,
    /// Whether the writer is done with it, and only the name is missing.
    closed: bool,
}

/// Records one camera.
pub struct Recorder<D: Directory> {
    directory: D,
    config: RingConfig,
    boot: Boot,
    catalog: Option<Catalog>,
    writer: SegmentWriter<D::File>,
    current: Option<Current>,
    tracks: Arc<Vec<TrackConfig>>,
    /// Slots somebody else works on (recovery), or that failed.
    busy: Vec<SlotName>,
    failed: Vec<SlotName>,
    next_class: Class,
    last_sequence: Option<u64>,
    utc_minus_boot_us: Option<i64>,
    refusals: u32,
    faults: u32,
    committed_boot_ns: u64,
    durable_boot_ns: u64,
    newest_boot_ns: u64,
}

impl<D: Directory> Recorder<D> {
    /// A recorder that has not looked at the card yet; `catalog` may be handed in if somebody has.
    pub fn new(directory: D, config: RingConfig, boot: Boot, catalog: Option<Catalog>) -> Self {
        let limits = config.limits;
        Self {
            directory,
            config,
            boot,
            catalog,
            writer: SegmentWriter::new(limits),
            current: None,
            tracks: Arc::default(),
            busy: Vec::new(),
            failed: Vec::new(),
            next_class: Class::Normal,
            last_sequence: None,
            utc_minus_boot_us: None,
            refusals: 0,
            faults: 0,
            committed_boot_ns: 0,
            durable_boot_ns: 0,
            newest_boot_ns: 0,
        }
    }

    /// Records a picture. On an error it was not taken; call again with the same one.
    pub fn push(
        &mut self,
        picture: &Picture<'_>,
        tracks: &Arc<Vec<TrackConfig>>,
    ) -> Result<Taken, RecordError> {
        let result = self.try_push(picture, tracks);
        self.count(&result);
        result
    }

    /// Ends the segment being recorded, if any, and finishes its file.
    pub fn finish(&mut self) -> Result<(), RecordError> {
        let result = self.end_segment(None);
        self.count(&result);
        result
    }

    fn count<T>(&mut self, result: &Result<T, RecordError>) {
        match result {
            Ok(_) => self.refusals = 0,
            Err(_) => {
                self.refusals += 1;
                self.faults = self.faults.saturating_add(1);
                if let Some(counters) = self.writer.counters_mut() {
                    counters.io_faults = counters.io_faults.saturating_add(1);
                }
                if self.refusals >= ATTEMPTS {
                    self.give_up();
                }
            }
        }
    }

    /// Leaves the segment as it is and forgets what was known of the card.
    fn give_up(&mut self) {
        self.refusals = 0;
        self.writer.abandon();
        if let Some(current) = self.current.take() {
            self.failed.push(if current.named {
                SlotName::Segment(current.segment)
            } else {
                current.slot
            });
        }
        self.catalog = None;
    }

    fn try_push(
        &mut self,
        picture: &Picture<'_>,
        tracks: &Arc<Vec<TrackConfig>>,
    ) -> Result<Taken, RecordError> {
        self.name_segment_when_due()?;
        let sample = &picture.sample;
        if sample.key && self.must_end_before(sample, tracks) {
            self.end_segment(Some(sample.dts))?;
        }
        if self.current.is_none() {
            if !sample.key {
                return Ok(Taken::Skipped);
            }
            self.begin(picture, tracks)?;
        }
        let pushed = self.writer.push(sample).map_err(write_error)?;
        if let Some(counters) = self.writer.counters_mut() {
            counters.dropped_encoder += picture.lost_in_encoder;
            counters.dropped_queue += picture.lost_in_queue;
        }
        match pushed {
            Pushed::Full => {
                // A group of pictures larger than all before it: the rest of it has no place.
                self.end_segment(Some(sample.dts))?;
                return Ok(Taken::Skipped);
            }
            Pushed::Committed => self.note_commit(),
            Pushed::Taken => {}
        }
        self.newest_boot_ns = picture.captured_boot_ns;
        // The picture is taken; if this fails it is tried again with the next one.
        if self.name_segment_when_due().is_err() {
            self.faults = self.faults.saturating_add(1);
        }
        Ok(Taken::Yes)
    }

    fn note_commit(&mut self) {
        self.durable_boot_ns = self.committed_boot_ns;
        self.committed_boot_ns = self.newest_boot_ns;
    }

    fn must_end_before(&self, sample: &Sample<'_>, tracks: &Arc<Vec<TrackConfig>>) -> bool {
        let Some(current) = self.current else {
            return false;
        };
        current.closed
            || (!Arc::ptr_eq(tracks, &self.tracks) && *tracks != self.tracks)
            || self.writer.elapsed(sample.dts) >= 2 * self.config.nominal_ticks
            || self.writer.elapsed(sample.dts) < 0
            || !self.writer.has_room_for_gop()
    }

    fn begin(
        &mut self,
        picture: &Picture<'_>,
        tracks: &Arc<Vec<TrackConfig>>,
    ) -> Result<(), RecordError> {
        let (slot, mut file) = self.take_slot()?;
        // A slot that held a whole segment before needs no metadata flush below its end.
        let written_len = match read_record(&mut file) {
            Ok((old, _)) if old.slot_len == self.config.slot_size => old.written_len,
            _ => 0,
        };
        let catalog = self.catalog.get_or_insert_default();
        let ring = catalog.ring(self.config.letter);
        let sequence = next_sequence(self.last_sequence, |digits| ring.find(digits).is_some());
        let start_utc_us = self.utc_at(picture.captured_boot_ns);
        let class = self.next_class;
        let record = Record {
            sequence,
            boot_id: self.boot.id,
            boot_number: self.boot.number,
            camera: self.config.letter,
            class: class.letter(),
            camera_name: self.config.camera_name.clone(),
            start_boot_ns: picture.captured_boot_ns,
            start_utc_us,
            slot_len: self.config.slot_size,
            head_len: self.config.head_len,
            init_len: 0,
            init_moov_len: 0,
            written_len,
            end: 0,
            duration_ns: 0,
            recovered: false,
            counters: Default::default(),
        };
        self.tracks = tracks.clone();
        self.writer
            .begin(file, record, tracks.to_vec(), &picture.sample)
            .map_err(write_error)?;
        self.last_sequence = Some(sequence);
        self.next_class = Class::Normal;
        self.current = Some(Current {
            slot,
            segment: SegmentName {
                time: self.name_time(picture.captured_boot_ns),
                camera: self.config.letter,
                class,
                sequence: digits_of(sequence),
            },
            sequence,
            named: false,
            closed: false,
        });
        Ok(())
    }

    fn utc_at(&self, boot_ns: u64) -> Option<i64> {
        Some((boot_ns / 1000) as i64 + self.utc_minus_boot_us?)
    }

    fn name_time(&self, boot_ns: u64) -> NameTime {
        match self.utc_at(boot_ns) {
            Some(us) => NameTime::Utc(us.div_euclid(1_000_000)),
            None => NameTime::Boot {
                number: (self.boot.number % u32::from(crate::name::BOOT_MODULUS)) as u16,
                seconds: (boot_ns / 1_000_000_000) as u32,
            },
        }
    }

    /// Looks at the card if that was not done yet, or not since it failed.
    fn look_at_card(&mut self) -> Result<(), RecordError> {
        if self.catalog.is_some() && self.last_sequence.is_some() {
            return Ok(());
        }
        let mut catalog = match self.catalog.take() {
            Some(catalog) => catalog,
            None => Catalog::read(&self.directory).map_err(doing("listing the card"))?,
        };
        let letter = self.config.letter;
        let newest = newest_record(&self.directory, catalog.ring(letter));
        if let Some(record) = &newest {
            catalog.set_newest(letter, digits_of(record.sequence));
        }
        let mut last = newest.map(|record| record.sequence).or_else(|| {
            // No record can be read: the digits in the name are better than nothing.
            catalog
                .ring(letter)
                .newest()
                .map(|segment| segment.name.sequence.into())
        });
        // A segment that was cut off before it got its name lies in a spare slot.
        for spare in catalog.ring(letter).spares().iter().take(SPARES_LOOKED_AT) {
            let Ok(file) = self.directory.open(&spare.slot().to_string()) else {
                continue;
            };
            if let Some(record) = unnamed_footage(&file) {
                last = last.max(Some(record.sequence));
                if !self.busy.contains(&spare.slot()) {
                    self.busy.push(spare.slot());
                }
            }
        }
        self.last_sequence = self.last_sequence.max(last).or(Some(0));
        self.catalog = Some(catalog);
        Ok(())
    }

    /// Gives up a slot's content for the next segment, and says which slot that is.
    fn take_slot(&mut self) -> Result<(SlotName, D::File), RecordError> {
        self.look_at_card()?;
        let letter = self.config.letter;
        let size = self.config.slot_size;
        let catalog = self.catalog.get_or_insert_default();
        let mut busy = self.busy.clone();
        busy.extend(&self.failed);
        let choice = next_slot(catalog.ring(letter), &self.config.shares, size, &busy);
        let too_few = catalog.ring(letter).len() < self.config.slots.min(3);
        let choice =
            choice.filter(|choice| !too_few || matches!(choice.slot, SlotName::Spare { .. }));
        let Some(choice) = choice else {
            let made = self.make_slot();
            if made.is_err() && !self.failed.is_empty() {
                // Better a slot that failed once than none.
                self.failed.clear();
            }
            return made;
        };
        let spare = match choice.slot {
            SlotName::Spare { .. } => choice.slot,
            SlotName::Segment(_) => {
                let number = catalog.ring(letter).free_spare_number();
                let spare = SlotName::Spare {
                    camera: letter,
                    sequence: number,
                };
                self.directory
                    .rename(&choice.slot.to_string(), &spare.to_string())
                    .and_then(|()| self.directory.sync())
                    .map_err(doing("giving the oldest segment's slot to the next one"))
                    .inspect_err(|_| self.catalog = None)?;
                if let Some(catalog) = &mut self.catalog {
                    catalog.renamed(choice.slot, spare);
                }
                spare
            }
        };
        if choice.replace {
            self.directory
                .remove(&spare.to_string())
                .map_err(doing("removing a slot of the wrong size"))
                .inspect_err(|_| self.catalog = None)?;
            if let Some(catalog) = &mut self.catalog {
                catalog.removed(spare);
            }
            return self.make_slot();
        }
        let file = self
            .directory
            .open(&spare.to_string())
            .map_err(doing("opening a slot"))
            .inspect_err(|_| self.catalog = None)?;
        Ok((spare, file))
    }

    fn make_slot(&mut self) -> Result<(SlotName, D::File), RecordError> {
        let catalog = self.catalog.get_or_insert_default();
        let letter = self.config.letter;
        let number = catalog.ring(letter).free_spare_number();
        let spare = SlotName::Spare {
            camera: letter,
            sequence: number,
        };
        let file = self
            .directory
            .create(&spare.to_string(), self.config.slot_size)
            .and_then(|file| self.directory.sync().map(|()| file))
            .map_err(RecordError::NoSlot)
            .inspect_err(|_| self.catalog = None)?;
        if let Some(catalog) = &mut self.catalog {
            catalog.added(spare, self.config.slot_size);
        }
        Ok((spare, file))
    }

    /// Gives the file its segment's name once its first fragment is durable.
    fn name_segment_when_due(&mut self) -> Result<(), RecordError> {
        match self.current {
            Some(current) if !current.named && (current.closed || self.writer.fragments() > 0) => {
                if !current.closed {
                    self.writer.flush().map_err(write_error)?;
                    self.durable_boot_ns = self.committed_boot_ns;
                }
                self.name_segment(current)
            }
            _ => Ok(()),
        }
    }

    fn name_segment(&mut self, current: Current) -> Result<(), RecordError> {
        self.rename(current.slot, SlotName::Segment(current.segment))?;
        if let Some(now) = &mut self.current {
            now.named = true;
        }
        if current.closed {
            self.current = None;
        }
        Ok(())
    }

    fn rename(&mut self, from: SlotName, to: SlotName) -> Result<(), RecordError> {
        self.directory
            .rename(&from.to_string(), &to.to_string())
            .and_then(|()| self.directory.sync())
            .map_err(doing("naming a segment"))?;
        if let Some(catalog) = &mut self.catalog {
            catalog.renamed(from, to);
        }
        Ok(())
    }

    fn end_segment(&mut self, next_dts: Option<i64>) -> Result<(), RecordError> {
        let Some(current) = self.current else {
            return Ok(());
        };
        if !current.closed {
            let finished = self.writer.finish(next_dts).map_err(write_error)?;
            if finished.is_none() {
                // Not one picture: the slot is spare as before.
                self.current = None;
                return Ok(());
            }
            self.committed_boot_ns = self.newest_boot_ns;
            self.durable_boot_ns = self.newest_boot_ns;
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

    /// Says what time it is: UTC minus the boot clock, in microseconds. The segment being recorded
    /// gets its true time; those before are the housekeeper's.
    pub fn set_utc(&mut self, utc_minus_boot_us: i64) -> Result<(), RecordError> {
        self.utc_minus_boot_us = Some(utc_minus_boot_us);
        let Some(record) = self
            .writer
            .record()
            .filter(|record| record.start_utc_us.is_none())
        else {
            return Ok(());
        };
        let start_boot_ns = record.start_boot_ns;
        let utc = self.utc_at(start_boot_ns);
        self.writer
            .update_record(|record| record.start_utc_us = utc)
            .map_err(write_error)?;
        let time = self.name_time(start_boot_ns);
        self.rename_current(|name| SegmentName { time, ..name })
    }

    /// Locks the segment being recorded and the one to come; the one before is in the directory
    /// under its own name and is renamed too.
    pub fn lock(&mut self, class: Class) -> Result<(), RecordError> {
        self.next_class = self.next_class.stronger(class);
        let Some(current) = self.current.filter(|current| !current.closed) else {
            return Ok(());
        };
        let class = current.segment.class.stronger(class);
        self.writer
            .update_record(|record| record.class = class.letter())
            .map_err(write_error)?;
        self.rename_current(|name| SegmentName { class, ..name })?;
        let before = digits_of(current.sequence.wrapping_sub(1));
        let ring = self
            .catalog
            .get_or_insert_default()
            .ring(self.config.letter);
        match ring.find(before).map(|segment| segment.name) {
            Some(name) if name.class != name.class.stronger(class) => {
                let to = SegmentName {
                    class: name.class.stronger(class),
                    ..name
                };
                self.rename(SlotName::Segment(name), SlotName::Segment(to))
            }
            _ => Ok(()),
        }
    }

    fn rename_current(
        &mut self,
        change: impl FnOnce(SegmentName) -> SegmentName,
    ) -> Result<(), RecordError> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let from = current.segment;
        let to = change(from);
        if to == from {
            return Ok(());
        }
        if current.named {
            self.rename(SlotName::Segment(from), SlotName::Segment(to))?;
        }
        if let Some(current) = &mut self.current {
            current.segment = to;
        }
        Ok(())
    }

    /// Lets somebody else work on a slot; `false` if it is being recorded into.
    pub fn lend(&mut self, slot: SlotName) -> bool {
        let recording = self.current.is_some_and(|current| {
            slot == current.slot || slot == SlotName::Segment(current.segment)
        });
        if !recording && !self.busy.contains(&slot) {
            self.busy.push(slot);
        }
        !recording
    }

    /// Takes a lent slot back, under the name it has now.
    pub fn give_back(&mut self, slot: SlotName, now: SlotName) {
        self.busy.retain(|busy| *busy != slot);
        if let Some(catalog) = &mut self.catalog {
            catalog.renamed(slot, now);
        }
    }

    /// A slot was made while recording.
    pub fn slot_made(&mut self, slot: SlotName, size: u64) {
        if let Some(catalog) = &mut self.catalog {
            catalog.added(slot, size);
        }
    }

    /// What is known of the card; nothing before the first picture and after a fault.
    pub fn catalog(&self) -> Option<&Catalog> {
        self.catalog.as_ref()
    }

    /// The name of the segment being recorded, once its file bears it.
    pub fn segment(&self) -> Option<SegmentName> {
        self.current
            .filter(|current| current.named)
            .map(|current| current.segment)
    }

    /// Refusals of the card since the start.
    pub fn faults(&self) -> u32 {
        self.faults
    }

    /// Capture time of the newest picture that would survive a power cut now; 0 before the first.
    pub fn durable_boot_ns(&self) -> u64 {
        self.durable_boot_ns
    }
}

fn write_error(error: WriteError) -> RecordError {
    match error {
        WriteError::Io(source) => RecordError::Io {
            doing: "writing a segment",
            source,
        },
        other => RecordError::Write(other),
    }
}

/// The record of a segment that was cut off after its first fragment and before it got its name.
pub(crate) fn unnamed_footage(file: &impl SlotFile) -> Option<Record> {
    let (record, state) = read_record(file).ok()?;
    if state == SegmentState::Finished {
        return None;
    }
    let (_, fragments) = shown_end(file, &record, None).ok()?;
    (fragments > 0).then_some(record)
}
