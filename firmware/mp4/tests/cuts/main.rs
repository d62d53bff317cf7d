//! Clips over segments that picam recorded, picture by picture, and byte for byte as they were made before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod recording;
mod sound;

use std::path::PathBuf;

use picam_mp4::cut::{CutError, CutPlan, Gap, Keep};
use picam_mp4::read::{FourCc, Movie, Track};
use picam_mp4::{TrackConfig, sample_entry};

use crate::recording::{
    Order, PICTURE_NS, PICTURES, Recording, Sound, h264, presented, segment, segment_of, sps,
};

#[test]
fn a_clip_shows_the_pictures_and_sound_of_its_time_and_no_others() {
    for (sound, gap_ns) in [
        (Sound::Aac, 0),
        (Sound::Pcm, 0),
        (Sound::Aac, 5 * PICTURE_NS),
    ] {
        let files = vec![segment(0, sound, h264(30)), segment(1, sound, h264(31))];
        let recording = Recording::new(files, gap_ns);
        let pictures = recording.pictures();
        let numbers: Vec<u64> = pictures.iter().map(|&(n, _)| n).collect();
        assert_eq!(numbers, (0..2 * PICTURES).collect::<Vec<_>>());
        let (begin, end) = (7_000_000_000, pictures[pictures.len() - 1].1 + PICTURE_NS);
        for from in (begin - 50_000_000..end).step_by(130_000_000) {
            for len in [10_000_000, 30_000_000, 333_333_333, 1_700_000_000] {
                let to = from + len;
                let on_screen = pictures
                    .iter()
                    .rposition(|&(_, at)| at <= from)
                    .unwrap_or(0);
                let after = pictures.iter().position(|&(_, at)| at >= to);
                let wanted = &pictures[on_screen..after.unwrap_or(pictures.len()).max(on_screen)];
                let cut = recording.cut(from, to, Keep::ALL);
                let Some(&(first, first_at)) = wanted.first() else {
                    assert!(matches!(cut, Err(CutError::Nothing)));
                    continue;
                };
                // Nothing of the second segment's time, or only of the gap before it.
                let Ok((plan, bytes)) = cut else {
                    assert!(gap_ns > 0 || to <= begin, "{from} {to}");
                    continue;
                };
                let movie = Movie::read(&bytes).unwrap();
                let video = movie.video().unwrap();
                let shown_end = video.presentation_end();
                let shown: Vec<_> = presented(&bytes, video)
                    .into_iter()
                    .filter(|&(_, at, _)| (0..shown_end).contains(&at))
                    .collect();
                let is: Vec<u64> = shown.iter().map(|&(n, _, _)| n).collect();
                let within_gap = plan.start_ns() != first_at;
                if within_gap {
                    assert!(gap_ns > 0);
                    continue;
                }
                let want: Vec<u64> = wanted.iter().map(|&(n, _)| n).collect();
                assert_eq!(is, want, "{from} {to}");
                for (n, at, sample) in shown {
                    assert_eq!(at, (n - first) as i64 * 3600, "picture {n}");
                    let level = if n < PICTURES { 30 } else { 31 };
                    let entry = video.entry(&sample).unwrap();
                    let sets = entry.parameter_sets.as_ref().unwrap();
                    assert_eq!(sets.sps, [sps(level)], "picture {n}");
                    assert_eq!(sample.key, n % 9 == 0);
                }
                // Decoding begins with a key frame.
                assert!(video.samples[0].key);
                let over_gap = is.contains(&(PICTURES - 1)) && is.contains(&PICTURES);
                let gap = Gap {
                    after: 0,
                    at_ns: (PICTURES - first.min(PICTURES)) as i64 * PICTURE_NS,
                    missing_ns: gap_ns,
                };
                let gaps: &[_] = if over_gap && gap_ns > 0 { &[gap] } else { &[] };
                assert_eq!(plan.gaps(), gaps);
                // Of two segments without the time between them; of one to its own end at the most.
                let until = match over_gap {
                    true => to.min(end) - gap_ns,
                    false => to.min(first_at + (PICTURES - first % PICTURES) as i64 * PICTURE_NS),
                };
                let duration = until - first_at;
                assert!((plan.duration_ns() - duration).abs() <= 1_000_000_000 / 90_000 + 1);
                let audio = movie.tracks.iter().find(|t| t.is_audio()).unwrap();
                if gap_ns == 0 {
                    sound_is_in_time(&bytes, audio, sound, first, &plan);
                }
            }
        }
    }
}

