//! Streams cut into segments by `JointPolicy`, written as MP4, judged by ffmpeg and GStreamer: every file
//! decodes alone without one complaint, and together they hold every picture.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use picam_media::{
    AccessUnit, Codec, JointPolicy, LeadingMarker, Place, Rotation, Start, UnitFacts,
};
use picam_mp4::{
    Flush, FragmentLimits, ReadAt, Record, Sample, SegmentWriter, SlotFile, TrackConfig,
    sample_entry,
};
use picam_testkit::ffmpeg::{available, make};
use picam_testkit::judges;

use crate::peer::{annexb, decode, open, read};

const SLOT: u64 = 4 << 20;
const HEAD: u32 = 128 * 1024;

struct Slot(File);

impl ReadAt for Slot {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(&self.0, buf, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

impl SlotFile for Slot {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }

    fn flush(&mut self, _: Flush) -> io::Result<()> {
        Ok(())
    }
}

/// Writes segments as a recorder would that follows the policy.
struct Cutter<'a> {
    dir: &'a Path,
    name: String,
    writer: SegmentWriter<Slot>,
    copy: AccessUnit,
    files: Vec<(PathBuf, usize)>,
    began: Option<i64>,
    /// Pictures that no segment can hold.
    lost: usize,
    /// Starts that are stored twice.
    twice: usize,
    in_band: usize,
}

impl Cutter<'_> {
    fn begin(&mut self, unit: &AccessUnit) {
        self.finish(unit.dts);
        let path = self
            .dir
            .join(format!("{}-{}.mp4", self.name, self.files.len()));
        let file = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        file.set_len(SLOT).unwrap();
        let sets = unit.parameter_sets.as_ref().unwrap();
        let (width, height) = (sets.width, sets.height);
        let stsd = match sets.codec {
            Codec::H264 => sample_entry::h264(&sets.sps, &sets.pps, width, height),
            Codec::H265 => sample_entry::h265(&sets.vps, &sets.sps, &sets.pps, width, height),
        };
        let record = Record {
            slot_len: SLOT,
            head_len: HEAD,
            camera: b'F',
            class: b'N',
            ..Record::default()
        };
        let tracks = vec![TrackConfig::video(stsd.unwrap(), width, height)];
        let first = sample(unit, &unit.data);
        self.writer
            .begin(Slot(file), record, tracks, &first)
            .unwrap();
        self.files.push((path, 0));
        self.began = Some(unit.dts);
    }

    fn append(&mut self, unit: &AccessUnit, sets_in_band: bool) {
        let mut data = Vec::new();
        if sets_in_band {
            self.in_band += 1;
            unit.parameter_sets
                .as_ref()
                .unwrap()
                .write_in_band(&mut data);
        }
        data.extend_from_slice(&unit.data);
        self.writer.push(&sample(unit, &data)).unwrap();
        self.files.last_mut().unwrap().1 += 1;
    }

    fn finish(&mut self, next_dts: i64) {
        if self.began.take().is_some() {
            self.writer.finish(Some(next_dts)).unwrap().unwrap();
        }
    }
}

fn sample<'a>(unit: &AccessUnit, data: &'a [u8]) -> Sample<'a> {
    Sample {
        track: 0,
        dts: unit.dts,
        composition_offset: unit.composition_offset().unwrap(),
        duration: 3000,
        key: unit.start.is_start(),
        captured: unit.captured,
        data,
    }
}

