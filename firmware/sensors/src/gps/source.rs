//! Where fixes come from, as the configuration says it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Rates that a serial line can have, in bits a second.
const RATES: std::ops::RangeInclusive<u32> = 1200..=4_000_000;

/// Where fixes come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GpsSource {
    /// Nowhere.
    #[default]
    Off,
    /// From the gpsd of this machine, once there is one.
    Auto,
    /// From a gpsd.
    Gpsd {
        /// Name or address; an IPv6 address without brackets.
        host: String,
        /// Its TCP port.
        port: u16,
    },
    /// From a receiver on a serial line or USB, which speaks NMEA 0183.
    Serial {
        /// The device.
        path: PathBuf,
        /// Its rate; `None` is found by trying.
        baud: Option<u32>,
    },
}

/// What cannot be used as a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no GPS source: write \"auto\", \"off\", \"gpsd:HOST:PORT\" or \"serial:/dev/ttyX?baud=9600\""
)]
pub struct SourceError(String);

/// Where gpsd listens (gpsd(8)).
pub(super) const GPSD_PORT: u16 = 2947;

impl GpsSource {
    /// Whether fixes may come.
    pub const fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }
}

impl FromStr for GpsSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let wrong = || SourceError(text.chars().take(80).collect());
        match text {
            "off" => return Ok(Self::Off),
            "auto" => return Ok(Self::Auto),
            _ => {}
        }
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        match kind {
            "gpsd" => {
                let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
                let bare = host
                    .strip_prefix('[')
                    .and_then(|host| host.strip_suffix(']'));
                let host = bare.unwrap_or(host);
                let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
                let is_name = !host.is_empty() && host.len() <= 253 && host.chars().all(sound);
                let is_address = bare.is_some() && host.parse::<std::net::Ipv6Addr>().is_ok();
                let port = port.parse().ok().filter(|&port| port > 0);
                match (is_name || is_address, port) {
                    (true, Some(port)) => Ok(Self::Gpsd {
                        host: host.to_owned(),
                        port,
                    }),
                    _ => Err(wrong()),
                }
            }
            "serial" => {
                let (path, baud) = match rest.split_once('?') {
                    None => (rest, None),
                    Some((path, query)) => {
                        let baud = query.strip_prefix("baud=").ok_or_else(wrong)?;
                        let baud = baud.parse().ok().filter(|baud| RATES.contains(baud));
                        (path, Some(baud.ok_or_else(wrong)?))
                    }
                };
                let is_device = path.starts_with("/dev/") && !path.contains(['\0', '\n']);
                match is_device && !path.split('/').any(|part| part == "..") {
                    true => Ok(Self::Serial {
                        path: path.into(),
                        baud,
                    }),
                    false => Err(wrong()),
                }
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for GpsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Auto => f.write_str("auto"),
            Self::Gpsd { host, port } if host.contains(':') => write!(f, "gpsd:[{host}]:{port}"),
            Self::Gpsd { host, port } => write!(f, "gpsd:{host}:{port}"),
            Self::Serial { path, baud: None } => write!(f, "serial:{}", path.display()),
            Self::Serial {
                path,
                baud: Some(baud),
            } => write!(f, "serial:{}?baud={baud}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "off",
            "auto",
            "gpsd:127.0.0.1:2947",
            "gpsd:roof.local:1",
            "gpsd:[::1]:2947",
            "serial:/dev/ttyAMA0",
            "serial:/dev/serial/by-id/usb-u-blox?baud=115200",
        ] {
            assert_eq!(
                text.parse::<GpsSource>().map(|source| source.to_string()),
                Ok(text.into())
            );
        }
    }

    #[test]
    fn the_rest_is_refused_with_what_to_write() {
        for text in [
            "",
            "on",
            "gpsd",
            "gpsd:",
            "gpsd:2947",
            "gpsd::2947",
            "gpsd:host:0",
            "gpsd:host:65536",
            "gpsd:::1:2947",
            "gpsd:a b:1",
            "serial:",
            "serial:ttyS0",
            "serial:/dev/../etc/shadow",
            "serial:/dev/ttyS0?baud=",
            "serial:/dev/ttyS0?baud=1",
            "serial:/dev/ttyS0?rate=9600",
        ] {
            let error = text.parse::<GpsSource>().unwrap_err().to_string();
            assert!(
                error.contains("gpsd:HOST:PORT") && error.contains(text),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(gpsd|serial)?:?\\PC{0,40}") {
            if let Ok(source) = text.parse::<GpsSource>() {
                prop_assert_eq!(source.to_string().parse(), Ok(source));
            }
        }
    }
}
