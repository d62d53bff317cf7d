//! Several segments in one ZIP: whole, gone on with, and beside a recorder that takes the slots meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::{Server, finished, put_finished, record, recording};
use picam_mp4::Record;

const FRONT: &str = "20261120_110800_FN_000123.mp4";
const REAR: &str = "20261120_110802_RN_000123.mp4";

/// Where `needle` begins.
fn position(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|part| part == needle)
}

#[test]
fn segments_are_packed_as_they_are() {
    let server = Server::open();
    let front = put_finished(server.dir.path(), FRONT);
    let rear = put_finished(server.dir.path(), REAR);
    let reply = server.get("/api/archive?segments=R000123,F000123&offset=60");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/zip"));
    // The earliest names it, whatever was named first.
    assert_eq!(
        reply.header("content-disposition"),
        Some("attachment; filename=\"picam_2026-11-20_12-08-00.zip\"")
    );
    let length = reply.body.len();
    assert_eq!(reply.header("content-length"), Some(&*length.to_string()));
    let segments = [
        ("picam_2026-11-20_12-08-02_front_R000123.mp4", "R000123"),
        ("picam_2026-11-20_12-08-00_front_F000123.mp4", "F000123"),
    ];
    let mut before = 0;
    for (name, id) in segments {
        let at = position(&reply.body, name.as_bytes()).unwrap() + name.len();
        let file = server.get(&format!("/api/segments/{id}/file")).body;
        assert_eq!(reply.body[at..][..file.len()], file, "{id}");
        assert!(at > before, "in the order in which they were named");
        before = at;
    }
    assert!(length > front.len().min(rear.len()));

    // Each once, and what is being recorded as far as it goes.
    let twice = server.get("/api/archive?segments=R000123,F000123,R000123&offset=60");
    assert_eq!(twice.body, reply.body);
    let name = "20261120_110804_FN_000124.mp4";
    let growing = recording(&record(name), 2);
    std::fs::write(server.dir.path().join(name), growing).unwrap();
    let now = server.get("/api/archive?segments=F000124");
    let shown = server.get("/api/segments/F000124/file").body;
    assert!(position(&now.body, &shown).is_some());
    assert_ne!(now.header("etag"), reply.header("etag"));
}

#[test]
fn what_cannot_be_packed_is_told() {
    let server = Server::open();
    put_finished(server.dir.path(), FRONT);
    let gone = server.get("/api/archive?segments=F000123,F000999");
    assert_eq!(gone.status, 404);
    assert!(gone.text().contains("F000999"), "{}", gone.text());
    let many = |n: u32| {
        (0..n)
            .map(|n| format!("F{n:06}"))
            .collect::<Vec<_>>()
            .join(",")
    };
    assert_eq!(
        server
            .get(&format!("/api/archive?segments={}", many(100)))
            .status,
        404
    );
    for query in [
        String::new(),
        "segments=".into(),
        "segments=F000123,".into(),
        "segments=../etc/passwd".into(),
        "segments=F000123&offset=1440".into(),
        "segments=F000123&path=x".into(),
        format!("segments={}", many(101)),
    ] {
        let reply = server.get(&format!("/api/archive?{query}"));
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert!(reply.text().contains("F000123,R000123"), "{}", reply.text());
    }
}

/// A phone that lost the network goes on where it was.
#[test]
fn an_archive_is_gone_on_with() {
    let server = Server::open();
    put_finished(server.dir.path(), FRONT);
    put_finished(server.dir.path(), REAR);
    let path = "/api/archive?segments=F000123,R000123";
    let whole = server.get(path);
    let (size, tag) = (whole.body.len(), whole.header("etag").unwrap());
    let head = server.send(&format!("HEAD {path}"), "");
    assert_eq!(head.header("content-length"), Some(&*size.to_string()));
    for from in [0, 1, size / 2, size - 70, size - 1] {
        let range = format!("GET {path}\r\nRange: bytes={from}-\r\nIf-Range: {tag}");
        let rest = server.send(&range, "");
        assert_eq!((rest.status, &rest.body[..]), (206, &whole.body[from..]));
    }
    let known = server.send(&format!("GET {path}\r\nIf-None-Match: {tag}"), "");
    assert_eq!(known.status, 304);
}

/// Segments of 15 MB in all, more than sockets hold; of what is sent of them only the beginning is taken.
fn stalled(server: &Server) -> (TcpStream, Vec<u8>) {
    let ids: Vec<_> = (100..116).map(|n| format!("F{n:06}")).collect();
    let mut stream = TcpStream::connect(server.addr).unwrap();
    let request = format!(
        "GET /api/archive?segments={} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        ids.join(","),
        server.addr
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut got = vec![0; 1000];
    stream.read_exact(&mut got).unwrap();
    (stream, got)
}

fn put_row(server: &Server) {
    for n in 0..16_u32 {
        let name = format!("20261120_1108{:02}_FN_{:06}.mp4", 2 * n, 100 + n);
        let bytes = finished(&record(&name), 14);
        std::fs::write(server.dir.path().join(name), bytes).unwrap();
    }
}

/// The slot of a segment is taken for another one while it waits for its turn: not a byte of that is sent.
#[test]
fn an_archive_breaks_off_rather_than_show_other_footage() {
    let server = Server::open();
    put_row(&server);
    let (mut stream, mut got) = stalled(&server);
    let path = server.dir.path().join("20261120_110830_FN_000115.mp4");
    let mut bytes = std::fs::read(&path).unwrap();
    let (mut other, _) = Record::parse(&bytes).unwrap();
    other.sequence += 1_000_000;
    other.store(bytes.first_chunk_mut().unwrap());
    bytes[4096..].fill(0xEE);
    std::fs::write(&path, &bytes).unwrap();
    let _ = stream.read_to_end(&mut got);
    let body = position(&got, b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&got[..body]).to_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
    assert!(length > 14_000_000, "{length}");
    assert!(
        got.len() - body < length,
        "{} of {length}",
        got.len() - body
    );
    assert!(position(&got, &[0xEE; 64]).is_none());
}

/// Clips and archives share their places.
#[test]
fn three_are_sent_at_a_time() {
    let server = Server::open();
    put_row(&server);
    let three = [(); 3].map(|()| stalled(&server));
    for path in [
        "/api/archive?segments=F000100",
        "/api/clip?from=F000100@0&to=F000100@0.2",
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, 503, "{path}");
        assert!(reply.header("retry-after").is_some());
    }
    drop(three);
}
