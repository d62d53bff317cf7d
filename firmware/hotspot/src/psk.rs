//! Keys of WPA2 networks.

use std::fmt;

use pbkdf2::pbkdf2_hmac_array;
use sha1::Sha1;

use crate::escape::hex;

/// Length of a passphrase in characters (IEEE 802.11-2020, J.4.1).
const PASSPHRASE: std::ops::RangeInclusive<usize> = 8..=63;
/// Bytes of a key, and how often it is hashed (IEEE 802.11-2020, J.4.1).
const KEY: usize = 32;
const ROUNDS: u32 = 4096;

/// What opens a WPA2 network: a passphrase of 8 to 63 printable ASCII characters. `tests/vectors/secrets.tsv` has what is
/// one; picam.toml and the flasher go by the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Psk(String);

/// Why a text opens no WPA2 network. It is not repeated: it may be most of a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PskError {
    /// Too short or too long.
    #[error("a WPA2 passphrase has 8 to 63 characters, and this one has {0}; choose another")]
    Length(usize),
    /// Not printable ASCII.
    #[error(
        "a WPA2 passphrase has letters without accents, digits, signs and spaces alone; choose \
         another"
    )]
    Characters,
}

impl Psk {
    /// Reads a passphrase.
    pub fn parse(text: &str) -> Result<Self, PskError> {
        if !text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            return Err(PskError::Characters);
        }
        match PASSPHRASE.contains(&text.len()) {
            true => Ok(Self(text.to_owned())),
            false => Err(PskError::Length(text.len())),
        }
    }

    /// As it was written.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// The key of a network of that name, as 64 hexadecimal digits. It is what goes into files: their
    /// readers disagree about quotes, backslashes and `#` in passphrases.
    pub fn key(&self, ssid: &[u8]) -> String {
        hex(&pbkdf2_hmac_array::<Sha1, KEY>(
            self.0.as_bytes(),
            ssid,
            ROUNDS,
        ))
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psk(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_passphrase_is_stands_in_one_place() {
        let vectors = picam_testkit::secrets("passphrase");
        for (text, usable, why) in &vectors {
            assert_eq!(Psk::parse(text).is_ok(), *usable, "{why}: {text:?}");
        }
        assert!(vectors.len() > 10);
    }

    #[test]
    fn what_is_wrong_is_said_and_the_passphrase_is_not() {
        assert_eq!(Psk::parse(""), Err(PskError::Length(0)));
        assert_eq!(Psk::parse(&"f".repeat(64)), Err(PskError::Length(64)));
        assert_eq!(Psk::parse("1234567\u{e9}"), Err(PskError::Characters));
        assert!(!PskError::Length(64).to_string().contains("hex"));
        assert!(!format!("{:?}", Psk::parse("12345678")).contains("1234"));
    }

    /// The test vectors of IEEE 802.11-2020, J.4.2.
    #[test]
    fn keys_are_those_of_the_standard() {
        for (phrase, ssid, key) in [
            (
                "password",
                "IEEE",
                "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e",
            ),
            (
                "ThisIsAPassword",
                "ThisIsASSID",
                "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af",
            ),
        ] {
            let psk = Psk::parse(phrase).unwrap();
            assert_eq!(psk.key(ssid.as_bytes()), key);
        }
    }
}
