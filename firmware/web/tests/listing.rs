//! The listing: what it says of each file, its filters and pages, and how long it takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant, SystemTime};

use common::{FIRST, FRAGMENT, Server, finished, put_finished, record, recording};
use picam_mp4::Record;
use picam_time::BootNs;
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&str> {
    let segments = page["segments"].as_array().unwrap();
    segments.iter().map(|s| s["id"].as_str().unwrap()).collect()
}

#[test]
fn every_fact_of_a_segment_is_told() {
    let server = Server::open();
    put_finished(server.dir.path(), "20261120_110800_FE_000123.mp4");
    let one = server.get("/api/segments/F000123").json();
    let size = FIRST + 2 * FRAGMENT;
    assert_eq!(
        one,
        json!({
            "id": "F000123", "volume": "card", "name": "20261120_110800_FE_000123.mp4", "sequence": 123,
            "camera": "F", "camera_name": "front", "class": "event", "locked": true,
            "start": "2026-11-20T11:08:00Z", "boot": {"number": 42, "seconds": 2161.0},
            "duration_s": 0.2, "size": size, "state": "finished", "frames": 2,
            "dropped": {"encoder": 0, "queue": 2}, "crc_failures": 0, "io_faults": 0,
            "file": "/api/segments/F000123/file",
            // CRC-32 of the boot's id, sixteen times 7, and the sequence.
            "picture": "/api/segments/F000123/first?of=e017ffe9",
        })
    );
}

#[test]
fn card_and_disk_are_one_list_by_the_boot_clock() {
    let server = Server::open();
    // Seconds since boot 7, and the numbers that each volume counts for itself.
    for (dir, name, boot, seconds) in [
        (&server.dir, "boot0042_000030_FN_000001.mp4", 7, 30),
        (&server.disk, "boot0042_000100_FN_000001.mp4", 7, 60),
        (&server.disk, "boot0042_000130_FN_000002.mp4", 7, 90),
        (&server.dir, "boot0042_000200_FN_000003.mp4", 7, 120),
        // The boot before, of the disk alone.
        (&server.disk, "boot0041_001000_FN_000000.mp4", 6, 600),
    ] {
        let record = Record {
            boot_id: [boot; 16],
            start_boot: BootNs::from_secs(seconds),
            ..record(name)
        };
        std::fs::write(dir.path().join(name), finished(&record, 1)).unwrap();
    }
    let page = server.get("/api/segments").json();
    let all = ["F000003", "F000002u", "F000001u", "F000001", "F000000u"];
    assert_eq!(ids(&page), all);
    assert_eq!(page["segments"][1]["volume"], "usb");
    assert_eq!(page["total"], 5);
    // The same number is another file on each.
    for (id, seconds) in [("F000001", 30.0), ("F000001u", 60.0)] {
        let one = server.get(&format!("/api/segments/{id}")).json();
        assert_eq!(one["boot"]["seconds"], seconds, "{one}");
        let file = one["file"].as_str().unwrap();
        assert_eq!(file, format!("/api/segments/{id}/file"));
        let reply = server.get(file);
        let sent = Record::parse(reply.body[..512].try_into().unwrap())
            .unwrap()
            .0;
        assert_eq!(sent.start_boot, BootNs::from_secs(seconds as u64));
    }
    // Page by page, also where the last one shown is gone by then.
    let mut seen = Vec::new();
    let mut before = String::new();
    for _ in 0..3 {
        let page = server.get(&format!("/api/segments?limit=2{before}")).json();
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        before = format!("&before={}", page["next"].as_str().unwrap_or_default());
    }
    assert_eq!(seen, all);
    std::fs::remove_file(server.disk.path().join("boot0042_000130_FN_000002.mp4")).unwrap();
    let rest = server.get("/api/segments?before=F000002u").json();
    assert_eq!(ids(&rest), ["F000001u", "F000001", "F000000u"]);
    // The disk goes, and comes back.
    let away = server.dir.path().join("away");
    std::fs::rename(server.disk.path(), &away).unwrap();
    assert_eq!(
        ids(&server.get("/api/segments").json()),
        ["F000003", "F000001"]
    );
    std::fs::rename(&away, server.disk.path()).unwrap();
    assert_eq!(ids(&server.get("/api/segments").json()).len(), 4);
}

