//! What is read of the files kept in `golden/`, without any other program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use picam_mp4::read::{FourCc, Movie, ReadError, Sample, aac_config};
use picam_testkit::read_slot;

const CUT_OFF: &[u8] = include_bytes!("golden/v2-cut-off.mp4");
const FINISHED: &[u8] = include_bytes!("golden/v2-finished.mp4");
const CLIP: &[u8] = include_bytes!("golden/clip-aac.mp4");
const PCM_CLIP: &[u8] = include_bytes!("golden/clip-pcm.mp4");

/// A file as it is in its slot: what follows the last byte that is not zero was not kept.
fn in_slot(kept: &[u8]) -> Vec<u8> {
    let mut bytes = kept.to_vec();
    bytes.resize(512 * 1024, 0);
    bytes
}

/// Pictures, sound, motion and text.
const KINDS: [FourCc; 4] = [
    FourCc(*b"vide"),
    FourCc(*b"soun"),
    FourCc(*b"camm"),
    FourCc(*b"sbtl"),
];

#[test]
fn a_slot_reads_the_same_as_fragments_and_by_its_index() {
    let (cut_off, finished) = (in_slot(CUT_OFF), in_slot(FINISHED));
    let (slot, record, _) = read_slot(&cut_off).unwrap();
    let index = Movie::read(&finished).unwrap();
    let again = read_slot(&finished).unwrap().0;
    assert_eq!(again.fragments, slot.fragments);
    assert_eq!((slot.timescale, index.timescale), (90_000, 90_000));
    // To the end of the longest track: a text that lasts a second, cut to the last sample of all by the index.
    assert_eq!((slot.duration, index.duration), (1990 * 90, 149_625));
    assert_eq!(
        (slot.creation_time, index.creation_time),
        (0, 3_878_017_680)
    );
    // The init with the `ftyp` before it, and the index with the one at the front.
    let head = u64::from(record.head_len);
    assert_eq!(slot.init, head - 32..head + u64::from(record.init_moov_len));
    assert_eq!(index.init.start, 0);
    assert!(index.fragments.is_empty());
    for movie in [&slot, &index] {
        let kinds: Vec<FourCc> = movie.tracks.iter().map(|track| track.handler).collect();
        assert_eq!(kinds, KINDS);
        let are = |is: fn(&picam_mp4::read::Track) -> bool| -> Vec<bool> {
            movie.tracks.iter().map(is).collect()
        };
        assert_eq!(are(|track| track.is_video()), [true, false, false, false]);
        assert_eq!(are(|track| track.is_audio()), [false, true, false, false]);
    }
    for (a, b) in slot.tracks.iter().zip(&index.tracks) {
        assert_eq!((a.id, a.timescale, a.codec), (b.id, b.timescale, b.codec));
        assert_eq!(
            (a.width, a.height, &a.entries),
            (b.width, b.height, &b.entries)
        );
        // A fragment states how long a sample of motion or text lasts on its own, the index until the next.
        let place = |s: &Sample| (s.offset, s.dts, s.size, s.cts_offset, s.key, s.run);
        let all = |samples: &[Sample]| samples.iter().map(place).collect::<Vec<_>>();
        assert_eq!(all(&a.samples), all(&b.samples));
        let entry = a.entry(&a.samples[0]).unwrap();
        assert_eq!(entry.kind, a.codec);
        let none = Sample {
            description: 0,
            ..a.samples[0]
        };
        let beyond = Sample {
            description: 2,
            ..a.samples[0]
        };
        assert!(a.entry(&none).is_none() && a.entry(&beyond).is_none());
    }
    let video = slot.video().unwrap();
    let keys: Vec<usize> = (0..50).filter(|&n| video.samples[n].key).collect();
    assert_eq!(keys, [0, 20, 40]);
    // The fragments follow each other and hold every sample once.
    let (mut at, mut next) = (head + u64::from(record.init_len), [0; 4]);
    for fragment in &slot.fragments {
        assert_eq!(fragment.offset, at);
        at = fragment.end;
        for (track, range) in fragment.samples.iter().enumerate() {
            assert_eq!(range.start, next[track]);
            next[track] = range.end;
            for s in &slot.tracks[track].samples[range.clone()] {
                assert!(fragment.offset < s.offset && s.end() <= fragment.end);
            }
        }
    }
    assert_eq!(next, [50, 50, 50, 2]);
}

