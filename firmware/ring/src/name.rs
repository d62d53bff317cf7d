//! The names of slots: what a listing alone says about every file on the card.
//!
//! A name has always [`NAME_LEN`] characters, which exFAT keeps in two name entries: the entry set
//! is then four entries of 32 bytes, and a rename rewrites it where it stands.
//!
//! ```text
//! 20261120_110800_FN_000123.mp4   started 2026-11-20 11:08:00 UTC, camera F, class N, sequence 123
//! boot0042_003601_FN_000123.mp4   started 36 min 1 s after boot 42, time of day unknown
//! free_video_slot_F-_000123.bin   a slot of camera F that holds no footage, spare number 123
//! ```
//!
//! Anything else, also in letter case, is a foreign file.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::class::Class;

/// Characters (and bytes) of every slot name.
pub const NAME_LEN: usize = 29;
/// Names hold the sequence modulo this.
pub const SEQUENCE_MODULUS: u32 = 1_000_000;
/// Names hold the boot number modulo this.
pub const BOOT_MODULUS: u16 = 10_000;

const MAX_BOOT_SECONDS: u32 = 100 * 3600 - 1;
const SPARE_PREFIX: &str = "free_video_slot_";

/// When a segment started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameTime {
    /// Seconds since 1970 UTC. Written within the years 1970 to 9999 (up to [`Timestamp::MAX`]);
    /// what lies outside is written as the nearest end.
    Utc(i64),
    /// Nobody has said what time it is yet.
    Boot {
        /// How many boots the card has seen, modulo [`BOOT_MODULUS`].
        number: u16,
        /// Seconds after that boot; written as 99:59:59 at most.
        seconds: u32,
    },
}

/// The name of a file that holds footage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentName {
    /// When it started.
    pub time: NameTime,
    /// The camera's letter, `A` to `Z` or `0` to `9`.
    pub camera: u8,
    /// What it was recorded for.
    pub class: Class,
    /// The segment's sequence number modulo [`SEQUENCE_MODULUS`].
    pub sequence: u32,
}

/// The name of any slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotName {
    /// It holds footage.
    Segment(SegmentName),
    /// It holds none: never used, or given up for the segment about to be written.
    Spare {
        /// The camera's letter.
        camera: u8,
        /// Tells a camera's spare slots apart, below [`SEQUENCE_MODULUS`]. No order in time.
        sequence: u32,
    },
}

/// Whether `letter` may stand for a camera.
pub const fn is_camera_letter(letter: u8) -> bool {
    letter.is_ascii_uppercase() || letter.is_ascii_digit()
}

impl SegmentName {
    /// Reads a segment's name; `None` for a spare slot or a foreign file.
    pub fn parse(name: &str) -> Option<Self> {
        match SlotName::parse(name)? {
            SlotName::Segment(segment) => Some(segment),
            SlotName::Spare { .. } => None,
        }
    }

    /// The same segment as if it had begun a second later: for a name that something else has.
    #[must_use]
    pub const fn a_second_later(self) -> Self {
        let time = match self.time {
            NameTime::Utc(seconds) => NameTime::Utc(seconds.saturating_add(1)),
            NameTime::Boot { number, seconds } => NameTime::Boot {
                number,
                seconds: seconds.saturating_add(1),
            },
        };
        Self { time, ..self }
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.time {
            NameTime::Utc(seconds) => {
                let seconds = seconds.clamp(0, Timestamp::MAX.as_second());
                let at = Timestamp::from_second(seconds).unwrap_or_default();
                let at = TimeZone::UTC.to_datetime(at);
                write!(f, "{:04}{:02}{:02}", at.year(), at.month(), at.day())?;
                write!(f, "_{:02}{:02}{:02}", at.hour(), at.minute(), at.second())?;
            }
            NameTime::Boot { number, seconds } => {
                let s = seconds.min(MAX_BOOT_SECONDS);
                let (hours, minutes) = (s / 3600, s / 60 % 60);
                write!(f, "boot{:04}", number % BOOT_MODULUS)?;
                write!(f, "_{hours:02}{minutes:02}{:02}", s % 60)?;
            }
        }
        let (camera, class) = (char::from(self.camera), char::from(self.class.letter()));
        let sequence = self.sequence % SEQUENCE_MODULUS;
        write!(f, "_{camera}{class}_{sequence:06}.mp4")
    }
}

