//! Damage done to a small segment in memory, and what is left of it.

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

#[test]
fn a_flipped_bit_in_any_fragment_costs_nothing_but_is_counted_and_said() {
    for (n, (at, len)) in cut_off().fragments().into_iter().enumerate() {
        // In a sample; in record, box headers, times, sizes.
        for offset in [
            2048 + 500,
            4,
            8,
            28,
            40,
            48,
            52,
            58,
            62,
            70,
            74,
            1900,
            len as usize - 1,
        ] {
            let mut slot = cut_off();
            slot.flip(at + offset as u64);
            let said = check(&slot).unwrap();
            assert!(!said.faults.is_empty(), "fragment {n}, byte {offset}");
            let before = slot.pictures();
            let record = recovered(&mut slot);
            assert_eq!(
                slot.pictures(),
                ALL,
                "fragment {n}, byte {offset}; {before} before"
            );
            assert_eq!(record.counters.frames as usize, ALL);
            assert!(record.counters.crc_failures <= 1);
            if offset == 2548 {
                assert_eq!(record.counters.crc_failures, 1);
                let text = said.faults.join(";");
                assert!(
                    text.contains(&format!("fragment {n} at byte {at} is damaged")),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn the_samples_of_all_other_fragments_stay_as_they_are() {
    let all = {
        let mut slot = cut_off();
        recovered(&mut slot);
        slot.samples()
    };
    assert_eq!(all.len(), ALL);
    for (n, (at, len)) in cut_off().fragments().into_iter().enumerate() {
        let mut slot = cut_off();
        slot.zero(at, len as usize);
        let record = recovered(&mut slot);
        let others: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(picture, _)| picture / PER_FRAGMENT != n)
            .map(|(_, bytes)| bytes.clone())
            .collect();
        assert_eq!(slot.samples(), others, "fragment {n}");
        assert_eq!(record.counters.frames as usize, ALL - PER_FRAGMENT);
        // What the last one held, nobody knows.
        if n < 11 {
            assert_eq!(
                record.counters.lost_card as usize, PER_FRAGMENT,
                "fragment {n}"
            );
            assert_eq!(record.counters.crc_failures, 1, "fragment {n}");
        }
    }
}

#[test]
fn older_fragments_in_the_slot_are_never_taken() {
    for (sequence, boot) in [(40, 7), (42, 7), (41, 6)] {
        let old = record_into(Slot::blank(), header(sequence, boot), 40, false);
        let mut slot = record_into(old, header(41, 7), 12, false);
        let (at, len) = *slot.fragments().last().unwrap();
        let (at, end) = match slot.fragments().len() {
            12 => (at, at + u64::from(len)),
            n => panic!("{n} fragments"),
        };
        assert!(end > at);
        // The `free` behind the last fragment is gone: everything behind is looked at.
        slot.zero(end, 16);
        let record = recovered(&mut slot);
        assert_eq!(record.counters.frames as usize, ALL, "{sequence} {boot}");
        assert_eq!((record.end, record.counters.crc_failures), (end, 0));
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
        assert!(
            slot.samples()
                .iter()
                .enumerate()
                .all(|(n, bytes)| bytes[0] == 41 ^ n as u8)
        );
    }
}

#[test]
fn what_is_left_of_the_last_fragment_is_hidden_and_that_is_flushed_first() {
    let mut slot = cut_off();
    let (at, _) = *slot.fragments().last().unwrap();
    // Its boxes are gone, and the header of the first leads astray.
    slot.zero(at + 8, 4088);
    let record = recovered(&mut slot);
    assert_eq!(record.end, at);
    assert_eq!(&slot.bytes[at as usize + 4..at as usize + 8], b"free");
    assert_eq!(slot.pictures(), ALL - PER_FRAGMENT);
    assert_eq!(record.counters.crc_failures, 1);
    assert_eq!(slot.steps[..2], [Step::Write(at), Step::Flush]);
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
}

#[test]
fn a_slot_is_empty_only_if_nothing_of_its_segment_is_in_it() {
    let mut slot = cut_off();
    let (first, len) = slot.fragments()[0];
    let (_, second) = slot.fragments()[1];
    slot.zero(first, (len + second) as usize);
    let record = recovered(&mut slot);
    assert_eq!(slot.pictures(), ALL - 2 * PER_FRAGMENT);
    assert_eq!(record.counters.lost_card as usize, 2 * PER_FRAGMENT);
    // What is left is shown when it was to be shown: a frame of 9000 after the one of which it is a P picture, or a B.
    let times = |slot: &Slot| -> Vec<i64> {
        let movie = Movie::read(slot).unwrap();
        let samples = movie.tracks[0].samples.iter();
        samples.map(|s| movie.tracks[0].presentation(s)).collect()
    };
    let mut whole = cut_off();
    recovered(&mut whole);
    assert_eq!(times(&whole)[..4], [0, 18_000, 9_000, 36_000]);
    assert_eq!(times(&slot), times(&whole)[2 * PER_FRAGMENT..]);

    let mut slot = record_into(Slot::blank(), header(41, 7), 0, false);
    assert!(mend(&mut slot, &Help::NONE).unwrap().empty);
    assert!(slot.steps.is_empty());
}

#[test]
fn a_stale_first_sector_hides_nothing_that_lies_behind_it() {
    let mut slot = cut_off();
    let (at, _) = slot.fragments()[5];
    let mut free = Vec::new();
    crate::boxes::header(b"free", SLOT_LEN - at, &mut free);
    slot.bytes[at as usize..][..8].copy_from_slice(&free);
    assert_eq!(slot.pictures(), 5 * PER_FRAGMENT);
    recovered(&mut slot);
    assert_eq!(slot.pictures(), ALL);
}

/// Every leaf box of the index and one of its bytes, the last.
fn index_bytes(slot: &Slot) -> Vec<(String, u64)> {
    fn walk(bytes: &[u8], at: u64, found: &mut Vec<(String, u64)>) {
        let (mut bytes, mut at) = (bytes, at);
        while bytes.len() >= 8 {
            let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
            let kind = String::from_utf8_lossy(&bytes[4..8]).into_owned();
            match kind.as_str() {
                "moov" | "trak" | "mdia" | "minf" | "stbl" => walk(&bytes[8..size], at + 8, found),
                _ => found.push((kind, at + size as u64 - 1)),
            }
            (bytes, at) = (&bytes[size..], at + size as u64);
        }
    }
    let mut found = Vec::new();
    let size = u32::from_be_bytes(slot.bytes[32..36].try_into().unwrap()) as usize;
    walk(&slot.bytes[32..32 + size], 32, &mut found);
    found
}

#[test]
fn a_flipped_bit_anywhere_in_the_index_is_found_and_mended() {
    let good = finished();
    assert_eq!(check(&good).unwrap().faults, Vec::<String>::new());
    let boxes = index_bytes(&good);
    for kind in [
        "stsz", "stco", "stts", "stsc", "ctts", "stss", "stsd", "mdhd", "elst", "hdlr",
    ] {
        let there = boxes
            .iter()
            .any(|(k, _)| k == kind || kind == "elst" && k == "edts");
        assert!(there, "{kind} is not in {boxes:?}");
    }
    // The last byte of each, the box headers, and what picam does not read itself.
    let size = u64::from(u32::from_be_bytes(good.bytes[32..36].try_into().unwrap()));
    let every = (0..32 + size).step_by(13);
    let places = boxes
        .iter()
        .map(|(_, at)| *at)
        .chain(every)
        .chain([32, 35, 36, 39, 62]);
    let untouched = good.fragments();
    for at in places.filter(|at| !(160..512).contains(at)) {
        let mut slot = good.clone();
        slot.flip(at);
        let before = slot.pictures();
        let found = check(&slot).map_or(1, |said| said.faults.len());
        let mended = mend(&mut slot, &Help::NONE).unwrap();
        let time = slot.bytes[..512] != good.bytes[..512] || slot.bytes != good.bytes;
        if found == 0 {
            // Times of creation are not compared: they change before the header record does.
            assert!(time && !mended.changed(), "byte {at} {before}");
            continue;
        }
        assert!(slot.bytes == good.bytes, "byte {at}: {mended:?}");
        assert!(mended.changed() && slot.fragments() == untouched);
    }
}

#[test]
fn a_flipped_bit_in_the_header_record_is_found_and_mended() {
    for good in [finished(), cut_off()] {
        for at in (160..512).step_by(3) {
            let mut slot = good.clone();
            slot.flip(at);
            assert!(check(&slot).is_err() || at < 168, "byte {at}");
            let mended = mend(&mut slot, &Help::NONE).unwrap();
            assert_eq!(slot.pictures(), ALL, "byte {at}");
            assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
            assert_eq!(mended.record.camera_name, "front", "byte {at}");
            if mended.was == SegmentState::Finished {
                assert_eq!(slot.bytes, good.bytes, "byte {at}");
            }
        }
    }
}

#[test]
fn a_lost_header_record_is_made_of_what_the_fragments_say() {
    for good in [finished(), cut_off()] {
        let mut slot = good.clone();
        slot.zero(0, 4096);
        let old = header(40, 9);
        let named = Named {
            camera: b'F',
            class: b'E',
            sequence: 41,
            modulus: 1_000_000,
        };
        let help = Help {
            named: Some(named),
            ..Help::NONE
        };
        let record = mend(&mut slot, &help).unwrap().record;
        assert_eq!(slot.pictures(), ALL);
        assert_eq!((record.sequence, record.boot_number), (41, 3));
        assert_eq!((record.camera, record.class), (b'F', b'E'));
        assert_eq!(record.start_boot, old.start_boot);
        assert_eq!(record.start_utc, old.start_utc);
        assert_eq!(record.pictures_before, 77);
        assert_eq!(
            record.boot_id,
            [7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
        // Not under another name.
        let mut slot = good.clone();
        slot.zero(0, 4096);
        let help = Help {
            named: Some(Named {
                sequence: 40,
                ..named
            }),
            ..Help::NONE
        };
        assert!(mend(&mut slot, &help).is_err());
    }
}

#[test]
fn a_damaged_init_is_mended_or_borrowed_if_its_crc_agrees() {
    let init = {
        let (record, _) = read_record(&cut_off()).unwrap();
        init::stored(&cut_off(), &record).unwrap()
    };
    let head = u64::from(HEAD_LEN);
    let mut slot = cut_off();
    slot.flip(head + 300);
    assert!(check(&slot).map_or(true, |said| said.faults[0].contains("init")));
    assert!(mend(&mut slot, &Help::NONE).unwrap().init);
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());

    // Beyond that: another segment lends its own, or nobody can.
    let lend = |crc: u32| Some(init.clone()).filter(|init| crc32fast::hash(init) == crc);
    let wrong = |_: u32| Some(vec![7_u8; 700]);
    for damage in [0, 4] {
        let mut slot = cut_off();
        slot.zero(head + damage, 300);
        let found = slot.bytes.clone();
        for lend in [&|_| None, &wrong as &dyn Fn(u32) -> Option<Vec<u8>>] {
            let help = Help { lend, named: None };
            assert!(matches!(mend(&mut slot, &help), Err(RecoverError::Init(_))));
            assert!(
                slot.bytes == found,
                "changed although nothing could be done"
            );
        }
        let help = Help {
            lend: &lend,
            named: None,
        };
        assert!(mend(&mut slot, &help).unwrap().init);
        assert_eq!(slot.pictures(), ALL);
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
        // A finished one has it in its index.
        let mut slot = finished();
        slot.zero(head + damage, 300);
        assert!(mend(&mut slot, &Help::NONE).unwrap().init);
        assert!(slot.bytes == finished().bytes);
    }
    // And the other way round.
    let mut slot = finished();
    slot.zero(512, 3000);
    assert_eq!(slot.pictures(), 0);
    assert!(mend(&mut slot, &Help::NONE).unwrap().index);
    assert!(slot.bytes == finished().bytes);
}

#[test]
fn a_damaged_fragment_of_a_finished_segment_keeps_what_its_index_says() {
    let mut slot = finished();
    let fragments = slot.fragments();
    let (at, _) = fragments[3];
    slot.zero(at, 2048);
    let before = slot.bytes.clone();
    let said = check(&slot).unwrap();
    assert_eq!((said.faults.len(), said.damaged.len()), (1, 1), "{said:?}");
    assert_eq!(said.damaged[0].seconds, (1.2, 1.6));
    let mended = mend(&mut slot, &Help::NONE).unwrap();
    assert!(!mended.changed() && mended.damaged == 1, "{mended:?}");
    assert!(slot.bytes == before);
    // With the index damaged as well, both halves make one.
    slot.flip(
        index_bytes(&slot)
            .iter()
            .find(|(kind, _)| kind == "stss")
            .unwrap()
            .1,
    );
    mend(&mut slot, &Help::NONE).unwrap();
    assert_eq!(slot.pictures(), ALL);
    assert_eq!(check(&slot).unwrap().faults.len(), 1);
}

#[test]
fn recovery_can_be_cut_off_anywhere_and_begun_again() {
    let damages: [fn(&mut Slot); 6] = [
        |_| {},
        |slot| slot.zero(0, 512),
        |slot| slot.zero(u64::from(HEAD_LEN) + 4096, 4096),
        |slot| slot.flip(u64::from(HEAD_LEN) + 300),
        |slot| slot.zero(32, 4),
        |slot| slot.zero(600, 2000),
    ];
    for (n, damage) in damages.into_iter().enumerate() {
        for good in [finished(), cut_off()] {
            let mut damaged = good.clone();
            damage(&mut damaged);
            let before = damaged.pictures();
            let mut done = damaged.clone();
            mend(&mut done, &Help::NONE).unwrap();
            for most in 0..done.steps.len() {
                let mut slot = damaged.clone();
                slot.most = most;
                let _ = mend(&mut slot, &Help::NONE);
                slot.most = usize::MAX;
                mend(&mut slot, &Help::NONE).unwrap();
                assert!(
                    slot.pictures() >= before.max(done.pictures()),
                    "damage {n}, cut at {most}"
                );
            }
        }
    }
}

#[test]
fn the_last_pictures_of_a_cut_stream_with_reordering_are_shown() {
    // Cut between a P and the B before it: what is decoded last is not shown last.
    let mut slot = record_into(Slot::blank(), header(41, 7), 11, false);
    recovered(&mut slot);
    let movie = Movie::read(&slot).unwrap();
    let video = &movie.tracks[0];
    let last = video
        .samples
        .iter()
        .map(|s| video.presentation(s))
        .max()
        .unwrap();
    assert!(
        last < video.presentation_end(),
        "{last} {}",
        video.presentation_end()
    );
    let ends = video
        .samples
        .iter()
        .map(|s| video.presentation(s) + 9000)
        .max()
        .unwrap();
    assert_eq!(video.presentation_end(), ends);
}

#[test]
fn what_a_player_would_be_shown_ends_with_the_first_fragment_that_is_not_the_segments_next() {
    let slot = cut_off();
    let (record, _) = read_record(&slot).unwrap();
    let places = slot.fragments();
    let end = |n: usize| places[n].0 + u64::from(places[n].1);
    let first = (places[0].0, 0);
    let frames = |n: u32| n * PER_FRAGMENT as u32;
    for known in [None, Some(first), Some((end(4), 5)), Some((end(11), 12))] {
        assert_eq!(shown_end(&slot, &record, known).unwrap(), (end(11), 12));
    }
    let shown = crate::shown(&slot, &record).unwrap();
    assert_eq!((shown.fragments, shown.counters.frames), (12, frames(12)));
    // Gone, of another segment, of another boot, one too many, and longer than the file.
    let damages: [fn(&mut Slot, u64); 5] = [
        |slot, at| slot.zero(at, 8),
        |slot, at| slot.flip(at + 71),
        |slot, at| slot.flip(at + 75),
        |slot, at| slot.flip(at + 63),
        |slot, at| slot.zero(at, 4096),
    ];
    for damage in damages {
        let mut slot = slot.clone();
        damage(&mut slot, places[7].0);
        assert_eq!(shown_end(&slot, &record, None).unwrap(), (places[7].0, 7));
        let shown = crate::shown(&slot, &record).unwrap();
        assert_eq!((shown.fragments, shown.counters.frames), (7, frames(7)));
    }
    let cut = Slot {
        bytes: slot.bytes[..end(7) as usize - 512].to_vec(),
        ..Slot::blank()
    };
    assert_eq!(shown_end(&cut, &record, None).unwrap(), (places[7].0, 7));
    let other = header(42, 7);
    let nothing = crate::Shown::default();
    assert_eq!(crate::shown(&slot, &other).unwrap(), nothing);
}

#[test]
fn the_header_of_a_segment_that_was_overwritten_is_not_believed() {
    let old = record_into(Slot::blank(), header(40, 7), 12, true);
    let mut slot = record_into(old.clone(), header(41, 7), 11, false);
    // The card lost the page that was written last, and gives back the one from before.
    slot.bytes[..4096].copy_from_slice(&old.bytes[..4096]);
    let named = Named {
        camera: b'F',
        class: b'N',
        sequence: 41,
        modulus: 1000,
    };
    let help = Help {
        named: Some(named),
        ..Help::NONE
    };
    let mended = mend(&mut slot, &help).unwrap();
    assert_eq!(
        (mended.record.sequence, mended.was),
        (41, SegmentState::Recording)
    );
    assert!(mended.header && mended.index && mended.record.recovered);
    assert_eq!(slot.pictures(), 11 * PER_FRAGMENT);
    assert_eq!(mended.record.counters.frames as usize, 11 * PER_FRAGMENT);
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
    // Under its own name the old one is.
    let mut slot = old.clone();
    let help = Help {
        named: Some(Named {
            sequence: 40,
            ..named
        }),
        ..Help::NONE
    };
    assert!(!mend(&mut slot, &help).unwrap().changed());

    let newer = |name: u64, header: u64| {
        Named {
            sequence: name,
            ..named
        }
        .is_newer_than(header)
    };
    assert!(newer(41, 40) && newer(41, 1_000_040) && newer(3, 999) && newer(499, 0));
    assert!(!newer(41, 41) && !newer(41, 42) && !newer(999, 3) && !newer(500, 0));
    let fits = |name: Named| {
        let front = &cut_off().bytes[cut_off().fragments()[0].0 as usize..];
        name.fits(&FragmentRecord::parse(front).unwrap())
    };
    assert!(
        fits(named)
            && fits(Named {
                modulus: 40,
                sequence: 1,
                ..named
            })
    );
    assert!(
        !fits(Named {
            camera: b'R',
            ..named
        }) && !fits(Named {
            sequence: 40,
            ..named
        })
    );
}

#[test]
fn what_is_damaged_is_said_with_its_place_and_time() {
    let mut damaged = DamagedFragment {
        index: 3,
        count: 1,
        at: 81_920,
        seconds: (0.5, 0.768),
        pictures: 4,
    };
    let one = "fragment 3 at byte 81920 is damaged (CRC mismatch), 0.50 s to 0.77 s";
    assert_eq!(damaged.to_string(), one);
    damaged.pictures = 0;
    assert_eq!(
        damaged.to_string(),
        format!("{one}, nothing of it can be shown")
    );
    damaged.count = 3;
    let several = "fragments 3 to 5 at byte 81920 are damaged, 0.50 s to 0.77 s";
    assert_eq!(
        damaged.to_string(),
        format!("{several}, nothing of it can be shown")
    );
}

#[test]
fn whatever_is_left_of_the_last_fragment_counts_as_one() {
    let (at, _) = *cut_off().fragments().last().unwrap();
    // Its first box header, the mark of its record, or a box with samples' sizes.
    let uuid = at + 32..at + 48;
    let traf = {
        let bytes = cut_off().bytes;
        let here = bytes[at as usize..].windows(4).position(|w| w == b"traf");
        at + here.unwrap() as u64..at + here.unwrap() as u64 + 4
    };
    for left in [at + 4..at + 8, uuid, traf] {
        let mut slot = cut_off();
        slot.zero(at, (left.start - at) as usize);
        slot.zero(left.end, (at + 4096 - left.end) as usize);
        let said = check(&slot).unwrap();
        assert_eq!(said.faults.len(), 1, "{said:?}");
        assert!(said.faults[0].contains("cannot be shown"), "{said:?}");
        let record = recovered(&mut slot);
        assert_eq!(
            (record.end, record.counters.crc_failures),
            (at, 1),
            "{left:?}"
        );
    }
    // Nothing is.
    let mut slot = cut_off();
    slot.zero(at, 4096);
    assert_eq!(recovered(&mut slot).counters.crc_failures, 0);
}

#[test]
fn a_slot_with_the_rest_of_a_fragment_is_not_called_empty() {
    let mut slot = record_into(Slot::blank(), header(41, 7), 1, false);
    let (at, len) = slot.fragments()[0];
    // Of its only fragment there is the mark of its record, and samples.
    slot.zero(at, 28);
    slot.zero(at + 48, 2000);
    assert!(len > 4096);
    let before = slot.bytes.clone();
    assert!(matches!(
        mend(&mut slot, &Help::NONE),
        Err(RecoverError::Layout(_))
    ));
    assert!(slot.bytes == before);
}

#[test]
fn a_segment_without_a_picture_is_left_as_it_is() {
    let stsd = sample_entry::h264(&[SPS.to_vec()], &[PPS.to_vec()], 64, 48).unwrap();
    let tracks = vec![
        TrackConfig::video(stsd, 64, 48),
        TrackConfig::camm().unwrap(),
    ];
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let moved = Sample {
        track: 1,
        dts: 0,
        composition_offset: 0,
        duration: 100,
        key: true,
        captured: BootNs(0),
        data: &crate::camm::acceleration_sample([0.0, 1.0, 9.8]),
    };
    let first = Sample { track: 0, ..moved };
    writer
        .begin(Slot::blank(), header(41, 7), tracks, &first)
        .unwrap();
    writer.push(&moved).unwrap();
    writer.commit(None).unwrap();
    let (mut slot, _) = writer.abandon().unwrap();
    let before = slot.bytes.clone();
    assert!(matches!(
        mend(&mut slot, &Help::NONE),
        Err(RecoverError::LessPlayable { now: 0, mended: 0 })
    ));
    assert!(slot.bytes == before);
}

#[test]
fn an_index_of_another_length_is_hidden_before_a_new_one_is_written() {
    let good = finished();
    let mut slot = good.clone();
    // The size of the `moov`, and a table behind its first sector.
    slot.zero(32, 4);
    slot.zero(600, 2000);
    assert!(mend(&mut slot, &Help::NONE).unwrap().index);
    let page = u64::from(HEAD_LEN) - 4096;
    let hidden = [Step::Write(0), Step::Flush];
    let made = [Step::Write(0), Step::Write(page), Step::Flush];
    let shown = [Step::Write(0), Step::Flush];
    assert_eq!(slot.steps, [&hidden[..], &made, &shown].concat());
    assert!(slot.bytes == good.bytes);
}

#[test]
fn a_finished_file_whose_rest_is_not_hidden_is_mended_there_alone() {
    let good = finished();
    let (record, _) = read_record(&good).unwrap();
    let mut slot = good.clone();
    slot.zero(record.end, 8);
    let said = check(&slot).unwrap().faults.join("; ");
    assert!(said.contains("no `free` follows"), "{said}");
    let mended = mend(&mut slot, &Help::NONE).unwrap();
    assert!(mended.tail && !mended.header && !mended.init && !mended.index);
    assert!(slot.bytes == good.bytes);
    assert_eq!(slot.steps, [Step::Write(record.end), Step::Flush]);
}

#[test]
fn whatever_was_mended_is_a_change() {
    let none = mend(&mut finished(), &Help::NONE).unwrap();
    let with = |change: fn(&mut Mended)| {
        let mut mended = none.clone();
        change(&mut mended);
        mended.changed()
    };
    assert!(!with(|_| {}) && !with(|mended| mended.damaged = 3));
    assert!(with(|mended| mended.header = true) && with(|mended| mended.init = true));
    assert!(with(|mended| mended.index = true) && with(|mended| mended.tail = true));
}

#[test]
fn a_header_whose_lengths_make_no_sense_is_refused() {
    let changes: [fn(&mut Record); 7] = [
        |record| record.head_len -= 4096,
        |record| record.head_len += 512,
        |record| record.init_len += 512,
        |record| record.slot_len += 512,
        |record| record.init_moov_len = record.init_len + 1,
        |record| record.slot_len = first_fragment(record),
        // Longer than the file.
        |record| {
            record.init_len = 1 << 20;
            record.slot_len = 1 << 24;
        },
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut slot = cut_off();
        let (mut record, _) = read_record(&slot).unwrap();
        change(&mut record);
        record.store(slot.bytes.first_chunk_mut().unwrap());
        let before = slot.bytes.clone();
        for refused in [mend(&mut slot, &Help::NONE).err(), check(&slot).err()] {
            assert!(
                matches!(refused, Some(RecoverError::Layout(_))),
                "{n}: {refused:?}"
            );
        }
        assert!(slot.bytes == before, "{n}");
    }
    let mut short = cut_off();
    let (record, _) = read_record(&short).unwrap();
    short
        .bytes
        .truncate(first_fragment(&record) as usize + 4095);
    assert!(matches!(check(&short), Err(RecoverError::Layout(_))));
    short.bytes.extend([0]);
    assert!(check(&short).is_ok());
}

#[test]
fn a_damaged_fragment_that_fills_the_slot_is_kept() {
    let (at, len) = *cut_off().fragments().last().unwrap();
    let end = at + u64::from(len);
    for byte in [32, 28, 48] {
        let mut slot = cut_off();
        let (mut record, _) = read_record(&slot).unwrap();
        record.slot_len = end;
        record.store(slot.bytes.first_chunk_mut().unwrap());
        slot.bytes.truncate(end as usize);
        slot.flip(at + byte);
        let record = recovered(&mut slot);
        assert_eq!((record.end, slot.pictures()), (end, ALL), "byte {byte}");
        assert_eq!(record.counters.crc_failures, 1, "byte {byte}");
    }
}

#[test]
fn a_lost_header_is_made_of_the_newest_segment_in_the_slot() {
    let was = header(41, 7);
    let old = record_into(Slot::blank(), header(40, 7), 40, true);
    let good = record_into(old, was.clone(), 12, false);
    let (first, len) = good.fragments()[0];
    for first_is_left in [true, false] {
        let mut slot = good.clone();
        slot.zero(0, 4096);
        if !first_is_left {
            slot.zero(first, len as usize);
        }
        let record = mend(&mut slot, &Help::NONE).unwrap().record;
        assert_eq!((record.sequence, record.class), (41, b'N'));
        assert_eq!(
            (record.start_boot, record.start_utc),
            (was.start_boot, was.start_utc)
        );
        assert_eq!(record.pictures_before, was.pictures_before);
        let left = if first_is_left {
            ALL
        } else {
            ALL - PER_FRAGMENT
        };
        assert_eq!(slot.pictures(), left);
    }
}
