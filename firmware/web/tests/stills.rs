//! Stills: taken by the owner, seen by whoever is let in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::Server;
use picam_control::orders::{Denied, Why};
use picam_media::{Colour, Exif, Yuv420, encode_jpeg};
use picam_time::UtcUs;

fn put(server: &Server, n: u16) -> Vec<u8> {
    let exif = Exif {
        model: "F front",
        software: "picam",
        taken: Some(UtcUs(1_795_172_880_250_000 + i64::from(n) * 1_000_000)),
        place: None,
        size: (64, 48),
    };
    let tiff = exif.to_tiff().unwrap();
    let jpeg = encode_jpeg(&Yuv420::new(64, 48), Colour::Bt709, 90, &tiff).unwrap();
    let folder = server.dir.path().join("DCIM/100PICAM");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("PICF{n:04}.JPG")), &jpeg).unwrap();
    jpeg
}

#[test]
fn stills_are_listed_and_sent() {
    let server = Server::open();
    assert_eq!(server.get("/api/stills").json()["total"], 0);
    let first = put(&server, 1);
    put(&server, 2);
    let list = server.get("/api/stills?limit=1").json();
    assert_eq!(
        (&list["total"], &list["next"]),
        (&2.into(), &"100F0002".into())
    );
    let still = &list["stills"][0];
    assert_eq!(still["id"], "100F0002");
    assert_eq!(still["taken"], "2026-11-20T11:08:02.25Z");
    assert_eq!(
        (&still["width"], &still["height"]),
        (&64.into(), &48.into())
    );
    assert_eq!(
        (&still["camera"], &still["locked"]),
        (&"F".into(), &false.into())
    );
    let list = server.get("/api/stills?before=100F0002").json();
    let file = list["stills"][0]["file"].as_str().unwrap();
    let reply = server.get(file);
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("image/jpeg"))
    );
    let name = reply.header("content-disposition").unwrap();
    assert!(name.contains("PICF0001.JPG"), "{name}");
    assert_eq!(reply.body, first);
    let etag = reply.header("etag").unwrap();
    let again = server.send(&format!("GET {file}\r\nIf-None-Match: {etag}"), "");
    assert_eq!(again.status, 304);
    let part = server.send(&format!("GET {file}\r\nRange: bytes=2-5"), "");
    assert_eq!((part.status, &part.body[..]), (206, &first[2..6]));
    for (path, status) in [
        ("/api/stills/100F0009", 404),
        ("/api/stills/..%2f..%2fetc", 404),
        ("/api/stills/100F0001u", 404),
        ("/api/stills?before=x", 400),
        ("/api/stills?limit=0", 400),
        ("/api/stills?limit=501", 400),
        ("/api/stills?day=1", 400),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
}

#[test]
fn a_still_is_taken_and_a_no_is_told() {
    let server = Server::open();
    let made = server.send("POST /api/cameras/F/stills", "");
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["file"], "/api/stills/100F0001");
    assert_eq!(
        (&made["from"], &made["camera"]),
        (&"raw".into(), &"F".into())
    );
    // Where it lies on the device is nobody's business.
    assert!(!made.to_string().contains("DCIM"), "{made}");
    for (why, status) in [
        (Why::NoCamera, 404),
        (Why::Refused, 409),
        (Why::TooFast, 429),
        (Why::Unavailable, 503),
    ] {
        let denied = Denied::new(why, "no", "none");
        *server.orders.denied.lock().unwrap() = Some(denied);
        assert_eq!(server.send("POST /api/cameras/F/stills", "").status, status);
    }
    assert_eq!(
        server.send("POST /api/cameras/front/stills", "").status,
        400
    );
    assert_eq!(server.get("/api/cameras/F/stills").status, 405);
    let other = server.send(
        "POST /api/cameras/F/stills\r\nOrigin: http://evil.example",
        "",
    );
    assert_eq!(other.status, 403);
}
