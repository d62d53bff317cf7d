//! Finishes segments that a power cut left as they were being recorded.

use std::io;

use mp4_atom::{Decode, Moof};

use crate::boxes;
use crate::camm::Places;
use crate::fragment::{FragmentCrc, FragmentRecord};
use crate::layout::{PAGE, SECTOR};
use crate::page_buf::PageBuf;
use crate::read::{Movie, ReadError};
use crate::record::{Record, RecordError, SegmentState};
use crate::storage::{Flush, ReadAt, SlotFile};
use crate::tables::{TableSample, Tables};
use crate::track::{TrackConfig, TrackKind};
use crate::writer::{self, WriteError};

/// What was found in a slot, and what it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// It was finished already; nothing was touched.
    Finished(Record),
    /// It was cut off, and is finished now.
    Recovered(Record),
    /// It was cut off before its first fragment: there is no footage in it.
    Empty(Record),
}

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
}

/// Reads and parses the header record.
pub fn read_record(file: &impl ReadAt) -> Result<(Record, SegmentState), RecoverError> {
    let mut sector = [0; SECTOR];
    match file.read_exact_at(0, &mut sector) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(RecordError::Foreign.into())
        }
        Err(error) => Err(error.into()),
        Ok(()) => Ok(Record::parse(&sector)?),
    }
}

/// One intact fragment, as [`Walk`] finds it.
struct Intact<'a> {
    at: u64,
    record: FragmentRecord,
    bytes: &'a [u8],
}

/// Walks a segment's fragments for as long as they are intact.
struct Walk<'a, F> {
    file: &'a F,
    segment: &'a Record,
    limit: u64,
    at: u64,
    index: u32,
    bytes: Vec<u8>,
    /// Whether the walk ended at a fragment of this segment whose CRC does not hold.
    damaged: bool,
}

impl<'a, F: ReadAt> Walk<'a, F> {
    fn new(file: &'a F, segment: &'a Record) -> io::Result<Self> {
        Ok(Self {
            file,
            segment,
            limit: file.size()?.min(segment.slot_len),
            at: first_fragment(segment),
            index: 0,
            bytes: Vec::new(),
            damaged: false,
        })
    }

    fn next(&mut self) -> io::Result<Option<Intact<'_>>> {
        let Some(record) = fragment_at(self.file, self.segment, self.at, self.index, self.limit)?
        else {
            return Ok(None);
        };
        self.bytes.resize(record.len as usize, 0);
        self.file.read_exact_at(self.at, &mut self.bytes)?;
        let mut crc = FragmentCrc::new();
        crc.update(&self.bytes);
        if crc.finish() != record.crc {
            self.damaged = true;
            return Ok(None);
        }
        let at = self.at;
        self.at += u64::from(record.len);
        self.index += 1;
        Ok(Some(Intact {
            at,
            record,
            bytes: &self.bytes,
        }))
    }
}

fn first_fragment(record: &Record) -> u64 {
    u64::from(record.head_len) + u64::from(record.init_len)
}

/// The fragment number `index` of the segment at `at`, if its record says so; its CRC is not
/// looked at.
fn fragment_at(
    file: &impl ReadAt,
    segment: &Record,
    at: u64,
    index: u32,
    limit: u64,
) -> io::Result<Option<FragmentRecord>> {
    let mut front = [0; SECTOR];
    if at + SECTOR as u64 > limit {
        return Ok(None);
    }
    file.read_exact_at(at, &mut front)?;
    Ok(FragmentRecord::parse(&front).filter(|record| {
        record.sequence == segment.sequence
            && record.boot_tag == writer::boot_tag(&segment.boot_id)
            && record.index == index
            && at + u64::from(record.len) <= limit
    }))
}

/// Where the last fragment ends that a player of the file would be shown now: what can be served
/// of a segment while it is recorded. `known` is an earlier answer (end, number of fragments) to
/// go on from.
pub fn shown_end(
    file: &impl ReadAt,
    segment: &Record,
    known: Option<(u64, u32)>,
) -> io::Result<(u64, u32)> {
    let limit = file.size()?.min(segment.slot_len);
    let (mut at, mut index) = known.unwrap_or((first_fragment(segment), 0));
    while let Some(record) = fragment_at(file, segment, at, index, limit)? {
        at += u64::from(record.len);
        index += 1;
    }
    Ok((at, index))
}

/// Finishes the segment in `file` if it was cut off: keeps the fragments up to the first that is
/// not intact. Interrupted at any point, it can be done again.
pub fn recover<F: SlotFile>(file: &mut F) -> Result<Recovery, RecoverError> {
    let (mut record, state) = read_record(file)?;
    if state == SegmentState::Finished {
        return Ok(Recovery::Finished(record));
    }
    check_layout(&record, file.size()?)?;
    let tracks = init_tracks(file, &record)?;
    let mut tables: Vec<Tables> = tracks.iter().map(|_| Tables::new()).collect();
    let mut places = Places::default();

    let mut walk = Walk::new(file, &record)?;
    let mut counters = record.counters;
    let mut end = walk.at;
    while let Some(fragment) = walk.next()? {
        if !add_to_tables(&fragment, &tracks, &mut tables, &mut places) {
            break;
        }
        counters = fragment.record.counters;
        end = fragment.at + fragment.bytes.len() as u64;
    }
    let damaged = walk.damaged;
    counters.crc_failures += u32::from(damaged);
    counters.frames = tables.first().map_or(0, |video| video.samples() as u32);
    record.counters = counters;
    if counters.frames == 0 {
        return Ok(Recovery::Empty(record));
    }
    record.end = end;
    record.recovered = true;
    hide_rest(file, &record)?;
    let mut scratch = (Vec::new(), PageBuf::with_capacity(PAGE));
    writer::finalise(
        file,
        &mut record,
        &tracks,
        &tables,
        &places,
        (&mut scratch.0, &mut scratch.1),
    )?;
    Ok(Recovery::Recovered(record))
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
    if record.slot_len > size {
        return Err(RecoverError::Layout("the file is shorter than its slot"));
    }
    Ok(())
}

