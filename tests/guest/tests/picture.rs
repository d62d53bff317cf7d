//! The settings of pictures by the kernel's real drivers: each is set, read back by `v4l2-ctl`, and seen in what ffmpeg
//! decodes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use picam_guest_tests::Guest;
use picam_guest_tests::numbered::Files;
use picam_testkit::steps::Steps;
use picam_testkit::{binary, ffmpeg, judges};

const SIZE: (usize, usize) = (320, 180);
/// Only what hangs reaches it.
const LONG: Duration = Duration::from_secs(240);
/// Pictures of the film, after which it begins anew.
const FILM: u32 = 300;
const FPS: u32 = 10;
const UVC: &str = "by-id/usb-picam_Software_Camera_PICAM7-video-index0";

#[test]
fn settings_reach_the_picture() {
    if !judges::have("ffmpeg", "ffmpeg") || !judges::have("v4l2-ctl", "v4l-utils") {
        return;
    }
    let Some(guest) = Guest::boot().unwrap() else {
        return;
    };
    guest
        .ok("test -d /run/udev || /usr/lib/systemd/systemd-udevd --daemon")
        .unwrap();
    let mut steps = Steps::default();
    steps.step("vivid", || vivid(&guest));
    steps.step("a USB camera", || usb(&guest));
    steps.end();
}

/// Starts a recorder of one camera with these lines, whose log is `/out/NAME.log`.
fn record(guest: &Guest, name: &str, source: &str, lines: &str) {
    let toml = format!("[[camera]]\nname = \"front\"\nsource = \"{source}\"\n{lines}\n");
    std::fs::write(guest.out().join(format!("{name}.toml")), toml).unwrap();
    guest
        .ok(&format!(
            "rm -rf /tmp/{name}; mkdir /tmp/{name}; \
             {} record --config /out/{name}.toml --control /tmp/{name}.sock --footage /tmp/{name} --segment 10s \
             --slots 60 --slot-size 1MiB >/out/{name}.log 2>&1 & echo $! >/tmp/{name}.pid",
            binary().display()
        ))
        .unwrap();
    let frames =
        format!("test $(cat /tmp/{name}/*_FN_* | head -c 2000000 | strings | grep -c moof) -ge 2");
    guest.until("pictures", &frames, LONG).unwrap();
}

/// What the recorder says of its camera, once these are set.
fn picture(guest: &Guest, name: &str, set: &str) -> serde_json::Value {
    let picam = binary().display();
    let told = guest
        .ok(&format!(
            "{picam} picture --json --recorder /tmp/{name}.sock front {set} >/out/{name}.json; sleep 2"
        ))
        .map(|_| std::fs::read_to_string(guest.out().join(format!("{name}.json"))).unwrap())
        .unwrap();
    serde_json::from_str(&told).unwrap()
}

fn setting<'a>(told: &'a serde_json::Value, key: &str) -> &'a serde_json::Value {
    let mut all = told["settings"].as_array().unwrap().iter();
    all.find(|setting| setting["key"] == key).unwrap()
}

/// What the driver says.
fn control(guest: &Guest, node: &str, name: &str) -> i64 {
    let said = guest.ok(&format!("v4l2-ctl -d {node} -C {name}")).unwrap();
    let (_, value) = said.trim().rsplit_once(' ').unwrap();
    value.parse().unwrap()
}

/// Ends the recorder; its segments in order, each of which holds what was recorded.
fn segments(guest: &Guest, name: &str) -> (Vec<PathBuf>, serde_json::Value) {
    guest
        .ok(&format!(
            "kill -INT $(cat /tmp/{name}.pid); \
             while readlink /proc/$(cat /tmp/{name}.pid)/exe >/dev/null; do sleep 0.1; done; \
             mkdir -p /out/{name}; cp /tmp/{name}/*_[A-Z]N_* /out/{name}/"
        ))
        .unwrap();
    let dir = guest.out().join(name);
    let check = Command::new(binary())
        .args(["check", "--json"])
        .arg(&dir)
        .output()
        .unwrap();
    let checked = serde_json::from_slice(&check.stdout).unwrap();
    let mut segments: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "mp4"))
        .collect();
    segments.sort_by_key(|path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        name[name.len() - 6..].to_owned()
    });
    (segments, checked)
}

fn log(guest: &Guest, name: &str) -> String {
    std::fs::read_to_string(guest.out().join(format!("{name}.log"))).unwrap()
}

fn decode(segment: &Path, plane: &str, mut each: impl FnMut(&[u8])) {
    let filter = format!("extractplanes={plane},scale={}x{}", SIZE.0, SIZE.1);
    let input = [
        "-i",
        segment.to_str().unwrap(),
        "-vf",
        &filter,
        "-enc_time_base",
        "-1",
    ];
    judges::grey_frames(&input, SIZE.0, SIZE.1, &mut each).unwrap();
}

/// What is seen of a picture.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    mean: f64,
    /// How far luma goes.
    spread: f64,
    /// How much brighter the left quarter is than the right one, and the upper than the lower.
    left: f64,
    upper: f64,
    /// How far blue difference goes.
    colour: f64,
}

