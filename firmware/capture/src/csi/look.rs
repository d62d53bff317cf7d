//! What the settings of pictures mean to libcamera.
//!
//! Its numbers mean the same for every camera, so that gains, distances and times are set as they are written. Only where
//! 0 is no middle they are not: contrast, saturation and sharpness go from none to twice the camera's own.

use crate::csi::protocol::ControlRange;
use crate::picture::{
    DeviceControl, Flips, From, Key, Lamp, Metering, Picture, PictureReport, Shown, Takes, Value,
};

/// Numbers of `protocol.hpp`, with libcamera's names.
macro_rules! controls {
    ($($name:ident $number:literal $libcamera:literal,)*) => {
        $(const $name: u32 = $number;)*
        const NAMES: &[(u32, &str)] = &[$(($number, $libcamera)),*];
    };
}
controls! {
    BRIGHTNESS 1 "Brightness",
    CONTRAST 2 "Contrast",
    SATURATION 3 "Saturation",
    SHARPNESS 4 "Sharpness",
    AE_ENABLE 5 "AeEnable",
    EXPOSURE_MODE 6 "ExposureTimeMode",
    EXPOSURE 7 "ExposureTime",
    GAIN_MODE 8 "AnalogueGainMode",
    GAIN 9 "AnalogueGain",
    EXPOSURE_VALUE 10 "ExposureValue",
    METERING 11 "AeMeteringMode",
    HDR 12 "HdrMode",
    FLICKER_MODE 13 "AeFlickerMode",
    FLICKER_PERIOD 14 "AeFlickerPeriod",
    AWB_ENABLE 15 "AwbEnable",
    AWB_MODE 16 "AwbMode",
    RED_GAIN 17 "ColourGains",
    BLUE_GAIN 18 "ColourGains",
    TEMPERATURE 19 "ColourTemperature",
    AF_MODE 20 "AfMode",
    LENS 21 "LensPosition",
    LONGEST_FRAME 22 "FrameDurationLimits",
}

/// Of ExposureTimeMode and AnalogueGainMode.
const AUTO: i32 = 0;
const MANUAL: i32 = 1;
/// Of AfMode.
const AF_MANUAL: i32 = 0;
const AF_CONTINUOUS: i32 = 2;
/// Of AwbMode.
const AWB_AUTO: i32 = 0;
const LAMPS: [(i32, Lamp); 4] = [
    (2, Lamp::Tungsten),
    (3, Lamp::Fluorescent),
    (5, Lamp::Daylight),
    (6, Lamp::Cloudy),
];
/// Of AeMeteringMode.
const METERINGS: [(i32, Metering); 3] = [
    (0, Metering::Centre),
    (1, Metering::Spot),
    (2, Metering::Matrix),
];
/// Of HdrMode: several exposures put together, or else what one sensor does within one.
const HDR_OFF: i32 = 0;
const HDR_ON: [i32; 2] = [3, 2];
/// Of AeFlickerMode: off, or by a period, or by itself.
const FLICKER_OFF: i32 = 0;
const FLICKER_MANUAL: i32 = 1;
const FLICKER_AUTO: i32 = 2;

/// Thousandths of a step to the end of contrast, saturation and sharpness.
const TWICE: i64 = 1000;

/// What the camera has, and how it was told that its pictures shall look.
#[derive(Debug, Default)]
pub(super) struct Look {
    controls: Vec<ControlRange>,
    frame_us: Option<u32>,
    report: PictureReport,
}

/// What a key takes on this camera, its default, and which controls it uses.
struct Way {
    takes: Takes,
    default: Value,
    uses: Vec<u32>,
}

impl Look {
    pub(super) fn of(controls: Vec<ControlRange>) -> Self {
        Self {
            controls,
            ..Self::default()
        }
    }

    pub(super) fn report(&self) -> PictureReport {
        self.report.clone()
    }

