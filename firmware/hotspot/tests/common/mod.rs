//! What the tests stand on: configurations, and programs that others wrote.

// Not every test uses all of it.
#![allow(dead_code, unreachable_pub)]

use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
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

    /// Whether it prints a line with one of `expected` within 20 s, before it ends.
    pub fn prints(&mut self, expected: &[&str]) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let Ok(line) = self.lines.recv_timeout(left) else {
                return false;
            };
            let found = expected.iter().any(|expected| line.contains(expected));
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
