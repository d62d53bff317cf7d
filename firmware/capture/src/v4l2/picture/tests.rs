//! Settings against devices as they are: what vivid, a usual USB camera and one with little say they have.

use super::super::device::MenuItem;
use super::super::fake::Fake;
use super::*;

const FRAME: Option<u32> = Some(33_333);

fn number(id: u32, name: &str, (least, most, default): (i64, i64, i64), value: i32) -> Control {
    Control {
        id,
        name: name.to_owned(),
        least,
        most,
        step: 1,
        default,
        value: Some(value),
        ..Control::default()
    }
}

fn menu(id: u32, name: &str, items: &[(u32, &str)], default: i64, value: i32) -> Control {
    let item = |(index, name): &(u32, &str)| MenuItem {
        index: *index,
        name: (*name).to_owned(),
    };
    let ends = (items.first().unwrap().0, items.last().unwrap().0);
    Control {
        menu: items.iter().map(item).collect(),
        ..number(id, name, (ends.0.into(), ends.1.into(), default), value)
    }
}

/// What most USB cameras have; somebody has left it focused near, and exposing for a fixed time.
fn usb() -> Fake {
    let mut fake = Fake::new(b"MJPG", 640, 480, Vec::new());
    fake.controls = vec![
        number(ids::BRIGHTNESS, "Brightness", (-64, 64, 0), 10),
        number(ids::CONTRAST, "Contrast", (0, 64, 32), 32),
        number(
            ids::AUTO_WHITE_BALANCE,
            "White Balance, Automatic",
            (0, 1, 1),
            1,
        ),
        number(ids::GAIN, "Gain", (0, 100, 0), 0),
        menu(
            ids::POWER_LINE_FREQUENCY,
            "Power Line Frequency",
            &[(0, "Disabled"), (1, "50 Hz"), (2, "60 Hz")],
            1,
            2,
        ),
        number(
            ids::WHITE_BALANCE_TEMPERATURE,
            "White Balance Temperature",
            (2800, 6500, 4600),
            4600,
        ),
        menu(
            ids::EXPOSURE_AUTO,
            "Auto Exposure",
            &[(1, "Manual Mode"), (3, "Aperture Priority Mode")],
            3,
            1,
        ),
        number(
            ids::EXPOSURE_ABSOLUTE,
            "Exposure Time, Absolute",
            (1, 5000, 157),
            157,
        ),
        number(
            ids::EXPOSURE_AUTO_PRIORITY,
            "Exposure, Dynamic Framerate",
            (0, 1, 0),
            1,
        ),
        number(ids::FOCUS_ABSOLUTE, "Focus, Absolute", (0, 250, 0), 120),
        number(ids::FOCUS_AUTO, "Focus, Automatic Continuous", (0, 1, 1), 1),
    ];
    fake
}

fn wanted(named: &[(&str, &str)]) -> Picture {
    let mut picture = Picture::default();
    for (key, value) in named {
        picture.set_text(key, value).unwrap();
    }
    picture
}

fn set(fake: &mut Fake, named: &[(&str, &str)]) -> (PictureReport, Vec<(u32, i32)>) {
    fake.seen.lock().unwrap().controls.clear();
    let (report, _) = apply(fake, &wanted(named), FRAME, true);
    let written = fake.seen.lock().unwrap().controls.clone();
    (report, written)
}

fn now(report: &PictureReport, key: Key) -> String {
    let now = report.get(key).unwrap().now;
    now.map_or_else(|| "-".to_owned(), |now| now.to_string())
}

#[test]
fn a_road_is_seen_without_knowing_any_of_it() {
    let mut fake = usb();
    let (report, written) = set(&mut fake, &[]);
    assert_eq!(
        written,
        [
            (ids::EXPOSURE_AUTO, 3),
            (ids::EXPOSURE_AUTO_PRIORITY, 0),
            // Nobody asked for 60 Hz: it is as when it was bought.
            (ids::POWER_LINE_FREQUENCY, 1),
            (ids::FOCUS_AUTO, 0),
            (ids::FOCUS_ABSOLUTE, 0),
            (ids::BRIGHTNESS, 0),
        ]
    );
    for (key, value) in [
        (Key::Exposure, "auto"),
        (Key::LongestShutter, "frame"),
        (Key::Focus, "infinity"),
        (Key::Brightness, "0"),
        (Key::Hdr, "-"),
        (Key::Preset, "road"),
    ] {
        assert_eq!(now(&report, key), value, "{key}");
    }
    // What a preset would like and the camera does not have is no fault.
    assert_eq!(report.problems(), Vec::<String>::new());
    let (_, again) = set(&mut fake, &[]);
    assert_eq!(again, []);
}

