//! Files of version 1 of the records are read, checked and recovered for ever.

use picam_mp4::read::Movie;
use picam_mp4::recover::read_record;
use picam_mp4::{Help, SegmentState, check, mend};
use picam_testkit::{ffmpeg, judges};

use crate::segments::Slot;

const CUT_OFF: &[u8] = include_bytes!("../golden/v1-cut-off.mp4");
const FINISHED: &[u8] = include_bytes!("../golden/v1-finished.mp4");
const RECOVERED: &[u8] = include_bytes!("../golden/v1-recovered.mp4");

fn decoded(slot: &Slot) -> usize {
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    std::fs::write(file.path(), &slot.0).unwrap();
    judges::decoded_pictures(file.path())
}

/// The samples of every track, as bytes.
fn samples(slot: &Slot) -> Vec<Vec<Vec<u8>>> {
    let movie = Movie::read(slot).unwrap();
    let bytes = |s: &picam_mp4::read::Sample| slot.0[s.offset as usize..s.end() as usize].to_vec();
    let tracks = movie.tracks.iter();
    tracks
        .map(|t| t.samples.iter().map(bytes).collect())
        .collect()
}

#[test]
fn a_cut_off_file_of_version_1_is_recovered_whole() {
    let mut slot = Slot(CUT_OFF.to_vec());
    let said = check(&slot).unwrap();
    assert_eq!((said.state, said.faults), (SegmentState::Recording, vec![]));
    assert_eq!(said.record.init_crc, None);
    let before = samples(&slot);
    let record = mend(&mut slot, &Help::NONE).unwrap().record;
    assert_eq!(record.counters.frames, 28);
    assert_eq!(samples(&slot), before);
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
    // It stays one of version 1.
    assert_eq!(read_record(&slot).unwrap().0.init_crc, None);
    if ffmpeg::available() {
        assert_eq!(decoded(&slot), 28);
    }
}

#[test]
fn a_finished_file_of_version_1_is_sound_and_stays_as_it_is() {
    let mut slot = Slot(FINISHED.to_vec());
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
    assert!(!mend(&mut slot, &Help::NONE).unwrap().changed());
    assert!(slot.0 == FINISHED);
}

#[test]
fn a_damaged_file_of_version_1_loses_only_the_damaged_fragment() {
    let whole = samples(&Slot(CUT_OFF.to_vec()));
    let first = {
        let (record, _) = read_record(&Slot(CUT_OFF.to_vec())).unwrap();
        (record.head_len + record.init_len) as usize
    };
    let mut slot = Slot(CUT_OFF.to_vec());
    slot.0[first..first + 2048].fill(0);
    mend(&mut slot, &Help::NONE).unwrap();
    let left = samples(&slot);
    assert!(whole[0].ends_with(&left[0]) && left[0].len() + 15 > whole[0].len());
    // Its header made anew: sequence and boot are in the fragments, the rest is not.
    let mut slot = Slot(CUT_OFF.to_vec());
    slot.0[..4096].fill(0);
    let record = mend(&mut slot, &Help::NONE).unwrap().record;
    let (was, _) = read_record(&Slot(CUT_OFF.to_vec())).unwrap();
    assert_eq!(record.sequence, was.sequence);
    assert_eq!(samples(&slot), whole);
}

#[test]
fn the_picture_that_an_earlier_recovery_hid_is_shown_again() {
    let mut slot = Slot(RECOVERED.to_vec());
    let said = check(&slot).unwrap();
    let text = said.faults.join("; ");
    assert!(text.contains("`elst`"), "{text}");
    let before = samples(&slot);
    assert!(mend(&mut slot, &Help::NONE).unwrap().index);
    assert_eq!(samples(&slot), before);
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
    if ffmpeg::available() {
        assert_eq!(decoded(&Slot(RECOVERED.to_vec())), 27);
        assert_eq!(decoded(&slot), 28);
    }
}
