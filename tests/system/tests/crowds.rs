//! The page before a crowd in bad faith: nobody who may come in waits for it, and it outgrows nothing.
//!
//! With `PICAM_PAGE_LONG` set, crowds of 2,000 connections, and downloads are timed beside them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use picam_system_tests::camera::{Camera, free_address, wait_for};
use picam_system_tests::crowd::{Crowd, Kind};
use picam_system_tests::http;
use picam_system_tests::memory::{Bound, peak_rss};
use picam_testkit::judges::skip;
use picam_web::hash_password;
use serde_json::json;
use tempfile::TempDir;

const PASSWORD: &str = "correct horse";
const MIB: u64 = 1 << 20;
const FILE: &str = "/api/segments/F000123/file";
/// A busy machine may take longer than the second that a page has for its answer.
const SOON: Duration = Duration::from_secs(4);

fn is_long() -> bool {
    std::env::var_os("PICAM_PAGE_LONG").is_some()
}

/// `picam web` in the memory that its unit gives it, beside no recorder.
struct Page {
    camera: Camera,
    at: SocketAddr,
    _bound: Option<Bound>,
    _card: TempDir,
}

impl Page {
    fn start() -> Self {
        let card = tempfile::tempdir().unwrap();
        let at = free_address();
        let config = card.path().join("picam.toml");
        let hash = hash_password(PASSWORD).unwrap();
        std::fs::write(&config, format!("[web]\npassword-hash = \"{hash}\"\n")).unwrap();
        // No header, so that it is served as it is: holes, more than anybody takes.
        let file = File::create(card.path().join("20261120_110800_FN_000123.mp4")).unwrap();
        file.set_len(64 << 30).unwrap();
        let socket = card.path().join("no-recorder");
        let (listen, path) = (at.to_string(), |path: &std::path::Path| {
            path.display().to_string()
        });
        let args = [
            ["--listen", &listen],
            ["--config", &path(&config)],
            ["--recorder", &path(&socket)],
        ];
        let camera = Camera::start("web", card.path(), args.as_flattened());
        let bound = Bound::new(camera.pid(), 96 * MIB);
        if bound.is_none() {
            skip(
                "no control group can be made here",
                "as root: cargo test -p picam-system-tests --test crowds",
            );
        }
        wait_for("the page", Duration::from_secs(20), || {
            http::get(at, "/api/health")
        });
        Self {
            camera,
            at,
            _bound: bound,
            _card: card,
        }
    }

    /// How long it takes to say how the recorder is, at worst.
    fn health(&self, times: usize) -> Duration {
        let ask = |_| {
            let began = Instant::now();
            let (status, answer) = http::request(self.at, "GET", "/api/health", None).unwrap();
            assert_eq!((status, &answer["recording"]), (503, &json!(false)));
            let took = began.elapsed();
            thread::sleep(Duration::from_millis(20));
            took
        };
        (0..times).map(ask).max().unwrap()
    }

    /// How long the owner takes to log in, and the cookie.
    fn login(&self) -> (Duration, String) {
        let began = Instant::now();
        let cookie = http::login(self.at, PASSWORD).unwrap();
        (began.elapsed(), cookie)
    }

    /// Bytes a second of a download, of which a client takes at most `pace` a second.
    fn speed(&self, cookie: &str, pace: f64) -> f64 {
        let mut stream = http::open_file(self.at, FILE, cookie).unwrap();
        let mut piece = vec![0; 256 << 10];
        let (began, mut taken) = (Instant::now(), 0_usize);
        while began.elapsed() < Duration::from_secs(3) {
            taken += stream.read(&mut piece).unwrap();
            let due = Duration::from_secs_f64(taken as f64 / pace);
            thread::sleep(due.saturating_sub(began.elapsed()));
        }
        taken as f64 / began.elapsed().as_secs_f64()
    }

    fn peak(&self) -> u64 {
        peak_rss(self.camera.pid())
    }
}