/// Cuts the units into segments of at least `seconds`.
fn cut<'a>(dir: &'a Path, name: &str, units: &[AccessUnit], seconds: i64) -> Cutter<'a> {
    let mut cutter = Cutter {
        dir,
        name: name.to_owned(),
        writer: SegmentWriter::new(FragmentLimits::default()),
        copy: AccessUnit::new(),
        files: Vec::new(),
        began: None,
        lost: 0,
        twice: 0,
        in_band: 0,
    };
    let mut policy = JointPolicy::default();
    let mut marker = LeadingMarker::default();
    for unit in units {
        let mut unit = unit.clone();
        marker.mark(&mut unit);
        let rotation = match cutter.began {
            None => Rotation::First,
            Some(began) if unit.dts - began >= seconds * 90_000 => Rotation::Soon,
            Some(_) => Rotation::Stay,
        };
        let joint = policy.next(&UnitFacts::of(&unit, false).unwrap(), rotation);
        match joint.place {
            Place::Append => cutter.append(&unit, joint.sets_in_band),
            Place::Begin => {
                cutter.begin(&unit);
                cutter.append(&unit, false);
            }
            Place::AppendAndCopy => {
                cutter.append(&unit, joint.sets_in_band);
                cutter.copy = unit.clone();
            }
            Place::BeginWithCopy => {
                let copy = cutter.copy.clone();
                cutter.twice += 1;
                cutter.begin(&copy);
                cutter.append(&copy, false);
                cutter.append(&unit, joint.sets_in_band);
            }
            Place::Undecodable => cutter.lost += 1,
        }
    }
    cutter.finish(units.last().unwrap().dts + 3000);
    cutter
}

/// Decodes every file alone, strictly; all pictures that are in it must come out.
fn judge(cutter: &Cutter<'_>) -> usize {
    let mut all = 0;
    for (path, pictures) in &cutter.files {
        judges::ffmpeg_decodes(path).unwrap();
        assert_eq!(decoded(path), *pictures, "{}", path.display());
        if judges::have(
            "gst-launch-1.0",
            "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-libav",
        ) {
            judges::gstreamer_plays(path).unwrap();
        }
        all += pictures;
    }
    all
}

fn decoded(path: &Path) -> usize {
    let output = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse().unwrap()
}

fn units(path: &Path) -> Vec<AccessUnit> {
    read(
        &mut *open(&format!("file:{}?pace=off", path.display())).unwrap(),
        usize::MAX,
    )
}

const OPEN_H264: &str = "-c:v libx264 -bf 3 -b_strategy 0 -g 15 -x264-params open-gop=1:scenecut=0";
const OPEN_H265: &str = "-c:v libx265 -x265-params log-level=0:bframes=4:b-adapt=0:keyint=15:min-keyint=15:open-gop=1:scenecut=0";

#[test]
fn open_groups_are_cut_into_files_that_decode_alone_and_lose_nothing() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let started_with =
        |units: &[AccessUnit], start| units.iter().filter(|unit| unit.start == start).count();
    for (name, encode, start) in [
        ("open.mp4", OPEN_H264, Start::Recovery),
        ("open.mkv", OPEN_H264, Start::Recovery),
        ("open.h264", OPEN_H264, Start::Recovery),
        ("cra.mp4", OPEN_H265, Start::Cra),
        ("cra.mkv", OPEN_H265, Start::Cra),
        ("cra.hevc", OPEN_H265, Start::Cra),
    ] {
        let path = make(dir.path(), name, encode);
        let units = units(&path);
        assert_eq!(units.len(), 60, "{name}");
        assert_eq!(started_with(&units, Start::Idr), 1, "{name}");
        assert_eq!(started_with(&units, start), 3, "{name}");
        let cutter = cut(dir.path(), name, &units, 0);
        assert_eq!((cutter.files.len(), cutter.lost), (4, 0), "{name}");
        assert_eq!(cutter.twice, 3, "{name}");
        assert_eq!(judge(&cutter), 60 + cutter.twice, "{name}");
    }
}

#[test]
fn closed_groups_are_cut_between_pictures() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, encode) in [
        ("b.mp4", "-c:v libx264 -bf 3 -b_strategy 0 -g 20"),
        (
            "radl.mp4",
            "-c:v libx265 -x265-params log-level=0:bframes=3:keyint=20:open-gop=0:radl=2",
        ),
    ] {
        let units = units(&make(dir.path(), name, encode));
        let cutter = cut(dir.path(), name, &units, 0);
        assert_eq!(
            (cutter.files.len(), cutter.lost, cutter.twice),
            (3, 0, 0),
            "{name}"
        );
        assert_eq!(judge(&cutter), 60, "{name}");
    }
}

