//! Downloads: every form of range and condition, recordings that go on, slots that are recycled.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::io::{Read, Write};
use std::os::unix::fs::FileExt;

use common::{
    FIRST, FRAGMENT, HEAD_LEN, LONG, SLOT, Server, finished, put_finished, put_long, record,
    recording,
};

const NAME: &str = "20261120_110800_FN_000123.mp4";
const FILE: &str = "/api/segments/F000123/file";

#[test]
fn a_finished_segment_is_its_bytes_without_the_padding() {
    let server = Server::open();
    let bytes = put_finished(server.dir.path(), NAME);
    let reply = server.get(FILE);
    assert_eq!(reply.status, 200);
    assert!(reply.body == bytes);
    let length = bytes.len().to_string();
    for (name, value) in [
        ("content-length", length.as_str()),
        ("content-type", "video/mp4"),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        (
            "content-disposition",
            "inline; filename=\"picam_2026-11-20_11-08-00Z_front_F000123.mp4\"",
        ),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    let etag = reply.header("etag").unwrap();
    let end = bytes.len();
    assert!(etag.starts_with(&format!("\"7b-{end:x}-f-")), "{etag}");
    assert!(reply.header("last-modified").unwrap().ends_with("GMT"));
    let download = server.get(&format!("{FILE}?download=1"));
    let disposition = download.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment; "));

    let head = server.send(&format!("HEAD {FILE}"), "");
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), Some(length.as_str()));
    assert_eq!(head.header("etag"), Some(etag));
}

#[test]
fn ranges_give_exactly_their_bytes() {
    let server = Server::open();
    let bytes = put_finished(server.dir.path(), NAME);
    let size = bytes.len();
    for (range, first, last) in [
        ("bytes=0-1", 0, 1),
        ("bytes=0-", 0, size - 1),
        ("bytes=500-600", 500, 600),
        ("bytes=511-512", 511, 512),
        ("bytes=65536-131071", 65_536, 131_071),
        ("bytes=-100", size - 100, size - 1),
        ("bytes=-99999999", 0, size - 1),
        ("bytes=100-99999999", 100, size - 1),
    ] {
        let reply = server.send(&format!("GET {FILE}\r\nRange: {range}"), "");
        assert_eq!(reply.status, 206, "{range}");
        let said = format!("bytes {first}-{last}/{size}");
        assert_eq!(reply.header("content-range"), Some(said.as_str()));
        assert_eq!(
            reply.header("content-length"),
            Some((last - first + 1).to_string().as_str())
        );
        assert!(reply.body == bytes[first..=last], "{range}");
    }
    for range in ["bytes=0-1,5-6", "bytes=9-3", "lines=1-2", "bytes=x"] {
        let reply = server.send(&format!("GET {FILE}\r\nRange: {range}"), "");
        assert_eq!(reply.status, 200, "{range}");
        assert!(reply.body == bytes);
    }
    for range in [format!("bytes={size}-"), "bytes=-0".into()] {
        let reply = server.send(&format!("GET {FILE}\r\nRange: {range}"), "");
        assert_eq!(reply.status, 416, "{range}");
        assert_eq!(
            reply.header("content-range"),
            Some(format!("bytes */{size}").as_str())
        );
        assert!(reply.json()["remedy"].is_string());
    }
    let head = server.send(&format!("HEAD {FILE}\r\nRange: bytes=0-1"), "");
    assert_eq!((head.status, head.header("content-range")), (200, None));
}

#[test]
fn conditions_are_honoured() {
    let server = Server::open();
    let bytes = put_finished(server.dir.path(), NAME);
    let first = server.get(FILE);
    let (etag, date) = (
        first.header("etag").unwrap(),
        first.header("last-modified").unwrap(),
    );
    let ask = |headers: &str| server.send(&format!("GET {FILE}\r\n{headers}"), "");
    for headers in [
        format!("If-None-Match: {etag}"),
        format!("If-None-Match: \"a\", {etag}"),
        format!("If-Modified-Since: {date}"),
        format!("If-None-Match: {etag}\r\nRange: bytes=0-1"),
    ] {
        let reply = ask(&headers);
        assert_eq!(reply.status, 304, "{headers}");
        assert_eq!(reply.header("etag"), Some(etag));
    }
    assert_eq!(ask("If-None-Match: \"other\"").status, 200);
    let past = "If-Modified-Since: Fri, 20 Nov 2020 11:08:00 GMT";
    assert_eq!(ask(past).status, 200);
    for (condition, status) in [
        (etag, 206),
        (date, 206),
        ("\"other\"", 200),
        ("Fri, 20 Nov 2020 11:08:00 GMT", 200),
    ] {
        let reply = ask(&format!("If-Range: {condition}\r\nRange: bytes=10-19"));
        assert_eq!(reply.status, status, "{condition}");
        let whole = status == 200;
        assert!(reply.body == if whole { &bytes[..] } else { &bytes[10..20] });
    }
}

