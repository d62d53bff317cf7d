//! What the writer lays out, byte for byte: the files of version 2 that it must go on making, and recovery of which must
//! go on giving the same. `PICAM_GOLDEN=write` makes the files anew, for a version 3.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::PathBuf;

use std::time::Duration;

use picam_mp4::camm::{Fix, acceleration_sample};
use picam_mp4::fragment::FragmentRecord;
use picam_mp4::read::Movie;
use picam_mp4::recover::read_record;
use picam_mp4::{
    Counters, FragmentLimits, Help, ReadAt, Record, Sample, SegmentState, SegmentWriter,
    TrackConfig, WriteError, check, mend, patch_record, sample_entry,
};
use picam_ring::Directory;
use picam_testkit::sim_disk::{Mutant, SimDisk, SimFile};
use picam_time::{BootNs, UtcUs};

const SLOT_LEN: u64 = 512 * 1024;
const HEAD_LEN: u32 = 32 * 1024;
const ORIGIN: i64 = 5_400_000;
const START_BOOT: BootNs = BootNs::from_secs(61);
const PICTURES: u64 = 50;

fn slot() -> SimFile {
    let disk = SimDisk::new(Mutant::None);
    disk.create("slot.mp4", SLOT_LEN).unwrap()
}

fn tracks() -> Vec<TrackConfig> {
    let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
    let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480).unwrap();
    vec![
        TrackConfig::video(stsd, 640, 480),
        TrackConfig::audio(sample_entry::pcm_s16le(8000, 1).unwrap(), 8000),
        TrackConfig::camm().unwrap(),
        TrackConfig::text().unwrap(),
    ]
}

fn record() -> Record {
    Record {
        sequence: 1_000_041,
        boot_id: *b"0123456789abcdef",
        boot_number: 3,
        camera: b'F',
        class: b'N',
        camera_name: "front".into(),
        start_boot: START_BOOT,
        slot_len: SLOT_LEN,
        head_len: HEAD_LEN,
        pictures_before: 977,
        ..Record::default()
    }
}

/// A sample of some track; `at` is in units of its own.
fn sample<'a>(
    track: usize,
    since_start: i64,
    rate: i64,
    duration: u32,
    data: &'a [u8],
) -> Sample<'a> {
    Sample {
        track,
        dts: ORIGIN * rate / 90_000 + since_start,
        composition_offset: 0,
        duration,
        key: true,
        captured: START_BOOT.shifted_ns(since_start * 1_000_000_000 / rate),
        data,
    }
}

fn picture(n: u64, data: &[u8]) -> Sample<'_> {
    Sample {
        // Every fourth is shown late, as before two B pictures.
        composition_offset: if n.is_multiple_of(4) { 6_000 } else { 3_000 },
        key: n.is_multiple_of(20),
        ..sample(0, n as i64 * 3_000, 90_000, 3_000, data)
    }
}

fn coded(n: u64) -> Vec<u8> {
    let len = if n.is_multiple_of(20) {
        900
    } else {
        60 + (n * 37 % 200)
    };
    (0..len).map(|at| (n * 31 + at * 7) as u8).collect()
}

/// A segment as it is recorded, from its first picture on.
fn begun() -> SegmentWriter<SimFile> {
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let first = coded(0);
    writer
        .begin(slot(), record(), tracks(), &picture(0, &first))
        .unwrap();
    writer
}

fn recorded(pictures: u64) -> SegmentWriter<SimFile> {
    let mut writer = begun();
    record_into(&mut writer, pictures);
    writer
}

