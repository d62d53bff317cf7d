//! Network namespaces: two machines and the cable between them, on one kernel.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::judges::skip;

/// Where a program is, on the path of root; else prints the skip line.
pub fn find(program: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let directories = path
        .split(':')
        .chain(["/usr/sbin", "/sbin", "/usr/lib/systemd"]);
    let found = directories
        .map(|directory| Path::new(directory).join(program))
        .find(|path| path.is_file());
    if found.is_none() {
        skip(
            &format!("{program} is not installed"),
            &format!("apt-get install {package}"),
        );
    }
    found
}

/// What a program prints that must succeed.
pub fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{errors}");
    text
}

/// A network namespace that goes away with this.
#[derive(Debug)]
pub struct Namespace {
    /// As `ip netns` knows it.
    pub name: String,
}

impl Namespace {
    /// `None`, with the skip line, where the kernel or the rights do not allow one. `what` must be
    /// another one in every test.
    pub fn new(what: &str) -> Option<Self> {
        let name = format!("picam-{what}-{}", std::process::id());
        let ip = find("ip", "iproute2")?;
        let made = Command::new(ip)
            .args(["netns", "add", &name])
            .output()
            .unwrap();
        if made.status.success() {
            let namespace = Self { name };
            namespace.ip("link set lo up");
            return Some(namespace);
        }
        let why = String::from_utf8_lossy(&made.stderr);
        skip(
            &format!("no network namespace ({})", why.trim()),
            "scripts/test, as root",
        );
        None
    }

    /// `ip` inside of it.
    pub fn ip(&self, arguments: &str) -> String {
        let mut command = Command::new("ip");
        let words = arguments.split_whitespace();
        output(command.args(["-n", &self.name]).args(words))
    }

    /// A cable: `interface` here, `theirs` at the other end, which is up.
    pub fn cable(&self, interface: &str, other: &Self, theirs: &str) {
        self.ip(&format!(
            "link add {interface} type veth peer name {theirs} netns {}",
            other.name
        ));
        other.ip(&format!("link set {theirs} up"));
    }

    /// A program inside of it, which sees mounts of its own and a `/sys` of this namespace.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Whatever still runs in it keeps it alive until then.
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .output();
    }
}
