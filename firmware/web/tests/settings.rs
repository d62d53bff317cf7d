//! `/api/settings`: what is passed on to whoever keeps the settings, and what comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::sync::{Arc, Mutex};

use common::{Recorder, Server};
use picam_control::status::StatusUnavailable;
use picam_web::settings::{
    KnownNetwork, Settings, SettingsChange, SettingsError, SettingsSource, SupportFile,
};
use picam_web::{Access, Limits, hash_password};
use serde_json::json;

/// Keeps what it was asked for.
#[derive(Clone, Default)]
struct Keeper {
    asked: Arc<Mutex<Vec<SettingsChange>>>,
    refuses: bool,
    slowness: std::time::Duration,
    file_name: &'static str,
    laid: Arc<Mutex<u32>>,
}

/// Only one support file is made at a time in a process, and the tests share it.
static SUPPORT: Mutex<()> = Mutex::new(());

impl SettingsSource for Keeper {
    fn settings(&self) -> Result<Settings, SettingsError> {
        Ok(Settings {
            values: [("device.name".to_owned(), Some("van".to_owned()))].into(),
            secrets: [("wifi.passphrase".to_owned(), true)].into(),
            networks: vec![KnownNetwork {
                ssid: "home".into(),
                passphrase: true,
            }],
        })
    }

    fn change(&self, change: SettingsChange) -> Result<(), SettingsError> {
        if self.refuses {
            return Err(SettingsError::Refused {
                reason: "'slots' cannot be changed from here".into(),
                remedy: "edit picam.toml on the card".into(),
                key: Some("slots".into()),
            });
        }
        self.asked.lock().unwrap().push(change);
        Ok(())
    }

    fn support(&self) -> Result<SupportFile, SettingsError> {
        std::thread::sleep(self.slowness);
        Ok(SupportFile {
            name: self.file_name.into(),
            text: "picam support file\n".into(),
        })
    }

    fn support_to_card(&self) -> Result<(), SettingsError> {
        if self.refuses {
            return Err(SettingsError::Refused {
                reason: "the boot partition has 12 KiB free".into(),
                remedy: "download the support file instead".into(),
                key: None,
            });
        }
        *self.laid.lock().unwrap() += 1;
        Ok(())
    }
}

fn start(access: Access, keeper: &Keeper) -> Server {
    let silent = Recorder(Arc::new(Mutex::new(Err(StatusUnavailable {
        reason: String::new(),
        remedy: String::new(),
    }))));
    let settings: Arc<dyn SettingsSource> = Arc::new(keeper.clone());
    Server::keeping(access, Limits::default(), Arc::new(silent), Some(settings))
}

fn patch(server: &Server, body: &str) -> common::Reply {
    server.send(
        "PATCH /api/settings\r\nContent-Type: application/json",
        body,
    )
}

#[test]
fn settings_are_shown_and_changes_passed_on() {
    let keeper = Keeper::default();
    let server = start(Access::LocalOpen, &keeper);
    let shown = server.get("/api/settings").json();
    assert_eq!(
        shown,
        json!({
            "values": {"device.name": "van"}, "secrets": {"wifi.passphrase": true},
            "networks": [{"ssid": "home", "passphrase": true}],
        })
    );
    let reply = patch(
        &server,
        r#"{"set":{"wifi.passphrase":"a new one","wifi.ssid":null},"leave":["old"],"join":[{"ssid":"office","passphrase":"12345678"}]}"#,
    );
    assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    let asked = keeper.asked.lock().unwrap();
    assert_eq!(
        asked[0].set["wifi.passphrase"].as_deref(),
        Some("a new one")
    );
    assert_eq!(asked[0].set["wifi.ssid"], None);
    assert_eq!(asked[0].leave, ["old"]);
    assert_eq!(asked[0].join[0].passphrase.as_deref(), Some("12345678"));
}

