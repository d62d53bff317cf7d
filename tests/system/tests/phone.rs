//! After a crash: what is saved with one tap, and the clip of every camera on the phone three taps later. Scripted in
//! Chromium at the size of a phone; what was downloaded is judged by ffmpeg.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use picam_system_tests::browser::{self, Browser};
use picam_system_tests::camera::{Camera, binary, free_address, wait_for};
use picam_system_tests::downloads::{downloaded, judged, unpacked};
use picam_system_tests::http;
use picam_testkit::judges::have;
use serde_json::{Value, json};

const SIZE: &str = "size=640x360&fps=30&bitrate=1M&gop=30&audio=1";

/// Two cameras that do not know what time it is, and a page that may keep more than half of the ring.
const CONFIG: &str = "system-clock = false\n[shares]\nmanual = 0.6\nevent = 0.1\nparking = 0.1\n";

fn start(card: &Path, page: SocketAddr, segment: &str, more: &[&str]) -> Camera {
    let config = card.with_extension("toml");
    fs::write(&config, CONFIG).unwrap();
    let config = config.display().to_string();
    let (listen, front, rear) = (
        page.to_string(),
        format!("front=sim:?{SIZE}"),
        format!("rear=sim:?{SIZE}"),
    );
    let args = [
        ["--camera", &front],
        ["--camera", &rear],
        ["--segment", segment],
        ["--slots", "40"],
        ["--slot-size", "2MiB"],
        ["--listen", &listen],
        ["--config", &config],
    ];
    Camera::start("run", card, &[args.as_flattened(), more].concat())
}

fn segments(page: SocketAddr) -> Option<Vec<Value>> {
    http::get(page, "/api/segments")?["segments"]
        .as_array()
        .cloned()
}

/// Waits until each camera has so many finished segments.
fn recorded(page: SocketAddr, count: usize) {
    wait_for("segments of both cameras", Duration::from_secs(120), || {
        let all = segments(page)?;
        let done = |letter| {
            let own = all.iter().filter(|s| s["camera"] == letter);
            own.filter(|s| s["state"] == "finished").count()
        };
        (done("F") >= count && done("R") >= count).then_some(())
    });
}

/// The kinds of the streams in a file.
fn streams(path: &Path) -> Vec<String> {
    let probed = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "stream=codec_type",
            "-of",
            "csv=p=0",
        ])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&probed.stdout).into_owned();
    text.lines()
        .map(|line| line.trim_end_matches(',').to_owned())
        .collect()
}

#[test]
fn three_taps_from_the_page_to_the_clip_of_both_cameras() {
    if !browser::installed() || !have("ffmpeg", "ffmpeg") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let (card, saved) = (scratch.path().join("card"), scratch.path().join("saved"));
    fs::create_dir_all(&saved).unwrap();
    let page = free_address();
    let camera = start(&card, page, "4s", &["--drive"]);
    recorded(page, 3);
    let browser = Browser::open();
    browser.turn(390, 844);
    browser.save_to(&saved);
    browser.go(&format!("http://{page}/"));
    browser.until("!!document.querySelector('.card canvas')");
    for scheme in ["light", "dark"] {
        browser.prefer("prefers-color-scheme", scheme);
        browser.show(&format!("phone-list-{scheme}"));
        browser.assert_accessible("the list");
    }
    let mut took = Duration::ZERO;
    let mut began = Instant::now();
    // One: the drive.
    browser.tap_in_sight("document.querySelector('.card .play')");
    browser.until("document.querySelector('.screens video.seen')?.readyState >= 2");
    // Two.
    browser.tap_in_sight("document.getElementById('drive-clip')");
    browser.until("!document.getElementById('clip-box').hidden");
    browser.until("document.getElementById('clip-get').textContent.includes('kB') || document.getElementById('clip-get').textContent.includes('MB')");
    took += began.elapsed();
    for scheme in ["light", "dark"] {
        browser.prefer("prefers-color-scheme", scheme);
        browser.show(&format!("phone-clip-{scheme}"));
        browser.assert_accessible("the clip maker");
    }
    browser.prefer("prefers-color-scheme", "light");
    began = Instant::now();
    // Three.
    browser.tap_in_sight("document.getElementById('clip-get')");
    let zip = downloaded(&saved);
    took += began.elapsed();
    println!("three taps, {took:?} from the first to the clip of both cameras on the phone");
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert_eq!(zip.extension().unwrap(), "zip");
    let clips = unpacked(&zip);
    assert_eq!(clips.len(), 2);
    for (clip, camera) in clips.iter().zip(["front", "rear"]) {
        assert!(clip.to_string_lossy().contains(camera), "{clip:?}");
        // Twenty seconds before what is seen and ten after it, as far as they were recorded.
        let length = judged(clip);
        assert!((6.0..=31.0).contains(&length), "{length}");
        assert!(streams(clip).len() > 2, "{:?}", streams(clip));
    }
    // The handles, by keyboard; one camera, without sound and place.
    let value = |id: &str| browser.value(&format!("Number(document.getElementById('{id}').value)"));
    browser.value("document.getElementById('clip-from').focus()");
    browser.keys(
        "document.getElementById('clip-from')",
        &"\u{e014}".repeat(30),
    );
    assert_eq!(value("clip-from").as_f64(), Some(-5.0));
    browser.value("document.getElementById('clip-to').value = -4.5");
    browser.value("document.getElementById('clip-to').dispatchEvent(new Event('input'))");
    assert!(value("clip-to").as_f64() >= Some(-4.0), "they keep apart");
    browser.value("document.getElementById('clip-to').value = 4");
    browser.value("document.getElementById('clip-to').dispatchEvent(new Event('input'))");
    for id in ["clip-R", "clip-sound", "clip-place"] {
        browser.value(&format!("document.getElementById('{id}').click()"));
    }
    let address = browser.value("document.getElementById('clip-get').getAttribute('href')");
    let address = address.as_str().unwrap();
    let one = scratch.path().join("one.mp4");
    fs::write(&one, http::bytes(page, address).unwrap()).unwrap();
    let length = judged(&one);
    assert!((3.5..=9.5).contains(&length), "{length}");
    assert_eq!(streams(&one), ["video"]);
    let bytes = fs::read(&one).unwrap();
    for word in [&b"camm"[..], b"\xa9xyz", b"tx3g", b"mp4a"] {
        assert!(!bytes.windows(word.len()).any(|w| w == word), "{word:?}");
    }
    // Without a camera there is no clip, and that is said.
    browser.value("document.getElementById('clip-F').click()");
    browser.until("document.getElementById('clip-note').textContent.includes('Choose a camera')");
    assert_eq!(
        browser.value("document.getElementById('clip-get').hasAttribute('href')"),
        json!(false)
    );
    // Another segment in the player closes it; nothing else asks for footage that is not there.
    browser.back();
    browser.until(
        "document.getElementById('drive').hidden && document.getElementById('clip-box').hidden",
    );
    drop(browser);
    camera.stop();
}

