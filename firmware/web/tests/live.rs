//! Live views: what they say, whom they are for, and how they end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use common::{Server, VIEWERS_TOKEN};
use picam_control::live::{Codec, Config, Header, Kind, PICTURE_HEAD_LEN, PictureHead};
use picam_mp4::read::Movie;
use picam_time::BootNs;
use picam_web::{Access, Limits, PasswordHash, hash_password};

const PATH: &str = "/api/cameras/F/live";
const TIMEOUT: Duration = Duration::from_secs(30);

fn wait_for<T>(what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = get() {
            return found;
        }
        assert!(began.elapsed() < TIMEOUT, "waited for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The recorder's end of the view that was asked for last.
fn followed(server: &Server) -> UnixStream {
    let mut followed = || server.cameras.followed.lock().unwrap().pop();
    wait_for("somebody to follow", &mut followed)
}

fn send(to: &mut UnixStream, kind: Kind, body: &[u8]) {
    let header = Header {
        kind,
        len: body.len(),
    };
    let message = [&header.to_bytes().unwrap()[..], body].concat();
    to.write_all(&message).unwrap();
}

fn config(to: &mut UnixStream, height: u16) {
    let config = Config {
        codec: Codec::H264,
        width: 64,
        height,
        vps: Vec::new(),
        sps: vec![vec![0x67, 0x42, 0xc0, 0x0a, 0xda, 0x11, 0xa0]],
        pps: vec![vec![0x68, 0xce, 0x3c, 0x80]],
    };
    let mut body = Vec::new();
    config.encode(&mut body).unwrap();
    send(to, Kind::Config, &body);
}

fn picture(to: &mut UnixStream, n: u64, len: usize) {
    let head = PictureHead {
        dts: 3000 * n as i64,
        pts: 3000 * n as i64,
        captured: BootNs(n),
        dropped: 0,
    };
    let mut body = head.to_bytes().to_vec();
    body.resize(PICTURE_HEAD_LEN + len, n as u8);
    send(to, Kind::Picture { start: n == 0 }, &body);
}

/// Asks for a live view; its answer is in the stream once the camera has said something.
fn ask(server: &Server, method: &str, more: &str) -> TcpStream {
    let mut stream = server.connect();
    let request = server.request(&format!("{method} {PATH}{more}"), "");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// The next piece of a chunked body; `None` at its end, `Err` if it was cut.
fn chunk(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    let len = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
    let mut chunk = vec![0; len + 2];
    stream.read_exact(&mut chunk)?;
    chunk.truncate(len);
    Ok((len > 0).then_some(chunk))
}

fn body(stream: &mut TcpStream) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(chunk) = chunk(stream).unwrap() {
        body.extend(chunk);
    }
    body
}

#[test]
fn pictures_come_one_fragment_each_until_something_else_is_shown() {
    let server = Server::open();
    let mut stream = ask(&server, "GET", "");
    let mut camera = followed(&server);
    send(&mut camera, Kind::Nothing, b"");
    config(&mut camera, 64);
    let head = head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        head.contains("content-type: video/mp4; codecs=\"avc1.42c00a\""),
        "{head}"
    );
    assert!(head.contains("cache-control: no-store"), "{head}");
    let mut mp4 = chunk(&mut stream).unwrap().unwrap();
    // Each is there before the next was taken.
    for n in 0..5 {
        picture(&mut camera, n, 100);
        while !Movie::read(&mp4[..])
            .is_ok_and(|movie| movie.video().unwrap().samples.len() as u64 > n)
        {
            mp4.extend(chunk(&mut stream).unwrap().unwrap());
        }
        send(&mut camera, Kind::Nothing, b"");
    }
    let movie = Movie::read(&mp4[..]).unwrap();
    let dts: Vec<_> = movie
        .video()
        .unwrap()
        .samples
        .iter()
        .map(|s| s.dts)
        .collect();
    assert_eq!(dts, [0, 3000, 6000, 9000, 12_000]);
    // Pictures of another size are another stream.
    config(&mut camera, 128);
    assert_eq!(body(&mut stream), b"");
    // What it has to be for a live view, it is for nothing else.
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn the_end_is_told_from_a_cut() {
    let server = Server::open();
    for cut in [false, true] {
        let mut stream = ask(&server, "GET", "");
        let mut camera = followed(&server);
        config(&mut camera, 64);
        picture(&mut camera, 0, 10);
        head(&mut stream);
        chunk(&mut stream).unwrap().unwrap();
        match cut {
            false => send(&mut camera, Kind::End, b""),
            true => camera.shutdown(Shutdown::Both).unwrap(),
        }
        let end = loop {
            match chunk(&mut stream) {
                Ok(Some(_)) => {}
                end => break end,
            }
        };
        assert_eq!(end.is_err(), cut, "{end:?}");
    }
}

#[test]
fn what_cannot_be_shown_is_said() {
    let server = Server::open();
    for (path, status) in [
        ("/api/cameras/R/live", 404),
        ("/api/cameras/front/live", 400),
        ("/api/cameras/%ff/live", 400),
        ("/api/cameras/-/live", 400),
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.json()["remedy"].is_string(), "{path}");
    }
    // A recorder that ends, or speaks another language.
    for nonsense in [
        &[4, 0, 0, 0, 0, 0, 0, 0][..],
        &[9; 8],
        &[1, 0, 0, 0, 0, 0, 0, 1, 7],
        b"",
    ] {
        let mut stream = ask(&server, "GET", "");
        let mut camera = followed(&server);
        camera.write_all(nonsense).unwrap();
        drop(camera);
        let head = head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 503"), "{nonsense:?}: {head}");
        assert!(head.contains("retry-after: 5"), "{head}");
    }
    // One that delivers nothing.
    let asked = Instant::now();
    let mut stream = ask(&server, "GET", "");
    let _silent = followed(&server);
    assert!(head(&mut stream).starts_with("HTTP/1.1 503"));
    assert!(asked.elapsed() >= Duration::from_secs(4));
}

#[test]
fn whoever_goes_is_noticed_and_the_head_alone_is_no_view() {
    let server = Server::open();
    let mut stream = ask(&server, "HEAD", "");
    let mut camera = followed(&server);
    config(&mut camera, 64);
    assert!(head(&mut stream).contains("avc1.42c00a"));
    assert_eq!(camera.read(&mut [0]).unwrap(), 0, "nobody follows for it");

    let mut stream = ask(&server, "GET", "");
    let mut camera = followed(&server);
    config(&mut camera, 64);
    head(&mut stream);
    drop(stream);
    // Without a picture, too.
    camera.set_read_timeout(Some(TIMEOUT)).unwrap();
    assert_eq!(camera.read(&mut [0]).unwrap(), 0);
}

#[test]
fn an_address_has_four_and_what_waits_for_it_is_bounded() {
    let server = Server::open();
    let mut views = Vec::new();
    for _ in 0..4 {
        let mut stream = ask(&server, "GET", "");
        let mut camera = followed(&server);
        config(&mut camera, 64);
        head(&mut stream);
        views.push((stream, camera));
    }
    let reply = server.get(PATH);
    assert_eq!(reply.status, 503, "{}", reply.text());
    // One that takes nothing: the recorder notices long before memory fills.
    let (stream, mut camera) = views.pop().unwrap();
    camera
        .set_write_timeout(Some(Duration::from_secs(3)))
        .unwrap();
    let head = [0; PICTURE_HEAD_LEN];
    let len = PICTURE_HEAD_LEN + 100_000;
    let header = Header {
        kind: Kind::Picture { start: true },
        len,
    };
    let message = [&header.to_bytes().unwrap()[..], &head, &[0; 100_000]].concat();
    let mut taken = 0;
    while camera.write_all(&message).is_ok() {
        taken += message.len();
        assert!(taken < 20 << 20, "all of it is taken");
    }
    // The others go on.
    let (other, camera) = &mut views[0];
    chunk(other).unwrap().unwrap();
    picture(camera, 0, 10);
    chunk(other).unwrap().unwrap();
    // And a place is free again.
    drop((stream, views));
    wait_for("a place", || {
        let mut stream = ask(&server, "GET", "");
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let followed = || server.cameras.followed.lock().unwrap().pop();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(1) {
            if let Some(mut camera) = followed() {
                config(&mut camera, 64);
                return Some(self::head(&mut stream).starts_with("HTTP/1.1 200"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    });
}

#[test]
fn a_view_needs_a_session_and_ends_with_it() {
    static OWNER: LazyLock<PasswordHash> =
        LazyLock::new(|| hash_password("correct horse").unwrap());
    static VIEWER: LazyLock<PasswordHash> =
        LazyLock::new(|| hash_password("only looking").unwrap());
    let access = Access::Passwords {
        owner: OWNER.clone(),
        viewer: VIEWER.clone(),
    };
    let server = Server::start(access, Limits::default());
    assert_eq!(server.get(PATH).status, 401);
    assert!(
        server.cameras.followed.lock().unwrap().is_empty(),
        "nobody was let in"
    );
    let login = "POST /api/login\r\nContent-Type: application/json";
    let reply = server.send(login, r#"{"password":"only looking"}"#);
    let cookie = reply.header("set-cookie").unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let mut stream = ask(&server, "GET", &format!("\r\nCookie: {cookie}"));
    let mut camera = followed(&server);
    config(&mut camera, 64);
    picture(&mut camera, 0, 10);
    assert!(head(&mut stream).starts_with("HTTP/1.1 200"));
    chunk(&mut stream).unwrap().unwrap();
    let logout = format!("POST /api/logout\r\nCookie: {cookie}");
    assert!(server.send(&logout, "").status < 400);
    // Pictures go on for a moment, and no longer.
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    while chunk(&mut stream).unwrap().is_some() {}
    assert_eq!(camera.read(&mut [0]).unwrap(), 0);
}

/// Whether whoever watches still may is asked again at once, and every few seconds.
#[test]
fn a_program_with_a_token_goes_on_watching() {
    let hash = hash_password("correct horse").unwrap();
    let server = Server::start(Access::Password(hash), Limits::default());
    let token = format!("\r\nAuthorization: Bearer {VIEWERS_TOKEN}");
    let mut stream = ask(&server, "GET", &token);
    let mut camera = followed(&server);
    config(&mut camera, 64);
    picture(&mut camera, 0, 10);
    assert!(head(&mut stream).starts_with("HTTP/1.1 200"));
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    for n in 1..5 {
        thread::sleep(Duration::from_millis(100));
        picture(&mut camera, n, 10);
        chunk(&mut stream).unwrap().expect("it is shut out");
    }
}
