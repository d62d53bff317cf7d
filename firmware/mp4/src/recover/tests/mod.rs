//! Damage done to a small segment in memory, and what is left of it.

mod fragments;
mod fronts;
mod indexes;
mod inits;
mod outcomes;
mod parts;
mod records;
mod times;
mod walks;

use std::io;
use std::time::Duration;

use picam_time::{BootNs, UtcUs};

use super::*;
use crate::sample_entry;
use crate::{Flush, FragmentLimits, ReadAt, Sample, SegmentWriter, TrackConfig};

const HEAD_LEN: u32 = 32 * 1024;
const SLOT_LEN: u64 = 512 * 1024;
const PER_FRAGMENT: usize = 4;
/// x264, 64x48 at 10 frames a second.
const SPS: [u8; 24] = [
    0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x44, 0x3f, 0x9e, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
    0x00, 0x03, 0x01, 0x40, 0xf1, 0x22, 0x59, 0x60,
];
const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Write(u64),
    Flush,
}

/// A slot in memory that notes what is done to it, and refuses after some steps.
#[derive(Debug, Clone)]
struct Slot {
    bytes: Vec<u8>,
    steps: Vec<Step>,
    most: usize,
}

impl ReadAt for Slot {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.bytes.read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        self.bytes.size()
    }
}

impl SlotFile for Slot {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.steps.len() >= self.most {
            return Err(io::ErrorKind::Other.into());
        }
        self.steps.push(Step::Write(offset));
        let end = self.bytes.len().max(offset as usize + data.len());
        self.bytes.resize(end, 0);
        self.bytes[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }

    fn flush(&mut self, _scope: Flush) -> io::Result<()> {
        self.steps.push(Step::Flush);
        Ok(())
    }
}

impl Slot {
    fn blank() -> Self {
        Self {
            bytes: vec![0; SLOT_LEN as usize],
            steps: Vec::new(),
            most: usize::MAX,
        }
    }

    fn flip(&mut self, at: u64) {
        self.bytes[at as usize] ^= 0x10;
    }

    fn zero(&mut self, at: u64, len: usize) {
        self.bytes[at as usize..][..len].fill(0);
    }

    /// Fragments that lie in it one behind the other.
    fn fragments(&self) -> Vec<(u64, u32)> {
        let mut at = u64::from(HEAD_LEN) + 4096;
        let mut found = Vec::new();
        while let Some(record) = FragmentRecord::parse(&self.bytes[at as usize..]) {
            found.push((at, record.len));
            at += u64::from(record.len);
        }
        found
    }

    /// Where boxes of a kind stand in the first page of a fragment, by their types.
    fn boxes(&self, at: u64, kind: &[u8; 4]) -> Vec<u64> {
        let front = self.bytes[at as usize..][..PAGE].windows(4).enumerate();
        let here = front.filter(|(_, window)| window == kind);
        here.map(|(n, _)| at + n as u64).collect()
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        self.bytes[at as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    /// The samples of all tracks as a player is shown them.
    fn tables(&self) -> Vec<Vec<crate::read::Sample>> {
        let movie = Movie::read(self).unwrap();
        movie
            .tracks
            .into_iter()
            .map(|track| track.samples)
            .collect()
    }

    fn pictures(&self) -> usize {
        let movie = Movie::read(self).ok();
        let video = movie.as_ref().and_then(|movie| movie.tracks.first());
        video.map_or(0, |video| video.samples.len())
    }

    /// The bytes of every picture that a player is shown.
    fn samples(&self) -> Vec<Vec<u8>> {
        let movie = Movie::read(self).unwrap();
        let bytes =
            |s: &crate::read::Sample| self.bytes[s.offset as usize..s.end() as usize].to_vec();
        movie.tracks[0].samples.iter().map(bytes).collect()
    }
}

fn header(sequence: u64, boot: u8) -> Record {
    Record {
        sequence,
        boot_id: [boot; 16],
        boot_number: 3,
        camera: b'F',
        class: b'N',
        camera_name: "front".into(),
        start_boot: BootNs(1_000_000_000),
        start_utc: Some(UtcUs(1_795_172_880_000_000)),
        slot_len: SLOT_LEN,
        head_len: HEAD_LEN,
        pictures_before: 77,
        ..Record::default()
    }
}

/// Records `fragments` fragments over what is in the slot; the pictures tell sequence and number.
fn record_into(slot: Slot, header: Record, fragments: usize, finish: bool) -> Slot {
    let stsd = sample_entry::h264(&[SPS.to_vec()], &[PPS.to_vec()], 64, 48).unwrap();
    let tracks = vec![
        TrackConfig::video(stsd, 64, 48),
        TrackConfig::camm().unwrap(),
    ];
    let mut writer = SegmentWriter::new(FragmentLimits {
        interval: Duration::from_secs(1000),
        bytes: 1 << 20,
    });
    let tag = header.sequence as u8;
    let data = |n: usize| vec![tag ^ n as u8; 900 + n * 7];
    // I P B P B ..., of which the B are shown before the P that they follow.
    let offset = |n: usize| match n {
        0 => 9000,
        n if n.is_multiple_of(2) => 0,
        _ => 18_000,
    };
    fn sample(n: usize, composition_offset: u32, data: &[u8]) -> Sample<'_> {
        Sample {
            track: 0,
            dts: n as i64 * 9000,
            composition_offset,
            duration: 9000,
            key: n.is_multiple_of(10),
            captured: BootNs(1_000_000_000 + n as u64 * 100_000_000),
            data,
        }
    }
    let first = data(0);
    let first = sample(0, offset(0), &first);
    writer.begin(slot, header, tracks, &first).unwrap();
    for n in 0..fragments * PER_FRAGMENT {
        let picture = data(n);
        writer.push(&sample(n, offset(n), &picture)).unwrap();
        let fix = crate::camm::acceleration_sample([0.0, n as f32, 9.8]);
        let moved = Sample {
            track: 1,
            dts: n as i64 * 100,
            composition_offset: 0,
            duration: 100,
            key: true,
            captured: BootNs(0),
            data: &fix,
        };
        writer.push(&moved).unwrap();
        if n % PER_FRAGMENT == PER_FRAGMENT - 1 {
            writer.commit(Some((n as i64 + 1) * 9000)).unwrap();
        }
    }
    let (mut slot, _) = match finish {
        true => writer.finish(None).unwrap().unwrap(),
        false => writer.abandon().unwrap(),
    };
    slot.steps.clear();
    slot
}

fn cut_off() -> Slot {
    record_into(Slot::blank(), header(41, 7), 12, false)
}

fn finished() -> Slot {
    record_into(Slot::blank(), header(41, 7), 12, true)
}

const ALL: usize = 12 * PER_FRAGMENT;

fn recovered(slot: &mut Slot) -> Record {
    let mended = mend(slot, &Help::NONE).unwrap();
    assert_eq!((mended.was, mended.empty), (SegmentState::Recording, false));
    mended.record
}
