//! Which disk this is: what its owner's word must say.

use std::fs;
use std::path::Path;

/// What the kernel says of a USB disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The maker's number and the model's, four hexadecimal digits each.
    pub vendor: String,
    /// The model's.
    pub product: String,
    /// Serial number; many cheap sticks have none.
    pub serial: Option<String>,
    /// What it calls itself.
    pub name: String,
    /// Its size in sectors of 512 bytes.
    pub sectors: u64,
}

impl Identity {
    /// Of the disk whose directory in sysfs is `sysfs`; `None` if it hangs on no USB.
    pub fn of(sysfs: &Path, sectors: u64) -> Option<Self> {
        let read = |dir: &Path, name: &str| {
            let text = fs::read_to_string(dir.join(name)).ok()?;
            Some(printable(&text)).filter(|text| !text.is_empty())
        };
        let usb = sysfs
            .ancestors()
            .find(|dir| dir.join("idVendor").exists() && dir.join("idProduct").exists())?;
        let name = [read(usb, "manufacturer"), read(usb, "product")];
        let name: Vec<String> = name.into_iter().flatten().collect();
        Some(Self {
            vendor: read(usb, "idVendor")?,
            product: read(usb, "idProduct")?,
            serial: read(usb, "serial"),
            name: match name.is_empty() {
                true => "without a name".into(),
                false => name.join(" "),
            },
            sectors,
        })
    }
}

/// The word that names a disk and what is on it; none for a disk without a serial number, which another may be taken for.
/// `beginning` is its first mebibyte.
pub fn word(identity: &Identity, beginning: &[u8]) -> Option<String> {
    let Identity {
        vendor,
        product,
        serial,
        sectors,
        ..
    } = identity;
    let serial: String = serial
        .as_deref()?
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') => c,
            _ => '_',
        })
        .collect();
    let sum = crc32fast::hash(beginning);
    Some(format!("{vendor}:{product}:{serial}:{sectors}:{sum:08x}"))
}

fn printable(text: &str) -> String {
    let text = text.trim().chars();
    let shown = text.map(|c| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '_'
        }
    });
    shown.take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            vendor: "0781".into(),
            product: "5583".into(),
            serial: Some("4C53 00\"1".into()),
            name: "SanDisk Ultra".into(),
            sectors: 1000,
        }
    }

    #[test]
    fn the_word_names_the_disk_its_size_and_what_is_on_it() {
        let first = word(&identity(), b"photos").unwrap();
        assert_eq!(first, "0781:5583:4C53_00_1:1000:0876e0d9");
        assert_ne!(first, word(&identity(), b"formatted").unwrap());
        for other in [
            Identity {
                sectors: 1001,
                ..identity()
            },
            Identity {
                serial: Some("4C53002".into()),
                ..identity()
            },
            Identity {
                product: "5584".into(),
                ..identity()
            },
        ] {
            assert_ne!(Some(&first), word(&other, b"photos").as_ref());
        }
        let nameless = Identity {
            serial: None,
            ..identity()
        };
        assert_eq!(word(&nameless, b"photos"), None);
    }

    #[test]
    fn it_is_read_from_the_usb_device_above_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let block = dir.path().join("1-1/1-1:1.0/host0/block/sda");
        fs::create_dir_all(&block).unwrap();
        assert_eq!(Identity::of(&block, 7), None, "a disk on no USB");
        for (name, text) in [
            ("idVendor", "0781\n"),
            ("idProduct", "5583\n"),
            ("serial", "4C53\n"),
            ("product", "Ultra\u{fc}\n"),
        ] {
            fs::write(dir.path().join("1-1").join(name), text).unwrap();
        }
        let seen = Identity::of(&block, 7).unwrap();
        assert_eq!(
            (seen.name.as_str(), seen.serial.as_deref()),
            ("Ultra_", Some("4C53"))
        );
        assert_eq!((seen.vendor.as_str(), seen.sectors), ("0781", 7));
    }
}
