//! What changes something: orders reach the recorder, from the owner and nobody else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::sync::LazyLock;

use common::{Server, put_finished};
use picam_time::UtcUs;
use picam_web::{Access, Limits, PasswordHash, hash_password};

static HASH: LazyLock<PasswordHash> = LazyLock::new(|| hash_password("correct horse").unwrap());

/// What changes something is for the owner, and for nobody whom another website sent.
#[test]
fn orders_reach_the_recorder_and_its_no_the_page() {
    use picam_control::orders::{Denied, Order, OrderSpan, Why};
    let server = Server::open();
    let id = "F000123".to_owned();
    let lock = |body: &str| server.send("POST /api/locks\r\nContent-Type: application/json", body);
    for (request, body, order) in [
        (
            "POST /api/locks",
            r#"{"id":"a","from":"2026-11-20T11:08:00Z","to":"2026-11-20T11:09:00.5+00:00"}"#,
            Order::Lock {
                id: "a".into(),
                span: OrderSpan::Utc {
                    from: UtcUs(1_795_172_880_000_000),
                    to: UtcUs(1_795_172_940_500_000),
                },
                reason: String::new(),
            },
        ),
        (
            "POST /api/locks",
            r#"{"id":"a","segment":"F000123","reason":"deer"}"#,
            Order::Lock {
                id: "a".into(),
                span: OrderSpan::Segment(id.clone()),
                reason: "deer".into(),
            },
        ),
        (
            "DELETE /api/segments/F000123",
            "",
            Order::Delete {
                segment: id.clone(),
            },
        ),
        (
            "POST /api/segments/F000123/restore",
            "",
            Order::Restore { segment: id },
        ),
        (
            "POST /api/pause",
            r#"{"seconds":60}"#,
            Order::Pause { seconds: 60 },
        ),
        ("POST /api/resume", "", Order::Resume {}),
    ] {
        let head = match body {
            "" => request.to_owned(),
            _ => format!("{request}\r\nContent-Type: application/json"),
        };
        let foreign = format!("{head}\r\nOrigin: http://evil.example");
        assert_eq!(server.send(&foreign, body).status, 403, "{request}");
        assert!(server.orders.taken.lock().unwrap().is_empty());
        let reply = server.send(&head, body);
        assert_eq!(reply.status, 204, "{request}: {}", reply.text());
        assert_eq!(server.orders.taken.lock().unwrap().pop(), Some(order));
    }
    for (body, status) in [
        ("", 400),
        ("{}", 422),
        (r#"{"id":"a"}"#, 422),
        (r#"{"id":"a","from":"2026-11-20T11:08:00Z"}"#, 422),
        (r#"{"id":"a","from":"noon","to":"night"}"#, 422),
        (r#"{"id":"a","segment":"F1"}"#, 400),
        (
            r#"{"id":"a","from":"2026-11-20T11:08:00Z","to":"2026-11-20T11:08:00Z","segment":null}"#,
            422,
        ),
        (r#"{"id":"a","segment":"F000001","origin":"impact"}"#, 422),
    ] {
        let reply = lock(body);
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(reply.text().contains("remedy"), "{body}");
    }
    for (seconds, status) in [("601", 422), ("-1", 422), ("1.5", 422), ("60.0", 204)] {
        let body = format!("{{\"seconds\":{seconds}}}");
        let head = "POST /api/pause\r\nContent-Type: application/json";
        assert_eq!(server.send(head, &body).status, status, "{seconds}");
    }
    let taken = server.orders.taken.lock().unwrap().pop();
    assert_eq!(taken, Some(Order::Pause { seconds: 60 }));
    for (why, status) in [
        (Why::Refused, 409),
        (Why::NoSegment, 404),
        (Why::TooFast, 429),
        (Why::Unavailable, 503),
    ] {
        *server.orders.denied.lock().unwrap() = Some(Denied::new(why, "no", "later"));
        let reply = server.send("POST /api/resume", "");
        assert_eq!(reply.status, status);
        assert!(reply.text().contains("later"));
    }
    assert!(server.orders.taken.lock().unwrap().is_empty());
}

/// Whoever asks need not choose an id, nor know what time it is.
#[test]
fn what_just_happened_is_saved_without_a_time() {
    use picam_control::orders::{Denied, Save, Why};
    let server = Server::open();
    let head = "POST /api/saves\r\nContent-Type: application/json";
    let save = |body: &str| server.send(head, body);
    let taken = || server.orders.saves.lock().unwrap().pop();
    let reply = save(r#"{"id":"a","before_s":20,"after_s":10.0,"reason":"deer"}"#);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let said: serde_json::Value = serde_json::from_str(&reply.text()).unwrap();
    assert_eq!(said["id"], "a");
    assert_eq!(said["held"], serde_json::json!(["F000001"]));
    assert_eq!(said["to"], "F000001@90.5");
    let expected = Save {
        id: "a".into(),
        before_s: 20,
        after_s: 10,
        reason: "deer".into(),
    };
    assert_eq!(taken(), Some(expected));
    // Sixty and thirty, with an id of its own each time.
    let ids = [(); 2].map(|()| {
        assert_eq!(save("{}").status, 200);
        let taken = taken().unwrap();
        assert_eq!((taken.before_s, taken.after_s), (60, 30));
        taken.id
    });
    assert_ne!(ids[0], ids[1]);
    for (body, status) in [
        ("", 400),
        (r#"{"before_s":601}"#, 422),
        (r#"{"after_s":-1}"#, 422),
        (r#"{"after_s":1.5}"#, 422),
        (r#"{"after_s":"30"}"#, 422),
        (r#"{"id":null}"#, 422),
        (r#"{"origin":"impact"}"#, 422),
    ] {
        let reply = save(body);
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(reply.text().contains("remedy"), "{body}");
    }
    let foreign = format!("{head}\r\nOrigin: http://evil.example");
    assert_eq!(server.send(&foreign, "{}").status, 403);
    *server.orders.denied.lock().unwrap() = Some(Denied::new(Why::TooFast, "no", "later"));
    assert_eq!(save("{}").status, 429);
    assert_eq!(taken(), None);
}

#[test]
fn how_pictures_look_is_told_and_changed() {
    use picam_control::orders::{Denied, Why};
    let server = Server::open();
    let told = server.send("GET /api/cameras/f/picture", "");
    assert_eq!(told.status, 200, "{}", told.text());
    let told: serde_json::Value = serde_json::from_str(&told.text()).unwrap();
    assert_eq!(told["settings"][0]["ranges"][0]["most"], "100");
    let head = "PATCH /api/cameras/F/picture\r\nContent-Type: application/json";
    let change = |body: &str| server.send(head, body);
    let body =
        r#"{"brightness":-20,"compensation":0.5,"hflip":true,"exposure":"auto","gain":null}"#;
    assert_eq!(change(body).status, 200);
    let set = server.orders.looks.lock().unwrap().pop().unwrap();
    let expected = [
        ("brightness", Some("-20")),
        ("compensation", Some("0.5")),
        ("exposure", Some("auto")),
        ("gain", None),
        ("hflip", Some("true")),
    ];
    let set: Vec<_> = set.iter().map(|(k, v)| (&**k, v.as_deref())).collect();
    assert_eq!(set, expected);
    for (body, status) in [
        ("", 400),
        ("{}", 422),
        ("[]", 422),
        (r#"{"brightness":[1]}"#, 422),
    ] {
        assert_eq!(change(body).status, status, "{body}");
    }
    let refused = Denied::new(Why::Refused, "out of range", "it takes 0 to 1");
    *server.orders.denied.lock().unwrap() = Some(refused);
    let reply = change(r#"{"gain":"90%"}"#);
    assert_eq!(reply.status, 409);
    assert!(reply.text().contains("it takes 0 to 1"));
    assert_eq!(server.send("GET /api/cameras/R/picture", "").status, 404);
    assert_eq!(server.send("GET /api/cameras/FF/picture", "").status, 400);
    let foreign = format!("{head}\r\nOrigin: http://evil.example");
    assert_eq!(server.send(&foreign, body).status, 403);
    assert!(server.orders.looks.lock().unwrap().is_empty());
}

#[test]
fn viewers_watch_and_change_nothing() {
    static VIEWER: LazyLock<PasswordHash> =
        LazyLock::new(|| hash_password("only looking").unwrap());
    let access = Access::Passwords {
        owner: HASH.clone(),
        viewer: VIEWER.clone(),
    };
    let server = Server::start(access.clone(), Limits::default());
    let login = |server: &Server, password: &str| {
        let body = format!("{{\"password\":\"{password}\"}}");
        let reply = server.send("POST /api/login\r\nContent-Type: application/json", &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let cookie = reply.header("set-cookie").unwrap().to_owned();
        cookie.split(';').next().unwrap().to_owned()
    };
    let name = "20261120_110800_FN_000123.mp4";
    put_finished(server.dir.path(), name);
    let viewer = login(&server, "only looking");
    for path in [
        "/",
        "/api/status",
        "/api/segments",
        "/api/segments/F000123",
        "/api/cameras/F/picture",
        "/api/segments/F000123/file?download=1",
    ] {
        let reply = server.send(&format!("GET {path}\r\nCookie: {viewer}"), "");
        assert_eq!(reply.status, 200, "{path}");
    }
    let page = |cookie: &str| {
        server
            .send(&format!("GET /\r\nCookie: {cookie}"), "")
            .text()
    };
    assert!(page(&viewer).contains("data-role=\"viewer\""));
    let changes = [
        "POST /api/saves",
        "POST /api/locks",
        "DELETE /api/segments/F000123",
        "POST /api/segments/F000123/restore",
        "POST /api/pause",
        "POST /api/resume",
        "PATCH /api/cameras/F/picture",
        "POST /api/logout-everywhere",
    ];
    for change in changes {
        let reply = server.send(&format!("{change}\r\nCookie: {viewer}"), "");
        assert_eq!(reply.status, 403, "{change}");
        assert!(reply.text().contains("owner"), "{change}");
    }
    assert!(server.orders.taken.lock().unwrap().is_empty());
    assert!(server.orders.looks.lock().unwrap().is_empty());
    let owner = login(&server, "correct horse");
    assert!(page(&owner).contains("data-role=\"owner\""));
    let resumed = server.send(&format!("POST /api/resume\r\nCookie: {owner}"), "");
    assert_eq!(resumed.status, 204);
    let wrong = server.send(
        "POST /api/login\r\nContent-Type: application/json",
        "{\"password\":\"something else\"}",
    );
    assert_eq!(wrong.status, 401);
    // Another password of viewers ends theirs alone; without any, they are out.
    let still = |access: Access, cookie: &str| {
        let again = Server::start(access, Limits::default());
        let reply = again.send(&format!("GET /api/segments\r\nCookie: {cookie}"), "");
        reply.status == 200
    };
    let other = hash_password("other viewers").unwrap();
    let changed = Access::Passwords {
        owner: HASH.clone(),
        viewer: other.clone(),
    };
    assert!(still(access.clone(), &viewer) && still(access, &owner));
    assert!(!still(changed.clone(), &viewer) && still(changed, &owner));
    assert!(!still(Access::Password(HASH.clone()), &viewer));
    let new_owner = Access::Passwords {
        owner: other,
        viewer: VIEWER.clone(),
    };
    assert!(!still(new_owner.clone(), &viewer) && !still(new_owner, &owner));
}