/// Sound is heard at the time of the recording, from the clip's start to its end, and each frame once.
fn sound_is_in_time(bytes: &[u8], audio: &Track, sound: Sound, first: u64, plan: &CutPlan) {
    let (ticks, len) = sound.frame();
    let start = first as i64 * 640;
    let mut covered = None;
    for s in &audio.samples {
        // Runs of PCM are put together; each 640 bytes of them begin with a number.
        let data = &bytes[s.offset as usize..s.end() as usize];
        let mut at = audio.presentation(s);
        let whole =
            |data: &[u8]| data.len() >= 8 && data[..5] == [0; 5] && data.len().is_multiple_of(len);
        if whole(data) {
            for frame in data.chunks(len) {
                let n = u64::from_be_bytes(*frame.first_chunk().unwrap()) as i64;
                assert!((at - (n * ticks - start)).abs() <= 1, "frame {n} at {at}");
                at += ticks;
            }
        }
        let begins = audio.presentation(s);
        if let Some(covered) = covered {
            assert!(
                (begins - covered as i64).abs() <= 1,
                "{begins} after {covered}"
            );
        } else {
            assert!(begins <= 0 || first == 0 || first >= PICTURES, "{begins}");
        }
        covered = Some((begins + i64::from(s.duration)) as u64);
    }
    let end = plan.duration_ns() * 16 / 1_000_000;
    assert!(covered.unwrap() as i64 + 2 * ticks >= end);
}

#[test]
fn a_picture_that_two_segments_share_is_shown_once() {
    const MS: i64 = 1_000_000;
    // The key frame that the second begins with stands at the end of the first too. Times that are a little off are
    // forgiven: half a picture, and the one picture from decoding to showing.
    for (off, longer, shared) in [
        (0, 0, true),
        (59 * MS, 0, true),
        (-59 * MS, 0, true),
        (61 * MS, 0, false),
        (-61 * MS, 0, false),
        (0, 1, false),
    ] {
        let files = vec![
            segment_of(0..PICTURES + 1, 0, Order::Paired, Sound::Aac, h264(30)),
            segment_of(
                PICTURES..2 * PICTURES,
                longer,
                Order::Paired,
                Sound::Aac,
                h264(30),
            ),
        ];
        let recording = Recording::new(files, off);
        let (plan, bytes) = recording.cut(0, i64::MAX, Keep::ALL).unwrap();
        let movie = Movie::read(&bytes).unwrap();
        let shown = presented(&bytes, movie.video().unwrap());
        let numbers: Vec<u64> = shown.iter().map(|&(n, _, _)| n).collect();
        let twice = (0..=PICTURES).chain(PICTURES..2 * PICTURES);
        let wanted: Vec<u64> = if shared {
            (0..2 * PICTURES).collect()
        } else {
            twice.collect()
        };
        assert_eq!(numbers, wanted, "{off} {longer}");
        for (n, &(_, at, _)) in shown.iter().enumerate() {
            assert_eq!(at, n as i64 * 3600);
        }
        // What overlaps by more than a picture is said.
        let overlaps = (off - PICTURE_NS).abs() > PICTURE_NS;
        assert_eq!(plan.gaps().is_empty(), shared || !overlaps);
    }
    // A second segment whose first picture is not the first one's last goes on with it.
    for end in [PICTURES, PICTURES + 3] {
        let files = vec![
            segment_of(0..end, 0, Order::Paired, Sound::Aac, h264(30)),
            segment_of(
                PICTURES..2 * PICTURES,
                0,
                Order::Paired,
                Sound::Aac,
                h264(30),
            ),
        ];
        let recording = Recording::new(files, 0);
        let (plan, _) = recording.cut(0, i64::MAX, Keep::ALL).unwrap();
        let shown = (end + PICTURES) as i64 * PICTURE_NS;
        assert!((plan.duration_ns() - shown).abs() <= 12_000);
        assert_eq!(plan.start_ns(), recording.starts_ns[0]);
    }
}

#[test]
fn segments_that_decode_in_another_order_are_shown_without_a_seam() {
    use Order::{Paired, Shown};
    for orders in [[Paired, Shown, Paired], [Shown, Paired, Shown], [Shown; 3]] {
        let files = (0..3).zip(orders).map(|(n, order)| {
            let pictures = n * PICTURES..(n + 1) * PICTURES;
            segment_of(pictures, 0, order, Sound::Aac, h264(30))
        });
        let recording = Recording::new(files.collect(), 0);
        for first in [0, PICTURES - 1, PICTURES + 4] {
            let from = recording.starts_ns[0] + first as i64 * PICTURE_NS;
            let (plan, bytes) = recording.cut(from, i64::MAX, Keep::ALL).unwrap();
            assert_eq!((plan.start_ns(), plan.gaps().len()), (from, 0));
            let movie = Movie::read(&bytes).unwrap();
            let video = movie.video().unwrap();
            let shown: Vec<_> = presented(&bytes, video)
                .into_iter()
                .filter(|&(_, at, _)| at >= 0)
                .map(|(n, at, _)| (n, at))
                .collect();
            let wanted = first..3 * PICTURES;
            let wanted: Vec<_> = wanted.map(|n| (n, (n - first) as i64 * 3600)).collect();
            assert_eq!(shown, wanted);
            // Each is decoded behind the one before it, and none behind the time at which it is shown.
            let decoded: Vec<i64> = video.samples.iter().map(|s| s.dts).collect();
            assert!(decoded.is_sorted_by(|a, b| a < b));
            assert!(video.samples.iter().all(|s| s.cts_offset >= 0));
            let even = decoded.windows(2).all(|two| two[1] - two[0] == 3600);
            assert!(even, "{decoded:?}");
        }
    }
}

