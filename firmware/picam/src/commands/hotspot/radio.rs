//! What is known of the radio: its address, and what `iw` says.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use picam_hotspot::{Channel, Mac, lists_5_ghz};

use crate::commands::failure::Failure;
use crate::service::program::output;

/// Listening on every channel of both bands takes 2 to 4 s, of 2.4 GHz alone 1 to 2 s.
const SCAN: Duration = Duration::from_secs(8);
const ASK: Duration = Duration::from_secs(2);

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

#[cfg(test)]
mod tests {
    use super::*;

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
