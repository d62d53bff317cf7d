//! `picam guard` with a simulated battery, and with lines that are files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Running, picam, wait_for};

#[test]
fn an_empty_battery_is_warned_of_and_switched_off_for_and_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let request = dir.path().join("poweroff");
    let history = dir.path().join("starts.json");
    let note = dir.path().join("status.json");
    let paths = [&request, &history, &note].map(|path| path.to_str().unwrap());
    let [poweroff, starts, status] = paths;
    // Full to empty in a minute, the last tenth below 3.45 V.
    let guard = Running::start(&[
        "guard",
        "--gauge",
        "sim:1",
        "--poweroff",
        poweroff,
        "--history",
        starts,
        "--status",
        status,
    ]);
    wait_for("the start is noted", || history.exists());
    wait_for("the battery is told", || battery(&note)["state"] == "fine");
    assert!(
        fs::read_to_string(&history)
            .unwrap()
            .contains("\"end\":null")
    );
    assert!(!request.exists());
    std::thread::sleep(Duration::from_secs(30));
    assert!(!request.exists(), "half of it is left");
    // It is empty after a minute, and must be for 20 s.
    for _ in 0..10 {
        std::thread::sleep(Duration::from_secs(if request.exists() { 0 } else { 20 }));
    }
    assert!(request.exists());
    wait_for("the page to be told", || {
        battery(&note)["state"] == "switching-off"
    });
    wait_for("the cause", || {
        fs::read_to_string(&history)
            .unwrap()
            .contains("\"cause\":\"battery-")
    });
    guard.send(Signal::TERM);
    guard.end().expect(
        0,
        &[
            "the battery gauge answers: 4.",
            "the battery is low, 3.",
            "switching off: the battery was",
        ],
    );
}

/// What the guard tells of the battery.
fn battery(note: &Path) -> Value {
    let text = fs::read(note).unwrap_or_default();
    let note: Value = serde_json::from_slice(&text).unwrap_or_default();
    note["battery"].clone()
}

#[test]
fn without_a_gauge_there_is_nothing_to_watch() {
    let dir = tempfile::tempdir().unwrap();
    let [request, note] = ["poweroff", "status.json"].map(|name| dir.path().join(name));
    let (poweroff, status) = (request.to_str().unwrap(), note.to_str().unwrap());
    let off = picam(&["guard", "--poweroff", poweroff, "--status", status]);
    off.expect(0, &["nothing is watched"]);
    assert_eq!(battery(&note), Value::Null);
    let wrong = picam(&["guard", "--gauge", "max1704", "--poweroff", poweroff]);
    wrong.expect(2, &["'max1704' is no battery gauge"]);
    let none = Running::start(&[
        "guard",
        "--gauge",
        "max17048?bus=/dev/no-such-bus",
        "--poweroff",
        poweroff,
        "--status",
        status,
    ]);
    wait_for("it is told", || {
        battery(&note)["fault"]["message"]
            .as_str()
            .is_some_and(|said| said.contains("/dev/no-such-bus"))
    });
    assert_eq!(battery(&note)["state"], "unknown");
    none.send(Signal::TERM);
    none.end().expect(
        0,
        &["/dev/no-such-bus", "cannot be opened", "the camera goes on"],
    );
    assert!(!request.exists());
}

/// A camera with an LED, a button and a trigger that are files.
struct Bench {
    dir: TempDir,
    recorder: Running,
    guard: Running,
}

/// How often it was lit, and for how long in all.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    flashes: u32,
    lit: Duration,
}

impl Bench {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let (led, button, trigger) = (at("led"), at("button"), at("trigger"));
        let config = format!(
            "[led]\ngpio = \"sim:{led}\"\n[button]\ngpio = \"sim:{button}\"\n[trigger]\ngpio = \"sim:{trigger}\"\n"
        );
        fs::write(at("picam.toml"), config).unwrap();
        let (footage, socket) = (at("footage"), at("recorder.sock"));
        let camera = ["--camera", "front=sim:?size=320x240&fps=10&bitrate=400k"];
        let ring = "--segment 5s --slots 12 --slot-size 1MiB".split(' ');
        let mut args = vec!["record", "--footage", &footage, "--control", &socket];
        args.extend(camera);
        args.extend(ring);
        let recorder = Running::start(&args);
        let config = at("picam.toml");
        let (poweroff, hotspot, on) = (at("poweroff"), at("hotspot"), at("hotspot-on"));
        let guard = Running::start(&[
            "guard",
            "--config",
            &config,
            "--recorder",
            &socket,
            "--poweroff",
            &poweroff,
            "--hotspot",
            &hotspot,
            "--hotspot-on",
            &on,
        ]);
        Self {
            dir,
            recorder,
            guard,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, line: &str, active: bool) {
        fs::write(self.path(line), if active { "1" } else { "0" }).unwrap();
    }

    fn press(&self, line: &str, time: Duration) {
        self.put(line, true);
        std::thread::sleep(time);
        self.put(line, false);
        std::thread::sleep(Duration::from_millis(200));
    }

