//! Addresses of radios.

use std::fmt;
use std::str::FromStr;

/// Set in the first octet of an address that no manufacturer has given out (IEEE 802-2014, 8.2).
const LOCAL: u8 = 0x02;
/// Set in the first octet of an address of several receivers (IEEE 802-2014, 8.2).
const GROUP: u8 = 0x01;
/// Told apart by this bit, for a radio whose own address is a local one already.
const OTHER: u8 = 0x04;

/// The address of one interface (EUI-48).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac([u8; 6]);

/// A text that is no address of one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no address of a network interface; it looks like dc:a6:32:01:1a:2b and stands in \
     /sys/class/net/INTERFACE/address"
)]
pub struct NoMac;

impl Mac {
    /// The address of these octets.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The address of a second interface on the same radio: locally administered, never equal to the
    /// radio's own, and the same at every start.
    pub fn second(self) -> Self {
        let [first, rest @ ..] = self.0;
        let first = match first & LOCAL {
            0 => first | LOCAL,
            _ => first ^ OTHER,
        };
        let [b, c, d, e, f] = rest;
        Self([first & !GROUP, b, c, d, e, f])
    }

    /// The last four hexadecimal digits, which stand at the end of the SSID.
    pub fn tail(self) -> String {
        let [.., e, f] = self.0;
        format!("{e:02x}{f:02x}")
    }
}

impl FromStr for Mac {
    type Err = NoMac;

    /// Reads `dc:a6:32:01:1a:2b`; white space around it is left out.
    fn from_str(text: &str) -> Result<Self, NoMac> {
        let mut octets = [0; 6];
        let mut parts = text.trim().split(':');
        for octet in &mut octets {
            let part = parts.next().ok_or(NoMac)?;
            if part.len() != 2 || !part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(NoMac);
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| NoMac)?;
        }
        let [first, ..] = octets;
        // No radio sends from a group's address, and a missing one reads as zeros.
        if parts.next().is_some() || first & GROUP != 0 || octets == [0; 6] {
            return Err(NoMac);
        }
        Ok(Self(octets))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        let mac: Mac = "dc:a6:32:01:1A:2b\n".parse().unwrap();
        assert_eq!(mac.to_string(), "dc:a6:32:01:1a:2b");
        assert_eq!(mac.tail(), "1a2b");
        for text in [
            "",
            "dc:a6:32:01:1a",
            "dc:a6:32:01:1a:2b:00",
            "dc:a6:32:01:1a:+b",
            "dca632011a2b",
            "01:00:5e:00:00:01",
            "ff:ff:ff:ff:ff:ff",
            "00:00:00:00:00:00",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(NoMac), "{text}");
        }
    }

    #[test]
    fn the_second_interface_is_a_local_one_and_another() {
        for (radio, second) in [
            ("dc:a6:32:01:1a:2b", "de:a6:32:01:1a:2b"),
            ("02:00:00:00:00:01", "06:00:00:00:00:01"),
            ("06:00:00:00:00:01", "02:00:00:00:00:01"),
        ] {
            let radio: Mac = radio.parse().unwrap();
            assert_eq!(radio.second().to_string(), second);
            assert!(radio.second().to_string().parse::<Mac>().is_ok());
        }
    }
}