#[test]
fn what_is_left_of_a_file_is_read_and_what_is_not_is_counted() {
    let cut_off = in_slot(CUT_OFF);
    let (slot, _, _) = read_slot(&cut_off).unwrap();
    let fragments = &slot.fragments;
    let counts = |movie: &Movie| -> Vec<usize> {
        movie
            .tracks
            .iter()
            .map(|track| track.samples.len())
            .collect()
    };
    let intact = |bytes: &[u8]| {
        let (movie, damage) = Movie::read_intact(bytes).unwrap();
        (counts(&movie), damage, movie.duration)
    };
    assert_eq!(intact(&cut_off), (vec![50, 50, 50, 2], 0, slot.duration));
    // Cut off between two fragments, in the box that lists the samples of one, and before its samples.
    let start = fragments[3].offset as usize;
    assert_eq!(intact(&cut_off[..start]), (vec![17, 17, 17, 1], 0, 90_000));
    assert_eq!(
        intact(&cut_off[..start + 100]),
        (vec![17, 17, 17, 1], 1, 90_000)
    );
    // A fragment whose list names a track that is not there.
    let mut damaged = cut_off.clone();
    let moof = &damaged[start..fragments[3].end as usize];
    let tfhd = moof.windows(4).position(|four| four == b"tfhd").unwrap();
    damaged[start + tfhd + 8] = 0xff;
    let (movie, damage) = Movie::read_intact(&damaged).unwrap();
    assert_eq!((counts(&movie), damage), (vec![42, 42, 42, 2], 1));
    assert!(matches!(
        read_slot(&damaged),
        Err(ReadError::Malformed { .. })
    ));

    // Of a finished file those samples are left that lie in it; pictures are counted.
    let finished = in_slot(FINISHED);
    let index = Movie::read(&finished).unwrap();
    for n in [0, 7, 49] {
        let last = index.tracks[0].samples[n];
        for (end, left) in [(last.end(), n + 1), (last.end() - 1, n)] {
            // All of the file before the samples stands in one box, which is cut off too.
            let (movie, damage) = Movie::read_intact(&finished[..end as usize]).unwrap();
            assert_eq!(movie.tracks[0].samples.len(), left);
            assert_eq!(damage as usize, 50 - left + 1);
            for (track, whole) in movie.tracks.iter().zip(&index.tracks) {
                let inside = whole.samples.iter().filter(|s| s.end() <= end);
                assert_eq!(track.samples.len(), inside.count());
            }
            assert!(matches!(
                Movie::read(&finished[..end as usize]),
                Err(ReadError::BoxPastEnd { .. })
            ));
        }
    }
    assert!(matches!(
        Movie::read_intact(&cut_off[..32]),
        Err(ReadError::Missing { .. })
    ));
}

