//! Texts of others inside of files that have a line for each setting.

use std::fmt::Write;

/// Bytes as hexadecimal digits: the one form of an SSID that hostapd (`ssid2`) and wpa_supplicant
/// (`ssid`) take without quotes or escapes, whatever is in it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Whether this is the name of an interface that can stand in any of the files. The kernel takes more
/// (any byte but `/`, `:` and white space), but nobody needs it.
pub(crate) fn is_interface(name: &str) -> bool {
    // IFNAMSIZ is 16, with the final zero.
    (1..=15).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && !name.starts_with('-')
}

/// Whether this is a host name of RFC 1123 in lower case, of one label or several.
pub(crate) fn is_host(name: &str) -> bool {
    (1..=253).contains(&name.len()) && name.split('.').all(is_label)
}

/// Whether this is one label of a host name.
pub(crate) fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether this is an absolute path that needs no quotes anywhere.
pub(crate) fn is_plain_path(path: &str) -> bool {
    path.len() <= 80
        && path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken() {
        assert_eq!(hex(b"a\0\xff"), "6100ff");
        for name in ["wlan0", "ap0", "wlx00c0ca123456", "_a-b"] {
            assert!(is_interface(name), "{name}");
        }
        for name in [
            "",
            "a b",
            "wlan0\n",
            "-i",
            "abcdefghijklmnop",
            "a/b",
            "wlan0:1",
            "a=b",
        ] {
            assert!(!is_interface(name), "{name}");
        }
        for name in ["picam", "a.b-c.example", "0"] {
            assert!(is_host(name), "{name}");
        }
        for name in [
            "", ".", "a.", "A", "a_b", "a b", "-a", "a-", "a\n", "a/b", "\u{e9}",
        ] {
            assert!(!is_host(name), "{name}");
        }
        for path in ["/run/picam-hotspot", "/tmp/.a_1/x"] {
            assert!(is_plain_path(path), "{path}");
        }
        for path in ["", "run", "/a b", "/a\nb", "/a#b", "/a\"b", "/\u{e9}"] {
            assert!(!is_plain_path(path), "{path}");
        }
    }
}
