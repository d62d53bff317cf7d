//! Raw streams by x264 and x265, against ffprobe and against the same streams in MP4.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use picam_media::annexb;
use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_media::{AccessUnit, Codec, FrameRate, MediaError, NalKind, RawStream};
use picam_testkit::ffmpeg::{available, make, packets, run};

fn read_all(
    path: &Path,
    codec: Codec,
    rate: Option<FrameRate>,
) -> Result<Vec<AccessUnit>, MediaError> {
    let mut stream = RawStream::new(File::open(path)?, codec, rate);
    let mut units = Vec::new();
    let mut unit = AccessUnit::new();
    while stream.read(&mut unit)? {
        units.push(unit.clone());
    }
    assert!(!stream.read(&mut unit)?, "the end stays the end");
    Ok(units)
}

/// The Annex B stream holds exactly the slices of the units, in order.
fn assert_same_slices(path: &Path, codec: Codec, units: &[AccessUnit]) {
    let file = std::fs::read(path).unwrap();
    let slice = |nal: &&[u8]| matches!(NalKind::of(codec, nal), Some(NalKind::Slice { .. }));
    let expected: Vec<&[u8]> = annexb::nals(&file).filter(slice).collect();
    let stored: Vec<&[u8]> = units
        .iter()
        .flat_map(|u| length_prefixed_nals(&u.data, LengthSize::Four))
        .map(Result::unwrap)
        .filter(slice)
        .collect();
    assert!(expected == stored, "{path:?}");
    for unit in units {
        let nals = length_prefixed_nals(&unit.data, LengthSize::Four);
        let kinds: Vec<_> = nals
            .map(|nal| NalKind::of(codec, nal.unwrap()).unwrap())
            .collect();
        let first_slice = kinds
            .iter()
            .position(|k| matches!(k, NalKind::Slice { .. }))
            .unwrap();
        for (n, kind) in kinds.iter().enumerate() {
            let placed = match kind {
                NalKind::Slice { first, .. } => *first == (n == first_slice),
                NalKind::Sei | NalKind::Prefix => n < first_slice,
                NalKind::Suffix => true,
                _ => false,
            };
            assert!(placed, "{path:?}: {kinds:?}");
        }
    }
}

struct Case {
    name: &'static str,
    codec: Codec,
    encode: &'static str,
}

const CASES: [Case; 12] = [
    Case {
        name: "plain",
        codec: Codec::H264,
        encode: "-c:v libx264 -bf 0 -g 15",
    },
    Case {
        name: "baseline",
        codec: Codec::H264,
        encode: "-c:v libx264 -profile:v baseline -g 15",
    },
    Case {
        name: "b",
        codec: Codec::H264,
        encode: "-c:v libx264 -bf 2 -g 20",
    },
    Case {
        name: "pyramid",
        codec: Codec::H264,
        encode: "-c:v libx264 -bf 4 -b_strategy 0 -g 24 -x264-params b-pyramid=normal",
    },
    Case {
        name: "slices",
        codec: Codec::H264,
        encode: "-c:v libx264 -bf 2 -g 20 -slices 4",
    },
    Case {
        name: "aud",
        codec: Codec::H264,
        encode: "-c:v libx264 -bf 2 -g 20 -aud 1",
    },
    Case {
        name: "annexb3",
        codec: Codec::H264,
        // Forces start codes of three bytes inside access units, and SEI before each slice.
        encode: "-c:v libx264 -bf 1 -g 20 -slices 3 -x264-params nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900",
    },
    Case {
        name: "mbaff",
        codec: Codec::H264,
        encode: "-c:v libx264 -bf 2 -g 20 -flags +ilme+ildct",
    },
    Case {
        name: "x265",
        codec: Codec::H265,
        encode: "-c:v libx265 -x265-params log-level=0:bframes=0:keyint=15",
    },
    Case {
        name: "x265b",
        codec: Codec::H265,
        encode: "-c:v libx265 -x265-params log-level=0:bframes=4:b-adapt=0:keyint=20:open-gop=0",
    },
    Case {
        name: "x265open",
        codec: Codec::H265,
        encode: "-c:v libx265 -x265-params log-level=0:bframes=4:b-adapt=0:keyint=20:open-gop=1:aud=1",
    },
    Case {
        name: "x265slices",
        codec: Codec::H265,
        encode: "-c:v libx265 -x265-params log-level=0:bframes=3:keyint=20:slices=3:scaling-list=default:rc-lookahead=5",
    },
];

