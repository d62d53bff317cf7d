//! The settings of pictures by a device's controls.

mod ids;
mod scale;
#[cfg(test)]
mod tests;
mod ways;

use self::ways::{Controls, Way};
use super::device::{Control, Device};
use crate::picture::{
    DeviceControl, Flips, From, Key, Picture, PictureReport, Shown, Takes, Value,
};

/// Those by which pictures are mirrored, which are set together.
const FLIPS: [Key; 3] = [Key::Hflip, Key::Vflip, Key::Rotation];

/// Sets what is wanted, reads it back, and says what has become of it, and how the pictures are left to be mirrored here:
/// that can be done where `can_flip`, as they come uncoded.
pub(crate) fn apply(
    device: &mut (impl Device + ?Sized),
    wanted: &Picture,
    frame_us: Option<u32>,
    can_flip: bool,
) -> (PictureReport, Flips) {
    let before = device.controls();
    let controls = Controls {
        all: &before,
        frame_us,
    };
    let mut problems: Vec<(Key, String)> = Vec::new();
    let mut written = Vec::new();
    for &key in Key::ALL {
        let Some(way) = controls.way(key) else {
            continue;
        };
        let target = match FLIPS.contains(&key) {
            true => Some(flip_target(key, wanted)),
            false => target(key, &way, wanted, &mut problems),
        };
        // What the camera exposes by itself, it amplifies by itself, with or without a switch for that.
        let leaves_gain = key == Key::Gain
            && !way.takes.words.contains(&Value::Auto)
            && wanted.get(Key::Exposure).map(|(value, _)| value) == Some(Value::Auto)
            && !matches!(wanted.get(key), Some((_, From::Named)));
        let Some(target) = target.filter(|_| !leaves_gain) else {
            continue;
        };
        let mut is_new = false;
        for write in controls.writes(key, target) {
            let now = before.iter().find(|control| control.id == write.id);
            let is_so = now.is_some_and(|now| now.value.map(i64::from) == Some(write.value));
            // Behind a switch that has changed, what was read before says nothing.
            if is_so && !is_new {
                continue;
            }
            is_new = true;
            let value = i32::try_from(write.value).unwrap_or(i32::MAX);
            match device.set_control(write.id, value) {
                Ok(()) => written.push((key, write)),
                Err(error) => problems.push((key, format!("the camera refuses it: {error}"))),
            }
        }
    }
    let after = match written.is_empty() {
        true => before,
        false => device.controls(),
    };
    for (key, write) in written {
        let now = after.iter().find(|control| control.id == write.id);
        if let Some((name, value)) = now.and_then(|now| Some((&now.name, now.value?)))
            && i64::from(value) != write.value
        {
            let wrote = write.value;
            problems.push((key, format!("{name} was set to {wrote}, and reads {value}")));
        }
    }
    let controls = Controls {
        all: &after,
        frame_us,
    };
    report(&controls, wanted, can_flip, &problems)
}

/// What a device with these controls can be set to, by key; what picam does itself is not among it.
pub(crate) fn takes(all: &[Control]) -> Vec<(Key, Takes)> {
    let controls = Controls {
        all,
        frame_us: None,
    };
    let takes = |&key: &Key| Some((key, controls.way(key)?.takes));
    Key::ALL.iter().filter_map(takes).collect()
}

/// What the device says now.
pub(crate) fn read(
    device: &(impl Device + ?Sized),
    wanted: &Picture,
    frame_us: Option<u32>,
    can_flip: bool,
) -> PictureReport {
    let all = device.controls();
    let controls = Controls {
        all: &all,
        frame_us,
    };
    report(&controls, wanted, can_flip, &[]).0
}

/// What a key is to be; `None` to leave it alone.
fn target(
    key: Key,
    way: &Way<'_>,
    wanted: &Picture,
    problems: &mut Vec<(Key, String)>,
) -> Option<Value> {
    let own = wanted.get(key);
    match own {
        Some((value, _)) if way.takes.holds(value) => return Some(value),
        Some((_, From::Named)) => problems.push((key, format!("this camera takes {}", way.takes))),
        _ => {}
    }
    way.default
        .filter(|default| wanted.resets_others() && way.takes.holds(*default))
}

fn flip_target(key: Key, wanted: &Picture) -> Value {
    let flips = wanted.flips();
    Value::Switch(match key {
        Key::Hflip => flips.horizontal,
        _ => flips.vertical,
    })
}

fn report(
    controls: &Controls<'_>,
    wanted: &Picture,
    can_flip: bool,
    problems: &[(Key, String)],
) -> (PictureReport, Flips) {
    let wants = wanted.flips();
    let axis = |key| controls.way(key);
    let (across, down) = (axis(Key::Hflip), axis(Key::Vflip));
    let by_device = |way: &Option<Way<'_>>| {
        let now = way.as_ref().and_then(|way| way.now);
        now == Some(Value::Switch(true))
    };
    let here = Flips {
        horizontal: can_flip && across.is_none() && wants.horizontal,
        vertical: can_flip && down.is_none() && wants.vertical,
    };
    let done = Flips {
        horizontal: here.horizontal || by_device(&across),
        vertical: here.vertical || by_device(&down),
    };
    let can = |way: &Option<Way<'_>>| can_flip || way.is_some();
    let shown = |&key: &Key| {
        let is_possible = match key {
            Key::Hflip => can(&across),
            Key::Vflip => can(&down),
            Key::Rotation => can(&across) && can(&down),
            _ => false,
        };
        let mut shown = match (key, controls.way(key)) {
            (Key::Preset, _) => Shown::preset(wanted),
            (key, _) if FLIPS.contains(&key) && is_possible => Shown::flipped(key, wanted, done),
            (key, _) if FLIPS.contains(&key) => Shown::missing(
                key,
                wanted,
                "this camera has no control for it and codes its pictures itself; one that sends raw pictures or MJPEG can \
                 be mirrored (format=mjpeg)",
            ),
            (key, Some(way)) => Shown {
                key,
                wanted: wanted.get(key),
                now: way.now,
                default: way.default,
                takes: way.takes,
                controls: Vec::new(),
                problem: None,
            },
            (key, None) => Shown::missing(key, wanted, "this camera has no control for it"),
        };
        let uses = controls.way(key).map(|way| way.uses).unwrap_or_default();
        shown.controls = uses.into_iter().map(device_control).collect();
        let said = problems.iter().find(|(about, _)| *about == key);
        let refused = said.map(|(_, problem)| problem.clone());
        shown.problem = refused.or(shown.problem);
        shown
    };
    let settings = Key::ALL.iter().map(shown).collect();
    (PictureReport { settings }, here)
}

fn device_control(control: &Control) -> DeviceControl {
    DeviceControl {
        name: control.name.clone(),
        least: control.least,
        most: control.most,
        default: control.default,
        now: control.value.map(i64::from),
    }
}
