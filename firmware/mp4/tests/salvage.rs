//! Segments with every kind of track, carved out of a card whose filesystem is gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io;
use std::ops::Range;
use std::time::Duration;

use picam_mp4::fragment::FragmentRecord;
use picam_mp4::layout::{HEAD_BOX, PAGE, SECTOR};
use picam_mp4::read::Movie;
use picam_mp4::recover::read_record;
use picam_mp4::salvage::{Card, Key, Segment};
use picam_mp4::{
    Flush, FragmentLimits, ReadAt, Record, Sample, SegmentState, SegmentWriter, SlotFile,
    TrackConfig, VIDEO_TRACK, check, sample_entry,
};
use picam_testkit::numbered::Numbered;
use picam_testkit::sim_disk::Rng;
use picam_testkit::surroundings::{self, KINDS, coded, period, shown};
use picam_time::{BootNs, Ticks, UtcUs};

const FOOTAGE: Numbered = Numbered {
    fps: 30,
    gop: 15,
    key_len: (4000, 9000),
    delta_len: (60, 3000),
};
const SLOT_LEN: u64 = 1 << 20;
const PICTURES: u64 = 75;
const START_UTC: UtcUs = UtcUs(1_795_172_880_000_000);

/// A file in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot(Vec<u8>);

impl ReadAt for Slot {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
}

impl SlotFile for Slot {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }

    fn flush(&mut self, _: Flush) -> io::Result<()> {
        Ok(())
    }
}

fn record(camera: u8, sequence: u64, boot: u8) -> Record {
    Record {
        sequence,
        boot_id: [boot; 16],
        boot_number: 3,
        camera,
        class: b'E',
        camera_name: "front".into(),
        start_boot: captured(0),
        start_utc: Some(START_UTC),
        slot_len: SLOT_LEN,
        head_len: 32 * 1024,
        pictures_before: 977,
        ..Record::default()
    }
}

fn captured(n: u64) -> BootNs {
    BootNs::from_secs(61) + Duration::from_nanos(n * 1_000_000_000 / FOOTAGE.fps)
}

fn picture(n: u64, data: &[u8]) -> Sample<'_> {
    Sample {
        track: VIDEO_TRACK,
        dts: FOOTAGE.ticks(n),
        composition_offset: 0,
        duration: FOOTAGE.ticks(1) as u32,
        key: FOOTAGE.is_key(n),
        captured: captured(n),
        data,
    }
}

/// Records pictures with sound, motion and text, and says how each track begins and ends.
fn recorded(record: Record, finish: bool) -> Slot {
    recorded_as(record, FOOTAGE.tracks(), PICTURES, finish)
}

/// The same of any length, with any track of pictures.
fn recorded_as(record: Record, mut tracks: Vec<TrackConfig>, pictures: u64, finish: bool) -> Slot {
    tracks.extend(surroundings::tracks());
    let rates: Vec<u32> = tracks.iter().map(|track| track.timescale).collect();
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let slot = Slot(vec![0; SLOT_LEN as usize]);
    writer
        .begin(slot, record, tracks, &picture(0, &[]))
        .unwrap();
    let mut next = KINDS.map(|kind| (kind, 0));
    for n in 0..pictures {
        writer.push(&picture(n, &FOOTAGE.coded(n))).unwrap();
        for (track, (kind, next)) in (1..).zip(&mut next) {
            while period(*kind) * (*next as u32) <= captured(n).since(captured(0)) {
                let ticks = |span| Ticks::from_span(span, rates[track]).value;
                let sample = Sample {
                    track,
                    dts: ticks(period(*kind) * (*next as u32)),
                    composition_offset: 0,
                    duration: ticks(period(*kind)) as u32,
                    key: true,
                    captured: captured(n),
                    data: &coded(*kind, *next),
                };
                writer.push(&sample).unwrap();
                *next += 1;
            }
        }
    }
    writer.commit(None).unwrap();
    match finish {
        true => writer.finish(None).unwrap().unwrap().0,
        false => writer.abandon().unwrap().0,
    }
}

/// Where the fragments stand.
fn fragments(slot: &Slot) -> Vec<Range<usize>> {
    let (record, _) = read_record(slot).unwrap();
    let mut at = (record.head_len + record.init_len) as usize;
    let mut found = Vec::new();
    while let Some(record) = FragmentRecord::parse(&slot.0[at..]) {
        found.push(at..at + record.len as usize);
        at += record.len as usize;
    }
    found
}

