//! When units share their parameter sets, and when they get new ones.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use picam_media::{AccessUnit, Codec, ParameterSets, UnitBuilder};

/// x264, 1280x720 at 30 frames a second.
const SPS: [u8; 26] = [
    0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00,
    0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60,
];
const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
const IDR: [u8; 4] = [0x65, 0x88, 0x84, 0x01];

/// The sets of a unit that consists of these NAL units.
fn unit(builder: &mut UnitBuilder, nals: &[&[u8]]) -> Option<Arc<ParameterSets>> {
    let mut unit = AccessUnit::new();
    builder.begin(&mut unit);
    for nal in nals {
        builder.push(&mut unit, nal).unwrap();
    }
    builder
        .finish(&mut unit)
        .unwrap()
        .then(|| unit.parameter_sets.unwrap())
}

#[test]
fn only_a_change_that_lasts_gives_new_sets() {
    let mut builder = UnitBuilder::new(Codec::H264);
    let mut other = SPS;
    other[3] = 0x20;
    assert_eq!(unit(&mut builder, &[&IDR]), None, "nothing is known yet");
    assert_eq!(unit(&mut builder, &[&SPS, &IDR]), None, "half is known");
    let first = unit(&mut builder, &[&SPS, &PPS, &IDR]).unwrap();
    assert_eq!((first.width, first.height), (1280, 720));
    let same = [
        unit(&mut builder, &[&IDR]).unwrap(),
        unit(&mut builder, &[&SPS, &PPS, &IDR]).unwrap(),
        unit(&mut builder, &[&other, &SPS, &IDR]).unwrap(),
    ];
    for (n, sets) in same.iter().enumerate() {
        assert!(Arc::ptr_eq(sets, &first), "{n}: {sets:?}, was {first:?}");
    }
    let changed = unit(&mut builder, &[&other, &IDR]).unwrap();
    assert_eq!((changed.sps.len(), &changed.sps[0][..]), (1, &other[..]));
}

#[test]
fn a_damaged_set_leaves_those_in_force_and_is_counted() {
    let mut builder = UnitBuilder::new(Codec::H264);
    let first = unit(&mut builder, &[&SPS, &PPS, &IDR]).unwrap();
    builder.take_parameter_set(&SPS[..6]).unwrap();
    builder.take_parameter_set(&vec![0x67; 70_000]).unwrap();
    let mut next = AccessUnit::new();
    builder.begin(&mut next);
    builder.push(&mut next, &IDR).unwrap();
    assert!(builder.finish(&mut next).unwrap());
    assert!(Arc::ptr_eq(next.parameter_sets.as_ref().unwrap(), &first));
    assert_eq!(next.damage_before, 2);
    // A slice that names a set nobody sent: pic_parameter_set_id 1.
    builder.begin(&mut next);
    builder.push(&mut next, &[0x41, 0b1101_0000]).unwrap();
    assert!(!builder.finish(&mut next).unwrap());
    builder.begin(&mut next);
    builder.push(&mut next, &IDR).unwrap();
    assert!(builder.finish(&mut next).unwrap());
    assert_eq!(next.damage_before, 1);
}

#[test]
fn damage_that_does_not_end_is_an_error() {
    let mut builder = UnitBuilder::new(Codec::H264);
    unit(&mut builder, &[&SPS, &PPS, &IDR]).unwrap();
    let taken = (0..2000)
        .take_while(|_| builder.take_parameter_set(&SPS[..6]).is_ok())
        .count();
    assert_eq!(taken, 1000);
}
