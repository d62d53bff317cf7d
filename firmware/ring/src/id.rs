//! Which places for footage there are, and what a segment is called across all of them.
//!
//! ```text
//! F000123    camera F, sequence digits 000123, on the card
//! F000123u   the same on the USB disk, which counts on its own
//! ```

use std::fmt;

use crate::name::{SEQUENCE_MODULUS, SegmentName, digits, is_camera_letter};

/// A place for footage. Each is a ring of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Volume {
    /// The card's own partition.
    #[default]
    Card,
    /// The USB disk.
    Usb,
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Card => "the card",
            Self::Usb => "the USB disk",
        })
    }
}

/// Digits of the sequence in an id, as in a name.
const DIGITS: usize = 6;
/// What the id of a segment on the USB disk ends in.
const USB_MARK: char = 'u';

/// A segment's id: what of its name stays when the file is renamed, and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentId {
    /// Where it lies.
    pub volume: Volume,
    /// The letter of its camera.
    pub camera: u8,
    /// Its sequence, below [`SEQUENCE_MODULUS`].
    pub sequence: u32,
}

impl SegmentId {
    /// The id of a segment that lies there.
    pub const fn new(volume: Volume, name: &SegmentName) -> Self {
        Self {
            volume,
            camera: name.camera,
            sequence: name.sequence,
        }
    }

    /// The segment of the same camera and number that lies there.
    #[must_use]
    pub const fn on(self, volume: Volume) -> Self {
        Self { volume, ..self }
    }

    /// Reads an id; `None` for anything that is none.
    pub fn parse(id: &str) -> Option<Self> {
        let (here, volume) = match id.strip_suffix(USB_MARK) {
            Some(here) => (here, Volume::Usb),
            None => (id, Volume::Card),
        };
        let (&camera, _) = here.as_bytes().split_first()?;
        let sequence = here.get(1..).filter(|digits| digits.len() == DIGITS)?;
        is_camera_letter(camera).then_some(Self {
            volume,
            camera,
            sequence: digits(sequence)?,
        })
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let camera = char::from(self.camera);
        let sequence = self.sequence % SEQUENCE_MODULUS;
        write!(f, "{camera}{sequence:0DIGITS$}")?;
        match self.volume {
            Volume::Card => Ok(()),
            Volume::Usb => write!(f, "{USB_MARK}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_form() {
        for (id, volume, camera, sequence) in [
            ("F000123", Volume::Card, b'F', 123),
            ("0999999", Volume::Card, b'0', 999_999),
            ("Z000000", Volume::Card, b'Z', 0),
            ("F000123u", Volume::Usb, b'F', 123),
        ] {
            let parsed = SegmentId {
                volume,
                camera,
                sequence,
            };
            assert_eq!(SegmentId::parse(id), Some(parsed));
            assert_eq!(parsed.to_string(), id);
        }
        for id in [
            "",
            "u",
            "F",
            "F00012",
            "F00012u",
            "F000123uu",
            "F000123U",
            "F0000123",
            "f000123",
            "F00012x",
            "F+00123",
            "F\u{e9}0012",
            "../etc",
        ] {
            assert_eq!(SegmentId::parse(id), None, "{id}");
        }
    }

    #[test]
    fn an_id_is_of_the_name_that_the_file_has() {
        let name = SegmentName::parse("20261120_110800_FN_000123.mp4").unwrap();
        assert_eq!(SegmentId::new(Volume::Card, &name).to_string(), "F000123");
        assert_eq!(SegmentId::new(Volume::Usb, &name).to_string(), "F000123u");
    }
}
