//! picam's cameras against the kernel's real drivers: raw pictures, dropped and damaged ones, and cameras that are
//! pulled out and plugged in again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use picam_guest_tests::Guest;
use picam_guest_tests::numbered::Files;
use picam_testkit::steps::Steps;
use picam_testkit::{binary, judges};

const SIZE: (usize, usize) = (320, 180);
/// Pictures of the film, after which it begins anew.
const FILM: u32 = 300;
const FPS: u32 = 15;
/// Only what hangs reaches it.
const LONG: Duration = Duration::from_secs(300);
/// Guests that may fail, one after the other, for what is not picam's.
const BOOTS: usize = 4;
/// Pictures that a driver may have in hand when its camera is pulled out, and that nobody can ask for any more.
const IN_HAND: usize = 16;
const UVC: &str = "by-id/usb-picam_Software_Camera_PICAM7-video-index0";

/// How often a camera is pulled out.
fn pulls() -> usize {
    match std::env::var_os("PICAM_GUEST_LONG") {
        Some(_) => 20,
        None => 3,
    }
}

#[test]
fn cameras_of_the_kernel_are_recorded() {
    if !judges::have("ffmpeg", "ffmpeg") || !judges::have("v4l2-ctl", "v4l-utils") {
        return;
    }
    let Some(guest) = Guest::boot().unwrap() else {
        return;
    };
    // Names of cameras that last, as on a device.
    guest
        .ok("test -d /run/udev || /usr/lib/systemd/systemd-udevd --daemon")
        .unwrap();
    let mut steps = Steps::default();
    steps.step("where no camera is, that is said and waited for", || {
        no_camera(&guest)
    });
    steps.step("vivid's raw formats", || raw_formats(&guest));
    steps.step("vivid's dropped, damaged and fatal ones", || {
        vivid_faults(&guest)
    });
    steps.step("vivid is unbound and bound again", || unbound(&guest));
    load_usb(&guest);
    let mut guest = Some(guest);
    steps.step("a USB camera is found, named, probed", || {
        with_usb(&mut guest, found);
    });
    for format in ["mjpeg", "h264"] {
        steps.step(
            &format!("{format} is pulled out in mid-stream, again and again"),
            || with_usb(&mut guest, |guest| pulled_out(guest, format)),
        );
    }
    steps.step("one of two is pulled out, and the other records on", || {
        with_usb(&mut guest, two);
    });
    steps.end();
}

/// Names that last, the drivers of USB cameras, and what the one of software films.
fn load_usb(guest: &Guest) {
    guest
        .ok("test -d /run/udev || /usr/lib/systemd/systemd-udevd --daemon")
        .unwrap();
    Files::make(guest.out(), FILM, SIZE, FPS);
    guest.ok("modprobe vhci_hcd; modprobe uvcvideo").unwrap();
}

/// Takes a step, in another guest if the kernel of this one failed: Linux 6.12 now and then lets go of a USB camera's
/// `media_device` before the node that a program still has open, and follows a null pointer when that is closed
/// (`v4l2_device_release`, `media_device_unregister_entity`). A program can do nothing about that; a device starts anew
/// (`kernel.panic_on_oops`).
fn with_usb(guest: &mut Option<Guest>, step: impl Fn(&Guest)) {
    for _ in 0..BOOTS {
        let booted = guest.take().or_else(|| {
            let booted = Guest::boot().unwrap();
            booted.inspect(load_usb)
        });
        let booted = guest.insert(booted.unwrap());
        let Err(why) = catch_unwind(AssertUnwindSafe(|| step(booted))) else {
            return;
        };
        if !booted.kernel_failed() {
            resume_unwind(why);
        }
        let console = booted.console();
        let trace = console.split("BUG: ").nth(1).unwrap_or(&console);
        println!("the guest's kernel failed; once more in another one. It said:\n{trace}");
        // One at a time.
        *guest = None;
    }
    panic!("the kernels of {BOOTS} guests failed");
}

