//! One fragment: `moof` and `mdat`, a whole number of pages, with a checksum of its own.
//!
//! ```text
//! 0    moof
//! 8      mfhd  (16 bytes)
//! 24     uuid  picam's fragment record, and filler so that the mdat's header ends at `room`
//!        traf  one a track with samples: tfhd, tfdt, one trun
//! room-8 mdat  samples of the video, then of the other tracks; zeros to the end of the page
//! ```

use mp4_atom::{BufMut, Encode, FourCC, Mfhd, Tfdt, Tfhd, Traf, Trun, TrunEntry, TrunSamples};

use picam_time::{BootNs, UtcUs};

use crate::layout::PAGE;
use crate::page_buf::PageBuf;
use crate::record::{Counters, PICAM_UUID};
use crate::tables::TableSample;
use crate::track::{Sample, VIDEO_TRACK};
use crate::wire::{Fields, Fill};

/// `sample_flags`: depends on no other sample (ISO/IEC 14496-12 8.8.3.1).
const FLAGS_KEY: u32 = 0x0200_0000;
/// `sample_flags`: depends on others and is no sync sample.
const FLAGS_DELTA: u32 = 0x0101_0000;

/// Offset of the `uuid` box.
const UUID_BOX: usize = 24;
/// Offset of the record: behind the box header and the 16-byte type.
const FRAGMENT_RECORD: usize = UUID_BOX + 24;
/// Records of version 1 end with `io_faults`. They are read, and recovered, for ever.
const FRAGMENT_MAGIC_V1: [u8; 4] = *b"pFRG";
const FRAGMENT_MAGIC: [u8; 4] = *b"pFR2";
/// Length of the record without filler.
pub(crate) const FRAGMENT_RECORD_LEN: usize = 112;
/// Offset of the CRC in the fragment.
const CRC: usize = FRAGMENT_RECORD + 4;
/// `traf` header, `tfhd`, `tfdt` version 1, `trun` with its counts.
const TRAF_LEN: usize = 8 + 16 + 20 + 20;
/// Duration, size, flags and composition offset.
const TRUN_ENTRY_LEN: usize = 16;

/// What each fragment says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentRecord {
    /// CRC-32 (ISO 3309) of the whole fragment with this field zero.
    pub crc: u32,
    /// Length in bytes, a multiple of [`PAGE`].
    pub len: u32,
    /// Number in the segment, from 0.
    pub index: u32,
    /// The segment's sequence number: what stale content of a recycled slot is told apart by.
    pub sequence: u64,
    /// Start of the boot id, for the same reason after a card was reset.
    pub boot_tag: u32,
    /// Counters of the segment up to and including this fragment.
    pub counters: Counters,
    /// What version 2 added; `None` in a fragment of version 1.
    pub origin: Option<Origin>,
}

/// Where a fragment comes from, so that it can be told without its segment's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Camera letter as in the file name (`F`).
    pub camera: u8,
    /// Class letter when it was recorded.
    pub class: u8,
    /// How many boots the card had seen.
    pub boot_number: u32,
    /// Capture time of its first picture on the boot clock, nanoseconds since boot.
    pub captured: BootNs,
    /// The same in UTC, microseconds since 1970; `None` if nobody knew it yet.
    pub captured_utc: Option<UtcUs>,
    /// CRC-32 of the init `moov` that its samples need.
    pub init_crc: u32,
    /// Length of the head region: where the init stands in its slot.
    pub head_len: u32,
    /// Pictures that the camera had delivered since this boot before its first, lost ones included.
    pub pictures_before: u64,
}

/// No UTC known: no picture was taken at the start of 1970.
const UTC_UNKNOWN: UtcUs = UtcUs(0);