#[test]
fn what_is_named_is_set_in_the_devices_own_numbers() {
    let mut fake = usb();
    set(&mut fake, &[]);
    let named = [
        ("brightness", "50"),
        ("contrast", "-100"),
        ("exposure", "8ms"),
        ("gain", "40%"),
        ("white-balance", "tungsten"),
        ("anti-flicker", "60"),
        ("focus", "20%"),
        ("longest-shutter", "66ms"),
    ];
    let (report, written) = set(&mut fake, &named);
    assert_eq!(
        written,
        [
            (ids::EXPOSURE_AUTO, 1),
            (ids::EXPOSURE_ABSOLUTE, 80),
            (ids::GAIN, 40),
            (ids::EXPOSURE_AUTO_PRIORITY, 1),
            (ids::POWER_LINE_FREQUENCY, 2),
            (ids::AUTO_WHITE_BALANCE, 0),
            (ids::WHITE_BALANCE_TEMPERATURE, 2800),
            (ids::FOCUS_ABSOLUTE, 50),
            (ids::BRIGHTNESS, 32),
            (ids::CONTRAST, 0),
        ]
    );
    for (key, value) in [
        (Key::Exposure, "8ms"),
        (Key::WhiteBalance, "2800K"),
        (Key::Focus, "20%"),
        (Key::Brightness, "50"),
        (Key::Contrast, "-100"),
    ] {
        assert_eq!(now(&report, key), value, "{key}");
    }
    let exposure = report.get(Key::Exposure).unwrap();
    assert_eq!(exposure.takes.to_string(), "auto, 100us to 500ms");
    let [_, time] = &exposure.controls[..] else {
        panic!("{exposure:?}")
    };
    assert_eq!((time.least, time.most, time.now), (1, 5000, Some(80)));
    // Left out again, they are as they were.
    let (report, _) = set(&mut fake, &[]);
    assert_eq!(now(&report, Key::Contrast), "0");
    assert_eq!(now(&report, Key::Exposure), "auto");
}

#[test]
fn without_a_preset_the_rest_is_left_as_it_is() {
    let mut fake = usb();
    let (_, written) = set(&mut fake, &[("preset", "none"), ("contrast", "0")]);
    assert_eq!(written, []);
    let (_, written) = set(&mut fake, &[("preset", "none"), ("contrast", "100")]);
    assert_eq!(written, [(ids::CONTRAST, 64)]);
}

#[test]
fn by_night_pictures_may_take_longer_than_one_takes_by_day() {
    let mut fake = usb();
    let (report, _) = set(&mut fake, &[("preset", "night")]);
    assert_eq!(now(&report, Key::LongestShutter), "auto");
    assert_eq!(report.problems(), Vec::<String>::new());
    // Where two pictures' time is one picture's, nothing has to give.
    let (report, _) = apply(
        &mut fake,
        &wanted(&[("longest-shutter", "66ms")]),
        Some(66_000),
        true,
    );
    assert_eq!(now(&report, Key::LongestShutter), "frame");
    let (report, _) = apply(
        &mut fake,
        &wanted(&[("longest-shutter", "8ms")]),
        FRAME,
        true,
    );
    let problems = report.problems().concat();
    assert!(problems.contains("33.333ms to 10000ms"), "{problems}");
}

#[test]
fn what_a_camera_does_not_have_or_refuses_is_said_and_the_rest_is_set() {
    let mut fake = usb();
    fake.refusing = vec![(ids::CONTRAST, 16)];
    let named = [
        ("hdr", "on"),
        ("exposure", "1s"),
        ("white-balance", "1.8,1.5"),
        ("contrast", "10"),
        ("brightness", "100"),
    ];
    let (report, written) = set(&mut fake, &named);
    assert!(written.contains(&(ids::BRIGHTNESS, 64)), "{written:?}");
    let problems = report.problems();
    let expected = [
        "exposure=1000ms: this camera takes auto, 100us to 500ms",
        "hdr=on: this camera has no control for it",
        "white-balance=1.8,1.5: this camera takes auto, daylight, cloudy, tungsten, fluorescent, 2800K to 6500K",
    ];
    assert_eq!(problems[..3], expected);
    assert!(
        problems[3].starts_with("contrast=10: the camera refuses it"),
        "{problems:?}"
    );
    assert_eq!(problems.len(), 4);
    // What cannot be had is what it is without.
    assert_eq!(now(&report, Key::Exposure), "auto");
}

