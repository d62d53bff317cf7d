//! Clips over segments that picam recorded, picture by picture, and byte for byte as they were made before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::ops::Range;
use std::path::PathBuf;

use picam_mp4::camm::Fix;
use picam_mp4::cut::{CutError, CutPlan, Gap, Keep, Source};
use picam_mp4::read::{FourCc, Movie, Sample as Read, Track};
use picam_mp4::{FragmentLimits, ReadAt, Record, Sample, SegmentWriter, TrackConfig, sample_entry};
use picam_ring::Directory;
use picam_testkit::sim_disk::{Mutant, SimDisk};
use picam_time::{BootNs, UtcUs};

const SLOT_LEN: u64 = 512 * 1024;
/// Pictures a segment, of three closed groups of nine; 25 a second.
const PICTURES: u64 = 27;
const PICTURE_NS: i64 = 40_000_000;
/// Decode time of the first picture of all, in 90 kHz.
const ORIGIN: i64 = 900_000;

fn numbered(number: u64, len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = number.to_be_bytes().to_vec();
    bytes.resize(len, number as u8);
    bytes
}

/// How the pictures are decoded.
#[derive(Clone, Copy)]
enum Order {
    /// As they are shown.
    Shown,
    /// Of every two behind a key frame the second first, and all a picture earlier than they are shown.
    Paired,
}

impl Order {
    /// When the `n`th is shown, as a number.
    fn shown_as(self, n: u64) -> u64 {
        match (self, n % 9) {
            (Self::Shown, _) | (_, 0) => n,
            (_, odd) if odd % 2 == 1 => n + 1,
            _ => n - 1,
        }
    }

    /// From decoding it to showing it, in pictures.
    fn lag(self, n: u64) -> u64 {
        let earlier = u64::from(matches!(self, Self::Paired));
        self.shown_as(n) + earlier - n
    }
}

fn sps(level: u8) -> Vec<u8> {
    vec![0x67, 0x42, 0xc0, level, 0xda, 0x02, 0x80]
}

fn h264(level: u8) -> TrackConfig {
    let stsd = sample_entry::h264(&[sps(level)], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480);
    TrackConfig::video(stsd.unwrap(), 640, 480)
}

/// Sound in frames of so many ticks of 16 kHz and so many bytes.
#[derive(Clone, Copy)]
enum Sound {
    Aac,
    Pcm,
}

impl Sound {
    fn track(self) -> TrackConfig {
        let stsd = match self {
            Self::Aac => sample_entry::aac(&[0x14, 0x08], 16_000, 1),
            Self::Pcm => sample_entry::pcm_s16le(16_000, 1),
        };
        TrackConfig::audio(stsd.unwrap(), 16_000)
    }

    fn frame(self) -> (i64, usize) {
        match self {
            Self::Aac => (1024, 40),
            Self::Pcm => (320, 640),
        }
    }
}

/// The `nth` segment of a recording, whose every sample begins with its number in the recording.
fn segment(nth: u64, sound: Sound, video: TrackConfig) -> Vec<u8> {
    let pictures = nth * PICTURES..(nth + 1) * PICTURES;
    segment_of(pictures, 0, Order::Paired, sound, video)
}

