//! What is drawn where.

use picam_testkit::judges;

use super::*;
use crate::rtsp::asked;

struct Says(&'static [&'static str]);

impl Caption for Says {
    fn write(&mut self, _: BootNs, parts: &mut Parts) {
        for part in self.0 {
            parts.push(|text| text.push_str(part));
        }
    }
}

fn drawn(parts: &'static [&'static str], style: OverlayStyle, background: u8) -> Yuv420 {
    let mut picture = Yuv420::new(640, 360);
    picture.y.fill(background);
    Overlay::new(Box::new(Says(parts)), style).draw(&mut picture, Colour::Bt709, BootNs::ZERO);
    picture
}

fn folded(parts: &[&str], columns: usize) -> Vec<String> {
    let mut all = Parts::default();
    for part in parts {
        all.push(|text| text.push_str(part));
    }
    let mut lines = vec!["from before".to_owned()];
    let used = fold(&all, columns, &mut lines);
    lines.truncate(used);
    lines
}

#[test]
fn parts_stay_together_and_lines_are_no_wider_than_the_picture() {
    assert_eq!(folded(&["one", "two", "three"], 20), ["one  two  three"]);
    assert_eq!(folded(&["one", "two", "three"], 9), ["one  two", "three"]);
    assert_eq!(folded(&["", "one", ""], 9), ["one"]);
    assert_eq!(folded(&["something long", "b"], 4), ["some", "b"]);
    assert_eq!(folded(&[], 9), Vec::<String>::new());
    let many = ["aaa"; 10];
    assert_eq!(folded(&many, 4).len(), MOST_LINES);
}

#[test]
fn text_can_be_told_from_white_and_from_black_with_and_without_a_box() {
    for (background, name) in [
        (Background::Box(Rgb::BLACK), "box"),
        (Background::None, "outline"),
    ] {
        for behind in [16, 128, 235] {
            let style = OverlayStyle {
                background,
                size: 8,
                ..OverlayStyle::default()
            };
            let picture = drawn(&["HHHHHHHH"], style, behind);
            let rows = picture.y.chunks_exact(640).skip(360 - 48);
            let written: Vec<u8> = rows.flatten().copied().collect();
            let light = written.iter().filter(|&&luma| luma > 200).count();
            let dark = written.iter().filter(|&&luma| luma < 60).count();
            assert!(
                light > 100 && dark > 100,
                "{name} on {behind}: {light}, {dark}"
            );
        }
    }
}

#[test]
fn the_rest_of_the_picture_is_as_it_was() {
    for place in [Place::Top, Place::Bottom] {
        let style = OverlayStyle {
            place,
            ..OverlayStyle::default()
        };
        let picture = drawn(&["10:00:00", "50 km/h"], style, 100);
        let changed = |row: usize| {
            picture.y[row * 640..][..640]
                .iter()
                .any(|&luma| luma != 100)
        };
        let rows: Vec<usize> = (0..360).filter(|&row| changed(row)).collect();
        assert!(!rows.is_empty() && rows.len() <= 16, "{rows:?}");
        let is_top = rows[0] < 180;
        assert_eq!(is_top, place == Place::Top);
        let right = picture
            .y
            .chunks_exact(640)
            .all(|row| row[400..].iter().all(|&y| y == 100));
        assert!(right);
        assert!(
            picture
                .u
                .iter()
                .chain(&picture.v)
                .all(|&chroma| chroma == 128)
        );
    }
    assert!(
        drawn(&[], OverlayStyle::default(), 100)
            .y
            .iter()
            .all(|&luma| luma == 100)
    );
}

#[test]
fn pictures_of_any_size_are_written_into() {
    for (width, height) in [
        (2, 2),
        (16, 16),
        (64, 48),
        (160, 120),
        (1920, 1080),
        (3840, 16),
    ] {
        let mut picture = Yuv420::new(width, height);
        let says = Box::new(Says(&["2026-11-20 11:08:00 UTC", "50 km/h"]));
        let style = OverlayStyle {
            size: 20,
            ..OverlayStyle::default()
        };
        let mut overlay = Overlay::new(says, style);
        for colour in [Colour::Bt709, Colour::Bt601Full] {
            overlay.draw(&mut picture, colour, BootNs::ZERO);
        }
    }
}