#[test]
fn pictures_are_mirrored_by_the_device_or_else_here() {
    // As vivid has them: with numbers of its own.
    let own = |fake: &mut Fake| {
        fake.controls = vec![
            number(0x0098_f0d4, "Horizontal Flip", (0, 1, 0), 0),
            number(0x0098_f0d5, "Vertical Flip", (0, 1, 0), 0),
        ];
    };
    let both = [("rotation", "180"), ("hflip", "on")];
    let mut fake = usb();
    own(&mut fake);
    let (report, here) = apply(&mut fake, &wanted(&both), FRAME, true);
    assert_eq!(here, Flips::default());
    assert_eq!(fake.seen.lock().unwrap().controls, [(0x0098_f0d5, 1)]);
    assert_eq!(now(&report, Key::Rotation), "180");
    assert_eq!(now(&report, Key::Hflip), "on");
    let mut fake = usb();
    let (report, here) = apply(&mut fake, &wanted(&both), FRAME, true);
    let expected = Flips {
        horizontal: false,
        vertical: true,
    };
    assert_eq!((here, report.problems().len()), (expected, 0));
    // What comes coded cannot be.
    let (report, here) = apply(&mut fake, &wanted(&both), FRAME, false);
    assert_eq!((here, report.problems().len()), (Flips::default(), 2));
    assert_eq!(report.get(Key::Vflip).unwrap().takes, Takes::default());
}

#[test]
fn other_devices_have_other_controls_for_the_same() {
    let mut fake = Fake::new(b"YUYV", 640, 480, Vec::new());
    fake.controls = vec![
        number(ids::AUTOGAIN, "Gain, Automatic", (0, 1, 1), 1),
        number(ids::GAIN, "Gain", (0, 255, 100), 100),
        menu(
            ids::AUTO_N_PRESET_WHITE_BALANCE,
            "White Balance, Auto & Preset",
            &[(0, "Manual"), (1, "Auto"), (6, "Daylight")],
            1,
            1,
        ),
        menu(
            ids::AUTO_EXPOSURE_BIAS,
            "Auto Exposure, Bias",
            &[(0, "-1000"), (1, "-500"), (2, "0"), (3, "500"), (4, "1000")],
            2,
            2,
        ),
        menu(
            ids::EXPOSURE_METERING,
            "Exposure, Metering Mode",
            &[(0, "Average"), (1, "Center Weighted")],
            0,
            0,
        ),
        number(ids::WIDE_DYNAMIC_RANGE, "Wide Dynamic Range", (0, 1, 0), 0),
    ];
    let (report, written) = set(&mut fake, &[("gain", "100%"), ("compensation", "0.7")]);
    let expected = [
        (ids::AUTO_EXPOSURE_BIAS, 3),
        (ids::AUTOGAIN, 0),
        (ids::GAIN, 255),
        (ids::WIDE_DYNAMIC_RANGE, 1),
    ];
    assert_eq!(written, expected);
    assert_eq!(now(&report, Key::Compensation), "0.5");
    assert_eq!(report.problems(), Vec::<String>::new());
    let cabin = [("preset", "cabin"), ("white-balance", "daylight")];
    let (report, _) = set(&mut fake, &cabin);
    for (key, value) in [
        (Key::Gain, "auto"),
        (Key::WhiteBalance, "daylight"),
        (Key::Metering, "centre"),
        (Key::Hdr, "off"),
        (Key::Compensation, "0"),
    ] {
        assert_eq!(now(&report, key), value, "{key}");
    }
    let takes = &report.get(Key::WhiteBalance).unwrap().takes;
    assert_eq!(takes.to_string(), "auto, daylight");
    let all: Vec<String> = super::takes(&fake.controls)
        .iter()
        .map(|(key, takes)| format!("{key} {takes}"))
        .collect();
    let expected = [
        "compensation -1 to 1",
        "gain auto, 0% to 100%",
        "metering average, centre",
        "hdr off, on",
        "white-balance auto, daylight",
    ];
    assert_eq!(all, expected);
}

#[test]
fn what_reads_otherwise_than_it_was_set_is_said() {
    let mut fake = usb();
    // Read-only: nothing is written, and nothing promised.
    fake.controls[1].is_read_only = true;
    fake.stubborn = vec![ids::BRIGHTNESS];
    let (report, written) = set(&mut fake, &[("brightness", "50"), ("contrast", "3")]);
    assert!(written.contains(&(ids::BRIGHTNESS, 32)), "{written:?}");
    assert_eq!(
        report.problems(),
        [
            "brightness=50: Brightness was set to 32, and reads 10",
            "contrast=3: this camera has no control for it",
        ]
    );
}
