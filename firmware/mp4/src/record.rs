//! The header record: what a segment says about itself, in its first sector.
//!
//! It stands at byte 184 of every slot, in recording and finished files alike, as the payload of a
//! `uuid` box. All numbers are big-endian, as everywhere in MP4.

use std::time::Duration;

use picam_time::{BootNs, UtcUs};

use crate::layout::{HEAD_BOX, RECORD, RECORD_BOX, SECTOR};
use crate::wire::{Fields, Fill};

/// The type of picam's `uuid` boxes (random, version 4).
pub const PICAM_UUID: [u8; 16] = [
    0x70, 0x69, 0x63, 0x61, 0x6d, 0x2d, 0x4d, 0x31, 0x9e, 0x5b, 0x3c, 0x1d, 0x8a, 0x47, 0x20, 0xe6,
];
const MAGIC: [u8; 8] = *b"picamSEG";
/// The version that is written. Version 1 ends with `io_faults`; it is read, and recovered, for ever.
pub const VERSION: u16 = 2;
/// Longest camera name in bytes of UTF-8.
pub const CAMERA_NAME_LEN: usize = 32;

/// Whether a slot's file shows its fragments or its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentState {
    /// Being recorded, or cut off while it was: the head region is hidden, fragments are shown.
    Recording,
    /// Finished: the index in front is shown, fragments lie unchanged inside the `mdat`.
    Finished,
}

/// What happened to the pictures of a segment. All are counts within this segment; what was lost
/// between two segments counts in the later one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Counters {
    /// Pictures written.
    pub frames: u32,
    /// Pictures that the encoder took and never gave back.
    pub dropped_encoder: u32,
    /// Pictures dropped because the queue to the card was full.
    pub dropped_queue: u32,
    /// Fragments whose checksum did not hold when the segment was recovered.
    pub crc_failures: u32,
    /// Writes or flushes that the card refused.
    pub io_faults: u32,
    /// Pictures that went with a segment which the card no longer took, or with damaged fragments.
    pub lost_card: u32,
    /// Pictures for which the slot had no room.
    pub lost_room: u32,
    /// Pictures that came before one at which decoding can start.
    pub lost_undecodable: u32,
    /// Places where the source's stream was damaged.
    pub stream_damage: u32,
    /// Pictures whose times had to be changed, since they cannot be stored.
    pub times_changed: u32,
    /// Samples of sound, motion and text that were lost.
    pub lost_side: u32,
}

impl Counters {
    /// Pictures that are not in the segment although the camera took them.
    pub fn lost_pictures(&self) -> u64 {
        [
            self.dropped_encoder,
            self.dropped_queue,
            self.lost_card,
            self.lost_room,
            self.lost_undecodable,
        ]
        .into_iter()
        .map(u64::from)
        .sum()
    }

    /// Adds what `more` counts.
    pub fn add(&mut self, more: &Self) {
        let more = more.fields();
        for (count, more) in self.fields_mut().into_iter().zip(more) {
            *count = count.saturating_add(more);
        }
    }

    /// What this counts and `less`, an earlier state of it, does not.
    #[must_use]
    pub fn since(&self, less: &Self) -> Self {
        let mut since = *self;
        for (count, less) in since.fields_mut().into_iter().zip(less.fields()) {
            *count = count.saturating_sub(less);
        }
        since
    }

    fn fields(&self) -> [u32; 11] {
        let mut copy = *self;
        copy.fields_mut().map(|count| *count)
    }

    fn fields_mut(&mut self) -> [&mut u32; 11] {
        [
            &mut self.frames,
            &mut self.dropped_encoder,
            &mut self.dropped_queue,
            &mut self.crc_failures,
            &mut self.io_faults,
            &mut self.lost_card,
            &mut self.lost_room,
            &mut self.lost_undecodable,
            &mut self.stream_damage,
            &mut self.times_changed,
            &mut self.lost_side,
        ]
    }

    /// The fields of version 1 of the records.
    pub(crate) fn parse_v1(r: &mut Fields<'_>) -> Self {
        Self {
            frames: r.u32(),
            dropped_encoder: r.u32(),
            dropped_queue: r.u32(),
            crc_failures: r.u32(),
            io_faults: r.u32(),
            ..Self::default()
        }
    }

