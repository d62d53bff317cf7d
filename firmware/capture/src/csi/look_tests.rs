//! Against what libcamera says of a Raspberry Pi's cameras, by its sources; and of one that has next to nothing.

use super::*;

const FRAME: Option<u32> = Some(33_333);

fn range(control: u32, least: i32, most: i32, usual: i32) -> ControlRange {
    ControlRange {
        control,
        least,
        most,
        usual,
    }
}

/// A Camera Module 3.
fn imx708() -> Look {
    Look::of(vec![
        range(BRIGHTNESS, -1000, 1000, 0),
        range(CONTRAST, 0, 32_000, 1000),
        range(SATURATION, 0, 32_000, 1000),
        range(SHARPNESS, 0, 16_000, 1000),
        range(AE_ENABLE, 0, 1, 1),
        range(EXPOSURE_MODE, 0, 0b11, 0),
        range(EXPOSURE, 1, 66_666, 20_000),
        range(GAIN_MODE, 0, 0b11, 0),
        range(GAIN, 1000, 16_000, 1000),
        range(EXPOSURE_VALUE, -8000, 8000, 0),
        range(METERING, 0, 0b1111, 0),
        range(HDR, 0, 0b11111, 0),
        range(FLICKER_MODE, 0, 0b11, 0),
        range(FLICKER_PERIOD, 100, 1_000_000, 0),
        range(AWB_ENABLE, 0, 1, 1),
        range(AWB_MODE, 0, 0b1111_1111, 0),
        range(RED_GAIN, 0, 32_000, 0),
        range(BLUE_GAIN, 0, 32_000, 0),
        range(TEMPERATURE, 100, 100_000, 0),
        range(AF_MODE, 0, 0b111, 0),
        range(LENS, 0, 32_000, 1000),
        range(LONGEST_FRAME, 8_333, 120_000_000, 33_333),
    ])
}

fn set(look: &mut Look, named: &[(&str, &str)]) -> (Vec<(u32, i32)>, Vec<String>) {
    let mut wanted = Picture::default();
    for (key, value) in named {
        wanted.set_text(key, value).unwrap();
    }
    let flips = wanted.flips();
    let writes = look.set(&wanted, FRAME, flips);
    (writes, look.report().problems())
}

fn now(look: &Look, key: Key) -> String {
    let now = look.report().get(key).unwrap().now;
    now.map_or_else(|| "-".into(), |now| now.to_string())
}

#[test]
fn a_road_is_seen_far_away_sharp_and_with_hdr() {
    let mut look = imx708();
    let (writes, problems) = set(&mut look, &[]);
    assert_eq!(problems, Vec::<String>::new());
    for write in [
        (EXPOSURE_MODE, AUTO),
        (GAIN_MODE, AUTO),
        (LONGEST_FRAME, 33_333),
        (HDR, 3),
        (AF_MODE, AF_MANUAL),
        (LENS, 0),
        (CONTRAST, 1000),
    ] {
        assert!(writes.contains(&write), "{write:?} of {writes:?}");
    }
    let (writes, _) = set(&mut look, &[("preset", "night")]);
    for write in [(LONGEST_FRAME, 66_000), (EXPOSURE_VALUE, 500), (HDR, 0)] {
        assert!(writes.contains(&write), "{write:?} of {writes:?}");
    }
    let (writes, _) = set(&mut look, &[("preset", "cabin")]);
    for write in [(AF_MODE, AF_CONTINUOUS), (METERING, 0)] {
        assert!(writes.contains(&write), "{write:?} of {writes:?}");
    }
    assert!(!writes.iter().any(|(control, _)| *control == LENS));
}