#[test]
fn order_is_by_sequence_and_an_unknown_time_is_none() {
    let server = Server::open();
    let dir = server.dir.path();
    put_finished(dir, "20261120_110800_FN_000003.mp4");
    put_finished(dir, "boot0042_003601_FN_000002.mp4");
    put_finished(dir, "20261121_110800_FN_000001.mp4");
    put_finished(dir, "20200101_000000_RN_000004.mp4");
    let page = server.get("/api/segments").json();
    assert_eq!(ids(&page), ["R000004", "F000003", "F000002", "F000001"]);
    let unknown = &page["segments"][2];
    assert_eq!(unknown["start"], Value::Null);
    assert_eq!(unknown["boot"], json!({"number": 42, "seconds": 2161.0}));
    assert_eq!(page["total"], 4);
    assert_eq!(page["next"], Value::Null);
    let letters = page["cameras"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["letter"]);
    assert_eq!(letters.collect::<Vec<_>>(), ["F", "R"]);
}

#[test]
fn filters_narrow_and_pages_follow_each_other() {
    let server = Server::open();
    let dir = server.dir.path();
    for n in 1..=10 {
        let (camera, class) = if n % 2 == 0 { ('F', 'N') } else { ('R', 'E') };
        let day = if n <= 5 { 19 } else { 20 };
        put_finished(
            dir,
            &format!("202611{day}_1108{n:02}_{camera}{class}_{n:06}.mp4"),
        );
    }
    put_finished(dir, "boot0042_003601_FP_000011.mp4");
    for (query, count) in [
        ("", 11),
        ("camera=F", 6),
        ("camera=f", 6),
        ("camera=Q", 0),
        ("class=event", 5),
        ("class=parking", 1),
        ("class=manual", 0),
        ("day=2026-11-19", 5),
        ("day=2026-11-20", 5),
        ("day=2026-11-21", 0),
        ("day=2026-11-20&camera=R", 2),
        ("from=2026-11-20T00:00:00Z", 5),
        ("from=2026-11-20T11:08:07Z&to=2026-11-20T11:08:09Z", 2),
        ("from=2026-11-20T13:08:07%2B02:00", 4),
        ("to=2026-11-20T00:00:00Z", 5),
        ("day=2026-11-20&from=2026-11-20T11:08:09Z", 2),
        ("limit=3", 3),
        ("before=F000004", 3),
        ("before=F000099", 11),
    ] {
        let page = server.get(&format!("/api/segments?{query}")).json();
        assert_eq!(ids(&page).len(), count, "{query}");
        assert_eq!(page["total"], 11);
    }
    let mut all = Vec::new();
    let mut next = json!("F000099");
    while let Some(before) = next.as_str() {
        let page = server
            .get(&format!("/api/segments?limit=3&before={before}"))
            .json();
        all.extend(ids(&page).iter().map(ToString::to_string));
        next = page["next"].clone();
        // The last of a page may be recorded over before the next is asked for.
        if all.len() == 3 {
            std::fs::remove_file(dir.join("20261120_110809_RE_000009.mp4")).unwrap();
        }
    }
    let numbers = all.iter().map(|id| id[1..].parse::<u32>().unwrap());
    assert_eq!(
        numbers.collect::<Vec<_>>(),
        (1..=11).rev().collect::<Vec<_>>()
    );
}

#[test]
fn wrong_filters_are_told_apart() {
    let server = Server::open();
    for query in [
        "camera=front",
        "class=Event",
        "day=20.11.2026",
        "day=2026-02-30",
        "from=yesterday",
        "to=2026-11-20",
        "limit=0",
        "limit=5001",
        "limit=-1",
        "before=123",
        "colour=red",
    ] {
        let reply = server.get(&format!("/api/segments?{query}"));
        assert_eq!(reply.status, 400, "{query}");
        assert!(reply.json()["remedy"].as_str().unwrap().len() > 10);
    }
}

