//! Sources that cannot be opened.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Running, wait_for};

#[test]
fn a_fifo_in_place_of_a_file_keeps_nobody_from_ending() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("clip.h264");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let camera = format!("ip=file:{}?fps=30", fifo.display());
    let footage = dir.path().join("footage");
    let footage = footage.to_str().unwrap();
    let args = ["record", "--slots", "3", "--slot-size", "1MiB"];
    let args = [&args[..], &["--footage", footage, "--camera", &camera]].concat();
    let mut recorder = Running::start(&args);
    wait_for("the footage directory", || {
        std::fs::exists(footage).unwrap()
    });
    assert!(recorder.is_running());
    let asked = Instant::now();
    recorder.send(Signal::TERM);
    recorder.end().expect(0, &["stopped"]);
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}