impl Origin {
    fn parse(r: &mut Fields<'_>) -> Self {
        let [camera, class, _, _] = r.array();
        Self {
            camera,
            class,
            boot_number: r.u32(),
            captured: BootNs(r.u64()),
            captured_utc: Some(UtcUs(i64::from_be_bytes(r.array())))
                .filter(|&utc| utc != UTC_UNKNOWN),
            init_crc: r.u32(),
            head_len: r.u32(),
            pictures_before: r.u64(),
        }
    }

    fn store(&self, w: &mut Fill<'_>) {
        w.put(&[self.camera, self.class, 0, 0]);
        w.put(&self.boot_number.to_be_bytes());
        w.put(&self.captured.0.to_be_bytes());
        w.put(&self.captured_utc.unwrap_or(UTC_UNKNOWN).0.to_be_bytes());
        w.put(&self.init_crc.to_be_bytes());
        w.put(&self.head_len.to_be_bytes());
        w.put(&self.pictures_before.to_be_bytes());
    }
}

impl FragmentRecord {
    /// Reads the record of the fragment that starts with `front`, unchecked.
    pub fn parse(front: &[u8]) -> Option<Self> {
        let uuid = front.get(UUID_BOX + 4..FRAGMENT_RECORD)?;
        let (kind, uuid) = uuid.split_first_chunk::<4>()?;
        let mut r = Fields(front.get(FRAGMENT_RECORD..FRAGMENT_RECORD + FRAGMENT_RECORD_LEN)?);
        let magic = r.array();
        let known = [FRAGMENT_MAGIC, FRAGMENT_MAGIC_V1].contains(&magic);
        if kind != b"uuid" || uuid != PICAM_UUID || !known {
            return None;
        }
        let mut record = Self {
            crc: r.u32(),
            len: r.u32(),
            index: r.u32(),
            sequence: r.u64(),
            boot_tag: r.u32(),
            counters: Counters::parse_v1(&mut r),
            origin: None,
        };
        if magic == FRAGMENT_MAGIC {
            record.counters.parse_v2(&mut r);
            record.origin = Some(Origin::parse(&mut r));
        }
        let whole_pages = record.len as usize >= PAGE && (record.len as usize).is_multiple_of(PAGE);
        (front.get(4..8)? == b"moof" && whole_pages).then_some(record)
    }

    /// Whether the fragment that starts with `front` has a record of picam, whatever else is damaged.
    pub(crate) fn is_named(front: &[u8]) -> bool {
        front.get(UUID_BOX + 8..FRAGMENT_RECORD) == Some(&PICAM_UUID)
    }

    /// Puts the record where it belongs in the fragment that starts with `front`.
    pub(crate) fn put_into(&self, front: &mut [u8]) {
        self.store(front.get_mut(FRAGMENT_RECORD..).unwrap_or_default());
    }

    fn store(&self, to: &mut [u8]) {
        let mut w = Fill::new(to);
        w.put(match self.origin {
            Some(_) => &FRAGMENT_MAGIC,
            None => &FRAGMENT_MAGIC_V1,
        });
        w.put(&self.crc.to_be_bytes());
        w.put(&self.len.to_be_bytes());
        w.put(&self.index.to_be_bytes());
        w.put(&self.sequence.to_be_bytes());
        w.put(&self.boot_tag.to_be_bytes());
        self.counters.store_v1(&mut w);
        if let Some(origin) = &self.origin {
            self.counters.store_v2(&mut w);
            origin.store(&mut w);
        }
    }
}

/// Checks a fragment's CRC while it is read in pieces.
pub(crate) struct FragmentCrc {
    hasher: crc32fast::Hasher,
    begun: bool,
}

impl FragmentCrc {
    pub(crate) fn new() -> Self {
        Self {
            hasher: crc32fast::Hasher::new(),
            begun: false,
        }
    }

    /// Adds the next piece. The first holds the CRC field, which counts as zero.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        let begun = std::mem::replace(&mut self.begun, true);
        match piece.split_at_checked(CRC).filter(|_| !begun) {
            Some((front, rest)) => {
                self.hasher.update(front);
                self.hasher.update(&[0; 4]);
                self.hasher.update(rest.get(4..).unwrap_or_default());
            }
            None => self.hasher.update(piece),
        }
    }

    pub(crate) fn finish(self) -> u32 {
        self.hasher.finalize()
    }
}