fn init(slot: &Slot) -> &[u8] {
    let (record, _) = read_record(slot).unwrap();
    &slot.0[record.head_len as usize..][..record.init_moov_len as usize]
}

/// A card in disorder: what is put on it begins on sectors, with others' bytes between.
#[derive(Default)]
struct Image {
    bytes: Vec<u8>,
}

impl Image {
    fn put(&mut self, bytes: &[u8]) -> usize {
        let mut rng = Rng(self.bytes.len() as u64);
        let mut noise = vec![0; SECTOR * (1 + rng.below(5)) as usize];
        rng.fill(&mut noise);
        self.bytes.extend(noise);
        let at = self.bytes.len();
        self.bytes.extend(bytes);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(SECTOR), 0);
        at
    }
}

/// Everything that is found, looked through in steps of so many bytes, each by somebody who knows only what was noted.
fn scanned(card: &impl ReadAt, step: u64) -> Card {
    let mut found = Card::default();
    while found.scanned < card.size().unwrap() {
        found = found.clone();
        let to = found.scanned + step;
        found.scan(card, to).unwrap();
    }
    found
}

/// The file made of a segment in which so many stretches are missing.
fn written(found: &Card, segment: &Segment, card: &impl ReadAt, missing: usize) -> Slot {
    let header = found.header(segment.key);
    let init = found.init(segment).unwrap();
    let mut out = Slot(vec![0; segment.file_len(init, header) as usize]);
    segment.write(card, init, header, &mut out).unwrap();
    let checked = check(&out).unwrap();
    assert_eq!(checked.faults.len(), missing, "{:?}", checked.faults);
    assert_eq!(checked.damaged.len(), missing);
    assert_eq!(checked.state, SegmentState::Finished);
    // Nothing but the padding of a page is left over.
    assert!(checked.end + 2 * PAGE as u64 > out.0.len() as u64);
    out
}

/// What a file shows: the first and the last of its pictures, and sound, motion and text with their times.
type AllShown = ((u64, u64), [Vec<(u64, Duration)>; 3]);

fn all_shown(slot: &Slot) -> AllShown {
    let sides = KINDS.map(|kind| shown(&slot.0, kind).unwrap());
    (FOOTAGE.play(&slot.0).unwrap(), sides)
}

fn key(record: &Record) -> Key {
    Key {
        camera: record.camera,
        sequence: record.sequence,
        boot_tag: u32::from_be_bytes(*record.boot_id.first_chunk().unwrap()),
    }
}

#[test]
fn sound_motion_and_text_are_carved_with_their_pictures() {
    let records = [
        record(b'F', 41, 7),
        record(b'R', 41, 7),
        record(b'F', 42, 8),
    ];
    let finished = |record: &Record| recorded(record.clone(), true);
    let whole = records.each_ref().map(finished);
    let wanted = all_shown(&whole[0]);
    assert_eq!(wanted.0, (0, PICTURES - 1));
    let counts = wanted.1.each_ref().map(Vec::len);
    assert_eq!(counts, [124, 247, 3]);
    for with_headers in [true, false] {
        // Some finished, some not; fragments lie in any order, and those of three segments side by side.
        let slots = [0, 1, 2].map(|n| recorded(records[n].clone(), n == 1));
        let mut image = Image::default();
        let mut pieces: Vec<&[u8]> = Vec::new();
        for slot in &slots {
            let of_slot = fragments(slot).into_iter();
            pieces.extend(of_slot.map(|place| &slot.0[place]));
        }
        pieces.sort_by_key(|piece| crc32(piece));
        for piece in pieces {
            image.put(piece);
        }
        image.put(init(&slots[0]));
        if with_headers {
            for slot in &slots {
                image.put(&slot.0[..SECTOR]);
            }
        }
        let found = scanned(&image.bytes, u64::MAX / 2);
        let keys: Vec<Key> = found.segments().iter().map(|segment| segment.key).collect();
        assert_eq!(keys, [key(&records[0]), key(&records[2]), key(&records[1])]);
        for (segment, n) in found.segments().iter().zip([0, 2, 1]) {
            let out = written(&found, segment, &image.bytes, 0);
            assert_eq!(all_shown(&out), wanted, "segment {n}");
            let (is, was) = (read_record(&out).unwrap().0, &records[n]);
            assert_eq!(
                (is.sequence, is.camera, is.class),
                (was.sequence, was.camera, b'E')
            );
            assert_eq!((is.boot_number, is.pictures_before), (3, 977));
            assert_eq!(
                (is.start_boot, is.start_utc),
                (was.start_boot, was.start_utc)
            );
            assert_eq!(is.counters.frames as u64, PICTURES);
            assert_eq!(is.camera_name.is_empty(), !with_headers);
        }
    }
}