    /// What is to be written that pictures look as is wanted; `flips` are done elsewhere.
    pub(super) fn set(
        &mut self,
        wanted: &Picture,
        frame_us: Option<u32>,
        flips: Flips,
    ) -> Vec<(u32, i32)> {
        self.frame_us = frame_us;
        let mut writes = Vec::new();
        let mut settings = Vec::new();
        for &key in Key::ALL {
            let shown = match (key, self.way(key)) {
                (Key::Preset, _) => Shown::preset(wanted),
                (Key::Hflip | Key::Vflip | Key::Rotation, _) => Shown::flipped(key, wanted, flips),
                (key, None) => Shown::missing(key, wanted, "libcamera has no control for it here"),
                (key, Some(way)) => self.apply(key, way, wanted, &mut writes),
            };
            settings.push(shown);
        }
        self.report = PictureReport { settings };
        writes
    }

    fn apply(&self, key: Key, way: Way, wanted: &Picture, writes: &mut Vec<(u32, i32)>) -> Shown {
        let own = wanted.get(key);
        let mut problem = None;
        let now = match own {
            Some((value, _)) if way.takes.holds(value) => value,
            Some((_, From::Named)) => {
                problem = Some(format!("this camera takes {}", way.takes));
                way.default
            }
            // A process that was just started has nobody's settings.
            _ => way.default,
        };
        for (control, value) in self.writes(key, now) {
            if self.range(control).is_some() {
                writes.push((control, value));
            }
        }
        Shown {
            key,
            wanted: own,
            now: Some(now),
            default: Some(way.default),
            controls: way.uses.iter().filter_map(|id| self.shown(*id)).collect(),
            takes: way.takes,
            problem,
        }
    }

    fn range(&self, control: u32) -> Option<&ControlRange> {
        self.controls.iter().find(|range| range.control == control)
    }

    fn has_choice(&self, control: u32, choice: i32) -> bool {
        self.range(control)
            .is_some_and(|range| range.most >> choice.clamp(0, 30) & 1 == 1)
    }

    fn shown(&self, control: u32) -> Option<DeviceControl> {
        let range = self.range(control)?;
        let (_, name) = NAMES.iter().find(|(number, _)| *number == control)?;
        let unit = match control {
            BRIGHTNESS | CONTRAST | SATURATION | SHARPNESS | GAIN | EXPOSURE_VALUE | RED_GAIN
            | LENS => " (thousandths)",
            EXPOSURE | FLICKER_PERIOD | LONGEST_FRAME => " (us)",
            _ => "",
        };
        Some(DeviceControl {
            name: format!("{name}{unit}"),
            least: range.least.into(),
            most: range.most.into(),
            default: range.usual.into(),
            now: None,
        })
    }