#[test]
fn a_refreshed_picture_is_a_place_to_begin() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let encode = "-c:v libx264 -bf 0 -g 15 -x264-params intra-refresh=1";
    for name in ["refresh.mp4", "refresh.h264", "refresh.mkv"] {
        let units = units(&make(dir.path(), name, encode));
        let starts: Vec<_> = units.iter().filter(|unit| unit.start.is_start()).collect();
        assert_eq!(starts[0].start, Start::Idr, "{name}");
        assert!(starts.len() >= 4, "{name}: {}", starts.len());
        for start in &starts[1..] {
            assert_eq!(start.start, Start::Recovery, "{name}");
            assert!((1..=15).contains(&start.recovery_frames), "{name}");
        }
        let cutter = cut(dir.path(), name, &units, 0);
        assert_eq!(
            (cutter.files.len(), cutter.lost),
            (starts.len(), 0),
            "{name}"
        );
        // Alone, a file shows its pictures once they are refreshed, as it says; behind its predecessor, all.
        let mut stored = 0;
        for ((path, pictures), start) in cutter.files.iter().zip(&starts) {
            let alone = decoded(path) + usize::from(start.recovery_frames);
            assert!(alone >= *pictures, "{}: {alone}", path.display());
            stored += pictures;
        }
        assert_eq!(stored, 60, "{name}");
        let frames = decode("h264", &annexb(&units), 320 * 180);
        assert_eq!(frames.len(), 60, "{name}");
    }
}

#[test]
fn what_only_the_container_calls_a_start_is_one() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let bare = "-bsf:v filter_units=remove_types=6";
    for name in ["bare.mp4", "bare.mkv"] {
        let path = make(dir.path(), name, &format!("{OPEN_H264} {bare}"));
        let units = units(&path);
        let found = units.iter().filter(|unit| unit.start == Start::Recovery);
        assert_eq!(found.count(), 3, "{name}");
    }
}

#[test]
fn sets_that_change_at_a_start_begin_a_file_and_between_starts_go_in_band() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Raw streams of other settings one behind the other.
    let parts: Vec<_> = [
        "-c:v libx264 -bf 0 -g 20",
        "-c:v libx264 -bf 0 -g 20 -s 640x360",
        "-c:v libx264 -bf 0 -g 20 -coder 0 -x264-params cabac=0:8x8dct=0",
    ]
    .iter()
    .enumerate()
    .map(|(n, encode)| std::fs::read(make(dir.path(), &format!("{n}.h264"), encode)).unwrap())
    .collect();
    let raw = dir.path().join("parts.h264");
    std::fs::write(&raw, parts.concat()).unwrap();
    let cutter = cut(dir.path(), "parts", &units(&raw), 3600);
    assert_eq!((cutter.files.len(), cutter.lost, cutter.in_band), (3, 0, 0));
    assert_eq!(judge(&cutter), 180);

    // The same where the change is not at a start: the other stream's random access pictures are called none.
    for (name, encode, other) in [
        (
            "h264",
            "-c:v libx264 -bf 0 -g 20",
            "-c:v libx264 -bf 0 -g 20 -x264-params cabac=0",
        ),
        (
            "h265",
            "-c:v libx265 -x265-params log-level=0:bframes=0:keyint=20",
            "-c:v libx265 -x265-params log-level=0:bframes=0:keyint=20:ctu=16:amp=0:sao=0",
        ),
    ] {
        let mut first = units(&make(dir.path(), &format!("{name}-a.mp4"), encode));
        let mut other = units(&make(dir.path(), &format!("{name}-b.mp4"), other));
        let end = first.last().unwrap().dts + 3000;
        for unit in &mut other {
            unit.dts += end;
            unit.pts += end;
            unit.start = Start::None;
        }
        first.append(&mut other);
        let cutter = cut(dir.path(), name, &first, 3600);
        let counts = (cutter.files.len(), cutter.lost, cutter.in_band);
        assert_eq!(counts, (1, 0, 1), "{name}");
        assert_eq!(judge(&cutter), 120, "{name}");
    }
}
