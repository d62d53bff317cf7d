//! How pictures look, changed while they are recorded.

use picam_capture::picture::Picture;
use picam_control::lock::Origin;
use picam_control::orders::{Denied, Why};
use picam_control::picture::{CameraPicture, PictureSource, Setting, Wanted, WantedBy};
use picam_control::status::{CameraState, StatusSource};

use super::whole::wait;
use super::*;
use crate::{Recording, start};

fn with(directory: &Path, named: &[(&str, &str)]) -> RecordPlan {
    let mut camera = CameraSpec::parse("front=sim:?size=320x240&fps=30").unwrap();
    camera.picture = picture(named);
    RecordPlan {
        cameras: vec![camera],
        ..plan(directory)
    }
}

fn picture(named: &[(&str, &str)]) -> Picture {
    let mut picture = Picture::default();
    for (key, value) in named {
        picture.set_text(key, value).unwrap();
    }
    picture
}

fn ask(
    recording: &Recording,
    set: &[(&str, Option<&str>)],
    origin: Origin,
) -> Result<CameraPicture, Denied> {
    let set: Wanted = set
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)))
        .collect();
    recording.pictures().picture("front", set, origin)
}

fn setting(told: &CameraPicture, key: &str) -> Setting {
    let mut all = told.settings.iter();
    all.find(|setting| setting.key == key).unwrap().clone()
}

fn now(told: &CameraPicture, key: &str) -> String {
    setting(told, key).now.unwrap()
}

#[test]
fn settings_are_changed_while_it_records_and_cost_no_picture() {
    let directory = tempfile::tempdir().unwrap();
    let configured = [("brightness", "10"), ("hdr", "on")];
    let recording = start(with(directory.path(), &configured)).unwrap();
    let camera = || recording.status().status().unwrap().cameras.remove(0);
    wait("pictures", || camera().frames > 5);
    let told = ask(&recording, &[], Origin::Page).unwrap();
    assert!(told.is_open && told.letter == 'F');
    let brightness = setting(&told, "brightness");
    assert_eq!(brightness.now.as_deref(), Some("10"));
    assert_eq!(brightness.by, Some(WantedBy::Configuration));
    // What it does not have is said, and it records.
    let problems = camera().picture_problems;
    assert!(problems.concat().starts_with("hdr=on: "), "{problems:?}");
    assert_eq!(camera().state, CameraState::Recording);

    let change = [("brightness", Some("60")), ("rotation", Some("180"))];
    let told = ask(&recording, &change, Origin::Owner).unwrap();
    assert_eq!(
        (now(&told, "brightness"), now(&told, "rotation")),
        ("60".into(), "180".into())
    );
    assert_eq!(setting(&told, "brightness").by, Some(WantedBy::Change));
    // All of it or nothing, and the range is said.
    for (key, value, said) in [
        ("brightness", "101", "-100 to 100"),
        ("hdr", "off", "has no hdr"),
        ("rotation", "90", "not by 90"),
        ("size", "640x480", "opened anew"),
    ] {
        let change = [("hflip", Some("on")), (key, Some(value))];
        let denied = ask(&recording, &change, Origin::Owner).unwrap_err();
        let text = format!("{}; {}", denied.reason, denied.remedy);
        assert!(denied.why == Why::Refused && text.contains(said), "{text}");
    }
    let told = ask(&recording, &[("brightness", None)], Origin::Owner).unwrap();
    assert_eq!(now(&told, "brightness"), "10");
    assert_eq!(now(&told, "hflip"), "off");
    let nobody = recording
        .pictures()
        .picture("rear", Wanted::new(), Origin::Owner);
    assert_eq!(nobody.unwrap_err().why, Why::NoCamera);

    // Another configuration is set without opening it anew, and goes before what was changed.
    let before = camera();
    let changes = recording
        .reloader
        .reload(with(directory.path(), &[("brightness", "-30")]))
        .unwrap();
    assert_eq!(changes.to_string(), "picture set: front");
    let told = ask(&recording, &[], Origin::Owner).unwrap();
    assert_eq!(
        (now(&told, "brightness"), now(&told, "rotation")),
        ("-30".into(), "0".into())
    );
    wait("more", || camera().frames > before.frames + 10);
    let after = camera();
    assert_eq!(after.picture_problems, Vec::<String>::new());
    assert_eq!((after.dropped_encoder, after.dropped_queue), (0, 0));
    assert_eq!(after.lost, before.lost);
    // Opened anew, it looks the same.
    let other = "front=sim:?size=160x120&fps=30";
    let mut plan = with(directory.path(), &[("brightness", "-30")]);
    plan.cameras[0].source = CameraSpec::parse(other).unwrap().source;
    let change = [("vflip", Some("on"))];
    ask(&recording, &change, Origin::Owner).unwrap();
    let changes = recording.reloader.reload(plan).unwrap();
    assert_eq!(changes.to_string(), "changed: front");
    wait("it to be open", || camera().width == Some(160));
    let told = ask(&recording, &[], Origin::Owner).unwrap();
    assert_eq!(
        (now(&told, "brightness"), now(&told, "vflip")),
        ("-30".into(), "on".into())
    );
    recording.stopper().stop();
    recording.wait();
}

#[test]
fn the_page_cannot_blind_a_camera() {
    let directory = tempfile::tempdir().unwrap();
    let (status, _) = idle(directory.path());
    let pictures = crate::pictures::Pictures(status);
    let ask = |key: &str, value: &str, origin| {
        let set = Wanted::from([(key.to_owned(), Some(value.to_owned()))]);
        pictures.picture("F", set, origin)
    };
    for (key, value) in [
        ("brightness", "-51"),
        ("contrast", "-100"),
        ("compensation", "-1.5"),
        ("exposure", "1us"),
        ("gain", "0%"),
        ("focus", "1cm"),
        ("focus", "100%"),
        ("longest-shutter", "1us"),
        ("white-balance", "0.1,32"),
    ] {
        let denied = ask(key, value, Origin::Page).unwrap_err();
        assert!(denied.reason.contains("blind"), "{key}: {denied}");
        // The owner may: the camera has not been there yet, and what it takes nobody knows.
        let told = ask(key, value, Origin::Owner).unwrap();
        assert!(!told.is_open);
        assert_eq!(setting(&told, key).by, Some(WantedBy::Change), "{key}");
    }
    for (key, value) in [
        ("brightness", "-50"),
        ("preset", "night"),
        ("compensation", "1"),
        ("exposure", "auto"),
        ("focus", "infinity"),
        ("hflip", "on"),
        ("white-balance", "tungsten"),
    ] {
        assert!(ask(key, value, Origin::Page).is_ok(), "{key}");
    }
    // Nor keep its thread busy.
    let more = (0..20).find_map(|_| ask("hflip", "off", Origin::Page).err());
    assert_eq!(more.unwrap().why, Why::TooFast);
    assert!(ask("hflip", "off", Origin::Owner).is_ok());
}