    /// The fields that version 2 added.
    pub(crate) fn parse_v2(&mut self, r: &mut Fields<'_>) {
        self.lost_card = r.u32();
        self.lost_room = r.u32();
        self.lost_undecodable = r.u32();
        self.stream_damage = r.u32();
        self.times_changed = r.u32();
        self.lost_side = r.u32();
    }

    pub(crate) fn store_v1(&self, w: &mut Fill<'_>) {
        for count in self.fields().into_iter().take(5) {
            w.put(&count.to_be_bytes());
        }
    }

    pub(crate) fn store_v2(&self, w: &mut Fill<'_>) {
        for count in self.fields().into_iter().skip(5) {
            w.put(&count.to_be_bytes());
        }
    }
}

/// The header record of one segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Monotonic number of the segment on this card; order comes from it, never from a clock.
    pub sequence: u64,
    /// The kernel's boot id of the boot that recorded it.
    pub boot_id: [u8; 16],
    /// How many boots this card has seen.
    pub boot_number: u32,
    /// Camera letter as in the file name (`F`).
    pub camera: u8,
    /// Class letter as in the file name (`N`, `E`, `P`, `M`).
    pub class: u8,
    /// Camera name as in the configuration, at most [`CAMERA_NAME_LEN`] bytes.
    pub camera_name: String,
    /// Capture time of the first frame.
    pub start_boot: BootNs,
    /// The same in UTC; `None` until somebody said what time it is.
    pub start_utc: Option<UtcUs>,
    /// Length of the slot in bytes.
    pub slot_len: u64,
    /// Offset of the init `moov` (the head region's end).
    pub head_len: u32,
    /// Length of the init including its padding: fragments start at `head_len + init_len`.
    pub init_len: u32,
    /// Length of the init `moov` alone.
    pub init_moov_len: u32,
    /// How far this slot has ever been written: rewriting below needs no metadata flush.
    pub written_len: u64,
    /// End of the last fragment; 0 until finished.
    pub end: u64,
    /// Duration of the video track in nanoseconds; 0 until finished.
    pub duration: Duration,
    /// CRC-32 of the init `moov`; `None` in a record of version 1.
    pub init_crc: Option<u32>,
    /// Pictures that the camera had delivered since this boot before the first of this segment, lost
    /// ones included: what is missing between two segments of a boot shows here. 0 in version 1.
    pub pictures_before: u64,
    /// Whether recovery finished it, not the recorder.
    pub recovered: bool,
    /// What happened to its frames; complete once finished.
    pub counters: Counters,
}

/// Why a first sector holds no usable record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a picam slot at all.
    #[error("not a picam segment")]
    Foreign,
    /// Written by a later picam.
    #[error("segment format {0} is newer than this program")]
    Newer(u16),
    /// The checksum does not hold.
    #[error("header record is damaged (CRC mismatch)")]
    Damaged,
}

impl Record {
    /// Reads the record and state from the first [`SECTOR`] bytes of a file.
    pub fn parse(sector: &[u8]) -> Result<(Self, SegmentState), RecordError> {
        let sector: &[u8; SECTOR] = sector.first_chunk().ok_or(RecordError::Foreign)?;
        let mut r = Fields(&sector[RECORD..]);
        if sector[RECORD_BOX + 8..RECORD_BOX + 24] != PICAM_UUID || r.array() != MAGIC {
            return Err(RecordError::Foreign);
        }
        let version = r.u16();
        if version == 0 || version > VERSION {
            return Err(RecordError::Newer(version));
        }
        let crc = u32::from_be_bytes([sector[508], sector[509], sector[510], sector[511]]);
        if crc32fast::hash(&sector[RECORD..SECTOR - 4]) != crc {
            return Err(RecordError::Damaged);
        }
        let state = match &sector[HEAD_BOX + 4..HEAD_BOX + 8] {
            b"free" => SegmentState::Recording,
            b"moov" => SegmentState::Finished,
            _ => return Err(RecordError::Damaged),
        };
        let flags = r.u16();
        let sequence = r.u64();
        let boot_id = r.array();
        let boot_number = r.u32();
        let [camera, class, _, _] = r.array();
        let name: [u8; CAMERA_NAME_LEN] = r.array();
        let name = name.split(|&b| b == 0).next().unwrap_or_default();
        let start_boot = BootNs(r.u64());
        let utc = UtcUs(i64::from_be_bytes(r.array()));
        let mut record = Self {
            sequence,
            boot_id,
            boot_number,
            camera,
            class,
            camera_name: String::from_utf8_lossy(name).into_owned(),
            start_boot,
            start_utc: (flags & 2 != 0).then_some(utc),
            slot_len: r.u64(),
            head_len: r.u32(),
            init_len: r.u32(),
            init_moov_len: r.u32(),
            written_len: r.u64(),
            end: r.u64(),
            duration: Duration::from_nanos(r.u64()),
            recovered: flags & 1 != 0,
            counters: Counters::parse_v1(&mut r),
            ..Self::default()
        };
        if version >= 2 {
            record.counters.parse_v2(&mut r);
            record.init_crc = Some(r.u32());
            record.pictures_before = r.u64();
        }
        Ok((record, state))
    }

