//! What the tests stand on: configurations, and programs that others wrote.

// Not every test uses all of it.
#![allow(dead_code, unreachable_pub)]

use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use picam_hotspot::wifi::{
    AccessPointConfiguration, AuthMethod, ClientConfiguration, Configuration, PmfConfiguration,
    Protocol, ScanMethod, ScanSortMethod,
};
use picam_hotspot::{Country, Extras, Files, Mac, Radio, render};

pub const PROBE_HOSTS: [&str; 2] = ["captive.apple.com", "connectivitycheck.gstatic.com"];

pub fn access_point(ssid: &str, password: &str) -> AccessPointConfiguration {
    AccessPointConfiguration {
        ssid: ssid.try_into().unwrap(),
        ssid_hidden: false,
        channel: 6,
        secondary_channel: None,
        protocols: Protocol::P802D11BG | Protocol::P802D11BGN,
        auth_method: AuthMethod::WPA2Personal,
        password: password.try_into().unwrap(),
        max_connections: 7,
    }
}

pub fn client(ssid: &str, password: Option<&str>) -> ClientConfiguration {
    ClientConfiguration {
        ssid: ssid.try_into().unwrap(),
        bssid: None,
        auth_method: match password {
            Some(_) => AuthMethod::WPA2Personal,
            None => AuthMethod::None,
        },
        password: password.unwrap_or_default().try_into().unwrap(),
        channel: None,
        scan_method: ScanMethod::CompleteScan(ScanSortMethod::Signal),
        pmf_cfg: PmfConfiguration::NotCapable,
    }
}

pub fn extras() -> Extras<'static> {
    Extras {
        name: "picam",
        country: Country::find("DE"),
        radio: Radio {
            interface: "wlan0",
            second: "ap0",
            mac: Mac::new([0xdc, 0xa6, 0x32, 0x01, 0x1a, 0x2b]),
        },
        address: Ipv4Addr::new(192, 168, 66, 1),
        more_networks: &[],
        probe_hosts: &PROBE_HOSTS,
        run_dir: "/run/picam-hotspot",
    }
}

pub fn hotspot(ssid: &str, password: &str) -> Files {
    let configuration = Configuration::AccessPoint(access_point(ssid, password));
    render(&configuration, &extras()).unwrap()
}

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
        picam_testkit::judges::skip(
            &format!("{program} is not installed"),
            &format!("apt-get install {package}"),
        );
    }
    found
}

/// A program whose lines are read as they come; killed when this is dropped.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    pub seen: Vec<String>,
}

impl Running {
    /// Starts it, with both outputs taken as one.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for output in outputs {
            let sender = sender.clone();
            thread::spawn(move || {
                let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
                for line in lines {
                    let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                }
            });
        }
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Whether it prints a line with one of `wanted` within 20 s, before it ends.
    pub fn prints(&mut self, wanted: &[&str]) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let Ok(line) = self.lines.recv_timeout(left) else {
                return false;
            };
            let found = wanted.iter().any(|wanted| line.contains(wanted));
            self.seen.push(line);
            if found {
                return true;
            }
        }
        false
    }

    /// Everything that it prints until it ends, within 20 s.
    pub fn all(mut self) -> String {
        while self.prints(&["\n"]) {}
        std::mem::take(&mut self.seen).join("\n")
    }

    /// What was read up to now.
    pub fn log(&self) -> String {
        self.seen.join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
pub struct Namespace(pub String);

impl Namespace {
    /// `None`, with the skip line, where the kernel or the rights do not allow one.
    pub fn new(what: &str) -> Option<Self> {
        let name = format!("picam-{what}-{}", std::process::id());
        let ip = find("ip", "iproute2")?;
        let made = Command::new(ip)
            .args(["netns", "add", &name])
            .output()
            .unwrap();
        if made.status.success() {
            return Some(Self(name));
        }
        let why = String::from_utf8_lossy(&made.stderr);
        picam_testkit::judges::skip(
            &format!("no network namespace ({})", why.trim()),
            "cargo test -p picam-hotspot, as root",
        );
        None
    }

    /// `ip` inside of it.
    pub fn ip(&self, arguments: &str) {
        let mut command = Command::new("ip");
        output(
            command
                .args(["-n", &self.0])
                .args(arguments.split_whitespace()),
        );
    }

    /// A program inside of it, which sees a `/sys` of its own.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).output();
    }
}