#[test]
fn units_keys_and_times_are_those_ffmpeg_wrote() {
    if !available() || !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for Case {
        name,
        codec,
        encode,
    } in CASES
    {
        let (format, filter) = match codec {
            Codec::H264 => ("h264", "h264_mp4toannexb"),
            Codec::H265 => ("hevc", "hevc_mp4toannexb"),
        };
        let mp4 = make(
            dir.path(),
            &format!("{name}.mp4"),
            &format!("{encode} -pix_fmt yuv420p"),
        );
        let raw = dir.path().join(format!("{name}.{format}"));
        run(
            &format!("-i {} -c copy -bsf:v {filter} -f {format}", mp4.display()),
            &raw,
        );
        let packets = packets(&mp4);
        let units = read_all(&raw, codec, None).unwrap();
        assert_eq!(units.len(), packets.len(), "{name}");
        assert_eq!(units.len(), 60, "{name}");
        assert_same_slices(&raw, codec, &units);
        let zero = packets[0].dts.unwrap();
        let delay = units[0].pts as f64 / 90_000.0 - (packets[0].pts.unwrap() - zero);
        for (n, (unit, packet)) in units.iter().zip(&packets).enumerate() {
            assert_eq!(unit.start.is_start(), packet.key, "{name} {n}");
            assert!(unit.pts >= unit.dts, "{name} {n}");
            assert_eq!(unit.dts, n as i64 * 3000, "{name} {n}");
            let pts = packet.pts.unwrap() - zero + delay;
            assert!(
                (unit.pts as f64 / 90_000.0 - pts).abs() < 1e-4,
                "{name} {n}: {unit:?} {packet:?}"
            );
        }
        let sets = units[0].parameter_sets.as_ref().unwrap();
        assert_eq!((sets.width, sets.height), (320, 180), "{name}");
        assert_eq!(sets.vps.len(), usize::from(codec == Codec::H265), "{name}");
        assert_eq!((sets.sps.len(), sets.pps.len()), (1, 1), "{name}");
        for unit in &units {
            assert!(
                Arc::ptr_eq(sets, unit.parameter_sets.as_ref().unwrap()),
                "{name}"
            );
        }
    }
}

#[test]
fn rates_come_from_the_stream_or_the_caller() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let film = make(dir.path(), "film.h264", "-r 24000/1001 -c:v libx264 -bf 0");
    let units = read_all(&film, Codec::H264, None).unwrap();
    assert_eq!(
        units.iter().take(5).map(|u| u.dts).collect::<Vec<_>>(),
        [0, 3754, 7508, 11_261, 15_015]
    );
    let units = read_all(&film, Codec::H264, FrameRate::new(25, 1)).unwrap();
    assert_eq!(units[1].dts, 3600);
    // The same stream with its timing taken out.
    let silent = dir.path().join("silent.h264");
    let bare = "-c:v libx264 -bf 0 -bsf:v filter_units=remove_types=6 -x264-params force-cfr=0";
    let bare = make(dir.path(), "bare.h264", bare);
    let mut bytes = std::fs::read(&bare).unwrap();
    strip_timing(&mut bytes);
    std::fs::write(&silent, bytes).unwrap();
    let error = read_all(&silent, Codec::H264, None).unwrap_err();
    assert!(matches!(error, MediaError::NoRate), "{error}");
    assert!(error.to_string().contains("?fps="));
    assert!(read_all(&silent, Codec::H264, FrameRate::new(30, 1)).is_ok());
}

/// Clears `vui_parameters_present_flag`'s content by putting an SPS without VUI in place of each SPS.
fn strip_timing(bytes: &mut Vec<u8>) {
    // Constrained baseline, level 1.3, 320x180 in 20x12 macroblocks, no VUI (hand coded).
    let sps = [0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x06, 0xe4];
    let mut out = Vec::new();
    for nal in annexb::nals(bytes) {
        out.extend_from_slice(&[0, 0, 0, 1]);
        out.extend_from_slice(if nal[0] & 0x1f == 7 { &sps } else { nal });
    }
    *bytes = out;
}

