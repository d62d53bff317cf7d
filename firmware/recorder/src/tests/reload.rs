//! Cameras added, changed and removed while others record.

use picam_control::status::{CameraState, CameraStatus, Losses, StatusSource};
use picam_mp4::check;
use picam_ring::{Directory, FsDirectory};

use super::whole::wait;
use super::*;
use crate::{Changes, Recording, StartError, start};

const FRONT: &str = "front=sim:?size=320x240&fps=30";
const REAR: &str = "rear=sim:?size=320x240&fps=30";

fn with(directory: &Path, cameras: &[&str]) -> RecordPlan {
    let camera = |text: &&str| CameraSpec::parse(text).unwrap();
    RecordPlan {
        cameras: cameras.iter().map(camera).collect(),
        ..plan(directory)
    }
}

fn camera(recording: &Recording, name: &str) -> CameraStatus {
    let status = recording.status().status().unwrap();
    let mut cameras = status.cameras.into_iter();
    cameras.find(|camera| camera.name == name).unwrap()
}

fn names(recording: &Recording) -> Vec<String> {
    let cameras = recording.status().status().unwrap().cameras;
    cameras.into_iter().map(|camera| camera.name).collect()
}

fn wait_for_more(recording: &Recording, name: &str) {
    let before = camera(recording, name).frames;
    wait(name, || camera(recording, name).frames > before);
}

/// The files of a camera; each is whole.
fn files(directory: &Path, letter: char) -> Vec<String> {
    let card = FsDirectory::open(directory.join("footage"), false).unwrap();
    let catalog = picam_ring::Catalog::read(&card).unwrap();
    let ring = catalog.ring(letter as u8);
    let names = ring.segments().iter().map(|slot| slot.name.to_string());
    names
        .inspect(|name| {
            let checked = check(&card.open(name).unwrap()).unwrap();
            assert_eq!(checked.faults, Vec::<String>::new(), "{name}");
        })
        .collect()
}

#[test]
fn the_others_record_on_while_one_is_added_changed_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let recording = start(with(directory.path(), &[FRONT])).unwrap();
    wait_for_more(&recording, "front");
    let reload = |cameras: &[&str]| recording.reloader.reload(with(directory.path(), cameras));

    let changes = reload(&[REAR, FRONT]).unwrap();
    assert_eq!(changes.to_string(), "added: rear");
    // In the order of the configuration.
    assert_eq!(names(&recording), ["rear", "front"]);
    wait_for_more(&recording, "rear");
    wait_for_more(&recording, "front");
    assert_eq!(recording.status().pulses().len(), 2);
    assert!(recording.live.admit('R').is_ok());
    let needs = || recording.reloader.needs.load().cameras.len();
    assert_eq!(needs(), 2);

    let frames = camera(&recording, "rear").frames;
    let changed = "rear=sim:?size=160x120&fps=30";
    let changes = reload(&[FRONT, changed]).unwrap();
    assert_eq!(changes.to_string(), "changed: rear");
    wait_for_more(&recording, "rear");
    let rear = camera(&recording, "rear");
    // Its counts go on.
    assert!(rear.frames > frames);
    assert_eq!((rear.width, rear.height), (Some(160), Some(120)));
    assert_eq!(reload(&[FRONT, changed]).unwrap(), Changes::default());

    let changes = reload(&[FRONT]).unwrap();
    assert_eq!(changes.to_string(), "removed: rear");
    assert_eq!(names(&recording), ["front"]);
    assert!(recording.live.admit('R').is_err());
    assert_eq!(needs(), 1);
    wait_for_more(&recording, "front");

    let front = camera(&recording, "front");
    assert_eq!(front.state, CameraState::Recording);
    assert_eq!(front.lost, Losses::default());
    recording.stopper().stop();
    recording.wait();
    // What was recorded of the one that went is kept; the one that stayed was never interrupted.
    assert!(files(directory.path(), 'R').len() >= 2);
    assert!(!files(directory.path(), 'F').is_empty());
}

#[test]
fn a_recording_whose_only_camera_is_changed_goes_on_and_ends_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let recording = start(with(directory.path(), &[FRONT])).unwrap();
    let (stopper, reloader) = (recording.stopper(), recording.reloader.clone());
    let status = recording.status();
    let waits = std::thread::spawn(move || recording.wait());
    let changes = reloader.reload(with(directory.path(), &[REAR])).unwrap();
    assert_eq!(changes.to_string(), "added: rear; removed: front");
    wait("ten pictures", || {
        status.status().unwrap().cameras[0].frames >= 10
    });
    assert!(!waits.is_finished());
    stopper.stop();
    waits.join().unwrap();
    // One that is begun after the end was ordered ends at once.
    assert!(reloader.reload(with(directory.path(), &[FRONT])).is_ok());
    wait("its end", || {
        status.pulses().iter().all(|pulse| pulse.ended)
    });
}

#[test]
fn what_cannot_be_changed_leaves_everything_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let recording = start(with(directory.path(), &[FRONT])).unwrap();
    let none = recording.reloader.reload(with(directory.path(), &[]));
    assert!(matches!(none, Err(StartError::NoCamera)));
    let other = RecordPlan {
        segment: 7 * SECOND,
        slot_size: SLOT_SIZE + 1,
        warnings: vec!["a slip".into()],
        ..with(directory.path(), &[FRONT])
    };
    let changes = recording.reloader.reload(other.clone()).unwrap();
    let said = "no camera has changed; other changes hold once the recorder is started anew";
    assert_eq!(changes.to_string(), said);
    let faults = recording.status().status().unwrap().card.faults;
    assert!(faults.iter().any(|fault| fault.message == "a slip"));
    // Part of a page more is no change.
    let segment = plan(directory.path()).segment;
    let same = RecordPlan { segment, ..other };
    assert!(!recording.reloader.reload(same).unwrap().needs_restart);
    wait_for_more(&recording, "front");
    recording.stopper().stop();
    recording.wait();
}

#[test]
fn a_camera_that_is_plugged_in_is_recorded_without_being_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let recording = start(with(directory.path(), &[FRONT])).unwrap();
    // What is recorded by then counts, not what was to begin with.
    let asked = with(directory.path(), &[FRONT, "any=auto"]);
    assert_eq!(recording.reloader.reload(asked).unwrap().added, ["any"]);
    let found = picam_capture::Found {
        id: "by-id/usb-just-come-video-index0".into(),
        node: "/dev/none".into(),
        identity: picam_capture::Identity::default(),
        offers: Vec::new(),
        controls: Vec::new(),
        is_new: false,
        problem: None,
    };
    let bindings = recording.reloader.now().bindings.clone();
    bindings.name_new(&[found]);
    wait("the new one", || {
        names(&recording) == ["front", "any", "cam2"]
    });
    let status = recording.status().status().unwrap();
    assert_eq!(status.cameras[0].lost, Losses::default());
    recording.stopper().stop();
    recording.wait();
}
