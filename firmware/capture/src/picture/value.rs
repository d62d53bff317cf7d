//! What can be written for a setting.

use std::fmt;

use super::{Key, PictureError};

/// A value, in units that are the same for all cameras. Which of them a key takes: [`Key::form`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    /// -100 to 100, 0 being the device's default.
    Level(i16),
    /// Per cent of the device's range.
    Share(u8),
    /// The camera decides.
    Auto,
    /// Microseconds.
    Time(u32),
    /// One picture's time.
    Frame,
    /// Thousandths of a stop.
    Stops(i32),
    /// Thousandths of an amplification.
    Times(u32),
    /// Kelvin.
    Kelvin(u32),
    /// A kind of light.
    Lamp(Lamp),
    /// Amplification of red and blue over green, in thousandths.
    Gains(u32, u32),
    /// As far as can be.
    Infinity,
    /// Millimetres.
    Distance(u32),
    /// On or off.
    Switch(bool),
    /// The mains' frequency.
    Hertz(u8),
    /// Where light is measured.
    Metering(Metering),
    /// Clockwise.
    Degrees(u16),
    /// A set of values.
    Preset(Preset),
}

macro_rules! words {
    ($(#[doc = $about:literal])* $name:ident { $($(#[doc = $help:literal])* $word:ident $text:literal,)* }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $help])* $word,)* }

        impl $name {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$word),*];

            /// As it is written.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }

            fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.name() == text)
            }
        }
    };
}

words! {
    /// A kind of light.
    Lamp {
        /// The sun, about 5500 K.
        Daylight "daylight",
        /// An overcast sky, about 6500 K.
        Cloudy "cloudy",
        /// The sky without the sun, about 7500 K.
        Shade "shade",
        /// Bulbs, about 2800 K.
        Tungsten "tungsten",
        /// Tubes, about 4000 K.
        Fluorescent "fluorescent",
    }
}

words! {
    /// Where light is measured.
    Metering {
        /// Everywhere alike.
        Average "average",
        /// More in the middle.
        Centre "centre",
        /// In the middle alone.
        Spot "spot",
        /// By the camera's own weights.
        Matrix "matrix",
    }
}

words! {
    /// A set of values for those who want to know of none.
    Preset {
        /// A road by day.
        Road "road",
        /// A road by night: longer exposure, fewer pictures a second if the camera needs them so.
        Night "night",
        /// The inside of the car.
        Cabin "cabin",
        /// None: what is not named is left as the device has it.
        None "none",
    }
}

impl Lamp {
    /// The colour temperature that stands for it, in kelvin.
    pub const fn kelvin(self) -> u32 {
        match self {
            Self::Daylight => 5500,
            Self::Cloudy => 6500,
            Self::Shade => 7500,
            Self::Tungsten => 2800,
            Self::Fluorescent => 4000,
        }
    }
}

impl Value {
    /// Reads what was written for `key`.
    ///
    /// # Errors
    /// Says what may be written.
    pub fn parse(key: Key, text: &str) -> Result<Self, PictureError> {
        let text = text.trim();
        if key == Key::Rotation && matches!(text, "90" | "270" | "-90") {
            return Err(PictureError::new(
                format!(
                    "rotation={text} is not possible: cameras mirror pictures and turn them by 180 degrees, not by 90"
                ),
                "turn the camera, or turn what you export: `ffmpeg -display_rotation` does it without encoding",
            ));
        }
        let value = match key {
            Key::Preset => Preset::parse(text).map(Self::Preset),
            Key::Exposure => auto(text).or_else(|| time(text)),
            Key::Compensation => thousandths(text, -4_000..=4_000).map(|n| Self::Stops(n as i32)),
            Key::Gain => auto(text).or_else(|| share(text)).or_else(|| {
                let times = thousandths(text.strip_suffix('x')?, 100..=1_000_000)?;
                u32::try_from(times).ok().map(Self::Times)
            }),
            Key::LongestShutter if text == "frame" => Some(Self::Frame),
            Key::LongestShutter => auto(text).or_else(|| time(text)),
            Key::Metering => Metering::parse(text).map(Self::Metering),
            Key::Hdr | Key::Hflip | Key::Vflip => switch(text),
            Key::AntiFlicker => match text {
                "off" => Some(Self::Switch(false)),
                "auto" => Some(Self::Auto),
                "50" | "50Hz" => Some(Self::Hertz(50)),
                "60" | "60Hz" => Some(Self::Hertz(60)),
                _ => None,
            },
            Key::WhiteBalance => white_balance(text),
            Key::Focus if text == "infinity" => Some(Self::Infinity),
            Key::Focus => auto(text)
                .or_else(|| share(text))
                .or_else(|| distance(text)),
            Key::Brightness | Key::Contrast | Key::Saturation | Key::Sharpness => {
                let level: Option<i16> = text.parse().ok();
                level
                    .filter(|level| (-100..=100).contains(level))
                    .map(Self::Level)
            }
            Key::Rotation => match text {
                "0" => Some(Self::Degrees(0)),
                "180" => Some(Self::Degrees(180)),
                _ => None,
            },
        };
        value.ok_or_else(|| {
            PictureError::new(
                format!("{key}={text} is not allowed"),
                format!("write {}", key.form()),
            )
        })
    }