#[test]
fn one_tap_saves_and_one_more_has_the_clip() {
    if !browser::installed() || !have("ffmpeg", "ffmpeg") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let (card, saved) = (scratch.path().join("card"), scratch.path().join("saved"));
    fs::create_dir_all(&saved).unwrap();
    let page = free_address();
    let camera = start(&card, page, "3s", &[]);
    recorded(page, 3);
    let browser = Browser::open();
    browser.save_to(&saved);
    for (width, height) in [(844, 390), (1280, 800), (390, 844)] {
        browser.turn(width, height);
        browser.go("about:blank");
        browser.go(&format!("http://{page}/#files"));
        browser.until("document.querySelectorAll('.row .play').length >= 6");
        // In reach, wherever the page is scrolled to, and with the player open.
        for scroll in ["0", "document.body.scrollHeight"] {
            browser.value(&format!("scrollTo(0, {scroll})"));
            let bottom = "(() => { const r = document.getElementById('save').getBoundingClientRect(); \
                          return r.bottom <= innerHeight && r.top >= innerHeight / 2 && r.height >= 44; })()";
            assert_eq!(
                browser.value(bottom),
                json!(true),
                "{width}x{height} {scroll}"
            );
        }
        browser.show(&format!("phone-dock-{width}x{height}"));
    }
    browser.value("scrollTo(0, 0)");
    let tapped = Instant::now();
    browser.tap_in_sight("document.getElementById('save')");
    browser.until("!document.getElementById('saved').hidden");
    let took = tapped.elapsed();
    println!("saved {took:?} after the tap, as the phone has it");
    assert!(took < Duration::from_secs(10), "{took:?}");
    let said = browser.value("document.getElementById('saved-text').textContent");
    let said = said.as_str().unwrap();
    assert!(
        said.starts_with("Saved: ") && said.ends_with("and next 30 s, both cameras"),
        "{said}"
    );
    for scheme in ["light", "dark"] {
        browser.prefer("prefers-color-scheme", scheme);
        browser.show(&format!("phone-saved-{scheme}"));
        browser.assert_accessible("what was saved");
    }
    browser.tap_in_sight("document.getElementById('saved-clip')");
    let clips = unpacked(&downloaded(&saved));
    assert_eq!(clips.len(), 2);
    for clip in &clips {
        assert!(clip.to_string_lossy().contains("boot"), "{clip:?}");
        assert!(judged(clip) > 6.0);
    }
    // Whoever wants to stop recording is asked once more, and it is not where the thumb is.
    let press = || browser.value("document.getElementById('pause').click()");
    browser.until("!document.getElementById('pause-box').hidden");
    press();
    browser.until("document.getElementById('pause').textContent.startsWith('Yes, stop')");
    assert_eq!(
        http::get(page, "/api/status").unwrap()["paused_s"],
        Value::Null
    );
    browser.until("document.getElementById('pause').textContent.startsWith('Stop recording')");
    assert_eq!(
        http::get(page, "/api/status").unwrap()["paused_s"],
        Value::Null
    );
    // What cannot be reached is said, with what to do.
    camera.kill();
    browser.tap_in_sight("document.getElementById('save')");
    browser.until("document.getElementById('saved').className.includes('bad')");
    let said = browser.value("document.getElementById('saved').textContent");
    assert!(
        said.as_str().unwrap().contains("cannot be reached"),
        "{said}"
    );
    browser.show("phone-not-saved");
}