#[test]
fn changed_parameter_sets_give_a_new_record_and_repeated_ones_do_not() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let small = make(
        dir.path(),
        "small.h264",
        "-c:v libx264 -bf 0 -g 10 -bsf:v dump_extra",
    );
    let large = make(
        dir.path(),
        "large.h264",
        "-c:v libx264 -bf 0 -g 10 -s 640x360",
    );
    let both = dir.path().join("both.h264");
    let bytes = [&small, &large, &small]
        .map(|p| std::fs::read(p).unwrap())
        .concat();
    std::fs::write(&both, bytes).unwrap();
    let units = read_all(&both, Codec::H264, None).unwrap();
    assert_eq!(units.len(), 180);
    let width = |n: usize| units[n].parameter_sets.as_ref().unwrap().width;
    assert_eq!(
        [width(0), width(59), width(60), width(119), width(120)],
        [320, 320, 640, 640, 320]
    );
    let changes = units
        .windows(2)
        .filter(|w| {
            !Arc::ptr_eq(
                w[0].parameter_sets.as_ref().unwrap(),
                w[1].parameter_sets.as_ref().unwrap(),
            )
        })
        .count();
    assert_eq!(changes, 2);
}

#[test]
fn what_comes_before_the_first_key_frame_is_left_out() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let whole = make(dir.path(), "whole.h264", "-c:v libx264 -bf 0 -g 20");
    let bytes = std::fs::read(&whole).unwrap();
    let nals: Vec<_> = annexb::nals(&bytes).collect();
    let mut cut = Vec::new();
    let is_set = |nal: &[u8]| matches!(nal[0] & 0x1f, 7 | 8);
    let slices = nals.iter().filter(|n| !is_set(n)).skip(5);
    for nal in nals.iter().filter(|n| is_set(n)).take(2).chain(slices) {
        cut.extend_from_slice(&[0, 0, 1]);
        cut.extend_from_slice(nal);
    }
    let path = dir.path().join("cut.h264");
    std::fs::write(&path, cut).unwrap();
    let units = read_all(&path, Codec::H264, None).unwrap();
    assert!(units[0].start.is_start());
    assert_eq!((units.len(), units[0].dts), (40, 0));
}

#[test]
fn reordering_that_begins_halfway_asks_for_a_container() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let flat = make(dir.path(), "flat.h264", "-c:v libx264 -bf 0");
    let deep = make(dir.path(), "deep.h264", "-c:v libx264 -bf 3 -b_strategy 0");
    let both = dir.path().join("both.h264");
    std::fs::write(
        &both,
        [flat, deep].map(|p| std::fs::read(p).unwrap()).concat(),
    )
    .unwrap();
    let error = read_all(&both, Codec::H264, None).unwrap_err();
    assert!(matches!(error, MediaError::NeedsContainer(_)), "{error}");
    assert!(error.to_string().contains("MP4 or MKV"), "{error}");
}

#[test]
fn a_looped_stream_goes_on_in_even_steps() {
    if !available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (codec, name, encode) in [
        (Codec::H264, "l.h264", "-c:v libx264 -bf 2 -g 20"),
        (
            Codec::H265,
            "l.hevc",
            "-c:v libx265 -x265-params log-level=0:bframes=3:keyint=20",
        ),
    ] {
        let path = make(dir.path(), name, encode);
        let mut stream = RawStream::new(File::open(&path).unwrap(), codec, None);
        let mut unit = AccessUnit::new();
        let (mut shown, mut decoded) = (Vec::new(), Vec::new());
        let mut sets = None;
        for _ in 0..3 {
            while stream.read(&mut unit).unwrap() {
                decoded.push(unit.dts);
                shown.push(unit.pts);
                let first = sets.get_or_insert_with(|| unit.parameter_sets.clone().unwrap());
                assert!(Arc::ptr_eq(first, unit.parameter_sets.as_ref().unwrap()));
            }
            stream.restart(File::open(&path).unwrap());
        }
        assert_eq!(decoded, (0..180).map(|n| n * 3000).collect::<Vec<_>>());
        shown.sort_unstable();
        let first = shown[0];
        assert_eq!(
            shown,
            (0..180).map(|n| first + n * 3000).collect::<Vec<_>>()
        );
    }
}
