//! Every judge at once.

use std::fs;
use std::path::Path;

use picam_testkit::judges;

use crate::card::{Segment, snapshot, top_level};

/// What must be installed for [`judge`]; prints a SKIPPED line for what is not.
pub fn installed() -> bool {
    let gst = "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-libav";
    judges::have("ffmpeg", "ffmpeg")
        & judges::have("ffprobe", "ffmpeg")
        & judges::have("gst-launch-1.0", gst)
}

/// Asks every judge about a segment as it is now, and says how many pictures it shows; `None` if
/// its slot was taken meanwhile.
pub fn judge(segment: &Segment, scratch: &Path) -> Option<usize> {
    let bytes = snapshot(segment)?;
    let name = segment.path.file_name().unwrap();
    let copy = scratch.join(name);
    fs::write(&copy, &bytes).unwrap();
    let pictures = judge_file(&copy);
    let boxes = top_level(&bytes);
    if &bytes[36..40] == b"moov" {
        assert_eq!(&boxes[..2], ["ftyp", "moov"], "{name:?}");
        assert!(!boxes.contains(&"moof".to_owned()), "{name:?}: {boxes:?}");
    } else {
        assert!(boxes.contains(&"moof".to_owned()), "{name:?}: {boxes:?}");
    }
    fs::remove_file(copy).unwrap();
    Some(pictures)
}

/// Asks every judge about a file, and says how many pictures it shows.
pub fn judge_file(file: &Path) -> usize {
    let probe = judges::ffprobe(file, true).unwrap();
    let pictures = probe["packets"].as_array().map_or(0, Vec::len);
    assert!(pictures > 0, "{} shows nothing", file.display());
    judges::ffmpeg_decodes(file).unwrap();
    judges::gstreamer_plays(file).unwrap();
    mp4_crate_reads(file);
    pictures
}

/// The `mp4` crate finds the video and hands out its samples.
fn mp4_crate_reads(file: &Path) {
    let show = file.display();
    let size = fs::metadata(file).unwrap().len();
    let reader = std::io::BufReader::new(fs::File::open(file).unwrap());
    let mut reader = mp4::Mp4Reader::read_header(reader, size)
        .unwrap_or_else(|error| panic!("the mp4 crate on {show}: {error}"));
    let video = |track: &&mp4::Mp4Track| track.media_type().ok() == Some(mp4::MediaType::H264);
    let track = reader.tracks().values().find(video);
    let track = track.unwrap_or_else(|| panic!("the mp4 crate finds no video in {show}"));
    let id = track.track_id();
    let samples = reader.sample_count(id).unwrap();
    assert!(samples > 0, "the mp4 crate finds no samples in {show}");
    for sample in 1..=samples {
        let read = reader.read_sample(id, sample);
        let read = read.unwrap_or_else(|error| panic!("the mp4 crate on {show}: {error}"));
        assert!(read.is_some_and(|sample| !sample.bytes.is_empty()));
    }
}
