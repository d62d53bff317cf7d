//! A microphone's sound in the files of running cameras, as programs that others wrote read it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use picam_control::status::{MicrophoneState, MicrophoneStatus};
use picam_control::{Reply, Request, ask};
use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::judge;
use picam_system_tests::together::beep_and_flash_together;
use picam_testkit::{binary, judges};

const CAMERA: &str = "front=sim:?size=320x240&fps=30&flash=1&bitrate=500k";

/// The tags of a segment's tracks, as ffprobe reads them.
fn tracks(segment: &Segment) -> Vec<String> {
    let probe = judges::ffprobe(&segment.path, false).unwrap();
    let streams = probe["streams"].as_array().unwrap();
    let tag = |stream: &serde_json::Value| stream["codec_tag_string"].as_str().unwrap().to_owned();
    streams.iter().map(tag).collect()
}

fn finished(card: &Path) -> Vec<Segment> {
    let all = segments(card).into_iter();
    all.filter(Segment::finished).collect()
}

/// How much sound a segment has, in seconds.
fn heard(segment: &Segment) -> f64 {
    let probe = judges::ffprobe(&segment.path, true).unwrap();
    let packets = probe["packets"].as_array().unwrap();
    let sound = packets.iter().filter(|packet| packet["stream_index"] == 1);
    sound.count() as f64 * 1024.0 / 48_000.0
}

fn recover(card: &Path) {
    for command in ["recover", "check"] {
        let done = Command::new(binary()).arg(command).arg(card).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

#[test]
fn sound_is_beside_the_pictures_of_every_camera_also_after_a_cut() {
    if !judge::installed() {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    let args = [
        "--camera",
        CAMERA,
        "--camera",
        "rear=sim:?size=320x240&fps=15&flash=1&bitrate=500k",
        // Keeps its own sound.
        "--camera",
        "own=sim:?size=320x240&fps=15&audio=1&bitrate=500k",
        "--microphone",
        "sim:?drift=200",
        "--segment",
        "3s",
        "--slots",
        "24",
        "--slot-size",
        "2MiB",
    ];
    let camera = Camera::start("record", card.path(), &args);
    wait_for("three segments of each", Duration::from_secs(180), || {
        (finished(card.path()).len() >= 9).then_some(())
    });
    // Long enough that those being recorded have two flashes.
    std::thread::sleep(Duration::from_millis(3500));
    camera.kill();
    let before = finished(card.path()).len();
    recover(card.path());
    let all = segments(card.path());
    assert!(all.len() > before && all.iter().all(Segment::finished));
    for segment in &all {
        let own = segment.record.camera == b'O';
        let sound = if own { "sowt" } else { "mp4a" };
        assert_eq!(
            tracks(segment),
            ["avc1", sound],
            "{}",
            segment.path.display()
        );
        judges::ffmpeg_decodes(&segment.path).unwrap();
        assert_eq!(
            segment.record.counters.lost_side,
            0,
            "{}",
            segment.path.display()
        );
        beep_and_flash_together(&segment.path, 1);
    }
}

fn microphone(socket: &Path) -> Option<MicrophoneStatus> {
    match ask(socket, Request::Status {}) {
        Ok(Reply::Status(status)) => status.microphone,
        _ => None,
    }
}

fn switch(socket: &Path, what: &str) {
    let mut command = Command::new(binary());
    let command = command.args(["microphone", what, "--recorder"]).arg(socket);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn switched_off_it_is_silent_at_once_and_on_again_no_picture_is_lost() {
    if !judge::installed() {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let socket = scratch.path().join("recorder.sock");
    let args = [
        "--camera",
        CAMERA,
        "--microphone",
        "sim:",
        "--segment",
        "4s",
        "--slots",
        "24",
        "--slot-size",
        "2MiB",
        "--control",
        socket.to_str().unwrap(),
    ];
    let camera = Camera::start("record", card.path(), &args);
    let state = |wanted: MicrophoneState| {
        wait_for("the microphone", Duration::from_secs(60), || {
            (microphone(&socket)?.state == wanted).then_some(())
        });
    };
    let segments_more = |more: usize| {
        let until = segments(card.path()).len() + more;
        wait_for("segments", Duration::from_secs(120), || {
            (segments(card.path()).len() >= until).then_some(())
        });
    };
    state(MicrophoneState::On);
    segments_more(1);
    switch(&socket, "off");
    state(MicrophoneState::Off);
    segments_more(2);
    switch(&socket, "on");
    state(MicrophoneState::On);
    segments_more(2);
    let said = camera.kill();
    recover(card.path());
    assert_eq!(said.matches("switched off").count(), 1, "{said}");
    let all = segments(card.path());
    let with_sound: Vec<bool> = all.iter().map(|s| tracks(s).len() == 2).collect();
    // With sound; without, from the segment behind the one in which it was switched off; with sound again.
    let changes: Vec<bool> = with_sound
        .windows(2)
        .map(|pair| pair[0] != pair[1])
        .collect();
    assert_eq!(
        changes.iter().filter(|&&change| change).count(),
        2,
        "{with_sound:?}"
    );
    assert!(with_sound[0] && with_sound[with_sound.len() - 1]);
    let mut pictures = 0;
    for segment in &all {
        judges::ffmpeg_decodes(&segment.path).unwrap();
        let counters = segment.record.counters;
        assert_eq!((counters.lost_side, counters.dropped_queue), (0, 0));
        pictures += counters.frames;
    }
    assert!(pictures > 30 * 8, "{pictures}");
    // Of the one in which it was switched off, sound has the part before that.
    let last = with_sound.iter().position(|&sound| !sound).unwrap() - 1;
    assert!(heard(&all[last]) < 4.0, "{}", heard(&all[last]));
}

#[test]
fn a_plugin_of_alsas_delivers_the_samples_of_a_file() {
    if !judge::installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let samples = scratch.path().join("beeps.raw");
    let arguments = "-f lavfi -i aevalsrc=if(lt(mod(t\\,1)\\,0.1)\\,0.5*sin(2*PI*1000*t)\\,0):s=48000:d=60 \
        -f s16le -ac 1";
    picam_testkit::ffmpeg::run(arguments, &samples);
    // A capture from nothing, in place of which the file's samples are read.
    let asoundrc = format!(
        "pcm.beeps {{ type file slave.pcm null file /dev/null infile {} format raw }}\n",
        samples.display()
    );
    let config = scratch.path().join("asound.conf");
    std::fs::write(&config, asoundrc).unwrap();
    let card = tempfile::tempdir().unwrap();
    let args = [
        "--camera",
        CAMERA,
        "--microphone",
        "alsa:beeps",
        "--segment",
        "4s",
        "--slots",
        "12",
        "--slot-size",
        "2MiB",
    ];
    let paths = format!("/usr/share/alsa/alsa.conf:{}", config.display());
    let variables = [("ALSA_CONFIG_PATH", paths.as_ref())];
    let camera = Camera::start_with(&variables, "record", card.path(), &args);
    wait_for("two segments", Duration::from_secs(120), || {
        (finished(card.path()).len() >= 2).then_some(())
    });
    let said = camera.kill();
    recover(card.path());
    for segment in segments(card.path()) {
        judges::ffmpeg_decodes(&segment.path).unwrap();
        assert_eq!(tracks(&segment), ["avc1", "mp4a"], "{said}");
        let beeps = picam_system_tests::together::beeps(&segment.path);
        let apart: Vec<f64> = beeps.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(
            !apart.is_empty() && apart.iter().all(|s| (s - 1.0).abs() < 0.03),
            "{apart:?}"
        );
    }
}