    /// Its number, if it is one, and the same number for all that can be compared with it.
    pub(crate) fn number(self) -> Option<(u8, i64)> {
        Some(match self {
            Self::Level(n) => (0, n.into()),
            Self::Share(n) => (1, n.into()),
            Self::Time(n) => (2, n.into()),
            Self::Stops(n) => (3, n.into()),
            Self::Times(n) => (4, n.into()),
            Self::Kelvin(n) => (5, n.into()),
            Self::Distance(n) => (6, n.into()),
            _ => return None,
        })
    }
}

fn auto(text: &str) -> Option<Value> {
    (text == "auto").then_some(Value::Auto)
}

fn switch(text: &str) -> Option<Value> {
    match text {
        "on" | "true" => Some(Value::Switch(true)),
        "off" | "false" => Some(Value::Switch(false)),
        _ => None,
    }
}

/// A decimal number in thousandths.
fn thousandths(text: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    let scaled = (number * 1000.0).round();
    let within = scaled >= *range.start() as f64 && scaled <= *range.end() as f64;
    within.then_some(scaled as i64)
}

fn share(text: &str) -> Option<Value> {
    let share: u8 = text.strip_suffix('%')?.trim_end().parse().ok()?;
    (share <= 100).then_some(Value::Share(share))
}

/// 1 µs to 10 s.
fn time(text: &str) -> Option<Value> {
    let (number, scale) = match (text.strip_suffix("us"), text.strip_suffix("ms")) {
        (Some(number), _) => (number, 1.0),
        (_, Some(number)) => (number, 1e3),
        _ => (text.strip_suffix('s')?, 1e6),
    };
    let number: f64 = number.trim_end().parse().ok()?;
    let micros = (number * scale).round();
    (1.0..=1e7)
        .contains(&micros)
        .then_some(Value::Time(micros as u32))
}

/// 1 cm to 100 m.
fn distance(text: &str) -> Option<Value> {
    let (number, scale) = match text.strip_suffix("cm") {
        Some(number) => (number, 10.0),
        None => (text.strip_suffix('m')?, 1000.0),
    };
    let number: f64 = number.trim_end().parse().ok()?;
    let millimetres = (number * scale).round();
    (10.0..=100_000.0)
        .contains(&millimetres)
        .then_some(Value::Distance(millimetres as u32))
}

fn white_balance(text: &str) -> Option<Value> {
    if let Some(kelvin) = text.strip_suffix('K') {
        let kelvin: u32 = kelvin.trim_end().parse().ok()?;
        return (1000..=20_000)
            .contains(&kelvin)
            .then_some(Value::Kelvin(kelvin));
    }
    if let Some((red, blue)) = text.split_once(',') {
        let gain = |text: &str| {
            let gain = thousandths(text.trim(), 1..=32_000)?;
            u32::try_from(gain).ok()
        };
        return Some(Value::Gains(gain(red)?, gain(blue)?));
    }
    auto(text).or_else(|| Lamp::parse(text).map(Value::Lamp))
}

