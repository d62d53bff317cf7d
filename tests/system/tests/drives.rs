//! Drives in Chromium: listed, opened, played over joints, watched by another camera at the same moment, by finger and by
//! keyboard. Which picture is seen is told by the number that the simulated camera burns into it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use picam_system_tests::browser::{self, Browser};
use picam_system_tests::camera::{Camera, free_address, wait_for};
use picam_system_tests::http;
use serde_json::{Value, json};

const FPS: f64 = 30.0;
const SIZE: &str = "size=640x360&fps=30&bitrate=1M&gop=30&audio=1";

fn start(card: &Path, page: SocketAddr, more: &[&str]) -> Camera {
    let (listen, front, rear) = (
        page.to_string(),
        format!("front=sim:?{SIZE}"),
        format!("rear=sim:?{SIZE}"),
    );
    let args = [
        ["--camera", &front],
        ["--camera", &rear],
        ["--segment", "4s"],
        ["--slots", "40"],
        ["--slot-size", "2MiB"],
        ["--listen", &listen],
    ];
    Camera::start("run", card, &[args.as_flattened(), more].concat())
}

/// The newest drive, once each camera has so many finished segments of it.
fn driven(page: SocketAddr, count: usize) -> Value {
    wait_for("a drive", Duration::from_secs(120), || {
        let newest = http::get(page, "/api/drives")?["drives"][0].clone();
        let drive = http::get(page, &format!("/api/drives/{}", newest["id"].as_str()?))?;
        let parts = drive["parts"].as_array()?;
        let done = |letter| {
            let own = parts.iter().filter(|part| part["camera"] == letter);
            own.filter(|part| part["state"] == "finished").count()
        };
        (done("F") >= count && done("R") >= count).then_some(drive)
    })
}

/// Parts of a camera: its id, where it begins, and how long it is.
fn parts(drive: &Value, letter: &str) -> Vec<(String, f64, f64)> {
    let parts = drive["parts"].as_array().unwrap().iter();
    parts
        .filter(|part| part["camera"] == letter)
        .map(|part| {
            let number = |key: &str| part[key].as_f64().unwrap();
            let id = part["id"].as_str().unwrap().to_owned();
            (id, number("at_s"), number("length_s"))
        })
        .collect()
}

