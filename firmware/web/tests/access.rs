//! Who gets in: nothing without a session, growing waits, other websites, the status for all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, LazyLock};

use common::{Recorder, Reply, Server, put_finished};
use picam_control::status::{CameraState, StatusUnavailable};
use picam_web::{
    Access, Limits, PasswordHash, ServeError, Sessions, WebConfig, hash_password, serve,
};
use rustix::net::{AddressFamily, SocketType};
use serde_json::json;

const NAME: &str = "20261120_110800_FN_000123.mp4";
const FILE: &str = "/api/segments/F000123/file";
const PASSWORD: &str = "correct horse";

static HASH: LazyLock<PasswordHash> = LazyLock::new(|| hash_password(PASSWORD).unwrap());

fn locked() -> Server {
    let server = Server::start(Access::Password(HASH.clone()), Limits::default());
    put_finished(server.dir.path(), NAME);
    server
}

fn login(server: &Server, password: &str) -> Reply {
    let head = "POST /api/login\r\nContent-Type: application/json";
    server.send(head, &json!({"password": password}).to_string())
}

fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").unwrap();
    set.split(';').next().unwrap().to_string()
}

#[test]
fn nothing_is_shown_without_a_session() {
    let server = locked();
    let everything = [
        "/api/status",
        "/api/segments",
        "/api/segments/F000123",
        FILE,
        "/api/nothing",
    ];
    for path in everything {
        for method in ["GET", "HEAD", "POST", "DELETE"] {
            let reply = server.send(&format!("{method} {path}"), "");
            assert_eq!(reply.status, 401, "{method} {path}");
            if method != "HEAD" {
                assert_eq!(reply.json()["remedy"], "log in at /login");
            }
        }
    }
    for path in [
        "/",
        "/assets/app.js",
        "/nothing",
        "/login/../",
        "//api/segments",
        "/API/segments",
    ] {
        let reply = server.get(path);
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some("/login")),
            "{path}"
        );
        assert!(reply.body.is_empty());
    }
    for cookie in [
        "",
        "picam_session=",
        "picam_session=0000",
        &format!("picam_session={}", "0".repeat(64)),
    ] {
        let reply = server.send(
            &format!("GET {FILE}\r\nCookie: {cookie}\r\nRange: bytes=0-1"),
            "",
        );
        assert_eq!(reply.status, 401);
    }
    for path in [
        "/login",
        "/assets/style.css",
        "/assets/icon.svg",
        "/api/health",
    ] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    assert_eq!(server.get("/api/health").json(), json!({"recording": true}));
}

#[test]
fn a_session_opens_everything_until_logged_out() {
    let server = locked();
    let reply = login(&server, PASSWORD);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let set = reply.header("set-cookie").unwrap();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
        assert!(set.contains(attribute), "{set}");
    }
    let cookie = cookie(&reply);
    let get = |path: &str| {
        server
            .send(&format!("GET {path}\r\nCookie: a=b; {cookie}"), "")
            .status
    };
    for path in ["/", "/assets/app.js", "/api/status", "/api/segments", FILE] {
        assert_eq!(get(path), 200, "{path}");
    }
    assert_eq!(get("/api/nothing"), 404);
    let out = server.send(&format!("POST /api/logout\r\nCookie: {cookie}"), "");
    assert_eq!((out.status, out.header("location")), (303, Some("/login")));
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(get(FILE), 401);
}

#[test]
fn a_session_outlives_the_program() {
    let cookie = cookie(&login(&locked(), PASSWORD));
    let get = |server: &Server, path: &str| {
        let head = format!("GET {path}\r\nCookie: {cookie}");
        server.send(&head, "").status
    };
    // The same key, and nothing else that the first one knew.
    assert_eq!(get(&locked(), FILE), 200);
    let changed = hash_password("battery staple").unwrap();
    let changed = Server::start(Access::Password(changed), Limits::default());
    assert_eq!(get(&changed, "/api/segments"), 401, "another password");
    let server = locked();
    let other = login(&server, PASSWORD);
    let head = format!("POST /api/logout-everywhere\r\nCookie: {cookie}");
    let out = server.send(&head, "");
    assert_eq!((out.status, out.header("location")), (303, Some("/login")));
    assert_eq!(get(&server, FILE), 401);
    let head = format!("GET {FILE}\r\nCookie: {}", self::cookie(&other));
    assert_eq!(server.send(&head, "").status, 401, "everywhere");
    let again = login(&server, PASSWORD);
    assert_eq!(again.status, 200);
    let kept = std::fs::read_to_string(server.state.path().join("sessions")).unwrap();
    assert_eq!(kept, "generation 1\n");
}