    fn way(&self, key: Key) -> Option<Way> {
        let way = |takes, default, uses: &[u32]| {
            Some(Way {
                takes,
                default,
                uses: uses.to_vec(),
            })
        };
        let micros = |value: i32| Value::Time(u32::try_from(value).unwrap_or(0).max(1));
        match key {
            Key::Brightness | Key::Contrast | Key::Saturation | Key::Sharpness => {
                let id = level_id(key)?;
                self.range(id)?;
                let takes = Takes::range(Value::Level(-100), Value::Level(100));
                way(takes, Value::Level(0), &[id])
            }
            Key::Exposure => {
                let range = self.range(EXPOSURE)?;
                let mut takes = Takes::range(micros(range.least), micros(range.most));
                takes.words.push(Value::Auto);
                way(takes, Value::Auto, &[EXPOSURE])
            }
            Key::Gain => {
                let range = self.range(GAIN)?;
                let times = |value: i32| Value::Times(u32::try_from(value).unwrap_or(0));
                let mut takes = Takes::range(times(range.least), times(range.most));
                takes.ranges.push((Value::Share(0), Value::Share(100)));
                takes.words.push(Value::Auto);
                way(takes, Value::Auto, &[GAIN])
            }
            Key::Compensation => {
                let range = self.range(EXPOSURE_VALUE)?;
                let takes = Takes::range(Value::Stops(range.least), Value::Stops(range.most));
                way(takes, Value::Stops(0), &[EXPOSURE_VALUE])
            }
            Key::LongestShutter => {
                let (range, frame) = (self.range(LONGEST_FRAME)?, self.frame_us?);
                let mut takes = Takes::words([Value::Frame]);
                takes.ranges.push((Value::Time(frame), micros(range.most)));
                way(takes, Value::Frame, &[LONGEST_FRAME])
            }
            Key::Metering => {
                let has = METERINGS
                    .iter()
                    .filter(|(n, _)| self.has_choice(METERING, *n));
                let takes = Takes::words(has.map(|(_, metering)| Value::Metering(*metering)));
                self.range(METERING)?;
                way(takes, Value::Metering(Metering::Centre), &[METERING])
            }
            Key::Hdr => {
                self.hdr()?;
                let takes = Takes::words([Value::Switch(false), Value::Switch(true)]);
                way(takes, Value::Switch(false), &[HDR])
            }
            Key::AntiFlicker => {
                let mut takes = Takes::words([Value::Switch(false)]);
                if self.has_choice(FLICKER_MODE, FLICKER_MANUAL) {
                    takes.words.extend([Value::Hertz(50), Value::Hertz(60)]);
                }
                if self.has_choice(FLICKER_MODE, FLICKER_AUTO) {
                    takes.words.push(Value::Auto);
                }
                self.range(FLICKER_MODE)?;
                way(takes, Value::Switch(false), &[FLICKER_MODE, FLICKER_PERIOD])
            }
            Key::WhiteBalance => {
                let mut takes = Takes::words(self.range(AWB_ENABLE).map(|_| Value::Auto));
                let lamps = LAMPS.iter().filter(|(n, _)| self.has_choice(AWB_MODE, *n));
                takes
                    .words
                    .extend(lamps.map(|(_, lamp)| Value::Lamp(*lamp)));
                if let Some(range) = self.range(TEMPERATURE) {
                    let kelvin = |value: i32| Value::Kelvin(u32::try_from(value).unwrap_or(0));
                    takes.ranges.push((kelvin(range.least), kelvin(range.most)));
                }
                if let Some(range) = self.range(RED_GAIN) {
                    let gain = |value: i32| u32::try_from(value).unwrap_or(0);
                    let (least, most) = (gain(range.least), gain(range.most));
                    takes
                        .ranges
                        .push((Value::Gains(least, least), Value::Gains(most, most)));
                }
                let uses = [AWB_ENABLE, AWB_MODE, TEMPERATURE, RED_GAIN];
                match takes.is_nothing() {
                    true => None,
                    false => way(takes, Value::Auto, &uses),
                }
            }
            Key::Focus => {
                let range = self.range(LENS)?;
                let mut takes = Takes::words([Value::Infinity]);
                if self.has_choice(AF_MODE, AF_CONTINUOUS) {
                    takes.words.push(Value::Auto);
                }
                takes.ranges.push((Value::Share(0), Value::Share(100)));
                // Dioptres are one over metres: the nearest is the greatest.
                let nearest = 1_000_000 / u32::try_from(range.most).unwrap_or(0).max(1);
                takes
                    .ranges
                    .push((Value::Distance(nearest.max(10)), Value::Distance(100_000)));
                way(takes, Value::Infinity, &[AF_MODE, LENS])
            }
            Key::Preset | Key::Hflip | Key::Vflip | Key::Rotation => None,
        }
    }

    fn hdr(&self) -> Option<i32> {
        HDR_ON.into_iter().find(|mode| self.has_choice(HDR, *mode))
    }