fn spread(plane: &[u8]) -> f64 {
    let (least, most) = (plane.iter().min().unwrap(), plane.iter().max().unwrap());
    f64::from(*most) - f64::from(*least)
}

fn mean(pixels: impl Iterator<Item = u8>) -> f64 {
    let (sum, count) = pixels.fold((0u64, 0u64), |(sum, count), pixel| {
        (sum + u64::from(pixel), count + 1)
    });
    sum as f64 / count as f64
}

fn look(segments: &[PathBuf]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for segment in segments {
        let first = seen.len();
        decode(segment, "y", |luma| {
            let column = |from: usize| {
                let rows = luma.chunks_exact(SIZE.0);
                mean(rows.flat_map(move |row| row[from..from + SIZE.0 / 4].iter().copied()))
            };
            let quarter = luma.len() / 4;
            seen.push(Seen {
                mean: mean(luma.iter().copied()),
                spread: spread(luma),
                left: column(0) - column(SIZE.0 * 3 / 4),
                upper: mean(luma[..quarter].iter().copied())
                    - mean(luma[quarter * 3..].iter().copied()),
                colour: 0.0,
            });
        });
        let mut at = first;
        decode(segment, "u", |plane| {
            seen[at].colour = spread(plane);
            at += 1;
        });
        assert_eq!(at, seen.len());
    }
    seen
}

type Test = fn(&Seen, &Seen) -> bool;

fn vivid(guest: &Guest) {
    guest
        .ok("modprobe vivid n_devs=1 num_inputs=1 node_types=0x1; \
             v4l2-ctl -d /dev/video0 -c osd_text_mode=2,test_pattern=0,brightness=77")
        .unwrap();
    record(
        guest,
        "vivid",
        &format!("v4l2:/dev/video0?size=320x180&fps={FPS}&format=yuyv&bitrate=2M"),
        "contrast = 0\nfocus = \"auto\"",
    );
    let node = "/dev/video0";
    // The preset leaves nothing as somebody has left it.
    let told = picture(guest, "vivid", "");
    assert_eq!(control(guest, node, "brightness"), 128);
    assert_eq!(setting(&told, "brightness")["now"], "0", "{told:#}");
    // Bars from white to black, as they are; then each setting by itself, and what must be seen against that.
    let phases: [(&str, &str, i64, Test); 10] = [
        ("brightness=60", "brightness", 204, |now, was| {
            now.mean > was.mean + 20.0
        }),
        ("brightness=-60", "brightness", 51, |now, was| {
            now.mean < was.mean - 20.0
        }),
        ("brightness= contrast=-80", "contrast", 26, |now, was| {
            now.spread < was.spread * 0.5
        }),
        ("contrast= saturation=-100", "saturation", 0, |now, was| {
            now.colour < was.colour * 0.2 && now.spread > was.spread * 0.9
        }),
        ("saturation= hflip=on", "horizontal_flip", 1, |now, was| {
            now.left < -was.left * 0.8 && now.colour > was.colour * 0.9
        }),
        ("rotation=180", "horizontal_flip", 0, |now, was| {
            now.left > was.left * 0.8
        }),
        // Turned and mirrored is mirrored upside down: the driver does it, and the bars lie now.
        ("rotation=180", "vertical_flip", 1, |now, was| {
            now.upper < -was.left * 0.2 && now.left.abs() < 5.0
        }),
        ("rotation= hflip=", "vertical_flip", 0, |now, was| {
            now.upper > was.left * 0.2 && now.left.abs() < 5.0
        }),
        ("gain=100%", "gain", 255, |now, _| now.upper > 0.0),
        ("gain=auto", "gain_automatic", 1, |now, _| now.upper > 0.0),
    ];
    for (n, (set, name, value, _)) in phases.iter().enumerate() {
        if n == 6 {
            guest
                .ok("v4l2-ctl -d /dev/video0 -c test_pattern=3; sleep 1")
                .unwrap();
        }
        let told = picture(guest, "vivid", set);
        assert_eq!(control(guest, node, name), *value, "{set}: {told:#}");
        println!("{set}: {name} {value}");
    }
    let status = guest.run(&format!(
        "{} picture --recorder /tmp/vivid.sock front exposure=8ms; {} picture --recorder /tmp/vivid.sock",
        binary().display(),
        binary().display()
    ));
    let status = status.unwrap().text;
    assert!(status.contains("this camera has no exposure"), "{status}");
    assert!(status.contains("Brightness: 128 (0 to 255)"), "{status}");
    println!("{status}");
    let (files, checked) = segments(guest, "vivid");
    let seen = look(&files);
    let was = seen[2];
    println!("as it is: {was:?}");
    let mut rest = seen.iter();
    for (set, _, _, test) in phases {
        let found = rest.by_ref().find(|now| test(now, &was));
        let last = seen.last();
        println!("{set}: {found:?}");
        assert!(
            found.is_some(),
            "{set} is not seen against {was:?}; at last {last:?}"
        );
    }
    // It was never opened anew, and nothing was lost.
    let said = log(guest, "vivid");
    assert_eq!(said.matches("INFO v4l2").count(), 1, "{said}");
    assert_eq!(said.matches("WARN").count(), 1, "{said}");
    assert!(
        said.contains("picture: focus=auto: this camera has no control for it"),
        "{said}"
    );
    let counters = &checked["counters"];
    for lost in ["dropped_encoder", "dropped_queue", "stream_damage"] {
        assert_eq!(counters[lost], 0, "{counters:#}");
    }
    println!("{} pictures, none lost", seen.len());
    guest.ok("rmmod vivid").unwrap();
}

