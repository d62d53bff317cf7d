//! Several segments at once on the page: chosen, downloaded in one file that others unpack and play, deleted and taken back.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use picam_system_tests::browser::{self, Browser};
use picam_system_tests::camera::{Camera, free_address, wait_for};
use picam_system_tests::downloads::{downloaded, judged, unpacked};
use picam_system_tests::http;
use picam_testkit::judges::have;
use serde_json::json;
use tempfile::TempDir;

const SIZE: &str = "size=320x240&fps=30&bitrate=500k&gop=15";

fn start(card: &Path, page: SocketAddr) -> Camera {
    let (front, rear) = (format!("front=sim:?{SIZE}"), format!("rear=sim:?{SIZE}"));
    let args = [
        ["--camera", &front],
        ["--camera", &rear],
        ["--segment", "2s"],
        ["--slots", "40"],
        ["--slot-size", "1MiB"],
        ["--listen", &page.to_string()],
    ];
    Camera::start("run", card, args.as_flattened())
}

/// Waits until so many segments are finished.
fn recorded(page: SocketAddr, count: usize) {
    wait_for("finished segments", Duration::from_secs(60), || {
        let listing = http::get(page, "/api/segments")?;
        let all = listing["segments"].as_array()?.iter();
        (all.filter(|s| s["state"] == "finished").count() >= count).then_some(())
    });
}

/// Two cameras that record, and a place for what is downloaded.
struct Stage {
    _scratch: TempDir,
    saved: PathBuf,
    page: SocketAddr,
    camera: Camera,
}

impl Stage {
    /// Once so many segments are finished; `None` without what it takes.
    fn with(segments: usize) -> Option<Self> {
        if !browser::installed() || !have("ffmpeg", "ffmpeg") {
            return None;
        }
        let scratch = tempfile::tempdir().unwrap();
        let saved = scratch.path().join("saved");
        fs::create_dir_all(&saved).unwrap();
        let page = free_address();
        let camera = start(&scratch.path().join("card"), page);
        recorded(page, segments);
        Some(Self {
            _scratch: scratch,
            saved,
            page,
            camera,
        })
    }

    fn phone(&self) -> Browser {
        let browser = Browser::open();
        browser.turn(390, 844);
        browser.save_to(&self.saved);
        browser
    }
}

const BAR: &str = "document.querySelector('.picked')";
const DELETED: &str = "document.querySelectorAll('#list .badge.deleted').length";

fn says(browser: &Browser, text: &str) {
    browser.until(&format!("{BAR}?.innerText.includes('{text}') === true"));
}

/// The rows of finished segments of a camera, the newest first.
fn row(camera: &str, n: usize) -> String {
    format!(
        "[...document.querySelectorAll('#list .group[data-camera={camera}] .row')]\
         .filter((row) => !row.querySelector('.badge.recording'))[{n}]?.querySelector('.play')"
    )
}

