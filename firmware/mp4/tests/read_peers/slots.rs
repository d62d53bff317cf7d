//! Segments as the recorder writes them: picture, sound, fixes and text in slots.

use std::path::{Path, PathBuf};
use std::time::Duration;

use picam_mp4::camm::Fix;
use picam_mp4::read::{Movie, Track};
use picam_mp4::{
    Counters, FragmentLimits, ReadAt, Record, Sample, SegmentWriter, TrackConfig, sample_entry,
};
use picam_ring::Directory;
use picam_testkit::sim_disk::{Mutant, SimDisk, SimFile};
use picam_time::{BootNs, UtcUs};

use crate::peers::{B_FRAMES, CLIP, Clip};

const SLOT: u64 = 6 << 20;
/// 2026-11-20 11:08:00 UTC.
pub(crate) const UTC_US: i64 = 1_795_172_880_000_000;

/// What was recorded from one clip.
pub(crate) struct Recording {
    /// The clip: 6 s of 25 pictures each, a key frame every 20.
    pub(crate) source: PathBuf,
    /// Finished segments.
    pub(crate) finished: Vec<PathBuf>,
    /// The last one as it lay on the card before it was finished.
    pub(crate) recording: PathBuf,
}

fn record(sequence: u64, start_ns: u64) -> Record {
    Record {
        sequence,
        boot_id: [7; 16],
        boot_number: 3,
        camera: b'F',
        class: b'N',
        camera_name: "front".into(),
        start_boot: BootNs(start_ns),
        start_utc: Some(UtcUs(UTC_US + start_ns as i64 / 1000)),
        slot_len: SLOT,
        head_len: 128 * 1024,
        init_len: 0,
        init_moov_len: 0,
        written_len: 0,
        end: 0,
        duration: Duration::ZERO,
        recovered: false,
        counters: Counters::default(),
        init_crc: None,
        pictures_before: 0,
    }
}

fn save(file: &SimFile, path: &Path) {
    let mut bytes = vec![0; file.size().unwrap() as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn metadata(track: usize, dts: i64, duration: u32, data: &[u8]) -> Sample<'_> {
    Sample {
        track,
        dts,
        composition_offset: 0,
        duration,
        key: true,
        captured: BootNs(0),
        data,
    }
}

/// Records a clip (H.264 on a 90 kHz clock, AAC mono at 48 kHz) with a new segment at each of the
/// given key frames, a fix every half second and a line of text every second.
fn record_clip(clip: &Path, keys_per_segment: usize, dir: &Path) -> Recording {
    let bytes = std::fs::read(clip).unwrap();
    let movie = Movie::read(&bytes).unwrap();
    let (video, sound) = (&movie.tracks[0], &movie.tracks[1]);
    assert_eq!((video.timescale, sound.timescale), (90_000, 48_000));
    let sets = video.entries[0].parameter_sets.as_ref().unwrap();
    let entry = sample_entry::h264(&sets.sps, &sets.pps, video.width, video.height).unwrap();
    // AudioSpecificConfig of AAC-LC, 48 kHz, mono (ISO/IEC 14496-3 1.6.2.1).
    let aac = sample_entry::aac(&[0x11, 0x88], 48_000, 1).unwrap();
    let tracks = [
        TrackConfig::video(entry, video.width, video.height),
        TrackConfig::audio(aac, 48_000),
        TrackConfig::camm().unwrap(),
        TrackConfig::text().unwrap(),
    ];
    let data = |s: &picam_mp4::read::Sample| &bytes[s.offset as usize..s.end() as usize];
    // Sound and pictures on one timeline, as presented, from second 10 on.
    let place = |track: &Track, s: &picam_mp4::read::Sample| {
        10 * i64::from(track.timescale) + track.presentation(s)
    };
    let disk = SimDisk::new(Mutant::None);
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let mut recording = Recording {
        source: clip.to_path_buf(),
        finished: Vec::new(),
        recording: dir.join("recording.mp4"),
    };
    let mut keys = 0;
    let mut audio = sound.samples.iter().peekable();
    let mut finish = |writer: &mut SegmentWriter<SimFile>, next: Option<i64>| {
        writer.commit(next).unwrap();
        let n = recording.finished.len();
        save(
            &disk.open(&format!("{n}.mp4")).unwrap(),
            &recording.recording,
        );
        let (file, _) = writer.finish(next).unwrap().unwrap();
        let path = dir.join(format!("segment {n}.mp4"));
        save(&file, &path);
        recording.finished.push(path);
    };
    let mut segments = 0;
    let delay = i64::from(video.samples[0].cts_offset);
    for (n, s) in video.samples.iter().enumerate() {
        let sample = Sample {
            track: 0,
            dts: place(video, s) - i64::from(s.cts_offset) + delay,
            composition_offset: s.cts_offset as u32,
            duration: s.duration,
            key: s.key,
            captured: BootNs(s.dts as u64 * 1_000_000_000 / 90_000),
            data: data(s),
        };
        // What was heard before a key frame belongs to the segment before it.
        while let Some(s) = audio.next_if(|s| place(sound, s) * 90_000 < sample.dts * 48_000) {
            // The encoder's delay is not recorded.
            if sound.presentation(s) < 0 {
                continue;
            }
            let sound = Sample {
                track: 1,
                dts: place(sound, s),
                composition_offset: 0,
                duration: s.duration,
                key: true,
                captured: BootNs(0),
                data: data(s),
            };
            writer.push(&sound).unwrap();
        }
        if s.key && keys % keys_per_segment == 0 {
            if segments > 0 {
                finish(&mut writer, Some(sample.dts));
            }
            let file = disk.create(&format!("{segments}.mp4"), SLOT).unwrap();
            let start_ns = (place(video, s) * 100_000 / 9) as u64;
            let record = record(40 + segments, start_ns);
            writer
                .begin(file, record, tracks.to_vec(), &sample)
                .unwrap();
            segments += 1;
        }
        keys += usize::from(s.key);
        writer.push(&sample).unwrap();
        let ms = sample.dts / 90;
        let fix = Fix {
            gps_epoch_s: ms as f64 / 1000.0,
            fix_type: 3,
            latitude: 48.137,
            longitude: 11.576,
            altitude: 519.0,
            horizontal_accuracy: 2.5,
            vertical_accuracy: 4.0,
            velocity: [10.0, 0.0, 0.0],
            speed_accuracy: 0.5,
        };
        if n % 15 == 3 {
            writer
                .push(&metadata(2, ms, 500, &fix.to_sample()))
                .unwrap();
        }
        if n % 30 == 7 {
            let text = format!("second {ms}");
            let text = [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
            writer.push(&metadata(3, ms, 1000, &text)).unwrap();
        }
    }
    finish(&mut writer, None);
    recording
}

/// Makes a clip with so many B-frames and records it.
pub(crate) fn recorded(b_frames: &str, keys_per_segment: usize, dir: &Path) -> Recording {
    let args = [
        B_FRAMES,
        &["-bf", b_frames, "-video_track_timescale", "90000"],
        // Noise that a decoder makes up differs with where it starts.
        &["-aac_pns", "0"],
    ];
    let clip = Clip {
        seconds: 6,
        args: &args.concat(),
        ..CLIP
    };
    record_clip(&clip.make(dir, "source.mp4"), keys_per_segment, dir)
}