#[test]
fn a_changed_class_is_another_version() {
    let server = Server::open();
    put_finished(server.dir.path(), NAME);
    let before = server.get(FILE);
    let name = "20261120_110800_FE_000123.mp4";
    std::fs::rename(server.dir.path().join(NAME), server.dir.path().join(name)).unwrap();
    std::fs::write(server.dir.path().join(name), finished(&record(name), 2)).unwrap();
    let after = server.get(FILE);
    assert_eq!(after.status, 200, "the id outlives the rename");
    assert_ne!(before.header("etag"), after.header("etag"));
}

/// Top-level boxes as type and length.
fn boxes(mut bytes: &[u8]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    while let Some(header) = bytes.first_chunk::<8>() {
        let len = u32::from_be_bytes(header[..4].try_into().unwrap()) as usize;
        found.push((String::from_utf8_lossy(&header[4..]).into_owned(), len));
        bytes = &bytes[len..];
    }
    assert!(bytes.is_empty());
    found
}

#[test]
fn a_recording_is_a_whole_file_and_stays_the_same_when_finished() {
    let server = Server::open();
    let record = record(NAME);
    let path = server.dir.path().join(NAME);
    std::fs::write(&path, recording(&record, 2)).unwrap();
    let listed = server.get("/api/segments/F000123").json();
    let pinned = listed["file"].as_str().unwrap();
    assert_eq!(pinned, format!("{FILE}?end={}", FIRST + 2 * FRAGMENT));
    assert_eq!(listed["state"], "recording");

    let live = server.get(FILE);
    assert_eq!(live.header("last-modified"), None);
    let kinds: Vec<_> = boxes(&live.body)
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(
        kinds,
        [
            "ftyp", "free", "moov", "free", "moof", "mdat", "moof", "mdat"
        ]
    );
    let shown = server.get(pinned);
    assert!(shown.body == live.body);
    assert!(
        picam_mp4::Record::parse(&live.body[..512]).is_ok(),
        "the record is kept"
    );

    // It grows: the view that a player began with does not.
    std::fs::write(&path, recording(&record, 5)).unwrap();
    assert!(server.get(pinned).body == live.body);
    assert_eq!(server.get(FILE).body.len(), FIRST + 5 * FRAGMENT);

    // It is finished: nothing changes for that player.
    let bytes = finished(&record, 6);
    std::fs::write(&path, &bytes).unwrap();
    let after = server.get(pinned);
    assert!(after.body == live.body);
    assert_eq!(after.header("etag"), shown.header("etag"));
    let etag = shown.header("etag").unwrap();
    let range = format!("GET {pinned}\r\nRange: bytes=100-20000\r\nIf-Range: {etag}");
    let part = server.send(&range, "");
    assert_eq!(part.status, 206);
    assert!(part.body == live.body[100..=20_000]);
    // Everybody else gets the finished file.
    assert!(server.get(FILE).body == bytes[..FIRST + 6 * FRAGMENT]);

    for end in [FIRST + 1, FIRST + 7 * FRAGMENT, 0] {
        assert_eq!(
            server.get(&format!("{FILE}?end={end}")).status,
            404,
            "{end}"
        );
    }
    assert_eq!(server.get(&format!("{FILE}?end={FIRST}")).body.len(), FIRST);
    assert_eq!(server.get(&format!("{FILE}?end=x")).status, 400);
}

#[test]
fn a_recording_without_a_fragment_is_its_head() {
    let server = Server::open();
    std::fs::write(server.dir.path().join(NAME), recording(&record(NAME), 0)).unwrap();
    let reply = server.get(FILE);
    assert_eq!(reply.body.len(), FIRST);
    assert!(reply.body[512..HEAD_LEN].iter().all(|&byte| byte == 0));
}

#[test]
fn a_download_is_cut_when_the_slot_is_recycled() {
    let server = Server::open();
    let (file, mut record) = put_long(server.dir.path(), NAME);
    let mut stream = server.connect();
    let request = server.request(&format!("GET {FILE}"), "");
    stream.write_all(request.as_bytes()).unwrap();
    let mut front = vec![0; 100_000];
    stream.read_exact(&mut front).unwrap();
    record.sequence += 1;
    let mut sector = [0; 512];
    file.read_exact_at(&mut sector, 0).unwrap();
    record.store(&mut sector);
    file.write_all_at(&sector, 0).unwrap();
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest);
    let got = (front.len() + rest.len()) as u64;
    assert!(
        ended.is_err() || got < LONG,
        "a cut download must not look whole: {got}"
    );
    assert!(got < LONG / 2, "{got}");
}

