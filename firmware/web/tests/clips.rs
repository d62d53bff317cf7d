//! Clips and pictures: whole, in parts, under a tag, and beside a recorder that takes the slots meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::{Server, finished, put_finished, record, recording};
use picam_mp4::Record;
use picam_mp4::read::Movie;

const FRONT: &str = "20261120_110800_FN_000123.mp4";
const REAR: &str = "20261120_110800_RN_000123.mp4";
const ALL: &str = "from=F000123@0&to=F000123@1";

fn two_cameras() -> Server {
    let server = Server::open();
    put_finished(server.dir.path(), FRONT);
    put_finished(server.dir.path(), REAR);
    server
}

#[test]
fn one_camera_is_an_mp4_and_several_are_a_zip() {
    let server = two_cameras();
    let one = server.send(&format!("GET /api/clip?cameras=F&{ALL}&offset=60"), "");
    assert_eq!(one.status, 200, "{}", one.text());
    assert_eq!(one.header("content-type"), Some("video/mp4"));
    assert_eq!(
        one.header("content-disposition"),
        Some("attachment; filename=\"picam_2026-11-20_12-08-00_front.mp4\"")
    );
    assert_eq!(
        one.header("content-length"),
        Some(&*one.body.len().to_string())
    );
    let movie = Movie::read(&one.body).unwrap();
    assert_eq!(movie.video().unwrap().samples.len(), 2);
    // By UTC it is the same one, and so is its tag.
    let utc = server.send(
        "GET /api/clip?cameras=F&from=2026-11-20T11:07:00Z&to=2026-11-20T11:09:00Z",
        "",
    );
    assert_eq!(utc.body, one.body);
    assert_eq!(utc.header("etag"), one.header("etag"));

    let both = server.send(&format!("GET /api/clip?{ALL}"), "");
    assert_eq!(both.status, 200);
    assert_eq!(both.header("content-type"), Some("application/zip"));
    assert!(
        both.header("content-disposition")
            .unwrap()
            .ends_with(".zip\"")
    );
    let named = server.send(&format!("GET /api/clip?cameras=F,R&{ALL}"), "");
    assert_eq!(named.body, both.body);
    // The first is stored as it is, behind a header and its name.
    let at = 30 + "picam_2026-11-20_11-08-00Z_front.mp4".len();
    assert_eq!(both.body[at..][..one.body.len()], one.body);

    // A camera that saw nothing then is left out; if none did, that is said.
    let rear = server.send("GET /api/clip?cameras=R,X&from=R000123@0&to=R000123@1", "");
    assert_eq!(rear.status, 200);
    for query in [
        "cameras=X&from=F000123@0&to=F000123@1",
        "from=F000123@10&to=F000123@20",
        "from=F000123@1&to=F000123@0",
        "from=2020-01-01T00:00:00Z&to=2020-01-01T00:01:00Z",
        "from=F000999@0&to=F000123@1",
    ] {
        let reply = server.send(&format!("GET /api/clip?{query}"), "");
        assert_eq!(reply.status, 404, "{query}: {}", reply.text());
        assert!(reply.text().contains("remedy"));
    }
    for query in [
        "",
        "from=F000123@0",
        "from=F000123@0&to=later",
        "from=F000123@0&to=F000123@1e3",
        "from=F000123@0&to=F000123@1&cameras=FR",
        "from=F000123@0&to=F000123@1&cameras=",
        "from=F000123@0&to=F000123@1&sound=2",
        "from=F000123@0&to=F000123@1&offset=1440",
        "from=F000123@0&to=F000123@1&path=/etc/passwd",
    ] {
        let reply = server.send(&format!("GET /api/clip?{query}"), "");
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert!(reply.text().contains("F000123@12.4"), "{}", reply.text());
    }
}

/// A phone that lost the network goes on where it was.
#[test]
fn a_clip_is_gone_on_with() {
    let server = two_cameras();
    let path = format!("/api/clip?{ALL}");
    let whole = server.send(&format!("GET {path}"), "");
    let size = whole.body.len();
    let tag = whole.header("etag").unwrap();
    let head = server.send(&format!("HEAD {path}"), "");
    assert_eq!(head.header("content-length"), Some(&*size.to_string()));
    assert_eq!(head.header("etag"), Some(tag));
    for from in [0, 1, 40, size / 3, size / 2, size - 70, size - 1] {
        let range = format!("GET {path}\r\nRange: bytes={from}-\r\nIf-Range: {tag}");
        let rest = server.send(&range, "");
        assert_eq!(rest.status, 206, "{from}");
        assert_eq!(rest.body, whole.body[from..], "{from}");
    }
    let other = server.send(
        &format!("GET {path}\r\nRange: bytes=5-\r\nIf-Range: \"x\""),
        "",
    );
    assert_eq!((other.status, other.body.len()), (200, size));
    let beyond = server.send(&format!("GET {path}\r\nRange: bytes={size}-"), "");
    assert_eq!(beyond.status, 416);
    let known = server.send(&format!("GET {path}\r\nIf-None-Match: {tag}"), "");
    assert_eq!(known.status, 304);
    // Another part of the footage, and the same without its place, is another clip.
    let other = server.send("GET /api/clip?from=F000123@0&to=F000123@0.05", "");
    assert_ne!(other.header("etag"), Some(tag));
}