#[test]
fn what_is_named_is_set_in_libcameras_numbers() {
    let mut look = imx708();
    for (key, value, expected) in [
        ("brightness", "50", &[(BRIGHTNESS, 500)][..]),
        ("contrast", "-100", &[(CONTRAST, 0)]),
        // Not 32 times.
        ("saturation", "100", &[(SATURATION, 2000)]),
        ("exposure", "8ms", &[(EXPOSURE_MODE, 1), (EXPOSURE, 8000)]),
        ("gain", "2.5x", &[(GAIN_MODE, 1), (GAIN, 2500)]),
        ("gain", "100%", &[(GAIN_MODE, 1), (GAIN, 16_000)]),
        ("compensation", "-0.5", &[(EXPOSURE_VALUE, -500)]),
        ("metering", "matrix", &[(METERING, 2)]),
        (
            "anti-flicker",
            "50",
            &[(FLICKER_MODE, 1), (FLICKER_PERIOD, 10_000)],
        ),
        (
            "anti-flicker",
            "60",
            &[(FLICKER_MODE, 1), (FLICKER_PERIOD, 8333)],
        ),
        (
            "white-balance",
            "daylight",
            &[(AWB_ENABLE, 1), (AWB_MODE, 5)],
        ),
        (
            "white-balance",
            "5200K",
            &[(AWB_ENABLE, 0), (TEMPERATURE, 5200)],
        ),
        (
            "white-balance",
            "1.8,1.5",
            &[(AWB_ENABLE, 0), (RED_GAIN, 1800), (BLUE_GAIN, 1500)],
        ),
        ("focus", "2m", &[(AF_MODE, 0), (LENS, 500)]),
        ("focus", "25%", &[(AF_MODE, 0), (LENS, 8000)]),
        ("longest-shutter", "100ms", &[(LONGEST_FRAME, 100_000)]),
    ] {
        let (writes, problems) = set(&mut look, &[(key, value)]);
        assert_eq!(problems, Vec::<String>::new(), "{key}={value}");
        for write in expected {
            assert!(
                writes.contains(write),
                "{key}={value}: {write:?} of {writes:?}"
            );
        }
        assert_eq!(now(&look, Key::parse(key).unwrap()), value);
        assert!(writes.len() <= 24, "{}", writes.len());
    }
    for (key, value, said) in [
        ("exposure", "1s", "auto, 1us to 66.666ms"),
        ("metering", "average", "centre, spot, matrix"),
        ("longest-shutter", "8ms", "33.333ms to 120000ms"),
        ("white-balance", "shade", "daylight"),
        ("focus", "1cm", "3.1cm to 100m"),
    ] {
        let (_, problems) = set(&mut look, &[(key, value)]);
        let problems = problems.concat();
        assert!(problems.contains(said), "{key}={value}: {problems}");
    }
}

#[test]
fn an_older_libcamera_is_told_in_its_own_way() {
    let mut look = Look::of(vec![
        range(AE_ENABLE, 0, 1, 1),
        range(EXPOSURE, 0, 66_666, 0),
        range(GAIN, 1000, 16_000, 1000),
    ]);
    let (writes, _) = set(&mut look, &[]);
    assert_eq!(writes, [(AE_ENABLE, 1), (EXPOSURE, 0), (GAIN, 0)]);
    let (writes, _) = set(&mut look, &[("exposure", "8ms")]);
    assert_eq!(writes, [(EXPOSURE, 8000), (GAIN, 0)]);
}

#[test]
fn what_it_does_not_have_is_said_and_mirroring_is_done_here() {
    let mut look = Look::of(Vec::new());
    let named = [("hdr", "on"), ("rotation", "180"), ("focus", "auto")];
    let (writes, problems) = set(&mut look, &named);
    assert_eq!(writes, []);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(now(&look, Key::Rotation), "180");
    // Whatever it says of its ranges.
    let odd = |control| range(control, i32::MAX, i32::MIN, -1);
    let mut look = Look::of((1..=24).map(odd).collect());
    set(
        &mut look,
        &[("contrast", "100"), ("gain", "50%"), ("focus", "50%")],
    );
}
