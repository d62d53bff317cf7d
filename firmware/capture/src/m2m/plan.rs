//! How an encoder is set up: which calls, in which order, with which values. No device.

use picam_media::Colour;

use super::ids;

/// An encoder's name where the kernel drives a Raspberry Pi's.
pub const PI_CARD: &str = "bcm2835-codec-encode";
/// Buffers for pictures, and for coded data.
pub(super) const INPUTS: u32 = 4;
/// The encoder goes on while units are looked at.
pub(super) const OUTPUTS: u32 = 6;

/// `YU12`: three planes behind each other, in one buffer.
pub const YU12: [u8; 4] = *b"YU12";
/// H.264 in Annex B, access unit by access unit.
pub const H264: [u8; 4] = *b"H264";

/// Rows of a picture for a Raspberry Pi's encoder begin at multiples of so many bytes.
const PI_STRIDE: u32 = 64;
/// Its largest side.
const PI_SIDE: u32 = 1920;
/// Least bitrate at which any encoder is run: below it a Raspberry Pi's hangs (rpicam-apps issue 664).
const LEAST_BITRATE: u32 = 200_000;

/// What is to be coded, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Width in luma samples, even.
    pub width: u32,
    /// Height in luma samples, even.
    pub height: u32,
    /// Pictures a second.
    pub fps: u32,
    /// Bits a second.
    pub bitrate: u32,
    /// Pictures from one key frame to the next.
    pub gop: u32,
    /// Four characters of what comes out.
    pub coded: [u8; 4],
    /// How the pictures' colours are coded, as players shall be told.
    pub colour: Colour,
}

impl Wanted {
    /// Blocks of 16x16 of a picture.
    pub(super) fn macroblocks(&self) -> u32 {
        self.width.div_ceil(16) * self.height.div_ceil(16)
    }
}

/// One call of setting up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A control. One that is not `needed` may be unknown to the driver.
    Control {
        /// Of `v4l2-controls.h`.
        id: u32,
        /// Its value.
        value: i32,
        /// Whether the encoder is no use without it.
        needed: bool,
    },
    /// What comes out, and how much room a picture has.
    CodedFormat {
        /// Four characters.
        fourcc: [u8; 4],
        /// Bytes of a buffer.
        room: u32,
    },
    /// What goes in.
    PictureFormat {
        /// Bytes from one row of luma to the next.
        stride: u32,
        /// How colours are coded.
        colour: Colour,
    },
    /// Pictures a second.
    Rate(u32),
}

/// All calls, in order.
///
/// The level comes before the formats, because a Raspberry Pi's firmware looks at it then, and the sources disagree about
/// its default. The bitrate is variable: constant with the High profile fails when streaming begins (raspberrypi/linux
/// issue 4738). Headers are not repeated: after some 20,000 of them the encoder stops taking pictures (issue 4520); those of
/// the first buffer are kept.
pub(super) fn steps(wanted: &Wanted, card: &str) -> Vec<Step> {
    let control = |id, value: u32, needed| Step::Control {
        id,
        value: i32::try_from(value).unwrap_or(i32::MAX),
        needed,
    };
    let bitrate = bitrate(wanted.bitrate, card);
    let mut steps = Vec::new();
    if wanted.coded == H264 {
        steps.extend([
            control(ids::LEVEL, level(wanted, bitrate), false),
            control(ids::PROFILE, ids::PROFILE_HIGH, false),
            control(ids::BITRATE_MODE, ids::VARIABLE, false),
            control(ids::BITRATE, bitrate, true),
            control(ids::I_PERIOD, wanted.gop, false),
            control(ids::REPEAT_HEADERS, 0, false),
            control(ids::HEADER_MODE, ids::JOINED_WITH_FIRST, false),
        ]);
    }
    steps.extend([
        control(ids::GOP_SIZE, wanted.gop, false),
        Step::CodedFormat {
            fourcc: wanted.coded,
            room: room(wanted),
        },
        Step::PictureFormat {
            stride: wanted
                .width
                .next_multiple_of(if card == PI_CARD { PI_STRIDE } else { 1 }),
            colour: wanted.colour,
        },
        Step::Rate(wanted.fps),
    ]);
    steps
}

/// The bitrate to ask for: a Raspberry Pi's takes multiples of 25 kbit/s up to 25 Mbit/s, of which the last 5 need more than
/// the level that goes with them on paper (raspberrypi/linux issue 4938).
pub(super) fn bitrate(wanted: u32, card: &str) -> u32 {
    let most = if card == PI_CARD {
        20_000_000
    } else {
        u32::MAX
    };
    let wanted = wanted.clamp(LEAST_BITRATE, most);
    if card == PI_CARD {
        wanted - wanted % 25_000
    } else {
        wanted
    }
}

/// Bytes for a coded picture: a picture that does not fit comes out damaged (raspberrypi/linux issue 5180).
fn room(wanted: &Wanted) -> u32 {
    (wanted.width * wanted.height * 3 / 4).max(512 * 1024)
}

/// Why an encoder cannot take such pictures; `None` if it can, as far as one knows beforehand.
pub(super) fn refuses(wanted: &Wanted, card: &str) -> Option<String> {
    let size = format!("{}x{}", wanted.width, wanted.height);
    let (width, height) = (wanted.width, wanted.height);
    if width < 32 || height < 32 || !width.is_multiple_of(2) || !height.is_multiple_of(2) {
        return Some(format!("{size} is no size for it"));
    }
    if card == PI_CARD && (width > PI_SIDE || height > PI_SIDE) {
        return Some(format!("it takes {PI_SIDE}x{PI_SIDE} at most, not {size}"));
    }
    let most = if card == PI_CARD {
        PI_LEVEL
    } else {
        MOST_LEVEL
    };
    if wanted.coded == H264 && level(wanted, bitrate(wanted.bitrate, card)) > most.0 {
        let fps = wanted.fps;
        return Some(format!(
            "{size} at {fps} pictures a second is beyond level {}",
            most.1
        ));
    }
    None
}

