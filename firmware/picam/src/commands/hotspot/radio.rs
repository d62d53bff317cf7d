//! What is known of the radio: its address, and what `iw` says.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use picam_hotspot::{Channel, Mac, lists_5_ghz};

use crate::commands::failure::Failure;

/// Listening on every channel of both bands takes 2 to 4 s, of 2.4 GHz alone 1 to 2 s.
const SCAN: Duration = Duration::from_secs(8);
const ASK: Duration = Duration::from_secs(2);
/// No honest output is longer, in bytes.
const MAX_OUTPUT: u64 = 4 << 20;

/// The address of an interface, from a directory like `/sys/class/net`.
pub(super) fn mac(class: &Path, interface: &str) -> Result<Mac, Failure> {
    let path = class.join(interface).join("address");
    let text = fs::read_to_string(&path).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is none here".to_owned(),
            _ => error.to_string(),
        };
        Failure::new(format!(
            "no Wi-Fi on {interface}: {why}; say which interface is the radio's with --interface \
             (iw dev lists them)"
        ))
    })?;
    text.parse()
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// What `iw` hears on channels of 2.4 GHz, or on all; nothing if it cannot, for a hotspot on a busy channel beats none.
pub(super) fn scan(interface: &str, five_ghz: bool) -> String {
    let mut iw = Command::new("iw");
    iw.args(["dev", interface, "scan"]);
    if !five_ghz {
        let low = Channel::all().filter(|channel| !channel.is_5_ghz());
        iw.arg("freq");
        iw.args(low.map(|channel| channel.frequency().to_string()));
    }
    output(&mut iw, SCAN).unwrap_or_else(|why| {
        tracing::warn!("nothing was heard on {interface} ({why}); channels are chosen without");
        String::new()
    })
}

/// Whether the radio of an interface has the band of 5 GHz. If nobody says so, it has not.
pub(super) fn has_5_ghz(interface: &str) -> bool {
    let name = format!("/sys/class/net/{interface}/phy80211/name");
    let phy = fs::read_to_string(name).unwrap_or_default();
    let mut iw = Command::new("iw");
    iw.args(["phy", phy.trim(), "info"]);
    output(&mut iw, ASK).is_ok_and(|text| lists_5_ghz(&text))
}

/// What a program prints, if it succeeds within `limit`; else it is ended.
fn output(command: &mut Command, limit: Duration) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let cannot = |error: io::Error| format!("{program}: {error}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot)?;
    let pipe = child.stdout.take();
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = pipe.map(|pipe| pipe.take(MAX_OUTPUT).read_to_end(&mut text));
        // Nobody waits any more after the limit.
        let _ = sender.send(read.map(|_| text));
    });
    let text = received.recv_timeout(limit);
    if text.is_err() {
        // It may have ended in this moment.
        let _ = child.kill();
    }
    let status = child.wait().map_err(cannot)?;
    match text {
        Ok(Some(text)) if status.success() => Ok(String::from_utf8_lossy(&text).into_owned()),
        Ok(_) => Err(format!("{program}: {status}")),
        Err(_) => Err(format!("{program} took more than {} s", limit.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<String, String> {
        output(Command::new("sh").args(["-c", script]), limit)
    }

    #[test]
    fn a_program_has_its_time_and_no_more() {
        assert_eq!(sh("echo heard", ASK), Ok("heard\n".to_owned()));
        let failed = sh("echo half; exit 3", ASK).unwrap_err();
        assert!(failed.contains('3'), "{failed}");
        let start = Instant::now();
        let late = sh("exec sleep 60", Duration::from_millis(100)).unwrap_err();
        assert!(late.contains("took more"), "{late}");
        assert!(start.elapsed() < Duration::from_secs(10));
        let none = output(&mut Command::new("/no/such/iw"), ASK).unwrap_err();
        assert!(none.contains("/no/such/iw: "), "{none}");
    }

    #[test]
    fn the_address_is_the_kernels() {
        let class = tempfile::tempdir().unwrap();
        let read = || mac(class.path(), "wlan0").map_err(|failure| failure.to_string());
        assert!(read().unwrap_err().contains("there is none here"));
        fs::create_dir(class.path().join("wlan0")).unwrap();
        let address = class.path().join("wlan0/address");
        fs::write(&address, "dc:a6:32:01:1a:2b\n").unwrap();
        assert_eq!(read().unwrap().to_string(), "dc:a6:32:01:1a:2b");
        fs::write(&address, "00:00:00:00:00:00\n").unwrap();
        assert!(read().unwrap_err().contains("no address"));
    }
}