    fn look(&self, time: Duration) -> Seen {
        let began = Instant::now();
        let mut seen = Seen::default();
        let (mut last, mut then) = (true, began);
        while began.elapsed() < time {
            let lit = fs::read(self.path("led")).is_ok_and(|text| text.starts_with(b"1"));
            let now = Instant::now();
            if last && lit {
                seen.lit += now - then;
            }
            seen.flashes += u32::from(lit && !last);
            (last, then) = (lit, now);
            std::thread::sleep(Duration::from_millis(5));
        }
        seen
    }

    /// Files of footage that are locked.
    fn locked(&self) -> usize {
        let names = fs::read_dir(self.path("footage")).into_iter().flatten();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("_FE_")).count()
    }
}

#[test]
fn led_and_button_go_with_the_recorder() {
    let bench = Bench::start();
    wait_for("flashes in the dark", || {
        let seen = bench.look(Duration::from_millis(4_100));
        (2..=3).contains(&seen.flashes) && seen.lit < Duration::from_millis(600)
    });
    fs::write(bench.path("hotspot-on"), "").unwrap();
    wait_for("two flashes for the hotspot", || {
        (4..=5).contains(&bench.look(Duration::from_millis(4_100)).flashes)
    });

    assert_eq!(bench.locked(), 0);
    bench.press("button", Duration::from_millis(150));
    wait_for("the button's lock", || bench.locked() >= 1);
    bench.press("button", Duration::from_millis(3_300));
    wait_for("the hotspot's switch", || bench.path("hotspot").exists());

    bench.recorder.send(Signal::STOP);
    let stopped = Instant::now();
    bench.look(Duration::from_secs(3));
    let frozen = bench.look(Duration::from_secs(2));
    println!("{:?} after the stop: {frozen:?}", stopped.elapsed());
    assert!(
        (8..=11).contains(&frozen.flashes) && frozen.lit.as_millis().abs_diff(1_000) < 250,
        "it does not blink evenly: {frozen:?}"
    );
    // What is asked for while it hangs is done once it is back.
    bench.press("trigger", Duration::from_millis(150));
    bench.recorder.send(Signal::CONT);
    let socket = bench.path("recorder.sock");
    wait_for("the trigger's lock", || {
        let locks = picam(&["locks", "--recorder", socket.to_str().unwrap()]);
        locks.out.contains("impact: trigger") && locks.out.contains("button: button")
    });

    assert!(!bench.path("poweroff").exists());
    bench.put("button", true);
    wait_for("the switch", || bench.path("poweroff").exists());
    fs::remove_file(bench.path("poweroff")).unwrap();
    assert!(bench.look(Duration::from_secs(10)).lit > Duration::from_millis(9_500));
    assert!(!bench.path("poweroff").exists(), "asked for twice");
    bench.guard.send(Signal::TERM);
    let led = bench.path("led");
    let Bench { dir, guard, .. } = bench;
    guard.end().expect(
        0,
        &[
            "Button: footage is to be kept",
            "Trigger: footage is to be kept",
            "footage is kept",
            "hotspot on or off",
            "switching off: somebody held the button",
        ],
    );
    assert_eq!(fs::read_to_string(led).unwrap(), "0\n");
    drop(dir);
}

#[test]
fn lines_that_cannot_be_had_cost_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let config = "[led]\ngpio = \"/dev/gpiochip999:1\"\n[button]\ngpio = \"/dev/gpiochip999:2\"\n[battery]\ngauge = \"sim:1000\"\n";
    fs::write(at("picam.toml"), config).unwrap();
    let (config, poweroff, status) = (at("picam.toml"), at("poweroff"), at("status.json"));
    let guard = Running::start(&[
        "guard",
        "--config",
        &config,
        "--poweroff",
        &poweroff,
        "--status",
        &status,
    ]);
    wait_for("the battery", || {
        battery(Path::new(&status))["state"] == "fine"
    });
    // The system may still be starting: half a minute is waited before it is said.
    std::thread::sleep(Duration::from_secs(40));
    guard.send(Signal::TERM);
    let done = guard.end();
    done.expect(
        0,
        &[
            "no LED: /dev/gpiochip999:1 cannot be used",
            "no button: /dev/gpiochip999:2 cannot be used",
        ],
    );
    assert_eq!(done.err.matches("gpiochip999:1").count(), 1, "{done:?}");
}

#[test]
fn a_car_that_is_off_switches_the_camera_off_in_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let (line, poweroff) = (at("ignition"), at("poweroff"));
    let config = format!("[ignition]\ngpio = \"sim:{line}\"\nstay = \"2s\"\n");
    fs::write(at("picam.toml"), config).unwrap();
    fs::write(&line, "1").unwrap();
    let (config, history) = (at("picam.toml"), at("starts.json"));
    let args = [
        "guard",
        "--config",
        &config,
        "--poweroff",
        &poweroff,
        "--history",
        &history,
    ];
    let guard = Running::start(&args);
    std::thread::sleep(Duration::from_secs(5));
    fs::write(&line, "0").unwrap();
    // It records for a minute at least.
    std::thread::sleep(Duration::from_secs(50));
    assert!(!Path::new(&poweroff).exists());
    wait_for("the request", || Path::new(&poweroff).exists());
    wait_for("the cause", || {
        fs::read_to_string(&history)
            .unwrap()
            .contains("\"cause\":\"ignition\"")
    });
    guard.send(Signal::TERM);
    guard.end().expect(
        0,
        &[
            "the ignition is on",
            "the ignition is off",
            "switching off: the ignition was off",
        ],
    );
}
