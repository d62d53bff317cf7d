//! GStreamer's server: what it sends is what it has.
//!
//! `PICAM_RTSP_SECONDS=600` makes each stream ten minutes long.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use picam_media::annexb::nals;
use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_media::{AccessUnit, Codec, NalKind, SoundCodec};
use picam_testkit::ffmpeg;
use picam_testkit::rtsp::{self, RtspServer, pipeline};

use crate::reader::{open, read};

const FPS: usize = 25;
/// Sound and pictures are no further apart, in ticks.
const APART: i64 = 450;

fn seconds() -> usize {
    let set = std::env::var("PICAM_RTSP_SECONDS").ok();
    set.map_or(8, |text| text.parse().unwrap())
}

/// A file of two seconds more than are read.
fn clip(dir: &Path, name: &str, encode: &str) -> PathBuf {
    let path = dir.join(name);
    let long = seconds() + 2;
    let inputs = format!(
        "-f lavfi -i testsrc2=size=320x180:rate={FPS}:duration={long} -f lavfi -i sine=duration={long}:sample_rate=48000"
    );
    ffmpeg::run(&format!("{inputs} {encode}"), &path);
    path
}

/// What ffmpeg copies out of a file.
fn copied(path: &Path, arguments: &str) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(path)
        .args(arguments.split_whitespace())
        .arg("-")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

fn is_slice(codec: Codec, nal: &[u8]) -> bool {
    matches!(NalKind::of(codec, nal), Some(NalKind::Slice { .. }))
}

fn slices(codec: Codec, units: &[AccessUnit]) -> Vec<Vec<u8>> {
    let all = units.iter().flat_map(|unit| {
        length_prefixed_nals(&unit.data, LengthSize::Four).map(|nal| nal.unwrap().to_vec())
    });
    all.filter(|nal| is_slice(codec, nal)).collect()
}

/// Frames of AAC behind headers of their own (ADTS).
fn frames(mut adts: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let [_, protection, _, high, middle, low, _, ..] = *adts {
        let length =
            (usize::from(high) & 3) << 11 | usize::from(middle) << 3 | usize::from(low) >> 5;
        let header = if protection & 1 == 1 { 7 } else { 9 };
        all.push(&adts[header..length]);
        adts = &adts[length..];
    }
    all
}

#[test]
fn h264_and_aac_come_as_they_are_and_together() {
    if !(ffmpeg::available() && rtsp::available()) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let encode =
        "-c:v libx264 -preset ultrafast -bf 0 -g 25 -slices 2 -pix_fmt yuv420p -c:a aac -b:a 96k";
    let file = clip(dir.path(), "h264.mp4", encode);
    for transport in ["tcp", "udp"] {
        let mount = format!("/h264={}", pipeline(&file, "h264", true));
        let server = RtspServer::start(&[&mount]);
        let url = format!(
            "rtsp://127.0.0.1:{}/h264#transport={transport}",
            server.port
        );
        let mut source = open(&url, None).unwrap();
        assert!(!source.describe().contains("/h264"));
        let all = read(&mut *source, seconds() * FPS);
        assert_eq!((all.error.as_deref(), all.damage()), (None, 0));
        let had = copied(&file, "-c copy -bsf:v h264_mp4toannexb -f h264");
        let had: Vec<Vec<u8>> = nals(&had)
            .filter(|nal| is_slice(Codec::H264, nal))
            .map(<[u8]>::to_vec)
            .collect();
        let came = slices(Codec::H264, &all.pictures);
        assert_eq!(came.len(), 2 * seconds() * FPS);
        assert!(came == had[..came.len()], "{transport}: slices differ");

        let format = all.configs[0].sound.unwrap();
        assert!(matches!(format.codec, SoundCodec::Aac(_)), "{format:?}");
        assert_eq!((format.rate, format.channels), (48_000, 1));
        let adts = copied(&file, "-map 0:a -c copy -f adts");
        let had = frames(&adts);
        let first = had
            .iter()
            .position(|frame| *frame == all.sound[0].data)
            .unwrap();
        assert!(first <= 2, "{first}");
        assert!(all.sound.len() >= seconds() * 46, "{}", all.sound.len());
        for (n, frame) in all.sound.iter().enumerate() {
            assert_eq!(frame.data, had[first + n], "{transport} {n}");
            // The first frame is the encoder's own delay.
            let heard = (first + n) as i64 * 1920 - 1920;
            assert!(
                (frame.dts - heard).abs() <= APART,
                "{n}: {} {heard}",
                frame.dts
            );
        }
        for (n, picture) in all.pictures.iter().enumerate() {
            assert!(
                (picture.dts - n as i64 * 3600).abs() <= 1,
                "{n}: {}",
                picture.dts
            );
        }
    }
}