/// A number to shuffle by.
fn crc32(bytes: &[u8]) -> u64 {
    let mut rng = Rng(bytes.iter().map(|&byte| u64::from(byte)).sum());
    rng.below(1 << 32)
}

#[test]
fn what_is_noted_is_all_that_is_needed_to_go_on() {
    let slots = [
        recorded(record(b'F', 41, 7), false),
        recorded(record(b'R', 8, 7), true),
    ];
    let mut image = Image::default();
    for slot in &slots {
        image.put(&slot.0);
    }
    let at_once = scanned(&image.bytes, u64::MAX / 2);
    assert_eq!(at_once.scanned, image.bytes.len() as u64);
    assert_eq!((at_once.inits.len(), at_once.headers.len()), (1, 2));
    // What lies side by side is one stretch.
    let runs: Vec<_> = at_once
        .runs
        .iter()
        .map(|run| (run.first, run.count))
        .collect();
    let all = fragments(&slots[0]).len() as u32;
    assert_eq!(runs, [(0, all), (0, all)]);
    let run = at_once.runs[0];
    assert_eq!(
        (run.class, run.boot_number, run.head_len),
        (b'E', 3, 32 * 1024)
    );
    assert_eq!((run.boot, run.utc), (captured(0), Some(START_UTC)));
    for step in [SECTOR as u64, 5 * SECTOR as u64, 100_000, 300_000] {
        let in_steps = scanned(&image.bytes, step);
        assert_eq!(in_steps.runs, at_once.runs, "{step}");
        assert_eq!(in_steps.inits, at_once.inits, "{step}");
        assert_eq!(in_steps.headers, at_once.headers, "{step}");
    }
}

#[test]
fn a_fragment_that_is_damaged_or_missing_costs_its_own_samples_only() {
    let slot = recorded(record(b'F', 41, 7), false);
    let places = fragments(&slot);
    let (whole_pictures, whole_sides) = all_shown(&recorded(record(b'F', 41, 7), true));
    assert_eq!(whole_pictures, (0, PICTURES - 1));
    for damage in [false, true] {
        let mut image = Image::default();
        for (n, place) in places.iter().enumerate() {
            let mut bytes = slot.0[place.clone()].to_vec();
            match n {
                3 if damage => bytes[2500] ^= 1,
                3 => continue,
                _ => {}
            }
            image.put(&bytes);
        }
        image.put(init(&slot));
        let found = scanned(&image.bytes, u64::MAX / 2);
        let segments = found.segments();
        assert_eq!(segments.len(), 1);
        assert_eq!(
            segments[0].runs.iter().map(|run| run.count).sum::<u32>() as usize,
            places.len() - 1
        );
        let out = written(&found, &segments[0], &image.bytes, 1);
        let lost = lost_fragment(&slot, &places[3]);
        let pictures = FOOTAGE.shown(&out.0);
        let left: Vec<u64> = (0..PICTURES).filter(|n| !lost[0].contains(n)).collect();
        assert_eq!(pictures, left);
        for ((kind, whole), lost) in KINDS.into_iter().zip(&whole_sides).zip(&lost[1..]) {
            let numbers = shown(&out.0, kind).unwrap();
            let left: Vec<_> = whole
                .iter()
                .filter(|(n, _)| !lost.contains(n))
                .copied()
                .collect();
            assert_eq!(numbers, left, "{kind:?}");
        }
    }
}

/// The numbers of the samples of each track in one fragment.
fn lost_fragment(slot: &Slot, place: &Range<usize>) -> [Range<u64>; 4] {
    let movie = Movie::read(slot).unwrap();
    [0, 1, 2, 3].map(|track| {
        let samples = movie.tracks[track].samples.iter();
        let inside = samples.filter(|s| place.contains(&(s.offset as usize)));
        let numbers: Vec<u64> = inside
            .map(|s| u64::from_be_bytes(*slot.0[s.offset as usize..].first_chunk().unwrap()))
            .collect();
        match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) => *first..last + 1,
            _ => 0..0,
        }
    })
}

