//! Chromium plays segments from the page: finished, recovered, and still being recorded; and the page is
//! the same to a phone on its side, a keyboard, a screen reader and whoever chooses the colours.
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
    files(&browser, page);
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

/// Opens the list of files, anew.
fn files(browser: &Browser, page: SocketAddr) {
    browser.go("about:blank");
    browser.go(&format!("http://{page}/#files"));
}

/// A card with many segments of two cameras, so that the list is long.
fn long_list(card: &Path) {
    for n in 1..=60_u32 {
        let letter = if n % 2 == 0 { 'F' } else { 'R' };
        let (hour, minute) = (8 + n / 60, n % 60);
        let name = format!("20261119_{hour:02}{minute:02}00_{letter}N_{n:06}.mp4");
        std::fs::write(card.join(name), [0; 4096]).unwrap();
    }
}

/// The position of a row on the screen, and whether the player is in sight.
const ROW: &str =
    "Math.round(document.querySelector('.row:nth-child(3)').getBoundingClientRect().top)";
const IN_SIGHT: &str = "(() => { const p = document.getElementById('video').getBoundingClientRect(); \
    return p.height > 80 && p.top >= -1 && p.bottom <= innerHeight + 1; })()";
const SHUT: &str = "document.getElementById('player').hidden";
const OPEN: &str = "!document.getElementById('player').hidden";

