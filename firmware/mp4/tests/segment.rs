//! Segments written from real H.264 and H.265, judged by programs that others wrote.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use picam_mp4::camm::{Fix, GPS_EPOCH_UNIX_S};
use picam_mp4::read::Movie;
use picam_mp4::sample_entry::{self, G711};
use picam_mp4::{
    FragmentLimits, Help, Pushed, ReadAt, Record, Sample, SegmentState, SegmentWriter, TrackConfig,
    check, mend, patch_record,
};
use picam_ring::Directory;
use picam_testkit::sim_disk::{Mutant, SimDisk, SimFile};
use picam_testkit::{ffmpeg, judges};
use picam_time::{BootNs, Ticks, UtcUs};

const HEAD: u32 = 128 * 1024;

/// Makes a clip with ffmpeg; `None` (and a SKIPPED line) without ffmpeg.
fn clip(dir: &Path, name: &str, args: &str) -> Option<PathBuf> {
    if !ffmpeg::available() {
        return None;
    }
    let path = dir.join(name);
    ffmpeg::run(args, &path);
    Some(path)
}

fn record(slot_len: u64) -> Record {
    Record {
        sequence: 41,
        boot_id: [7; 16],
        boot_number: 3,
        camera: b'F',
        class: b'N',
        camera_name: "front".into(),
        start_boot: BootNs(1_000_000_000),
        start_utc: Some(UtcUs(1_795_172_880_000_000)),
        slot_len,
        head_len: HEAD,
        ..Record::default()
    }
}

struct Input {
    bytes: Vec<u8>,
    movie: Movie,
    track: TrackConfig,
}

fn load(path: &Path) -> Input {
    let bytes = std::fs::read(path).unwrap();
    let movie = Movie::read(&bytes).unwrap();
    let video = movie.video().unwrap();
    assert_eq!(video.timescale, 90_000);
    let sets = video.entries[0].parameter_sets.as_ref().unwrap();
    let stsd = if sets.vps.is_empty() {
        sample_entry::h264(&sets.sps, &sets.pps, video.width, video.height)
    } else {
        sample_entry::h265(&sets.vps, &sets.sps, &sets.pps, video.width, video.height)
    };
    let track = TrackConfig::video(stsd.unwrap(), video.width, video.height);
    Input {
        bytes,
        movie,
        track,
    }
}

impl Input {
    /// The pictures as a camera that has run for a while would hand them over.
    fn samples(&self) -> impl Iterator<Item = Sample<'_>> {
        self.movie.video().unwrap().samples.iter().map(|s| Sample {
            track: 0,
            dts: 1_000_000 + s.dts,
            composition_offset: s.cts_offset as u32,
            duration: s.duration,
            key: s.key,
            captured: captured(s.dts, 90_000),
            data: &self.bytes[s.offset as usize..][..s.size as usize],
        })
    }
}

/// Capture time of `dts` on a camera that has run for a second.
fn captured(dts: i64, timescale: u32) -> BootNs {
    BootNs::from_secs(1) + Ticks::new(dts, timescale).span()
}

fn new_slot(disk: &SimDisk, slot_len: u64) -> SimFile {
    disk.create("slot.mp4", slot_len).unwrap()
}