#[test]
fn what_is_found_twice_is_taken_once() {
    let slot = recorded(record(b'F', 41, 7), false);
    let places = fragments(&slot);
    let wanted = all_shown(&recorded(record(b'F', 41, 7), true));
    // Stretches that overlap: of each fragment one copy, whichever.
    for (first, second) in [(0..6, 3..10), (0..10, 2..5), (0..6, 6..10), (4..10, 0..6)] {
        let mut image = Image::default();
        // The second stretch ends with the card.
        image.put(init(&slot));
        for stretch in [first, second] {
            let end = places[stretch.end - 1].end;
            let end = if stretch.end == 10 {
                places[places.len() - 1].end
            } else {
                end
            };
            image.put(&slot.0[places[stretch.start].start..end]);
        }
        let found = scanned(&image.bytes, u64::MAX / 2);
        assert_eq!(found.runs.len(), 2);
        let out = found.segments();
        let header = found.header(out[0].key);
        assert_eq!(header, None);
        let init = found.init(&out[0]).unwrap();
        let mut file = Slot(vec![0; out[0].file_len(init, header) as usize]);
        out[0].write(&image.bytes, init, header, &mut file).unwrap();
        assert_eq!(check(&file).unwrap().faults, Vec::<String>::new());
        assert_eq!(all_shown(&file), wanted);
    }
}

/// A file that keeps what was in it when it was flushed first.
struct Flushed {
    slot: Slot,
    first: Option<Slot>,
}

impl ReadAt for Flushed {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.slot.read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        self.slot.size()
    }
}

impl SlotFile for Flushed {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.slot.write_at(offset, data)
    }

    fn flush(&mut self, _: Flush) -> io::Result<()> {
        self.first.get_or_insert_with(|| self.slot.clone());
        Ok(())
    }
}

#[test]
fn a_carved_file_is_laid_out_as_a_recorded_one_before_it_is_finished() {
    // Also with an init that leaves just enough of its page, or too little, for the box behind it.
    let tracks = |longer: usize| {
        let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
        let stsd = sample_entry::h264(&[sps], &[vec![0x68; 4 + longer]], 640, 480);
        vec![TrackConfig::video(stsd.unwrap(), 640, 480)]
    };
    let init_len = init(&recorded_as(record(b'F', 41, 7), tracks(0), 1, false)).len();
    for (head_len, init_to) in [
        (32, 2000),
        (64, PAGE - 8),
        (64, PAGE - 7),
        (32, PAGE),
        (32, PAGE + 1),
    ] {
        let mut head = record(b'F', 41, 7);
        head.head_len = head_len * 1024;
        let tracks = tracks(init_to - init_len);
        // More than is copied at once.
        let recording = recorded_as(head.clone(), tracks.clone(), 240, false);
        let finished = recorded_as(head.clone(), tracks, 240, true);
        assert_eq!(init(&recording).len(), init_to);
        let places = fragments(&recording);
        let end = places[places.len() - 1].end;
        let mut image = Image::default();
        image.put(&recording.0[places[0].start..end]);
        image.put(init(&recording));
        // The header of a finished segment says where its end is, which is not there yet. What it says of the init
        // and the head is what they are, whatever stands there.
        let mut header = finished.0[..SECTOR].to_vec();
        let forged = Record {
            head_len: if head_len == 32 { 1 } else { head_len * 1024 },
            init_len: 5,
            init_moov_len: 6,
            ..read_record(&finished).unwrap().0
        };
        forged.store(header.first_chunk_mut().unwrap());
        image.put(&header);
        let found = scanned(&image.bytes, u64::MAX / 2);
        let segment = &found.segments()[0];
        let header = found.header(segment.key);
        let init = found.init(segment).unwrap();
        let mut out = Flushed {
            slot: Slot(vec![0; segment.file_len(init, header) as usize]),
            first: None,
        };
        segment.write(&image.bytes, init, header, &mut out).unwrap();
        let first = out.first.unwrap();
        // A shorter file, so the free room behind the fragments is shorter too.
        let len = first.0.len();
        let mut wanted = recording.0[..len].to_vec();
        wanted[end..].fill(0);
        wanted[end..end + 4].copy_from_slice(&((len - end) as u32).to_be_bytes());
        wanted[end + 4..end + 8].copy_from_slice(b"free");
        let (was, state) = read_record(&recording).unwrap();
        let slot_len = len as u64;
        let (is, is_state) = read_record(&first).unwrap();
        let counters = is.counters;
        let was = Record {
            slot_len,
            counters,
            ..was
        };
        assert_eq!((&is, is_state), (&was, state));
        assert!(first.0[SECTOR..] == wanted[SECTOR..]);
        assert_eq!(&first.0[..HEAD_BOX + 8], &wanted[..HEAD_BOX + 8]);
        // What a player is shown is the same once it is finished.
        assert!(all_shown(&out.slot) == all_shown(&finished));
    }
}