/// The plug is pulled the moment it is answered. What was there is locked at the next start, and durable within a second.
#[test]
fn what_was_saved_outlives_a_cut_right_after_the_answer() {
    let scratch = tempfile::tempdir().unwrap();
    let card = scratch.path().join("card");
    let page = free_address();
    let camera = start(&card, page, "1s", &[]);
    recorded(page, 4);
    let body = json!({"id": "crash", "before_s": 3, "after_s": 30});
    let asked = Instant::now();
    let (status, saved) = http::request(page, "POST", "/api/saves", Some(&body)).unwrap();
    let took = asked.elapsed();
    camera.kill();
    println!("durable {took:?} after it was asked for");
    assert_eq!(status, 200, "{saved}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let ids = |which: &str| -> Vec<String> {
        let all = saved[which].as_array().unwrap().iter();
        all.map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let held = ids("held");
    for letter in ["F", "R"] {
        // Three seconds are in two segments, which last two at most, and perhaps a third that has just begun.
        assert!(
            held.iter().filter(|id| id.starts_with(letter)).count() >= 2,
            "{saved}"
        );
    }
    // On the card as it is now.
    let class = |id: &str| {
        let files = fs::read_dir(&card).unwrap().flatten();
        let names = files.map(|file| file.file_name().into_string().unwrap());
        // Spare slots have names of the same length.
        let mut own = names.filter(|name| {
            name.starts_with("boot") && name[16..17] == id[..1] && name[19..25] == id[1..]
        });
        own.next().map(|name| name[17..18].to_owned())
    };
    for id in &held {
        assert_eq!(class(id).as_deref(), Some("M"), "{id}");
    }
    // And what was not yet, once it is started again.
    let camera = start(&card, page, "1s", &[]);
    for id in held.iter().chain(&ids("pending")) {
        wait_for("every segment to be kept", Duration::from_secs(60), || {
            (class(id).as_deref() == Some("M")).then_some(())
        });
    }
    wait_for("the page", Duration::from_secs(30), || {
        http::get(page, "/api/health")
    });
    // The same order again is about the same moment, which is another boot's to nobody: this machine has not restarted.
    let (status, again) = http::request(page, "POST", "/api/saves", Some(&body)).unwrap();
    assert_eq!(status, 200, "{again}");
    for id in &held {
        assert!(
            again["held"].as_array().unwrap().contains(&json!(id)),
            "{again}"
        );
    }
    camera.stop();
}

#[test]
fn the_owner_saves_at_the_command_line() {
    let scratch = tempfile::tempdir().unwrap();
    let card = scratch.path().join("card");
    let socket = scratch.path().join("recorder.sock");
    let page = free_address();
    let camera = start(&card, page, "1s", &["--control", socket.to_str().unwrap()]);
    recorded(page, 3);
    let picam = |args: &[&str]| {
        let output = Command::new(binary())
            .arg("lock")
            .args(args)
            .arg("--recorder")
            .arg(&socket)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (done, said) = picam(&[
        "--now", "--before", "2s", "--after", "0s", "--reason", "a deer",
    ]);
    assert!(done, "{said}");
    // How many segments two seconds lie in depends on how busy the machine is.
    for letter in ["F", "R"] {
        let own = said.lines().filter(|line| line.starts_with(letter));
        assert!(own.count() >= 1, "{said}");
    }
    let kept = said.lines().count() - 1;
    assert!(
        said.contains("0.0 s still to come") || said.contains("0 s still to come"),
        "{said}"
    );
    for (args, wrong) in [
        (&["--now", "--before", "11m"][..], "10m at most"),
        (
            &["--now", "--from", "2026-11-20 11:08:00"],
            "cannot be used with",
        ),
        (&["--before", "5s"], "--now"),
        (&[], "--from"),
    ] {
        let (done, said) = picam(args);
        assert!(!done && said.contains(wrong), "{args:?}: {said}");
    }
    wait_for(
        "every one of them to be an event",
        Duration::from_secs(60),
        || {
            let all = segments(page)?;
            let events = all.iter().filter(|segment| segment["class"] == "event");
            (events.count() >= kept).then_some(())
        },
    );
    camera.stop();
}