#[test]
fn ending_every_session_says_if_it_cannot_be_kept() {
    let server = locked();
    let cookie = cookie(&login(&server, PASSWORD));
    std::fs::remove_dir_all(server.state.path()).unwrap();
    let head = format!("POST /api/logout-everywhere\r\nCookie: {cookie}");
    let out = server.send(&head, "");
    assert_eq!(out.status, 503);
    assert!(out.json()["remedy"].as_str().unwrap().contains("password"));
    let again = server.send(&format!("GET {FILE}\r\nCookie: {cookie}"), "");
    assert_eq!(again.status, 401, "ended all the same");
}

#[test]
fn the_form_works_without_scripts() {
    let server = locked();
    let page = server.get("/login").text();
    assert!(page.contains("action=\"/api/login\"") && !page.contains("<script"));
    let origin = format!("Origin: http://{}", server.addr);
    let form = |body: &str| {
        let head = "POST /api/login\r\nContent-Type: application/x-www-form-urlencoded";
        server.send(&format!("{head}\r\n{origin}"), body)
    };
    let wrong = form("password=wrong+horse");
    assert_eq!(
        (wrong.status, wrong.header("location")),
        (303, Some("/login?wrong"))
    );
    assert!(
        server
            .get("/login?wrong")
            .text()
            .contains("not the password")
    );
    let right = form("password=correct+horse");
    assert_eq!((right.status, right.header("location")), (303, Some("/")));
    let reply = server.send(
        &format!("GET /api/status\r\nCookie: {}", cookie(&right)),
        "",
    );
    assert_eq!(reply.status, 200);
}

#[test]
fn wrong_passwords_make_the_next_try_wait() {
    let server = locked();
    let answers: Vec<_> = (0..6).map(|_| login(&server, "wrong password")).collect();
    let codes: Vec<_> = answers.iter().map(|reply| reply.status).collect();
    assert_eq!(codes[..4], [401, 401, 401, 429], "{codes:?}");
    let refused = &answers[3];
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.json()["remedy"].as_str().unwrap().contains("wait"));
    assert_eq!(
        login(&server, PASSWORD).status,
        429,
        "the right one waits, too"
    );
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(login(&server, PASSWORD).status, 200);
    assert_eq!(login(&server, "wrong password").status, 401, "forgiven");
}

/// Sends a login from another address of loopback.
fn login_from(server: &Server, ip: [u8; 4], password: &str) -> TcpStream {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddr::from((ip, 0))).unwrap();
    rustix::net::connect(&socket, &server.addr).unwrap();
    let mut stream = TcpStream::from(socket);
    let head = "POST /api/login\r\nContent-Type: application/json";
    let request = server.request(head, &json!({"password": password}).to_string());
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn a_login_that_nobody_had_time_for_was_not_wrong() {
    let server = locked();
    let try_login = |password: &str| {
        let mut stream = login_from(&server, [127, 0, 2, 1], password);
        Reply::read(&mut stream, false)
    };
    let mut busy = 0;
    for round in 0..50_u8 {
        // Whoever has been wrong before goes behind whoever has not.
        assert_eq!(try_login("wrong password").status, 401);
        assert_eq!(try_login("wrong password").status, 401);
        let guess = |n| login_from(&server, [127, 0, 10 + round, n], "a guess");
        let crowd: Vec<_> = (1..=30).map(guess).collect();
        let mut reply = try_login(PASSWORD);
        while reply.status != 200 {
            assert_eq!(
                (reply.status, reply.header("retry-after")),
                (503, Some("2"))
            );
            busy += 1;
            reply = try_login(PASSWORD);
        }
        drop(crowd);
        if busy > 0 {
            break;
        }
    }
    assert!(busy > 0, "the crowd was too slow to be one");
}