/// The samples of one track in the fragment that is being filled.
struct Part {
    traf: Traf,
    /// Samples of any track but the video, whose go straight to the fragment.
    data: Vec<u8>,
    last_dts: i64,
}

/// A `traf` without samples, with one `trun`.
pub(crate) fn traf(track_id: u32) -> Traf {
    Traf {
        tfhd: Tfhd {
            track_id,
            default_base_is_moof: true,
            ..Default::default()
        },
        tfdt: Some(Tfdt::default()),
        trun: vec![Trun {
            data_offset: Some(0),
            samples: Vec::new().into(),
        }],
        ..Default::default()
    }
}

/// A sample's entry in a `trun`.
pub(crate) fn trun_entry(sample: &Sample<'_>) -> TrunEntry {
    TrunEntry {
        duration: Some(sample.duration),
        size: Some(sample.data.len() as u32),
        flags: Some(if sample.key { FLAGS_KEY } else { FLAGS_DELTA }),
        cts: (sample.composition_offset != 0).then_some(sample.composition_offset.into()),
    }
}

impl Part {
    fn new(track_id: u32) -> Self {
        Self {
            traf: traf(track_id),
            data: Vec::new(),
            last_dts: 0,
        }
    }

    fn entries(&self) -> &[TrunEntry] {
        match self.traf.trun.first().map(|trun| &trun.samples) {
            Some(TrunSamples::Explicit(entries)) => entries,
            _ => &[],
        }
    }

    fn entries_mut(&mut self) -> Option<&mut Vec<TrunEntry>> {
        match self.traf.trun.first_mut().map(|trun| &mut trun.samples) {
            Some(TrunSamples::Explicit(entries)) => Some(entries),
            _ => None,
        }
    }

    fn set_last_duration(&mut self, duration: u32) {
        if let Some(last) = self.entries_mut().and_then(|entries| entries.last_mut()) {
            last.duration = Some(duration);
        }
    }

    fn push(&mut self, sample: &Sample<'_>) {
        if self.entries().is_empty() {
            self.traf.tfdt = Some(Tfdt {
                base_media_decode_time: sample.dts.max(0) as u64,
            });
        } else {
            let lasted = sample.dts.saturating_sub(self.last_dts).max(0);
            self.set_last_duration(u32::try_from(lasted).unwrap_or(u32::MAX));
        }
        self.last_dts = sample.dts;
        if let Some(entries) = self.entries_mut() {
            entries.push(trun_entry(sample));
        }
    }

    fn clear(&mut self) {
        self.data.clear();
        if let Some(entries) = self.entries_mut() {
            entries.clear();
        }
    }
}

/// A fragment being filled. Its memory is used again for the next one.
pub(crate) struct FragmentBuilder {
    bytes: PageBuf,
    moof: Vec<u8>,
    parts: Vec<Part>,
    hasher: crc32fast::Hasher,
    /// Where the pictures begin: the `mdat` payload.
    room: usize,
    side_len: usize,
    closed: bool,
    /// Capture time of the first sample of any track.
    since: Option<BootNs>,
    /// Capture time of the first picture.
    captured: Option<BootNs>,
    last_captured: BootNs,
}

/// Where a closed fragment's samples lie, for the sample tables.
pub(crate) struct ChunkOf<'a> {
    pub(crate) track: usize,
    /// Offset in the fragment.
    pub(crate) offset: u64,
    pub(crate) base_dts: u64,
    entries: &'a [TrunEntry],
}

impl ChunkOf<'_> {
    pub(crate) fn samples(&self) -> impl Iterator<Item = TableSample> + '_ {
        self.entries.iter().copied().map(TableSample::from)
    }
}

