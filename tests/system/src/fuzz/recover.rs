//! Finishing what a power cut left, whatever it left.

use std::ops::Range;

use picam_mp4::fragment::FragmentRecord;
use picam_mp4::layout::{PAGE, RECORD, SECTOR};
use picam_mp4::read::Movie;
use picam_mp4::record::PICAM_UUID;
use picam_mp4::{Help, Record, SegmentState, check};
use picam_testkit::read_slot;

use super::boxes::check_movie;
use super::slot::{MemorySlot, cut_off};

/// The input is the file itself.
const RAW: u8 = 0xff;
/// Bit of the first byte: make the header record's CRC hold.
const REPAIR_RECORD: u8 = 1;
/// Bit of the first byte: make the fragments' CRCs hold.
const REPAIR_FRAGMENTS: u8 = 2;

/// Either 0xff and a file, or which checksums to repair, then changes to a good slot: three
/// bytes of offset (big-endian), one byte of content each. Whatever was recovered stays so, can be read, and shows
/// no fewer pictures of the segment than before.
pub fn recover(input: &[u8]) {
    let Some((&mode, rest)) = input.split_first() else {
        return;
    };
    let mut slot = match mode {
        RAW => MemorySlot(rest.to_vec()),
        _ => patched(mode, rest),
    };
    let _ = check(&slot);
    if let Ok((movie, _, _)) = read_slot(&slot) {
        check_movie(&movie, &slot.0);
    }
    let found = slot.0.clone();
    let before = Movie::read(&slot).ok();
    let Ok(mended) = picam_mp4::mend(&mut slot, &Help::NONE) else {
        return;
    };
    if mended.empty || !mended.changed() {
        assert!(slot.0 == found, "nothing was done, and the file changed");
        return;
    }
    assert_no_less(&mended.record, before.as_ref(), &found, &slot);
    let once = slot.0.clone();
    let movie = Movie::read(&slot).expect("a mended file can be read");
    check_movie(&movie, &slot.0);
    if mended.was == SegmentState::Recording {
        let pictures = movie.tracks.first().map_or(0, |track| track.samples.len());
        assert_eq!(pictures, mended.record.counters.frames as usize);
    }
    match picam_mp4::mend(&mut slot, &Help::NONE) {
        Ok(again) => assert!(!again.changed(), "mended, and then: {again:?}"),
        Err(error) => panic!("mended, and then: {error}"),
    }
    assert!(slot.0 == once, "a mended file was changed");
}

/// The pictures of the segment that were shown before are shown still, or as many others. What a whole fragment of another
/// segment shows is not the segment's.
fn assert_no_less(record: &Record, before: Option<&Movie>, found: &[u8], slot: &MemorySlot) {
    let place = u64::from(record.head_len) + u64::from(record.init_len)..record.end;
    let others = others(record, place.clone(), found);
    let pictures = |movie: &Movie| {
        let samples = movie.tracks.first().into_iter().flat_map(|t| &t.samples);
        let here = samples.filter(|s| place.contains(&s.offset) && s.size > 0);
        here.filter(|s| !others.iter().any(|other| other.contains(&s.offset)))
            .count()
    };
    let after = Movie::read(slot).ok();
    let (before, after) = (
        before.map_or(0, pictures),
        after.as_ref().map_or(0, pictures),
    );
    assert!(after >= before, "{before} pictures before, {after} after");
}

/// Where whole fragments of other segments stand.
fn others(record: &Record, place: Range<u64>, found: &[u8]) -> Vec<Range<u64>> {
    let places = place.step_by(PAGE).filter_map(|at| {
        let fragment = found.get(at as usize..)?;
        let said = FragmentRecord::parse(fragment)?;
        let whole = fragment.get(..said.len as usize)?;
        let boot = record.boot_id.starts_with(&said.boot_tag.to_be_bytes());
        let ours = boot && said.sequence == record.sequence;
        (!ours && checksum(whole) == said.crc).then_some(at..at + u64::from(said.len))
    });
    places.collect()
}

fn patched(mode: u8, changes: &[u8]) -> MemorySlot {
    let mut slot = cut_off();
    let bytes = &mut slot.0;
    let length = bytes.len();
    for &[a, b, c, value] in changes.as_chunks::<4>().0 {
        let at = u32::from_be_bytes([0, a, b, c]) as usize;
        bytes[at % length] = value;
    }
    if mode & REPAIR_FRAGMENTS != 0 {
        for at in (0..length).step_by(PAGE) {
            repair_fragment(&mut bytes[at..]);
        }
    }
    if mode & REPAIR_RECORD != 0 {
        let crc = crc32fast::hash(&bytes[RECORD..SECTOR - 4]);
        bytes[SECTOR - 4..SECTOR].copy_from_slice(&crc.to_be_bytes());
    }
    slot
}

/// Offset of a fragment's record, behind its `moof` and `mfhd` and the header of its `uuid`.
const FRAGMENT_RECORD: usize = 48;

/// Makes the checksum of the fragment that `bytes` begin with hold, if there is one.
fn repair_fragment(bytes: &mut [u8]) {
    let record = &bytes[FRAGMENT_RECORD..FRAGMENT_RECORD + 12];
    if bytes[FRAGMENT_RECORD - 16..FRAGMENT_RECORD] != PICAM_UUID || record[..4] != *b"pFR2" {
        return;
    }
    let length = u32::from_be_bytes([record[8], record[9], record[10], record[11]]) as usize;
    let Some(fragment) = bytes.get_mut(..length) else {
        return;
    };
    if length < PAGE {
        return;
    }
    let sum = checksum(fragment);
    fragment[FRAGMENT_RECORD + 4..FRAGMENT_RECORD + 8].copy_from_slice(&sum.to_be_bytes());
}

/// The checksum that a fragment's record should have.
fn checksum(fragment: &[u8]) -> u32 {
    let (before, rest) = fragment.split_at(FRAGMENT_RECORD + 4);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(before);
    hasher.update(&[0; 4]);
    hasher.update(&rest[4..]);
    hasher.finalize()
}