#[test]
fn a_login_that_is_none_says_what_to_send() {
    let server = locked();
    let post = |kind: &str, body: &str| {
        server
            .send(&format!("POST /api/login\r\nContent-Type: {kind}"), body)
            .status
    };
    assert_eq!(post("text/plain", "password=x"), 415);
    assert_eq!(post("application/json", "{"), 400);
    assert_eq!(post("application/json", "{\"pass\": 1}"), 422);
    assert_eq!(post("application/x-www-form-urlencoded", "pass=1"), 422);
    let large = json!({"password": "x".repeat(65_536)}).to_string();
    assert_eq!(post("application/json", &large), 413);
    assert_eq!(server.get("/api/login").status, 405);
}

#[test]
fn other_websites_cannot_log_in_or_out() {
    let server = locked();
    for header in [
        "Origin: http://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
    ] {
        let head = format!("POST /api/login\r\nContent-Type: application/json\r\n{header}");
        let body = json!({"password": PASSWORD}).to_string();
        let reply = server.send(&head, &body);
        assert_eq!(
            (reply.status, reply.header("set-cookie")),
            (403, None),
            "{header}"
        );
    }
    let cookie = cookie(&login(&server, PASSWORD));
    for path in ["/api/logout", "/api/logout-everywhere"] {
        let out = format!("POST {path}\r\nCookie: {cookie}\r\nOrigin: http://evil.example");
        assert_eq!(server.send(&out, "").status, 403);
    }
    let reply = server.send(&format!("GET {FILE}\r\nCookie: {cookie}"), "");
    assert_eq!(reply.status, 200);
}

#[test]
fn without_a_password_only_local_names_are_answered() {
    let server = Server::open();
    put_finished(server.dir.path(), NAME);
    let port = server.addr.port();
    for (host, status) in [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        (format!("rebound.example:{port}"), 403),
        ("192.168.4.1".into(), 403),
    ] {
        for path in ["/", "/api/segments", "/api/health", FILE] {
            let reply = server.send(&format!("GET {path}\r\nHost: {host}"), "");
            assert_eq!(reply.status, status, "{host} {path}");
        }
    }
    assert_eq!(server.get("/login").header("location"), Some("/"));
    assert_eq!(login(&server, PASSWORD).status, 409);
}

#[test]
fn with_a_password_no_name_of_the_internet_is_answered() {
    let server = locked();
    for (host, status) in [
        (server.addr.to_string(), 200),
        ("picam.local".into(), 200),
        ("picam".into(), 200),
        ("rebound.example".into(), 403),
        ("picam.local.rebound.example:80".into(), 403),
    ] {
        for path in ["/login", "/api/health", "/assets/style.css"] {
            let reply = server.send(&format!("GET {path}\r\nHost: {host}"), "");
            assert_eq!(reply.status, status, "{host} {path}");
        }
        let head = format!("POST /api/login\r\nContent-Type: application/json\r\nHost: {host}");
        let body = json!({"password": PASSWORD}).to_string();
        assert_eq!(server.send(&head, &body).status, status, "{host}");
    }
}

#[test]
fn addresses_that_are_no_text_are_answered_in_json() {
    let server = Server::open();
    for (path, status) in [
        ("/api/segments/%ff", 400),
        ("/api/segments/%ff/file", 400),
        ("/api/%ff", 404),
        ("/assets/%ff", 404),
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{path}"
        );
        assert!(reply.json()["remedy"].is_string(), "{path}");
    }
}

