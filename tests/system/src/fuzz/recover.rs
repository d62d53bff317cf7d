//! Finishing what a power cut left, whatever it left.

use picam_mp4::layout::{PAGE, RECORD, SECTOR};
use picam_mp4::read::Movie;
use picam_mp4::record::PICAM_UUID;
use picam_mp4::{Recovery, check};

use super::boxes::check_movie;
use super::slot::{MemorySlot, cut_off};

/// The input is the file itself.
const RAW: u8 = 0xff;
/// Bit of the first byte: make the header record's CRC hold.
const REPAIR_RECORD: u8 = 1;
/// Bit of the first byte: make the fragments' CRCs hold.
const REPAIR_FRAGMENTS: u8 = 2;

/// Either 0xff and a file, or which checksums to repair, then changes to a good slot: three
/// bytes of offset (big-endian), one byte of content each. Whatever was recovered stays so and can be read.
pub fn recover(input: &[u8]) {
    let Some((&mode, rest)) = input.split_first() else {
        return;
    };
    let mut slot = match mode {
        RAW => MemorySlot(rest.to_vec()),
        _ => patched(mode, rest),
    };
    let _ = check(&slot);
    if let Ok((movie, _, _)) = Movie::read_slot(&slot) {
        check_movie(&movie, &slot.0);
    }
    let Ok(Recovery::Recovered(record)) = picam_mp4::recover(&mut slot) else {
        return;
    };
    let once = slot.0.clone();
    let movie = Movie::read(&slot).expect("a recovered file can be read");
    check_movie(&movie, &slot.0);
    let pictures = movie.tracks.first().map_or(0, |track| track.samples.len());
    assert_eq!(pictures, record.counters.frames as usize);
    match picam_mp4::recover(&mut slot) {
        Ok(Recovery::Finished(again)) => assert_eq!(again, record),
        other => panic!("recovered, and then: {other:?}"),
    }
    assert!(slot.0 == once, "a finished file was changed");
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
    let crc = FRAGMENT_RECORD + 4..FRAGMENT_RECORD + 8;
    fragment[crc.clone()].fill(0);
    let sum = crc32fast::hash(fragment);
    fragment[crc].copy_from_slice(&sum.to_be_bytes());
}
