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
use picam_web::settings::{KnownNetwork, Settings, SettingsChange, SettingsError, SettingsSource};
use picam_web::{Access, Limits, StatusUnavailable, hash_password};
use serde_json::json;

/// Keeps what it was asked for.
#[derive(Clone, Default)]
struct Keeper {
    asked: Arc<Mutex<Vec<SettingsChange>>>,
    refuses: bool,
}

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
            });
        }
        self.asked.lock().unwrap().push(change);
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
        r#"{"set":{"wifi.passphrase":"a new one"},"join":[{"ssid":"office","passphrase":"12345678"}]}"#,
    );
    assert_eq!((reply.status, reply.text().as_str()), (204, ""));
    let asked = keeper.asked.lock().unwrap();
    assert_eq!(asked[0].set["wifi.passphrase"], "a new one");
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
}

#[test]
fn nobody_sees_them_without_the_password_and_without_a_keeper_there_are_none() {
    let hash = hash_password("correct horse").unwrap();
    let keeper = Keeper::default();
    let locked = start(Access::Password(hash), &keeper);
    assert_eq!(locked.get("/api/settings").status, 401);
    assert_eq!(patch(&locked, r#"{"set":{"device.name":"x"}}"#).status, 401);
    assert!(keeper.asked.lock().unwrap().is_empty());
    let without = Server::open();
    assert_eq!(without.get("/api/settings").status, 404);
}