/// The tracks as the init states them.
fn init_tracks(file: &impl ReadAt, record: &Record) -> Result<Vec<TrackConfig>, RecoverError> {
    let mut init = vec![0; record.init_moov_len as usize];
    file.read_exact_at(record.head_len.into(), &mut init)?;
    let movie = Movie::read(&init)?;
    movie
        .tracks
        .into_iter()
        .map(|track| {
            let kind = TrackKind::from_handler(track.handler.0)
                .ok_or(RecoverError::Layout("it has a track of an unknown kind"))?;
            Ok(TrackConfig {
                kind,
                timescale: track.timescale,
                stsd: track.stsd,
                width: track.width,
                height: track.height,
            })
        })
        .collect()
}

/// Adds an intact fragment's samples; `false` if its `moof` cannot be read after all.
fn add_to_tables(
    fragment: &Intact<'_>,
    tracks: &[TrackConfig],
    tables: &mut [Tables],
    places: &mut Places,
) -> bool {
    let Ok(moof) = Moof::decode(&mut &*fragment.bytes) else {
        return false;
    };
    if !is_sound(&moof, tracks.len(), fragment.bytes.len()) {
        return false;
    }
    for traf in &moof.traf {
        let index = (traf.tfhd.track_id as usize).wrapping_sub(1);
        let (Some(track), Some(tables)) = (tracks.get(index), tables.get_mut(index)) else {
            return false;
        };
        let Some(trun) = traf.trun.first() else {
            continue;
        };
        let offset = trun.data_offset.map_or(0, |offset| offset.max(0) as u64);
        if track.kind == TrackKind::Camm {
            let mut at = offset as usize;
            for entry in &trun.samples {
                let end = at + entry.size.unwrap_or(0) as usize;
                places.note(fragment.bytes.get(at..end).unwrap_or_default());
                at = end;
            }
        }
        let samples = trun.samples.iter().map(TableSample::from);
        let base = traf
            .tfdt
            .as_ref()
            .map_or(0, |tfdt| tfdt.base_media_decode_time);
        tables.add_chunk(fragment.at + offset, base, samples);
    }
    true
}

/// Whether every run of samples belongs to a track and lies in the fragment: a checksum holds for
/// nonsense, too, if somebody made it so.
fn is_sound(moof: &Moof, tracks: usize, fragment_len: usize) -> bool {
    moof.traf.iter().all(|traf| {
        let index = (traf.tfhd.track_id as usize).wrapping_sub(1);
        let end = traf.trun.first().map_or(0, |trun| {
            let offset = trun.data_offset.map_or(0, |offset| offset.max(0) as u64);
            let sizes = trun.samples.iter().map(|entry| entry.size.unwrap_or(0));
            offset + sizes.map(u64::from).sum::<u64>()
        });
        index < tracks && end <= fragment_len as u64
    })
}

/// Makes sure that a `free` follows the last intact fragment, and not one that is damaged.
fn hide_rest<F: SlotFile>(file: &mut F, record: &Record) -> Result<(), RecoverError> {
    let mut header = Vec::with_capacity(16);
    boxes::header(b"free", record.slot_len - record.end, &mut header);
    let mut page = PageBuf::with_capacity(PAGE);
    page.resize(PAGE);
    file.read_exact_at(record.end, page.as_mut_slice())?;
    if page.as_slice().starts_with(&header) {
        return Ok(());
    }
    page.clear();
    page.extend(&header);
    page.resize(PAGE);
    file.write_at(record.end, page.as_slice())?;
    file.flush(Flush::Data)?;
    Ok(())
}

/// What a check of one segment found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The header record.
    pub record: Record,
    /// Whether it is finished.
    pub state: SegmentState,
    /// Intact fragments.
    pub fragments: u32,
    /// End of the last intact fragment.
    pub end: u64,
    /// What is wrong, in plain words; empty if nothing is.
    pub faults: Vec<String>,
}

/// Reads a whole segment and compares it with what it says about itself. Changes nothing.
pub fn check(file: &impl ReadAt) -> Result<Checked, RecoverError> {
    let (record, state) = read_record(file)?;
    check_layout(&record, file.size()?.max(record.slot_len))?;
    let mut faults = Vec::new();
    let mut walk = Walk::new(file, &record)?;
    let mut frames = 0;
    while let Some(fragment) = walk.next()? {
        frames = fragment.record.counters.frames;
    }
    let (end, fragments) = (walk.at, walk.index);
    if walk.damaged {
        faults.push(format!(
            "fragment {fragments} at byte {end} is damaged (CRC mismatch)"
        ));
    }
    if state == SegmentState::Finished {
        if end != record.end {
            faults.push(format!(
                "fragments end at byte {end}, the header says {}",
                record.end
            ));
        }
        let index = Movie::read(file)?;
        let samples = index.tracks.first().map_or(0, |track| track.samples.len());
        if samples != record.counters.frames as usize {
            faults.push(format!(
                "the index holds {samples} pictures, the header says {}",
                record.counters.frames
            ));
        }
        if !record.recovered && frames != record.counters.frames {
            faults.push(format!(
                "the fragments hold {frames} pictures, the header says {}",
                record.counters.frames
            ));
        }
    }
    Ok(Checked {
        record,
        state,
        fragments,
        end,
        faults,
    })
}
