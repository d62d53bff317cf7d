//! Live views of a real recorder: what they show, what they cost it, and how Chromium shows them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use picam_mp4::read::Movie;
use picam_system_tests::browser::{self, Browser};
use picam_system_tests::camera::{Camera, free_address, wait_for};
use picam_system_tests::frames::numbers;
use picam_system_tests::http;
use picam_system_tests::live::LiveView;
use picam_testkit::{ffmpeg, judges};
use picam_time::{Clock, SystemClock};
use serde_json::Value;

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const TIMEOUT: Duration = Duration::from_secs(30);
const SIZE: (usize, usize) = (320, 180);

/// A recorder with its page at `page`; in one process, or in two.
fn start(card: &Path, page: SocketAddr, camera: &str, apart: bool) -> Vec<Camera> {
    let (listen, camera) = (page.to_string(), format!("front={camera}"));
    let record = [
        ["--camera", &camera],
        ["--segment", "2s"],
        ["--slots", "8"],
        ["--slot-size", "8MiB"],
    ];
    let mut record = record.as_flattened().to_vec();
    if !apart {
        record.extend(["--listen", &listen]);
        return vec![Camera::start("run", card, &record)];
    }
    let socket = card.with_extension("sock");
    let socket = socket.to_str().unwrap();
    record.extend(["--control", socket]);
    let recorder = Camera::start("record", card, &record);
    let web = ["--listen", &listen, "--recorder", socket];
    vec![recorder, Camera::start("web", card, &web)]
}

fn status(page: SocketAddr) -> Value {
    wait_for("the status", TIMEOUT, || {
        http::get(page, "/api/status").filter(|status| status["recording"] == true)
    })
}

/// How many pictures the recorder itself lost, at the camera and after it.
fn losses(page: SocketAddr) -> (u64, u64) {
    let camera = status(page)["cameras"][0].clone();
    let lost = camera["lost"].as_object().unwrap().values();
    let lost: u64 = lost.map(|count| count.as_u64().unwrap()).sum();
    (
        camera["dropped_encoder"].as_u64().unwrap(),
        camera["dropped_queue"].as_u64().unwrap() + lost,
    )
}

/// Opens a view as soon as somebody answers.
fn open(from: Ipv4Addr, page: SocketAddr) -> LiveView {
    wait_for("a live view", TIMEOUT, || {
        LiveView::open(from, page, 'F')
            .ok()
            .filter(|view| view.status == 200)
    })
}

#[test]
fn viewers_see_every_picture_and_the_recorder_loses_none() {
    if !judges::have("ffmpeg", "ffmpeg") {
        return;
    }
    for apart in [false, true] {
        let scratch = tempfile::tempdir().unwrap();
        let page = free_address();
        let camera = "sim:?size=320x180&fps=15&bitrate=500k&gop=15";
        let processes = start(&scratch.path().join("card"), page, camera, apart);
        status(page);
        // One that never reads, all the time.
        let _silent = open(OTHER, page);
        let watch =
            |from| thread::spawn(move || open(from, page).take(Duration::from_secs(4)).unwrap());
        let taken = [watch(HERE), watch(OTHER)].map(|thread| thread.join().unwrap());
        let (at_camera, behind) = losses(page);
        assert_eq!(behind, 0, "apart: {apart}");
        for stream in taken {
            let file = scratch.path().join("live.mp4");
            std::fs::write(&file, stream).unwrap();
            judges::ffmpeg_decodes(&file).unwrap();
            let seen = numbers(&file, SIZE.0, SIZE.1);
            assert!(seen.len() > 20, "{seen:?}");
            // What a busy machine kept the simulated camera from taking, nobody can see.
            let missing: u64 = seen
                .windows(2)
                .map(|two| u64::from(two[1] - two[0] - 1))
                .sum();
            assert!(missing <= at_camera, "{missing} of {seen:?}");
            assert!(seen.windows(2).all(|two| two[0] < two[1]), "{seen:?}");
        }
        processes
            .into_iter()
            .for_each(|process| drop(process.kill()));
    }
}

