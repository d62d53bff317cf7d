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

/// What opens a WPA2 network.
#[derive(Clone, PartialEq, Eq)]
pub enum Psk {
    /// 8 to 63 printable ASCII characters.
    Passphrase(String),
    /// The key itself, as `wpa_passphrase` makes it of SSID and passphrase: 64 hexadecimal digits.
    Key(String),
}

/// Why a text opens no WPA2 network. It is not repeated: it may be most of a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PskError {
    /// Too short or too long.
    #[error(
        "a WPA2 passphrase has 8 to 63 characters, and this one has {0}; choose another, or give the \
         key as 64 hexadecimal digits"
    )]
    Length(usize),
    /// Not printable ASCII.
    #[error(
        "a WPA2 passphrase has letters without accents, digits, signs and spaces alone; choose \
         another"
    )]
    Characters,
}

impl Psk {
    /// Reads a passphrase or a key.
    pub fn parse(text: &str) -> Result<Self, PskError> {
        if text.len() == 2 * KEY && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self::Key(text.to_ascii_lowercase()));
        }
        if !text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            return Err(PskError::Characters);
        }
        match PASSPHRASE.contains(&text.len()) {
            true => Ok(Self::Passphrase(text.to_owned())),
            false => Err(PskError::Length(text.len())),
        }
    }

    /// The key of a network of that name, as 64 hexadecimal digits. It is what goes into files: their
    /// readers disagree about quotes, backslashes and `#` in passphrases.
    pub fn key(&self, ssid: &[u8]) -> String {
        match self {
            Self::Key(key) => key.clone(),
            Self::Passphrase(phrase) => hex(&pbkdf2_hmac_array::<Sha1, KEY>(
                phrase.as_bytes(),
                ssid,
                ROUNDS,
            )),
        }
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase(..)",
            Self::Key(_) => "Key(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passphrases_and_keys() {
        let good = |text: &str| Psk::parse(text).unwrap();
        assert_eq!(good("12345678"), Psk::Passphrase("12345678".into()));
        let odd = "  a#b\"c\\ d $x 'y  ";
        assert_eq!(good(odd), Psk::Passphrase(odd.into()));
        assert_eq!(good(&"F".repeat(64)), Psk::Key("f".repeat(64)));
        assert_eq!(good(&"F".repeat(63)), Psk::Passphrase("F".repeat(63)));
        assert_eq!(Psk::parse(""), Err(PskError::Length(0)));
        assert_eq!(Psk::parse("1234567"), Err(PskError::Length(7)));
        assert_eq!(Psk::parse(&"g".repeat(64)), Err(PskError::Length(64)));
        for text in [
            "1234567\n8",
            "1234567\u{e9}",
            "1234567\0",
            "1234567\t",
            "1234567\x7f",
        ] {
            assert_eq!(Psk::parse(text), Err(PskError::Characters), "{text:?}");
        }
        assert!(!format!("{:?}", good("12345678")).contains("1234"));
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
        let key = "0f".repeat(32);
        assert_eq!(Psk::parse(&key).unwrap().key(b"any"), key);
    }
}