#[test]
fn what_makes_no_sense_is_not_passed_on_and_refusals_are_told() {
    let keeper = Keeper::default();
    let server = start(Access::LocalOpen, &keeper);
    for body in [
        "",
        "{",
        r#"{"unset":["web.password"]}"#,
        r#"{"set":{"device.name":1}}"#,
        r#"{"join":[{}]}"#,
    ] {
        let reply = patch(&server, body);
        assert!([400, 422].contains(&reply.status), "{body}: {reply:?}");
        assert!(!reply.json()["remedy"].as_str().unwrap().is_empty());
    }
    assert!(keeper.asked.lock().unwrap().is_empty());
    let refusing = start(
        Access::LocalOpen,
        &Keeper {
            refuses: true,
            ..Keeper::default()
        },
    );
    let reply = patch(&refusing, r#"{"set":{"slots":"3"}}"#);
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("edit picam.toml"), "{reply:?}");
    assert_eq!(reply.json()["key"], "slots");
}

#[test]
fn nobody_sees_them_without_the_password_and_without_a_keeper_there_are_none() {
    let hash = hash_password("correct horse").unwrap();
    let keeper = Keeper::default();
    let locked = start(Access::Password(hash), &keeper);
    assert_eq!(locked.get("/api/settings").status, 401);
    assert_eq!(locked.get("/api/support").status, 401);
    assert_eq!(locked.send("POST /api/support", "").status, 401);
    assert_eq!(*keeper.laid.lock().unwrap(), 0);
    assert_eq!(patch(&locked, r#"{"set":{"device.name":"x"}}"#).status, 401);
    assert!(keeper.asked.lock().unwrap().is_empty());
    let without = Server::open();
    assert_eq!(without.get("/api/settings").status, 404);
    let _one = SUPPORT.lock().unwrap_or_else(|e| e.into_inner());
    assert_eq!(without.get("/api/support").status, 404);
}

#[test]
fn a_support_file_is_downloaded_or_written_onto_the_card() {
    let _one = SUPPORT.lock().unwrap_or_else(|e| e.into_inner());
    for (given, name) in [
        (
            "picam-support-van-2026-11-20.txt",
            "picam-support-van-2026-11-20.txt",
        ),
        ("a\"\r\nSet-Cookie: x=y", "picam-support.txt"),
        ("../x", "picam-support.txt"),
        ("", "picam-support.txt"),
    ] {
        let keeper = Keeper {
            file_name: given,
            ..Keeper::default()
        };
        let server = start(Access::LocalOpen, &keeper);
        let reply = server.get("/api/support");
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, "picam support file\n")
        );
        let wanted = format!("attachment; filename=\"{name}\"");
        assert_eq!(reply.header("content-disposition"), Some(wanted.as_str()));
        assert_eq!(
            reply.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("set-cookie"), None);
        assert_eq!(server.send("POST /api/support", "").status, 204);
        assert_eq!(*keeper.laid.lock().unwrap(), 1);
    }
    let refusing = start(
        Access::LocalOpen,
        &Keeper {
            refuses: true,
            ..Keeper::default()
        },
    );
    let reply = refusing.send("POST /api/support", "");
    assert_eq!(reply.status, 422);
    let body = reply.json();
    assert!(
        body["error"].as_str().unwrap().contains("12 KiB free"),
        "{body}"
    );
    assert!(body.get("key").is_none(), "{body}");
}

#[test]
fn one_support_file_is_made_at_a_time() {
    let _one = SUPPORT.lock().unwrap_or_else(|e| e.into_inner());
    let keeper = Keeper {
        slowness: std::time::Duration::from_secs(2),
        ..Keeper::default()
    };
    let server = start(Access::LocalOpen, &keeper);
    let codes: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..5)
            .map(|_| scope.spawn(|| server.get("/api/support").status))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let made = codes.iter().filter(|&&code| code == 200).count();
    assert_eq!(made, 1, "{codes:?}");
    assert!(
        codes.iter().all(|code| [200, 503].contains(code)),
        "{codes:?}"
    );
    assert_eq!(server.get("/api/support").status, 200);
}
