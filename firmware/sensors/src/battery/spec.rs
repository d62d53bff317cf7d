//! Which gauge there is, as the configuration says it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The bus that the header's pins 3 and 5 have.
pub(super) const HEADER_BUS: &str = "/dev/i2c-1";
/// Where an INA219 can be (its data sheet, table 1).
const INA219_ADDRESSES: std::ops::RangeInclusive<u8> = 0x40..=0x4f;
/// Cells in a row: 32 V are the most that an INA219 measures, 26 V the most that it stands.
const CELLS: std::ops::RangeInclusive<u8> = 1..=6;
/// A simulated battery lasts from a minute to a week.
const DRAIN_MINUTES: std::ops::RangeInclusive<u64> = 1..=10_080;

/// Which gauge there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GaugeSpec {
    /// None, or none that is to be asked.
    #[default]
    Off,
    /// A MAX17048 on the header's bus, if there is one.
    Auto,
    /// A MAX17043 or MAX17048, always at 0x36.
    Max17048 {
        /// The bus.
        bus: PathBuf,
    },
    /// An INA219 across cells in a row.
    Ina219 {
        /// The bus.
        bus: PathBuf,
        /// Its address, 0x40 to 0x4f.
        address: u8,
        /// Cells in a row, 1 to 6.
        cells: u8,
    },
    /// None: a simulated battery, from full to empty.
    Sim {
        /// How long it lasts.
        lasts: Duration,
    },
}

/// What cannot be used as a gauge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no battery gauge: write \"auto\", \"off\", \"max17048\", \"ina219:0x43?cells=1\" or \"sim:10\" (minutes)"
)]
pub struct SpecError(String);

impl FromStr for GaugeSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        read(text).ok_or_else(|| SpecError(text.chars().take(80).collect()))
    }
}

fn read(text: &str) -> Option<GaugeSpec> {
    let (device, options) = text.split_once('?').unwrap_or((text, ""));
    let (kind, place) = device.split_once(':').unwrap_or((device, ""));
    let mut bus = PathBuf::from(HEADER_BUS);
    let mut cells = None;
    for option in options.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=')? {
            ("bus", path) if path.starts_with("/dev/") => bus = path.into(),
            ("cells", number) => cells = Some(number.parse().ok().filter(|n| CELLS.contains(n))?),
            _ => return None,
        }
    }
    match (kind, place, cells) {
        ("off", "", None) if options.is_empty() => Some(GaugeSpec::Off),
        ("auto", "", None) if options.is_empty() => Some(GaugeSpec::Auto),
        ("max17048", "", None) => Some(GaugeSpec::Max17048 { bus }),
        ("ina219", address, cells) => {
            let address = u8::from_str_radix(address.strip_prefix("0x")?, 16).ok();
            let address = address.filter(|address| INA219_ADDRESSES.contains(address))?;
            let cells = cells.unwrap_or(1);
            Some(GaugeSpec::Ina219 {
                bus,
                address,
                cells,
            })
        }
        ("sim", minutes, None) if options.is_empty() => {
            let minutes = minutes.parse().ok().filter(|n| DRAIN_MINUTES.contains(n))?;
            let lasts = Duration::from_secs(60 * minutes);
            Some(GaugeSpec::Sim { lasts })
        }
        _ => None,
    }
}

impl fmt::Display for GaugeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => write!(f, "off"),
            Self::Auto => write!(f, "auto"),
            Self::Max17048 { bus } => {
                write!(f, "max17048")?;
                other_bus(f, '?', bus)
            }
            Self::Ina219 {
                bus,
                address,
                cells,
            } => {
                write!(f, "ina219:{address:#x}?cells={cells}")?;
                other_bus(f, '&', bus)
            }
            Self::Sim { lasts } => write!(f, "sim:{}", lasts.as_secs() / 60),
        }
    }
}

fn other_bus(f: &mut fmt::Formatter<'_>, sign: char, bus: &std::path::Path) -> fmt::Result {
    if bus == std::path::Path::new(HEADER_BUS) {
        return Ok(());
    }
    write!(f, "{sign}bus={}", bus.display())
}