/// Thousandths without zeros behind.
struct Decimal(i64);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 as f64 / 1000.0)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Level(level) => write!(f, "{level}"),
            Self::Share(share) => write!(f, "{share}%"),
            Self::Auto => f.write_str("auto"),
            Self::Time(us) if us < 1000 => write!(f, "{us}us"),
            Self::Time(us) => write!(f, "{}ms", Decimal(us.into())),
            Self::Frame => f.write_str("frame"),
            Self::Stops(stops) => write!(f, "{}", Decimal(stops.into())),
            Self::Times(times) => write!(f, "{}x", Decimal(times.into())),
            Self::Kelvin(kelvin) => write!(f, "{kelvin}K"),
            Self::Lamp(lamp) => f.write_str(lamp.name()),
            Self::Gains(red, blue) => {
                write!(f, "{},{}", Decimal(red.into()), Decimal(blue.into()))
            }
            Self::Infinity => f.write_str("infinity"),
            Self::Distance(mm) if mm < 1000 => write!(f, "{}cm", f64::from(mm) / 10.0),
            Self::Distance(mm) => write!(f, "{}m", Decimal(mm.into())),
            Self::Switch(on) => f.write_str(if on { "on" } else { "off" }),
            Self::Hertz(hertz) => write!(f, "{hertz}"),
            Self::Metering(metering) => f.write_str(metering.name()),
            Self::Degrees(degrees) => write!(f, "{degrees}"),
            Self::Preset(preset) => f.write_str(preset.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_is_written() {
        for (key, texts) in [
            (Key::Preset, &["road", "night", "cabin", "none"][..]),
            (Key::Exposure, &["auto", "500us", "8ms", "33.333ms"]),
            (Key::Compensation, &["-0.5", "0", "4"]),
            (Key::Gain, &["auto", "0%", "100%", "2.5x"]),
            (Key::LongestShutter, &["frame", "auto", "66ms"]),
            (Key::Metering, &["average", "centre", "spot", "matrix"]),
            (Key::Hdr, &["on", "off"]),
            (Key::AntiFlicker, &["off", "50", "60", "auto"]),
            (
                Key::WhiteBalance,
                &["auto", "shade", "tungsten", "5200K", "1.8,1.5"],
            ),
            (Key::Focus, &["auto", "infinity", "2.5m", "30cm", "20%"]),
            (Key::Brightness, &["-100", "0", "100"]),
            (Key::Rotation, &["0", "180"]),
        ] {
            for text in texts {
                assert_eq!(Value::parse(key, text).unwrap().to_string(), *text, "{key}");
            }
        }
        // Other ways to write the same.
        for (key, text, shown) in [
            (Key::Exposure, "0.02s", "20ms"),
            (Key::Hflip, "true", "on"),
            (Key::AntiFlicker, "50Hz", "50"),
            (Key::Focus, " 0.5m ", "50cm"),
        ] {
            assert_eq!(Value::parse(key, text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        for (key, text) in [
            (Key::Exposure, "0us"),
            (Key::Exposure, "11s"),
            (Key::Exposure, "8"),
            (Key::Exposure, "NaNms"),
            (Key::Compensation, "4.1"),
            (Key::Compensation, "nan"),
            (Key::Gain, "101%"),
            (Key::Gain, "0x"),
            (Key::Gain, "inf x"),
            (Key::Brightness, "101"),
            (Key::Brightness, "1.5"),
            (Key::AntiFlicker, "55"),
            (Key::WhiteBalance, "1,"),
            (Key::WhiteBalance, "999K"),
            (Key::Focus, "near"),
            (Key::Focus, "1mm"),
            (Key::Metering, "center"),
            (Key::Hdr, "1"),
            (Key::Rotation, "45"),
            (Key::Preset, ""),
        ] {
            let error = Value::parse(key, text).unwrap_err();
            assert!(error.what.starts_with(key.name()), "{error}");
            assert!(error.remedy.contains(key.form()), "{error}");
        }
        let turned = Value::parse(Key::Rotation, "90").unwrap_err();
        assert!(turned.what.contains("not by 90"), "{turned}");
    }
}