/// One with these pictures, of which the first is so many bytes longer than it would be.
fn segment_of(
    pictures: Range<u64>,
    longer: usize,
    order: Order,
    sound: Sound,
    video: TrackConfig,
) -> Vec<u8> {
    let start = BootNs::from_secs(10);
    let first = pictures.start;
    let record = Record {
        sequence: 41 + first / PICTURES,
        boot_id: [7; 16],
        camera: b'F',
        class: b'N',
        start_boot: start.shifted_ns(first as i64 * PICTURE_NS),
        start_utc: Some(UtcUs(1_795_172_880_000_000)),
        slot_len: SLOT_LEN,
        head_len: 32 * 1024,
        ..Record::default()
    };
    let mut tracks = vec![video, sound.track()];
    tracks.extend([TrackConfig::camm().unwrap(), TrackConfig::text().unwrap()]);
    let sample = |track, at_ns: i64, dts, duration| Sample {
        track,
        dts,
        composition_offset: 0,
        duration,
        key: true,
        captured: start.shifted_ns(at_ns),
        data: &[],
    };
    let picture = |n: u64| Sample {
        composition_offset: (order.lag(n) * 3600) as u32,
        key: n.is_multiple_of(9),
        ..sample(0, n as i64 * PICTURE_NS, ORIGIN + n as i64 * 3600, 3600)
    };
    let disk = SimDisk::new(Mutant::None);
    let slot = disk.create("slot.mp4", SLOT_LEN).unwrap();
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    writer.begin(slot, record, tracks, &picture(first)).unwrap();
    let (ticks, bytes) = sound.frame();
    // In milliseconds since the recording began.
    for ms in first as i64 * 40..pictures.end as i64 * 40 {
        if ms % 40 == 0 {
            let n = ms as u64 / 40;
            let len = if n.is_multiple_of(9) {
                300
            } else {
                30 + n as usize
            };
            let len = if n == first { len + longer } else { len };
            let data = &numbered(order.shown_as(n), len);
            writer.push(&Sample { data, ..picture(n) }).unwrap();
        }
        let frame_ms = ticks / 16;
        if ms % frame_ms == 0 {
            let n = ms / frame_ms;
            let dts = ORIGIN * 16 / 90 + n * ticks;
            let data = &numbered(n as u64, bytes);
            let of_sound = sample(1, ms * 1_000_000, dts, ticks as u32);
            writer.push(&Sample { data, ..of_sound }).unwrap();
        }
        for (track, every) in [(2, 100), (3, 500)] {
            if ms % every == 0 {
                let fix = Fix {
                    gps_epoch_s: 1_450_000_000.0 + (ms / every) as f64,
                    fix_type: 3,
                    latitude: 52.5,
                    longitude: 13.4,
                    altitude: 34.5,
                    horizontal_accuracy: 1.5,
                    vertical_accuracy: 2.5,
                    velocity: [3.0, -4.0, 0.25],
                    speed_accuracy: 0.5,
                };
                let data: &[u8] = if track == 2 {
                    &fix.to_sample()
                } else {
                    b"\0\x0512:00"
                };
                let side = sample(track, ms * 1_000_000, ORIGIN / 90 + ms, every as u32);
                writer.push(&Sample { data, ..side }).unwrap();
            }
        }
    }
    let (file, record) = writer.finish(None).unwrap().unwrap();
    let mut bytes = vec![0; record.end as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// Segments one behind the other, with a time between them.
struct Recording {
    files: Vec<Vec<u8>>,
    movies: Vec<Movie>,
    starts_ns: Vec<i64>,
}

impl Recording {
    fn new(files: Vec<Vec<u8>>, apart_ns: i64) -> Self {
        let movies: Vec<Movie> = files
            .iter()
            .map(|file| Movie::read(file).unwrap())
            .collect();
        let every = PICTURES as i64 * PICTURE_NS + apart_ns;
        let starts_ns = (0..files.len() as i64)
            .map(|n| 7_000_000_000 + n * every)
            .collect();
        Self {
            files,
            movies,
            starts_ns,
        }
    }

    fn sources(&self) -> Vec<Source<'_>> {
        let pairs = self.movies.iter().zip(&self.starts_ns);
        pairs
            .map(|(movie, &start_ns)| Source { movie, start_ns })
            .collect()
    }

    fn cut(&self, from_ns: i64, to_ns: i64, keep: Keep) -> Result<(CutPlan, Vec<u8>), CutError> {
        let plan = CutPlan::keeping(&self.sources(), from_ns, to_ns, keep)?;
        let mut bytes = Vec::new();
        plan.write_to(&self.files, &mut bytes).unwrap();
        assert_eq!(plan.len(), bytes.len() as u64);
        assert!(!plan.is_empty());
        Ok((plan, bytes))
    }

    /// The pictures in the order in which they are shown, each with its time on the common timeline.
    fn pictures(&self) -> Vec<(u64, i64)> {
        let mut all = Vec::new();
        for ((movie, file), start_ns) in self.movies.iter().zip(&self.files).zip(&self.starts_ns) {
            let video = movie.video().unwrap();
            let shown = presented(file, video);
            all.extend(
                shown
                    .iter()
                    .map(|&(n, at, _)| (n, start_ns + ns(video, at))),
            );
        }
        all
    }
}

fn ns(track: &Track, ticks: i64) -> i64 {
    (i128::from(ticks) * 1_000_000_000 / i128::from(track.timescale)) as i64
}

/// Number, presentation time and sample of everything in a track, in the order of that time.
fn presented(bytes: &[u8], track: &Track) -> Vec<(u64, i64, Read)> {
    let number = |s: &Read| u64::from_be_bytes(*bytes[s.offset as usize..].first_chunk().unwrap());
    let all = track.samples.iter();
    let mut all: Vec<_> = all
        .map(|s| (number(s), track.presentation(s), *s))
        .collect();
    all.sort_by_key(|&(_, at, _)| at);
    all
}

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

#[test]
fn sound_that_begins_late_or_has_a_gap_is_heard_when_it_was() {
    for (sound, gap_ns) in [(Sound::Aac, 0), (Sound::Pcm, 0), (Sound::Pcm, 200_000_000)] {
        let files = vec![segment(0, sound, h264(30)), segment(1, sound, h264(30))];
        let mut recording = Recording::new(files, gap_ns);
        let late = &mut recording.movies[0].tracks[1];
        let begins = late.presentation(&late.samples[4]);
        late.samples.drain(..4);
        let end = late.samples.last().copied().unwrap();
        let (_, bytes) = recording.cut(0, i64::MAX, Keep::ALL).unwrap();
        let clip = Movie::read(&bytes).unwrap();
        let heard = clip.tracks.iter().find(|track| track.is_audio()).unwrap();
        assert_eq!(heard.presentation(&heard.samples[0]), begins);
        // Each lasts as long as it did, and only the last before the gap stands for the silence.
        let source = &recording.movies[0].tracks[1];
        let count: u32 = source.samples.iter().map(|s| s.run).sum();
        let mut at = 0;
        let mut last = 0;
        for sample in &heard.samples {
            if at >= count {
                break;
            }
            at += sample.run;
            last = heard.presentation(sample) + i64::from(sample.duration / sample.run);
        }
        let until = source.presentation(&end) + i64::from(end.duration);
        assert!(
            last <= until + gap_ns * 16 / 1_000_000 + 16,
            "{last} {until}"
        );
        let each = |track: &Track| track.samples[0].duration / track.samples[0].run;
        assert_eq!(each(heard), each(source));
    }
}

/// Sound that ends just before the clip starts would be taken for sound that is heard from there on.
#[test]
fn sound_that_ends_before_the_clip_is_not_in_it() {
    for sound in [Sound::Aac, Sound::Pcm] {
        let mut recording = Recording::new(vec![segment(0, sound, h264(30))], 0);
        let track = &mut recording.movies[0].tracks[1];
        track.samples.truncate(track.samples.len() / 2);
        let last = track.samples.last().copied().unwrap();
        let end = track.presentation(&last) + i64::from(last.duration);
        let end_ns = recording.starts_ns[0] + ns(&recording.movies[0].tracks[1], end);
        let is_heard = |from_ns: i64| {
            let (_, bytes) = recording.cut(from_ns, i64::MAX, Keep::ALL).unwrap();
            let clip = Movie::read(&bytes).unwrap();
            assert!(clip.video().is_some());
            clip.tracks.iter().any(Track::is_audio)
        };
        assert!(is_heard(end_ns - 2 * PICTURE_NS));
        for later in [0, 1, PICTURE_NS, 2 * PICTURE_NS, 10 * PICTURE_NS] {
            assert!(!is_heard(end_ns + PICTURE_NS + later), "{later} ns");
        }
    }
}

#[test]
fn two_microphones_stay_two_tracks_and_one_camera_has_one_entry() {
    let files = vec![
        segment(0, Sound::Aac, h264(30)),
        segment(1, Sound::Aac, h264(30)),
    ];
    let mut recording = Recording::new(files, 0);
    for (n, movie) in recording.movies.iter_mut().enumerate() {
        let mut second = movie.tracks[1].clone();
        second.id = 9;
        let every_other = second.samples.iter().step_by(2).copied().collect();
        second.samples = every_other;
        movie.tracks.push(second);
        // The bit rate of an entry may differ, and the rest of it does not.
        movie.tracks[0].entries[0].bytes.extend([n as u8; 4]);
        // Nothing was said: texts without a letter.
        movie.tracks[3].samples.iter_mut().for_each(|s| s.size = 0);
    }
    let (_, bytes) = recording.cut(0, i64::MAX, Keep::ALL).unwrap();
    let clip = Movie::read(&bytes).unwrap();
    let of = |movie: &Movie, n: usize| movie.tracks[n].samples.len();
    let all = |n| {
        recording
            .movies
            .iter()
            .map(|movie| of(movie, n))
            .sum::<usize>()
    };
    assert_eq!(clip.tracks.len(), 5);
    assert_eq!(clip.tracks[0].entries.len(), 1);
    let ids: Vec<u32> = clip.tracks.iter().map(|track| track.id).collect();
    assert_eq!(ids[4], 9);
    for (n, track) in clip.tracks.iter().enumerate() {
        // A joint may cost a frame of sound.
        let lost = all(n) - track.samples.len();
        assert!(
            lost <= usize::from(track.is_audio()),
            "track {n}: {lost} lost"
        );
    }
    assert!(clip.tracks[3].samples.iter().all(|s| s.size == 0));
}
