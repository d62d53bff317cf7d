//! What a process takes of memory, and a bound on it.

use std::fs;
use std::path::{Path, PathBuf};

/// Most memory that a process ever held, in bytes (`VmHWM` of proc(5)).
pub fn peak_rss(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

/// A control group that kills what outgrows it.
pub struct Bound {
    group: PathBuf,
}

impl Bound {
    /// Puts a process into a group of its own; `None` where this machine lets nobody make one.
    pub fn new(pid: u32, bytes: u64) -> Option<Self> {
        let places = [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            ("/sys/fs/cgroup", "memory.max"),
        ];
        places.iter().find_map(|(root, limit)| {
            let group = Path::new(root).join(format!("picam-test-{pid}"));
            fs::create_dir(&group).ok()?;
            let bound = Self { group };
            fs::write(bound.group.join(limit), bytes.to_string()).ok()?;
            fs::write(bound.group.join("cgroup.procs"), pid.to_string()).ok()?;
            Some(bound)
        })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // Refused while the process lives: then it stays behind, empty after its end.
        let _ = fs::remove_dir(&self.group);
    }
}