#[test]
fn a_sample_outside_the_file_is_an_error_that_says_which() {
    // The index of a file whose last box was made shorter, with its samples beyond it.
    let finished = in_slot(FINISHED);
    let index = Movie::read(&finished).unwrap();
    let head = index.init.end as usize;
    match Movie::read(&finished[..head]) {
        Err(ReadError::SampleOutside {
            track,
            sample,
            offset,
            end,
            size,
        }) => {
            let first = index.tracks[0].samples[0];
            assert_eq!((track, sample), (1, 1));
            assert_eq!(
                (offset, end, size),
                (first.offset, first.end(), head as u64)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_picture_is_a_movie_of_its_own() {
    let finished = in_slot(FINISHED);
    let whole = Movie::read(&finished).unwrap();
    let movie = whole.first_picture().unwrap();
    let [video] = &movie.tracks[..] else {
        panic!("more than the pictures");
    };
    let [picture] = video.samples[..] else {
        panic!("more than one picture");
    };
    let first = whole.tracks[0].samples[0];
    assert_eq!(
        (picture.offset, picture.size, picture.key),
        (first.offset, first.size, true)
    );
    assert_eq!(
        (picture.dts, video.presentation(&picture), picture.duration),
        (0, 0, 90_000)
    );
    assert_eq!((movie.timescale, movie.duration), (90_000, 90_000));
    assert!(video.edits.is_empty() && movie.fragments.is_empty());
}

#[test]
fn what_a_decoder_of_aac_needs_is_found_in_its_entry_alone() {
    let clip = Movie::read(CLIP).unwrap();
    let configs: Vec<_> = clip
        .tracks
        .iter()
        .map(|track| aac_config(&track.entries[0]))
        .collect();
    assert_eq!(configs, [None, Some(vec![0x14, 0x08]), None, None]);
    // MP3 stands in the same entry.
    let mut entry = clip.tracks[1].entries[0].clone();
    let at = entry
        .bytes
        .windows(2)
        .position(|two| two == [0x40, 0x15])
        .unwrap();
    entry.bytes[at] = 0x6b;
    assert_eq!(aac_config(&entry), None);
}

#[test]
fn pcm_is_read_in_runs_that_lie_side_by_side() {
    let clip = Movie::read(PCM_CLIP).unwrap();
    let sound = &clip.tracks[1];
    let runs: Vec<_> = sound
        .samples
        .iter()
        .map(|s| (s.dts, s.size, s.duration, s.run))
        .collect();
    assert_eq!(
        runs,
        [
            (0, 16_000, 8000, 25),
            (8000, 16_000, 8000, 25),
            (16_000, 8320, 4160, 13)
        ]
    );
}

/// Where a box of a type begins, behind `from`.
fn find(bytes: &[u8], kind: &[u8; 4], from: usize) -> usize {
    let at = bytes[from..].windows(4).position(|four| four == kind);
    from + at.unwrap() - 4
}

#[test]
fn of_two_indices_the_first_counts_with_what_stands_right_before_it() {
    let whole = Movie::read(CLIP).unwrap();
    let other = Movie::read(PCM_CLIP).unwrap();
    let moov = find(PCM_CLIP, b"moov", 0)..other.init.end as usize;
    let both = [CLIP, &PCM_CLIP[moov]].concat();
    let movie = Movie::read(&both).unwrap();
    assert_eq!(
        (movie.init, movie.tracks[1].codec),
        (whole.init.clone(), whole.tracks[1].codec)
    );
    let at = find(CLIP, b"moov", 0);
    let apart = [&CLIP[..at], b"\0\0\0\x08free", &CLIP[at..]].concat();
    let init = Movie::read(&apart).unwrap().init;
    assert_eq!(init, at as u64 + 8..whole.init.end + 8);
}

#[test]
fn an_index_that_lists_more_samples_than_it_places_is_refused() {
    let mut bytes = CLIP.to_vec();
    // Four texts of seven bytes each.
    let text = b"stsz\0\0\0\0\0\0\0\x07\0\0\0\x04";
    let at = bytes
        .windows(text.len())
        .position(|some| some == text)
        .unwrap();
    bytes[at + text.len() - 1] = 5;
    match Movie::read(&bytes) {
        Err(ReadError::Malformed { kind, what, .. }) => {
            assert_eq!(
                (kind, what.contains("lists 5 samples")),
                (FourCc(*b"stsz"), true)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn data_without_a_stated_base_begins_behind_that_of_the_track_before() {
    // ISO/IEC 14496-12 8.8.7.1: where no track fragment says that its data counts from the box around it.
    let mut bytes = in_slot(CUT_OFF);
    let (slot, _, _) = read_slot(&bytes).unwrap();
    let fragment = &slot.fragments[1];
    let (start, mut at) = (fragment.offset, fragment.offset as usize);
    for _ in 0..3 {
        at = find(&bytes, b"tfhd", at + 8);
        assert_eq!(bytes[at + 9], 2);
        bytes[at + 9] = 0;
    }
    let (moved, _, _) = read_slot(&bytes).unwrap();
    let ends = [0, 1, 2].map(|track| {
        let last = fragment.samples[track].end - 1;
        (
            slot.tracks[track].samples[last].end(),
            moved.tracks[track].samples[last].end(),
        )
    });
    assert_eq!(ends[0].0, ends[0].1);
    let mut base = start;
    for (was, is) in ends {
        assert_eq!(is, base + (was - start));
        base = is;
    }
}
