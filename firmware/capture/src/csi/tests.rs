//! The recorder's side against one that is imitated, in this process and in one of its own.

use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use picam_time::SystemClock;
use rustix::fs::SealFlags;

use super::imitation::{
    BUFFERS, HEIGHT, Imitation, LUMA, SETUP, SIZE, TIMEOUTS, WIDTH, camera, controls, failed,
    frame, good_memory, layout, memory, setup,
};
use super::*;
use crate::picture::From;

const LONG: Duration = Duration::from_secs(20);

fn params() -> CsiParams {
    CsiParams::of("", &Wishes::default())
}

fn source() -> (CsiSource, Imitation) {
    let (camera, other) = camera();
    let source = CsiSource::over(
        camera,
        &params(),
        &Picture::default(),
        Arc::new(SystemClock),
    )
    .unwrap();
    (source, other)
}

/// Reads until something other than a time-out comes.
fn next(source: &mut CsiSource, unit: &mut AccessUnit) -> Result<Event, CaptureError> {
    let end = Instant::now() + LONG;
    loop {
        match source.read(unit, Duration::from_millis(50)) {
            Ok(Event::Timeout) if Instant::now() < end => {}
            other => return other,
        }
    }
}

#[test]
fn pictures_are_encoded_with_their_times_and_what_was_lost_and_each_buffer_is_given_back_once() {
    let (mut source, other) = source();
    let said = source.describe();
    for part in ["imx219; 100 % of", "infinity", "nv12 64x64 at 30"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("not to be seen") && !said.contains('\n'));
    let mut unit = AccessUnit::new();
    assert!(matches!(next(&mut source, &mut unit), Ok(Event::Config(_))));
    let mut last = None;
    for (n, sequence) in [0, 1, 4, 5].into_iter().enumerate() {
        other.say(&frame(n as u32 % BUFFERS, sequence, 0));
        assert_eq!(next(&mut source, &mut unit).unwrap(), Event::Unit);
        assert_eq!(unit.dropped_before, if sequence == 4 { 2 } else { 0 });
        assert!(last < Some((unit.dts, unit.captured)));
        last = Some((unit.dts, unit.captured));
        assert_eq!(other.given(), [n as u32 % BUFFERS]);
    }
    // One that the camera says is wrong.
    other.say(&frame(1, 6, 1));
    let damaged = next(&mut source, &mut unit).unwrap();
    assert_eq!(damaged, Event::Gap { damaged: 1 });
    assert_eq!(other.given(), [1]);
}

#[test]
fn a_reader_that_was_away_gets_all_that_waits_for_it() {
    let (mut source, other) = source();
    let mut unit = AccessUnit::new();
    next(&mut source, &mut unit).unwrap();
    for index in 0..BUFFERS {
        other.say(&frame(index, index, 0));
    }
    // Longer than silence may last.
    std::thread::sleep(TIMEOUTS.silence * 2);
    for index in 0..BUFFERS {
        assert_eq!(next(&mut source, &mut unit).unwrap(), Event::Unit);
        assert_eq!(unit.dropped_before, 0);
        assert_eq!(other.given(), [index]);
    }
}

#[test]
fn a_camera_that_hangs_is_given_up_and_what_is_missing_counts_as_one_place() {
    let (mut source, other) = source();
    let mut unit = AccessUnit::new();
    next(&mut source, &mut unit).unwrap();
    other.say(&frame(0, 0, 0));
    assert_eq!(next(&mut source, &mut unit).unwrap(), Event::Unit);
    assert_eq!(
        next(&mut source, &mut unit).unwrap(),
        Event::Gap { damaged: 1 }
    );
    let why = next(&mut source, &mut unit).unwrap_err().to_string();
    assert!(why.contains("hangs"), "{why}");
    // It had time for a second picture: that one is waited for longer than the first silence.
    drop(other);
}