impl SlotName {
    /// Reads a file's name; `None` if it is not exactly of our form.
    pub fn parse(name: &str) -> Option<Self> {
        if name.len() != NAME_LEN || !name.is_ascii() {
            return None;
        }
        let [camera, class] = *name.get(16..18)?.as_bytes() else {
            return None;
        };
        if !is_camera_letter(camera) || name.get(18..19)? != "_" {
            return None;
        }
        let sequence = digits(name.get(19..25)?)?;
        let (front, suffix) = (name.get(..16)?, name.get(25..)?);
        if front == SPARE_PREFIX {
            return (class == b'-' && suffix == ".bin").then_some(Self::Spare { camera, sequence });
        }
        if suffix != ".mp4" {
            return None;
        }
        Some(Self::Segment(SegmentName {
            time: NameTime::parse(front)?,
            camera,
            class: Class::from_letter(class)?,
            sequence,
        }))
    }

    /// The camera's letter.
    pub const fn camera(&self) -> u8 {
        match self {
            Self::Segment(segment) => segment.camera,
            Self::Spare { camera, .. } => *camera,
        }
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(segment) => segment.fmt(f),
            Self::Spare { camera, sequence } => {
                let sequence = sequence % SEQUENCE_MODULUS;
                let camera = char::from(*camera);
                write!(f, "{SPARE_PREFIX}{camera}-_{sequence:06}.bin")
            }
        }
    }
}

impl NameTime {
    /// Reads the first 16 characters of a segment's name.
    fn parse(front: &str) -> Option<Self> {
        if front.get(8..9)? != "_" || front.get(15..)? != "_" {
            return None;
        }
        let hour = digits(front.get(9..11)?)?;
        let minute = digits(front.get(11..13)?)?;
        let second = digits(front.get(13..15)?)?;
        if let Some(number) = front.strip_prefix("boot") {
            if minute > 59 || second > 59 {
                return None;
            }
            return Some(Self::Boot {
                number: digits(number.get(..4)?)? as u16,
                seconds: hour * 3600 + minute * 60 + second,
            });
        }
        let year = digits(front.get(..4)?)?;
        if year < 1970 {
            return None;
        }
        let month = digits(front.get(4..6)?)? as i8;
        let day = digits(front.get(6..8)?)? as i8;
        let (hour, minute, second) = (hour as i8, minute as i8, second as i8);
        let at = DateTime::new(year as i16, month, day, hour, minute, second, 0).ok()?;
        let at = TimeZone::UTC.to_timestamp(at).ok()?;
        Some(Self::Utc(at.as_second()))
    }
}