/// Starts a recorder into `/tmp/NAME`, whose log is `/out/NAME.log` and whose process `$(cat /tmp/NAME.pid)`.
fn record(guest: &Guest, name: &str, camera: &str) {
    guest
        .ok(&format!(
            "rm -rf /tmp/{name}; mkdir /tmp/{name}; \
             {} record --camera '{camera}' --footage /tmp/{name} --segment 4s --slots 60 --slot-size 1MiB \
             >/out/{name}.log 2>&1 & echo $! >/tmp/{name}.pid",
            binary().display()
        ))
        .unwrap();
}

/// Waits until so many segments have been begun.
fn await_segments(guest: &Guest, name: &str, count: usize) {
    let script = format!(
        "test $(ls /tmp/{name} | grep -c _FN_) -ge {count} || {{ tail -n 5 /out/{name}.log; false; }}"
    );
    guest.until("segments", &script, LONG).unwrap();
}

/// Ends the recorder as systemd does, and has its footage judged here. (Nobody buries it, so that it must be asked whether it
/// still has a program.)
fn judged(guest: &Guest, name: &str) -> Footage {
    guest
        .ok(&format!(
            "kill -INT $(cat /tmp/{name}.pid); \
             while readlink /proc/$(cat /tmp/{name}.pid)/exe >/dev/null; do sleep 0.1; done; \
             mkdir -p /out/{name}; cp /tmp/{name}/*_[A-Z]N_* /out/{name}/; cp /tmp/{name}/*.txt /out/{name}/ || true"
        ))
        .unwrap();
    Footage::of(&guest.out().join(name), &log(guest, name))
}

fn log(guest: &Guest, name: &str) -> String {
    std::fs::read_to_string(guest.out().join(format!("{name}.log"))).unwrap()
}

/// Hands every picture to `each`, as ffmpeg decodes it. Times stay those of the file: by ffmpeg's own idea of the rate,
/// two would have one time where a busy machine's camera was late.
fn decode(segment: &Path, each: impl FnMut(&[u8])) {
    let input = ["-i", segment.to_str().unwrap(), "-enc_time_base", "-1"];
    judges::grey_frames(&input, SIZE.0, SIZE.1, each).unwrap();
}

struct Footage {
    segments: Vec<PathBuf>,
    frames: usize,
    dropped: usize,
    damaged: usize,
    undecodable: usize,
}

impl Footage {
    fn of(dir: &Path, log: &str) -> Self {
        let check = Command::new(binary())
            .args(["check", "--json"])
            .arg(dir)
            .output()
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
        assert!(check.status.success(), "{json:#}\n{log}");
        assert_eq!(json["lost_silently"], 0, "{json:#}");
        let count = |value: &serde_json::Value| value.as_u64().unwrap() as usize;
        let counters = &json["counters"];
        let mut segments: Vec<PathBuf> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "mp4"))
            .collect();
        // By the number at the end of the name.
        segments.sort_by_key(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            name[name.len() - 6..].to_owned()
        });
        for segment in &segments {
            decode(segment, |_| ());
        }
        Self {
            segments,
            frames: count(&json["frames"]),
            dropped: count(&counters["dropped_encoder"]) + count(&counters["dropped_queue"]),
            damaged: count(&counters["stream_damage"]),
            undecodable: count(&counters["lost_undecodable"]),
        }
    }

    /// The number in each picture, as ffmpeg decodes it.
    fn numbers(&self) -> Vec<u32> {
        let mut numbers = Vec::new();
        for segment in &self.segments {
            decode(segment, |grey| numbers.push(judges::barcode(grey, SIZE.0)));
        }
        numbers
    }
}