/// Pictures and what comes along with them.
fn record_into(writer: &mut SegmentWriter<SimFile>, pictures: u64) {
    for n in 0..pictures {
        writer.push(&picture(n, &coded(n))).unwrap();
        let at = n as i64;
        writer
            .push(&sample(1, at * 266, 8000, 266, &[n as u8; 532]))
            .unwrap();
        if n % 3 == 0 {
            let fix = Fix {
                gps_epoch_s: 1_450_000_000.5 + n as f64,
                fix_type: 3,
                latitude: 52.5 + n as f64 / 1000.0,
                longitude: 13.4 - n as f64 / 1000.0,
                altitude: 34.5,
                horizontal_accuracy: 1.5,
                vertical_accuracy: 2.5,
                velocity: [3.0, -4.0, 0.25],
                speed_accuracy: 0.5,
            };
            writer
                .push(&sample(2, at * 33, 1000, 100, &fix.to_sample()))
                .unwrap();
        } else {
            let still = acceleration_sample([0.1, n as f32, 9.8]);
            writer.push(&sample(2, at * 33, 1000, 33, &still)).unwrap();
        }
        if n % 30 == 0 {
            writer
                .push(&sample(3, at * 33, 1000, 1000, b"\0\x0512:00"))
                .unwrap();
        }
        if n == 17 {
            let counters = writer.counters_mut().unwrap();
            *counters = Counters {
                dropped_queue: 2,
                stream_damage: 1,
                ..*counters
            };
        }
        if n == 30 {
            let change =
                |record: &mut Record| record.start_utc = Some(UtcUs(1_795_172_880_000_000));
            writer.update_record(change).unwrap();
        }
    }
}