struct Clock;

impl Caption for Clock {
    fn write(&mut self, captured: BootNs, parts: &mut Parts) {
        let utc = UtcUs(1_795_172_880_000_000).after_boot(captured);
        parts.push(|text| write_time(text, captured, Some(utc)));
        parts.push(|text| text.push_str("B-XY 123"));
    }
}

#[test]
fn a_picture_takes_no_memory() {
    let mut picture = Yuv420::new(640, 360);
    let mut overlay = Overlay::new(Box::new(Clock), OverlayStyle::default());
    let mut draw = |second| overlay.draw(&mut picture, Colour::Bt709, BootNs::from_secs(second));
    draw(0);
    let before = asked();
    (1..100).for_each(draw);
    assert_eq!(asked() - before, 0);
}

/// What tesseract reads in the lower part of a picture; `None` if it is not installed.
fn read_back(picture: &Yuv420) -> Option<String> {
    if !judges::have("tesseract", "tesseract-ocr") {
        return None;
    }
    let (wide, high) = (picture.width(), picture.height() / 8);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("line.pgm");
    let mut pgm = format!("P5 {wide} {high} 255\n").into_bytes();
    pgm.extend(&picture.y[picture.y.len() - wide * high..]);
    std::fs::write(&file, pgm).unwrap();
    let read = std::process::Command::new("tesseract")
        .arg(&file)
        .args(["-", "--psm", "6", "-c", "tessedit_char_blacklist=|"])
        .output()
        .unwrap();
    Some(String::from_utf8(read.stdout).unwrap())
}

#[test]
fn another_program_reads_what_was_written_on_white_and_on_black() {
    let mut unread = Vec::new();
    for background in [Background::Box(Rgb::BLACK), Background::None] {
        // White letters in an outline, on white: that is for eyes. It takes the outline for the letters.
        let most = if background == Background::None {
            90
        } else {
            235
        };
        for behind in [16, 90, 235].into_iter().filter(|&luma| luma <= most) {
            let style = OverlayStyle {
                background,
                ..OverlayStyle::default()
            };
            let mut picture = Yuv420::new(1920, 1080);
            picture.y.fill(behind);
            let says = Box::new(Says(&["2026-11-20 11:08:00 UTC", "47 km/h", "B-XY 123"]));
            Overlay::new(says, style).draw(&mut picture, Colour::Bt709, BootNs::ZERO);
            let Some(read) = read_back(&picture) else {
                return;
            };
            // The font's zero has a dot, which is read as an @.
            let read = read.replace('@', "0");
            for part in ["2026-11-20", "11:08:00", "47 km/h", "B-XY 123"] {
                if !read.contains(part) {
                    unread.push(format!("{part}, {background:?} on {behind}: {read}"));
                }
            }
        }
    }
    assert!(unread.is_empty(), "{unread:#?}");
}

/// `scripts/bench overlay`
#[test]
#[ignore = "a measurement: scripts/bench overlay"]
fn measure() {
    let mut picture = Yuv420::new(1920, 1080);
    let says = Box::new(Says(&[
        "2026-11-20 11:08:00 UTC",
        "50 km/h",
        "50.32892 N  6.95593 E",
        "B-XY 123",
    ]));
    for background in [Background::Box(Rgb::BLACK), Background::None] {
        let style = OverlayStyle {
            background,
            ..OverlayStyle::default()
        };
        let mut overlay = Overlay::new(Box::new(Says(says.0)), style);
        overlay.draw(&mut picture, Colour::Bt709, BootNs::ZERO);
        let (begun, pictures) = (std::time::Instant::now(), 600);
        for _ in 0..pictures {
            overlay.draw(&mut picture, Colour::Bt709, BootNs::ZERO);
        }
        let each = begun.elapsed() / pictures;
        let share = each.as_secs_f64() * 30.0 * 100.0;
        println!("{background:?}: {each:?} a picture, {share:.2} % of a core at 30 a second");
    }
}
