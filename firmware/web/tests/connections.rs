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
        // Ten of them for strangers, four of these for each address; eight known ones of an address.
        connections: 16,
        header_timeout: Duration::from_millis(400),
        header_under_pressure: Duration::from_millis(200),
        body_timeout: Duration::from_millis(400),
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
    let limits = Limits {
        idle_timeout: Duration::from_secs(30),
        ..quick()
    };
    let password = picam_web::hash_password("correct horse").unwrap();
    let server = Server::start(Access::Password(password), limits);
    let head = "POST /api/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    let mut silent = server.connect();
    write!(silent, "{head}Content-Length: 100\r\n\r\n{{").unwrap();
    let reply = Reply::read(&mut silent, false);
    assert_eq!(
        (reply.status, reply.header("connection")),
        (408, Some("close"))
    );
    assert!(reply.json()["remedy"].as_str().unwrap().contains("again"));
    // One byte at a time gains nothing.
    let mut drip = server.connect();
    write!(drip, "{head}Content-Length: 60000\r\n\r\n").unwrap();
    let sent = (0..600).take_while(|_| {
        std::thread::sleep(Duration::from_millis(10));
        drip.write_all(b" ").is_ok()
    });
    assert!(sent.count() < 600, "the connection stays");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let mut endless = server.connect();
    let _ = endless.write_all(chunked.as_bytes());
    let piece = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    for _ in 0..3 {
        let _ = endless.write_all(piece.as_bytes());
    }
    assert_eq!(Reply::read(&mut endless, false).status, 413);
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
fn half_requests_keep_nobody_out() {
    let limits = Limits {
        header_timeout: Duration::from_secs(60),
        header_under_pressure: Duration::from_secs(60),
        idle_timeout: Duration::from_secs(60),
        ..quick()
    };
    let server = Server::start(Access::LocalOpen, limits);
    // None of them is ever closed for its own sake.
    let mut half: Vec<_> = (0..40).map(|_| server.connect()).collect();
    for stream in &mut half {
        let _ = stream.write_all(b"GET /api/health HT");
    }
    for _ in 0..20 {
        assert_eq!(server.get("/api/health").status, 200);
    }
    let open = half.iter().filter(|stream| {
        let wait = Some(Duration::from_millis(50));
        stream.set_read_timeout(wait).unwrap();
        let nothing_yet = std::io::ErrorKind::WouldBlock;
        let mut stream = *stream;
        matches!(stream.read(&mut [0]), Err(error) if error.kind() == nothing_yet)
    });
    assert!(open.count() <= 4, "more than an address' share");
}

#[test]
fn whoever_is_let_in_keeps_a_place() {
    let limits = Limits {
        header_timeout: Duration::from_secs(60),
        idle_timeout: Duration::from_secs(60),
        ..quick()
    };
    let server = Server::start(Access::LocalOpen, limits);
    let mut known = server.connect();
    let mut ask = || {
        let request = server.request("GET /api/segments", "");
        known.write_all(request.as_bytes()).unwrap();
        Reply::read(&mut known, false).status
    };
    assert_eq!(ask(), 200);
    let _strangers: Vec<_> = (0..100).map(|_| server.connect()).collect();
    assert_eq!(server.get("/api/health").status, 200);
    assert_eq!(ask(), 200, "still the same connection");
}

/// A download that has begun, of which nobody reads on.
fn stalled_download(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    let request = server.request("GET /api/segments/F000123/file", "");
    stream.write_all(request.as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert!(status.starts_with(b"HTTP/1.1 20"), "{status:?}");
    stream
}

/// What nine downloads get whose first eight stall; none where the machine stood still for so
/// long that the first of them may have been cut by then.
fn one_download_too_many(idle_timeout: Duration) -> Option<(Server, Vec<TcpStream>, Reply)> {
    let limits = Limits {
        idle_timeout,
        ..quick()
    };
    let server = Server::start(Access::LocalOpen, limits);
    put_long(server.dir.path(), NAME);
    let began = Instant::now();
    let stalled: Vec<_> = (0..8).map(|_| stalled_download(&server)).collect();
    assert_eq!(server.get("/api/health").status, 200);
    let one_more = server.get("/api/segments");
    (began.elapsed() < idle_timeout / 2).then_some((server, stalled, one_more))
}

#[test]
fn stalled_downloads_leave_room_and_give_their_places_back() {
    let (server, stalled, one_more) = [1, 4, 16]
        .into_iter()
        .find_map(|seconds| one_download_too_many(Duration::from_secs(seconds)))
        .expect("a machine that serves nine requests in 8 s");
    assert_eq!(
        (one_more.status, one_more.header("retry-after")),
        (503, Some("5"))
    );
    // Nothing moves on them, so that they are cut.
    let began = Instant::now();
    while server.get("/api/segments").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
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
