//! Chromium plays segments from the page: finished, recovered, and still being recorded.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use picam_system_tests::browser::{self, Browser};
use picam_system_tests::camera::{Camera, free_address, wait_for};
use picam_system_tests::http;
use serde_json::Value;

fn start(card: &Path, listen: SocketAddr) -> Camera {
    let listen = listen.to_string();
    let args = [
        ["--camera", "front=sim:?size=640x360&fps=30&bitrate=1M"],
        ["--segment", "2s"],
        ["--slots", "8"],
        ["--slot-size", "2MiB"],
        ["--listen", &listen],
    ];
    Camera::start("run", card, args.as_flattened())
}

/// Waits for a segment that is as wanted.
fn segment(page: SocketAddr, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, Duration::from_secs(30), || {
        let listing = http::get(page, "/api/segments")?;
        let all = listing["segments"].as_array()?;
        all.iter().find(|segment| wanted(segment)).cloned()
    })
}

fn play(browser: &Browser, what: &str, segment: &Value) -> f64 {
    let source = segment["file"].as_str().unwrap();
    browser
        .play(source)
        .unwrap_or_else(|error| panic!("a {what} segment does not play: {error}; {segment}"))
}

#[test]
fn chromium_plays_finished_recovered_and_recording_segments_from_the_page() {
    if !browser::installed() {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    let page = free_address();
    let camera = start(card.path(), page);
    segment(page, "a second segment with something to see", |s| {
        s["sequence"] == 2 && s["size"].as_u64() > Some(200_000)
    });
    camera.kill();

    let camera = start(card.path(), page);
    let browser = Browser::open();
    browser.go(&format!("http://{page}/"));
    let finished = segment(page, "a finished segment", |s| s["state"] == "finished");
    assert!(play(&browser, "finished", &finished) > 1.0);
    let recovered = segment(page, "a recovered segment", |s| s["state"] == "recovered");
    play(&browser, "recovered", &recovered);
    let recording = segment(page, "a segment being recorded", |s| {
        s["state"] == "recording" && s["size"].as_u64() > Some(200_000)
    });
    play(&browser, "recording", &recording);

    // And as a person does it: choose one on the page.
    let shown = browser.script(PRESS, &[]);
    assert_eq!(
        shown, "playing",
        "the page does not play what was chosen on it"
    );
    drop(browser);
    camera.stop();
}

/// Presses the first segment of the page and waits for its pictures to move.
const PRESS: &str = r#"
const [done] = arguments;
const start = Date.now();
let pressed = false;
const timer = setInterval(() => {
    const video = document.querySelector("video");
    if (video && video.currentTime > 0.2) { clearInterval(timer); done("playing"); }
    const entry = document.querySelector(".row button.play");
    if (!pressed && entry) { pressed = true; entry.click(); }
    if (Date.now() - start > 20000) { clearInterval(timer); done(document.body.innerHTML.slice(0, 2000)); }
}, 100);
"#;
