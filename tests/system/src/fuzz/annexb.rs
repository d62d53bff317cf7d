//! Streams of NAL units, as cameras and files deliver them.

use std::io::{self, Read};

use picam_media::annexb::{HEAD_LEN, NalReader, nals};
use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_media::{
    AccessUnit, Codec, ConfigRecord, FrameRate, JointPolicy, LeadingMarker, Place, PpsFacts,
    RawStream, Rotation, SpsFacts, UnitBuilder, UnitFacts,
};

/// One byte that chooses codec and piece length, then the stream.
pub fn annexb(input: &[u8]) {
    let Some((&choice, stream)) = input.split_first() else {
        return;
    };
    let codec = match choice & 1 {
        0 => Codec::H264,
        _ => Codec::H265,
    };
    let piece = 1 + usize::from(choice >> 1);
    cut_does_not_matter(stream, piece);
    raw_stream(stream, codec, piece);
    sets(stream, codec);
    length_prefixed(stream, codec);
}

/// Hands out a stream in small pieces.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(out.len()).min(self.0.len());
        let (now, rest) = self.0.split_at(n);
        out[..n].copy_from_slice(now);
        self.0 = rest;
        Ok(n)
    }
}

fn cut_does_not_matter(stream: &[u8], piece: usize) {
    let mut reader = NalReader::new(Pieces(stream, piece));
    // A unit of nothing but zeros for so long is none by any standard, and the reader skips it.
    let mut whole = nals(stream).filter(|nal| !nal.starts_with(&[0; HEAD_LEN]));
    let mut unit = Vec::new();
    while reader.next_head().expect("reading memory").is_some() {
        unit.clear();
        reader.append_to(&mut unit).expect("reading memory");
        assert_eq!(Some(unit.as_slice()), whole.next());
    }
    assert_eq!(whole.next(), None);
}

fn raw_stream(stream: &[u8], codec: Codec, piece: usize) {
    let mut raw = RawStream::new(Pieces(stream, piece), codec, FrameRate::new(30, 1));
    let mut unit = AccessUnit::new();
    let mut before = i64::MIN;
    let mut marker = LeadingMarker::default();
    let mut policy = JointPolicy::default();
    let mut open = false;
    while let Ok(true) = raw.read(&mut unit) {
        marker.mark(&mut unit);
        let rotation = if open { Rotation::Now } else { Rotation::First };
        let facts = UnitFacts::of(&unit, false).expect("nobody could decode this");
        match policy.next(&facts, rotation).place {
            Place::Append | Place::AppendAndCopy => assert!(open, "there is no segment"),
            Place::Begin => {
                assert!(unit.start.is_start(), "nobody could decode this segment");
                open = true;
            }
            Place::BeginWithCopy | Place::Undecodable => {}
        }
        assert!(unit.pts >= unit.dts, "shown before it is decoded");
        assert!(unit.dts >= before, "decode times go back");
        assert!(unit.parameter_sets.is_some(), "nobody could decode this");
        before = unit.dts;
    }
}

fn sets(stream: &[u8], codec: Codec) {
    let _ = ConfigRecord::parse(codec, stream);
    for nal in nals(stream).chain([stream]) {
        let _ = SpsFacts::parse(codec, nal);
        let _ = PpsFacts::parse(codec, nal);
    }
}

fn length_prefixed(stream: &[u8], codec: Codec) {
    for size in [LengthSize::One, LengthSize::Two, LengthSize::Four] {
        let mut builder = UnitBuilder::new(codec);
        let mut unit = AccessUnit::new();
        builder.begin(&mut unit);
        for nal in length_prefixed_nals(stream, size).map_while(Result::ok) {
            let _ = builder.push(&mut unit, nal);
        }
        let _ = builder.finish(&mut unit);
    }
}
