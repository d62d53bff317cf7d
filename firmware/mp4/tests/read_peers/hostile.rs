//! Files that mean harm: whatever stands in them, reading ends with a movie or an error.

use std::io;

use picam_mp4::ReadAt;
use picam_mp4::cut::{CutPlan, Source};
use picam_mp4::read::{Movie, ReadError};
use picam_testkit::read_slot;
use proptest::prelude::*;

use picam_testkit::judges::have;

use crate::peers::{B_FRAMES, CLIP, Clip};

fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let size = (payload.len() as u32 + 8).to_be_bytes();
    [&size[..], kind, payload].concat()
}

/// Bytes in front, and zeros that nobody stored behind them.
struct Sparse(Vec<u8>, u64);

impl ReadAt for Sparse {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(self.1.saturating_sub(offset) as usize);
        buf[..n].fill(0);
        self.0.read_at(offset, &mut buf[..n])?;
        Ok(n)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Movie::read(&bytes);
        let _ = read_slot(&bytes);
        let _ = Movie::read(&boxed(b"moov", &bytes));
    }
}

/// Real files with some bytes replaced by values that hurt; every sample handed out lies inside.
#[test]
fn damaged_files() {
    if !have("ffmpeg", "ffmpeg") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for movflags in [
        "faststart",
        "frag_keyframe+empty_moov",
        "frag_keyframe+empty_moov+default_base_moof",
    ] {
        let clip = Clip {
            seconds: 1,
            size: "64x48",
            args: &[B_FRAMES, &["-movflags", movflags]].concat(),
            ..CLIP
        };
        files.push(std::fs::read(clip.make(dir.path(), "seed.mp4")).unwrap());
    }
    let index_bytes = |file: &[u8]| -> Vec<usize> {
        let movie = Movie::read(&file.to_vec()).unwrap();
        let samples: Vec<_> = movie.tracks.iter().flat_map(|t| &t.samples).collect();
        let inside = |at: usize| {
            samples
                .iter()
                .any(|s| (s.offset..s.end()).contains(&(at as u64)))
        };
        (0..file.len()).filter(|&at| !inside(at)).collect()
    };
    let indexes: Vec<_> = files.iter().map(|file| index_bytes(file)).collect();
    let damage = proptest::collection::vec(
        (
            any::<prop::sample::Index>(),
            prop_oneof![
                Just(0u8),
                Just(1),
                Just(0x7f),
                Just(0x80),
                Just(0xff),
                any::<u8>()
            ],
        ),
        1..6,
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(6000));
    let which = 0..files.len();
    runner
        .run(
            &(
                which,
                damage,
                any::<prop::sample::Index>(),
                prop::bool::weighted(0.1),
            ),
            |(which, damage, cut, truncate)| {
                let mut file = files[which].clone();
                for (at, value) in damage {
                    let at = *at.get(&indexes[which]);
                    file[at] = value;
                }
                if truncate {
                    file.truncate(cut.index(file.len()));
                }
                if let Ok(movie) = Movie::read(&file) {
                    for sample in movie.tracks.iter().flat_map(|t| &t.samples) {
                        prop_assert!(sample.end() <= file.len() as u64);
                    }
                    // What is made of it holds together, or is refused.
                    let source = Source {
                        movie: &movie,
                        start_ns: 0,
                    };
                    if let Ok(plan) = CutPlan::new(&[source, source], 0, 1 << 60) {
                        let mut clip = Vec::new();
                        plan.write_to(&[&file, &file], &mut clip).unwrap();
                        prop_assert_eq!(clip.len() as u64, plan.len());
                        Movie::read(&clip).unwrap();
                    }
                }
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn counts_that_no_byte_stands_for_take_no_memory() {
    // A run of 2^32-1 samples that inherit a size of 0, in a file that is mostly a hole.
    let full = |kind: &[u8; 4], fields: &[u32]| {
        let fields: Vec<u8> = fields.iter().flat_map(|f| f.to_be_bytes()).collect();
        boxed(kind, &fields)
    };
    let nest = |kind: &[u8; 4], boxes: &[Vec<u8>]| boxed(kind, &boxes.concat());
    let mvhd = full(
        b"mvhd",
        &[
            0, 0, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    );
    let tkhd = full(
        b"tkhd",
        &[
            7, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    );
    let mdhd = full(b"mdhd", &[0, 0, 0, 1000, 0, 0]);
    let hdlr = full(b"hdlr", &[0, 0, u32::from_be_bytes(*b"meta"), 0, 0, 0, 0]);
    let stsd = boxed(
        b"stsd",
        &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &boxed(b"camm", &[0; 8])].concat(),
    );
    let movie = |tables: &[Vec<u8>], extra: &[Vec<u8>]| {
        let stbl = nest(b"stbl", &[std::slice::from_ref(&stsd), tables].concat());
        let mdia = nest(
            b"mdia",
            &[mdhd.clone(), hdlr.clone(), nest(b"minf", &[stbl])],
        );
        let trak = nest(b"trak", &[tkhd.clone(), mdia]);
        nest(b"moov", &[&[mvhd.clone(), trak], extra].concat())
    };
    let trex = full(b"trex", &[0, 1, 1, 1, 0, 0]);
    let tfhd = full(b"tfhd", &[0x02_0000, 1]);
    let trun = full(b"trun", &[0, u32::MAX]);
    let moof = nest(b"moof", &[nest(b"traf", &[tfhd, trun])]);
    let mut file = movie(&[], &[nest(b"mvex", &[trex])]);
    file.extend(moof);
    let limit = file.len() as u64;
    let error = Movie::read(&file).unwrap_err();
    assert!(
        matches!(error, ReadError::TooManySamples { limit: l, .. } if l == limit),
        "{error}"
    );

    // The same by tables: one chunk, one size.
    let tables = |size: u32| {
        [
            full(b"stts", &[0, 1, u32::MAX, 1]),
            full(b"stsc", &[0, 1, 1, u32::MAX, 1]),
            full(b"stsz", &[0, size, u32::MAX]),
            full(b"stco", &[0, 1, 0]),
        ]
    };
    let file = movie(&tables(1), &[]);
    let error = Movie::read(&file).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::SampleOutside { .. } | ReadError::TooManySamples { .. }
        ),
        "{error}"
    );
    let sparse = Sparse(movie(&tables(1), &[]), 1 << 40);
    let error = Movie::read(&sparse).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::TooManySamples { .. } | ReadError::BoxTooShort { .. }
        ),
        "{error}"
    );
    let error = Movie::read(&Sparse(
        boxed(b"moov", &[0; 8])
            .into_iter()
            .chain([0, 0, 0, 1, b'm', b'o', b'o', b'v', 0, 0, 1])
            .collect(),
        1 << 50,
    ))
    .unwrap_err();
    assert!(matches!(error, ReadError::Missing { .. }), "{error}");
    let table_backed = movie(
        &[
            full(b"stts", &[0, 0]),
            full(b"stsc", &[0, 0]),
            full(b"stsz", &[0, 0, u32::MAX]),
            full(b"stco", &[0, 0]),
        ],
        &[],
    );
    let error = Movie::read(&table_backed).unwrap_err();
    assert!(
        matches!(error, ReadError::Malformed { kind, .. } if kind == b"stsz"),
        "{error}"
    );
}
