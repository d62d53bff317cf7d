//! Every packet of files that ffmpeg made, as ffprobe lists it and as the reader does.

use std::fs::File;
use std::path::Path;

use picam_mp4::SegmentState;
use picam_mp4::read::{Codec, Movie};
use picam_testkit::read_slot;

use picam_testkit::judges::have;

use crate::peers::{B_FRAMES, CLIP, Clip, packets, run};
use crate::slots::recorded;

/// Compares all tracks with ffprobe, with and without the edit list applied.
fn compare(path: &Path) -> Movie {
    let movie = Movie::read(&File::open(path).unwrap()).unwrap();
    let raw = packets(path, &["-ignore_editlist", "1"]);
    let shown = packets(path, &[]);
    assert!(!raw.is_empty());
    for (stream, track) in movie.tracks.iter().enumerate() {
        let theirs: Vec<_> = raw.iter().filter(|p| p.stream == stream).collect();
        assert_eq!(
            theirs.len(),
            track.samples.len(),
            "{path:?} stream {stream}"
        );
        // ffmpeg moves decode times so that none is behind its presentation time, and fragments
        // by the delay in the edit list.
        let dts_shift = theirs[0].dts - track.samples[0].dts;
        let pts_shift = theirs[0].pts - track.samples[0].cts();
        for (index, (their, our)) in theirs.iter().zip(&track.samples).enumerate() {
            let context = format!("{path:?} stream {stream} packet {index}: {their:?} {our:?}");
            assert_eq!(their.dts, our.dts + dts_shift, "{context}");
            assert_eq!(their.pts, our.cts() + pts_shift, "{context}");
            assert_eq!(their.size, our.size, "{context}");
            assert_eq!(their.pos, our.offset, "{context}");
            assert_eq!(their.key, our.key, "{context}");
        }
        // Fragments with negative offsets ffmpeg shows late by the largest of them.
        let least = track
            .samples
            .iter()
            .map(|s| i64::from(s.cts_offset))
            .min()
            .unwrap_or(0);
        let late = if movie.fragments.is_empty() {
            0
        } else {
            (-least).max(0)
        };
        for their in shown.iter().filter(|p| p.stream == stream && !p.discard) {
            let our = track
                .samples
                .iter()
                .find(|s| s.offset == their.pos)
                .unwrap();
            assert_eq!(
                their.pts,
                track.presentation(our) + late,
                "{path:?} {their:?} {our:?}"
            );
        }
    }
    movie
}

#[test]
fn every_packet_is_where_ffprobe_says() {
    if !have("ffprobe", "ffmpeg") || !have("ffmpeg", "ffmpeg") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let layouts: [(&str, &[&str]); 9] = [
        ("plain", &[]),
        ("faststart", &["-movflags", "faststart"]),
        ("negative", &["-movflags", "negative_cts_offsets"]),
        (
            "fragmented",
            &["-movflags", "frag_keyframe+empty_moov+default_base_moof"],
        ),
        ("base_offset", &["-movflags", "frag_keyframe+empty_moov"]),
        (
            "separate",
            &["-movflags", "frag_keyframe+separate_moof+empty_moov"],
        ),
        ("hybrid", &["-movflags", "frag_keyframe"]),
        (
            "omit_offset",
            &[
                "-movflags",
                "frag_keyframe+empty_moov+omit_tfhd_offset+delay_moov",
            ],
        ),
        (
            "negative_fragmented",
            &[
                "-movflags",
                "frag_every_frame+empty_moov+default_base_moof+negative_cts_offsets+global_sidx",
            ],
        ),
    ];
    let source = Clip {
        args: B_FRAMES,
        ..CLIP
    }
    .make(dir.path(), "source.mkv");
    for (name, layout) in layouts {
        let path = dir.path().join(format!("{name}.mp4"));
        let mut args = vec!["-v", "error", "-i", source.to_str().unwrap(), "-c", "copy"];
        args.extend(layout);
        args.extend(["-y", path.to_str().unwrap()]);
        run("ffmpeg", &args);
        let movie = compare(&path);
        assert_eq!(movie.tracks.len(), 2);
        let video = movie.video().unwrap();
        assert_eq!((video.width, video.height), (320, 180));
        assert_eq!(video.codec, b"avc1");
        let sets = video.entries[0].parameter_sets.as_ref().unwrap();
        assert_eq!((sets.codec, sets.length_size), (Codec::H264, 4));
        assert_eq!((sets.sps.len(), sets.pps.len()), (1, 1));
        assert_eq!(video.samples.iter().filter(|s| s.key).count(), 5);
        let seconds = movie.duration as f64 / f64::from(movie.timescale);
        assert!((3.95..4.1).contains(&seconds), "{name}: {seconds}");
        let fragments = layout.iter().any(|flags| flags.contains("frag"));
        assert_eq!(!movie.fragments.is_empty(), fragments, "{name}");
        let in_fragments: usize = movie.fragments.iter().map(|f| f.samples[0].len()).sum();
        if fragments && name != "hybrid" {
            assert_eq!(in_fragments, video.samples.len());
        }
    }
}