#[test]
fn an_init_is_found_wherever_it_stands_if_it_is_one() {
    // Read at once are 256 KiB, and 64 KiB that reach over them.
    const STRIDE: usize = 256 * 1024;
    let boxed = |len: usize, inside: &[u8; 4]| {
        let mut bytes = vec![0; len];
        bytes[..4].copy_from_slice(&(len as u32).to_be_bytes());
        bytes[4..8].copy_from_slice(b"moov");
        bytes[len - 4..].copy_from_slice(inside);
        bytes
    };
    for at in [0, SECTOR, STRIDE - SECTOR, STRIDE] {
        for (len, inside, is_one) in [
            (12, b"mvex", true),
            (3 * PAGE + 5, b"mvex", true),
            (64 * 1024, b"mvex", true),
            (64 * 1024 + 1, b"mvex", false),
            (3 * PAGE, b"trak", false),
        ] {
            let init = boxed(len, inside);
            // The card ends with it, or goes on.
            for more in [0, STRIDE] {
                let mut card = vec![0; at];
                card.extend(&init);
                card.resize(card.len() + more, 0);
                let found = scanned(&card, u64::MAX / 2);
                let noted: Vec<_> = found.inits.values().collect();
                let wanted: &[_] = if is_one { &[&init] } else { &[] };
                assert!(noted == wanted, "{len} bytes at {at}, {more} behind them");
                assert_eq!(found.init_at.contains_key(&(at as u64)), is_one);
                assert_eq!(found.scanned, card.len().next_multiple_of(SECTOR) as u64);
            }
        }
    }
}

/// A card of which some bytes cannot be read.
struct Worn {
    bytes: Vec<u8>,
    gone: Range<u64>,
}

impl ReadAt for Worn {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if offset < self.gone.end && self.gone.start < offset + buf.len() as u64 {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.bytes.read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        self.bytes.size()
    }
}

#[test]
fn what_cannot_be_read_is_gone_over_and_counted() {
    let slot = recorded(record(b'F', 41, 7), false);
    let places = fragments(&slot);
    for (gone, costs) in [
        // In the middle of a fragment; over two; behind all.
        (
            places[4].start as u64 + 8192..places[4].start as u64 + 8192 + SECTOR as u64,
            vec![4],
        ),
        (
            places[2].end as u64 - 512..places[2].end as u64 + 512,
            vec![2, 3],
        ),
        (SLOT_LEN - 2 * PAGE as u64..SLOT_LEN, vec![]),
    ] {
        let worn = Worn {
            bytes: slot.0.clone(),
            gone: gone.clone(),
        };
        for step in [u64::MAX / 2, 100 * PAGE as u64] {
            let found = scanned(&worn, step);
            assert_eq!(found.scanned, SLOT_LEN);
            assert_eq!(found.headers.len(), 1);
            let unreadable = found.unreadable;
            let pages = (gone.end - gone.start).div_ceil(PAGE as u64) + 1;
            assert!(
                (1..=pages * PAGE as u64).contains(&unreadable),
                "{unreadable}"
            );
            let indices: Vec<u32> = found
                .runs
                .iter()
                .flat_map(|run| run.first..run.first + run.count)
                .collect();
            let left: Vec<u32> = (0..places.len() as u32)
                .filter(|n| !costs.contains(n))
                .collect();
            assert_eq!(indices, left, "{gone:?}");
            let out = found.segments();
            let file = written(&found, &out[0], &worn, usize::from(!costs.is_empty()));
            assert_eq!(FOOTAGE.shown(&file.0).first(), Some(&0));
        }
    }
}