/// Compares with the clip kept.
fn assert_golden(name: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("PICAM_GOLDEN").is_some_and(|wish| wish == "write") {
        std::fs::write(&path, bytes).unwrap();
    }
    let kept = std::fs::read(&path).unwrap();
    let differs = kept.iter().zip(bytes).position(|(a, b)| a != b);
    assert_eq!((differs, kept.len()), (None, bytes.len()), "{name}");
}

#[test]
fn clips_are_made_as_ever() {
    for (name, sound, apart_ns) in [
        ("clip-aac.mp4", Sound::Aac, 0),
        ("clip-pcm.mp4", Sound::Pcm, 0),
        ("clip-gap.mp4", Sound::Aac, 90_000_000),
    ] {
        let files = vec![segment(0, sound, h264(30)), segment(1, sound, h264(31))];
        let recording = Recording::new(files, apart_ns);
        let (_, bytes) = recording
            .cut(8_150_000_000 - 700_000_000, 8_600_000_000, Keep::ALL)
            .unwrap();
        assert_golden(name, &bytes);
    }
}

#[test]
fn what_is_left_out_is_not_in_the_clip() {
    let recording = Recording::new(vec![segment(0, Sound::Aac, h264(30))], 0);
    for (sound, place) in [(true, true), (true, false), (false, true), (false, false)] {
        let keep = Keep { sound, place };
        let (_, bytes) = recording.cut(0, i64::MAX, keep).unwrap();
        let movie = Movie::read(&bytes).unwrap();
        let kinds: Vec<FourCc> = movie.tracks.iter().map(|track| track.handler).collect();
        let mut wanted = vec![FourCc(*b"vide")];
        wanted.extend(sound.then_some(FourCc(*b"soun")));
        if place {
            wanted.extend([FourCc(*b"camm"), FourCc(*b"sbtl")]);
        }
        assert_eq!(kinds, wanted);
        assert_eq!(bytes.windows(4).any(|four| four == b"\xa9xyz"), place);
        // The whole of a source plays as long as it, and says when it was recorded.
        assert_eq!(movie.creation_time, recording.movies[0].creation_time);
    }
    assert!(matches!(
        recording.cut(5, 5, Keep::ALL),
        Err(CutError::Nothing)
    ));
}

#[test]
fn pictures_that_no_player_shows_in_one_file_are_refused() {
    let h265 = {
        let sps = [
            0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
            0x00, 0x03, 0x00, 0x3f, 0xa0, 0x05, 0x02, 0x01, 0x69, 0x65, 0x95, 0x9a, 0x49, 0x32,
            0xbc, 0x05, 0xa0, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x03, 0x03, 0x21,
        ];
        let (vps, pps) = (vec![0x40, 1, 12], vec![0x44, 1, 0xc1]);
        let stsd = sample_entry::h265(&[vps], &[sps.to_vec()], &[pps], 640, 360).unwrap();
        TrackConfig::video(stsd, 640, 360)
    };
    let files = vec![
        segment(0, Sound::Aac, h264(30)),
        segment(1, Sound::Aac, h265),
    ];
    let recording = Recording::new(files, 0);
    let sets = recording.movies[1].video().unwrap().entries[0]
        .parameter_sets
        .clone();
    let sets = sets.unwrap();
    assert_eq!(
        (sets.vps, sets.pps),
        (vec![vec![0x40, 1, 12]], vec![vec![0x44, 1, 0xc1]])
    );
    assert_eq!((sets.sps.len(), sets.length_size), (1, 4));
    match recording.cut(0, i64::MAX, Keep::ALL) {
        Err(CutError::CodecChanges {
            source_index,
            before,
            after,
        }) => {
            let codecs = (FourCc(*b"avc1"), FourCc(*b"hvc1"));
            assert_eq!((source_index, (before, after)), (1, codecs));
        }
        other => panic!("{other:?}"),
    }
}