fn save(file: &SimFile, path: &Path) {
    let mut bytes = vec![0; file.size().unwrap() as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn judge(path: &Path, frames: usize) {
    judges::ffmpeg_decodes(path).unwrap();
    let probe = judges::ffprobe(path, true).unwrap();
    assert_eq!(
        probe["packets"].as_array().unwrap().len(),
        frames,
        "{}",
        path.display()
    );
    if judges::have(
        "gst-launch-1.0",
        "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-libav",
    ) {
        judges::gstreamer_plays(path).unwrap();
    }
}

/// Time of every packet, in file order.
fn times(path: &Path) -> Vec<(String, String)> {
    let probe = judges::ffprobe(path, true).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let packets = probe["packets"].as_array().unwrap().iter();
    packets
        .map(|p| (text(&p["pts_time"]), text(&p["dts_time"])))
        .collect()
}

#[test]
fn every_state_of_a_segment_plays_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let codecs = [
        ("h264.mp4", "-c:v libx264 -preset veryfast -g 30 -bf 0"),
        (
            "reordered.mp4",
            "-c:v libx264 -preset veryfast -g 30 -bf 3 -profile:v high",
        ),
        (
            "variable.mp4",
            "-vf setpts=PTS+mod(N\\,3)*0.007/TB -fps_mode passthrough -enc_time_base 1/90000 \
             -c:v libx264 -preset veryfast -g 30 -bf 2",
        ),
        (
            "h265.mp4",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=30 -tag:v hvc1",
        ),
    ];
    for (name, codec) in codecs {
        let args = format!(
            "-f lavfi -i testsrc2=size=320x240:rate=30:duration=4.1 -pix_fmt yuv420p {codec} \
             -video_track_timescale 90000"
        );
        let Some(path) = clip(dir.path(), name, &args) else {
            return;
        };
        let input = load(&path);
        let total = input.samples().count();
        let slot_len = 4 << 20;
        let disk = SimDisk::new(Mutant::None);
        let mut writer = SegmentWriter::new(FragmentLimits::default());
        let first = input.samples().next().unwrap();
        let file = new_slot(&disk, slot_len);
        writer
            .begin(file, record(slot_len), vec![input.track.clone()], &first)
            .unwrap();
        let out = dir.path().join(format!("out-{name}"));
        for sample in input.samples() {
            let before = writer.record().unwrap().counters.frames;
            if writer.push(&sample).unwrap() == Pushed::Committed && before % 20 == 0 {
                save(&disk.open("slot.mp4").unwrap(), &out);
                judge(&out, before as usize);
                let checked = check(&disk.open("slot.mp4").unwrap()).unwrap();
                assert_eq!(
                    (checked.state, checked.faults),
                    (SegmentState::Recording, vec![])
                );
            }
        }
        // As a power cut leaves it, and recovered.
        let mut cut = SimDisk::new(Mutant::None)
            .create("cut.mp4", slot_len)
            .unwrap();
        let mut bytes = vec![0; slot_len as usize];
        disk.open("slot.mp4")
            .unwrap()
            .read_exact_at(0, &mut bytes)
            .unwrap();
        picam_mp4::SlotFile::write_at(&mut cut, 0, &bytes).unwrap();
        let recovered = mend(&mut cut, &Help::NONE).unwrap().record;
        save(&cut, &out);
        judge(&out, recovered.counters.frames as usize);
        assert!(
            recovered.recovered && recovered.counters.frames >= 110,
            "{recovered:?}"
        );
        assert!(!mend(&mut cut, &Help::NONE).unwrap().changed());
        assert_eq!(check(&cut).unwrap().faults, Vec::<String>::new());

        let (finished, rec) = writer.finish(None).unwrap().unwrap();
        save(&finished, &out);
        judge(&out, total);
        assert_eq!(rec.counters.frames as usize, total);
        assert_eq!(check(&finished).unwrap().faults, Vec::<String>::new());
        assert_eq!(times(&out), times(&path), "{name}");
        let mp4 = mp4::Mp4Reader::read_header(Cursor::new(std::fs::read(&out).unwrap()), slot_len)
            .unwrap();
        assert_eq!(mp4.tracks()[&1].sample_count() as usize, total);

        let bytes = std::fs::read(&out).unwrap();
        assert_eq!((&bytes[4..8], &bytes[36..40]), (&b"ftyp"[..], &b"moov"[..]));
        assert!(
            top_level(&bytes).iter().all(|kind| kind != "moof"),
            "{:?}",
            top_level(&bytes)
        );
        let probe = judges::ffprobe(&out, false).unwrap();
        assert_eq!(
            probe["format"]["tags"]["creation_time"],
            "2026-11-20T11:08:00.000000Z"
        );
    }
}

fn top_level(bytes: &[u8]) -> Vec<String> {
    let mut at = 0;
    let mut kinds = Vec::new();
    while at < bytes.len() {
        let mut len = u64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()));
        if len == 1 {
            len = u64::from_be_bytes(bytes[at + 8..at + 16].try_into().unwrap());
        }
        kinds.push(String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned());
        at += len as usize;
    }
    assert_eq!(at, bytes.len());
    kinds
}

