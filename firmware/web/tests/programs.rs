//! What programs get: a token in place of a password, and figures for Prometheus.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::process::Command;
use std::sync::LazyLock;

use common::{Reply, Server, VIEWERS_TOKEN, put_finished};
use picam_testkit::judges;
use picam_web::{Access, Limits, PasswordHash, hash_password};

static HASH: LazyLock<PasswordHash> = LazyLock::new(|| hash_password("correct horse").unwrap());

fn locked() -> Server {
    Server::start(Access::Password(HASH.clone()), Limits::default())
}

fn with(server: &Server, token: &str, what: &str) -> Reply {
    server.send(&format!("{what}\r\nAuthorization: Bearer {token}"), "")
}

#[test]
fn a_program_with_a_token_looks_and_changes_nothing() {
    let server = locked();
    put_finished(server.dir.path(), "20261120_110800_FN_000123.mp4");
    for path in [
        "/api/status",
        "/api/segments",
        "/api/segments/F000123/file",
        "/metrics",
    ] {
        let get = format!("GET {path}");
        assert_eq!(server.get(path).status, 401, "{path}");
        assert_eq!(with(&server, "picam-tesT", &get).status, 401, "{path}");
        let reply = with(&server, VIEWERS_TOKEN, &get);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        // Nothing is remembered of it.
        assert_eq!(reply.header("set-cookie"), None, "{path}");
    }
    for order in [
        "DELETE /api/segments/F000123",
        "POST /api/locks",
        "POST /api/saves",
        "POST /api/logout-everywhere",
        "GET /api/settings",
        "GET /api/support",
    ] {
        let reply = with(&server, VIEWERS_TOKEN, order);
        assert_eq!(reply.status, 403, "{order}: {}", reply.text());
    }
    // The page is for people.
    assert_eq!(server.get("/").status, 303);
}

#[test]
fn names_of_elsewhere_are_refused_to_programs_too() {
    let server = locked();
    let head = "GET /metrics\r\nHost: example.com";
    assert_eq!(with(&server, VIEWERS_TOKEN, head).status, 403);
}

#[test]
fn the_figures_are_those_of_the_status() {
    let server = Server::open();
    let mut status = server.recorder.0.lock().unwrap().clone().unwrap();
    status.cameras[0].frames = 1234;
    status.cameras[0].dropped_queue = 5;
    status.cameras[0].last_durable_ms_ago = Some(400);
    status.cameras[0].ring.slots = 40;
    status.cameras[0].ring.spare = 3;
    status.version = "1 \"a\\b\"\n".into();
    let mut second = status.cameras[0].clone();
    second.name = "rear".into();
    second.fps = None;
    status.cameras.push(second);
    *server.recorder.0.lock().unwrap() = Ok(status);
    let reply = server.get("/metrics");
    assert_eq!(reply.status, 200);
    let kind = reply.header("content-type").unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let text = reply.text();
    for line in [
        "picam_recorder_answers 1",
        "picam_camera_pictures_total{camera=\"front\"} 1234",
        "picam_camera_pictures_total{camera=\"rear\"} 1234",
        "picam_camera_pictures_lost_total{camera=\"rear\",at=\"queue\"} 5",
        "picam_ring_slots{camera=\"front\",state=\"taken\"} 37",
        "picam_build_info{version=\"1 \\\"a\\\\b\\\"\\n\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    // It grows older meanwhile.
    let age = "picam_camera_durable_age_seconds{camera=\"front\"} ";
    let age = text
        .lines()
        .find_map(|line| line.strip_prefix(age))
        .unwrap();
    assert!(age.parse::<f64>().unwrap() >= 0.4, "{age}");
    assert!(
        !text.contains("camera_rate_hertz{camera=\"rear\"}"),
        "{text}"
    );
    judged(&text);
}

#[test]
fn a_recorder_that_is_away_is_a_figure() {
    let server = Server::open();
    let away = picam_control::status::StatusUnavailable {
        reason: "gone".into(),
        remedy: String::new(),
    };
    *server.recorder.0.lock().unwrap() = Err(away);
    let reply = server.get("/metrics");
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("picam_recorder_answers 0\n"));
    assert!(reply.text().contains("picam_recording 0\n"));
    judged(&reply.text());
}

/// Prometheus's own parser for Python takes it: Debian's, which another Python does not see.
fn judged(text: &str) {
    let code = "import sys\nfrom prometheus_client.parser import text_string_to_metric_families as p\n\
                f = list(p(sys.stdin.read()))\nassert f and all(m.documentation and m.type in ('counter', 'gauge') for m in f), f\n\
                print(len(f))";
    let here = Command::new("/usr/bin/python3")
        .args(["-c", "import prometheus_client"])
        .output();
    if !here.is_ok_and(|done| done.status.success()) {
        judges::skip("Prometheus's parser is not here", "scripts/setup test");
        return;
    }
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), text).unwrap();
    let done = Command::new("/usr/bin/python3")
        .args(["-c", code])
        .stdin(std::fs::File::open(path.path()).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}\n{text}");
    let families: usize = String::from_utf8_lossy(&done.stdout)
        .trim()
        .parse()
        .unwrap();
    assert_eq!(families, text.matches("# TYPE").count());
}