#[test]
fn every_answer_is_hardened() {
    let server = Server::open();
    put_finished(server.dir.path(), NAME);
    for path in [
        "/",
        "/login",
        "/assets/app.js",
        "/api/status",
        "/api/nothing",
        "/nothing",
        FILE,
    ] {
        let reply = server.get(path);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        assert!(!policy.contains("unsafe") && !policy.contains('*'));
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(reply.header("x-frame-options"), Some("DENY"));
        assert_eq!(
            reply.header("cross-origin-resource-policy"),
            Some("same-origin")
        );
        assert!(reply.header("cache-control").is_some());
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[test]
fn the_page_refers_to_nothing_elsewhere() {
    let server = Server::open();
    let page = server.get("/").text();
    let login = include_str!("../page/login.html").to_string();
    let mut seen = 0;
    for part in [page, login]
        .iter()
        .flat_map(|html| html.split(['"', '\'']))
    {
        if part.starts_with("/assets/") {
            let reply = server.get(part);
            assert_eq!(reply.status, 200, "{part}");
            seen += 1;
            for line in reply.text().lines() {
                if let Some(module) = line.split("from \"./").nth(1) {
                    let module = module.split('"').next().unwrap();
                    assert_eq!(
                        server.get(&format!("/assets/{module}")).status,
                        200,
                        "{module}"
                    );
                }
                let foreign = line.contains("://") && !line.contains("http://www.w3.org/2000/svg");
                assert!(!foreign, "{part}: {line}");
            }
            let etag = reply.header("etag").unwrap();
            let again = server.send(&format!("GET {part}\r\nIf-None-Match: {etag}"), "");
            assert_eq!(again.status, 304);
        }
        assert!(
            !part.starts_with("http") && !part.starts_with("//"),
            "{part}"
        );
    }
    assert!(seen >= 6);
}

#[test]
fn health_tells_why_not() {
    let server = Server::open();
    let status = server.get("/api/status").json();
    assert_eq!(status["cameras"][0]["state"], "recording");
    assert_eq!(status["cameras"][0]["recording"], true);
    assert_eq!(status["recording"], true);
    if let Ok(status) = server.recorder.0.lock().unwrap().as_mut() {
        status.cameras[0].state = CameraState::Starting;
    }
    // An answer is good for a second.
    let changed = |path: &str, was: u16| {
        let began = std::time::Instant::now();
        loop {
            let reply = server.get(path);
            if reply.status != was {
                return reply;
            }
            assert!(
                began.elapsed() < std::time::Duration::from_secs(20),
                "{path}"
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    let reply = changed("/api/health", 200);
    assert_eq!(reply.status, 503);
    assert_eq!(
        reply.json(),
        json!({"recording": false, "reason": "front: starting"})
    );
    let status = server.get("/api/status").json();
    assert_eq!(status["not_recording"], "front: starting");
    assert_eq!(status["recording"], false);
    assert_eq!(status["cameras"][0]["recording"], false);
    *server.recorder.0.lock().unwrap() = Err(StatusUnavailable {
        reason: "the recorder does not answer".into(),
        remedy: "see its log".into(),
    });
    let status = changed("/api/status", 200);
    assert_eq!(status.status, 503);
    assert_eq!(server.get("/api/health").status, 503);
    assert_eq!(
        status.json(),
        json!({"error": "the recorder does not answer", "remedy": "see its log"})
    );
    assert_eq!(
        server.get("/api/segments").status,
        200,
        "footage can still be seen"
    );
}

#[tokio::test]
async fn beyond_loopback_a_password_is_a_must() {
    let recorder = Recorder(Arc::new(std::sync::Mutex::new(Err(StatusUnavailable {
        reason: String::new(),
        remedy: String::new(),
    }))));
    let dir = tempfile::tempdir().unwrap();
    for (address, access, starts) in [
        ("0.0.0.0:0", Access::LocalOpen, false),
        ("[::]:0", Access::LocalOpen, false),
        ("0.0.0.0:0", Access::Password(HASH.clone()), true),
        ("127.0.0.1:0", Access::LocalOpen, true),
    ] {
        // A machine without IPv6 has nothing to refuse.
        let Ok(listener) = tokio::net::TcpListener::bind(address).await else {
            continue;
        };
        let config = WebConfig {
            footage: dir.path().into(),
            disk: None,
            access,
            token: None,
            sessions: Sessions::fleeting().unwrap(),
            status: Arc::new(recorder.clone()),
            orders: Arc::new(common::Orders::default()),
            live: Arc::new(common::Cameras::default()),
            pictures: Arc::new(common::Orders::default()),
            power: None,
            settings: None,
            limits: Limits::default(),
        };
        match serve(listener, config, async {}).await {
            Ok(()) => assert!(starts, "{address}"),
            Err(error @ ServeError::OpenToNetwork(_)) => {
                assert!(!starts, "{address}");
                assert!(error.to_string().contains("listen on 127.0.0.1"));
            }
            Err(error) => panic!("{error}"),
        }
    }
}