#[test]
fn a_slow_viewer_goes_on_at_a_key_frame_and_costs_nobody_else_a_picture() {
    if !judges::have("ffmpeg", "ffmpeg") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let clip = scratch.path().join("clip.mp4");
    let input = "-f lavfi -i testsrc2=size=640x360:rate=30,noise=alls=20:allf=t -t 8";
    let coded = "-pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 0 -g 30 -b:v 8M";
    ffmpeg::run(&format!("{input} {coded}"), &clip);
    let page = free_address();
    let camera = format!("file:{}?loop=1", clip.display());
    let processes = start(&scratch.path().join("card"), page, &camera, false);
    status(page);
    let slow = thread::spawn(move || {
        let mut view = open(OTHER, page);
        let mut stream = view.take(Duration::from_millis(300)).unwrap();
        // Megabytes come meanwhile.
        thread::sleep(Duration::from_secs(6));
        stream.extend(view.take(Duration::from_secs(3)).unwrap());
        stream
    });
    let quick = open(HERE, page).take(Duration::from_secs(8)).unwrap();
    let slow = slow.join().unwrap();
    assert_eq!(losses(page), (0, 0));
    for (stream, is_slow) in [(quick, false), (slow, true)] {
        let file = scratch.path().join("live.mp4");
        std::fs::write(&file, &stream).unwrap();
        let movie = Movie::read(&stream[..]).unwrap();
        let samples = &movie.video().unwrap().samples;
        // Where more than two pictures' time lies between two, some were left out.
        let joints = samples
            .windows(2)
            .filter(|two| two[1].dts - two[0].dts > 2 * 3000);
        let joints: Vec<bool> = joints.map(|two| two[1].key).collect();
        assert_eq!(!joints.is_empty(), is_slow, "{joints:?}");
        assert!(
            joints.iter().all(|&key| key),
            "goes on in the middle of a group"
        );
        judges::ffmpeg_decodes(&file).unwrap();
    }
    processes
        .into_iter()
        .for_each(|process| drop(process.kill()));
}

#[test]
fn eight_watch_and_the_ninth_is_told_so() {
    let scratch = tempfile::tempdir().unwrap();
    let page = free_address();
    let camera = "sim:?size=320x180&fps=10&bitrate=500k";
    let processes = start(&scratch.path().join("card"), page, camera, true);
    status(page);
    let mut views: Vec<_> = (0..8)
        .map(|n| open(if n < 4 { HERE } else { OTHER }, page))
        .collect();
    let third = Ipv4Addr::new(127, 0, 0, 3);
    let mut refused = LiveView::open(third, page, 'F').unwrap();
    assert_eq!(refused.status, 503, "{}", refused.head);
    assert!(refused.head.to_ascii_lowercase().contains("retry-after: 3"));
    // There is still room for everybody else.
    assert_eq!(
        http::request(page, "GET", "/api/segments", None).unwrap().0,
        200
    );
    views.pop();
    let mut other = open(third, page);
    assert!(other.piece().unwrap().is_some());
    assert!(refused.piece().is_err());
    processes
        .into_iter()
        .for_each(|process| drop(process.kill()));
}

const PRESS: &str = "document.querySelector('#cameras .live').click()";
const TIME: &str = "document.getElementById('live-video').currentTime";
const SHUT: &str = "document.getElementById('live').hidden";

#[test]
fn chromium_shows_a_camera_live_and_only_while_somebody_looks() {
    if !browser::installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let page = free_address();
    let camera = match long() {
        true => "sim:?size=1280x720&fps=30&bitrate=4M&gop=30",
        false => "sim:?size=640x360&fps=30&bitrate=1M&gop=30",
    };
    let processes = start(&scratch.path().join("card"), page, camera, false);
    status(page);
    // Others watch as well, and take what comes.
    let others: Vec<_> = (0..3)
        .map(|_| thread::spawn(move || open(OTHER, page).take(Duration::from_secs(20)).unwrap()))
        .collect();
    let browser = Browser::open();
    browser.turn(390, 844);
    browser.go(&format!("http://{page}/#files"));
    browser.until("!!document.querySelector('#cameras .live:enabled')");
    browser.value("document.querySelector('#cameras .live').focus()");
    browser.value(PRESS);
    browser.until(&format!(
        "{TIME} > 0 && document.getElementById('live-note').hidden"
    ));
    browser.until("/^[0-9.]+ s behind$/.test(document.getElementById('live-behind').textContent)");
    let at = browser.value(TIME).as_f64().unwrap();
    browser.until(&format!("{TIME} > {at} + 2"));
    assert_eq!(
        browser.value("document.documentElement.scrollWidth <= innerWidth"),
        true
    );
    browser.show("live");
    latency(&browser);
    // No more than a few seconds are kept.
    let kept = "(() => { const b = document.getElementById('live-video').buffered; \
        return b.end(b.length - 1) - b.start(0); })()";
    browser.until(&format!("{kept} < 11"));
    // Nobody looks: nothing is asked for. Somebody does again: it goes on.
    let hide = |hidden: bool| {
        browser.value(&format!(
            "(Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }}), \
             document.dispatchEvent(new Event('visibilitychange')))"
        ));
    };
    hide(true);
    browser.until("!document.getElementById('live-video').hasAttribute('src')");
    hide(false);
    browser.until(&format!("{TIME} > {at}"));
    // A segment takes its place, and the other way round.
    browser.until("document.querySelectorAll('.row').length > 0");
    browser.value("document.querySelector('.row .play').click()");
    browser.until(SHUT);
    browser.value(PRESS);
    browser.until("document.getElementById('player').hidden");
    // Back closes it, and the keyboard is where it was.
    browser.back();
    browser.until(SHUT);
    assert_eq!(browser.value("location.pathname"), "/");
    browser.until("!history.state?.player");
    browser.value("document.querySelector('#cameras .live').focus()");
    browser.value(PRESS);
    browser.until("!document.getElementById('live').hidden");
    browser.value("document.getElementById('live-close').click()");
    browser.until(SHUT);
    browser.until("document.activeElement.matches('#cameras .live')");
    for other in others {
        let movie = Movie::read(&other.join().unwrap()[..]).unwrap();
        assert!(movie.video().unwrap().samples.len() > 100);
    }
    assert_eq!(losses(page).1, 0);
    drop(browser);
    processes
        .into_iter()
        .for_each(|process| drop(process.kill()));
}

