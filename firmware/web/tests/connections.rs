//! Clients that misbehave: half a header, nothing at all, too many, too slow, and the end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{Reply, Server, put_long};
use picam_web::{Access, Limits};

const NAME: &str = "20261120_110800_FN_000123.mp4";

fn quick() -> Limits {
    Limits {
        connections: 4,
        header_timeout: Duration::from_millis(400),
        idle_timeout: Duration::from_millis(800),
        shutdown_grace: Duration::from_millis(500),
    }
}

/// How long the server takes to close a connection.
fn closed_after(stream: &mut TcpStream) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    // Reset or ended: both are closed.
    let _ = stream.read_to_end(&mut rest);
    began.elapsed()
}

#[test]
fn half_a_header_is_cut() {
    let server = Server::start(Access::LocalOpen, quick());
    for front in [
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    ] {
        let mut stream = server.connect();
        stream.write_all(front.as_bytes()).unwrap();
        let time = closed_after(&mut stream);
        let allowed = Duration::from_millis(300)..Duration::from_secs(2);
        assert!(allowed.contains(&time), "{front:?} {time:?}");
    }
    // One byte at a time gains nothing.
    let mut drip = server.connect();
    let began = Instant::now();
    while drip.write_all(b"X").is_ok() && began.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(server.get("/api/health").status, 200);
}

#[test]
fn a_body_that_never_comes_is_cut() {
    let server = Server::start(
        Access::Password(picam_web::hash_password("correct horse").unwrap()),
        quick(),
    );
    let mut stream = server.connect();
    let head = "POST /api/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    write!(stream, "{head}Content-Length: 100\r\n\r\n{{").unwrap();
    assert!(closed_after(&mut stream) < Duration::from_secs(3));
}

#[test]
fn large_headers_are_refused() {
    let server = Server::start(Access::LocalOpen, quick());
    let mut stream = server.connect();
    let header = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    let _ = stream.write_all(header.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
}

#[test]
fn idle_connections_make_room() {
    let limits = Limits {
        header_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(30),
        ..quick()
    };
    let server = Server::start(Access::LocalOpen, limits);
    let mut idle: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for stream in &mut idle {
        let request = server.request("GET /api/health", "");
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(Reply::read(stream, false).status, 200);
    }
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(server.get("/api/health").status, 200);
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert!(closed_after(&mut idle[0]) < Duration::from_secs(1));
}

#[test]
fn the_number_of_connections_is_bounded() {
    let server = Server::start(Access::LocalOpen, quick());
    // Busy ones, with half a request each: they are not closed for others, but they time out.
    let mut busy: Vec<_> = (0..40).map(|_| server.connect()).collect();
    for stream in &mut busy {
        let _ = stream.write_all(b"GET /api/health HT");
    }
    let began = Instant::now();
    let reply = server.get("/api/health");
    let waited = began.elapsed();
    assert_eq!(reply.status, 200);
    // 40 in groups of 4, 0.4 s each.
    assert!(waited > Duration::from_secs(3), "{waited:?}");
    assert!(waited < Duration::from_secs(12), "{waited:?}");
}

fn stalled_download(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    let request = server.request("GET /api/segments/F000123/file", "");
    stream.write_all(request.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    stream
}

#[test]
fn a_stalled_download_gives_its_place_back() {
    let server = Server::start(Access::LocalOpen, quick());
    put_long(server.dir.path(), NAME);
    let stalled: Vec<_> = (0..4).map(|_| stalled_download(&server)).collect();
    let began = Instant::now();
    assert_eq!(server.get("/api/health").status, 200);
    let waited = began.elapsed();
    assert!(
        waited > Duration::from_millis(200),
        "all places were taken: {waited:?}"
    );
    assert!(waited < Duration::from_secs(4), "{waited:?}");
    drop(stalled);
}

#[test]
fn a_slow_but_steady_download_is_not_cut() {
    let server = Server::start(Access::LocalOpen, quick());
    put_long(server.dir.path(), NAME);
    let mut stream = stalled_download(&server);
    let mut piece = vec![0; 1 << 20];
    for _ in 0..12 {
        stream.read_exact(&mut piece).unwrap();
        std::thread::sleep(Duration::from_millis(150));
    }
}

#[test]
fn shutdown_ends_idle_ones_at_once_and_stalled_ones_after_the_grace() {
    let mut server = Server::start(Access::LocalOpen, quick());
    put_long(server.dir.path(), NAME);
    let mut idle = server.connect();
    let stalled = stalled_download(&server);
    let began = Instant::now();
    server.stop();
    let time = began.elapsed();
    assert!((400..1500).contains(&time.as_millis()), "{time:?}");
    assert!(closed_after(&mut idle) < Duration::from_millis(100));
    assert!(TcpStream::connect(server.addr).is_err(), "nobody listens");
    drop(stalled);

    let mut server = Server::start(Access::LocalOpen, quick());
    let idle = server.connect();
    assert_eq!(server.get("/api/health").status, 200);
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < Duration::from_millis(300));
    drop(idle);
}
