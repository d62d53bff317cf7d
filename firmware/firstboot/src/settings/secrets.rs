//! What the camera makes up itself: passphrase, page password, machine id, key of the sessions.

use std::io;

/// Letters that nobody mistakes for another one, or for a digit: no i, l, o. No digits and no
/// capitals, which cost a phone's keyboard more keys than they add.
const LETTERS: &[u8; 23] = b"abcdefghjkmnpqrstuvwxyz";
/// The most multiples of 23 in a byte: beyond, some letters would be likelier than others.
const FAIR: u8 = 253;
const GROUP: usize = 4;

/// For the hotspot: 16 letters, 72 bits. It can be tried out offline by whoever records a handshake,
/// at some 10^6 guesses a second and graphics card (hashcat, mode 22000): 10^8 years for one.
pub(super) const PASSPHRASE_GROUPS: usize = 4;
/// For the page: 12 letters, 54 bits, against guesses that the page's throttle lets through, or that
/// cost 19 MiB each (argon2id) for whoever has the card.
pub(super) const PASSWORD_GROUPS: usize = 3;

/// Where randomness comes from.
pub(super) type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> io::Result<()>;

/// Groups of four letters: `abcd-efgh-jkmn`.
pub(super) fn make_secret(groups: usize, random: Random<'_>) -> io::Result<String> {
    let mut secret = String::new();
    for n in 0..groups * GROUP {
        if n > 0 && n % GROUP == 0 {
            secret.push('-');
        }
        secret.push(letter(random)?);
    }
    Ok(secret)
}

fn letter(random: Random<'_>) -> io::Result<char> {
    // Almost every byte will do; a source that never gives one is broken.
    for _ in 0..1000 {
        let mut byte = [0];
        random(&mut byte)?;
        let [byte] = byte;
        let letter = LETTERS.get(usize::from(byte) % LETTERS.len());
        if let (true, Some(&letter)) = (byte < FAIR, letter) {
            return Ok(char::from(letter));
        }
    }
    Err(io::Error::other("the system has no randomness to give"))
}

/// A machine id (machine-id(5)): a UUID of version 4 without dashes.
pub(super) fn make_machine_id(random: Random<'_>) -> io::Result<String> {
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    let id = u128::from_be_bytes(bytes);
    let version = (id & !(0xf << 76)) | 4 << 76;
    let variant = (version & !(0b11 << 62)) | 0b10 << 62;
    Ok(format!("{variant:032x}"))
}

/// Whether a file holds a machine id.
pub(super) fn is_machine_id(bytes: &[u8]) -> bool {
    let id = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    id.len() == 32 && id.iter().all(hex) && id.iter().any(|&byte| byte != b'0')
}

/// A key of 256 bits in hexadecimal digits.
pub(super) fn make_page_key(random: Random<'_>) -> io::Result<String> {
    let mut bytes = [0; 32];
    random(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether a file holds such a key.
pub(super) fn is_page_key(bytes: &[u8]) -> bool {
    let key = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    key.len() == 64 && key.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting() -> impl FnMut(&mut [u8]) -> io::Result<()> {
        let mut next = 250_u8;
        move |bytes| {
            for byte in bytes {
                *byte = next;
                next = next.wrapping_add(1);
            }
            Ok(())
        }
    }

    #[test]
    fn a_passphrase_has_its_bits() {
        let secret = make_secret(PASSPHRASE_GROUPS, &mut counting()).unwrap();
        // 250 to 252 are 20 to 22 of 23; 253 to 255 are unfair; then from 0 on.
        assert_eq!(secret, "xyza-bcde-fghj-kmnp");
        let bits = (PASSPHRASE_GROUPS * GROUP) as f64 * (LETTERS.len() as f64).log2();
        assert!(bits >= 60.0, "{bits}");
        assert_eq!(FAIR as usize % LETTERS.len(), 0);
        assert_eq!(
            make_secret(PASSWORD_GROUPS, &mut counting()).unwrap().len(),
            14
        );
    }

    #[test]
    fn without_randomness_there_is_no_secret() {
        assert!(make_secret(1, &mut |_| Err(io::Error::other("none"))).is_err());
        let mut stuck = |bytes: &mut [u8]| {
            bytes.fill(255);
            Ok(())
        };
        assert!(make_secret(1, &mut stuck).is_err());
    }

    #[test]
    fn page_keys_are_told_from_other_files() {
        let key = make_page_key(&mut counting()).unwrap();
        assert!(key.starts_with("fafbfcfdfeff0001"), "{key}");
        assert!(is_page_key(key.as_bytes()) && is_page_key(format!("{key}\n").as_bytes()));
        for other in ["", &key[1..], &format!("{key}0"), &"g".repeat(64)] {
            assert!(!is_page_key(other.as_bytes()), "{other}");
        }
        assert!(make_page_key(&mut |_| Err(io::Error::other("none"))).is_err());
    }

    #[test]
    fn machine_ids_are_told_from_other_files() {
        let id = make_machine_id(&mut counting()).unwrap();
        assert_eq!(id, "fafbfcfdfeff40018203040506070809");
        assert!(is_machine_id(id.as_bytes()));
        assert!(is_machine_id(format!("{id}\n").as_bytes()));
        for other in [
            "",
            "uninitialized\n",
            &id[1..],
            &id.to_uppercase(),
            &"0".repeat(32),
        ] {
            assert!(!is_machine_id(other.as_bytes()), "{other}");
        }
    }
}
