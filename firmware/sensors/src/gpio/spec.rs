//! Which line, as the configuration says it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The header of every Raspberry Pi since the B+ has these.
const HEADER: std::ops::RangeInclusive<u32> = 0..=27;
/// More lines than any chip has.
const MAX_OFFSET: u32 = 1_023;

/// Which line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LineSpec {
    /// None.
    #[default]
    Off,
    /// A line of the Raspberry Pi's header, by its GPIO number.
    Header(u32),
    /// A line of a chip of the kernel's.
    Chip {
        /// `/dev/gpiochip1`.
        path: PathBuf,
        /// Counted from 0.
        offset: u32,
    },
    /// None: a file that holds 1 or 0.
    Sim {
        /// The file.
        path: PathBuf,
    },
}

/// What cannot be used as a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no line: write its GPIO number on the header (\"17\"), \"off\", or chip and line (\"/dev/gpiochip1:3\")"
)]
pub struct LineError(String);

impl FromStr for LineSpec {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        read(text).ok_or_else(|| LineError(text.chars().take(80).collect()))
    }
}

fn read(text: &str) -> Option<LineSpec> {
    if text == "off" {
        return Some(LineSpec::Off);
    }
    if let Some(path) = text.strip_prefix("sim:") {
        return path
            .starts_with('/')
            .then(|| LineSpec::Sim { path: path.into() });
    }
    if let Some((path, offset)) = text.split_once(':') {
        let offset = number(offset).filter(|offset| *offset <= MAX_OFFSET)?;
        let is_chip = path
            .strip_prefix("/dev/gpiochip")
            .is_some_and(|n| number(n).is_some());
        return is_chip.then(|| LineSpec::Chip {
            path: path.into(),
            offset,
        });
    }
    number(text)
        .filter(|n| HEADER.contains(n))
        .map(LineSpec::Header)
}

/// Digits alone.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for LineSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => write!(f, "off"),
            Self::Header(gpio) => write!(f, "{gpio}"),
            Self::Chip { path, offset } => write!(f, "{}:{offset}", path.display()),
            Self::Sim { path } => write!(f, "sim:{}", path.display()),
        }
    }
}