#[test]
fn of_what_cannot_be_read_no_more_is_counted_than_was_asked_for() {
    let len = (2 * PAGE + SECTOR) as u64;
    let worn = |gone| Worn {
        bytes: vec![0; len as usize],
        gone,
    };
    let end = scanned(&worn(2 * PAGE as u64..len), u64::MAX / 2);
    assert_eq!((end.scanned, end.unreadable), (len, SECTOR as u64));
    for to in [SECTOR as u64, (PAGE + SECTOR) as u64, len] {
        let mut found = Card::default();
        found.scan(&worn(0..len), to).unwrap();
        assert_eq!((found.scanned, found.unreadable), (to, to));
    }
}

#[test]
fn a_card_that_ends_within_a_fragment_gives_those_before_it() {
    let slot = recorded(record(b'F', 41, 7), false);
    let places = fragments(&slot);
    for (end, whole) in [(places[5].end, 6), (places[5].end - SECTOR, 5)] {
        let card = slot.0[..end].to_vec();
        let found = scanned(&card, u64::MAX / 2);
        assert_eq!(found.runs.iter().map(|run| run.count).sum::<u32>(), whole);
        assert_eq!(found.scanned, end as u64);
    }
}

#[test]
fn of_a_file_that_was_cut_off_the_fragments_before_its_end_are_shown() {
    let slot = recorded(record(b'F', 41, 7), false);
    let (record, _) = read_record(&slot).unwrap();
    for (n, place) in (1..).zip(fragments(&slot)) {
        let counters = FragmentRecord::parse(&slot.0[place.clone()])
            .unwrap()
            .counters;
        let cut_off = slot.0[..place.end].to_vec();
        let shown = picam_mp4::shown(&cut_off, &record).unwrap();
        assert_eq!((shown.fragments, shown.counters), (n, counters));
    }
}

#[test]
fn each_segment_gets_its_own_header_and_init() {
    // The same number again: after the card was reset, and of another camera.
    let kinds = [
        record(b'F', 41, 7),
        record(b'F', 41, 9),
        record(b'R', 41, 7),
    ];
    let named = |n: usize| Record {
        camera_name: format!("camera {n}"),
        ..kinds[n].clone()
    };
    let mut image = Image::default();
    for n in 0..3 {
        image.put(&recorded(named(n), n == 0).0);
    }
    let found = scanned(&image.bytes, u64::MAX / 2);
    assert_eq!(found.segments().len(), 3);
    for (n, record) in kinds.iter().enumerate() {
        let header = found.header(key(record)).unwrap();
        assert_eq!(header.camera_name, format!("camera {n}"));
    }
    assert_eq!(
        found.header(Key {
            sequence: 40,
            ..key(&kinds[0])
        }),
        None
    );
    assert_eq!(
        found.header(Key {
            boot_tag: 1,
            ..key(&kinds[0])
        }),
        None
    );
    assert_eq!(
        found.header(Key {
            camera: b'I',
            ..key(&kinds[0])
        }),
        None
    );
    // A segment of version 1 does not say its camera.
    assert!(
        found
            .header(Key {
                camera: 0,
                ..key(&kinds[1])
            })
            .is_some()
    );
}

#[test]
fn segments_of_version_1_take_the_init_before_them() {
    const OLD: &[u8] = include_bytes!("golden/v1-cut-off.mp4");
    let old = Slot(OLD.to_vec());
    let new = recorded(record(b'F', 41, 7), true);
    let samples = |slot: &Slot| -> Vec<Vec<Vec<u8>>> {
        let movie = Movie::read(slot).unwrap();
        let tracks = movie.tracks.iter();
        let bytes =
            |s: &picam_mp4::read::Sample| slot.0[s.offset as usize..s.end() as usize].to_vec();
        tracks
            .map(|track| track.samples.iter().map(bytes).collect())
            .collect()
    };
    for with_header in [true, false] {
        let mut image = Image::default();
        image.put(&new.0);
        let at = image.put(OLD);
        image.put(&new.0);
        if !with_header {
            image.bytes[at..at + SECTOR].fill(0);
        }
        let found = scanned(&image.bytes, u64::MAX / 2);
        let segments = found.segments();
        assert_eq!(segments.len(), 2);
        let first = segments
            .iter()
            .find(|segment| segment.key.camera == 0)
            .unwrap();
        assert_eq!((first.runs[0].init_crc, first.runs[0].head_len), (None, 0));
        assert_eq!(found.header(first.key).is_some(), with_header);
        let out = written(&found, first, &image.bytes, 0);
        assert_eq!(samples(&out), samples(&old));
        assert_eq!(read_record(&out).unwrap().0.init_crc, None);
    }
}
