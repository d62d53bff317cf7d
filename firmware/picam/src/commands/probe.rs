//! `picam probe`: which cameras and encoders are there, with the lines for picam.toml.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use picam_capture::m2m::{self, H264, encoders};
use picam_capture::{Control, Found, LOOKED_FOR, Offer, PixelFormat, probe};
use serde::Serialize;

use super::failure::Failure;
use super::inspect::write_json;

/// A driver that hangs is not waited for any longer.
const LIMIT: Duration = Duration::from_secs(10);
/// Nor is libcamera.
const LIBCAMERA_LIMIT: Duration = Duration::from_secs(8);

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Report {
    cameras: Vec<Camera>,
    encoders: Vec<Encoder>,
    /// What was looked for, in words.
    looked_for: String,
}

/// A camera, and how to record it.
#[derive(Debug, Serialize)]
struct Camera {
    /// `v4l2` or `csi`.
    kind: &'static str,
    /// What stands behind `v4l2:` or `csi:`; lasts, if udev names cameras.
    id: String,
    /// The line for picam.toml.
    toml: String,
    name: String,
    driver: String,
    bus: String,
    node: String,
    /// Why it cannot be recorded, and what to do about it.
    problem: Option<String>,
    modes: Vec<Mode>,
    controls: Vec<Setting>,
    /// What can be set of that by picam.toml and `picam picture`.
    picture: Vec<PictureKey>,
}

/// A key of picam.toml that this camera has, and what it takes.
#[derive(Debug, Serialize)]
struct PictureKey {
    key: &'static str,
    takes: String,
}

/// A format and size, at its best rate.
#[derive(Debug, Serialize)]
struct Mode {
    format: String,
    width: u32,
    height: u32,
    /// Pictures a second, all there are.
    rates: Vec<f64>,
    /// The line that chooses it; `None` if picam cannot record it.
    toml: Option<String>,
    /// How much of the sensor's width is seen, 0 to 1; `None` where the driver does not tell, as of all USB cameras.
    field_of_view: Option<f64>,
}

/// Something that can be set.
#[derive(Debug, Serialize)]
struct Setting {
    name: String,
    value: Option<i32>,
    default: i64,
    least: i64,
    most: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    menu: Vec<String>,
}

/// Something that codes what a camera does not.
#[derive(Debug, Serialize)]
struct Encoder {
    kind: &'static str,
    id: String,
    what: String,
}

/// Prints it; fails if there is no camera that can be recorded.
pub(crate) fn run(json: bool) -> Result<(), Failure> {
    let (done, result) = sync_channel(1);
    let thread = std::thread::Builder::new().name("probe".to_owned());
    thread
        .spawn(move || drop(done.send((probe(Path::new("/"), LIBCAMERA_LIMIT), encoders(H264)))))
        .map_err(|error| Failure::new(format!("a thread cannot be started: {error}")))?;
    let (found, encoders) = result.recv_timeout(LIMIT).map_err(|_| {
        Failure::new(format!(
            "a camera's driver does not answer within {} s: unplug it and plug it in again",
            LIMIT.as_secs()
        ))
    })?;
    let report = report(found, encoders);
    let mut out = io::stdout().lock();
    match json {
        true => write_json(&mut out, &report)?,
        false => show(&mut out, &report)?,
    }
    out.flush()?;
    match report.cameras.iter().any(|camera| camera.problem.is_none()) {
        true => Ok(()),
        false => Err(Failure::silent()),
    }
}

fn report(found: Vec<Found>, encoders: Vec<m2m::Found>) -> Report {
    let hardware = encoders.into_iter().map(|found| Encoder {
        kind: "hardware",
        what: format!(
            "H.264 by {} ({}), taken where it can take the pictures",
            found.facts.card, found.facts.driver
        ),
        id: found.path.display().to_string(),
    });
    let software = Encoder {
        kind: "software",
        id: "openh264".to_owned(),
        what: "H.264 by OpenH264, for cameras that do not encode".to_owned(),
    };
    Report {
        cameras: found.into_iter().map(camera).collect(),
        encoders: hardware.chain([software]).collect(),
        looked_for: LOOKED_FOR.to_owned(),
    }
}

