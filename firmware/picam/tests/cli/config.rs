//! Options, configuration, password.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::support::{command, input, picam, segments};

const SLIPS: &str = "slots = 2\nsegmnt = \"5s\"\n[web]\nlisten = \"0.0.0.0:80\"\n";

#[test]
fn check_lists_everything_that_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("picam.toml");
    fs::write(&file, SLIPS).unwrap();
    let file = file.to_str().unwrap();
    let done = picam(&["config", "check", file]);
    assert_eq!(done.code, Some(2));
    let expected = format!(
        "{file}:1:9: slots: 2 slots are not possible; choose 3 to 100000, or \"fill\" (until then: 16)\n\
         {file}:2:1: unknown key 'segmnt'; did you mean 'segment'?\n\
         {file}:4:10: web.listen: 0.0.0.0:80 is open to others, and there is no password; set \
         web.password-hash to what `picam password` prints, or listen on 127.0.0.1 (until then: \
         127.0.0.1:8080)\n"
    );
    assert_eq!(done.out, expected);
    picam(&["config", "check", "/no/such/file"]).expect(2, &["cannot be read"]);
    let documented = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/picam.toml");
    picam(&["config", "check", documented]).expect(0, &["picam.toml: good"]);
}

#[test]
fn the_example_explains_and_sets_the_defaults_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("picam.toml");
    let documented = include_str!("../../../../docs/picam.toml");
    let printed = picam(&["config", "example"]);
    printed.expect(0, &[documented]);
    fs::write(&file, "slots = 5\n[web]\nenabled = false\n").unwrap();
    let over = picam(&["config", "example", "--defaults", file.to_str().unwrap()]);
    over.expect(0, &["\n#slots = 5\n", "\n#enabled = false\n"]);
    let is_set = |line: &&str| !line.is_empty() && !line.starts_with(['#', '[']);
    assert_eq!(over.out.lines().find(is_set), None);
}

#[test]
fn a_bad_value_does_not_stop_recording() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("picam.toml");
    let footage = dir.path().join("footage");
    let camera = format!(
        "footage = {footage:?}\nslot-size = \"1MiB\"\n[[camera]]\nname = \"rear\"\n\
         source = \"webcam\"\n[[camera]]\nname = \"front\"\nsource = \"file:{}?pace=off\"\n",
        input().display()
    );
    fs::write(&file, format!("segment = \"ages\"\n{camera}")).unwrap();
    let done = picam(&[
        "record",
        "--log",
        "json",
        "--config",
        file.to_str().unwrap(),
    ]);
    done.expect(
        0,
        &["'ages' is no length of time", "'webcam' needs a colon"],
    );
    for line in done.err.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string() && line["message"].is_string());
    }
    assert!(!segments(&footage).is_empty());
}

#[test]
fn no_usable_camera_is_said_rather_than_a_simulated_one_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("picam.toml");
    fs::write(&file, "[[camera]]\nname = \"rear\"\nsource = \"webcam:\"\n").unwrap();
    let done = picam(&["record", "--config", file.to_str().unwrap()]);
    done.expect(
        2,
        &["no configured camera can be used", "unknown kind 'webcam'"],
    );
}

#[test]
fn options_that_make_no_sense_exit_with_2() {
    for (args, says) in [
        ("record --camera x", "write NAME=KIND"),
        (
            "record --camera a=sim: --camera a=sim:",
            "two cameras are called 'a'",
        ),
        ("record --slots 2", "choose 3 to 100000"),
        ("record --slots many", "write a number of slots, or fill"),
        ("record --slot-size 16MB", "such as 32MiB"),
        ("record --segment 1h", "choose 1s to 10m"),
        ("record --listen 127.0.0.1:1", "unexpected argument"),
        ("record -q -v", "cannot be used with"),
        ("run --listen 0.0.0.0:8080", "there is no password"),
        ("clip . --from now --to +1s -o x.mp4", "no time: write"),
        ("frobnicate", "unrecognized subcommand"),
        ("", "Usage: picam"),
    ] {
        let args: Vec<&str> = args.split_whitespace().collect();
        picam(&args).expect(2, &[says]);
    }
}

#[test]
fn help_states_defaults_and_exit_codes() {
    let defaults = [
        "127.0.0.1:8080",
        "front=auto",
        "./footage",
        "60s",
        "32MiB",
        "16",
    ];
    picam(&["run", "--help"]).expect(0, &defaults);
    picam(&["run", "--help"]).expect(0, &["Exit codes:", "twice as long"]);
    picam(&["record", "-h"]).expect(0, &defaults[1..]);
    picam(&["--version"]).expect(0, &[concat!("picam ", env!("CARGO_PKG_VERSION"))]);
}

#[test]
fn a_password_becomes_a_line_that_the_configuration_takes() {
    let hash = |input: &str| {
        let mut child = command(&["password"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        crate::support::Done::from(child.wait_with_output().unwrap())
    };
    let done = hash("correct horse\r\n");
    done.expect(0, &["password-hash = \"$argon2id$"]);
    let parsed = picam::config::parse_config(&format!("[web]\n{}", done.out));
    assert_eq!(parsed.problems, []);
    let parsed = parsed.config.web.password_hash.unwrap();
    assert!(parsed.verify("correct horse") && !parsed.verify("correct horse\r"));
    hash("short\n").expect(1, &["at least 8 characters"]);
    hash("").expect(1, &["no password was given"]);
}
