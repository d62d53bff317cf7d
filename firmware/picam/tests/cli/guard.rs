//! `picam guard` with a simulated battery.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Running, picam, wait_for};

#[test]
fn an_empty_battery_is_warned_of_and_switched_off_for_and_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let request = dir.path().join("poweroff");
    let history = dir.path().join("starts.json");
    let paths = [request.to_str().unwrap(), history.to_str().unwrap()];
    let [poweroff, starts] = paths;
    // Full to empty in a minute, the last tenth below 3.45 V.
    let guard = Running::start(&[
        "guard",
        "--gauge",
        "sim:1",
        "--poweroff",
        poweroff,
        "--history",
        starts,
    ]);
    wait_for("the start is noted", || history.exists());
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

#[test]
fn without_a_gauge_there_is_nothing_to_watch() {
    let dir = tempfile::tempdir().unwrap();
    let request = dir.path().join("poweroff");
    let poweroff = request.to_str().unwrap();
    let off = picam(&["guard", "--poweroff", poweroff]);
    off.expect(0, &["nothing is watched"]);
    let none = picam(&[
        "guard",
        "--gauge",
        "max17048?bus=/dev/no-such-bus",
        "--poweroff",
        poweroff,
    ]);
    none.expect(1, &["/dev/no-such-bus", "cannot be opened"]);
    let wrong = picam(&["guard", "--gauge", "max1704", "--poweroff", poweroff]);
    wrong.expect(2, &["'max1704' is no battery gauge"]);
    assert!(!request.exists());
}