    /// Writes the `uuid` box into `sector`, from [`RECORD_BOX`] to its end.
    pub fn store(&self, sector: &mut [u8; SECTOR]) {
        let (front, crc) = sector.split_at_mut(SECTOR - 4);
        let (_, front) = front.split_at_mut(RECORD_BOX);
        let mut w = Fill::new(front);
        w.put(&(SECTOR as u32 - RECORD_BOX as u32).to_be_bytes());
        w.put(b"uuid");
        w.put(&PICAM_UUID);
        w.put(&MAGIC);
        // A segment that was begun by version 1 stays one: its fragments are of that version, too.
        let version = if self.init_crc.is_some() { VERSION } else { 1 };
        w.put(&version.to_be_bytes());
        let flags = u16::from(self.recovered) | u16::from(self.start_utc.is_some()) << 1;
        w.put(&flags.to_be_bytes());
        w.put(&self.sequence.to_be_bytes());
        w.put(&self.boot_id);
        w.put(&self.boot_number.to_be_bytes());
        w.put(&[self.camera, self.class, 0, 0]);
        let mut name = [0; CAMERA_NAME_LEN];
        for (to, from) in name.iter_mut().zip(self.camera_name.bytes()) {
            *to = from;
        }
        w.put(&name);
        w.put(&self.start_boot.0.to_be_bytes());
        w.put(&self.start_utc.map_or(0, |utc| utc.0).to_be_bytes());
        w.put(&self.slot_len.to_be_bytes());
        w.put(&self.head_len.to_be_bytes());
        w.put(&self.init_len.to_be_bytes());
        w.put(&self.init_moov_len.to_be_bytes());
        w.put(&self.written_len.to_be_bytes());
        w.put(&self.end.to_be_bytes());
        let duration = u64::try_from(self.duration.as_nanos()).unwrap_or(u64::MAX);
        w.put(&duration.to_be_bytes());
        self.counters.store_v1(&mut w);
        if version >= 2 {
            self.counters.store_v2(&mut w);
            w.put(&self.init_crc.unwrap_or(0).to_be_bytes());
            w.put(&self.pictures_before.to_be_bytes());
        }
        w.zero_rest();
        let sum = crc32fast::hash(front.get(RECORD - RECORD_BOX..).unwrap_or_default());
        crc.copy_from_slice(&sum.to_be_bytes());
    }
}

