//! A recorder that hangs holds nobody up, and is not asked more often the more people look.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use common::{Server, camera, put_finished};
use picam_control::status::{CardStatus, Status, StatusSource, StatusUnavailable};
use picam_time::{Clock, SystemClock};
use picam_web::{Access, Limits};
use serde_json::{Value, json};

/// A recorder that answers when it is told to.
#[derive(Clone, Default)]
struct Slow {
    asked: Arc<AtomicUsize>,
    hangs: Arc<(Mutex<bool>, Condvar)>,
}

impl Slow {
    fn hang(&self, hangs: bool) {
        *self.hangs.0.lock().unwrap() = hangs;
        self.hangs.1.notify_all();
    }
}

impl StatusSource for Slow {
    fn status(&self) -> Result<Status, StatusUnavailable> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let hangs = self.hangs.0.lock().unwrap();
        drop(self.hangs.1.wait_while(hangs, |hangs| *hangs).unwrap());
        Ok(Status {
            version: "0.1.0".into(),
            uptime_s: 10.0,
            clock_known: true,
            clock: None,
            gps: None,
            motion: None,
            microphone: None,
            stills: Default::default(),
            paused_s: None,
            deletions: Vec::new(),
            cameras: vec![camera()],
            card: CardStatus::default(),
            volumes: Vec::new(),
        })
    }
}

#[test]
fn a_recorder_that_hangs_holds_nobody_up() {
    let slow = Slow::default();
    slow.hang(true);
    let server = Server::over(Access::LocalOpen, Limits::default(), Arc::new(slow.clone()));
    put_finished(server.dir.path(), "20261120_110800_FN_000123.mp4");
    let began = Instant::now();
    std::thread::scope(|scope| {
        // As many as one address may have.
        let askers: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| server.get("/api/health")))
            .collect();
        for asker in askers {
            let reply = asker.join().unwrap();
            assert_eq!(reply.status, 503);
            assert!(
                reply.text().contains("has not answered"),
                "{}",
                reply.text()
            );
        }
    });
    for _ in 0..40 {
        assert_eq!(server.get("/api/status").status, 503);
        assert_eq!(server.get("/api/segments/F000123/file").status, 200);
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(
        slow.asked.load(Ordering::Relaxed),
        1,
        "asked while it hangs"
    );
    slow.hang(false);
    while server.get("/api/health").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_is_asked_once_a_second_at_most() {
    let slow = Slow::default();
    let server = Server::over(Access::LocalOpen, Limits::default(), Arc::new(slow.clone()));
    let began = Instant::now();
    let mut uptimes = Vec::new();
    for _ in 0..200 {
        let status = server.get("/api/status").json();
        uptimes.push(status["uptime_s"].as_f64().unwrap());
        let ago = status["cameras"][0]["last_durable_ms_ago"]
            .as_u64()
            .unwrap();
        assert!(ago >= 300);
    }
    let seconds = began.elapsed().as_secs() as usize;
    let asked = slow.asked.load(Ordering::Relaxed);
    assert!((1..=seconds + 1).contains(&asked), "{asked} in {seconds} s");
    assert!(
        uptimes.iter().any(|up| *up > 10.0),
        "what is told grows older"
    );
}

#[test]
fn what_the_guard_says_is_told_and_not_waited_for() {
    let server = Server::open();
    let power = || server.get("/api/status").json()["power"].clone();
    assert_eq!(power(), Value::Null);
    let file = server.state.path().join("guard.json");
    let note = |seconds_ago| {
        let at = SystemClock.now() - Duration::from_secs(seconds_ago);
        let battery = json!({"state": "low", "cell_mv": 3_550, "charge": 12.5, "fault": null});
        let text = json!({"boot_ns": at.0, "battery": battery, "ends": [null]}).to_string();
        std::fs::write(&file, text).unwrap();
    };
    note(1);
    let told = power();
    assert_eq!(told["battery"]["state"], "low", "{told}");
    assert_eq!(told["battery"]["cell_mv"], 3_550, "{told}");
    assert_eq!(told["ends"], json!([null]), "{told}");
    assert_eq!(told.get("boot_ns"), None);
    note(12);
    let told = power();
    assert_eq!(told["battery"]["state"], "unknown", "{told}");
    assert_eq!(told["battery"]["cell_mv"], Value::Null, "{told}");
    // Whoever watches the camera without a login learns nothing of it.
    let health = server.get("/api/health").json();
    assert_eq!(health, json!({"recording": true}));
    std::fs::write(&file, "{").unwrap();
    assert_eq!(power(), Value::Null);
    let status = server.get("/api/status").json();
    assert_eq!(status["recording"], true, "{status}");
}