#[test]
fn a_phone_can_be_held_either_way() {
    if !browser::installed() {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    long_list(card.path());
    let page = free_address();
    let camera = start(card.path(), page);
    segment(page, "a finished segment", |s| s["state"] == "finished");
    let browser = Browser::open();
    for (width, height) in [(412, 915), (360, 640), (915, 412), (667, 375)] {
        browser.turn(width, height);
        files(&browser, page);
        browser.until("document.querySelectorAll('.row').length > 20");
        assert_eq!(
            browser.value("document.documentElement.scrollWidth <= innerWidth"),
            true
        );
        // A row far down.
        browser.value("document.querySelectorAll('.row')[25].scrollIntoView({ block: 'center' })");
        browser.value("(() => { const b = document.querySelectorAll('.row .play')[25]; b.focus(); b.click(); })()");
        browser.until(OPEN);
        browser.until(IN_SIGHT);
        browser.show(&format!("player-{width}x{height}"));
        // Back closes the player, and stays on the page; the keyboard is where it was.
        browser.back();
        browser.until(SHUT);
        assert_eq!(browser.value("location.pathname"), "/");
        browser.until("document.activeElement.matches('.row .play')");
        // So does the button, and the history is no longer than before.
        browser.value("document.querySelector('.row .play').click()");
        browser.until(OPEN);
        browser.value("document.getElementById('close').click()");
        browser.until(SHUT);
        browser.until("document.activeElement.matches('.row .play') && !history.state?.player");
    }
    drop(browser);
    camera.stop();
}

#[test]
fn rows_stay_under_the_finger() {
    if !browser::installed() {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    let page = free_address();
    let camera = start(card.path(), page);
    segment(page, "a third segment", |s| s["sequence"] == 3);
    let browser = Browser::open();
    files(&browser, page);
    browser.until("document.querySelectorAll('.row').length >= 3");
    browser.until("document.getElementById('summary').textContent === 'Recording'");
    let (before, rows) = (
        browser.value(ROW),
        browser.value("document.querySelectorAll('.row').length"),
    );
    // New ones are announced, and shown when they are asked for.
    browser.until("!document.getElementById('fresh').hidden");
    assert_eq!(browser.value(ROW), before);
    assert_eq!(
        browser.value("document.querySelectorAll('.row').length <= 9"),
        true,
        "{rows}"
    );
    let newest = browser.value("Number(document.querySelector('.row').dataset.sequence)");
    // The player goes on with what is not shown yet.
    browser.value("document.querySelector('.row .play').click()");
    browser.until(&format!(
        "Number(/F(\\d+)/.exec(document.getElementById('video').src)?.[1]) > {newest}"
    ));
    browser.value("document.getElementById('fresh').click()");
    browser.until(&format!(
        "Number(document.querySelector('.row').dataset.sequence) > {newest}"
    ));
    browser.until("document.activeElement.matches('.row .play')");
    drop(browser);
    camera.stop();
}

#[test]
fn everybody_can_use_the_page() {
    if !browser::installed() {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    long_list(card.path());
    let page = free_address();
    let camera = start(card.path(), page);
    segment(page, "a finished segment", |s| s["state"] == "finished");
    let browser = Browser::open();
    files(&browser, page);
    browser.until("document.querySelectorAll('.row').length > 20");
    // What a row does is part of its name, and so is the camera.
    let name = browser.value("document.querySelector('.row .play').textContent");
    assert!(name.as_str().unwrap().starts_with("Play front "), "{name}");
    // A saved file's name has the time that the list shows.
    let offset = "new URL(document.querySelector('.row .icon').href).searchParams.get('offset')";
    let minutes = browser.value("String(-new Date().getTimezoneOffset())");
    assert_eq!(browser.value(offset), minutes);
    // Where colours are the person's own, what is playing, chosen and recording is told by more than
    // a background.
    let style = |element: &str, property: &str| {
        browser.value(&format!(
            "getComputedStyle(document.querySelector({element:?})).{property}"
        ))
    };
    browser.value("document.querySelector('.row .play').click()");
    browser.until(OPEN);
    for (media, value) in [
        ("prefers-color-scheme", "light"),
        ("prefers-color-scheme", "dark"),
        ("forced-colors", "active"),
    ] {
        browser.prefer(media, value);
        browser.assert_accessible(&format!("{media}: {value}"));
        browser.show(&format!("{media}-{value}"));
    }
    assert_eq!(style(".row.playing", "outlineStyle"), "solid");
    let chosen = style("#camera-filter [aria-pressed=true]", "borderTopColor");
    assert_ne!(
        chosen,
        style("#camera-filter [aria-pressed=false]", "borderTopColor")
    );
    let recording = style(".camera.recording .dot", "backgroundColor");
    assert_ne!(recording, style("body", "backgroundColor"));
    drop(browser);
    camera.stop();
}

/// Of files whose headers are damaged there are no drives.
const NO_DRIVES: &str = "!!document.getElementById('message')?.textContent.includes('No drives')";

#[test]
fn a_login_outlives_a_restart() {
    if !browser::installed() {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    long_list(card.path());
    let config = card.path().join("picam.toml");
    // In plain words, as a person writes it: its hash is another one at each start.
    std::fs::write(&config, "[web]\npassword = \"correct horse\"\n").unwrap();
    let page = free_address();
    let (listen, config) = (page.to_string(), config.display().to_string());
    let start = || {
        let args = [
            "--listen",
            &listen,
            "--config",
            &config,
            "--recorder",
            "/no/recorder",
        ];
        let web = Camera::start("web", card.path(), &args);
        wait_for("the page", Duration::from_secs(20), || {
            http::get(page, "/api/health")
        });
        web
    };
    let web = start();
    let browser = Browser::open();
    browser.go(&format!("http://{page}/"));
    assert_eq!(browser.value("location.pathname"), "/login");
    browser.assert_accessible("logging in");
    browser.value("(() => { const p = document.getElementById('password'); p.value = 'correct horse'; p.form.submit(); })()");
    browser.until(NO_DRIVES);
    browser.assert_accessible("no drives");
    web.kill();
    let web = start();
    files(&browser, page);
    browser.until("document.querySelectorAll('.row').length > 20");
    // Until everybody is logged out.
    browser.value("document.querySelector('#logout-everywhere button').click()");
    browser.until("location.pathname === '/login'");
    browser.go(&format!("http://{page}/"));
    assert_eq!(browser.value("location.pathname"), "/login");
    drop(browser);
    web.kill();
}

#[test]
fn footage_is_kept_and_deleted_on_the_page_and_recording_stopped() {
    if !browser::installed() {
        return;
    }
    let card = tempfile::tempdir().unwrap();
    let page = free_address();
    let camera = start(card.path(), page);
    segment(page, "a second segment", |s| s["sequence"] == 2);
    let browser = Browser::open();
    browser.turn(412, 915);
    files(&browser, page);
    // The first segment, which is finished.
    browser.until("document.querySelectorAll('.row').length > 1");
    browser.value("[...document.querySelectorAll('.row .play')].at(-1).click()");
    browser.until(OPEN);
    let press = |id: &str| {
        browser.value(&format!("document.getElementById('{id}').click()"));
    };
    let says = |id: &str, text: &str| {
        browser.until(&format!(
            "document.getElementById('{id}').textContent.includes('{text}')"
        ));
    };
    press("keep");
    says("keep", "Kept");
    let first = segment(page, "the first segment to be kept", |s| {
        s["sequence"] == 1 && s["locked"] == true
    });
    assert_eq!(first["class"], "manual");
    browser.until("!!document.querySelector('.badge.manual')");
    browser.until("!document.getElementById('delete').disabled");
    press("delete");
    says("delete", "Undo");
    says("order-answer", "Gone in 24 h");
    browser.until("!!document.querySelector('.row.playing .badge.deleted')");
    for scheme in ["light", "dark"] {
        browser.prefer("prefers-color-scheme", scheme);
        browser.assert_accessible(scheme);
        browser.show(&format!("orders-{scheme}"));
    }
    press("delete");
    says("order-answer", "It stays");
    browser.until("!document.querySelector('.badge.deleted')");
    // Not at the first tap.
    press("pause");
    says("pause", "Yes, stop");
    press("pause");
    says("summary", "Paused");
    says("pause", "Record again");
    browser.value("document.getElementById('pause').scrollIntoView()");
    browser.show("orders-paused");
    press("pause");
    says("summary", "Recording");
    drop(browser);
    camera.stop();
}

/// Presses the first segment of the page and waits for its pictures to move.
const PRESS: &str = r#"
const [done] = arguments;
const start = Date.now();
let pressed = false;
const timer = setInterval(() => {
    const video = document.getElementById("video");
    if (video && video.currentTime > 0.2) { clearInterval(timer); done("playing"); }
    const entry = document.querySelector(".row button.play");
    if (!pressed && entry) { pressed = true; entry.click(); }
    if (Date.now() - start > 20000) { clearInterval(timer); done(document.body.innerHTML.slice(0, 2000)); }
}, 100);
"#;
