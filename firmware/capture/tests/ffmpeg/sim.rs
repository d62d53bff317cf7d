//! The simulated camera's frames, decoded by ffmpeg.

use std::time::{Duration, Instant};

use picam_capture::Event;
use picam_media::AccessUnit;

use crate::barcode;
use picam_testkit::ffmpeg::available;

use crate::peer::{annexb, decode, open, read};

fn numbers(source: &str, width: usize, height: usize, frames: usize) -> Vec<Option<u32>> {
    let units = read(&mut *open(source).unwrap(), frames);
    let planes = decode("h264", &annexb(&units), width * height);
    planes
        .iter()
        .map(|luma| barcode::read(luma, width))
        .collect()
}

#[test]
fn every_frame_carries_its_number() {
    if !available() {
        return;
    }
    for (size, bitrate, frames) in [
        ((1280, 720), "4M", 70),
        ((640, 360), "500k", 130),
        ((320, 240), "150k", 130),
        ((1080, 1920), "2M", 20),
    ] {
        let (width, height) = size;
        let source = format!("sim:?size={width}x{height}&bitrate={bitrate}&pace=off");
        let expected: Vec<_> = (0..frames as u32).map(Some).collect();
        assert_eq!(
            numbers(&source, width, height, frames),
            expected,
            "{source}"
        );
    }
}

#[test]
fn key_frames_stand_apart_as_asked_and_default_to_a_second() {
    for (source, gop) in [
        ("sim:?size=320x240&fps=12&pace=off", 12),
        ("sim:?size=320x240&gop=5&pace=off", 5),
    ] {
        let units = read(&mut *open(source).unwrap(), 40);
        let keys: Vec<_> = (0..40).filter(|&n| units[n].start.is_start()).collect();
        assert_eq!(keys, (0..40).step_by(gop).collect::<Vec<_>>(), "{source}");
    }
}

#[test]
fn the_bitrate_is_kept() {
    let mut source = open("sim:?size=640x360&bitrate=300k&pace=off").unwrap();
    let units = read(&mut *source, 300);
    let bits: usize = units.iter().map(|u| u.data.len() * 8).sum();
    assert!(
        (1_000_000..3_900_000).contains(&bits),
        "{bits} bits in ten seconds"
    );
}

#[test]
fn frames_come_in_real_time() {
    let mut source = open("sim:?size=160x120&fps=20").unwrap();
    assert!(source.is_live());
    let start = Instant::now();
    let mut unit = AccessUnit::new();
    let mut captured = Vec::new();
    while captured.len() < 11 {
        match source.read(&mut unit, Duration::from_millis(10)).unwrap() {
            Event::Unit => captured.push(unit.captured),
            Event::Timeout | Event::Config(_) => {}
            Event::Gap { .. } | Event::End => panic!("a camera does not end"),
        }
    }
    // Ten frame times have passed; the machine may be slower, not faster.
    let elapsed = start.elapsed();
    assert!(
        (Duration::from_millis(495)..Duration::from_secs(5)).contains(&elapsed),
        "{elapsed:?}"
    );
    assert!(
        captured
            .windows(2)
            .all(|w| w[1].since(w[0]).as_nanos().is_multiple_of(10_000))
    );
}