#[test]
fn a_browser_that_cannot_shows_the_newest_footage_and_says_why() {
    if !browser::installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let page = free_address();
    let camera = "sim:?size=320x180&fps=10&bitrate=500k";
    let processes = start(&scratch.path().join("card"), page, camera, false);
    status(page);
    let browser = Browser::open();
    browser.before_each_page("delete window.MediaSource; delete window.ManagedMediaSource;");
    browser.go(&format!("http://{page}/"));
    browser.until("!!document.querySelector('#cameras .live:enabled')");
    browser.value(PRESS);
    browser.until("!document.getElementById('player').hidden");
    browser.until(
        "document.getElementById('playing-more').textContent.includes('cannot show live pictures')",
    );
    browser.until("document.getElementById('video').currentTime > 0.2");
    drop(browser);
    processes
        .into_iter()
        .for_each(|process| drop(process.kill()));
}

/// From the moment at which a picture was taken to the one at which it is shown; the burnt-in number says which it is.
fn latency(browser: &Browser) {
    let measured = browser.script(MEASURE, &[]);
    let all = measured.as_array().unwrap_or_else(|| panic!("{measured}"));
    let utc = UNIX_EPOCH.elapsed().unwrap();
    let booted = utc.as_secs_f64() * 1e3 - SystemClock.now().0 as f64 / 1e6;
    let mut late = Vec::new();
    let mut last: Option<(f64, f64)> = None;
    for shown in all {
        let field = |n: usize| shown[n].as_f64().unwrap();
        let (at_ms, taken_s, number) = (field(0), field(1), field(2));
        late.push(at_ms - booted - taken_s * 1e3);
        // The stream's time is that of the picture with this number.
        if let Some((taken_before, before)) = last {
            let pictures = (taken_s - taken_before) * 30.0;
            assert!((pictures - (number - before)).abs() < 0.5, "{measured}");
        }
        last = Some((taken_s, number));
    }
    late.sort_by(f64::total_cmp);
    let at = |part: f64| late[(part * (late.len() - 1) as f64) as usize];
    println!(
        "camera to screen, {} pictures: p50 {:.0} ms, p95 {:.0} ms, most {:.0} ms",
        late.len(),
        at(0.5),
        at(0.95),
        at(1.0)
    );
    assert!(at(0.0) > 0.0, "shown before it was taken");
}

/// Resolves to wall clock in ms, time in the stream in s and burnt-in number of 150 pictures shown.
const MEASURE: &str = r#"
const [done] = arguments;
const video = document.getElementById("live-video");
const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
const seen = [];
const timer = setTimeout(() => done(`only ${seen.length} pictures`), 25000);
const look = (now, { mediaTime, expectedDisplayTime }) => {
    const at = performance.timeOrigin + Math.max(performance.now(), expectedDisplayTime);
    const width = (canvas.width = video.videoWidth);
    const cell = Math.max(4, Math.floor(width / 40));
    canvas.height = cell * 3;
    context.drawImage(video, 0, 0);
    const row = context.getImageData(0, cell + (cell >> 1), width, 1).data;
    let number = 0;
    for (let bit = 0; bit < 32; bit += 1) {
        number = number * 2 + (row[4 * ((4 + bit) * cell + (cell >> 1))] > 126 ? 1 : 0);
    }
    seen.push([at, mediaTime, number]);
    if (seen.length === 150) { clearTimeout(timer); done(seen); }
    else video.requestVideoFrameCallback(look);
};
video.requestVideoFrameCallback(look);
"#;

/// Whether the picture is as large as the latency is promised for.
fn long() -> bool {
    std::env::var_os("PICAM_LIVE_LONG").is_some()
}
