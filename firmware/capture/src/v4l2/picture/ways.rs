//! What each key means to a device: which controls it has for it, what they take, and what is written to them.

use super::ids;
use super::scale::{level, nearest, of_level, of_share, share};
use crate::picture::{Key, Lamp, Metering, Takes, Value};
use crate::v4l2::Control;

/// A control and the number that is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) id: u32,
    pub(super) value: i64,
}

/// How a device does what a key says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Way<'a> {
    pub(super) takes: Takes,
    pub(super) now: Option<Value>,
    pub(super) default: Option<Value>,
    pub(super) uses: Vec<&'a Control>,
}

/// A device's controls, and the longest that a picture takes at the rate that was agreed, in microseconds.
pub(super) struct Controls<'a> {
    pub(super) all: &'a [Control],
    pub(super) frame_us: Option<u32>,
}

/// Who decides about the exposure, by V4L2_CID_EXPOSURE_AUTO: what the camera decides, and what is told.
const EXPOSES_ITSELF: [u32; 2] = [0, 3];
const IS_TOLD: [u32; 2] = [1, 2];

/// By V4L2_CID_AUTO_N_PRESET_WHITE_BALANCE.
const LAMPS: [(u32, Lamp); 5] = [
    (6, Lamp::Daylight),
    (8, Lamp::Cloudy),
    (9, Lamp::Shade),
    (2, Lamp::Tungsten),
    (3, Lamp::Fluorescent),
];
const WHITE_MANUAL: u32 = 0;
const WHITE_AUTO: u32 = 1;

/// By V4L2_CID_EXPOSURE_METERING.
const METERINGS: [(u32, Value); 4] = [
    (0, Value::Metering(Metering::Average)),
    (1, Value::Metering(Metering::Centre)),
    (2, Value::Metering(Metering::Spot)),
    (3, Value::Metering(Metering::Matrix)),
];

/// By V4L2_CID_POWER_LINE_FREQUENCY.
const FLICKERS: [(u32, Value); 4] = [
    (0, Value::Switch(false)),
    (1, Value::Hertz(50)),
    (2, Value::Hertz(60)),
    (3, Value::Auto),
];

/// A slower camera than this is none of ours, in microseconds.
const LONGEST_US: u32 = 10_000_000;

