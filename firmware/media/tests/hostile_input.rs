//! Whatever the bytes, however they come: the same units, and never a panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::{self, Read};

use picam_media::annexb::{NalReader, nals};
use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_media::{
    AccessUnit, Codec, ConfigRecord, FrameRate, PpsFacts, RawStream, SpsFacts, UnitBuilder,
};
use proptest::prelude::*;

/// Hands out a stream in pieces of the given lengths, again and again.
struct Pieces<'a> {
    rest: &'a [u8],
    lengths: &'a [usize],
    next: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths[self.next % self.lengths.len()];
        self.next += 1;
        if self.next % 7 == 3 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = length.min(out.len()).min(self.rest.len());
        out[..n].copy_from_slice(&self.rest[..n]);
        self.rest = &self.rest[n..];
        Ok(n)
    }
}

/// Bytes that are mostly zeros and ones, so that start codes are frequent.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![5 => Just(0u8), 3 => Just(1u8), 1 => Just(3u8), 3 => any::<u8>()];
    prop::collection::vec(byte, 0..600)
}

/// The definition, byte by byte.
fn naive(data: &[u8]) -> Vec<Vec<u8>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    let mut at = 0;
    let mut open = false;
    while at < data.len() {
        if data[at..].starts_with(&[0, 0, 1]) {
            units.push(Vec::new());
            open = true;
            at += 3;
        } else {
            if open {
                units.last_mut().unwrap().push(data[at]);
            }
            at += 1;
        }
    }
    for unit in &mut units {
        while unit.last() == Some(&0) {
            unit.pop();
        }
    }
    units.retain(|u| !u.is_empty());
    units
}

fn read_pieces(data: &[u8], lengths: &[usize], skip: bool) -> Vec<Vec<u8>> {
    let mut reader = NalReader::new(Pieces {
        rest: data,
        lengths,
        next: 0,
    });
    let mut units = Vec::new();
    let mut n = 0;
    while let Some(head) = reader.next_head().unwrap() {
        let head = head.to_vec();
        n += 1;
        if skip && n % 2 == 0 {
            continue;
        }
        let mut unit = vec![0xee];
        let len = reader.append_to(&mut unit).unwrap();
        assert_eq!(unit.len(), 1 + len);
        let unit = unit.split_off(1);
        assert!(unit.starts_with(&head) && !head.is_empty());
        units.push(unit);
    }
    assert!(reader.next_head().unwrap().is_none());
    units
}

/// x264, 1280x720 at 30 frames a second.
const SPS_264: [u8; 26] = [
    0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00,
    0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60,
];
/// x265, 1920x1080 at 25 frames a second, with default scaling lists.
const SPS_265: [u8; 42] = [
    0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
    0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80, 0x10, 0xe5, 0x96, 0x56, 0x69, 0x24, 0xe5, 0x78, 0x0b, 0x40,
    0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x06, 0x42,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn units_do_not_depend_on_how_the_stream_is_cut(
        data in stream(),
        lengths in prop::collection::vec(1usize..40, 1..9),
    ) {
        let expected = naive(&data);
        prop_assert_eq!(&nals(&data).map(<[u8]>::to_vec).collect::<Vec<_>>(), &expected);
        prop_assert_eq!(&read_pieces(&data, &lengths, false), &expected);
        prop_assert_eq!(&read_pieces(&data, &[usize::MAX], false), &expected);
        let odd: Vec<_> = expected.iter().step_by(2).cloned().collect();
        prop_assert_eq!(&read_pieces(&data, &lengths, true), &odd);
    }

    #[test]
    fn any_stream_is_read_or_refused(data in stream(), h265 in any::<bool>()) {
        let codec = if h265 { Codec::H265 } else { Codec::H264 };
        let mut stream = RawStream::new(&data[..], codec, FrameRate::new(30, 1));
        let mut unit = AccessUnit::new();
        while let Ok(true) = stream.read(&mut unit) {
            prop_assert!(unit.pts >= unit.dts);
        }
    }

    #[test]
    fn damaged_parameter_sets_are_read_or_refused(
        h265 in any::<bool>(),
        keep in 1usize..43,
        damage in prop::collection::vec((0usize..43, any::<u8>()), 0..6),
        slices in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..6),
    ) {
        let codec = if h265 { Codec::H265 } else { Codec::H264 };
        let mut sps = if h265 { SPS_265.to_vec() } else { SPS_264.to_vec() };
        sps.truncate(keep);
        for (at, value) in damage {
            if let Some(byte) = sps.get_mut(at) {
                *byte = value;
            }
        }
        let _ = SpsFacts::parse(codec, &sps);
        let _ = PpsFacts::parse(codec, &sps);
        let _ = ConfigRecord::parse(codec, &sps);
        // The same set in a stream, with slices that depend on it.
        let mut data = Vec::new();
        let pps: &[u8] = if h265 { &[0x44, 1, 0xc1, 0x72, 0xb4, 0x62, 0x40] } else { &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0] };
        for nal in [&sps[..], pps].into_iter().chain(slices.iter().map(Vec::as_slice)) {
            data.extend_from_slice(&[0, 0, 1]);
            data.extend_from_slice(nal);
        }
        let mut stream = RawStream::new(&data[..], codec, FrameRate::new(30, 1));
        let mut unit = AccessUnit::new();
        while let Ok(true) = stream.read(&mut unit) {}
    }

    #[test]
    fn samples_of_any_bytes_are_read_or_refused(sample in stream(), h265 in any::<bool>()) {
        let codec = if h265 { Codec::H265 } else { Codec::H264 };
        for size in [LengthSize::One, LengthSize::Two, LengthSize::Four] {
            let mut builder = UnitBuilder::new(codec);
            let mut unit = AccessUnit::new();
            builder.begin(&mut unit);
            let total: usize = length_prefixed_nals(&sample, size)
                .map_while(Result::ok)
                .inspect(|nal| { let _ = builder.push(&mut unit, nal); })
                .map(<[u8]>::len)
                .sum();
            let _ = builder.finish(&mut unit);
            prop_assert!(total <= sample.len());
        }
    }
}

#[test]
fn the_undamaged_sets_say_what_they_say() {
    let facts = SpsFacts::parse(Codec::H264, &SPS_264).unwrap();
    assert_eq!((facts.width, facts.height), (1280, 720));
    assert_eq!(facts.rate, FrameRate::new(60, 2));
    let facts = SpsFacts::parse(Codec::H265, &SPS_265).unwrap();
    assert_eq!((facts.width, facts.height), (1920, 1080));
    assert_eq!(facts.rate, FrameRate::new(25, 1));
}

#[test]
fn a_unit_longer_than_any_picture_is_refused() {
    let endless = [0, 0, 1, 0x65]
        .into_iter()
        .chain(std::iter::repeat_n(0x55, 9 << 20));
    let data: Vec<u8> = endless.collect();
    let mut reader = NalReader::new(&data[..]);
    reader.next_head().unwrap().unwrap();
    let error = reader.append_to(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}