#[test]
fn wrong_passwords_cost_no_memory_and_the_owner_little_time() {
    let page = Page::start();
    let before = page.peak();
    // 200 addresses, a guess each and another when they were answered.
    let crowd = Crowd::gather(page.at, Kind::WrongPassword, 200, 200);
    wait_for("the crowd", Duration::from_secs(20), || {
        (crowd.connected() >= 200).then_some(())
    });
    let (took, _) = page.login();
    let health = page.health(10);
    wait_for("every second guess", Duration::from_secs(60), || {
        (crowd.connected() >= 400).then_some(())
    });
    drop(crowd);
    let (after, _) = page.login();
    let peak = page.peak();
    println!(
        "peak {} MiB before, {} MiB after; the owner's login {took:?} beside them, {after:?} after; health {health:?}",
        before / MIB,
        peak / MIB
    );
    assert!(peak <= 40 * MIB, "{peak} bytes");
    assert!(took < SOON && after < SOON, "{took:?} {after:?}");
    assert!(health < SOON, "{health:?}");
    page.camera.kill();
}

#[test]
fn a_crowd_keeps_nobody_out() {
    let page = Page::start();
    let (_, cookie) = page.login();
    let count = if is_long() { 2000 } else { 200 };
    let paces = [20e6, 1e12];
    let alone = paces.map(|pace| {
        if is_long() {
            page.speed(&cookie, pace)
        } else {
            0.0
        }
    });
    if !is_long() {
        skip(
            "the page before crowds of 2,000, with downloads timed, is of the long form",
            "PICAM_PAGE_LONG=1 cargo test -p picam-system-tests --test crowds",
        );
    }
    for kind in Kind::ALL {
        let crowd = Crowd::gather(page.at, kind, count, 7);
        wait_for("the crowd", Duration::from_secs(200), || {
            (crowd.connected() >= count).then_some(())
        });
        let health = page.health(if is_long() { 50 } else { 5 });
        let (login, _) = page.login();
        let (status, _) = http::request(page.at, "GET", "/api/health", None).unwrap();
        assert_eq!(status, 503);
        let mut kept = String::new();
        if is_long() {
            for (pace, alone) in paces.iter().zip(alone) {
                let beside = page.speed(&cookie, *pace);
                kept += &format!("; {:.0} of {:.0} MB/s", beside / 1e6, alone / 1e6);
                assert!(
                    *pace > 1e9 || beside > 0.8 * alone,
                    "{kind:?}: {beside} of {alone}"
                );
            }
        }
        println!("{kind:?}: health {health:?}, login {login:?}{kept}");
        let (health_limit, login_limit) = match is_long() {
            true => (Duration::from_secs(1), Duration::from_secs(2)),
            false => (SOON, SOON),
        };
        assert!(health < health_limit, "{kind:?}: {health:?}");
        assert!(login < login_limit, "{kind:?}: {login:?}");
    }
    let peak = page.peak();
    println!("peak {} MiB", peak / MIB);
    assert!(peak <= 48 * MIB, "{peak} bytes");
    page.camera.kill();
}

#[test]
fn downloads_that_are_given_up_cost_no_memory() {
    let page = Page::start();
    let (_, cookie) = page.login();
    let rounds = if is_long() { 500 } else { 60 };
    thread::scope(|scope| {
        for client in 0..24_u64 {
            let (at, cookie) = (page.at, &cookie);
            scope.spawn(move || {
                for round in 0..rounds {
                    let from = (client * 7919 + round * 104_729) % 60_000 * MIB;
                    let range = format!("{cookie}\r\nRange: bytes={from}-");
                    let Ok(mut stream) = http::open_file(at, FILE, &range) else {
                        continue;
                    };
                    // Cut in the middle, by whoever is first.
                    let _ = stream.read_exact(&mut vec![0; 100_000]);
                }
            });
        }
    });
    let peak = page.peak();
    println!("peak {} MiB", peak / MIB);
    assert!(peak <= 48 * MIB, "{peak} bytes");
    assert!(page.health(1) < SOON);
    page.camera.kill();
}
