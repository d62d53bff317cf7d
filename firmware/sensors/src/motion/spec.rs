//! Which accelerometer there is, as the configuration says it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::chip::Chip;

/// The bus that the header's pins 3 and 5 have.
const HEADER_BUS: &str = "/dev/i2c-1";
/// Seconds between simulated impacts.
const IMPACT_SECONDS: std::ops::RangeInclusive<u64> = 5..=86_400;

/// Which accelerometer there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MotionSpec {
    /// None.
    #[default]
    Off,
    /// One on an I²C bus.
    Chip {
        /// Which.
        chip: Chip,
        /// The bus.
        bus: PathBuf,
        /// Its address.
        address: u8,
    },
    /// None: what a simulated car along the closed road would feel.
    Sim {
        /// Hit by something so often, if at all.
        impacts: Option<Duration>,
    },
}

/// What cannot be used as an accelerometer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no accelerometer: write \"off\", \"lis3dh\", \"adxl345\", \"mpu6050\", \"lis3dh:/dev/i2c-1?address=0x18\" or \
     \"sim:60\" (an impact each so many seconds)"
)]
pub struct MotionSpecError(String);

impl MotionSpec {
    /// Whether there may be something to feel.
    pub const fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }
}

impl FromStr for MotionSpec {
    type Err = MotionSpecError;

    fn from_str(text: &str) -> Result<Self, MotionSpecError> {
        read(text).ok_or_else(|| MotionSpecError(text.chars().take(80).collect()))
    }
}

fn read(text: &str) -> Option<MotionSpec> {
    let (kind, rest) = text.split_once([':', '?']).unwrap_or((text, ""));
    let has_place = text
        .get(kind.len()..)
        .is_some_and(|rest| rest.starts_with(':'));
    match kind {
        "off" if text == "off" => return Some(MotionSpec::Off),
        "sim" if matches!(text, "sim" | "sim:") => return Some(MotionSpec::Sim { impacts: None }),
        "sim" if has_place => {
            let seconds = rest.parse().ok().filter(|n| IMPACT_SECONDS.contains(n))?;
            let impacts = Some(Duration::from_secs(seconds));
            return Some(MotionSpec::Sim { impacts });
        }
        _ => {}
    }
    let chip = Chip::ALL.into_iter().find(|chip| chip.word() == kind)?;
    let (bus, options) = match has_place {
        true => rest.split_once('?').unwrap_or((rest, "")),
        false => (HEADER_BUS, rest),
    };
    let sound = bus.starts_with("/dev/") && !bus.contains(['\0', '\n']);
    if !sound || bus.split('/').any(|part| part == "..") || (text.ends_with('?')) {
        return None;
    }
    let [mut address, _] = chip.addresses();
    if !options.is_empty() {
        let said = options.strip_prefix("address=0x")?;
        address = u8::from_str_radix(said, 16)
            .ok()
            .filter(|said| chip.addresses().contains(said))?;
    }
    Some(MotionSpec::Chip {
        chip,
        bus: bus.into(),
        address,
    })
}

impl fmt::Display for MotionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Sim { impacts: None } => f.write_str("sim"),
            Self::Sim {
                impacts: Some(each),
            } => write!(f, "sim:{}", each.as_secs()),
            Self::Chip { chip, bus, address } => {
                f.write_str(chip.word())?;
                if bus != Path::new(HEADER_BUS) {
                    write!(f, ":{}", bus.display())?;
                }
                match *address == chip.addresses()[0] {
                    true => Ok(()),
                    false => write!(f, "?address={address:#04x}"),
                }
            }
        }
    }
}
