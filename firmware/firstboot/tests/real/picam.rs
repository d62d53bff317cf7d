//! The binary, in a process group of its own.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) use picam_testkit::binary;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How often it is killed; `PICAM_KILLS` sets it. Each takes seconds, most of them for looking at the card.
pub(crate) fn kills() -> u32 {
    let requested = std::env::var("PICAM_KILLS").ok();
    requested.map_or(6, |kills| kills.parse().unwrap())
}

/// `picam firstboot ARGS`.
pub(crate) fn firstboot(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .arg("firstboot")
        .args(args)
        .stdin(Stdio::null())
        .process_group(0);
    command
}

/// Runs it to its end, which must be a good one; returns how long that took.
pub(crate) fn succeed(args: &[&str]) -> Duration {
    let start = Instant::now();
    let Output { status, stderr, .. } = firstboot(args).output().unwrap();
    let printed = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "picam firstboot {args:?}: {printed}");
    start.elapsed()
}

/// Whom a kill reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// Everything, as when the power goes.
    All,
    /// picam alone; what it had started goes on.
    Parent,
}

/// Starts it and kills it after a while, if it still runs.
pub(crate) fn kill_after(args: &[&str], delay: Duration, whom: Whom) {
    let mut command = firstboot(args);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    // On a machine that was busy when the delay was measured, it would be waited for in vain.
    while start.elapsed() < delay && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    kill(&mut child, whom);
}

/// kill -9.
pub(crate) fn kill(child: &mut Child, whom: Whom) {
    let pid = Pid::from_child(child);
    // It may be gone already.
    let _ = match whom {
        Whom::All => kill_process_group(pid, Signal::KILL),
        Whom::Parent => kill_process(pid, Signal::KILL),
    };
    child.wait().unwrap();
}