fn bytes(file: &impl ReadAt) -> Vec<u8> {
    let mut bytes = vec![0; SLOT_LEN as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// Compares with the file kept. What follows the last byte that is not zero is not kept.
fn assert_golden(name: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let len = bytes
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    if std::env::var_os("PICAM_GOLDEN").is_some_and(|wish| wish == "write") {
        std::fs::write(&path, &bytes[..len]).unwrap();
    }
    let kept = std::fs::read(&path).unwrap();
    let differs = kept.iter().zip(bytes).position(|(a, b)| a != b);
    assert_eq!(
        (differs, kept.len()),
        (None, len),
        "{name} differs from what was written before"
    );
}

#[test]
fn files_of_version_2_are_made_as_ever() {
    let cut_off = {
        let mut writer = recorded(PICTURES);
        writer.commit(None).unwrap();
        writer.flush().unwrap();
        bytes(&writer.abandon().unwrap().0)
    };
    assert_golden("v2-cut-off.mp4", &cut_off);
    let (mut file, said) = recorded(PICTURES).finish(None).unwrap().unwrap();
    assert_golden("v2-finished.mp4", &bytes(&file));
    let (read, state) = read_record(&file).unwrap();
    assert_eq!((&read, state), (&said, SegmentState::Finished));
    assert_eq!(check(&file).unwrap().faults, Vec::<String>::new());
    // Its time and class become others.
    patch_record(&mut file, |record| {
        record.start_utc = Some(UtcUs(1_795_172_900_250_000));
        record.class = b'E';
    })
    .unwrap();
    assert_golden("v2-dated.mp4", &bytes(&file));

    let mut recovered = slot();
    picam_mp4::SlotFile::write_at(&mut recovered, 0, &cut_off).unwrap();
    assert!(mend(&mut recovered, &Help::NONE).unwrap().index);
    assert_golden("v2-recovered.mp4", &bytes(&recovered));
}

#[test]
fn a_file_whose_text_lasted_longer_than_its_pictures_loses_nothing() {
    // As files were made at first: only the ends of two tracks differ.
    let long_text: &[u8] = include_bytes!("golden/v2-finished-long-text.mp4");
    let mut file = slot();
    let mut padded = long_text.to_vec();
    padded.resize(long_text.len().next_multiple_of(4096), 0);
    picam_mp4::SlotFile::write_at(&mut file, 0, &padded).unwrap();
    assert!(mend(&mut file, &Help::NONE).unwrap().index);
    let (now, _) = recorded(PICTURES).finish(None).unwrap().unwrap();
    assert_eq!(check(&file).unwrap().faults, Vec::<String>::new());
    let head = record().head_len as usize;
    assert!(bytes(&file)[head..] == bytes(&now)[head..]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let begin = |change: &dyn Fn(&mut Record)| {
        let mut record = record();
        change(&mut record);
        let mut writer = SegmentWriter::new(FragmentLimits::default());
        let first = coded(0);
        writer.begin(slot(), record, tracks(), &picture(0, &first))
    };
    let refused = |done| matches!(done, Err(WriteError::Layout(_)));
    assert!(begin(&|_| {}).is_ok());
    let page = 4096;
    for (head_len, good) in [
        (28 << 10, false),
        (32 << 10, true),
        ((32 << 10) + 512, false),
        (36 << 10, true),
    ] {
        assert_eq!(
            refused(begin(&|record| record.head_len = head_len)),
            !good,
            "{head_len}"
        );
    }
    let least = u64::from(HEAD_LEN) + 64 * page;
    for (slot_len, good) in [
        (least, true),
        (least - page, false),
        (least + 512, false),
        (least + page, true),
    ] {
        assert_eq!(
            refused(begin(&|record| record.slot_len = slot_len)),
            !good,
            "{slot_len}"
        );
    }
    let first = coded(0);
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let sound_first = tracks().into_iter().rev().collect();
    assert!(refused(writer.begin(
        slot(),
        record(),
        sound_first,
        &picture(0, &first)
    )));
    assert!(writer.record().is_none() && writer.counters_mut().is_none());
    assert!(refused(writer.push(&picture(0, &first)).map(|_| ())));
    let mut writer = begun();
    assert!(refused(
        writer.push(&sample(4, 0, 1000, 1, b"")).map(|_| ())
    ));
}

#[test]
fn nothing_of_an_earlier_segment_is_taken_over() {
    let mut writer = recorded(PICTURES);
    assert_eq!(writer.elapsed(ORIGIN + 90_000), 90_000);
    assert_eq!(writer.record().unwrap().sequence, 1_000_041);
    assert!(writer.fragments() >= 5);
    let (_, before) = writer.finish(None).unwrap().unwrap();
    assert!(
        before.end > 0 && before.duration > Duration::ZERO && before.counters.dropped_queue == 2
    );
    let again = Record {
        recovered: true,
        ..before
    };
    let first = coded(0);
    writer
        .begin(slot(), again, tracks(), &picture(0, &first))
        .unwrap();
    let now = writer.record().unwrap();
    assert_eq!(
        (now.end, now.duration, now.recovered),
        (0, Duration::ZERO, false)
    );
    assert_eq!((now.counters, writer.fragments()), (Counters::default(), 0));
    assert_eq!(writer.elapsed(ORIGIN), 0);
}

#[test]
fn an_init_of_any_length_ends_with_a_page() {
    let begin = |padding: usize| {
        let mut sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
        sps.resize(sps.len() + padding, 0x55);
        let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480).unwrap();
        let mut writer = SegmentWriter::new(FragmentLimits::default());
        let first = coded(0);
        writer
            .begin(
                slot(),
                record(),
                vec![TrackConfig::video(stsd, 640, 480)],
                &picture(0, &first),
            )
            .unwrap();
        let bytes = bytes(&writer.abandon().unwrap().0);
        (read_record(&&bytes[..]).unwrap().0, bytes)
    };
    let page = 4096;
    let shortest = begin(0).0.init_moov_len;
    // Seven bytes left on the page are too few for another box's header, eight are enough.
    let to_the_page = (page - shortest % page) as usize;
    for padding in to_the_page - 10..to_the_page + 4 {
        let (record, bytes) = begin(padding);
        let (moov, init) = (record.init_moov_len, record.init_len);
        assert_eq!(moov, shortest + padding as u32);
        assert_eq!(init, (moov + 8).div_ceil(page) * page, "{moov}");
        let free = |at: u32, len: u64| {
            let at = at as usize;
            let header = [&(len as u32).to_be_bytes()[..], b"free"].concat();
            assert_eq!(bytes[at..at + 8], header, "{moov}");
            bytes[at + 8..].iter().position(|&byte| byte != 0)
        };
        let rest = SLOT_LEN - u64::from(HEAD_LEN + init);
        assert_eq!(
            free(HEAD_LEN + moov, u64::from(init - moov)),
            // Nothing but the next box's header, which has no zero but in its length's first byte.
            Some((init - moov) as usize - 8 + 1)
        );
        assert_eq!(free(HEAD_LEN + init, rest), None);
        assert_eq!(&bytes[HEAD_LEN as usize + 4..][..4], b"moov");
        assert_eq!(&bytes[HEAD_LEN as usize - 28..][..4], b"ftyp");
    }
}

#[test]
fn an_index_of_any_length_is_written_whole() {
    let finish = |padding: usize| {
        let mut sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
        sps.resize(sps.len() + padding, 0x55);
        let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480).unwrap();
        // What stood in the slot before is no zeros.
        let mut file = slot();
        let before = vec![0xff; SLOT_LEN as usize];
        picam_mp4::SlotFile::write_at(&mut file, 0, &before).unwrap();
        let mut writer = SegmentWriter::new(FragmentLimits::default());
        let first = coded(0);
        let tracks = vec![TrackConfig::video(stsd, 640, 480)];
        writer
            .begin(file, record(), tracks, &picture(0, &first))
            .unwrap();
        writer.push(&picture(0, &first)).unwrap();
        let (file, _) = writer.finish(None).unwrap().unwrap();
        bytes(&file)
    };
    let moov_len = |bytes: &[u8]| u32::from_be_bytes(*bytes[32..].first_chunk().unwrap()) as usize;
    let page = 4096;
    let shortest = 32 + moov_len(&finish(0)) + 8;
    // The header of the `free` behind it ends right before the end of a page, there, or behind it.
    let to_the_page = page - shortest % page;
    for padding in to_the_page - 4..to_the_page + 12 {
        let bytes = finish(padding);
        let end = 32 + moov_len(&bytes);
        assert_eq!(end + 8, shortest + padding);
        let free = HEAD_LEN as usize - 48 - end;
        let header = [&(free as u32).to_be_bytes()[..], b"free"].concat();
        assert_eq!(bytes[end..end + 8], header, "{padding}");
        assert_eq!(check(&bytes).unwrap().faults, Vec::<String>::new());
    }
}

/// Where the first fragment stands.
fn first_fragment(bytes: &[u8]) -> usize {
    let (record, _) = read_record(&bytes).unwrap();
    (record.head_len + record.init_len) as usize
}

#[test]
fn a_fragment_is_known_by_all_of_its_marks() {
    let (file, _) = recorded(PICTURES).finish(None).unwrap().unwrap();
    let bytes = bytes(&file);
    let front = &bytes[first_fragment(&bytes)..][..4096];
    let record = FragmentRecord::parse(front).unwrap();
    assert_eq!((record.index, record.sequence), (0, 1_000_041));
    assert_eq!(record.boot_tag, u32::from_be_bytes(*b"0123"));
    let with = |at: usize, bytes: &[u8]| {
        let mut front = front.to_vec();
        front[at..at + bytes.len()].copy_from_slice(bytes);
        FragmentRecord::parse(&front)
    };
    // `moof`, `uuid` and its type, then the record's own mark.
    for (at, mark) in [
        (4, &b"moof"[..]),
        (28, b"uuid"),
        (32, &picam_mp4::record::PICAM_UUID),
        (48, b"pFR2"),
    ] {
        assert_eq!(with(at, mark), Some(record), "byte {at}");
        for (at, byte) in (at..).zip(mark) {
            assert_eq!(with(at, &[byte ^ 1]), None, "byte {at}");
        }
    }
    // Its length: one page or more, and whole ones.
    for (len, good) in [
        (0, false),
        (2048, false),
        (4096, true),
        (6144, false),
        (1 << 20, true),
    ] {
        let read = with(56, &u32::to_be_bytes(len));
        assert_eq!(read.map(|read| read.len), good.then_some(len), "{len}");
    }
    // Of version 1 it ends earlier.
    let old = with(48, b"pFRG").unwrap();
    assert_eq!(
        (old.origin, old.len, old.crc),
        (None, record.len, record.crc)
    );
    // All of it must be there.
    assert_eq!(FragmentRecord::parse(&front[..160]), Some(record));
    assert_eq!(FragmentRecord::parse(&front[..159]), None);
}

#[test]
fn a_fragment_longer_than_what_is_read_at_once_is_checked_whole() {
    let slot_len = 4 << 20;
    let disk = SimDisk::new(Mutant::None);
    let file = disk.create("slot.mp4", slot_len).unwrap();
    let record = Record {
        slot_len,
        ..record()
    };
    let tracks = tracks().into_iter().take(1).collect();
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    writer
        .begin(file, record, tracks, &picture(0, &[]))
        .unwrap();
    // A picture like another CRC field at every place where one could be taken for it.
    for n in 0..2 {
        let data = vec![0x5a; 400_000];
        writer.push(&picture(n, &data)).unwrap();
    }
    let (file, _) = writer.finish(None).unwrap().unwrap();
    let mut bytes = vec![0; slot_len as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    assert_eq!(check(&bytes).unwrap().faults, Vec::<String>::new());
    let first = first_fragment(&bytes);
    for at in (2048..780_000)
        .step_by(97_003)
        .chain([256 * 1024 + 52, 512 * 1024 + 53])
    {
        let mut damaged = bytes.clone();
        damaged[first + at] ^= 1;
        assert_eq!(check(&damaged).unwrap().damaged.len(), 1, "byte {at}");
    }
}

#[test]
fn a_segment_is_dated_whatever_is_wrong_with_its_index() {
    let (file, _) = recorded(PICTURES).finish(None).unwrap().unwrap();
    let whole = bytes(&file);
    let later = Some(UtcUs(1_795_172_900_250_000));
    let date = |bytes: &[u8]| {
        let disk = SimDisk::new(Mutant::None);
        let mut file = disk.create("slot.mp4", SLOT_LEN).unwrap();
        picam_mp4::SlotFile::write_at(&mut file, 0, bytes).unwrap();
        disk.take_log();
        patch_record(&mut file, |record| record.start_utc = later).unwrap();
        assert_eq!(read_record(&file).unwrap().0.start_utc, later);
        self::bytes(&file)
    };
    let dated = date(&whole);
    // The size of the first `trak`, of its `tkhd`, and the version of that.
    for (at, damage) in [
        (512, [0, 0, 0, 0]),
        (512, [0, 0, 0, 7]),
        (512, [0xff; 4]),
        (520, [0, 0, 0, 0]),
        (520, [0xff; 4]),
        (528, [0, 0, 0, 0]),
    ] {
        let mut damaged = whole.clone();
        damaged[at..at + 4].copy_from_slice(&damage);
        let after = date(&damaged);
        // Nothing but times is written, and none where no box can be told.
        let changed = (0..after.len()).filter(|&at| after[at] != damaged[at]);
        assert!(
            changed.clone().all(|at| dated[at] == after[at]),
            "{at}: {damage:?}"
        );
        let in_first_track = changed.filter(|at| (512..1592).contains(at)).count();
        let mdhd_alone = at == 528;
        assert_eq!(in_first_track > 0, mdhd_alone, "{at}: {damage:?}");
    }
    // What stays as it is, is not written.
    let disk = SimDisk::new(Mutant::None);
    let mut file = disk.create("slot.mp4", SLOT_LEN).unwrap();
    picam_mp4::SlotFile::write_at(&mut file, 0, &dated).unwrap();
    disk.take_log();
    patch_record(&mut file, |record| record.start_utc = later).unwrap();
    assert!(disk.take_log().is_empty());
    // Its class alone needs no other times.
    patch_record(&mut file, |record| record.class = b'P').unwrap();
    let writes = disk.take_log().len();
    assert_eq!(writes, 2, "one page, and a flush");
}

#[test]
fn the_last_picture_of_a_fragment_lasts_until_the_next_one() {
    let last = ORIGIN + 3 * 3_000;
    for (next, lasts) in [
        (Some(last + 4_500), 4_500),
        (Some(last + 1), 1),
        // Nobody knows yet, or the source began anew: it lasts as long as it said.
        (None, 3_000),
        (Some(last), 3_000),
        (Some(last - 3_000), 3_000),
        (Some(0), 3_000),
        (Some(i64::MAX), 3_000),
    ] {
        let mut writer = begun();
        for n in 0..4 {
            writer.push(&picture(n, &coded(n))).unwrap();
        }
        writer.commit(next).unwrap();
        let bytes = bytes(&writer.abandon().unwrap().0);
        let movie = Movie::read(&bytes).unwrap();
        let durations: Vec<u32> = movie.tracks[0].samples.iter().map(|s| s.duration).collect();
        assert_eq!(durations, [3_000, 3_000, 3_000, lasts], "{next:?}");
    }
}

#[test]
fn a_writers_second_segment_is_laid_out_as_its_first() {
    let mut writer = recorded(PICTURES / 2);
    let first = coded(0);
    for round in 0..2 {
        match round {
            0 => drop(writer.finish(None).unwrap()),
            _ => drop(writer.abandon()),
        }
        writer
            .begin(slot(), record(), tracks(), &picture(0, &first))
            .unwrap();
        record_into(&mut writer, PICTURES);
    }
    let (file, _) = writer.finish(None).unwrap().unwrap();
    assert_golden("v2-finished.mp4", &bytes(&file));
}