#[test]
fn the_card_is_the_database() {
    let server = Server::open();
    let dir = server.dir.path();
    let list = || server.get("/api/segments").json();
    assert_eq!(ids(&list()), [""; 0]);
    std::fs::write(dir.join("DSC_0001.JPG"), [0; 1000]).unwrap();
    std::fs::write(dir.join("20261120_110800_FN_000123 copy.mp4"), [0; 500]).unwrap();
    std::fs::create_dir(dir.join("Android")).unwrap();
    std::fs::write(dir.join("free_video_slot_F-_000001.bin"), [0; 4096]).unwrap();
    let name = "20261120_110800_FN_000123.mp4";
    std::fs::write(dir.join(name), recording(&record(name), 1)).unwrap();
    let page = list();
    assert_eq!(page["foreign"], json!({"files": 3, "bytes": 1500}));
    assert_eq!(page["segments"][0]["size"], FIRST + FRAGMENT);

    std::fs::write(dir.join(name), finished(&record(name), 3)).unwrap();
    assert_eq!(list()["segments"][0]["state"], "finished");
    let event = "20261120_110800_FE_000123.mp4";
    std::fs::rename(dir.join(name), dir.join(event)).unwrap();
    assert_eq!(list()["segments"][0]["class"], "event");
    // Somebody else's segment under this name: neither its time nor its counters are this one's.
    std::fs::write(
        dir.join(event),
        finished(&record("20200101_000000_FN_000009.mp4"), 1),
    )
    .unwrap();
    assert_eq!(list()["segments"][0]["state"], "damaged");
    std::fs::write(dir.join(event), "").unwrap();
    assert_eq!(list()["segments"][0]["state"], "damaged");
    std::fs::remove_file(dir.join(event)).unwrap();
    assert_eq!(ids(&list()), [""; 0]);
    std::fs::remove_dir_all(dir).unwrap();
    let reply = server.get("/api/segments");
    assert_eq!(reply.status, 503);
    assert!(reply.json()["remedy"].as_str().unwrap().contains("card"));
    std::fs::create_dir(dir).unwrap();
    assert_eq!(server.get("/api/segments").status, 200, "put back");
}

/// Makes the last change of a directory look as if it were of an hour ago.
fn age(dir: &std::path::Path) {
    let hour = SystemTime::now() - Duration::from_secs(3600);
    File::open(dir).unwrap().set_modified(hour).unwrap();
}

#[test]
fn a_poll_looks_only_at_what_may_have_changed() {
    let server = Server::open();
    let dir = server.dir.path();
    let (done, growing) = (
        "20261120_110800_FN_000001.mp4",
        "20261120_110800_FN_000002.mp4",
    );
    put_finished(dir, done);
    std::fs::write(dir.join(growing), recording(&record(growing), 1)).unwrap();
    age(dir);
    let first = server.get("/api/segments");
    assert_eq!(first.header("cache-control"), Some("private, no-cache"));
    let etag = first.header("etag").unwrap().to_owned();
    let poll = |etag: &str| {
        let reply = server.send(&format!("GET /api/segments\r\nIf-None-Match: {etag}"), "");
        (reply.status, reply)
    };
    assert_eq!(poll(&etag).0, 304);
    assert_eq!(server.get("/api/segments").body, first.body);
    // On the spot, so that the directory stays the same: nobody looks there.
    std::fs::write(dir.join(done), "torn").unwrap();
    assert_eq!(poll(&etag).0, 304);
    // What grows is seen at once.
    std::fs::write(dir.join(growing), recording(&record(growing), 2)).unwrap();
    let (status, grown) = poll(&etag);
    assert_eq!(status, 200);
    assert_eq!(grown.json()["segments"][0]["size"], FIRST + 2 * FRAGMENT);
    assert_eq!(grown.json()["segments"][1]["state"], "finished", "kept");
    std::fs::write(dir.join(growing), finished(&record(growing), 2)).unwrap();
    let etag = grown.header("etag").unwrap().to_owned();
    assert_eq!(poll(&etag).1.json()["segments"][0]["state"], "finished");
    // And so is every name that comes or goes.
    put_finished(dir, "20261120_110800_FN_000003.mp4");
    let (_, more) = poll(&etag);
    assert_eq!(more.json()["total"], 3);
    assert_eq!(
        more.json()["segments"][2]["state"],
        "damaged",
        "looked at again"
    );
    std::fs::remove_file(dir.join(done)).unwrap();
    assert_eq!(poll("\"x\"").1.json()["total"], 2);
}

