//! What a camera's clock does, and cameras that say nothing.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use picam_capture::{CameraSpec, Cancel, CaptureError, Timeline};
use picam_time::SystemClock;

use crate::camera::{SDP, serve, until_play};
use crate::reader::{open, read, simulated};

const FRAME: u32 = 3600;
const HOUR: u32 = 3600 * 90_000;

#[test]
fn a_clock_that_is_set_by_an_hour_begins_an_epoch_and_costs_no_picture() {
    let units = simulated("size=160x120&fps=25&gop=25", 75);
    let sent = units.clone();
    let source = serve(move |stream| {
        let mut player = until_play(stream, SDP);
        for (n, unit) in sent.iter().enumerate() {
            // Forward, and back; the counter wraps round besides.
            let jumped = if (25..50).contains(&n) { HOUR } else { 0 };
            let time = (u32::MAX - 40 * FRAME)
                .wrapping_add(n as u32 * FRAME)
                .wrapping_add(jumped);
            player.picture(unit, time);
            std::thread::sleep(Duration::from_millis(20));
        }
        player.freeze();
    });
    let mut source = open(&source, None).unwrap();
    let all = read(&mut *source, 75);
    assert_eq!(all.error, None);
    assert_eq!(all.epochs, [0, 25, 50]);
    let numbers: Vec<u32> = all.configs.iter().map(|config| config.epoch).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let mut timeline = Timeline::default();
    let mut last = i64::MIN;
    for (n, (unit, sent)) in all.pictures.iter().zip(&units).enumerate() {
        assert_eq!(unit.data, sent.data, "{n}");
        let mut mapped = unit.clone();
        mapped.epoch = all.epochs.iter().filter(|&&begun| begun <= n).count() as u32;
        timeline.map(&mut mapped);
        assert!(
            last == i64::MIN || (0..90_000).contains(&(mapped.dts - last)),
            "{n}"
        );
        last = mapped.dts;
    }
}

#[test]
fn parameter_sets_that_change_within_the_stream_hold_from_there() {
    let mut units = simulated("size=160x120&fps=25&gop=5", 10);
    units.extend(simulated("size=192x144&fps=25&gop=5", 10));
    let sent = units.clone();
    let source = serve(move |stream| {
        let mut player = until_play(stream, SDP);
        for (n, unit) in sent.iter().enumerate() {
            player.picture(unit, n as u32 * FRAME);
        }
        player.freeze();
    });
    let all = read(&mut *open(&source, None).unwrap(), 20);
    for (unit, sent) in all.pictures.iter().zip(&units) {
        assert_eq!((&unit.data, unit.start), (&sent.data, sent.start));
        let (sets, expected) = (
            unit.parameter_sets.as_ref().unwrap(),
            sent.parameter_sets.as_ref(),
        );
        assert_eq!(sets.width, expected.unwrap().width);
    }
}

#[test]
fn a_camera_that_freezes_is_given_up_after_five_seconds() {
    let units = simulated("size=160x120&fps=25", 20);
    let source = serve(move |stream| {
        let mut player = until_play(stream, SDP);
        for (n, unit) in units.iter().enumerate() {
            player.picture(unit, n as u32 * FRAME);
        }
        player.freeze();
    });
    let mut source = open(&source, None).unwrap();
    let begun = Instant::now();
    let all = read(&mut *source, usize::MAX);
    let took = begun.elapsed();
    assert_eq!(all.pictures.len(), 20);
    assert_eq!(all.error.unwrap(), "no picture came for 5 s");
    assert!(
        (Duration::from_millis(4500)..Duration::from_secs(20)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn a_camera_that_never_answers_is_given_up_after_five_seconds_or_when_nobody_wants_it() {
    // The kernel accepts for it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = format!("rtsp://{}/x", listener.local_addr().unwrap());
    let begun = Instant::now();
    let error = open(&source, None).err().unwrap().to_string();
    assert!(
        error.contains("does not answer within 5 s") && !error.contains("/x"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(20));

    let flag = Arc::new(AtomicBool::new(false));
    let canceller = flag.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        canceller.store(true, Ordering::SeqCst);
    });
    let begun = Instant::now();
    let spec = CameraSpec::parse(&format!("t={source}")).unwrap();
    let opened = picam_capture::open(
        &spec,
        Arc::new(SystemClock),
        &Cancel::from_flag(flag),
        &Arc::default(),
    );
    assert!(matches!(opened, Err(CaptureError::Cancelled)));
    assert!(begun.elapsed() < Duration::from_secs(4));
}