/// Notes what a page must not do, and how the number of a picture is read.
const WATCH: &str = r#"
window.wrong = [];
const note = (what) => window.wrong.push(String(what).slice(0, 300));
addEventListener("error", (event) => note(event.message ?? event.target?.src), true);
addEventListener("unhandledrejection", (event) => note(event.reason?.stack ?? event.reason));
document.addEventListener("securitypolicyviolation", (event) => note(`CSP ${event.violatedDirective} ${event.blockedURI}`));
const said = console.error;
console.error = (...all) => (note(all.join(" ")), said(...all));
window.numberOf = (video) => {
    if (!video || video.readyState < 2) return null;
    const canvas = document.createElement("canvas");
    const [width, height] = [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const cell = Math.max(Math.floor(width / 40), 4);
    let number = 0;
    for (let bit = 0; bit < 32; bit += 1) {
        const x = (4 + bit) * cell + (cell >> 1);
        const y = cell + (cell >> 1);
        number = number * 2 + (data[(y * width + x) * 4 + 1] > 126 ? 1 : 0);
    }
    return number;
};
"#;

/// What is wrong with the page so far, and what it asked others for.
fn assert_clean(browser: &Browser) {
    assert_eq!(browser.value("window.wrong"), json!([]));
    let off = "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => !name.startsWith(location.origin) && !name.startsWith('blob:'))";
    assert_eq!(browser.value(off), json!([]));
}

/// The number of the picture that a screen shows once it stands still.
fn standing(browser: &Browser, screen: usize) -> i64 {
    let number = format!(
        "(() => {{ const v = document.querySelectorAll('.screens .screen')[{screen}].querySelector('video.seen'); \
         return v && !v.seeking && v.paused ? window.numberOf(v) : null; }})()"
    );
    let mut last = Value::Null;
    let mut same = 0;
    wait_for(
        "a picture that stands still",
        Duration::from_secs(20),
        || {
            let now = browser.value(&number);
            same = if now == last && now.is_i64() {
                same + 1
            } else {
                0
            };
            last = now;
            std::thread::sleep(Duration::from_millis(60));
            (same >= 5).then(|| last.as_i64())?
        },
    )
}

/// Puts the playhead somewhere, as assistive technology does.
fn seek(browser: &Browser, at: f64) {
    browser.value(&format!(
        "(() => {{ const i = document.querySelector('.bar-box input'); i.value = {at}; i.dispatchEvent(new Event('input')); }})()"
    ));
}

fn press(browser: &Browser, id: &str) {
    browser.value(&format!("document.getElementById('{id}').click()"));
}

fn pause(browser: &Browser) {
    browser.value("document.getElementById('drive-play').title === 'Pause' && document.getElementById('drive-play').click()");
    browser.until("document.getElementById('drive-play').title === 'Play'");
}

const OPEN: &str = "!document.getElementById('drive').hidden";
const SHUT: &str = "document.getElementById('drive').hidden";

fn axe(browser: &Browser, where_: &str) {
    for scheme in ["light", "dark"] {
        browser.prefer("prefers-color-scheme", scheme);
        browser.assert_accessible(&format!("{where_}, {scheme}"));
        browser.show(&format!("{where_}-{scheme}"));
    }
    browser.prefer("prefers-color-scheme", "light");
}

fn page_of(browser: &Browser, page: SocketAddr, rest: &str) {
    browser.go("about:blank");
    browser.go(&format!("http://{page}/{rest}"));
}

#[test]
fn a_drive_is_one_playhead_over_all_cameras() {
    if !browser::installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let page = free_address();
    let camera = start(&scratch.path().join("card"), page, &["--drive"]);
    let drive = driven(page, 4);
    let browser = Browser::open();
    browser.before_each_page(WATCH);
    browser.turn(390, 844);
    page_of(&browser, page, "");
    // The card says what there is.
    browser.until("!!document.querySelector('.card .play')");
    browser.until("/top \\d+ km\\/h/.test(document.querySelector('.card').textContent)");
    browser.until("!!document.querySelector('.card canvas')");
    let text = browser.value("document.querySelector('.card').textContent");
    let text = text.as_str().unwrap();
    assert!(text.contains("km/h") && text.contains("Going on"), "{text}");
    assert_eq!(
        browser.value("document.documentElement.scrollWidth <= innerWidth"),
        json!(true)
    );
    axe(&browser, "drives-list");

    // A tap opens it, near its end, as it goes on.
    browser.tap("document.querySelector('.card .play')");
    browser.until(OPEN);
    browser.until("/^#drive=F\\d{6}@\\d/.test(location.hash)");
    browser.until("document.querySelector('.screens video.seen')?.currentTime > 0.1");
    pause(&browser);
    assert_eq!(
        browser.value("document.documentElement.scrollWidth <= innerWidth"),
        json!(true)
    );
    axe(&browser, "drive");

    same_moment(&browser, &drive);
    joints(&browser, &drive);

    // Its address leads back to the moment, and Back to the list.
    let (third, at, _) = &parts(&drive, "F")[2];
    seek(&browser, at + 1.5);
    pause(&browser);
    let number = standing(&browser, 0);
    browser.until(&format!("location.hash.startsWith('#drive={third}@1.')"));
    let hash = browser.value("location.hash");
    page_of(&browser, page, hash.as_str().unwrap());
    browser.until(OPEN);
    browser.until("document.querySelector('.screens video.seen')?.readyState >= 2");
    pause(&browser);
    let again = standing(&browser, 0);
    assert!(
        (number - 3..number + 150).contains(&again),
        "{number} {again}"
    );
    browser.back();
    browser.until(SHUT);
    assert_eq!(browser.value("location.pathname + location.hash"), "/");
    browser.until("document.querySelectorAll('.card .play').length > 0 && !history.state?.player");

    keyboard(&browser);
    side_by_side(&browser, page, &drive);
    assert_clean(&browser);
    drop(browser);
    camera.stop();
}

/// Another camera shows the same moment: their numbers are as far apart in every segment.
fn same_moment(browser: &Browser, drive: &Value) {
    let own = parts(drive, "F");
    let mut apart = Vec::new();
    for (n, within) in [(1, 0.7), (2, 2.5), (3, 0.05)] {
        browser.value("document.querySelector('.controls .tabs [data-letter=F]').click()");
        seek(browser, own[n].1 + within);
        let front = standing(browser, 0);
        browser.tap("document.querySelector('.controls .tabs [data-letter=R]')");
        browser.until(
            "document.querySelector('.controls .tabs [aria-pressed=true]').dataset.letter === 'R'",
        );
        browser.until("/R\\d{6}/.test(document.querySelector('.screens video.seen').src)");
        apart.push(front - standing(browser, 0));
    }
    println!("front and rear are {apart:?} pictures apart");
    let (least, most) = (apart.iter().min().unwrap(), apart.iter().max().unwrap());
    assert!(most - least <= 1, "{apart:?}");
    browser.value("document.querySelector('.controls .tabs [data-letter=F]').click()");
}

/// Playback goes on over a joint: every picture after the other, and no pause that anybody would call one.
fn joints(browser: &Browser, drive: &Value) {
    let own = parts(drive, "F");
    seek(browser, own[1].1 - 1.0);
    let before = standing(browser, 0);
    press(browser, "drive-play");
    let seen = browser.script(FOLLOW, &[&format!("{}", own[2].1 + 1.0)]);
    let seen = seen.as_array().unwrap_or_else(|| panic!("{seen}"));
    let seen: Vec<(i64, f64, i64)> = seen
        .iter()
        .map(|one| {
            let number = |n: usize| one[n].as_f64().unwrap();
            (number(0) as i64, number(1), number(2) as i64)
        })
        .collect();
    assert!(
        seen[0].0 >= before && seen[0].0 < before + 20,
        "{before} {:?}",
        seen[0]
    );
    let mut pauses = Vec::new();
    for pair in seen.windows(2) {
        let (step, ms) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        assert!(step > 0 && step < 20, "{pair:?}");
        // From the last picture of a segment that was seen to the first of the next, less what that should take.
        if pair[0].2 != pair[1].2 {
            pauses.push((ms - step as f64 * 1000.0 / FPS).max(0.0).round());
        }
    }
    println!(
        "{} pictures seen; pauses at joints: {pauses:?} ms",
        seen.len()
    );
    assert_eq!(pauses.len(), 2, "{seen:?}");
    assert!(pauses.iter().all(|&pause| pause < 500.0), "{pauses:?}");
    pause(browser);
}

/// The keyboard alone opens a drive, moves within it, changes camera and closes it.
fn keyboard(browser: &Browser) {
    browser.keys("document.querySelector('.card .play')", "\u{e007}");
    browser.until(OPEN);
    browser.until("document.activeElement.id === 'drive-play'");
    pause(browser);
    let at = || {
        browser
            .value("Number(document.querySelector('.bar-box input').value)")
            .as_f64()
            .unwrap()
    };
    let input = "document.querySelector('.bar-box input')";
    browser.value("document.querySelector('.bar-box input').focus()");
    seek(browser, 11.5);
    browser.keys(input, "\u{e012}");
    assert!((at() - 1.5).abs() < 0.2, "{}", at());
    browser.keys(input, "\u{e014}");
    assert!((at() - 11.5).abs() < 0.2, "{}", at());
    browser.keys(input, "c");
    browser.until(
        "document.querySelector('.controls .tabs [aria-pressed=true]').dataset.letter === 'R'",
    );
    browser.keys(input, " ");
    browser.until("document.getElementById('drive-play').title === 'Pause'");
    browser.keys(input, "\u{e00c}");
    browser.until(SHUT);
    browser.until("document.activeElement.matches('.card .play')");
}

/// Where there is room both are seen, together.
fn side_by_side(browser: &Browser, page: SocketAddr, drive: &Value) {
    browser.turn(1280, 800);
    page_of(
        browser,
        page,
        &format!("#drive={}@0.5", parts(drive, "F")[0].0),
    );
    browser.until("document.querySelectorAll('.screens .screen').length === 2");
    browser.until("[...document.querySelectorAll('.screens video.seen')].filter((v) => v.currentTime > 0.3).length === 2");
    // Over a joint and some seconds on.
    let on = parts(drive, "F")[1].1 + 3.0;
    browser.until(&format!(
        "Number(document.querySelector('.bar-box input').value) > {on}"
    ));
    let together = browser.script(
        "const [done] = arguments; requestAnimationFrame(() => done([...document.querySelectorAll('.screens video.seen')].map(window.numberOf)));",
        &[],
    );
    pause(browser);
    seek(browser, on);
    let still = [standing(browser, 0), standing(browser, 1)];
    let playing = [0, 1].map(|n: usize| together[n].as_i64().unwrap());
    let off = (playing[0] - playing[1]) - (still[0] - still[1]);
    println!("side by side, {off} pictures off while they play");
    assert!(off.abs() <= 10, "{playing:?} {still:?}");
    axe(browser, "drive-wide");
    assert_eq!(
        browser.value("document.documentElement.scrollWidth <= innerWidth"),
        json!(true)
    );
    browser.turn(844, 390);
    browser.until("document.querySelectorAll('.screens .screen').length === 1");
    standing(browser, 0);
    axe(browser, "drive-flat");
}

/// Numbers of the pictures that are seen until the playhead has come so far: number, when, and of which segment.
const FOLLOW: &str = r#"
const [until, done] = arguments;
const seen = [];
const began = performance.now();
const round = () => {
    const video = document.querySelector(".screens video.seen");
    const number = window.numberOf(video);
    const segment = Number(/[A-Z](\d{6})/.exec(video.src)?.[1]);
    if (number !== null && number !== seen.at(-1)?.[0]) seen.push([number, performance.now(), segment]);
    if (Number(document.querySelector(".bar-box input").value) > Number(until)) return done(seen);
    if (performance.now() - began > 25000) return done(`stuck: ${JSON.stringify(seen.slice(-5))}, at ${document.querySelector(".bar-box input").value} of ${until}`);
    requestAnimationFrame(round);
};
round();
"#;

#[test]
fn what_is_saved_is_listed_deleted_and_taken_back() {
    if !browser::installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let card = scratch.path().join("card");
    let config = card.with_extension("toml");
    // Nobody knows what time it is.
    fs::write(&config, "system-clock = false\n[shares]\nmanual = 0.5\n").unwrap();
    let page = free_address();
    let camera = start(&card, page, &["--config", config.to_str().unwrap()]);
    driven(page, 2);
    let browser = Browser::open();
    browser.before_each_page(WATCH);
    browser.turn(390, 844);
    page_of(&browser, page, "#saved");
    browser.until("document.getElementById('message').textContent.includes('Nothing saved yet')");
    let body = json!({"id": "test", "before_s": 5, "after_s": 0});
    let (status, saved) = http::request(page, "POST", "/api/saves", Some(&body)).unwrap();
    assert_eq!(status, 200, "{saved}");
    let row = "document.querySelector('#kept .row')";
    browser.until(&format!("!!{row}?.querySelector('canvas')"));
    let text = browser.value(&format!("{row}.textContent"));
    let text = text.as_str().unwrap();
    assert!(
        text.contains("front")
            && text.contains("rear")
            && text.contains("Saved on the page")
            && text.contains("boot"),
        "{text}"
    );
    browser.until("/takes \\d+ % of the ring/.test(document.getElementById('kept').textContent)");
    axe(&browser, "saved");
    let undo = "document.querySelector('#kept .undo')";
    // What is being recorded cannot be deleted; a moment later it can.
    wait_for("all of it to be finished", Duration::from_secs(30), || {
        let kept = http::get(page, "/api/segments?locked=1")?;
        let all = kept["segments"].as_array()?;
        all.iter().all(|s| s["state"] == "finished").then_some(())
    });
    browser.value(&format!("{undo}.click()"));
    browser.until(&format!(
        "{undo}.textContent === 'Undo' && {row}.textContent.includes('Gone in 24 h')"
    ));
    let deletions = || {
        let status = http::get(page, "/api/status").unwrap();
        status["deletions"].as_array().unwrap().len()
    };
    wait_for("it to be deleted", Duration::from_secs(10), || {
        (deletions() >= 2).then_some(())
    });
    axe(&browser, "saved-deleted");
    browser.value(&format!("{undo}.click()"));
    browser.until(&format!("{undo}.title === 'Delete'"));
    wait_for("it to stay", Duration::from_secs(10), || {
        (deletions() == 0).then_some(())
    });
    // It leads to its place in the drive.
    browser.tap(&format!("{row}.querySelector('.play')"));
    browser.until(OPEN);
    browser.until("!!document.querySelector('.lane .manual')");
    browser.until("/^boot \\d+ \\+0:\\d\\d:\\d\\d$|^boot \\d+ \\+\\d+:\\d\\d:\\d\\d$/.test(document.getElementById('drive-time').textContent)");
    browser.back();
    browser.until(SHUT);
    browser.until("!document.getElementById('kept').hidden");
    assert_eq!(browser.value("location.hash"), "#saved");
    assert_clean(&browser);
    drop(browser);
    camera.stop();
}

#[test]
fn a_card_that_vanishes_and_footage_that_is_recorded_over_are_said() {
    if !browser::installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let card = scratch.path().join("card");
    let page = free_address();
    let camera = start(&card, page, &[]);
    let drive = driven(page, 3);
    camera.stop();
    let listen = page.to_string();
    let web = Camera::start(
        "web",
        &card,
        &["--listen", &listen, "--recorder", "/no/recorder"],
    );
    wait_for("the page", Duration::from_secs(20), || {
        http::get(page, "/api/health")
    });
    let browser = Browser::open();
    browser.turn(390, 844);
    page_of(
        &browser,
        page,
        &format!("#drive={}@0.2", parts(&drive, "F")[0].0),
    );
    browser.until("document.querySelector('.screens video.seen')?.currentTime > 0.4");
    // The next segment is recorded over while the first plays.
    let second = &parts(&drive, "F")[1].0;
    let file = fs::read_dir(&card).unwrap().flatten().find(|file| {
        let name = file.file_name().into_string().unwrap();
        name.contains("_FN_") && name.contains(&second[1..])
    });
    fs::remove_file(file.unwrap().path()).unwrap();
    seek(&browser, parts(&drive, "F")[1].1 + 1.0);
    browser.until("document.querySelector('.screens video.seen')?.src.includes('F000003') || document.querySelector('.screens .video-error').textContent.includes('recorded over')");
    // The card is pulled out.
    fs::rename(&card, card.with_extension("away")).unwrap();
    pause(&browser);
    seek(&browser, 0.5);
    browser.value("document.querySelector('.controls .tabs [data-letter=R]')?.click()");
    browser.until("/cannot be read|recorded over/.test(document.querySelector('.screens .video-error').textContent)");
    // Back, and it plays again.
    fs::rename(card.with_extension("away"), &card).unwrap();
    seek(&browser, parts(&drive, "R")[2].1 + 0.5);
    press(&browser, "drive-play");
    browser.until("document.querySelector('.screens video.seen')?.currentTime > 0.8 && document.querySelector('.screens .video-error').hidden");
    // An address of what is gone says so, on the list.
    page_of(&browser, page, "#drive=F009999@1");
    browser.until("document.getElementById('notice').textContent.includes('recorded over')");
    drop(browser);
    web.kill();
}
