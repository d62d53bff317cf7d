//! `picam settings`: a process of its own has the owner's file.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::picam;

const TEXT: &str = "# My van.\n[device]\nname = \"picam\"\n[wifi]\npassphrase = \"first passphrase\"\n\
    [web]\npassword-hash = \"$argon2id$old\"\n[shares]\nevent = 0.3\n";

/// A saved log in which somebody logged what must not be logged.
const LOG: &str = "-- start 1b4e28ba-2fa1-11d2-883f-0016d3cca427, 61.5 s after it, clock 2026-11-20T10:00:00Z\n\
    [1.5] picam[1]: no camera\n[2.5] hostapd[2]: psk=first passphrase hash $argon2id$old\n";

/// Killed with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(dir: &Path, client: &str) -> Service {
    fs::create_dir(dir.join("boot")).unwrap();
    fs::create_dir(dir.join("state")).unwrap();
    fs::write(dir.join("boot/picam.toml"), TEXT).unwrap();
    fs::create_dir(dir.join("state/log")).unwrap();
    fs::write(dir.join("state/log/picam.log"), LOG).unwrap();
    let child = Command::new(picam_testkit::binary())
        .arg("settings")
        .args(["--boot".as_ref(), dir.join("boot").as_os_str()])
        .args(["--state".as_ref(), dir.join("state").as_os_str()])
        .args(["--public".as_ref(), dir.join("public.toml").as_os_str()])
        .args(["--hotspot".as_ref(), dir.join("hotspot.toml").as_os_str()])
        .args(["--socket".as_ref(), dir.join("sock").as_os_str()])
        .args(["--client", client])
        .spawn()
        .unwrap();
    let service = Service(child);
    let begun = Instant::now();
    while !dir.join("sock").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no socket");
        std::thread::sleep(Duration::from_millis(20));
    }
    service
}

fn ask(dir: &Path, request: &Value) -> (Value, String) {
    let mut stream = UnixStream::connect(dir.join("sock")).unwrap();
    stream.write_all(format!("{request}\n").as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    (serde_json::from_str(&text).unwrap(), text)
}

#[test]
fn settings_are_shown_without_secrets_and_changed_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let own = rustix::process::geteuid().as_raw().to_string();
    let _service = start(dir, &own);
    let (reply, text) = ask(dir, &json!({"ask": "settings"}));
    let settings = &reply["settings"];
    assert_eq!(settings["values"]["device.name"], "picam", "{text}");
    assert_eq!(settings["secrets"]["wifi.passphrase"], true, "{text}");
    assert_eq!(settings["secrets"]["web.password"], true, "{text}");
    assert!(
        !text.contains("first passphrase") && !text.contains("argon2id"),
        "{text}"
    );

    let change = |set: Value| json!({"ask": "change", "change": {"set": set, "join": [{"ssid": "home", "passphrase": "12345678"}]}});
    let set = json!({"device.name": "van", "web.password": "correct horse", "wifi.passphrase": "second passphrase"});
    let (reply, text) = ask(dir, &change(set));
    assert_eq!(reply, "done", "{text}");
    let file = fs::read_to_string(dir.join("boot/picam.toml")).unwrap();
    assert!(
        file.starts_with("# My van.\n")
            && file.contains("name = \"van\"")
            && file.contains("second passphrase"),
        "{file}"
    );
    assert!(
        !file.contains("correct horse") && !file.contains("$argon2id$old"),
        "{file}"
    );
    // What services read has the hash, and no passphrase.
    let public = fs::read_to_string(dir.join("public.toml")).unwrap();
    assert!(
        public.contains("name = \"van\"") && public.contains("$argon2id$v=19"),
        "{public}"
    );
    assert!(
        !public.contains("passphrase\"") && !public.contains("12345678"),
        "{public}"
    );
    // What the hotspot is brought up with at its next start has those, and nothing of the page.
    let hotspot = fs::read_to_string(dir.join("hotspot.toml")).unwrap();
    assert!(
        hotspot.contains("second passphrase") && hotspot.contains("12345678"),
        "{hotspot}"
    );
    assert!(
        !hotspot.contains("argon2id") && !hotspot.contains("first passphrase"),
        "{hotspot}"
    );

    for (set, word) in [
        (
            json!({"shares.event": "0.0"}),
            "cannot be changed from here",
        ),
        (
            json!({"device.name": "x", "slots": "3"}),
            "cannot be changed from here",
        ),
        (json!({"device.name": "Not a name!"}), "a-z"),
        (json!({"device.time-zone": "Mars/"}), "IANA"),
        (json!({"wifi.passphrase": "short"}), "8"),
        (json!({"web.password": "short"}), "8"),
    ] {
        let (reply, text) = ask(dir, &change(set.clone()));
        let reason = reply["refused"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(word), "{set}: {text}");
    }
    assert_eq!(
        fs::read_to_string(dir.join("boot/picam.toml")).unwrap(),
        file
    );
    let left: Vec<_> = fs::read_dir(dir.join("boot")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_support_file_has_the_log_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let own = rustix::process::geteuid().as_raw().to_string();
    let _service = start(dir, &own);
    let socket = dir.join("sock").display().to_string();
    let assert_clean = |text: &str| {
        for wanted in [
            "picam support file",
            "name = \"picam\"",
            "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
            "no camera",
            "psk=********",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        for secret in ["first passphrase", "$argon2", "My van"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert!(text.len() < 1_000_000);
    };
    let (reply, _) = ask(dir, &json!({"ask": "support"}));
    assert_clean(reply["support"]["text"].as_str().unwrap());
    let name = reply["support"]["name"].as_str().unwrap();
    assert!(name.starts_with("picam-support-picam-2"), "{name}");

    let printed = picam(&["support", "--settings", &socket]);
    printed.expect(0, &[]);
    assert_clean(&printed.out);

    let card = dir.join("boot/picam-support.txt");
    picam(&["support", "--settings", &socket, "--to-card"]).expect(0, &[]);
    assert_clean(&fs::read_to_string(&card).unwrap());
    assert_eq!(
        fs::read_to_string(dir.join("boot/picam.toml")).unwrap(),
        TEXT
    );
    let left: Vec<_> = fs::read_dir(dir.join("boot")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");

    let nobody = picam(&["support", "--settings", "/no/such/socket"]);
    nobody.expect(1, &["run this on the camera, as root"]);
}
