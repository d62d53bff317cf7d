//! Playlists over slots, played by ffmpeg.

use std::fs::File;
use std::path::Path;

use picam_mp4::SegmentState;
use picam_testkit::judges::have;
use picam_testkit::read_slot;

use crate::peers::{Frame, frames, run};
use crate::playlist::{Part, playlist};
use crate::serve::serve;
use crate::slots::{UTC_US, recorded};

fn md5s(frames: &[Frame]) -> Vec<&str> {
    frames.iter().map(|f| f.md5.as_str()).collect()
}

/// The playlist of slots beside it.
fn list(paths: &[&Path], open: bool) -> String {
    let slots = paths.iter().map(|path| {
        let (movie, record, _) = read_slot(&File::open(path).unwrap()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        (movie, record, name.replace(' ', "%20"))
    });
    let slots: Vec<_> = slots.collect();
    let parts = slots.iter().map(|(movie, record, uri)| Part {
        movie,
        uri,
        start_utc: record.start_utc,
    });
    playlist(&parts.collect::<Vec<_>>(), open)
}

fn durations(list: &str) -> Vec<f64> {
    let lines = list.lines().filter_map(|l| l.strip_prefix("#EXTINF:"));
    lines
        .map(|l| l.trim_end_matches(',').parse().unwrap())
        .collect()
}

/// Plays the list from a web server; every picture comes out, across discontinuities.
fn gstreamer_shows_all(list: &Path, source: &Path, dir: &Path) {
    let package =
        "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav";
    if !have("gst-launch-1.0", package) {
        return;
    }
    let [shown, original] = ["shown.yuv", "original.yuv"].map(|name| dir.join(name));
    let name = list.file_name().unwrap().to_str().unwrap();
    let pipeline = format!(
        "souphttpsrc location={}/{name} ! hlsdemux ! qtdemux name=d d.video_0 ! queue ! h264parse \
         ! avdec_h264 ! videoconvert ! video/x-raw,format=I420 ! filesink location={}",
        serve(dir),
        shown.display()
    );
    run(
        "gst-launch-1.0",
        &[
            &["-q"],
            &pipeline.split_whitespace().collect::<Vec<_>>()[..],
        ]
        .concat(),
    );
    let args = [
        "-v",
        "error",
        "-y",
        "-i",
        source.to_str().unwrap(),
        "-f",
        "rawvideo",
    ];
    run(
        "ffmpeg",
        &[&args[..], &[original.to_str().unwrap()]].concat(),
    );
    let [shown, original] = [shown, original].map(|path| std::fs::read(path).unwrap());
    assert_eq!(shown.len(), original.len());
    assert!(shown == original);
}

#[test]
fn segments_play_as_one_stream() {
    if !have("ffmpeg", "ffmpeg") || !have("ffprobe", "ffmpeg") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for b_frames in ["0", "2"] {
        let recording = recorded(b_frames, 3, dir.path());
        let source = recording.source.clone();
        let original = frames(&source);
        let paths: Vec<_> = recording
            .finished
            .iter()
            .map(|path| path.as_path())
            .collect();
        assert_eq!(paths.len(), 3);

        let all = list(&paths, false);
        let path = dir.path().join("all.m3u8");
        std::fs::write(&path, &all).unwrap();
        // The names hold a space, which file: does not decode: links stand in for a web server.
        for path in &paths {
            let link = path.to_str().unwrap().replace(' ', "%20");
            let _ = std::os::unix::fs::symlink(path, link);
        }
        // ffmpeg reads every byte without a complaint, but times that start anew at a discontinuity
        // it takes for a repetition and drops what it finds up to the next fragment.
        let played = frames(&path);
        assert!((132..=150).contains(&played.len()), "{}", played.len());
        assert_eq!(md5s(&played)[..60], md5s(&original)[..60]);
        gstreamer_shows_all(&path, &source, dir.path());
        // Part by part it shows all of it too.
        let mut played = Vec::new();
        for part in &paths {
            std::fs::write(&path, list(&[*part], false)).unwrap();
            played.extend(frames(&path));
        }
        assert_eq!(md5s(&played), md5s(&original), "bf {b_frames}");
        assert_eq!(all.matches("#EXT-X-MAP:").count(), 3);
        assert_eq!(all.matches("#EXT-X-DISCONTINUITY\n").count(), 2);
        assert!(all.contains("#EXT-X-TARGETDURATION:1\n"), "{all}");
        assert!(all.ends_with("#EXT-X-ENDLIST\n"));
        let utc = (UTC_US + 12_400_000) / 1_000_000;
        assert_eq!(utc, 1_795_172_892);
        assert!(
            all.contains("#EXT-X-PROGRAM-DATE-TIME:2026-11-20T11:08:12.400Z\n"),
            "{all}"
        );
        assert_eq!(durations(&all), [0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.4]);

        // While the last one is being recorded: what may still grow is left out, and the finished
        // list only adds to the open one.
        let still = dir.path().join("segment%202.mp4");
        std::fs::remove_file(&still).unwrap();
        std::fs::copy(&recording.recording, &still).unwrap();
        let (_, _, state) = read_slot(&File::open(&still).unwrap()).unwrap();
        assert_eq!(state, SegmentState::Recording);
        let open = list(&[paths[0], paths[1], &still], true);
        let open = open.replace("EVENT", "VOD").replace("%252", "%2");
        assert!(all.starts_with(&open), "{open}\n{all}");
        assert_eq!(durations(&open).len(), 7);
        std::fs::write(&path, open + "#EXT-X-ENDLIST\n").unwrap();
        let played = frames(&path);
        assert_eq!(
            md5s(&played)[played.len() - 10..],
            md5s(&original[130..140])
        );
        std::fs::remove_file(&still).unwrap();
    }
}