    /// What is written for a value that the way takes, to whichever of these controls there are.
    fn writes(&self, key: Key, value: Value) -> Vec<(u32, i32)> {
        let exact = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        match (key, value) {
            (_, Value::Level(level)) => {
                match (level_id(key), level_id(key).and_then(|id| self.range(id))) {
                    (Some(id), Some(range)) => vec![(id, of_level(id, range, level))],
                    _ => Vec::new(),
                }
            }
            // An older libcamera has AeEnable and takes 0 for automatic; a newer one has the modes.
            (Key::Exposure, Value::Auto) => match self.range(EXPOSURE_MODE) {
                Some(_) => vec![(EXPOSURE_MODE, AUTO)],
                None => vec![(AE_ENABLE, 1), (EXPOSURE, 0)],
            },
            (Key::Exposure, Value::Time(us)) => {
                vec![(EXPOSURE_MODE, MANUAL), (EXPOSURE, exact(us))]
            }
            (Key::Gain, Value::Auto) => match self.range(GAIN_MODE) {
                Some(_) => vec![(GAIN_MODE, AUTO)],
                None => vec![(GAIN, 0)],
            },
            (Key::Gain, Value::Times(times)) => vec![(GAIN_MODE, MANUAL), (GAIN, exact(times))],
            (Key::Gain, Value::Share(share)) => {
                let part = self.range(GAIN).map(|range| part_of(range, share));
                vec![(GAIN_MODE, MANUAL), (GAIN, part.unwrap_or(1000))]
            }
            (Key::Compensation, Value::Stops(stops)) => vec![(EXPOSURE_VALUE, stops)],
            (Key::LongestShutter, Value::Time(us)) => vec![(LONGEST_FRAME, exact(us))],
            (Key::LongestShutter, _) => vec![(LONGEST_FRAME, exact(self.frame_us.unwrap_or(0)))],
            (Key::Metering, Value::Metering(metering)) => {
                let found = METERINGS.iter().find(|(_, known)| *known == metering);
                found.map(|(n, _)| (METERING, *n)).into_iter().collect()
            }
            (Key::Hdr, Value::Switch(on)) => {
                let mode = self.hdr().filter(|_| on);
                vec![(HDR, mode.unwrap_or(HDR_OFF))]
            }
            (Key::AntiFlicker, Value::Auto) => vec![(FLICKER_MODE, FLICKER_AUTO)],
            // A lamp flickers twice a period of the mains.
            (Key::AntiFlicker, Value::Hertz(hertz)) => vec![
                (FLICKER_MODE, FLICKER_MANUAL),
                (FLICKER_PERIOD, 500_000 / i32::from(hertz.max(1))),
            ],
            (Key::AntiFlicker, _) => vec![(FLICKER_MODE, FLICKER_OFF)],
            (Key::WhiteBalance, Value::Lamp(lamp)) => {
                let found = LAMPS.iter().find(|(_, known)| *known == lamp);
                let mode = found.map_or(AWB_AUTO, |(n, _)| *n);
                vec![(AWB_ENABLE, 1), (AWB_MODE, mode)]
            }
            (Key::WhiteBalance, Value::Kelvin(kelvin)) => {
                vec![(AWB_ENABLE, 0), (TEMPERATURE, exact(kelvin))]
            }
            (Key::WhiteBalance, Value::Gains(red, blue)) => vec![
                (AWB_ENABLE, 0),
                (RED_GAIN, exact(red)),
                (BLUE_GAIN, exact(blue)),
            ],
            (Key::WhiteBalance, _) => vec![(AWB_ENABLE, 1), (AWB_MODE, AWB_AUTO)],
            (Key::Focus, Value::Auto) => vec![(AF_MODE, AF_CONTINUOUS)],
            (Key::Focus, value) => {
                let lens = match (value, self.range(LENS)) {
                    (Value::Distance(mm), _) => exact(1_000_000 / mm.max(1)),
                    (Value::Share(share), Some(range)) => part_of(range, share),
                    _ => 0,
                };
                vec![(AF_MODE, AF_MANUAL), (LENS, lens)]
            }
            _ => Vec::new(),
        }
    }
}

fn level_id(key: Key) -> Option<u32> {
    Some(match key {
        Key::Brightness => BRIGHTNESS,
        Key::Contrast => CONTRAST,
        Key::Saturation => SATURATION,
        Key::Sharpness => SHARPNESS,
        _ => return None,
    })
}

/// Brightness goes from end to end, the others from none to twice the default.
fn of_level(id: u32, range: &ControlRange, level: i16) -> i32 {
    let (least, most, usual) = (
        i64::from(range.least),
        i64::from(range.most),
        i64::from(range.usual),
    );
    let most = match id {
        BRIGHTNESS => most,
        _ => most.min(usual + usual.max(TWICE)),
    };
    let end = if level < 0 { least } else { most };
    let value = usual + (end - usual) * i64::from(level.unsigned_abs()) / 100;
    i32::try_from(value).unwrap_or(range.usual)
}

fn part_of(range: &ControlRange, share: u8) -> i32 {
    let way = i64::from(range.most) - i64::from(range.least);
    let value = i64::from(range.least) + way * i64::from(share) / 100;
    i32::try_from(value).unwrap_or(range.usual)
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