impl FragmentBuilder {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            bytes: PageBuf::with_capacity(capacity),
            moof: Vec::new(),
            parts: Vec::new(),
            hasher: crc32fast::Hasher::new(),
            room: 0,
            side_len: 0,
            closed: false,
            since: None,
            captured: None,
            last_captured: BootNs::ZERO,
        }
    }

    /// Prepares for a segment of so many tracks.
    pub(crate) fn begin_segment(&mut self, tracks: usize) {
        self.parts.truncate(tracks);
        for part in &mut self.parts {
            part.clear();
        }
        while self.parts.len() < tracks {
            self.parts.push(Part::new(self.parts.len() as u32 + 1));
        }
        self.room = if tracks == 1 { 1024 } else { 2048 };
        self.clear();
    }

    /// Empties the fragment for the next one.
    pub(crate) fn clear(&mut self) {
        for part in &mut self.parts {
            part.clear();
        }
        self.bytes.clear();
        self.bytes.resize(self.room);
        self.hasher.reset();
        self.side_len = 0;
        self.closed = false;
        self.since = None;
        self.captured = None;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.entries().is_empty())
    }

    /// Whether it takes no more samples: it was to be committed, and that failed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn samples(&self, track: usize) -> usize {
        self.parts.get(track).map_or(0, |part| part.entries().len())
    }

    /// Capture time of the first sample of any track; `None` while there is none.
    pub(crate) fn since(&self) -> Option<BootNs> {
        self.since
    }

    /// Capture time of the first picture; `None` while there is none.
    pub(crate) fn captured(&self) -> Option<BootNs> {
        self.captured
    }

    /// Capture time of the last picture; zero while there is none.
    pub(crate) fn last_captured(&self) -> BootNs {
        self.last_captured
    }

    /// Bytes the fragment will take on the card at the most, were `more` bytes added.
    pub(crate) fn len_with(&self, more: usize) -> u64 {
        crate::layout::page_up((self.bytes.len() + self.side_len + more) as u64)
    }

    /// Whether the `moof` has room for one more sample.
    pub(crate) fn has_room(&self) -> bool {
        let samples: usize = self.parts.iter().map(|part| part.entries().len()).sum();
        let fixed = FRAGMENT_RECORD + FRAGMENT_RECORD_LEN + 8 + self.parts.len() * TRAF_LEN;
        fixed + (samples + 1) * TRUN_ENTRY_LEN <= self.room
    }

    /// Adds a sample; its `dts` counts from the segment's start.
    pub(crate) fn push(&mut self, sample: &Sample<'_>) {
        let Some(part) = self.parts.get_mut(sample.track) else {
            return;
        };
        part.push(sample);
        self.since.get_or_insert(sample.captured);
        if sample.is_picture() {
            self.captured.get_or_insert(sample.captured);
            self.last_captured = sample.captured;
            self.hasher.update(sample.data);
            self.bytes.extend(sample.data);
        } else {
            part.data.extend_from_slice(sample.data);
            self.side_len += sample.data.len();
        }
    }

    /// Ends the fragment: `next_dts` is when the video goes on, if it does.
    /// Doing it twice changes nothing, so that a failed commit can be tried again.
    pub(crate) fn close(
        &mut self,
        next_dts: Option<i64>,
        mut record: FragmentRecord,
    ) -> Result<(), mp4_atom::Error> {
        if self.closed {
            return Ok(());
        }
        if let (Some(part), Some(next)) = (self.parts.get_mut(VIDEO_TRACK), next_dts) {
            // A source that began anew counts from zero again: then the usual duration stands.
            if let (true, Ok(lasted)) = (next > part.last_dts, u32::try_from(next - part.last_dts))
            {
                part.set_last_duration(lasted);
            }
        }
        let mut offset = self.bytes.len();
        for (n, part) in self.parts.iter_mut().enumerate() {
            let start = if n == VIDEO_TRACK { self.room } else { offset };
            if let Some(trun) = part.traf.trun.first_mut() {
                trun.data_offset = Some(start as i32);
            }
            if n != VIDEO_TRACK {
                self.hasher.update(&part.data);
                self.bytes.extend(&part.data);
                offset = self.bytes.len();
            }
        }
        let unpadded = self.bytes.len();
        self.bytes.pad_to_page();
        self.hasher
            .update(self.bytes.as_slice().get(unpadded..).unwrap_or_default());
        record.len = self.bytes.len() as u32;
        record.crc = 0;
        self.encode_moof(&record)?;
        self.seal(record);
        self.closed = true;
        Ok(())
    }

    fn encode_moof(&mut self, record: &FragmentRecord) -> Result<(), mp4_atom::Error> {
        let trafs: usize = self
            .parts
            .iter()
            .filter(|part| !part.entries().is_empty())
            .map(|part| {
                let reordered = part.entries().iter().any(|entry| entry.cts.is_some());
                TRAF_LEN + part.entries().len() * if reordered { 16 } else { 12 }
            })
            .sum();
        let uuid_len = self
            .room
            .checked_sub(8 + UUID_BOX + trafs)
            .filter(|&len| len >= 24 + FRAGMENT_RECORD_LEN)
            .ok_or(mp4_atom::Error::TooLarge(FourCC::new(b"moof")))?;
        self.moof.clear();
        let parts = &self.parts;
        self.moof.encode_atom(FourCC::new(b"moof"), |buf| {
            Mfhd {
                sequence_number: record.index + 1,
            }
            .encode(buf)?;
            (uuid_len as u32).encode(buf)?;
            FourCC::new(b"uuid").encode(buf)?;
            PICAM_UUID.encode(buf)?;
            let start = buf.len();
            buf.resize(start + uuid_len - 24, 0);
            if let Some(to) = buf.get_mut(start..) {
                record.store(to);
            }
            for part in parts.iter().filter(|part| !part.entries().is_empty()) {
                part.traf.encode(buf)?;
            }
            Ok(())
        })?;
        let mdat_len = (self.bytes.len() - self.room + 8) as u32;
        mdat_len.encode(&mut self.moof)?;
        FourCC::new(b"mdat").encode(&mut self.moof)?;
        if self.moof.len() == self.room {
            Ok(())
        } else {
            Err(mp4_atom::Error::InvalidSize)
        }
    }

    /// Puts the `moof` in front and the CRC into it.
    fn seal(&mut self, mut record: FragmentRecord) {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.moof);
        crc.combine(&self.hasher);
        record.crc = crc.finalize();
        if let Some(to) = self.moof.get_mut(FRAGMENT_RECORD..) {
            record.store(to.get_mut(..FRAGMENT_RECORD_LEN).unwrap_or_default());
        }
        let room = self.room;
        if let Some(to) = self.bytes.as_mut_slice().get_mut(..room) {
            to.copy_from_slice(&self.moof);
        }
    }

    /// The whole closed fragment.
    pub(crate) fn bytes(&self) -> &PageBuf {
        &self.bytes
    }

    /// The same, to append the header of what follows for one write of both.
    pub(crate) fn bytes_mut(&mut self) -> &mut PageBuf {
        &mut self.bytes
    }

    /// What the closed fragment holds of each track.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = ChunkOf<'_>> {
        self.parts
            .iter()
            .enumerate()
            .filter(|(_, part)| !part.entries().is_empty())
            .map(|(track, part)| ChunkOf {
                track,
                offset: part
                    .traf
                    .trun
                    .first()
                    .and_then(|trun| trun.data_offset)
                    .map_or(0, |offset| offset as u64),
                base_dts: part
                    .traf
                    .tfdt
                    .as_ref()
                    .map_or(0, |tfdt| tfdt.base_media_decode_time),
                entries: part.entries(),
            })
    }
}
