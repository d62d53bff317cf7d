//! What hangs on the header, each from both sides.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use picam_board_tests::board::Board;
use picam_board_tests::image::Image;
use picam_board_tests::nmea::Receiver;
use picam_board_tests::shell::Shell;
use picam_board_tests::{BoardError, gauge, pins};

use crate::common::*;
use picam_testkit::steps::Steps;

/// How far the receiver's clock is ahead of the host's: the board's is that of its image at first, and wrong.
const AHEAD: Duration = Duration::from_secs(200 * 86_400);
/// Of the header: docs/hardware.md.
const IGNITION: u8 = 26;
/// Free: the LED's is the guard's.
const FREE: u8 = 24;

pub fn all(steps: &mut Steps, image: &Image, board: &Board, shell: &mut Shell) {
    header(steps, board, shell);
    rest(steps, image, board, shell);
}

/// Lets the gauge measure something. The guard may be asking in that moment, so that either is disturbed.
pub fn set_gauge(board: &Board, shell: &mut Shell, millivolts: u32, percent: u8) {
    let mut bus = board.bus().unwrap();
    let mut said = String::new();
    for _ in 0..5 {
        if let Err(error) = gauge::set(&mut bus, millivolts, percent) {
            said = error.to_string();
            continue;
        }
        let mut word = |register: &str| {
            let text = shell.ok(&format!("i2cget -y 1 0x36 {register} w"))?;
            Ok::<_, BoardError>(
                u16::from_str_radix(text.trim().trim_start_matches("0x"), 16).unwrap_or_default(),
            )
        };
        match (word("0x02"), word("0x04")) {
            (Ok(voltage), Ok(charge))
                if gauge::millivolts(voltage).abs_diff(millivolts) <= 1
                    && charge.to_le_bytes()[0] == percent =>
            {
                return;
            }
            read => said = format!("{read:?}"),
        }
    }
    panic!("the gauge was set to {millivolts} mV and {percent} %, and says: {said}");
}

/// Gauge and pins: what the drivers of I²C and GPIO do.
pub fn header(steps: &mut Steps, board: &Board, shell: &mut Shell) {
    steps.step("fuel gauge", || {
        // Neither is low: nobody is to be switched off here.
        for (millivolts, percent) in [(3_812, 57), (3_987, 81)] {
            set_gauge(board, shell, millivolts, percent);
        }
    });
    steps.step("pins", || {
        let mut bus = board.bus().unwrap();
        for high in [true, false, true] {
            pins::drive(&mut bus, IGNITION, high).unwrap();
            let read = shell
                .ok(&format!("gpioget --numeric -c gpiochip0 {IGNITION}"))
                .unwrap();
            assert_eq!(read.trim(), if high { "1" } else { "0" });
            let level = u8::from(high);
            shell
                .ok(&format!(
                    "timeout 2 gpioset -c gpiochip0 {FREE}={level}; true"
                ))
                .unwrap();
            assert_eq!(pins::level(&mut bus, FREE).unwrap(), high);
        }
    });
}

fn rest(steps: &mut Steps, image: &Image, board: &Board, shell: &mut Shell) {
    steps.step("hardware watchdog", || {
        // The kernel's own stands in for it (docs/board.md); systemd keeps it content.
        let identity = shell
            .ok("cat /sys/class/watchdog/watchdog0/identity /sys/class/watchdog/watchdog0/state");
        assert_eq!(identity.unwrap().trim(), "Software Watchdog\nactive");
    });
    steps.step("a camera of the kernel's", || {
        let find = "for v in /sys/class/video4linux/video*; do grep -q vivid-000-vid-cap $v/name && echo ${v##*/}; done; true";
        let device = shell.ok(&format!("modprobe vivid && sleep 2 && {find}")).unwrap();
        let device = device.trim();
        let stream = format!(
            "v4l2-ctl -d /dev/{device} --set-fmt-video=width=320,height=180 --stream-mmap --stream-count=12 --stream-to=/run/vivid.raw && \
             stat -c %s /run/vivid.raw; rm -f /run/vivid.raw"
        );
        let said = shell.ok(&stream).unwrap();
        // 12 pictures of 4:2:2, two bytes a pixel.
        let size: u64 = said.trim().lines().last().unwrap().trim().parse().unwrap();
        assert_eq!(size, 12 * 320 * 180 * 2, "{said}");
        shell.ok("modprobe -r vivid").unwrap();
    });
    steps.step("GPS receiver and clock", || gps(board, shell));
    steps.step("a recorded GPS receiver", || recorded(image, board, shell));
}

