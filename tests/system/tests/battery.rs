//! The page shows what the guard says of the battery, and waits for nobody.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use picam_system_tests::browser::{self, Browser};
use picam_system_tests::camera::{Camera, binary, free_address, wait_for};
use picam_system_tests::http;
use picam_time::{Clock, SystemClock};
use serde_json::{Value, json};

const TEXT: &str =
    "document.getElementById('power').hidden ? '' : document.getElementById('power').innerText";

/// What the guard would have written so many seconds ago.
fn note(path: &Path, seconds_ago: u64, battery: &Value, ends: &Value) {
    let at = SystemClock.now() - Duration::from_secs(seconds_ago);
    let note = json!({"boot_ns": at.0, "battery": battery, "ends": ends});
    let new = path.with_extension("new");
    std::fs::write(&new, note.to_string()).unwrap();
    std::fs::rename(new, path).unwrap();
}

/// A process that does not outlive a failed test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_page_shows_the_battery() {
    if !browser::installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name).display().to_string();
    let (footage, socket, status) = (
        scratch.path().join("footage"),
        at("recorder.sock"),
        at("status.json"),
    );
    let camera = [
        ["--camera", "front=sim:?size=640x360&fps=30&bitrate=1M"],
        ["--segment", "5s"],
        ["--slots", "8"],
        ["--slot-size", "2MiB"],
        ["--control", &socket],
    ];
    let recorder = Camera::start("record", &footage, camera.as_flattened());
    let page = free_address();
    let listen = page.to_string();
    let web = [
        "--listen",
        &listen,
        "--recorder",
        &socket,
        "--guard",
        &status,
    ];
    let web = Camera::start("web", &footage, &web);
    let told = wait_for("the status", Duration::from_secs(20), || {
        http::get(page, "/api/status").filter(|status| status["recording"] == true)
    });
    assert_eq!(told["power"], Value::Null, "nobody has said anything yet");

    let browser = Browser::open();
    browser.turn(390, 844);
    browser.go(&format!("http://{page}/"));
    let text = |wanted: &str| browser.until(&format!("({TEXT}) === {wanted:?}"));
    let end = |cause: &str, mv: Value| json!([{"cause": cause, "cell_mv": mv, "charge": null, "after_s": 7_261}]);
    let fine = json!({"state": "fine", "cell_mv": 3_820, "charge": 64.4, "fault": null});
    let none = json!([]);
    text("");

    // A real guard, with a battery that lasts for an hour.
    let starts = at("starts.json");
    let poweroff = at("poweroff");
    let guard = Command::new(binary())
        .args([
            "guard",
            "--gauge",
            "sim:60",
            "--poweroff",
            &poweroff,
            "--status",
            &status,
            "--history",
            &starts,
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let guard = Guard(guard);
    browser.until(&format!("/^Battery 4\\.\\d\\d V · \\d+ %$/.test({TEXT})"));
    // It dies.
    drop(guard);
    browser.until(&format!("({TEXT}) === 'Battery unknown'"));
    browser.until("document.getElementById('warnings').innerText.includes('nothing has been heard of the battery')");
    browser.show("battery-unknown");

    let status = Path::new(&status);
    note(status, 0, &fine, &end("battery-low", json!(3_390)));
    text("Battery 3.82 V · 64 %\nLast switched off: battery low (3.39 V), after 2:01:01");
    assert_eq!(
        browser.value("document.documentElement.scrollWidth <= innerWidth"),
        true
    );
    browser.show("battery-fine");
    note(
        status,
        0,
        &json!({"state": "low", "cell_mv": 3_550, "charge": null, "fault": null}),
        &json!([null]),
    );
    text("Low battery 3.55 V\nLast time the power was cut, or somebody else switched it off");
    browser.until("document.getElementById('warnings').innerText.includes('The battery is low.')");
    browser.show("battery-low");
    note(status, 0, &Value::Null, &end("button", Value::Null));
    text("Last switched off by the button, after 2:01:01");
    // Without a gauge, a power cut is how it is switched off.
    note(status, 100, &Value::Null, &json!([null]));
    text("");
    note(status, 0, &fine, &none);
    text("Battery 3.82 V · 64 %");

    drop(browser);
    web.stop();
    recorder.stop();
}
