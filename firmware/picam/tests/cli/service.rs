//! `run` and `record` as services: signals, the page, what must not stop them.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use picam_testkit::judges::ffmpeg_decodes;
use rustix::process::Signal;

use crate::support::{Running, input, picam, segments, wait_for};

const SIM: &str = "front=sim:?size=160x120&fps=15";

fn start(command: &str, dir: &Path, options: &[&str]) -> Running {
    let footage = dir.to_str().unwrap();
    let args = ["--slots", "3", "--slot-size", "1MiB", "--footage", footage];
    Running::start(&[&[command][..], &args, options].concat())
}

fn has_footage(dir: &Path) -> bool {
    segments(dir).first().is_some_and(|file| {
        let report = picam(&["inspect", "--json", file.to_str().unwrap()]);
        report.code == Some(0) && report.json()["segment"]["frames"].as_u64() > Some(0)
    })
}

/// A port that nobody listens on just now.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn either_signal_finishes_the_segment_within_a_second() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = tempfile::tempdir().unwrap();
        let recorder = start("record", dir.path(), &["--camera", SIM]);
        wait_for("footage", || has_footage(dir.path()));
        let asked = Instant::now();
        recorder.send(signal);
        recorder.end().expect(0, &["stopping", "stopped"]);
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        let file = &segments(dir.path())[0];
        picam(&["inspect", file.to_str().unwrap()]).expect(0, &["picam segment, finished"]);
        ffmpeg_decodes(file).unwrap();
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = start("record", dir.path(), &["--camera", SIM]);
    wait_for("footage", || has_footage(dir.path()));
    // Both are waiting when it goes on.
    recorder.send(Signal::STOP);
    recorder.send(Signal::TERM);
    recorder.send(Signal::INT);
    recorder.send(Signal::CONT);
    let code = recorder.end().code;
    assert!(matches!(code, Some(130 | 143)), "{code:?}");
    picam(&["check", dir.path().to_str().unwrap()]).expect(0, &["nothing is broken"]);
}

#[test]
fn run_shows_the_page_and_stops_like_record() {
    let dir = tempfile::tempdir().unwrap();
    let address = free_port();
    let listen = address.to_string();
    let running = start("run", dir.path(), &["--camera", SIM, "--listen", &listen]);
    wait_for("recording", || {
        get(address, "/api/health").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    });
    assert!(get(address, "/api/status").unwrap().contains("\"front\""));
    running.send(Signal::TERM);
    running
        .end()
        .expect(0, &["the page is at http://127.0.0.1", "stopped"]);
    assert!(get(address, "/").is_none());
}

#[test]
fn a_taken_port_does_not_stop_recording_and_the_page_comes_when_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let listen = address.to_string();
    let running = start("run", dir.path(), &["--camera", SIM, "--listen", &listen]);
    wait_for("footage", || has_footage(dir.path()));
    drop(taken);
    wait_for("the page", || get(address, "/api/health").is_some());
    running.send(Signal::TERM);
    running
        .end()
        .expect(0, &["another program listens there", "recording goes on"]);
}

#[test]
fn run_ends_when_every_file_has_been_played() {
    let dir = tempfile::tempdir().unwrap();
    let camera = format!("front=file:{}?pace=off", input().display());
    let listen = free_port().to_string();
    let running = start(
        "run",
        dir.path(),
        &["--camera", &camera, "--listen", &listen],
    );
    running.end().expect(0, &["stopped"]);
    picam(&["check", dir.path().to_str().unwrap()]).expect(0, &["0 being recorded"]);
}

#[test]
fn a_camera_that_is_not_there_yet_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("later.mp4");
    let footage = dir.path().join("footage");
    let camera = format!("front=file:{}?pace=off", clip.display());
    let mut running = start("record", &footage, &["--camera", &camera]);
    std::thread::sleep(Duration::from_millis(500));
    assert!(running.is_running());
    fs::copy(input(), dir.path().join("copy")).unwrap();
    fs::rename(dir.path().join("copy"), &clip).unwrap();
    running.end().expect(0, &["later.mp4"]);
    picam(&["check", footage.to_str().unwrap()]).expect(0, &["nothing is broken"]);
}

#[test]
fn warnings_about_the_configuration_are_in_the_status() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("picam.toml");
    let address = free_port();
    fs::write(
        &file,
        format!("segmnt = \"5s\"\n[web]\nlisten = \"{address}\"\n"),
    )
    .unwrap();
    let footage = dir.path().join("footage");
    let config = ["--config", file.to_str().unwrap(), "--camera", SIM];
    let running = start("run", &footage, &config);
    wait_for("the status", || {
        get(address, "/api/status").is_some_and(|answer| answer.contains("did you mean 'segment'?"))
    });
    running.send(Signal::INT);
    running.end().expect(0, &["did you mean 'segment'?"]);
}

#[test]
fn cameras_of_a_changed_configuration_are_recorded_on_sighup_and_on_demand() {
    let dir = tempfile::tempdir().unwrap();
    let (config, socket) = (dir.path().join("picam.toml"), dir.path().join("socket"));
    let footage = dir.path().join("footage");
    fs::create_dir(&footage).unwrap();
    let (config_text, socket_text) = (config.to_str().unwrap(), socket.to_str().unwrap());
    let write = |cameras: &[(&str, &str)]| {
        let camera = |(name, source): &(&str, &str)| {
            format!("[[camera]]\nname = \"{name}\"\nsource = \"{source}\"\n")
        };
        fs::write(&config, cameras.iter().map(camera).collect::<String>()).unwrap();
    };
    let of = |letter: &str| {
        let all = segments(&footage);
        let name = |file: &std::path::PathBuf| file.file_name().unwrap().to_owned();
        let mark = format!("_{letter}N_");
        let mut names = all.iter().map(name);
        names.any(|name| name.to_str().unwrap().contains(&mark))
    };
    let sim = "sim:?size=160x120&fps=15";
    write(&[("front", sim)]);
    let options = ["--config", config_text, "--control", socket_text];
    let recorder = start("record", &footage, &options);
    wait_for("footage of the first", || of("F"));

    write(&[("front", sim), ("rear", sim)]);
    recorder.send(Signal::HUP);
    wait_for("footage of the second", || of("R"));

    // One that cannot be used changes nothing, and that is said to whoever asked.
    write(&[("rear", "nonsense:")]);
    picam(&["reload", "--recorder", socket_text]).expect(1, &["nonsense", "record on as before"]);
    write(&[("rear", sim), ("inside", sim)]);
    picam(&["reload", "--recorder", socket_text]).expect(0, &[]);
    wait_for("footage of the third", || of("I"));

    recorder.send(Signal::TERM);
    let said = [
        "reloaded: added: rear",
        "reloaded: added: inside; removed: front",
    ];
    recorder.end().expect(0, &said);
    picam(&["check", footage.to_str().unwrap()]).expect(0, &["nothing is broken"]);
}