#[test]
fn the_end_of_the_other_end_and_its_word_that_it_failed_are_told() {
    for (message, part) in [
        (None, "picam-csi has ended"),
        (Some(failed(b"no memory\0xyz")), "no memory"),
    ] {
        let (mut source, other) = source();
        let mut unit = AccessUnit::new();
        next(&mut source, &mut unit).unwrap();
        match message {
            Some(message) => other.say(&message),
            None => drop(other),
        }
        // No picture had come: nothing is missing.
        let why = next(&mut source, &mut unit).unwrap_err().to_string();
        assert!(why.contains(part) && !why.contains("xyz"), "{why}");
    }
}

#[test]
fn one_that_dies_with_something_unread_has_ended_too_and_what_it_had_delivered_counts() {
    let (mut source, other) = source();
    let mut unit = AccessUnit::new();
    next(&mut source, &mut unit).unwrap();
    for index in 0..2 {
        other.say(&frame(index, index, 0));
    }
    assert_eq!(next(&mut source, &mut unit).unwrap(), Event::Unit);
    drop(other);
    assert_eq!(next(&mut source, &mut unit).unwrap(), Event::Unit);
    let gap = next(&mut source, &mut unit).unwrap();
    assert_eq!(gap, Event::Gap { damaged: 1 });
    let why = next(&mut source, &mut unit).unwrap_err().to_string();
    assert!(why.contains("picam-csi has ended"), "{why}");
}