#[test]
fn several_segments_are_downloaded_deleted_and_taken_back() {
    let Some(stage) = Stage::with(6) else {
        return;
    };
    let page = stage.page;
    let browser = stage.phone();
    browser.go(&format!("http://{page}/#files"));
    browser.until(&format!("!!{}", row("F", 1)));
    browser.tap("document.getElementById('select')");
    says(&browser, "Tap what you want");
    assert_eq!(
        browser.value("document.getElementById('picked-download').disabled"),
        true
    );
    // Taps choose, and nothing plays.
    for chosen in [row("F", 1), row("R", 1), row("F", 0)] {
        browser.value(&format!("{chosen}.click()"));
    }
    says(&browser, "3 segments, ");
    browser.value(&format!("{}.click()", row("F", 0)));
    says(&browser, "2 segments, ");
    assert_eq!(
        browser.value("document.getElementById('player').hidden"),
        true
    );
    assert_eq!(
        browser.value("document.querySelectorAll('#list [aria-pressed=true]').length"),
        2
    );
    for scheme in ["light", "dark"] {
        browser.prefer("prefers-color-scheme", scheme);
        browser.assert_accessible(scheme);
        browser.show(&format!("picked-{scheme}"));
    }
    let names: Vec<String> = ["F", "R"]
        .map(|camera| {
            let name = format!("document.querySelector('#list .group[data-camera={camera}] [aria-pressed=true] + a').href");
            browser.value(&name).as_str().unwrap().to_owned()
        })
        .into();
    browser.tap_in_sight("document.getElementById('picked-download')");
    says(&browser, "It is being downloaded");
    let files = unpacked(&downloaded(&stage.saved));
    assert_eq!(files.len(), 2, "{files:?}");
    for address in &names {
        let id = address.split('/').nth(5).unwrap();
        let ending = format!("{id}.mp4");
        let file = files
            .iter()
            .find(|file| file.to_str().unwrap().ends_with(&ending));
        let file = file.unwrap_or_else(|| panic!("no {id} in {files:?}"));
        assert!(judged(file) > 0.5, "{}", file.display());
        let of_server = http::bytes(page, &format!("/api/segments/{id}/file")).unwrap();
        assert!(fs::read(file).unwrap() == of_server, "{id}");
    }

    browser.tap_in_sight(&format!(
        "[...{BAR}.querySelectorAll('button')].find((b) => b.textContent === 'Delete')"
    ));
    says(&browser, "2 segments deleted");
    browser.until(&format!("{DELETED} === 2"));
    let deletions = || {
        let status = http::get(page, "/api/status").unwrap();
        status["deletions"].as_array().unwrap().len()
    };
    assert_eq!(deletions(), 2);
    browser.assert_accessible("deleted");
    browser.tap_in_sight(&format!(
        "[...{BAR}.querySelectorAll('button')].find((b) => b.textContent === 'Undo')"
    ));
    says(&browser, "They stay");
    browser.until(&format!("{DELETED} === 0"));
    assert_eq!(deletions(), 0);

    // What has left the card is told before anything is downloaded.
    browser.value("fetch = ((real) => (path, ...rest) => real(path.replace(/segments=F\\d+/, 'segments=F099999'), ...rest))(fetch)");
    browser.tap("document.getElementById('picked-download')");
    says(&browser, "F099999");
    // Done: taps play again.
    browser.tap("document.getElementById('select')");
    browser.until(&format!(
        "{BAR}.hidden && !document.querySelector('#list [aria-pressed]')"
    ));
    browser.value(&format!("{}.click()", row("F", 0)));
    browser.until("!document.getElementById('player').hidden");
    drop(browser);
    stage.camera.stop();
}

/// What was saved together is downloaded together.
#[test]
fn what_is_saved_is_one_download() {
    let Some(stage) = Stage::with(2) else {
        return;
    };
    let page = stage.page;
    let body = json!({"id": "test", "before_s": 3, "after_s": 0});
    let (status, kept) = http::request(page, "POST", "/api/saves", Some(&body)).unwrap();
    assert_eq!(status, 200, "{kept}");
    wait_for("all of it to be finished", Duration::from_secs(30), || {
        let kept = http::get(page, "/api/segments?locked=1")?;
        let all = kept["segments"].as_array()?;
        all.iter().all(|s| s["state"] == "finished").then_some(())
    });
    let browser = stage.phone();
    browser.go(&format!("http://{page}/#saved"));
    let link = "document.querySelector('#kept a[download]')";
    browser.until(&format!(
        "!!{link} && !!document.querySelector('#kept canvas')"
    ));
    browser.assert_accessible("saved");
    browser.show("saved-download");
    let count = browser.value(&format!("{link}.href.split(',').length"));
    browser.tap_in_sight(link);
    let files = unpacked(&downloaded(&stage.saved));
    assert_eq!(json!(files.len()), count);
    for file in &files {
        judged(file);
    }
    drop(browser);
    stage.camera.stop();
}