#[test]
fn of_two_files_with_one_id_the_readable_one_counts() {
    let server = Server::open();
    std::fs::write(
        server.dir.path().join("20261120_110800_FM_000123.mp4"),
        "torn",
    )
    .unwrap();
    put_finished(server.dir.path(), "20261120_110800_FN_000123.mp4");
    let page = server.get("/api/segments").json();
    assert_eq!(ids(&page), ["F000123"]);
    assert_eq!(page["segments"][0]["state"], "finished");
}

#[test]
fn four_thousand_segments_are_listed_in_time() {
    let server = Server::open();
    let template = finished(&record("20261120_110800_FN_000001.mp4"), 1);
    for n in 0..4000 {
        let name = picam_ring::SegmentName {
            time: picam_ring::NameTime::Utc(1_795_000_000 + i64::from(n) * 60),
            camera: if n % 2 == 0 { b'F' } else { b'R' },
            class: picam_ring::Class::Normal,
            sequence: n,
        };
        let name = name.to_string();
        let mut sector = *template.first_chunk::<512>().unwrap();
        let mut record = record(&name);
        record.end = 40 << 20;
        record.store(&mut sector);
        let file = File::create(server.dir.path().join(name)).unwrap();
        file.set_len(64 << 20).unwrap();
        file.write_all_at(&sector, 0).unwrap();
    }
    let time = |path: &str| {
        let began = Instant::now();
        let reply = server.get(path);
        assert_eq!(reply.status, 200);
        (
            began.elapsed(),
            reply.json()["segments"].as_array().unwrap().len(),
        )
    };
    let (cold, _) = time("/api/segments");
    // The best of some: the machine may be busy with other tests.
    let best = |path: &str| (0..10).map(|_| time(path)).min().unwrap();
    let (warm, some) = best("/api/segments");
    let (whole, all) = best("/api/segments?limit=5000");
    age(server.dir.path());
    time("/api/segments");
    let (kept, _) = best("/api/segments");
    println!(
        "4000 segments: cold {cold:?}, looked at {warm:?}, kept {kept:?}, all of them {whole:?}"
    );
    assert_eq!((some, all), (100, 4000));
    assert!(warm <= Duration::from_millis(50), "{warm:?}");
}

#[test]
fn the_track_of_footage_without_positions_is_empty_and_a_stretch_must_be_named() {
    let server = Server::open();
    put_finished(server.dir.path(), "20261120_110800_FN_000123.mp4");
    let range = "from=2026-11-20T11:00:00Z&to=2026-11-20T12:00:00Z";
    let reply = server.get(&format!("/api/track?{range}"));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/geo+json"));
    assert_eq!(
        reply.json(),
        json!({"type": "FeatureCollection", "features": []})
    );
    let gpx = server.get(&format!("/api/track?{range}&format=gpx&camera=front"));
    assert!(gpx.text().contains("<gpx version=\"1.1\""));
    let name = gpx.header("content-disposition");
    assert_eq!(name, Some("inline; filename=\"track.gpx\""));
    for (query, status) in [
        ("", 400),
        ("from=2026-11-20T11:00:00Z", 400),
        ("from=2026-11-20T11:00:00Z&to=2026-11-22T11:00:00Z", 400),
        (&format!("{range}&format=kml"), 400),
        (&format!("{range}&camera=roof"), 404),
        (&format!("{range}&what=else"), 400),
    ] {
        let reply = server.get(&format!("/api/track?{query}"));
        assert_eq!(reply.status, status, "{query}");
        assert!(reply.json()["remedy"].is_string());
    }
}