fn camera(found: Found) -> Camera {
    let picture = found.picture().into_iter().map(|(key, takes)| PictureKey {
        key: key.name(),
        takes: takes.to_string(),
    });
    let picture = picture.collect();
    let problem = found.problem.or_else(|| {
        let usable = |offer: &Offer| PixelFormat::of(offer.fourcc).is_some();
        (!found.offers.iter().any(usable))
            .then(|| "it has no format that picam can record".to_owned())
    });
    let (kind, id) = match found.id.strip_prefix("csi:") {
        Some(camera) => ("csi", camera.to_owned()),
        None => ("v4l2", found.id),
    };
    let source = format!("{kind}:{id}");
    Camera {
        kind,
        toml: format!("source = \"{source}\""),
        modes: found
            .offers
            .iter()
            .map(|offer| mode(&source, kind == "v4l2", offer))
            .collect(),
        id,
        name: found.identity.card,
        driver: found.identity.driver,
        bus: found.identity.bus,
        node: found.node.display().to_string(),
        problem,
        controls: found.controls.into_iter().map(setting).collect(),
        picture,
    }
}

/// What `source` delivers; `has_format` if that can be asked for.
fn mode(source: &str, has_format: bool, offer: &Offer) -> Mode {
    let format = PixelFormat::of(offer.fourcc);
    let mut rates: Vec<f64> = offer.rates.iter().map(|rate| rate.hz()).collect();
    rates.sort_by(|a, b| b.total_cmp(a));
    // picam.toml takes even sides, and whole rates.
    let is_even = offer.width.is_multiple_of(2) && offer.height.is_multiple_of(2);
    let toml = format.filter(|_| is_even).map(|format| {
        let best = rates.iter().find(|rate| **rate <= 30.5).or(rates.first());
        let fps = best.map_or(String::new(), |rate| {
            format!("&fps={}", rate.round().max(1.0))
        });
        let (width, height) = (offer.width, offer.height);
        let format = match has_format {
            true => format!("&format={}", format.name()),
            false => String::new(),
        };
        format!("source = \"{source}?size={width}x{height}{fps}{format}\"")
    });
    Mode {
        format: offer.fourcc.to_string(),
        width: offer.width,
        height: offer.height,
        rates,
        toml,
        field_of_view: offer.field_of_view,
    }
}

fn setting(control: Control) -> Setting {
    Setting {
        name: control.name,
        value: control.value,
        default: control.default,
        least: control.least,
        most: control.most,
        menu: control.menu.iter().map(ToString::to_string).collect(),
    }
}

fn show(out: &mut impl Write, report: &Report) -> io::Result<()> {
    if report.cameras.is_empty() {
        writeln!(
            out,
            "No camera is there. Looked for: {}.",
            report.looked_for
        )?;
        writeln!(out, "A simulated one: source = \"sim:\"")?;
    }
    for camera in &report.cameras {
        match camera.kind {
            "csi" => writeln!(out, "{} ({})", camera.name, camera.bus)?,
            _ => writeln!(out, "{} ({}, {})", camera.name, camera.node, camera.bus)?,
        }
        if let Some(problem) = &camera.problem {
            writeln!(out, "  it cannot be recorded: {problem}")?;
        }
        writeln!(out, "  {}", camera.toml)?;
        for mode in &camera.modes {
            let rates: Vec<String> = mode.rates.iter().map(|rate| rounded(*rate)).collect();
            let at = if rates.is_empty() { "" } else { " at " };
            let (width, height) = (mode.width, mode.height);
            let size = format!("{width}x{height}");
            let seen = mode.field_of_view.map(|share| {
                let percent = (share * 100.0).round();
                format!(", {percent} % of the sensor's width")
            });
            let what = format!(
                "{} {size:<9}{at}{}{}",
                mode.format,
                rates.join(", "),
                seen.unwrap_or_default()
            );
            match &mode.toml {
                Some(line) => writeln!(out, "    {what}\n      {line}")?,
                None => writeln!(out, "    {what}: picam cannot record it")?,
            }
        }
        for control in &camera.controls {
            let value = control
                .value
                .map_or("?".to_owned(), |value| value.to_string());
            let (least, most) = (control.least, control.most);
            writeln!(out, "    {}: {value} ({least} to {most})", control.name)?;
        }
        for PictureKey { key, takes } in &camera.picture {
            writeln!(out, "    {key} = {takes}")?;
        }
        writeln!(out)?;
    }
    writeln!(out, "Encoders")?;
    for encoder in &report.encoders {
        writeln!(out, "  {}: {}", encoder.id, encoder.what)?;
    }
    Ok(())
}