#[test]
fn a_segment_that_learns_its_time_later_shows_it_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let args = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=1 -pix_fmt yuv420p -c:v libx264 \
                -bf 0 -video_track_timescale 90000";
    let Some(path) = clip(dir.path(), "a.mp4", args) else {
        return;
    };
    let input = load(&path);
    let disk = SimDisk::new(Mutant::None);
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let unknown = Record {
        start_utc: None,
        ..record(2 << 20)
    };
    let first = input.samples().next().unwrap();
    writer
        .begin(
            new_slot(&disk, 2 << 20),
            unknown,
            vec![input.track.clone()],
            &first,
        )
        .unwrap();
    for sample in input.samples() {
        writer.push(&sample).unwrap();
    }
    let (mut file, _) = writer.finish(None).unwrap().unwrap();
    let out = dir.path().join("out.mp4");
    save(&file, &out);
    let probe = judges::ffprobe(&out, false).unwrap();
    assert!(probe["format"]["tags"]["creation_time"].is_null());
    patch_record(&mut file, |record| {
        record.start_utc = Some(UtcUs(1_795_172_880_500_000));
        record.class = b'E';
    })
    .unwrap();
    save(&file, &out);
    judge(&out, 30);
    let probe = judges::ffprobe(&out, false).unwrap();
    for tags in [&probe["format"]["tags"], &probe["streams"][0]["tags"]] {
        assert_eq!(tags["creation_time"], "2026-11-20T11:08:00.000000Z");
    }
    let checked = check(&file).unwrap();
    assert_eq!((checked.record.class, checked.faults), (b'E', vec![]));
}