/// Decimal digits and nothing else: `u32::from_str` would take a sign.
pub(crate) fn digits(text: &str) -> Option<u32> {
    text.bytes().try_fold(0u32, |n, byte| {
        byte.is_ascii_digit()
            .then(|| n * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(time: NameTime) -> SegmentName {
        SegmentName {
            time,
            camera: b'F',
            class: Class::Normal,
            sequence: 123,
        }
    }

    #[test]
    fn the_three_forms_read_as_documented() {
        // `date -u -d '2026-11-20 11:08:00' +%s`
        let known = segment(NameTime::Utc(1_795_172_880));
        let unknown = segment(NameTime::Boot {
            number: 42,
            seconds: 36 * 60 + 1,
        });
        assert_eq!(known.to_string(), "20261120_110800_FN_000123.mp4");
        assert_eq!(unknown.to_string(), "boot0042_003601_FN_000123.mp4");
        let spare = SlotName::Spare {
            camera: b'F',
            sequence: 123,
        };
        assert_eq!(spare.to_string(), "free_video_slot_F-_000123.bin");
        assert_eq!(SegmentName::parse(&known.to_string()), Some(known));
        assert_eq!(SegmentName::parse(&spare.to_string()), None);
    }

    #[test]
    fn values_out_of_range_still_give_a_valid_name() {
        for (time, name) in [
            (NameTime::Utc(-1), "19700101_000000_FN_000123.mp4"),
            (NameTime::Utc(i64::MAX), "99991230_220000_FN_000123.mp4"),
            (
                NameTime::Boot {
                    number: 10_007,
                    seconds: u32::MAX,
                },
                "boot0007_995959_FN_000123.mp4",
            ),
        ] {
            assert_eq!(segment(time).to_string(), name);
            assert!(SlotName::parse(name).is_some());
        }
        let mut wrapped = segment(NameTime::Utc(0));
        wrapped.sequence = 1_000_001;
        assert!(wrapped.to_string().ends_with("_000001.mp4"));
    }

    #[test]
    fn anything_else_is_foreign() {
        for name in [
            "",
            "DSC_0001.JPG",
            "20261120_110800_FN_000123 (1).mp4",
            "20261120_110800_FN_000123.MP4",
            "20261120_110800_FN_000123.mov",
            "20261120_110800_fN_000123.mp4",
            "20261120_110800_Fn_000123.mp4",
            "20261120_110800_FX_000123.mp4",
            "20261120_110800_FN-000123.mp4",
            "20261320_110800_FN_000123.mp4",
            "20260230_110800_FN_000123.mp4",
            "20261120_240000_FN_000123.mp4",
            "20261120_110860_FN_000123.mp4",
            "19691231_235959_FN_000123.mp4",
            "2026112+_110800_FN_000123.mp4",
            "20261120_110800_FN_+00123.mp4",
            "20261120 110800_FN_000123.mp4",
            "boot0042_006001_FN_000123.mp4",
            "boot0042_003660_FN_000123.mp4",
            "BOOT0042_003601_FN_000123.mp4",
            "free_video_slot_F-_000123.mp4",
            "free_video_slot_FN_000123.bin",
            "20261120_110800_F-_000123.bin",
            "20261120_110800_F\u{e9}_00123.mp4",
        ] {
            assert_eq!(SlotName::parse(name), None, "{name}");
        }
    }

    fn any_slot() -> impl Strategy<Value = SlotName> {
        let time = prop_oneof![
            (0..=Timestamp::MAX.as_second()).prop_map(NameTime::Utc),
            (0..BOOT_MODULUS, 0..=MAX_BOOT_SECONDS)
                .prop_map(|(number, seconds)| NameTime::Boot { number, seconds }),
        ];
        let camera = prop_oneof![b'A'..=b'Z', b'0'..=b'9'];
        let class = proptest::sample::select(&Class::ALL[..]);
        (time, camera, class, 0..SEQUENCE_MODULUS, any::<bool>()).prop_map(
            |(time, camera, class, sequence, spare)| {
                if spare {
                    return SlotName::Spare { camera, sequence };
                }
                SlotName::Segment(SegmentName {
                    time,
                    camera,
                    class,
                    sequence,
                })
            },
        )
    }

    proptest! {
        #[test]
        fn names_round_trip_at_fixed_length(slot in any_slot()) {
            let name = slot.to_string();
            prop_assert_eq!(name.len(), NAME_LEN);
            prop_assert_eq!(SlotName::parse(&name), Some(slot));
        }

        #[test]
        fn what_parses_prints_as_it_was(
            name in any_slot().prop_map(|slot| slot.to_string()),
            at in 0..NAME_LEN,
            with in 0x20u8..0x7f,
        ) {
            let mut bytes = name.into_bytes();
            bytes[at] = with;
            let name = String::from_utf8(bytes).unwrap();
            if let Some(slot) = SlotName::parse(&name) {
                prop_assert_eq!(slot.to_string(), name);
            }
        }
    }
}