/// `30`, `7.5`.
fn rounded(rate: f64) -> String {
    let text = format!("{rate:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use picam_capture::{CameraSpec, FourCc, Identity};

    use super::*;

    fn found(offers: Vec<Offer>) -> Found {
        Found {
            id: "by-id/usb-A_B-video-index0".to_owned(),
            node: "/dev/video0".into(),
            identity: Identity {
                card: "A B".to_owned(),
                ..Identity::default()
            },
            offers,
            controls: vec![Control {
                id: 0x0098_0900,
                name: "Brightness".to_owned(),
                value: Some(7),
                most: 255,
                ..Control::default()
            }],
            is_new: false,
            problem: None,
        }
    }

    fn offer(code: &[u8; 4], width: u32, rates: &[(u32, u32)]) -> Offer {
        let rates = rates
            .iter()
            .map(|&(n, d)| picam_capture::FrameRate::new(n, d));
        Offer {
            fourcc: FourCc(*code),
            width,
            height: 720,
            rates: rates.map(Option::unwrap).collect(),
            field_of_view: None,
        }
    }

    #[test]
    fn every_line_is_one_that_picam_takes() {
        let report = report(
            vec![found(vec![
                offer(b"MJPG", 1280, &[(60, 1), (30_000, 1001), (15, 2)]),
                offer(b"YUYV", 1280, &[(15, 2)]),
                offer(b"H264", 1280, &[]),
                offer(b"GREY", 1280, &[(30, 1)]),
                offer(b"YUYV", 1281, &[(30, 1)]),
            ])],
            vec![m2m::Found {
                path: "/dev/video11".into(),
                facts: m2m::Facts {
                    card: m2m::PI_CARD.to_owned(),
                    ..m2m::Facts::default()
                },
            }],
        );
        let [camera] = &report.cameras[..] else {
            panic!()
        };
        assert_eq!(camera.problem, None);
        let keys: Vec<_> = camera.picture.iter().map(|p| (p.key, &*p.takes)).collect();
        assert_eq!(keys, [("brightness", "0 to 100")]);
        let modes: Vec<Option<&str>> = camera.modes.iter().map(|m| m.toml.as_deref()).collect();
        let id = "by-id/usb-A_B-video-index0";
        let line = |rest: &str| format!("source = \"v4l2:{id}?size=1280x720{rest}\"");
        assert_eq!(modes[0], Some(&*line("&fps=30&format=mjpeg")));
        assert_eq!(modes[1], Some(&*line("&fps=8&format=yuyv")));
        assert_eq!(modes[2], Some(&*line("&format=h264")));
        assert_eq!(modes[3..], [None, None]);
        for line in modes.into_iter().flatten().chain([&*camera.toml]) {
            let source = line
                .strip_prefix("source = \"")
                .unwrap()
                .trim_end_matches('"');
            CameraSpec::parse(&format!("a={source}")).unwrap();
        }
        let mut text = Vec::new();
        show(&mut text, &report).unwrap();
        let text = String::from_utf8(text).unwrap();
        for part in [
            "A B (/dev/video0",
            "at 60, 29.97, 7.5",
            "Brightness: 7 (0 to 255)",
            "openh264",
            "/dev/video11: H.264 by bcm2835-codec-encode",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn nothing_to_record_is_said() {
        let mut text = Vec::new();
        show(&mut text, &report(Vec::new(), Vec::new())).unwrap();
        assert!(String::from_utf8(text).unwrap().contains("/dev/video*"));
        let infrared = report(vec![found(vec![offer(b"GREY", 640, &[])])], Vec::new());
        assert!(
            infrared.cameras[0]
                .problem
                .as_ref()
                .unwrap()
                .contains("no format")
        );
    }
}
