//! The real `picam`, started as a person would.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use picam_testkit::binary;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// An address on loopback that nobody listens on.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A running `picam`. It is killed, and what it said is shown, if the test panics.
pub struct Camera {
    child: Child,
    log: PathBuf,
    _scratch: TempDir,
    /// When it was started.
    pub started: Instant,
}

impl Camera {
    /// Starts `picam COMMAND --footage FOOTAGE ARGS...`.
    pub fn start(command: &str, footage: &Path, args: &[&str]) -> Self {
        Self::start_with(command, footage, args, &[])
    }

    /// The same, with these variables in its environment.
    pub fn start_with(
        command: &str,
        footage: &Path,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let binary = binary();
        let scratch = tempfile::tempdir().unwrap();
        let log = scratch.path().join("log");
        let out = File::create(&log).unwrap();
        let started = Instant::now();
        let child = Command::new(binary)
            .arg(command)
            .arg("--footage")
            .arg(footage)
            .args(args)
            .envs(variables.iter().copied())
            .current_dir(scratch.path())
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Self {
            child,
            log,
            _scratch: scratch,
            started,
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How long one of its threads has waited for a processor at most, since it began (proc(5), `schedstat`).
    pub fn withheld(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).into_iter();
        let waited = tasks.flatten().flatten().filter_map(|task| {
            let said = fs::read_to_string(task.path().join("schedstat")).ok()?;
            said.split_whitespace().nth(1)?.parse().ok()
        });
        Duration::from_nanos(waited.max().unwrap_or(0))
    }

    /// What it said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// `kill -9`. Returns what it had said.
    pub fn kill(mut self) -> String {
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
        fs::read_to_string(&self.log).unwrap()
    }

    /// SIGTERM; it must finish its segments and be gone within a second.
    pub fn stop(self) {
        self.signal(Signal::TERM);
        let asked = Instant::now();
        let status = self.wait(Duration::from_secs(10));
        assert!(status.success(), "{status}");
        // The second that is promised, and what a busy machine takes to notice.
        let took = asked.elapsed();
        assert!(took < Duration::from_millis(1300), "{took:?} to stop");
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self, patience: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < patience, "picam runs for too long");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Fails the test if it ended.
    pub fn assert_running(&mut self) {
        let status = self.child.try_wait().unwrap();
        assert!(status.is_none(), "picam ended: {status:?}");
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("picam said:\n{}", fs::read_to_string(&self.log).unwrap());
        }
    }
}

/// Tries until it holds; panics with `what` after `patience`.
pub fn wait_for<T>(what: &str, patience: Duration, mut get: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = get() {
            return found;
        }
        assert!(start.elapsed() < patience, "waited {patience:?} for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