/// Segments of the front camera in a row, 15 MB in all and so more than sockets hold; gives the path of the last.
fn long_row(server: &Server) -> PathBuf {
    let mut last = PathBuf::new();
    for n in 0..16_u32 {
        let name = format!("20261120_1108{:02}_FN_{:06}.mp4", 2 * n, 100 + n);
        let mut record = record(&name);
        record.start_boot += Duration::from_secs(2 * u64::from(n));
        last = server.dir.path().join(name);
        std::fs::write(&last, finished(&record, 14)).unwrap();
    }
    last
}

/// The clip of them, of which only the beginning is taken.
fn stalled(server: &Server) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(server.addr).unwrap();
    let request = format!(
        "GET /api/clip?cameras=F&from=F000100@0&to=F000115@1 HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.addr
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut got = vec![0; 1000];
    stream.read_exact(&mut got).unwrap();
    (stream, got)
}

/// The slot of a segment is taken for another one while its clip is sent: not a byte of that is.
#[test]
fn a_clip_breaks_off_rather_than_show_other_footage() {
    let server = Server::open();
    let path = long_row(&server);
    let (mut stream, mut got) = stalled(&server);
    let mut bytes = std::fs::read(&path).unwrap();
    let (mut other, _) = Record::parse(&bytes).unwrap();
    other.sequence += 1_000_000;
    other.store(bytes.first_chunk_mut().unwrap());
    bytes[4096..].fill(0xEE);
    std::fs::write(&path, &bytes).unwrap();
    let _ = stream.read_to_end(&mut got);
    let body = got.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&got[..body]).to_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
    assert!(length > 14_000_000, "{length}");
    assert!(
        got.len() - body < length,
        "{} of {length}",
        got.len() - body
    );
    assert!(!got.windows(64).any(|bytes| bytes == [0xEE; 64]));
}

#[test]
fn three_clips_are_sent_at_a_time() {
    let server = Server::open();
    long_row(&server);
    let three = [(); 3].map(|()| stalled(&server));
    let small = || server.send("GET /api/clip?cameras=F&from=F000100@0&to=F000100@0.2", "");
    let reply = small();
    assert_eq!(reply.status, 503);
    assert!(
        reply.text().contains("other clips or archives"),
        "{}",
        reply.text()
    );
    assert!(reply.header("retry-after").is_some());
    drop(three);
    let began = Instant::now();
    while small().status != 200 {
        assert!(
            began.elapsed().as_secs() < 20,
            "a place is never given back"
        );
    }
}

/// What is asked for may be days: nothing is opened for that.
#[test]
fn a_clip_has_fifteen_minutes_at_most() {
    let server = Server::open();
    for n in 0..20_u64 {
        let name = format!("20261120_12{n:02}00_FN_{n:06}.mp4");
        let mut record = record(&name);
        record.start_boot += Duration::from_secs(60 * n);
        let mut bytes = finished(&record, 1);
        let (mut longer, _) = Record::parse(&bytes).unwrap();
        longer.duration = Duration::from_secs(60);
        longer.store(bytes.first_chunk_mut().unwrap());
        std::fs::write(server.dir.path().join(name), bytes).unwrap();
    }
    let ask = |from, to| {
        server.send(
            &format!("GET /api/clip?from=F000000@{from}&to=F000000@{to}"),
            "",
        )
    };
    assert_eq!(ask(0, 900).status, 200);
    for to in [901, 1200, 9999] {
        let reply = ask(0, to);
        assert_eq!(reply.status, 400, "{to}");
        assert!(reply.text().contains("15 minutes"), "{}", reply.text());
    }
}

#[test]
fn the_first_picture_is_a_movie_that_stays_the_same() {
    let server = Server::open();
    let path = server.dir.path().join(FRONT);
    std::fs::write(&path, recording(&record(FRONT), 2)).unwrap();
    let address = |server: &Server| {
        let segment = server.send("GET /api/segments/F000123", "").text();
        let segment: serde_json::Value = serde_json::from_str(&segment).unwrap();
        segment["picture"].as_str().unwrap().to_owned()
    };
    let known = address(&server);
    let first = server.send(&format!("GET {known}"), "");
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(
        first.header("cache-control"),
        Some("private, max-age=31536000, immutable")
    );
    let movie = Movie::read(&first.body).unwrap();
    let video = movie.video().unwrap();
    assert_eq!((movie.tracks.len(), video.samples.len()), (1, 1));
    assert!(video.samples[0].key);
    assert!(first.body.len() < 70_000, "{}", first.body.len());
    // Safari asks for two bytes first.
    let probe = server.send(&format!("GET {known}\r\nRange: bytes=0-1"), "");
    assert_eq!((probe.status, probe.body.len()), (206, 2));
    // Finished, it is the same; without its recording, or with another, it may not be kept.
    std::fs::write(&path, finished(&record(FRONT), 2)).unwrap();
    let again = server.send(&format!("GET {}", address(&server)), "");
    assert_eq!((address(&server), &again.body), (known, &first.body));
    for query in ["", "?of=00000000"] {
        let reply = server.send(&format!("GET /api/segments/F000123/first{query}"), "");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
    }
    // What has none says so.
    std::fs::write(server.dir.path().join(REAR), recording(&record(REAR), 0)).unwrap();
    std::fs::write(
        server.dir.path().join("20261120_110800_FN_000125.mp4"),
        [0; 4096],
    )
    .unwrap();
    for (id, status) in [
        ("R000123", 404),
        ("F000125", 404),
        ("F000999", 404),
        ("F1", 400),
    ] {
        let reply = server.send(&format!("GET /api/segments/{id}/first"), "");
        assert_eq!(reply.status, status, "{id}: {}", reply.text());
    }
}
