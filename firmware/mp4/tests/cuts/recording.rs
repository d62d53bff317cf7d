//! A recording of segments with numbered pictures and sound, and clips of it.

use std::ops::Range;

use picam_mp4::camm::Fix;
use picam_mp4::cut::{CutError, CutPlan, Keep, Source};
use picam_mp4::read::{Movie, Sample as Read, Track};
use picam_mp4::{FragmentLimits, ReadAt, Record, Sample, SegmentWriter, TrackConfig, sample_entry};
use picam_ring::Directory;
use picam_testkit::sim_disk::{Mutant, SimDisk};
use picam_time::{BootNs, UtcUs};

pub(crate) const SLOT_LEN: u64 = 512 * 1024;
/// Pictures a segment, of three closed groups of nine; 25 a second.
pub(crate) const PICTURES: u64 = 27;
pub(crate) const PICTURE_NS: i64 = 40_000_000;
/// Decode time of the first picture of all, in 90 kHz.
pub(crate) const ORIGIN: i64 = 900_000;

pub(crate) fn numbered(number: u64, len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = number.to_be_bytes().to_vec();
    bytes.resize(len, number as u8);
    bytes
}

/// How the pictures are decoded.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// As they are shown.
    Shown,
    /// Of every two behind a key frame the second first, and all a picture earlier than they are shown.
    Paired,
}

impl Order {
    /// When the `n`th is shown, as a number.
    pub(crate) fn shown_as(self, n: u64) -> u64 {
        match (self, n % 9) {
            (Self::Shown, _) | (_, 0) => n,
            (_, odd) if odd % 2 == 1 => n + 1,
            _ => n - 1,
        }
    }

    /// From decoding it to showing it, in pictures.
    pub(crate) fn lag(self, n: u64) -> u64 {
        let earlier = u64::from(matches!(self, Self::Paired));
        self.shown_as(n) + earlier - n
    }
}

pub(crate) fn sps(level: u8) -> Vec<u8> {
    vec![0x67, 0x42, 0xc0, level, 0xda, 0x02, 0x80]
}

pub(crate) fn h264(level: u8) -> TrackConfig {
    let stsd = sample_entry::h264(&[sps(level)], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480);
    TrackConfig::video(stsd.unwrap(), 640, 480)
}

/// Sound in frames of so many ticks of 16 kHz and so many bytes.
#[derive(Clone, Copy)]
pub(crate) enum Sound {
    Aac,
    Pcm,
}

impl Sound {
    pub(crate) fn track(self) -> TrackConfig {
        let stsd = match self {
            Self::Aac => sample_entry::aac(&[0x14, 0x08], 16_000, 1),
            Self::Pcm => sample_entry::pcm_s16le(16_000, 1),
        };
        TrackConfig::audio(stsd.unwrap(), 16_000)
    }

    pub(crate) fn frame(self) -> (i64, usize) {
        match self {
            Self::Aac => (1024, 40),
            Self::Pcm => (320, 640),
        }
    }
}

/// The `nth` segment of a recording, whose every sample begins with its number in the recording.
pub(crate) fn segment(nth: u64, sound: Sound, video: TrackConfig) -> Vec<u8> {
    let pictures = nth * PICTURES..(nth + 1) * PICTURES;
    segment_of(pictures, 0, Order::Paired, sound, video)
}

/// One with these pictures, of which the first is so many bytes longer than it would be.
pub(crate) fn segment_of(
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
pub(crate) struct Recording {
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) movies: Vec<Movie>,
    pub(crate) starts_ns: Vec<i64>,
}

impl Recording {
    pub(crate) fn new(files: Vec<Vec<u8>>, apart_ns: i64) -> Self {
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

    pub(crate) fn sources(&self) -> Vec<Source<'_>> {
        let pairs = self.movies.iter().zip(&self.starts_ns);
        pairs
            .map(|(movie, &start_ns)| Source { movie, start_ns })
            .collect()
    }

    pub(crate) fn cut(
        &self,
        from_ns: i64,
        to_ns: i64,
        keep: Keep,
    ) -> Result<(CutPlan, Vec<u8>), CutError> {
        let plan = CutPlan::keeping(&self.sources(), from_ns, to_ns, keep)?;
        let mut bytes = Vec::new();
        plan.write_to(&self.files, &mut bytes).unwrap();
        assert_eq!(plan.len(), bytes.len() as u64);
        assert!(!plan.is_empty());
        Ok((plan, bytes))
    }

    /// The pictures in the order in which they are shown, each with its time on the common timeline.
    pub(crate) fn pictures(&self) -> Vec<(u64, i64)> {
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

pub(crate) fn ns(track: &Track, ticks: i64) -> i64 {
    (i128::from(ticks) * 1_000_000_000 / i128::from(track.timescale)) as i64
}

/// Number, presentation time and sample of everything in a track, in the order of that time.
pub(crate) fn presented(bytes: &[u8], track: &Track) -> Vec<(u64, i64, Read)> {
    let number = |s: &Read| u64::from_be_bytes(*bytes[s.offset as usize..].first_chunk().unwrap());
    let all = track.samples.iter();
    let mut all: Vec<_> = all
        .map(|s| (number(s), track.presentation(s), *s))
        .collect();
    all.sort_by_key(|&(_, at, _)| at);
    all
}