impl<'a> Controls<'a> {
    /// The control with this number, if it can be set.
    pub(super) fn get(&self, id: u32) -> Option<&'a Control> {
        let name = ids::NAMES.iter().find(|(known, _)| *known == id);
        let by_id = |control: &&Control| control.id == id;
        let by_name = |control: &&Control| name.is_some_and(|(_, name)| control.name == *name);
        let usable = || self.all.iter().filter(|control| !control.is_read_only);
        usable().find(by_id).or_else(|| usable().find(by_name))
    }

    /// What the device has for a key.
    pub(super) fn way(&self, key: Key) -> Option<Way<'a>> {
        match key {
            Key::Exposure => self.exposure(),
            Key::Compensation => self.compensation(),
            Key::Gain => self.gain(),
            Key::LongestShutter => self.longest_shutter(),
            Key::Metering => self.choice(ids::EXPOSURE_METERING, &METERINGS),
            Key::Hdr => self.switch(ids::WIDE_DYNAMIC_RANGE),
            Key::AntiFlicker => self.choice(ids::POWER_LINE_FREQUENCY, &FLICKERS),
            Key::WhiteBalance => self.white_balance(),
            Key::Focus => self.focus(),
            Key::Brightness | Key::Contrast | Key::Saturation | Key::Sharpness => {
                self.level(level_id(key)?)
            }
            Key::Hflip => self.switch(ids::HFLIP),
            Key::Vflip => self.switch(ids::VFLIP),
            Key::Rotation | Key::Preset => None,
        }
    }

    /// What is written for a value that the way takes, in order: who decides comes before what is decided.
    pub(super) fn writes(&self, key: Key, value: Value) -> Vec<Write> {
        let found = match (key, value) {
            (Key::Exposure, Value::Auto) => vec![self.menu(ids::EXPOSURE_AUTO, EXPOSES_ITSELF)],
            (Key::Exposure, Value::Time(us)) => vec![
                self.menu(ids::EXPOSURE_AUTO, IS_TOLD),
                self.number(ids::EXPOSURE_ABSOLUTE, (i64::from(us) + 50) / 100),
            ],
            (Key::Compensation, Value::Stops(stops)) => vec![self.nearest_bias(stops)],
            (Key::Gain, Value::Auto) => vec![self.number(ids::AUTOGAIN, 1)],
            (Key::Gain, Value::Share(share)) => {
                let gain = self.gain_control();
                let value = gain.map(|control| Write {
                    id: control.id,
                    value: of_share(control, share),
                });
                vec![self.number(ids::AUTOGAIN, 0), value]
            }
            (Key::LongestShutter, value) => {
                let may_cost_pictures = value != Value::Frame
                    && !matches!((value, self.frame_us), (Value::Time(us), Some(frame)) if us <= frame);
                vec![self.number(ids::EXPOSURE_AUTO_PRIORITY, may_cost_pictures.into())]
            }
            (Key::Metering, value) => vec![self.chosen(ids::EXPOSURE_METERING, &METERINGS, value)],
            (Key::AntiFlicker, value) => {
                vec![self.chosen(ids::POWER_LINE_FREQUENCY, &FLICKERS, value)]
            }
            (Key::Hdr, Value::Switch(on)) => {
                vec![self.number(ids::WIDE_DYNAMIC_RANGE, on.into())]
            }
            (Key::Hflip, Value::Switch(on)) => vec![self.number(ids::HFLIP, on.into())],
            (Key::Vflip, Value::Switch(on)) => vec![self.number(ids::VFLIP, on.into())],
            (Key::WhiteBalance, value) => self.write_white(value),
            (Key::Focus, Value::Auto) => vec![self.number(ids::FOCUS_AUTO, 1)],
            (Key::Focus, value) => {
                let share = match value {
                    Value::Share(share) => share,
                    // Greater is nearer (V4L2_CID_FOCUS_ABSOLUTE).
                    _ => 0,
                };
                let lens = self.get(ids::FOCUS_ABSOLUTE).map(|control| Write {
                    id: control.id,
                    value: of_share(control, share),
                });
                vec![self.number(ids::FOCUS_AUTO, 0), lens]
            }
            (key, Value::Level(level)) => {
                let control = level_id(key).and_then(|id| self.get(id));
                vec![control.map(|control| Write {
                    id: control.id,
                    value: of_level(control, level),
                })]
            }
            _ => Vec::new(),
        };
        found.into_iter().flatten().collect()
    }

    fn number(&self, id: u32, value: i64) -> Option<Write> {
        self.get(id).map(|control| Write {
            id: control.id,
            value: nearest(control, value),
        })
    }

    /// The first of these that the menu has.
    fn menu<const N: usize>(&self, id: u32, wanted: [u32; N]) -> Option<Write> {
        let control = self.get(id)?;
        let index = wanted.into_iter().find(|index| control.offers(*index))?;
        Some(Write {
            id: control.id,
            value: index.into(),
        })
    }

    fn switch(&self, id: u32) -> Option<Way<'a>> {
        let control = self.get(id)?;
        Some(Way {
            takes: Takes::words([Value::Switch(false), Value::Switch(true)]),
            now: control.value.map(|value| Value::Switch(value != 0)),
            default: Some(Value::Switch(control.default != 0)),
            uses: vec![control],
        })
    }

    fn choice(&self, id: u32, meanings: &[(u32, Value)]) -> Option<Way<'a>> {
        let control = self.get(id)?;
        let offered = meanings.iter().filter(|(index, _)| control.offers(*index));
        let meaning = |value: i64| {
            let found = meanings
                .iter()
                .find(|(index, _)| i64::from(*index) == value);
            found.map(|(_, meaning)| *meaning)
        };
        Some(Way {
            takes: Takes::words(offered.map(|(_, meaning)| *meaning)),
            now: control.value.and_then(|value| meaning(value.into())),
            default: meaning(control.default),
            uses: vec![control],
        })
    }

    fn chosen(&self, id: u32, meanings: &[(u32, Value)], value: Value) -> Option<Write> {
        let (index, _) = meanings.iter().find(|(_, meaning)| *meaning == value)?;
        self.menu(id, [*index])
    }

    fn level(&self, id: u32) -> Option<Way<'a>> {
        let control = self.get(id)?;
        let end = |end: i64, level| Value::Level(if end == control.default { 0 } else { level });
        Some(Way {
            takes: Takes::range(end(control.least, -100), end(control.most, 100)),
            now: control
                .value
                .map(|value| Value::Level(level(control, value.into()))),
            default: Some(Value::Level(0)),
            uses: vec![control],
        })
    }

    fn exposure(&self) -> Option<Way<'a>> {
        let mode = self.get(ids::EXPOSURE_AUTO);
        let time = self.get(ids::EXPOSURE_ABSOLUTE);
        let has = |modes: [u32; 2]| {
            mode.is_some_and(|mode| modes.into_iter().any(|index| mode.offers(index)))
        };
        let mut takes = Takes::default();
        if has(EXPOSES_ITSELF) {
            takes.words.push(Value::Auto);
        }
        let micros = |hundreds: i64| {
            let us = hundreds.max(1).saturating_mul(100).min(LONGEST_US.into());
            Value::Time(us as u32)
        };
        if let Some(time) = time.filter(|_| mode.is_none() || has(IS_TOLD)) {
            takes.ranges.push((micros(time.least), micros(time.most)));
        }
        let says = |mode: Option<i64>, told: Option<i64>| {
            let is_auto =
                mode.is_some_and(|mode| EXPOSES_ITSELF.iter().any(|&own| mode == i64::from(own)));
            match is_auto {
                true => Some(Value::Auto),
                false => told.map(micros),
            }
        };
        let value = |control: &Control| control.value.map(i64::from);
        Some(Way {
            now: says(mode.and_then(value), time.and_then(value)),
            default: says(mode.map(|mode| mode.default), time.map(|time| time.default)),
            takes,
            uses: used([mode, time])?,
        })
    }

    fn longest_shutter(&self) -> Option<Way<'a>> {
        let control = self.get(ids::EXPOSURE_AUTO_PRIORITY)?;
        let mut takes = Takes::words([Value::Frame, Value::Auto]);
        if let Some(frame) = self.frame_us {
            // Nothing shorter can be had: the camera knows no bound but its rate.
            takes
                .ranges
                .push((Value::Time(frame), Value::Time(LONGEST_US)));
        }
        let says = |value: i64| match value {
            0 => Value::Frame,
            _ => Value::Auto,
        };
        Some(Way {
            takes,
            now: control.value.map(|value| says(value.into())),
            default: Some(says(control.default)),
            uses: vec![control],
        })
    }

    fn compensation(&self) -> Option<Way<'a>> {
        let control = self.get(ids::AUTO_EXPOSURE_BIAS)?;
        let stops = |value: i64| {
            let item = control
                .menu
                .iter()
                .find(|item| i64::from(item.index) == value)?;
            item.name.parse().ok().map(Value::Stops)
        };
        let (least, most) = (stops(control.least)?, stops(control.most)?);
        Some(Way {
            takes: Takes::range(least, most),
            now: control.value.and_then(|value| stops(value.into())),
            default: stops(control.default),
            uses: vec![control],
        })
    }

    fn nearest_bias(&self, stops: i32) -> Option<Write> {
        let control = self.get(ids::AUTO_EXPOSURE_BIAS)?;
        let away = |name: &str| Some(name.parse::<i32>().ok()?.abs_diff(stops));
        let known = control
            .menu
            .iter()
            .filter_map(|item| Some((away(&item.name)?, item.index)));
        known.min().map(|(_, index)| Write {
            id: control.id,
            value: index.into(),
        })
    }

    fn gain_control(&self) -> Option<&'a Control> {
        self.get(ids::GAIN).or_else(|| self.get(ids::ANALOGUE_GAIN))
    }

    fn gain(&self) -> Option<Way<'a>> {
        let (auto, gain) = (self.get(ids::AUTOGAIN), self.gain_control());
        let mut takes = Takes::default();
        if auto.is_some() {
            takes.words.push(Value::Auto);
        }
        if gain.is_some() {
            takes.ranges.push((Value::Share(0), Value::Share(100)));
        }
        let says = |auto: Option<i64>, own: Option<i64>| match auto {
            Some(auto) if auto != 0 => Some(Value::Auto),
            _ => Some(Value::Share(share(gain?, own?))),
        };
        let value = |control: &Control| control.value.map(i64::from);
        Some(Way {
            now: says(auto.and_then(value), gain.and_then(value)),
            default: says(auto.map(|auto| auto.default), gain.map(|gain| gain.default)),
            takes,
            uses: used([auto, gain])?,
        })
    }

    fn focus(&self) -> Option<Way<'a>> {
        let (auto, lens) = (self.get(ids::FOCUS_AUTO), self.get(ids::FOCUS_ABSOLUTE));
        let mut takes = Takes::default();
        if auto.is_some() {
            takes.words.push(Value::Auto);
        }
        if lens.is_some() {
            takes.words.push(Value::Infinity);
            takes.ranges.push((Value::Share(0), Value::Share(100)));
        }
        let says = |auto: Option<i64>, own: Option<i64>| match auto {
            Some(auto) if auto != 0 => Some(Value::Auto),
            _ => Some(match share(lens?, own?) {
                0 => Value::Infinity,
                share => Value::Share(share),
            }),
        };
        let value = |control: &Control| control.value.map(i64::from);
        Some(Way {
            now: says(auto.and_then(value), lens.and_then(value)),
            default: says(auto.map(|auto| auto.default), lens.map(|lens| lens.default)),
            takes,
            uses: used([auto, lens])?,
        })
    }

    fn white_balance(&self) -> Option<Way<'a>> {
        let auto = self.get(ids::AUTO_WHITE_BALANCE);
        let choice = self.get(ids::AUTO_N_PRESET_WHITE_BALANCE);
        let kelvin = self.get(ids::WHITE_BALANCE_TEMPERATURE);
        let mut takes = Takes::default();
        if auto.is_some() || choice.is_some_and(|choice| choice.offers(WHITE_AUTO)) {
            takes.words.push(Value::Auto);
        }
        for (index, lamp) in LAMPS {
            let chosen = choice.is_some_and(|choice| choice.offers(index));
            let in_range =
                |kelvin: &Control| (kelvin.least..=kelvin.most).contains(&lamp.kelvin().into());
            if chosen || kelvin.is_some_and(in_range) {
                takes.words.push(Value::Lamp(lamp));
            }
        }
        let degrees = |value: i64| Value::Kelvin(u32::try_from(value).unwrap_or(0));
        if let Some(kelvin) = kelvin {
            takes
                .ranges
                .push((degrees(kelvin.least), degrees(kelvin.most)));
        }
        let says = |auto: Option<i64>, choice: Option<i64>, own: Option<i64>| {
            let lamp = |value: i64| {
                let found = LAMPS.iter().find(|(index, _)| i64::from(*index) == value);
                found.map(|(_, lamp)| Value::Lamp(*lamp))
            };
            match (auto, choice) {
                (Some(auto), _) if auto != 0 => Some(Value::Auto),
                (_, Some(choice)) if choice == i64::from(WHITE_AUTO) => Some(Value::Auto),
                (_, Some(choice)) if choice != i64::from(WHITE_MANUAL) => lamp(choice),
                _ => own.map(degrees),
            }
        };
        let value = |control: &Control| control.value.map(i64::from);
        let default = |control: &Control| control.default;
        Some(Way {
            now: says(
                auto.and_then(value),
                choice.and_then(value),
                kelvin.and_then(value),
            ),
            default: says(auto.map(default), choice.map(default), kelvin.map(default)),
            takes,
            uses: used([auto, choice, kelvin])?,
        })
    }

    fn write_white(&self, value: Value) -> Vec<Option<Write>> {
        let lamp = |lamp: Lamp| LAMPS.iter().find(|(_, known)| *known == lamp);
        match value {
            Value::Auto => vec![
                self.menu(ids::AUTO_N_PRESET_WHITE_BALANCE, [WHITE_AUTO]),
                self.number(ids::AUTO_WHITE_BALANCE, 1),
            ],
            Value::Lamp(wanted) => {
                let chosen = lamp(wanted)
                    .and_then(|(index, _)| self.menu(ids::AUTO_N_PRESET_WHITE_BALANCE, [*index]));
                match chosen {
                    Some(chosen) => vec![self.number(ids::AUTO_WHITE_BALANCE, 0), Some(chosen)],
                    None => self.write_white(Value::Kelvin(wanted.kelvin())),
                }
            }
            Value::Kelvin(kelvin) => vec![
                self.menu(ids::AUTO_N_PRESET_WHITE_BALANCE, [WHITE_MANUAL]),
                self.number(ids::AUTO_WHITE_BALANCE, 0),
                self.number(ids::WHITE_BALANCE_TEMPERATURE, kelvin.into()),
            ],
            _ => Vec::new(),
        }
    }
}

fn level_id(key: Key) -> Option<u32> {
    Some(match key {
        Key::Brightness => ids::BRIGHTNESS,
        Key::Contrast => ids::CONTRAST,
        Key::Saturation => ids::SATURATION,
        Key::Sharpness => ids::SHARPNESS,
        _ => return None,
    })
}

/// Those that are there; `None` if none is.
fn used<const N: usize>(controls: [Option<&Control>; N]) -> Option<Vec<&Control>> {
    let used: Vec<_> = controls.into_iter().flatten().collect();
    (!used.is_empty()).then_some(used)
}
