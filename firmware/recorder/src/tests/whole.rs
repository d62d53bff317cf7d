//! A recording with all its threads, from its start to its end.

use std::time::Instant;

use picam_control::orders::{Order, OrderSpan};
use picam_control::status::{CameraState, CameraStatus, StatusSource};
use picam_mp4::check;
use picam_ring::{Catalog, Class, Directory, FsDirectory, SegmentName};

use super::*;
use crate::orders::Origin;
use crate::{Recording, StartError, start};

/// A busy machine may take long, and then fails with what it waited for.
const LONG: Duration = Duration::from_secs(60);

pub(super) fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "not after {LONG:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn one_camera(directory: &Path) -> RecordPlan {
    let spec = CameraSpec::parse("front=sim:?size=320x240&fps=30").unwrap();
    RecordPlan {
        cameras: vec![spec],
        slots: Slots::Count(8),
        ..plan(directory)
    }
}

fn camera(recording: &Recording) -> CameraStatus {
    let mut status = recording.status().status().unwrap();
    status.cameras.swap_remove(0)
}

fn names(directory: &Path) -> Vec<SegmentName> {
    let directory = FsDirectory::open(directory.join("footage"), false).unwrap();
    let catalog = Catalog::read(&directory).unwrap();
    let segments = catalog.ring(b'F').segments().iter();
    segments.map(|segment| segment.name).collect()
}

#[test]
fn what_is_recorded_locked_paused_and_dated_is_on_the_card_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let recording = start(one_camera(directory.path())).unwrap();
    wait("three segments and all slots", || {
        let camera = camera(&recording);
        camera.segments >= 3 && camera.ring.slots == 8
    });
    let now = camera(&recording);
    assert_eq!(
        (now.state, now.fault.clone()),
        (CameraState::Recording, None)
    );
    assert_eq!((now.width, now.height), (Some(320), Some(240)));
    assert!(now.frames > 60, "{}", now.frames);
    assert!(now.last_durable_ms_ago.is_some(), "{now:?}");
    assert!(now.source.contains("sim"), "{}", now.source);
    assert!(recording.status().all_under_way());

    // Somebody says what time it is: what was recorded before gets it, too.
    let status = recording.status();
    let now = status.now();
    status.set_time(said(now, NOON, TimeSource::Gps));
    // And keeps what was just recorded.
    let span = OrderSpan::Boot {
        from: now - SECOND / 10,
        to: now,
    };
    let desk = recording.desk.clone();
    desk.lock("a".into(), &span, "a test".into(), Origin::Impact)
        .unwrap();
    wait("a locked segment", || {
        let names = names(directory.path());
        names.iter().any(|name| name.class == Class::Event)
    });
    wait("times in all names", || {
        let names = names(directory.path());
        names
            .iter()
            .all(|name| name.to_string().starts_with("2026"))
    });

    desk.order_of_page(Order::Pause { seconds: 60 }).unwrap();
    wait("a pause", || {
        camera(&recording).state == CameraState::Paused
    });
    wait("the end of the segment", || {
        camera(&recording).segment.is_none()
    });
    let frames = camera(&recording).frames;
    desk.order_of_page(Order::Resume {}).unwrap();
    wait("pictures again", || camera(&recording).frames > frames);

    let stopper = recording.stopper();
    stopper.stop();
    recording.wait();
    let frames = status.status().unwrap().cameras[0].frames;
    let files = FsDirectory::open(directory.path().join("footage"), false).unwrap();
    let mut shown = 0;
    for name in names(directory.path()) {
        let file = files.open(&name.to_string()).unwrap();
        let checked = check(&file).unwrap();
        assert_eq!(checked.faults, Vec::<String>::new(), "{name}");
        shown += u64::from(
            picam_mp4::recover::read_record(&file)
                .unwrap()
                .0
                .counters
                .frames,
        );
    }
    // With eight slots the first may be gone.
    assert!(shown <= frames && shown > 30, "{shown} of {frames}");
}

#[test]
fn what_cannot_be_recorded_is_not_begun() {
    let directory = tempfile::tempdir().unwrap();
    let whole = one_camera(directory.path());
    let none = RecordPlan {
        cameras: Vec::new(),
        ..whole.clone()
    };
    assert!(matches!(start(none), Err(StartError::NoCamera)));
    for (slot_size, good) in [((1 << 20) - 1, false), (1 << 20, true)] {
        let plan = RecordPlan {
            slot_size,
            ..whole.clone()
        };
        match start(plan) {
            Ok(recording) => {
                assert!(good);
                let other = start(whole.clone());
                assert!(matches!(other, Err(StartError::Busy(_))));
                recording.stopper().stop();
                recording.wait();
            }
            Err(error) => assert!(!good && matches!(error, StartError::SlotSize(_)), "{error}"),
        }
    }
}

#[test]
fn a_source_that_is_not_there_is_a_fault_that_is_worked_on() {
    let directory = tempfile::tempdir().unwrap();
    let missing = CameraSpec::parse("front=file:/no/such/file.mp4").unwrap();
    let recording = start(RecordPlan {
        cameras: vec![missing],
        ..plan(directory.path())
    })
    .unwrap();
    wait("a fault", || camera(&recording).state == CameraState::Fault);
    let fault = camera(&recording).fault.unwrap();
    assert!(fault.message.contains("/no/such/file.mp4"), "{fault:?}");
    assert!(recording.status().pulses()[0].fault_beats > 0);
    recording.stopper().stop();
    recording.wait();
}

#[test]
fn a_card_that_is_not_there_yet_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let whole = one_camera(directory.path());
    std::fs::write(directory.path().join("footage"), "in the way").unwrap();
    let recording = start(whole).unwrap();
    assert!(!recording.status().all_under_way());
    recording.stopper().stop();
    recording.wait();
}

#[test]
fn a_car_that_drives_is_recorded_with_the_pictures() {
    let directory = tempfile::tempdir().unwrap();
    let recording = start(RecordPlan {
        drive: true,
        ..one_camera(directory.path())
    })
    .unwrap();
    wait("a second of pictures", || camera(&recording).frames > 30);
    recording.stopper().stop();
    recording.wait();
    let footage = directory.path().join("footage");
    let name = names(directory.path()).remove(0).to_string();
    let bytes = std::fs::read(footage.join(name)).unwrap();
    let movie = picam_mp4::read::Movie::read(&bytes).unwrap();
    let samples: Vec<usize> = movie.tracks.iter().map(|t| t.samples.len()).collect();
    let [pictures, motion, _] = samples[..] else {
        panic!("{samples:?}");
    };
    assert!(pictures > 20 && motion > 20, "{samples:?}");
}
