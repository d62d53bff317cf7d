//! The page and the settings service as two processes: a form that the owner fills in, a support file, and no secret anywhere but
//! on the card.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use picam_system_tests::browser::{self, Browser};
use picam_system_tests::camera::{Camera, binary, free_address, wait_for};
use picam_system_tests::http;
use picam_web::hash_password;
use tempfile::TempDir;

/// Each stands in one of the owner's files, and must not leave them.
const SECRETS: [&str; 5] = [
    "plain passphrase",
    "home passphrase",
    "old passphrase",
    "wxyz-abcd-efgh",
    "$argon2",
];
/// Somebody logged what must not be logged.
const LOG: &str = "-- start 1b4e28ba-2fa1-11d2-883f-0016d3cca427, 61.5 s after it, clock 2026-11-20T10:00:00Z\n\
    [1.5] picam[1]: a camera is missing\n[2.5] hostapd[2]: plain passphrase, home passphrase, wxyz-abcd-efgh\n";

/// A camera's settings service and page.
struct House {
    dir: TempDir,
    service: Child,
    page: SocketAddr,
    web: Option<Camera>,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["boot", "state", "state/log", "footage"] {
            fs::create_dir(path(name)).unwrap();
        }
        let hash = |password| hash_password(password).unwrap().to_string();
        let toml = format!(
            "# My van. Once it was \"old passphrase\".\n[device]\nname = \"picam\"\n[wifi]\nmode = \"hotspot\"\n\
             passphrase = \"plain passphrase\"\n[[wifi.network]]\nssid = \"home\"\npassphrase = \"home passphrase\"\n\
             [web]\npassword-hash = \"{}\"\nviewer-password-hash = \"{}\"\n",
            hash("correct horse"),
            hash("only looking"),
        );
        fs::write(path("boot/picam.toml"), toml).unwrap();
        fs::write(
            path("boot/picam-access.txt"),
            "Password:    wxyz-abcd-efgh\r\n",
        )
        .unwrap();
        fs::write(path("state/log/picam.log"), LOG).unwrap();
        let own = rustix::process::geteuid().as_raw().to_string();
        let service = Command::new(binary())
            .args(["settings", "--client", &own])
            .arg("--boot")
            .arg(path("boot"))
            .arg("--state")
            .arg(path("state"))
            .arg("--public")
            .arg(path("public.toml"))
            .arg("--hotspot")
            .arg(path("hotspot.toml"))
            .arg("--socket")
            .arg(path("settings.sock"))
            .stdin(Stdio::null())
            .stderr(File::create(path("service.log")).unwrap())
            .spawn()
            .unwrap();
        let mut house = Self {
            service,
            page: free_address(),
            web: None,
            dir,
        };
        wait_for("the service", Duration::from_secs(20), || {
            house.path("settings.sock").exists().then_some(())
        });
        fs::copy(house.path("boot/picam.toml"), house.path("page.toml")).unwrap();
        house.restart();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn toml(&self) -> String {
        fs::read_to_string(self.path("boot/picam.toml")).unwrap()
    }

    /// As systemd does after a new password. The page has the copy without secrets.
    fn restart(&mut self) {
        if let Some(web) = self.web.take() {
            self.assert_clean(&web.kill());
        }
        let listen = self.page.to_string();
        let (config, socket) = (self.path("page.toml"), self.path("settings.sock"));
        let args = [
            ["--listen", &listen],
            ["--config", config.to_str().unwrap()],
            ["--settings", socket.to_str().unwrap()],
            ["--recorder", "/no/recorder"],
        ];
        let web = Camera::start("web", &self.path("footage"), args.as_flattened());
        wait_for("the page", Duration::from_secs(20), || {
            http::get(self.page, "/api/health")
        });
        self.web = Some(web);
    }