#[test]
fn sound_places_and_text_are_found_by_the_tools_that_look_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let args = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=3 -f lavfi -i sine=duration=3:sample_rate=48000 \
                -pix_fmt yuv420p -c:v libx264 -bf 0 -video_track_timescale 90000 -c:a aac";
    let Some(path) = clip(dir.path(), "av.mp4", args) else {
        return;
    };
    let input = load(&path);
    let sound = input
        .movie
        .tracks
        .iter()
        .find(|track| track.is_audio())
        .unwrap();
    // AudioSpecificConfig of AAC-LC, 48 kHz, mono (ISO/IEC 14496-3 1.6.2.1).
    let aac = sample_entry::aac(&[0x11, 0x88], 48_000, 1).unwrap();
    let tracks = vec![
        input.track.clone(),
        TrackConfig::audio(aac, 48_000),
        TrackConfig::camm().unwrap(),
        TrackConfig::text().unwrap(),
    ];
    let disk = SimDisk::new(Mutant::None);
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let first = input.samples().next().unwrap();
    writer
        .begin(new_slot(&disk, 4 << 20), record(4 << 20), tracks, &first)
        .unwrap();
    let mut audio = sound.samples.iter().peekable();
    for (n, sample) in input.samples().enumerate() {
        writer.push(&sample).unwrap();
        while let Some(s) = audio.next_if(|s| s.dts * 90_000 <= (sample.dts - 1_000_000) * 48_000) {
            let data = &input.bytes[s.offset as usize..][..s.size as usize];
            let dts = 1_000_000 * 48_000 / 90_000 + s.dts;
            writer
                .push(&Sample {
                    track: 1,
                    dts,
                    composition_offset: 0,
                    duration: 1024,
                    key: true,
                    captured: captured(s.dts, 48_000),
                    data,
                })
                .unwrap();
        }
        if n % 15 == 5 {
            let at = (sample.dts * 1000 / 90_000) as f64 / 1000.0 - 1_000_000.0 / 90_000.0;
            let fix = Fix {
                gps_epoch_s: (1_795_172_880 - GPS_EPOCH_UNIX_S + 18) as f64 + at,
                fix_type: 3,
                latitude: 48.137_154,
                longitude: 11.576_124,
                altitude: 519.0,
                horizontal_accuracy: 2.5,
                vertical_accuracy: 4.0,
                velocity: [10.0, 0.0, 0.0],
                speed_accuracy: 0.5,
            };
            let dts = sample.dts * 1000 / 90_000;
            let sample = Sample {
                track: 2,
                dts,
                composition_offset: 0,
                duration: 500,
                key: true,
                captured: sample.captured,
                data: &fix.to_sample(),
            };
            writer.push(&sample).unwrap();
            let text = b"\x00\x0848.13715";
            writer
                .push(&Sample {
                    track: 3,
                    data: text,
                    ..sample
                })
                .unwrap();
        }
    }
    let out = dir.path().join("out.mp4");
    // Recovered from its fragments, and finished in the normal way: the same to every tool.
    let mut bytes = vec![0; 4 << 20];
    writer.commit(None).unwrap();
    disk.open("slot.mp4")
        .unwrap()
        .read_exact_at(0, &mut bytes)
        .unwrap();
    let mut cut = SimDisk::new(Mutant::None)
        .create("cut.mp4", 4 << 20)
        .unwrap();
    picam_mp4::SlotFile::write_at(&mut cut, 0, &bytes).unwrap();
    mend(&mut cut, &Help::NONE).unwrap();
    let (finished, _) = writer.finish(None).unwrap().unwrap();
    for file in [&cut, &finished] {
        save(file, &out);
        judge(&out, 90);
        let probe = judges::ffprobe(&out, false).unwrap();
        let kinds: Vec<_> = probe["streams"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["codec_type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(kinds, ["video", "audio", "data", "subtitle"]);
        let seconds: f64 = probe["streams"][1]["duration"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((2.9..3.1).contains(&seconds), "{seconds}");
        if !judges::have("exiftool", "libimage-exiftool-perl") {
            continue;
        }
        let exif = Command::new("exiftool")
            .args(["-ee", "-n", "-G3", "-a"])
            .arg(&out)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&exif.stdout);
        assert!(
            text.contains("GPS Coordinates") && text.contains("48.1372 11.5761"),
            "{text}"
        );
        let camm = text
            .lines()
            .filter(|l| l.contains("GPS Latitude") && l.contains("48.137154"))
            .count();
        assert!(camm >= 6, "{camm} fixes in\n{text}");
        assert!(text.contains("2026:11:20 11:08:0"), "{text}");
        assert!(text.contains("48.13715"), "{text}");
    }
}

#[test]
fn every_kind_of_sound_has_a_sample_entry_that_ffprobe_knows() {
    let dir = tempfile::tempdir().unwrap();
    let args = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=1 -pix_fmt yuv420p -c:v libx264 \
                -bf 0 -video_track_timescale 90000";
    let Some(path) = clip(dir.path(), "v.mp4", args) else {
        return;
    };
    let input = load(&path);
    let kinds = [
        (
            "pcm_s16le",
            sample_entry::pcm_s16le(48_000, 1),
            48_000,
            1920,
        ),
        (
            "pcm_alaw",
            sample_entry::g711(G711::ALaw, 8_000, 1),
            8_000,
            160,
        ),
        (
            "pcm_mulaw",
            sample_entry::g711(G711::MuLaw, 8_000, 1),
            8_000,
            160,
        ),
    ];
    for (codec, entry, rate, len) in kinds {
        let disk = SimDisk::new(Mutant::None);
        let mut writer = SegmentWriter::new(FragmentLimits::default());
        let tracks = vec![
            input.track.clone(),
            TrackConfig::audio(entry.unwrap(), rate),
        ];
        let first = input.samples().next().unwrap();
        writer
            .begin(new_slot(&disk, 2 << 20), record(2 << 20), tracks, &first)
            .unwrap();
        // 20 ms of silence.
        let silence = vec![0; len];
        let origin = 1_000_000 * i64::from(rate) / 90_000;
        for sample in input.samples() {
            writer.push(&sample).unwrap();
        }
        for n in 0..50 {
            let duration = rate / 50;
            let dts = origin + i64::from(n * duration);
            writer
                .push(&Sample {
                    track: 1,
                    dts,
                    composition_offset: 0,
                    duration,
                    key: true,
                    captured: captured(i64::from(n), 50),
                    data: &silence,
                })
                .unwrap();
        }
        let (file, _) = writer.finish(None).unwrap().unwrap();
        let out = dir.path().join("out.mp4");
        save(&file, &out);
        let probe = judges::ffprobe(&out, false).unwrap();
        assert_eq!(probe["streams"][1]["codec_name"], codec);
        judges::ffmpeg_decodes(&out).unwrap();
    }
}

/// A slot that is mostly a hole, so that its lengths can exceed 32 bits.
struct Sparse(std::fs::File);

impl ReadAt for Sparse {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read_at(offset, buf)
    }

    fn size(&self) -> std::io::Result<u64> {
        self.0.size()
    }
}