// 192 bytes and their checksum; the rest of the sector is zero, for later versions.
const _: () = assert!(RECORD + 192 + 4 <= SECTOR);

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field another number.
    fn counters() -> Counters {
        let mut counters = Counters::default();
        for (n, count) in (1..).zip(counters.fields_mut()) {
            *count = n * 0x0101;
        }
        counters
    }

    fn record() -> Record {
        Record {
            sequence: 0x0102_0304_0506_0708,
            boot_id: *b"0123456789abcdef",
            boot_number: 9,
            camera: b'F',
            class: b'E',
            camera_name: "Fahrerseite, außen".into(),
            start_boot: BootNs(61_000_000_007),
            start_utc: Some(UtcUs(1_795_172_880_000_123)),
            slot_len: 1 << 33,
            head_len: 128 * 1024,
            init_len: 8192,
            init_moov_len: 4321,
            written_len: (1 << 32) + 512,
            end: (1 << 32) + 4096,
            duration: Duration::from_nanos(59_999_999_999),
            init_crc: Some(0xdead_beef),
            pictures_before: 1 << 40,
            recovered: false,
            counters: counters(),
        }
    }

    fn sector(record: &Record, head: &[u8; 4]) -> [u8; SECTOR] {
        let mut sector = [0x77; SECTOR];
        sector[HEAD_BOX + 4..HEAD_BOX + 8].copy_from_slice(head);
        record.store(&mut sector);
        sector
    }

    #[test]
    fn a_record_is_read_as_it_was_stored() {
        for (recovered, start_utc) in [
            (false, None),
            (true, None),
            (false, Some(UtcUs(-5))),
            (true, Some(UtcUs(7))),
        ] {
            let record = Record {
                recovered,
                start_utc,
                ..record()
            };
            for (head, state) in [
                (b"free", SegmentState::Recording),
                (b"moov", SegmentState::Finished),
            ] {
                let sector = sector(&record, head);
                assert_eq!(Record::parse(&sector), Ok((record.clone(), state)));
                // What stands before it is not its own.
                assert!(sector[..HEAD_BOX].iter().all(|&byte| byte == 0x77));
            }
        }
        // One of version 1 has no more than version 1 had, and stays one.
        let old = Record {
            init_crc: None,
            ..record()
        };
        let read = Record::parse(&sector(&old, b"moov")).unwrap().0;
        let [
            frames,
            dropped_encoder,
            dropped_queue,
            crc_failures,
            io_faults,
            ..,
        ] = counters().fields();
        let kept = Counters {
            frames,
            dropped_encoder,
            dropped_queue,
            crc_failures,
            io_faults,
            ..Counters::default()
        };
        assert_eq!(
            read,
            Record {
                counters: kept,
                pictures_before: 0,
                ..old
            }
        );
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_off_and_one_that_fits_is_whole() {
        for len in [0, 1, 31, 32, 33] {
            let record = Record {
                camera_name: "x".repeat(len),
                ..record()
            };
            let read = Record::parse(&sector(&record, b"free")).unwrap().0;
            assert_eq!(read.camera_name.len(), len.min(CAMERA_NAME_LEN));
            assert_eq!((read.class, read.start_boot), (b'E', record.start_boot));
        }
    }

    #[test]
    fn what_is_no_record_is_told_from_a_damaged_and_from_a_newer_one() {
        let good = sector(&record(), b"free");
        let flipped = |at: usize| {
            let mut sector = good;
            sector[at] ^= 1;
            Record::parse(&sector).unwrap_err()
        };
        let with = |at: usize, bytes: &[u8]| {
            let mut sector = good;
            sector[at..at + bytes.len()].copy_from_slice(bytes);
            Record::parse(&sector).unwrap_err()
        };
        for at in RECORD_BOX + 8..RECORD + MAGIC.len() {
            assert_eq!(flipped(at), RecordError::Foreign, "byte {at}");
        }
        let version = RECORD + MAGIC.len();
        for newer in [0, 3, 0x0100] {
            assert_eq!(
                with(version, &u16::to_be_bytes(newer)),
                RecordError::Newer(newer)
            );
        }
        for at in version + 2..SECTOR {
            assert_eq!(flipped(at), RecordError::Damaged, "byte {at}");
        }
        assert_eq!(with(HEAD_BOX + 4, b"mdat"), RecordError::Damaged);
        assert_eq!(
            Record::parse(&good[..SECTOR - 1]),
            Err(RecordError::Foreign)
        );
    }

    #[test]
    fn counters_are_added_and_told_apart_field_by_field() {
        let one = counters();
        let mut sum = one;
        sum.add(&one);
        assert_eq!(sum.fields(), one.fields().map(|count| 2 * count));
        assert_eq!(sum.since(&one), one);
        assert_eq!(one.since(&sum), Counters::default());
        // What is lost: neither what was written, nor damage, nor what is no picture.
        let lost = [0x0202, 0x0303, 0x0606, 0x0707, 0x0808];
        assert_eq!(one.lost_pictures(), lost.iter().sum());
        let mut most = Counters {
            frames: u32::MAX,
            ..one
        };
        most.add(&one);
        assert_eq!(most.frames, u32::MAX);
    }
}