    /// Everything that a request brings, as text.
    fn ask(&self, request: &str, cookie: Option<&str>) -> String {
        let mut stream = TcpStream::connect(self.page).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let cookie = cookie.map_or(String::new(), |cookie| format!("Cookie: {cookie}\r\n"));
        let host = self.page;
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: {host}\r\n{cookie}Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[track_caller]
    fn assert_clean(&self, text: &str) {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

#[test]
fn the_owner_gets_a_support_file_and_nobody_a_secret() {
    let mut house = House::new();
    let owner = http::login(house.page, "correct horse").unwrap();
    let viewer = http::login(house.page, "only looking").unwrap();
    for (who, code) in [(None, "401"), (Some(viewer.as_str()), "403")] {
        for request in [
            "GET /api/support",
            "HEAD /api/support",
            "POST /api/support",
            "GET /api/settings",
        ] {
            let answer = house.ask(request, who);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {code}")),
                "{request}: {answer}"
            );
            assert!(!answer.contains("support file\n"), "{answer}");
        }
    }
    assert!(!house.path("boot/picam-support.txt").exists());

    let file = house.ask("GET /api/support", Some(&owner));
    assert!(file.starts_with("HTTP/1.1 200"), "{file}");
    assert!(
        file.contains("filename=\"picam-support-picam-"),
        "{}",
        &file[..400]
    );
    for wanted in [
        "a camera is missing",
        "name = \"picam\"",
        "1b4e28ba",
        "ssid = \"home\"",
    ] {
        assert!(file.contains(wanted), "{wanted}: {file}");
    }
    house.assert_clean(&file);
    let written = house.ask("POST /api/support", Some(&owner));
    assert!(written.starts_with("HTTP/1.1 204"), "{written}");
    let on_card = fs::read_to_string(house.path("boot/picam-support.txt")).unwrap();
    assert!(on_card.contains("a camera is missing"), "{on_card}");
    house.assert_clean(&on_card);

    // Nor in what the page says of the settings, nor in what the two log.
    house.assert_clean(&house.ask("GET /api/settings", Some(&owner)));
    house.assert_clean(&house.ask("GET /settings", Some(&owner)));
    let to_viewer = house.ask("GET /settings", Some(&viewer));
    assert!(to_viewer.starts_with("HTTP/1.1 303"), "{to_viewer}");
    house.restart();
    house.assert_clean(&fs::read_to_string(house.path("service.log")).unwrap());
}

#[test]
fn the_owner_fills_in_the_form() {
    if !browser::installed() {
        return;
    }
    let mut house = House::new();
    let browser = Browser::open();
    browser.turn(412, 915);
    let page = house.page;
    let log_in = |password: &str| {
        browser.go(&format!("http://{page}/"));
        browser.until("location.pathname === '/login'");
        browser.value(&format!("(() => {{ const p = document.getElementById('password'); p.value = '{password}'; p.form.submit(); }})()"));
        browser.until("location.pathname === '/' && !!document.getElementById('summary')");
    };
    let fill = |id: &str, value: &str| {
        browser.value(&format!(
            "(() => {{ const i = document.getElementById('{id}'); i.focus(); i.value = '{value}'; }})()"
        ));
    };
    let press = |id: &str| {
        browser.value(&format!("document.getElementById('{id}').click()"));
    };
    let says = |id: &str, text: &str| {
        browser.until(&format!(
            "document.getElementById('{id}').textContent.includes('{text}')"
        ));
    };
    // Whoever may only look is not shown the way there.
    log_in("only looking");
    browser.until("document.getElementById('settings').hidden");
    browser.value("document.querySelector('#logout button').click()");
    browser.until("location.pathname === '/login'");

    log_in("correct horse");
    for (width, height) in [(412, 915), (360, 640)] {
        browser.turn(width, height);
        browser.until("document.documentElement.scrollWidth <= innerWidth");
        browser.show(&format!("with-settings-{width}"));
    }
    browser.until("!document.getElementById('settings').hidden");
    press("settings");
    browser.until("location.pathname === '/settings' && !document.getElementById('form').hidden");
    assert_eq!(
        browser.value("document.getElementById('name').value"),
        "picam"
    );
    assert_eq!(
        browser.value("document.getElementById('mode').value"),
        "hotspot"
    );
    assert_eq!(
        browser.value("document.getElementById('passphrase').value"),
        ""
    );
    house.assert_clean(
        browser
            .value("document.documentElement.outerHTML")
            .as_str()
            .unwrap(),
    );
    let judge = |name: &str| {
        for (media, value) in [
            ("prefers-color-scheme", "light"),
            ("prefers-color-scheme", "dark"),
            ("forced-colors", "active"),
        ] {
            browser.prefer(media, value);
            browser.assert_accessible(&format!("{name}, {media}: {value}"));
            browser.show(&format!("{name}-{value}"));
        }
        browser.prefer("prefers-color-scheme", "light");
    };
    judge("settings");
    assert_eq!(
        browser.value("document.documentElement.scrollWidth <= innerWidth"),
        true
    );
    // Everything that can be filled in has a name, and is reached with the keyboard.
    let nameless = "[...document.querySelectorAll('input, select')].filter((i) => !i.labels.length || i.tabIndex < 0).map((i) => i.id).join()";
    assert_eq!(browser.value(nameless), "");

    // What cannot be used is told at its field, and nothing is written.
    let before = house.toml();
    fill("name", "Not a name!");
    fill("country", "de");
    press("save");
    says("error-device-name", "a-z");
    says("answer", "Nothing is saved");
    assert_eq!(browser.value("document.activeElement.id"), "name");
    let invalid = "document.getElementById('name').getAttribute('aria-invalid') + document.querySelectorAll('[aria-invalid]').length";
    assert_eq!(browser.value(invalid), "true1");
    let described = "document.getElementById('name').getAttribute('aria-describedby').split(' ').every((id) => document.getElementById(id))";
    assert_eq!(browser.value(described), true);
    judge("settings-refused");
    assert_eq!(house.toml(), before);

    fill("name", "van");
    fill("zone", "Europe/Berlin");
    fill("passphrase", "another passphrase");
    fill("join-ssid", "office");
    fill("join-passphrase", "office passphrase");
    browser.value("document.querySelector('#networks button').click()");
    browser.until("document.activeElement.getAttribute('aria-label') === 'Keep home'");
    browser.value("document.getElementById('networks').scrollIntoView()");
    browser.show("settings-networks");
    press("save");
    says("answer", "next start");
    let after = house.toml();
    for wanted in [
        "# My van.",
        "name = \"van\"",
        "time-zone = \"Europe/Berlin\"",
        "country = \"de\"",
        "\"another passphrase\"",
        "ssid = \"office\"",
    ] {
        assert!(after.contains(wanted), "{wanted}: {after}");
    }
    assert!(
        !after.contains("\"home\"") && !after.contains("plain passphrase"),
        "{after}"
    );
    browser.until("document.querySelector('#networks .name').textContent === 'office'");
    assert_eq!(
        browser.value("document.getElementById('passphrase').value"),
        ""
    );
    // Emptied, it is the default again.
    fill("country", "");
    press("save");
    browser.until("document.getElementById('answer').classList.contains('good')");
    assert!(!house.toml().contains("country"));
    press("save");
    says("answer", "Nothing is different");
    press("to-card");
    says("support-answer", "any PC shows");
    browser.value("document.getElementById('support').scrollIntoView()");
    browser.show("settings-support");
    assert!(house.path("boot/picam-support.txt").exists());

    // A new password of the page: the old session is over.
    fill("password", "battery staple");
    press("save");
    says("message", "Log in with the new password");
    judge("settings-password");
    fs::copy(house.path("public.toml"), house.path("page.toml")).unwrap();
    house.restart();
    browser.go(&format!("http://{page}/settings"));
    browser.until("location.pathname === '/login'");
    log_in("battery staple");
    drop(browser);
}