#[test]
fn h265_comes_as_it_is() {
    if !(ffmpeg::available() && rtsp::available()) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let encode = "-an -c:v libx265 -preset ultrafast -x265-params log-level=0:keyint=25:bframes=0";
    let file = clip(dir.path(), "h265.mp4", encode);
    let mount = format!("/h265={}", pipeline(&file, "h265", false));
    let server = RtspServer::start(&["--user", "viewer:geheim", "--basic", &mount]);
    let url = format!("rtsp://viewer@127.0.0.1:{}/h265", server.port);
    let all = read(&mut *open(&url, Some("geheim")).unwrap(), seconds() * FPS);
    assert_eq!((all.error.as_deref(), all.damage()), (None, 0));
    let had = copied(&file, "-c copy -bsf:v hevc_mp4toannexb -f hevc");
    let had: Vec<&[u8]> = nals(&had)
        .filter(|nal| is_slice(Codec::H265, nal))
        .collect();
    let came = slices(Codec::H265, &all.pictures);
    assert!(came.len() >= seconds() * FPS && came == had[..came.len()]);
    assert_eq!(all.configs[0].sound, None);
}

#[test]
fn sound_is_left_out_by_choice_and_named_where_no_player_takes_it() {
    if !rtsp::available() {
        return;
    }
    let law = "videotestsrc is-live=true ! video/x-raw,width=160,height=120 ! openh264enc ! rtph264pay name=pay0 pt=96 \
               audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 pt=8";
    let server = RtspServer::start(&[&format!("/law={law}")]);
    let config = |options: &str| {
        let url = format!("rtsp://127.0.0.1:{}/law{options}", server.port);
        let mut all = read(&mut *open(&url, None).unwrap(), 50);
        (all.configs.remove(0), all.sound)
    };
    let (left_out, none) = config("");
    assert!(left_out.sound_left_out.unwrap().contains("G.711") && none.is_empty());
    let (off, none) = config("#sound=off");
    assert_eq!((off.sound, off.sound_left_out, none.len()), (None, None, 0));
    let (chosen, sound) = config("#sound=g711");
    assert_eq!(chosen.sound.unwrap().codec, SoundCodec::ALaw);
    assert!(!sound.is_empty() && sound.iter().all(|unit| !unit.data.is_empty()));
}

#[test]
fn a_wrong_password_is_one_clear_line_and_a_right_one_opens() {
    if !(ffmpeg::available() && rtsp::available()) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = clip(
        dir.path(),
        "a.mp4",
        "-an -c:v libx264 -preset ultrafast -bf 0 -g 25",
    );
    let mount = format!("/x={}", pipeline(&file, "h264", false));
    let mut server = Some(RtspServer::start(&["--user", "viewer:geheim sehr", &mount]));
    let port = server.as_ref().unwrap().port;
    let url = |user: &str| format!("rtsp://{user}127.0.0.1:{port}/x?key=s3cret");
    for (user, password) in [("viewer@", Some("falsch")), ("viewer@", None), ("", None)] {
        let error = open(&url(user), password).err().unwrap().to_string();
        assert!(
            error.contains("password = ") && error.lines().count() == 1,
            "{error}"
        );
        assert!(
            !error.contains("s3cret") && !error.contains("falsch"),
            "{error}"
        );
    }
    let mut source = open(&url("viewer@"), Some("geheim sehr")).unwrap();
    assert_eq!(read(&mut *source, 10).pictures.len(), 10);
    // It is killed.
    drop(server.take());
    let begun = std::time::Instant::now();
    let all = read(&mut *source, usize::MAX);
    assert_eq!(all.error.as_deref(), Some("the camera ended the stream"));
    assert!(begun.elapsed() < Duration::from_secs(10));
}