#[test]
fn damaged_segments_can_still_be_downloaded() {
    let server = Server::open();
    let mut bytes = finished(&record(NAME), 2);
    bytes[300] ^= 1;
    std::fs::write(server.dir.path().join(NAME), &bytes).unwrap();
    let listed = server.get("/api/segments/F000123").json();
    assert_eq!(listed["state"], "damaged");
    assert_eq!(listed["start"], "2026-11-20T11:08:00Z");
    assert_eq!(listed["frames"], serde_json::Value::Null);
    let reply = server.get(FILE);
    assert_eq!(reply.body.len(), SLOT);
    assert!(reply.body == bytes);
    assert_eq!(
        server
            .send(&format!("GET {FILE}\r\nRange: bytes=5-9"), "")
            .body,
        bytes[5..=9]
    );
    assert_eq!(server.get(&format!("{FILE}?end={FIRST}")).status, 404);
}

#[test]
fn what_is_not_there_says_so() {
    let server = Server::open();
    put_finished(server.dir.path(), NAME);
    for (path, status) in [
        ("/api/segments/F000124/file", 404),
        ("/api/segments/R000123/file", 404),
        ("/api/segments/nonsense/file", 400),
        ("/api/segments/..%2F..%2Fetc%2Fpasswd/file", 400),
        ("/api/segments/F000123/file?colour=1", 400),
        ("/api/segments/F000123/thumbnail", 404),
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, status, "{path}");
        let json = reply.json();
        assert!(json["error"].is_string() && json["remedy"].is_string());
    }
    std::fs::remove_file(server.dir.path().join(NAME)).unwrap();
    assert_eq!(server.get(FILE).status, 404);
    let outside = server.dir.path().join("secret");
    std::fs::write(&outside, "secret").unwrap();
    std::os::unix::fs::symlink(&outside, server.dir.path().join(NAME)).unwrap();
    assert_eq!(server.get(FILE).status, 404, "links are not followed");
}

#[test]
fn a_slow_client_holds_nobody_up() {
    let server = Server::open();
    let name = "20261120_110900_FN_000124.mp4";
    put_finished(server.dir.path(), NAME);
    put_long(server.dir.path(), name);
    let slow: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = server.connect();
            let request = server.request("GET /api/segments/F000124/file", "");
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    let began = std::time::Instant::now();
    assert_eq!(server.get(FILE).status, 200);
    assert_eq!(server.get("/api/segments").status, 200);
    assert!(began.elapsed().as_secs() < 2);
    drop(slow);
}

#[test]
fn curl_resumes_a_download() {
    let server = Server::open();
    let bytes = put_finished(server.dir.path(), NAME);
    let part = server.dir.path().join("part.mp4");
    std::fs::write(&part, &bytes[..70_000]).unwrap();
    let curl = std::process::Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--fail",
            "--continue-at",
            "-",
            "--output",
        ])
        .arg(&part)
        .arg(format!("http://{}{FILE}", server.addr))
        .status();
    // curl is a peer where it is installed.
    let Ok(status) = curl else { return };
    assert!(status.success());
    assert!(std::fs::read(&part).unwrap() == bytes);
}

#[test]
fn a_version_that_is_gone_is_refused() {
    let server = Server::open();
    put_finished(server.dir.path(), NAME);
    let etag = server.get(FILE).header("etag").unwrap().to_owned();
    let early = "Fri, 20 Nov 2020 11:08:00 GMT";
    for (condition, status) in [
        (format!("If-Match: {etag}"), 200),
        ("If-Match: *".into(), 200),
        ("If-Match: \"other\"".into(), 412),
        (format!("If-Unmodified-Since: {early}"), 412),
        (
            format!("If-Match: {etag}\r\nIf-Unmodified-Since: {early}"),
            200,
        ),
        (format!("If-Match: \"other\"\r\nIf-None-Match: {etag}"), 412),
        ("If-Match: \"other\"\r\nRange: bytes=0-1".into(), 412),
    ] {
        let reply = server.send(&format!("GET {FILE}\r\n{condition}"), "");
        assert_eq!(reply.status, status, "{condition}");
        if status == 412 {
            assert!(reply.json()["remedy"].is_string());
            assert_eq!(reply.header("etag"), Some(etag.as_str()));
        }
    }
}

#[test]
fn parameters_have_bounds() {
    let server = Server::open();
    put_finished(server.dir.path(), NAME);
    for (query, status) in [
        ("end=9007199254740991", 404),
        ("end=9007199254740992", 400),
        ("end=99999999999999999999", 400),
        ("end=-1", 400),
        ("download=2", 400),
        ("offset=1440", 400),
        ("offset=-1440", 400),
        ("offset=x", 400),
        ("download=1&offset=60", 200),
    ] {
        let reply = server.get(&format!("{FILE}?{query}"));
        assert_eq!(reply.status, status, "{query}");
        let name = "attachment; filename=\"picam_2026-11-20_12-08-00_front_F000123.mp4\"";
        assert!(status != 200 || reply.header("content-disposition") == Some(name));
    }
}
