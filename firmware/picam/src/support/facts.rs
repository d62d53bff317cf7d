//! What the camera is, and how it is doing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use picam_control::power::read_power;
use picam_control::{Reply, Request, ask};
use picam_time::{Clock, SystemClock, UtcUs};
use rustix::fs::statvfs;

use crate::service::program::output;
use crate::text;

/// How long systemd may take.
const SYSTEMD: Duration = Duration::from_secs(3);

/// A file of the kernel's, as one line.
fn line(path: &str) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    match text.trim() {
        "" => "unknown".to_owned(),
        text => text.lines().collect::<Vec<_>>().join("; "),
    }
}

/// Version, board, kernel.
pub(super) fn camera() -> String {
    let uptime = line("/proc/uptime");
    let uptime = uptime.split(' ').next().and_then(|text| text.parse().ok());
    let uptime = uptime.map_or_else(|| "unknown".to_owned(), text::seconds);
    let degrees = line("/sys/class/thermal/thermal_zone0/temp").parse::<f64>();
    let degrees = degrees.map_or_else(|_| "unknown".to_owned(), |m| format!("{:.1} C", m / 1e3));
    format!(
        "picam:       {}\nmodel:       {}\nkernel:      {} {}\nsystem:      {}\nuptime:      {uptime}\n\
         load:        {}\ntemperature: {degrees}\ncommand line: {}\n",
        env!("CARGO_PKG_VERSION"),
        line("/proc/device-tree/model"),
        line("/proc/sys/kernel/osrelease"),
        line("/proc/sys/kernel/version"),
        line("/etc/os-release"),
        line("/proc/loadavg"),
        line("/proc/cmdline"),
    )
}

/// What time it is here. Whether it is known to be right is in the recorder's status.
pub(super) fn clock(now: Timestamp) -> String {
    let rtc = |file: &str| line(&format!("/sys/class/rtc/rtc0/{file}"));
    format!(
        "system:        {}\nbattery-backed: {} {} ({})\n",
        text::utc(UtcUs(now.as_microsecond())),
        rtc("date"),
        rtc("time"),
        rtc("name"),
    )
}

/// What the recorder says of itself.
pub(super) fn recorder(socket: Option<&Path>) -> String {
    let Some(socket) = socket else {
        return "It was not asked.".to_owned();
    };
    match ask(socket, Request::Status {}) {
        Ok(Reply::Status(status)) => serde_json::to_string_pretty(&status)
            .unwrap_or_else(|error| format!("its status cannot be shown: {error}")),
        Ok(_) => "the recorder's answer makes no sense".to_owned(),
        Err(error) => format!("the recorder does not answer: {error}"),
    }
}

/// What the guard says.
pub(super) fn power(file: Option<&Path>) -> String {
    let Some(file) = file else {
        return "It was not asked.".to_owned();
    };
    match read_power(file, SystemClock.now()) {
        Some(power) => serde_json::to_string_pretty(&power)
            .unwrap_or_else(|error| format!("it cannot be shown: {error}")),
        None => "The guard has not said anything.".to_owned(),
    }
}

/// What systemd gave up.
pub(super) fn failed_units() -> String {
    let mut systemctl = Command::new("systemctl");
    systemctl.args([
        "list-units",
        "--failed",
        "--plain",
        "--no-legend",
        "--no-pager",
    ]);
    match output(&mut systemctl, SYSTEMD) {
        Ok(units) if units.trim().is_empty() => "none".to_owned(),
        Ok(units) => units,
        Err(why) => format!("not known: {why}"),
    }
}

/// The first lines of the kernel's account.
pub(super) fn memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let lines: Vec<&str> = text.lines().take(24).collect();
    lines.join("\n")
}

/// Partitions, and how full the mounted ones are.
pub(super) fn filesystems() -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    for mount in mounts.lines() {
        let mut words = mount.split(' ');
        let (Some(device), Some(at), Some(kind)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if !device.starts_with('/') && kind != "tmpfs" {
            continue;
        }
        let space = match statvfs(at) {
            Ok(space) => {
                let bytes = |blocks: u64| text::size(blocks.saturating_mul(space.f_frsize));
                format!(
                    "{} of {} free",
                    bytes(space.f_bavail),
                    bytes(space.f_blocks)
                )
            }
            Err(error) => error.to_string(),
        };
        let options = words.next().unwrap_or_default();
        lines.push(format!("{device} {at} {kind} {options}: {space}"));
    }
    let partitions = fs::read_to_string("/proc/partitions").unwrap_or_default();
    format!("{}\n\n{partitions}", lines.join("\n"))
}