/// What comes of a beginning.
fn begun(say: impl FnOnce(&Imitation)) -> String {
    let (link, other) = Imitation::pair();
    say(&other);
    let timeouts = Timeouts {
        setup: Duration::from_millis(300),
        ..TIMEOUTS
    };
    match Camera::begin(link, None, timeouts) {
        Ok(_) => "it was believed".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn with(place: usize, number: u32) -> Vec<u8> {
    let mut numbers = SETUP;
    numbers[place] = number;
    setup(&numbers)
}

#[test]
fn a_beginning_that_breaks_a_rule_is_refused() {
    for (message, part) in [
        (Vec::new(), "has ended"),
        (frame(0, 0, 0), "something else than its setup"),
        (layout(0), "something else than its setup"),
        (vec![9; 3], "too short"),
        (vec![9; 40], "no message"),
        (setup(&SETUP)[..100].to_vec(), "too short"),
        ([&setup(&SETUP)[..], &[0]].concat(), "too long"),
        ([&setup(&SETUP)[..], &[0; 600]].concat(), "too long"),
        (with(1, 1), "version 1"),
        (with(2, 0x3231_3234), "neither NV12"),
        (with(3, 0), "pictures of 0x64"),
        (with(3, 63), "pictures of 63x64"),
        (with(4, 65), "pictures of 64x65"),
        (with(4, 4000), "pictures of 64x4000"),
        (with(5, 62), "rows of 62"),
        (with(5, u32::MAX), "rows of"),
        (with(6, 0), "0 buffers"),
        (with(6, 33), "33 buffers"),
        (with(7, u32::MAX), "a picture each"),
        (with(9, 7), "a lens"),
        (failed(b"the cable"), "the cable"),
    ] {
        let why = begun(|other| other.say(&message));
        assert!(why.contains(part), "{part}: {why}");
    }
    assert!(begun(|_| {}).contains("within"));
    let with_memory = begun(|other| other.send(&setup(&SETUP), &[good_memory().as_fd()]));
    assert!(with_memory.contains("nobody asked for"), "{with_memory}");
}

#[test]
fn what_can_be_set_is_said_within_bounds_and_set_at_the_start_and_later() {
    let after = |message: Vec<u8>| {
        begun(|other| {
            other.say(&setup(&SETUP));
            other.say(&message);
        })
    };
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_ne_bytes()).collect();
    assert!(after(layout(0)).contains("what can be set"));
    assert!(after(numbers(&[5, 25])).contains("25 controls"));
    assert!(after(numbers(&[5, 1, 1, 0])).contains("too short"));
    assert!(after(numbers(&[5, 0, 1])).contains("too long"));
    let (mut source, other) = source();
    // On the road: as bright as it is, focused far away.
    assert_eq!(other.set(), [(21, 0), (1, 0)]);
    let mut wanted = Picture::default();
    wanted.set_text("brightness", "-50").unwrap();
    wanted.set_text("focus", "50cm").unwrap();
    wanted.set_text("gain", "2x").unwrap();
    let report = source.set_picture(&wanted);
    assert_eq!(other.set(), [(21, 2000), (1, -500)]);
    assert_eq!(
        report.get(Key::Focus).unwrap().now,
        Some(Value::Distance(500))
    );
    let problems = report.problems();
    assert!(problems.concat().starts_with("gain=2x: "), "{problems:?}");
    assert_eq!(source.picture(), report);
}

#[test]
fn a_lens_that_the_source_sets_stays_so_when_something_else_is_changed() {
    let (camera, other) = camera();
    let params = CsiParams {
        focus: Focus::Auto,
        ..params()
    };
    let mut wanted = Picture::default();
    let clock = Arc::new(SystemClock);
    let mut source = CsiSource::over(camera, &params, &wanted, clock).unwrap();
    // This one's lens does not focus by itself, so that is said; infinity it could.
    let wanted_of = |report: &PictureReport| report.get(Key::Focus).unwrap().wanted;
    let auto = Some((Value::Auto, From::Named));
    assert_eq!(wanted_of(&source.picture()), auto);
    wanted.set_text("brightness", "20").unwrap();
    assert_eq!(wanted_of(&source.set_picture(&wanted)), auto);
    other.set();
    // What is named for the lens itself goes before it.
    wanted.set_text("focus", "50cm").unwrap();
    let report = source.set_picture(&wanted);
    let now = report.get(Key::Focus).unwrap().now;
    assert_eq!(now, Some(Value::Distance(500)));
}

/// What comes of this buffer behind a good setup.
fn buffer(message: &[u8], memory: &[std::os::fd::BorrowedFd<'_>]) -> String {
    begun(|other| {
        other.say(&setup(&SETUP));
        other.say(&controls());
        other.send(message, memory);
    })
}

#[test]
fn memory_that_is_none_too_small_or_may_be_taken_away_is_refused() {
    let good = good_memory();
    let changed = |place: usize, number: u32| {
        let mut message = layout(0);
        message[place * 4..place * 4 + 4].copy_from_slice(&number.to_ne_bytes());
        message
    };
    // Within the two: there was to be a second buffer.
    assert!(buffer(&layout(0), &[good.as_fd()]).contains("within"));
    assert!(buffer(&layout(0), &[]).contains("missing"));
    assert!(buffer(&layout(0), &[good.as_fd(); 2]).contains("too long"));
    assert!(buffer(&layout(0), &[good.as_fd(); 8]).contains("too long"));
    for (message, part) in [
        (layout(1), "out of turn"),
        (frame(0, 0, 0), "nobody asked for"),
        (changed(2, 3), "3 planes"),
        (changed(2, 4), "4 planes"),
        (changed(2, 0), "0 planes"),
        (changed(4, LUMA + 2), "behind each other"),
        (changed(4, LUMA - 2), "behind each other"),
        (changed(6, LUMA - 1), "too small"),
        (changed(7, LUMA / 2 - 1), "too small"),
    ] {
        let why = buffer(&message, &[good.as_fd()]);
        assert!(why.contains(part), "{part}: {why}");
    }
    let far = u32::MAX - LUMA;
    let mut message = changed(3, far);
    message[16..20].copy_from_slice(&(far + LUMA).to_ne_bytes());
    assert!(buffer(&message, &[good.as_fd()]).contains("too large"));
    let short = memory(SIZE - 1, SealFlags::SHRINK);
    assert!(buffer(&layout(0), &[short.as_fd()]).contains("shall hold"));
    let shrinking = memory(SIZE, SealFlags::GROW);
    assert!(buffer(&layout(0), &[shrinking.as_fd()]).contains("taken away"));
    let file = tempfile::tempfile().unwrap();
    file.set_len(SIZE.into()).unwrap();
    assert!(buffer(&layout(0), &[file.as_fd()]).contains("taken away"));
    let null = std::fs::File::open("/dev/null").unwrap();
    assert!(buffer(&layout(0), &[null.as_fd()]).contains("taken away"));
}

#[test]
fn pictures_in_buffers_that_are_none_or_were_not_given_back_are_refused() {
    for (messages, part) in [
        (vec![frame(BUFFERS, 0, 0)], "in buffer 3"),
        (vec![frame(u32::MAX, 0, 0)], "in buffer"),
        (vec![setup(&SETUP)], "something else than a picture"),
        (vec![layout(0)], "something else than a picture"),
        (vec![frame(0, 0, 0)[..20].to_vec()], "too short"),
        (vec![[&frame(0, 0, 0)[..], &[1]].concat()], "too long"),
    ] {
        let (mut source, other) = source();
        let mut unit = AccessUnit::new();
        next(&mut source, &mut unit).unwrap();
        for message in messages {
            other.say(&message);
        }
        let why = next(&mut source, &mut unit).unwrap_err().to_string();
        assert!(why.contains(part), "{part}: {why}");
    }
    // Twice, before the first could be given back.
    let (mut camera, other) = camera();
    other.say(&frame(0, 0, 0));
    other.say(&frame(0, 1, 0));
    use crate::v4l2::Device;
    let first = camera.dequeue().unwrap().unwrap();
    assert_eq!(camera.bytes(&first).len(), SIZE as usize);
    let again = camera.dequeue().unwrap_err().to_string();
    assert!(again.contains("not given back"), "{again}");
    assert_eq!((WIDTH, HEIGHT), (64, 64));
}

/// A program that is a script.
fn script(dir: &Path, text: &str) -> OsString {
    let path = dir.join("picam-csi");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.into()
}

fn opened(program: OsString, timeouts: Timeouts) -> String {
    match open_with(
        program,
        (&params(), &Picture::default()),
        Arc::new(SystemClock),
        timeouts,
    ) {
        Ok(_) => "it was opened".to_owned(),
        Err(CaptureError::Io { context, source }) => format!("{context}: {source}"),
        Err(other) => other.to_string(),
    }
}

#[test]
fn a_program_that_is_missing_or_says_why_it_ends_is_told() {
    let why = opened("/no/such/picam-csi".into(), TIMEOUTS);
    assert!(
        why.contains("not installed") && why.contains("docs/cameras.md"),
        "{why}"
    );
    let dir = tempfile::tempdir().unwrap();
    let dies = script(dir.path(), "echo 'the bus is on fire' >&2; exit 3");
    let why = opened(dies, TIMEOUTS);
    assert!(why.contains("ended: the bus is on fire"), "{why}");
}

#[test]
fn a_process_that_hangs_is_killed_with_all_that_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let text = format!(
        "trap '' TERM\nsleep 1000 & echo $$ $! >{0}.new; mv {0}.new {0}\nwait\nsleep 1000",
        pids.display()
    );
    let hangs = script(dir.path(), &text);
    let timeouts = Timeouts {
        setup: Duration::from_secs(2),
        ..TIMEOUTS
    };
    let why = opened(hangs, timeouts);
    assert!(why.contains("has not set it up within 2 s"), "{why}");
    // A very busy machine may not have got so far.
    let pids = std::fs::read_to_string(pids).unwrap_or_default();
    let lives = |pid: &str| Path::new("/proc").join(pid).join("exe").exists();
    let end = Instant::now() + LONG;
    while pids.split_whitespace().any(lives) {
        assert!(Instant::now() < end, "{pids} live on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_process_is_told_what_is_wished() {
    let spec =
        crate::CameraSpec::parse("a=csi:/base/i2c@1/imx219@10?size=1280x720&fps=25").unwrap();
    let crate::SourceSpec::Csi(params) = spec.source else {
        panic!()
    };
    let told = arguments(&with_usual(&params));
    let expected = "--record --camera /base/i2c@1/imx219@10 --size 1280x720 --fps 25 --buffers 6 --focus infinity";
    assert_eq!(told, expected.split(' ').collect::<Vec<_>>());
    let told = arguments(&with_usual(&self::params()));
    let expected = "--record --size 1920x1080 --fps 30 --buffers 6 --focus infinity";
    assert_eq!(told, expected.split(' ').collect::<Vec<_>>());
}

const LISTED: &str = r#"{"protocol":1,"libcamera":"0.7.2","new_key":1,"cameras":[
  {"id":"/base/soc/i2c0mux/i2c@1/imx219@10","model":"imx219","lens":false,"busy":false,"sizes":[],"modes":[
    {"width":640,"height":480,"bits":10,"shortest_us":9700,"seen_width":1280,"sensor_width":3280},
    {"width":1640,"height":1232,"bits":10,"shortest_us":23900,"seen_width":3280,"sensor_width":3280},
    {"width":1920,"height":1080,"bits":10,"shortest_us":21100,"seen_width":1920,"sensor_width":3280},
    {"width":3280,"height":2464,"bits":10,"shortest_us":47200,"seen_width":3280,"sensor_width":3280}]},
  {"id":"--evil","model":"x","sizes":[],"modes":[]},
  {"id":"with space","model":"x","sizes":[],"modes":[]},
  {"id":"Virtual1","model":"Back","sizes":[[640,480]],"modes":[]}]}"#;

#[test]
fn what_is_listed_is_told_with_rates_and_shares() {
    let found = list::parse(LISTED).unwrap();
    let ids: Vec<&str> = found.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(
        ids,
        ["csi:/base/soc/i2c0mux/i2c@1/imx219@10", "csi:Virtual1"]
    );
    let modes: Vec<(u32, u32, Option<u32>)> = found[0]
        .offers
        .iter()
        .map(|offer| {
            let rate = offer.rates[0].hz() as u32;
            let share = offer.field_of_view.map(|share| (share * 100.0) as u32);
            (offer.width, rate, share)
        })
        .collect();
    // All of the width goes first, at its best rate; then what is faster and sees less.
    let expected = [
        (1920, 21, Some(100)),
        (1920, 47, Some(58)),
        (1280, 41, Some(100)),
        (1280, 47, Some(58)),
    ];
    assert_eq!(modes, expected);
    assert_eq!(found[1].offers[0].field_of_view, None);
    for garbage in ["", "{}", "[1]", r#"{"cameras":[{"id":1}]}"#, "\u{0}"] {
        assert!(list::parse(garbage).is_err(), "{garbage}");
    }
}

#[test]
fn a_list_that_does_not_come_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let ask =
        |text: &str, limit| list::ask(script(dir.path(), text), Wanted::Names, limit).unwrap_err();
    let why = ask("sleep 1000", Duration::from_millis(200));
    assert!(why.contains("not answered"), "{why}");
    assert_eq!(ask("echo 'no bus' >&2; exit 1", LONG), "no bus");
    assert!(ask("echo '{\"cameras\":['", LONG).contains("EOF"));
    assert!(list::ask("/no/such/program".into(), Wanted::Names, LONG).is_err());
    // One that is there and cannot be recorded is told, with what is missing.
    let receiver = dir.path().join("sys/class/video4linux/video0");
    let found = || list::find_by("/no/such/program".into(), dir.path(), Wanted::Names, LONG);
    assert_eq!(found(), []);
    std::fs::create_dir_all(&receiver).unwrap();
    std::fs::write(receiver.join("name"), "bcm2835-isp0-output0\n").unwrap();
    assert_eq!(found(), []);
    std::fs::write(receiver.join("name"), "unicam-image\n").unwrap();
    let problem = found()[0].problem.clone().unwrap();
    assert!(problem.contains("not installed"), "{problem}");
    let good = script(
        dir.path(),
        "[ \"$*\" != --probe ] || echo '{\"cameras\":[]}'",
    );
    assert_eq!(list::ask(good.clone(), Wanted::Modes, LONG).unwrap(), []);
    assert!(list::ask(good, Wanted::Names, LONG).is_err());
}