/// The highest level of a Raspberry Pi's encoder, and of any, as `v4l2-controls.h` numbers it and as it is called.
const PI_LEVEL: (u32, &str) = (13, "4.2");
const MOST_LEVEL: (u32, &str) = (15, "5.1");

/// ITU-T H.264, table A-1: level as `v4l2-controls.h` numbers it, macroblocks a second, macroblocks a picture, kbit/s.
const LEVELS: [(u32, u32, u32, u32); 9] = [
    (8, 40_500, 1_620, 10_000),     // 3.0
    (9, 108_000, 3_600, 14_000),    // 3.1
    (10, 216_000, 5_120, 20_000),   // 3.2
    (11, 245_760, 8_192, 20_000),   // 4.0
    (12, 245_760, 8_192, 50_000),   // 4.1
    (13, 522_240, 8_704, 50_000),   // 4.2
    (14, 589_824, 22_080, 135_000), // 5.0
    (15, 983_040, 36_864, 240_000), // 5.1
    (u32::MAX, u32::MAX, u32::MAX, u32::MAX),
];

/// The least level that allows it.
fn level(wanted: &Wanted, bitrate: u32) -> u32 {
    let picture = wanted.macroblocks();
    let second = picture.saturating_mul(wanted.fps);
    let fits = |&&(_, most_second, most_picture, kbit): &&(u32, u32, u32, u32)| {
        second <= most_second && picture <= most_picture && bitrate / 1000 <= kbit
    };
    LEVELS
        .iter()
        .find(fits)
        .map_or(u32::MAX, |&(level, ..)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(width: u32, height: u32, fps: u32, bitrate: u32) -> Wanted {
        Wanted {
            width,
            height,
            fps,
            bitrate,
            gop: fps,
            coded: H264,
            colour: Colour::Bt709,
        }
    }

    fn value(steps: &[Step], wanted: u32) -> Option<i32> {
        steps.iter().find_map(|step| match step {
            Step::Control { id, value, .. } if *id == wanted => Some(*value),
            _ => None,
        })
    }

    #[test]
    fn the_level_is_set_before_any_format_and_headers_are_not_repeated() {
        let steps = steps(&wanted(1920, 1080, 30, 10_000_000), PI_CARD);
        let level = steps
            .iter()
            .position(|step| matches!(step, Step::Control { id: ids::LEVEL, .. }));
        let format = steps
            .iter()
            .position(|step| matches!(step, Step::CodedFormat { .. } | Step::PictureFormat { .. }));
        assert!(level.unwrap() < format.unwrap(), "{steps:?}");
        assert_eq!(value(&steps, ids::LEVEL), Some(11));
        assert_eq!(value(&steps, ids::REPEAT_HEADERS), Some(0));
        assert_eq!(value(&steps, ids::BITRATE_MODE), Some(ids::VARIABLE as i32));
        assert_eq!(value(&steps, ids::I_PERIOD), Some(30));
    }

    #[test]
    fn rows_and_buffers_suit_a_raspberry_pi() {
        let stride = |width, card| {
            let all = steps(&wanted(width, 720, 30, 5_000_000), card);
            all.iter().find_map(|step| match step {
                Step::PictureFormat { stride, .. } => Some(*stride),
                _ => None,
            })
        };
        assert_eq!(stride(1296, PI_CARD), Some(1344));
        assert_eq!(stride(1280, PI_CARD), Some(1280));
        assert_eq!(stride(1296, "other"), Some(1296));
        let room = |width, height| {
            let all = steps(&wanted(width, height, 30, 5_000_000), PI_CARD);
            all.iter().find_map(|step| match step {
                Step::CodedFormat { room, .. } => Some(*room),
                _ => None,
            })
        };
        assert_eq!(
            (room(1920, 1080), room(320, 240)),
            (Some(1_555_200), Some(524_288))
        );
    }

    #[test]
    fn levels_follow_size_rate_and_bitrate() {
        for (width, height, fps, bitrate, number) in [
            (640, 480, 30, 2_000_000, 8),
            (1280, 720, 30, 5_000_000, 9),
            (1280, 720, 60, 8_000_000, 10),
            (1920, 1080, 30, 10_000_000, 11),
            (1920, 1080, 30, 25_000_000, 12),
            (1920, 1080, 60, 10_000_000, 13),
        ] {
            let wanted = wanted(width, height, fps, bitrate);
            assert_eq!(level(&wanted, bitrate), number, "{wanted:?}");
        }
    }

    #[test]
    fn what_it_cannot_take_is_said() {
        let why = |width, height, fps| refuses(&wanted(width, height, fps, 5_000_000), PI_CARD);
        assert_eq!(why(1920, 1080, 30), None);
        assert!(why(2304, 1296, 30).unwrap().contains("1920x1920"));
        assert!(why(1920, 1080, 120).unwrap().contains("4.2"));
        assert!(why(15, 15, 30).is_some());
        assert_eq!(bitrate(7_777_777, PI_CARD), 7_775_000);
        assert_eq!(bitrate(25_000_000, PI_CARD), 20_000_000);
        assert_eq!(bitrate(1, PI_CARD), LEAST_BITRATE);
        assert_eq!(bitrate(7_777_777, "other"), 7_777_777);
    }
}