/// What a u-blox NEO-M8N once said, and what gpsd's own tests say that it means (test/daemon in gpsd's source).
fn recorded(image: &Image, board: &Board, shell: &mut Shell) {
    let read = |name: &str| std::fs::read_to_string(image.file(name)).unwrap();
    let expected = fixes(&read("receiver.log.chk"));
    assert!(expected.len() > 10, "{expected:?}");
    // It was in 2015; the clock need not know.
    shell.ok("systemctl stop picam-time").unwrap();
    let receiver = Receiver::replay(&board.gps_line(), &read("receiver.log")).unwrap();
    let watch = "exec 3<>/dev/tcp/127.0.0.1/2947; echo '?WATCH={\"enable\":true,\"json\":true};' >&3; timeout 30 grep '\"mode\":3' <&3; true";
    let said = shell
        .ok(&format!("bash -c \"{}\"", watch.replace('"', "\\\"")))
        .unwrap();
    drop(receiver);
    shell.ok("systemctl start picam-time").unwrap();
    // What is kept of the receiver before is no part of the recording.
    let mut found = fixes(&said);
    found.retain(|(latitude, longitude)| {
        (latitude - 48.1173).abs() > 1e-3 || (longitude - 11.516_667).abs() > 1e-3
    });
    println!(
        "{} fixes of the recording's {}",
        found.len(),
        expected.len()
    );
    assert!(found.len() >= 5, "{said}");
    for (latitude, longitude) in found {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-8;
        assert!(
            expected
                .iter()
                .any(|fix| near(fix.0, latitude) && near(fix.1, longitude)),
            "{latitude} {longitude} are not in gpsd's own list"
        );
    }
}

/// Latitude and longitude of gpsd's reports of a position.
fn fixes(reports: &str) -> Vec<(f64, f64)> {
    let reports = reports
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    reports
        .filter(|report: &serde_json::Value| report["class"] == "TPV")
        .filter_map(|report| Some((report["lat"].as_f64()?, report["lon"].as_f64()?)))
        .collect()
}

fn gps(board: &Board, shell: &mut Shell) {
    shell
        .until(
            "gpsd to open the serial line",
            "systemctl is-active picam-gps-device@ttyAMA0",
            ALL_UP,
        )
        .unwrap();
    let wrong = seconds(shell);
    let receiver = Receiver::start(&board.gps_line(), AHEAD).unwrap();
    let watch = "exec 3<>/dev/tcp/127.0.0.1/2947; echo '?WATCH={\"enable\":true,\"json\":true};' >&3; timeout 60 grep -m 1 '\"mode\":3' <&3";
    let fix = shell
        .ok(&format!("bash -c \"{}\"", watch.replace('"', "\\\"")))
        .unwrap();
    let fix: serde_json::Value = serde_json::from_str(fix.trim().lines().last().unwrap()).unwrap();
    println!("{fix}");
    let near = |key: &str, wanted: f64| (fix[key].as_f64().unwrap() - wanted).abs() < 1e-5;
    assert!(near("lat", 48.1173) && near("lon", 11.516_666_7), "{fix}");

    let start = std::time::Instant::now();
    loop {
        let board = seconds(shell);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + AHEAD;
        if board.abs_diff(now.as_secs()) <= 2 {
            println!(
                "the clock was wrong by {} days, and right {} s after the first sentence",
                wrong.abs_diff(now.as_secs()) / 86_400,
                start.elapsed().as_secs()
            );
            break;
        }
        assert!(
            start.elapsed() < Duration::from_secs(400),
            "the clock says {board}, the receiver {now:?}"
        );
        std::thread::sleep(Duration::from_secs(3));
    }
    // And the recorder learns of it.
    shell
        .until(
            "the recorder to know the time",
            "printf '{\"ask\":\"status\"}\\n' | nc.openbsd -U -N /run/picam/recorder.sock | grep '\"clock_known\":true'",
            Duration::from_secs(120),
        )
        .unwrap();
    drop(receiver);
}

fn seconds(shell: &mut Shell) -> u64 {
    shell.ok("date +%s").unwrap().trim().parse().unwrap()
}
