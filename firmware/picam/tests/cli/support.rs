//! Running the binary, and footage to run it on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What a run of the binary came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Done {
    /// Fails the test unless the exit code is this and both streams hold these texts.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in texts {
            let there = self.out.contains(text) || self.err.contains(text);
            assert!(there, "{text:?} is not in {self:?}");
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_picam"));
    command.args(args).stdin(Stdio::null());
    command
}

pub(crate) fn picam(args: &[&str]) -> Done {
    command(args).output().unwrap().into()
}

/// A process that is killed when the test ends.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub(crate) fn send(&self, signal: Signal) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end, at most 20 s.
    pub(crate) fn end(mut self) -> Done {
        let until = Instant::now() + Duration::from_secs(20);
        while self.is_running() {
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        use std::io::Read;
        let (mut out, mut err) = (String::new(), String::new());
        self.0
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        let code = self.0.wait().unwrap().code();
        Done { code, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something holds, at most 20 s.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Frames of the input, and of the footage made of it.
pub(crate) const FRAMES: u32 = 500;

/// 20 s of H.264 at 25 frames a second, a key frame every second, no B-frames.
pub(crate) fn input() -> &'static Path {
    static INPUT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = INPUT.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.mp4");
        let made = Command::new("ffmpeg")
            .args("-v error -f lavfi -i testsrc2=size=320x240:rate=25 -t 20".split(' '))
            .args("-c:v libx264 -preset ultrafast -g 25 -bf 0 -b:v 800k -threads 1".split(' '))
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        (dir, path)
    });
    path
}

/// Records the input into `dir` as a camera called `name`.
pub(crate) fn record(dir: &Path, name: &str) -> Done {
    let camera = format!("{name}=file:{}?pace=off", input().display());
    let footage = dir.to_str().unwrap();
    let args = "--segment 5s --slots 8 --slot-size 1MiB".split(' ');
    let mut command = command(&["record", "--camera", &camera, "--footage", footage]);
    command.args(args).output().unwrap().into()
}

/// A directory with the input recorded into several segments, to change at will.
pub(crate) fn footage() -> TempDir {
    static FOOTAGE: OnceLock<TempDir> = OnceLock::new();
    let made = FOOTAGE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        record(dir.path(), "front").expect(0, &["recording front"]);
        dir
    });
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(made.path()).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, copy.path().join(from.file_name().unwrap())).unwrap();
    }
    copy
}

/// The segments in a directory, in the order of their sequence.
pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap();
    let mut segments: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "mp4"))
        .collect();
    segments
        .sort_by_key(|path| path.to_str().unwrap()[path.to_str().unwrap().len() - 10..].to_owned());
    segments
}
