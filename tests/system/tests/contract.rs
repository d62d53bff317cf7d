//! The page keeps to `docs/api/openapi.yaml`, says schemathesis, which makes up requests after it. Long form.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use picam_system_tests::camera::{Camera, free_address, wait_for};
use picam_system_tests::http;
use picam_testkit::judges::skip;
use picam_web::hash_password;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis.toml");
const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/openapi.yaml");

#[test]
fn every_answer_is_as_documented() {
    let run =
        "scripts/setup page && PICAM_PAGE_LONG=1 cargo test -p picam-system-tests --test contract";
    if std::env::var_os("PICAM_PAGE_LONG").is_none() {
        skip("the contract of the API is tried out in the long form", run);
        return;
    }
    let cache = std::env::var("PICAM_TEST_CACHE").unwrap_or("/var/tmp/picam-tests".into());
    let schemathesis = Path::new(&cache).join("schemathesis/bin/schemathesis");
    if !schemathesis.exists() {
        skip("schemathesis is not here", run);
        return;
    }
    let card = tempfile::tempdir().unwrap();
    let config = card.path().join("picam.toml");
    let hash = hash_password("correct horse").unwrap();
    std::fs::write(&config, format!("[web]\npassword-hash = \"{hash}\"\n")).unwrap();
    let page = free_address();
    let (listen, config) = (page.to_string(), config.display().to_string());
    let args = [
        ["--camera", "front=sim:?size=320x180&fps=10&bitrate=500k"],
        ["--segment", "2s"],
        ["--slots", "8"],
        ["--slot-size", "2MiB"],
        ["--listen", &listen],
        ["--config", &config],
    ];
    let camera = Camera::start("run", &card.path().join("footage"), args.as_flattened());
    wait_for("the page", Duration::from_secs(20), || {
        http::get(page, "/api/health")
    });
    let cookie = http::login(page, "correct horse").unwrap();
    // Paths of others' names are not this server's; logging out would end the session of all further requests; a live
    // view has no end.
    let judged = Command::new(schemathesis)
        .args(["--config-file", RULES])
        .args(["run", CONTRACT, "--url", &format!("http://{page}")])
        .args(["--header", &format!("Cookie: {cookie}")])
        .args(["--include-path-regex", "^/api/(?!logout|cameras)"])
        .args(["--max-examples", "50", "--seed", "1", "--no-color"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{said}");
    println!("{said}");
    camera.stop();
}
