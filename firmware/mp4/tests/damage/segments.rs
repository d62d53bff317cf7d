//! A slot in memory, and segments of real video in it.

use std::io;
use std::path::Path;

use picam_mp4::read::Movie;
use picam_mp4::{
    Flush, FragmentLimits, Help, ReadAt, Record, Sample, SegmentWriter, SlotFile, TrackConfig,
    mend, sample_entry,
};
use picam_testkit::ffmpeg;
use picam_time::BootNs;

pub(crate) const HEAD_LEN: u32 = 32 * 1024;
pub(crate) const SLOT_LEN: u64 = 1 << 20;

#[derive(Debug, Clone)]
pub(crate) struct Slot(pub(crate) Vec<u8>);

impl ReadAt for Slot {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
}

impl SlotFile for Slot {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }

    fn flush(&mut self, _scope: Flush) -> io::Result<()> {
        Ok(())
    }
}

/// Three states of one segment, and what stood in its slot before.
pub(crate) struct Segments {
    pub(crate) states: Vec<(&'static str, Slot)>,
    pub(crate) old: Slot,
}

/// Makes a clip with ffmpeg and records it over an older, longer segment.
pub(crate) fn segments(dir: &Path, name: &str, codec: &str) -> Segments {
    let path = dir.join(name);
    let input = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=4 -pix_fmt yuv420p";
    ffmpeg::run(
        &format!("{input} {codec} -video_track_timescale 90000"),
        &path,
    );
    let clip = std::fs::read(path).unwrap();
    let blank = Slot(vec![0; SLOT_LEN as usize]);
    let old = record_into(blank, &clip, 40, 100, false);
    let cut_off = record_into(old.clone(), &clip, 41, 80, false);
    let finished = record_into(old.clone(), &clip, 41, 80, true);
    let mut recovered = cut_off.clone();
    mend(&mut recovered, &Help::NONE).unwrap();
    Segments {
        states: vec![
            ("finished", finished),
            ("cut off", cut_off),
            ("recovered", recovered),
        ],
        old,
    }
}

fn record_into(slot: Slot, clip: &Vec<u8>, sequence: u64, pictures: usize, finish: bool) -> Slot {
    let movie = Movie::read(clip).unwrap();
    let video = movie.video().unwrap();
    let sets = video.entries[0].parameter_sets.as_ref().unwrap();
    let (width, height) = (video.width, video.height);
    let stsd = match sets.vps.is_empty() {
        true => sample_entry::h264(&sets.sps, &sets.pps, width, height),
        false => sample_entry::h265(&sets.vps, &sets.sps, &sets.pps, width, height),
    };
    let record = Record {
        sequence,
        boot_id: [7; 16],
        boot_number: 3,
        camera: b'F',
        class: b'N',
        camera_name: "front".into(),
        start_boot: BootNs(1_000_000_000),
        slot_len: SLOT_LEN,
        head_len: HEAD_LEN,
        ..Record::default()
    };
    let samples: Vec<Sample<'_>> = video
        .samples
        .iter()
        .map(|s| Sample {
            track: 0,
            dts: 1_000_000 + s.dts,
            composition_offset: s.cts_offset as u32,
            duration: s.duration,
            key: s.key,
            captured: BootNs(1_000_000_000 + s.dts as u64 * 100_000 / 9),
            data: &clip[s.offset as usize..s.end() as usize],
        })
        .collect();
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let tracks = vec![TrackConfig::video(stsd.unwrap(), width, height)];
    writer.begin(slot, record, tracks, &samples[0]).unwrap();
    for sample in &samples[..pictures] {
        writer.push(sample).unwrap();
    }
    writer.commit(None).unwrap();
    let (slot, _) = match finish {
        true => writer.finish(None).unwrap().unwrap(),
        false => writer.abandon().unwrap(),
    };
    slot
}