fn plug_in(guest: &Guest, log: &str) {
    guest
        .ok(&format!(
            "{} --size {}x{} --fps {FPS} --mjpeg /out/numbered.mjpeg --bright /out/bright.mjpeg \
             --h264 /out/numbered.h264 --serial PICAM7 >/out/{log} 2>&1 & echo $! >/tmp/camera.pid",
            env!("CARGO_BIN_EXE_uvc-camera"),
            SIZE.0,
            SIZE.1
        ))
        .unwrap();
    guest
        .until("the camera", &format!("test -e /dev/v4l/{UVC}"), LONG)
        .unwrap();
}

fn unplug(guest: &Guest) {
    guest.ok("kill -9 $(cat /tmp/camera.pid)").unwrap();
    guest
        .until("it to go", &format!("! test -e /dev/v4l/{UVC}"), LONG)
        .unwrap();
}

fn usb(guest: &Guest) {
    let files = Files::make(guest.out(), FILM, SIZE, FPS);
    let numbered = files.mjpeg.to_str().unwrap();
    let brighter = format!("-i {numbered} -vf lutyuv=y=val+50 -q:v 5 -f mjpeg");
    ffmpeg::run(&brighter, &guest.out().join("bright.mjpeg"));
    guest.ok("modprobe vhci_hcd; modprobe uvcvideo").unwrap();
    plug_in(guest, "first.camera");
    record(
        guest,
        "usb",
        &format!("v4l2:{UVC}?format=mjpeg"),
        "brightness = 80",
    );
    let node = format!("/dev/v4l/{UVC}");
    assert_eq!(control(guest, &node, "brightness"), 230);
    let camera = |name: &str| std::fs::read_to_string(guest.out().join(name)).unwrap();
    assert!(camera("first.camera").contains("brightness 230"));
    for (set, value) in [
        ("brightness=-50", 64),
        ("hflip=on", 64),
        ("brightness=", 230),
    ] {
        let told = picture(guest, "usb", set);
        assert_eq!(control(guest, &node, "brightness"), value, "{told:#}");
    }
    // Pulled out and plugged in, it has forgotten everything, and is set once more, changes since the start included.
    unplug(guest);
    plug_in(guest, "second.camera");
    let until = "grep -q 'delivered 20$' /out/second.camera";
    guest.until("pictures", until, LONG).unwrap();
    assert!(camera("second.camera").contains("brightness 230"));
    // What sends coded pictures cannot be mirrored.
    let (files, _) = segments(guest, "usb");
    record(
        guest,
        "coded",
        &format!("v4l2:{UVC}?format=h264"),
        "hflip = true",
    );
    guest.ok("kill -INT $(cat /tmp/coded.pid)").unwrap();
    let said = log(guest, "coded");
    assert!(said.contains("codes its pictures itself"), "{said}");
    unplug(guest);

    // By its number each picture is there, whichever way round.
    let mut pictures = Vec::new();
    for segment in &files {
        decode(segment, "y", |luma| {
            let mirrored: Vec<u8> = luma
                .chunks_exact(SIZE.0)
                .flat_map(|row| row.iter().rev().copied())
                .collect();
            let (plain, turned) = (
                judges::barcode(luma, SIZE.0),
                judges::barcode(&mirrored, SIZE.0),
            );
            let is_turned = plain >= FILM;
            let number = if is_turned { turned } else { plain };
            assert!(number < FILM, "{plain:x} {turned:x}");
            // Below the number, where it is neither black nor white.
            let is_bright = mean(luma[SIZE.0 * 60..].iter().copied()) > 137.0;
            pictures.push((number, is_turned, is_bright));
        });
    }
    let mut ways: Vec<(bool, bool)> = pictures
        .iter()
        .map(|&(_, turned, bright)| (turned, bright))
        .collect();
    ways.dedup();
    let expected = [(false, true), (false, false), (true, false), (true, true)];
    assert_eq!(ways, expected, "turned, bright");
    let gaps = pictures
        .windows(2)
        .filter(|pair| pair[1].0 != (pair[0].0 + 1) % FILM)
        .count();
    // Where it was pulled out.
    assert!(gaps <= 1, "{gaps} gaps in {pictures:?}");
    println!("{} pictures, each in its place", pictures.len());
}