impl picam_mp4::SlotFile for Sparse {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, data, offset)
    }

    fn flush(&mut self, _scope: picam_mp4::Flush) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_slot_beyond_four_gibibytes_has_headers_that_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let args = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=2 -pix_fmt yuv420p -c:v libx264 \
                -bf 0 -g 15 -video_track_timescale 90000";
    let Some(path) = clip(dir.path(), "a.mp4", args) else {
        return;
    };
    let input = load(&path);
    let slot_len = 6 << 30;
    let out = dir.path().join("out.mp4");
    let mut open = std::fs::OpenOptions::new();
    let file = open
        .read(true)
        .write(true)
        .create_new(true)
        .open(&out)
        .unwrap();
    file.set_len(slot_len).unwrap();
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let first = input.samples().next().unwrap();
    writer
        .begin(
            Sparse(file),
            record(slot_len),
            vec![input.track.clone()],
            &first,
        )
        .unwrap();
    for sample in input.samples() {
        writer.push(&sample).unwrap();
    }
    writer.commit(None).unwrap();
    judges::ffmpeg_decodes(&out).unwrap();
    let (file, _) = writer.finish(None).unwrap().unwrap();
    judge(&out, 60);
    assert_eq!(check(&file).unwrap().faults, Vec::<String>::new());
}

#[test]
fn the_header_record_stands_where_the_card_format_says() {
    let mut sector = [0; 512];
    let mut record = record(1 << 30);
    record.counters.frames = 0x0102_0304;
    record.end = 0x0506_0708;
    record.store(&mut sector);
    assert_eq!(&sector[160..168], b"\0\0\x01\x60uuid");
    assert_eq!(&sector[184..192], b"picamSEG");
    assert_eq!(sector[196..204], 41u64.to_be_bytes());
    assert_eq!(sector[204..220], [7; 16]);
    assert_eq!(&sector[224..226], b"FN");
    assert_eq!(&sector[228..234], b"front\0");
    assert_eq!(sector[268..276], 1_795_172_880_000_000u64.to_be_bytes());
    assert_eq!(sector[276..284], (1u64 << 30).to_be_bytes());
    assert_eq!(sector[284..288], HEAD.to_be_bytes());
    assert_eq!(sector[304..312], 0x0506_0708u64.to_be_bytes());
    assert_eq!(sector[320..324], 0x0102_0304u32.to_be_bytes());
    assert_eq!(
        sector[508..],
        crc32fast::hash(&sector[184..508]).to_be_bytes()
    );
}