fn no_camera(guest: &Guest) {
    let picam = binary().display();
    let none = guest
        .run(&format!("{picam} probe; echo $?; {picam} probe --json"))
        .unwrap();
    assert!(
        none.text.contains("No camera is there") && none.text.contains("\n1\n"),
        "{none:?}"
    );
    record(guest, "none", "front=auto");
    guest
        .until(
            "it to be said",
            "grep -q 'no camera is there' /out/none.log",
            LONG,
        )
        .unwrap();
    // It goes on looking: the first that appears is recorded.
    guest
        .ok("modprobe vivid n_devs=1 num_inputs=1 node_types=0x1")
        .unwrap();
    await_segments(guest, "none", 1);
    guest
        .until(
            "pictures",
            "test $(cat /tmp/none/*_FN_* | head -c 2000000 | strings | grep -c moof) -ge 2",
            LONG,
        )
        .unwrap();
    let footage = judged(guest, "none");
    assert!(footage.frames > 0);
    let names = std::fs::read_to_string(guest.out().join("none/picam-cameras.txt")).unwrap();
    assert!(
        names.lines().any(|line| line.starts_with("front ")),
        "{names}"
    );
    let said = log(guest, "none");
    assert!(said.contains("/dev/video*"), "{said}");
    let probed = guest
        .ok(&format!(
            "{picam} probe; {picam} probe --json >/out/vivid.json"
        ))
        .unwrap();
    for part in ["vivid", "source = \"v4l2:", "format=yuyv", "openh264"] {
        assert!(probed.contains(part), "no {part} in {probed}");
    }
    let json = std::fs::read_to_string(guest.out().join("vivid.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["cameras"][0]["kind"], "v4l2", "{json:#}");
}

fn raw_formats(guest: &Guest) {
    for format in ["yuyv", "nv12", "yu12"] {
        let camera = format!("front=v4l2:/dev/video0?size=320x180&fps=10&format={format}");
        record(guest, format, &camera);
        await_segments(guest, format, 2);
        let footage = judged(guest, format);
        let said = log(guest, format);
        assert!(said.contains(&format!("{format} 320x180")), "{said}");
        // vivid's first input shows bars of all colours: each plane must have come through.
        let probe = judges::ffprobe(&footage.segments[0], false).unwrap();
        assert_eq!(probe["streams"][0]["color_space"], "smpte170m", "{probe:#}");
        assert!(
            footage.frames > 10 && footage.damaged == 0,
            "{format}: {}",
            footage.frames
        );
        println!(
            "{format}: {} pictures, {} dropped",
            footage.frames, footage.dropped
        );
    }
}

fn vivid_faults(guest: &Guest) {
    record(
        guest,
        "faults",
        "front=v4l2:/dev/video0?size=320x180&fps=10&format=yuyv",
    );
    await_segments(guest, "faults", 1);
    let set = |control: &str| {
        guest
            .ok(&format!("v4l2-ctl -d /dev/video0 -c {control}; sleep 3"))
            .unwrap()
    };
    set("percentage_of_dropped_buffers=40");
    set("percentage_of_dropped_buffers=0");
    for _ in 0..3 {
        set("inject_v4l2_buf_flag_error=1");
    }
    let opened = |log: &str| log.matches("INFO v4l2").count();
    assert_eq!(opened(&log(guest, "faults")), 1);
    set("inject_fatal_streaming_error=1");
    guest
        .until(
            "it to be opened anew",
            "test $(grep -c 'INFO v4l2' /out/faults.log) = 2",
            LONG,
        )
        .unwrap();
    let before = guest
        .ok("ls /tmp/faults | grep -c _FN_")
        .unwrap()
        .trim()
        .parse::<usize>()
        .unwrap();
    await_segments(guest, "faults", before + 1);
    let footage = judged(guest, "faults");
    assert!(footage.dropped > 0, "dropped buffers were not counted");
    assert!(
        footage.damaged >= 3,
        "{} damaged buffers were counted",
        footage.damaged
    );
}

fn unbound(guest: &Guest) {
    record(guest, "unbound", "front=auto:?size=320x180&fps=10");
    await_segments(guest, "unbound", 1);
    let driver = "/sys/bus/platform/drivers/vivid";
    for n in 1..=3 {
        guest
            .ok(&format!("echo -n vivid.0 >{driver}/unbind"))
            .unwrap();
        guest
            .until(
                "it to be missed",
                &format!("test $(grep -c WARN /out/unbound.log) -ge {n}"),
                LONG,
            )
            .unwrap();
        // Longer than the first pauses of the back-off.
        guest
            .ok(&format!(
                "sleep 4; echo -n vivid.0 >{driver}/bind; date +%s.%N >>/out/bound"
            ))
            .unwrap();
        let script = format!("test $(grep -c 'INFO v4l2' /out/unbound.log) = {}", n + 1);
        guest.until("it to be opened anew", &script, LONG).unwrap();
    }
    await_segments(guest, "unbound", 3);
    let footage = judged(guest, "unbound");
    assert!(footage.frames > 0);
    println!(
        "bound at {}\n{}",
        std::fs::read_to_string(guest.out().join("bound")).unwrap(),
        log(guest, "unbound")
    );
    guest
        .ok(&format!("echo -n vivid.0 >{driver}/unbind; rmmod vivid"))
        .unwrap();
}

/// Plugs a camera in whose log is `/out/LOG`; its process is in `/tmp/camera.pid`.
fn plug_in(guest: &Guest, log: &str, first: usize) {
    guest
        .ok(&format!(
            "{} --size {}x{} --fps {FPS} --first {first} --mjpeg /out/numbered.mjpeg --h264 /out/numbered.h264 \
             --serial PICAM7 >/out/{log} 2>&1 & echo $! >/tmp/camera.pid",
            env!("CARGO_BIN_EXE_uvc-camera"),
            SIZE.0,
            SIZE.1
        ))
        .unwrap();
}

fn found(guest: &Guest) {
    plug_in(guest, "found.log", 0);
    guest
        .until("the camera", &format!("test -e /dev/v4l/{UVC}"), LONG)
        .unwrap_or_else(|error| panic!("{error}\n{}", guest.run("ls -l /dev/v4l/*").unwrap().text));
    let probed = guest.ok(&format!("{} probe", binary().display())).unwrap();
    // Its second node, of metadata, is no camera.
    assert_eq!(probed.matches("/dev/video").count(), 1, "{probed}");
    for part in [
        "Software Camera",
        UVC,
        "format=h264",
        "format=mjpeg",
        "Brightness",
    ] {
        assert!(probed.contains(part), "no {part} in {probed}");
    }
    println!("{probed}");
    guest.ok("kill -9 $(cat /tmp/camera.pid)").unwrap();
    guest
        .until("it to go", &format!("! test -e /dev/v4l/{UVC}"), LONG)
        .unwrap();
}

/// The pictures that a camera handed to the driver, by its own word.
fn delivered(log: &str) -> Vec<u32> {
    let numbers = log
        .lines()
        .filter_map(|line| line.strip_prefix("delivered "));
    numbers
        .filter_map(|number| number.parse().ok())
        .map(|number: u32| number % FILM)
        .collect()
}

fn pulled_out(guest: &Guest, format: &str) {
    let name = format!("usb-{format}");
    record(guest, &name, &format!("front=v4l2:{UVC}?format={format}"));
    let mut sent = Vec::new();
    for n in 0..pulls() {
        let camera = format!("{name}-{n}.camera");
        // In the middle of a group of H.264.
        plug_in(guest, &camera, n * 37 + 7);
        let flows = format!(
            "test $(grep -c delivered /out/{camera}) -ge 45 || {{ tail -n 3 /out/{name}.log; false; }}"
        );
        guest.until("pictures", &flows, LONG).unwrap();
        guest.ok("kill -9 $(cat /tmp/camera.pid)").unwrap();
        guest
            .until("its node to go", &format!("! test -e /dev/v4l/{UVC}"), LONG)
            .unwrap();
        let log = std::fs::read_to_string(guest.out().join(&camera)).unwrap();
        let streams = log.split("started ").skip(1).map(delivered);
        sent.extend(streams.flatten());
    }
    let footage = judged(guest, &name);
    let numbers = footage.numbers();
    // What is on the card is what was sent, in order. In H.264, what refers to a picture that the driver went without may
    // show an earlier one until the next key frame, or ffmpeg does not show it: "no picture ooo", if it was a key frame.
    let next = |pair: &&[u32]| pair[1] != (pair[0] + 1) % FILM;
    let gaps = sent
        .windows(2)
        .filter(next)
        .count()
        .saturating_sub(pulls() - 1);
    let mut rest = sent.iter();
    let mut smeared = 0;
    for number in &numbers {
        let mut ahead = rest.clone();
        match ahead.any(|sent| sent == number) {
            true => rest = ahead,
            false => smeared += 1,
        }
    }
    let most = match format {
        "h264" => gaps * FPS as usize,
        _ => 0,
    };
    assert!(numbers.len() <= footage.frames);
    smeared += footage.frames - numbers.len();
    assert!(
        smeared <= most,
        "{smeared} of {numbers:?} are none of {sent:?}"
    );
    // What is not is counted, but for what the driver had in hand.
    let counted = footage.dropped + footage.damaged + footage.undecodable;
    let told = footage.frames + counted;
    println!(
        "{format}: pulled out {} times; {} sent, {} on the card, {counted} counted",
        pulls(),
        sent.len(),
        footage.frames
    );
    assert!(told <= sent.len() + pulls(), "{told} of {}", sent.len());
    // On a busy machine each picture takes longer, and so many more come until the driver would be asked again.
    let behind = sent.len().div_ceil(footage.frames.max(1));
    assert!(
        told + IN_HAND * behind * pulls() >= sent.len(),
        "{told} of {}",
        sent.len()
    );
    let opened = log(guest, &name).matches("INFO v4l2").count();
    assert_eq!(opened, pulls());
}

fn two(guest: &Guest) {
    guest
        .ok("modprobe vivid n_devs=1 num_inputs=1 node_types=0x1")
        .unwrap();
    let node = "by-path/platform-vivid.0-video-index0";
    guest
        .until("udev", &format!("test -e /dev/v4l/{node}"), LONG)
        .unwrap();
    let vivid = format!("v4l2:{node}?size=320x180&fps=5&format=yuyv");
    let usb = format!("v4l2:{UVC}?format=mjpeg");
    record(
        guest,
        "two",
        &format!("front={usb}' --camera 'rear={vivid}"),
    );
    for n in 0..2 {
        let camera = format!("two-{n}.camera");
        plug_in(guest, &camera, n * 100);
        let flows = format!("test $(grep -c delivered /out/{camera}) -ge 30");
        guest.until("pictures", &flows, LONG).unwrap();
        guest.ok("kill -9 $(cat /tmp/camera.pid)").unwrap();
        let gone = format!("! test -e /dev/v4l/{UVC}");
        guest.until("its node to go", &gone, LONG).unwrap();
    }
    let footage = judged(guest, "two");
    let of = |letter: &str| {
        let named = |path: &&PathBuf| path.to_string_lossy().contains(letter);
        footage.segments.iter().filter(named).count()
    };
    assert!(of("_FN_") > 0 && of("_RN_") > 0, "{:?}", footage.segments);
    let said = log(guest, "two");
    let rear: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("camera=\"rear\""))
        .collect();
    // It was opened once, and how its pictures look was said then.
    assert!(
        matches!(rear[..], [opened, look] if opened.contains("INFO v4l2") && look.contains("INFO picture: ")),
        "{rear:#?}"
    );
}