#[test]
fn other_codecs_and_writers() {
    if !have("ffprobe", "ffmpeg") || !have("ffmpeg", "ffmpeg") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for tag in ["hvc1", "hev1"] {
        let args = [
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=none",
        ];
        let clip = Clip {
            args: &args,
            seconds: 1,
            ..CLIP
        };
        let mkv = clip.make(dir.path(), "h265.mkv");
        let path = dir.path().join(format!("{tag}.mp4"));
        let args = [
            "-v",
            "error",
            "-i",
            mkv.to_str().unwrap(),
            "-c",
            "copy",
            "-tag:v",
            tag,
            "-y",
        ];
        run("ffmpeg", &[&args[..], &[path.to_str().unwrap()]].concat());
        let movie = compare(&path);
        let sets = movie.tracks[0].entries[0].parameter_sets.clone().unwrap();
        assert_eq!((sets.codec, sets.length_size), (Codec::H265, 4));
        assert_eq!((sets.vps.len(), sets.sps.len(), sets.pps.len()), (1, 1, 1));
    }
    // QuickTime files count every instant of PCM; ours come in runs that cover the same bytes.
    let pcm = Clip {
        args: &[
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-c:a",
            "pcm_s16le",
        ],
        ..CLIP
    };
    let path = pcm.make(dir.path(), "pcm.mov");
    let movie = Movie::read(&File::open(&path).unwrap()).unwrap();
    let sound = &movie.tracks[1];
    let theirs: u64 = packets(&path, &[])
        .iter()
        .filter(|p| p.stream == 1)
        .map(|p| u64::from(p.size))
        .sum();
    assert_eq!(
        sound.samples.iter().map(|s| u64::from(s.size)).sum::<u64>(),
        theirs
    );
    assert_eq!(sound.samples.iter().map(|s| s.run).sum::<u32>(), 4 * 48_000);
    assert!(sound.samples.len() < 1000);
    if have(
        "gst-launch-1.0",
        "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad",
    ) {
        let path = dir.path().join("gst.mp4");
        let source = Clip {
            args: B_FRAMES,
            audio: false,
            ..CLIP
        }
        .make(dir.path(), "source.mp4");
        let pipeline = format!(
            "filesrc location={} ! qtdemux ! h264parse ! mp4mux fragment-duration=500 \
             ! filesink location={}",
            source.display(),
            path.display()
        );
        run(
            "gst-launch-1.0",
            &[
                &["-q"],
                &pipeline.split_whitespace().collect::<Vec<_>>()[..],
            ]
            .concat(),
        );
        assert_eq!(compare(&path).video().unwrap().samples.len(), 100);
    }
}

/// A slot shows the same samples by its index, by its fragments, and while it was being recorded.
#[test]
fn both_views_of_a_slot_agree() {
    if !have("ffmpeg", "ffmpeg") || !have("ffprobe", "ffmpeg") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for b_frames in ["0", "2"] {
        let recording = recorded(b_frames, 100, dir.path());
        let source = recording.source.clone();
        let finished = File::open(&recording.finished[0]).unwrap();
        let unfinished = File::open(&recording.recording).unwrap();
        let index = compare(&recording.finished[0]);
        let (fragments, record, state) = read_slot(&finished).unwrap();
        assert_eq!((record.sequence, state), (40, SegmentState::Finished));
        let shown = compare(&recording.recording);
        let (recorded, _, state) = read_slot(&unfinished).unwrap();
        assert_eq!(state, SegmentState::Recording);
        assert!(index.fragments.is_empty() && fragments.fragments.len() > 10);
        let head = u64::from(record.head_len);
        assert_eq!(
            fragments.init,
            head - 32..head + u64::from(record.init_moov_len)
        );
        assert_eq!(fragments.fragments, recorded.fragments);
        assert_eq!(fragments.fragments.last().unwrap().end, record.end);
        for movie in [&fragments, &shown, &recorded] {
            assert_eq!(movie.tracks.len(), 4);
            for (a, b) in index.tracks.iter().zip(&movie.tracks) {
                assert_eq!(
                    (a.id, a.handler, a.codec, &a.stsd),
                    (b.id, b.handler, b.codec, &b.stsd)
                );
                assert_eq!(a.samples.len(), b.samples.len());
                for (x, y) in a.samples.iter().zip(&b.samples) {
                    assert_eq!((x.offset, x.size, x.key), (y.offset, y.size, y.key));
                    // A track that begins late does so by an edit, in ticks of the movie.
                    assert!(
                        a.presentation(x).abs_diff(b.presentation(y)) <= 1,
                        "{x:?} {y:?}"
                    );
                }
            }
        }
        let foreign = read_slot(&File::open(&source).unwrap());
        assert!(foreign.is_err());
    }
}
