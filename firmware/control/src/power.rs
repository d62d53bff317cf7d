//! What the guard says of the battery, and of how the camera was switched off before.
//!
//! It says so in a small file that it replaces every second. Whoever shows it reads that file and waits for nobody; what
//! has grown old in it is no longer believed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use picam_time::BootNs;
use serde::{Deserialize, Serialize};

use crate::status::Fault;

/// What the guard said longer ago says nothing of now.
pub const STALE_AFTER: Duration = Duration::from_secs(10);
/// A file longer than this is not the guard's.
const MAX_LEN: u64 = 64 << 10;

/// Why the camera is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The battery is low.
    BatteryLow,
    /// The battery is all but empty.
    BatteryEmpty,
    /// Somebody held the button.
    Button,
    /// The ignition was off for as long as the owner wants to record then.
    Ignition,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BatteryLow => "the battery was low",
            Self::BatteryEmpty => "the battery was all but empty",
            Self::Button => "somebody held the button",
            Self::Ignition => "the ignition was off",
        })
    }
}

/// How the guard ended a start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Why.
    pub cause: Cause,
    /// Voltage of a cell, in millivolts, if it was known.
    pub cell_mv: Option<u16>,
    /// Charge in per cent, where the gauge reckons it.
    pub charge: Option<f32>,
    /// Seconds from the start of the kernel to the end.
    pub after_s: u64,
}

/// How far down the battery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatteryState {
    /// Far enough up.
    Fine,
    /// The camera will switch itself off before long.
    Low,
    /// The camera is switching itself off.
    SwitchingOff,
    /// There is a gauge, and it says nothing that can be believed.
    Unknown,
}

/// The camera's own battery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatteryStatus {
    /// How far down it is.
    pub state: BatteryState,
    /// Voltage of a cell, in millivolts; `None` while it is unknown.
    pub cell_mv: Option<u16>,
    /// Charge in per cent, where the gauge reckons it.
    pub charge: Option<f32>,
    /// Why it is unknown.
    pub fault: Option<Fault>,
}

impl BatteryStatus {
    /// Nothing can be said of it.
    pub fn unknown(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: BatteryState::Unknown,
            cell_mv: None,
            charge: None,
            fault: Some(Fault {
                message: message.into(),
                remedy: remedy.into(),
            }),
        }
    }
}

/// Battery and supply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerStatus {
    /// The battery; `None` if there is no gauge.
    pub battery: Option<BatteryStatus>,
    /// How the starts before this one ended, the last one first; `None` for those that the guard did not end: the power was
    /// cut, or somebody else switched the camera off.
    pub ends: Vec<Option<End>>,
}

/// What stands in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerNote {
    /// When it was so, on the boot clock.
    #[serde(rename = "boot_ns")]
    pub at: BootNs,
    /// That.
    #[serde(flatten)]
    pub power: PowerStatus,
}

impl PowerNote {
    /// What can be believed of it now.
    pub fn believed(self, now: BootNs) -> PowerStatus {
        let Self { at, mut power } = self;
        let age = now.since(at);
        if age > STALE_AFTER && power.battery.is_some() {
            power.battery = Some(BatteryStatus::unknown(
                // The same text each time: it is read out when it changes.
                "nothing has been heard of the battery for more than 10 s",
                "it is looked after again by itself; if that does not help, look into the log of picam guard",
            ));
        }
        power
    }
}

/// Reads the guard's file. `None` if it has not said anything yet, or nothing that can be read.
pub fn read_power(path: &Path, now: BootNs) -> Option<PowerStatus> {
    let bytes = read(path).ok()?;
    let note: PowerNote = serde_json::from_slice(&bytes).ok()?;
    Some(note.believed(now))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Anything else than a file might be waited for.
    if !path.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_LEN).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(battery: Option<BatteryStatus>) -> PowerNote {
        let end = End {
            cause: Cause::BatteryLow,
            cell_mv: Some(3_390),
            charge: Some(4.5),
            after_s: 7_200,
        };
        PowerNote {
            at: BootNs::from_secs(100),
            power: PowerStatus {
                battery,
                ends: vec![Some(end), None],
            },
        }
    }

    fn fine() -> BatteryStatus {
        BatteryStatus {
            state: BatteryState::Fine,
            cell_mv: Some(3_820),
            charge: Some(64.0),
            fault: None,
        }
    }

    #[test]
    fn what_is_written_keeps_its_form() {
        let expected = serde_json::json!({
            "boot_ns": 100_000_000_000_u64,
            "battery": {"state": "fine", "cell_mv": 3820, "charge": 64.0, "fault": null},
            "ends": [{"cause": "battery-low", "cell_mv": 3390, "charge": 4.5, "after_s": 7200}, null],
        });
        let written = note(Some(fine()));
        assert_eq!(serde_json::to_value(&written).unwrap(), expected);
        assert_eq!(
            serde_json::from_value::<PowerNote>(expected).unwrap(),
            written
        );
    }

    #[test]
    fn what_is_older_than_ten_seconds_is_unknown() {
        let at = |seconds, battery| note(battery).believed(BootNs::from_secs(seconds));
        assert_eq!(at(110, Some(fine())).battery, Some(fine()));
        let old = at(111, Some(fine()));
        let battery = old.battery.unwrap();
        assert_eq!(
            (battery.state, battery.cell_mv, battery.charge),
            (BatteryState::Unknown, None, None)
        );
        let said = battery.fault.unwrap().message;
        assert!(said.contains("for more than 10 s"), "{said}");
        // What was, has been; and who had no gauge has none.
        assert_eq!(old.ends.len(), 2);
        assert_eq!(at(111, None).battery, None);
    }

    #[test]
    fn what_cannot_be_read_says_nothing_and_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("status.json");
        let now = BootNs::from_secs(101);
        assert_eq!(read_power(&path, now), None);
        for rubbish in ["", "{", "{}", &" ".repeat(70_000)] {
            std::fs::write(&path, rubbish).unwrap();
            assert_eq!(read_power(&path, now), None);
        }
        let text = serde_json::to_vec(&note(Some(fine()))).unwrap();
        std::fs::write(&path, text).unwrap();
        assert_eq!(read_power(&path, now).unwrap().battery, Some(fine()));
        let pipe = dir.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(read_power(&pipe, now), None);
    }
}
