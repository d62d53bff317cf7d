//! Answers who asks how a camera's pictures look, and changes that, within the camera's range and what the asker may.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use picam_capture::picture::{From, Key, Picture, PictureReport, Shown, Takes, Value};
use picam_control::lock::Origin;
use picam_control::orders::{Denied, Why};
use picam_control::picture::{
    CameraPicture, Control, PictureSource, Range, Setting, Wanted, WantedBy,
};

use crate::desk;
use crate::knobs::{Knobs, Wishes};
use crate::status::{Camera, Status};

/// A camera answers between two pictures; one that delivers none is not waited for.
const ANSWERS_WITHIN: Duration = Duration::from_millis(1000);
/// What is changed by opening the camera anew.
const REOPENS: [&str; 5] = ["size", "fps", "format", "bitrate", "gop"];
/// How far from the default the page may go with brightness and contrast.
const PAGE_LEVEL: i16 = 50;
/// How far it may go in stops, in thousandths.
const PAGE_STOPS: i32 = 1000;

/// The cameras of a recording.
pub(crate) struct Pictures(pub(crate) Arc<Status>);

impl PictureSource for Pictures {
    fn picture(&self, camera: &str, set: Wanted, origin: Origin) -> Result<CameraPicture, Denied> {
        let camera = self.0.camera_called(camera)?;
        let knobs = &camera.shared.knobs;
        if !set.is_empty() {
            let changes = changes(set, origin)?;
            if origin == Origin::Page {
                self.pace(knobs)?;
            }
            let (_, report) = knobs.ask(ANSWERS_WITHIN);
            for &(key, value) in &changes {
                if let (Some(value), Some(report)) = (value, &report) {
                    report.check(key, value).map_err(refused)?;
                }
            }
            knobs.change(|wishes| {
                for &(key, value) in &changes {
                    wishes.change(key, value);
                }
                Ok::<(), Denied>(())
            })?;
            let said: Vec<String> = changes.iter().map(show).collect();
            tracing::info!(camera = camera.name, "picture: {}", said.join(", "));
        }
        Ok(tell(&camera, knobs))
    }
}

impl Pictures {
    /// Each change is said in the log, and takes a moment of the camera's thread.
    fn pace(&self, knobs: &Knobs) -> Result<(), Denied> {
        let mut pace = knobs.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.take(self.0.now()).map_err(desk::refused)
    }
}

fn show((key, value): &(Key, Option<Value>)) -> String {
    match value {
        Some(value) => format!("{key}={value} until the recorder starts anew"),
        None => format!("{key} as configured"),
    }
}

fn refused(error: picam_capture::picture::PictureError) -> Denied {
    Denied::new(Why::Refused, error.what, error.remedy)
}

/// Reads what is to be changed; nothing is changed if any of it cannot be.
fn changes(set: Wanted, origin: Origin) -> Result<Vec<(Key, Option<Value>)>, Denied> {
    let change = |(name, text): (String, Option<String>)| {
        let key = Key::parse(&name).map_err(refused)?;
        let value = text
            .map(|text| Value::parse(key, &text).map_err(refused))
            .transpose()?;
        if let (Some(value), Origin::Page) = (value, origin) {
            page_may(key, value)?;
        }
        Ok((key, value))
    };
    set.into_iter().map(change).collect()
}

/// A page that somebody has taken over must not blind the camera: what could is for `picam picture` and `picam.toml`.
fn page_may(key: Key, value: Value) -> Result<(), Denied> {
    let may = match (key, value) {
        (Key::Brightness | Key::Contrast, Value::Level(level)) => level.abs() <= PAGE_LEVEL,
        (Key::Compensation, Value::Stops(stops)) => stops.abs() <= PAGE_STOPS,
        (Key::Exposure | Key::Gain, value) => value == Value::Auto,
        (Key::Focus, value) => matches!(value, Value::Auto | Value::Infinity),
        (Key::LongestShutter, value) => !matches!(value, Value::Time(_)),
        (Key::WhiteBalance, value) => !matches!(value, Value::Gains(..)),
        _ => true,
    };
    if may {
        return Ok(());
    }
    Err(Denied::new(
        Why::Refused,
        format!("{key}={value} could leave the camera blind, so the page may not set it"),
        "write it into picam.toml, or use `picam picture` on the camera; from the page, brightness and contrast go from -50 to \
         50, compensation from -1 to 1, and exposure, gain and focus are the camera's own",
    ))
}

fn tell(camera: &Camera, knobs: &Knobs) -> CameraPicture {
    let (is_open, report) = knobs.ask(ANSWERS_WITHIN);
    let wishes = knobs.wishes();
    let unknown = || PictureReport::without(&Picture::default(), "");
    let report = report.unwrap_or_else(unknown);
    CameraPicture {
        name: camera.name.clone(),
        letter: camera.letter.into(),
        is_open,
        settings: report
            .settings
            .into_iter()
            .map(|shown| setting(shown, &wishes))
            .collect(),
        reopens: REOPENS.map(str::to_owned).to_vec(),
    }
}

fn setting(shown: Shown, wishes: &Wishes) -> Setting {
    let key = shown.key;
    let is_changed = wishes.changes.iter().any(|(changed, _)| *changed == key);
    // What is wanted now: the camera may be away, and may not have been told.
    let wanted = wishes.picture().get(key);
    let by = wanted.map(|(_, from)| match from {
        From::Preset => WantedBy::Preset,
        From::Named if is_changed => WantedBy::Change,
        From::Named => WantedBy::Configuration,
    });
    let text = |value: Value| value.to_string();
    let is_available = !shown.takes.is_nothing();
    let Takes { words, ranges } = shown.takes;
    let range = |(least, most): (Value, Value)| Range {
        least: least.to_string(),
        most: most.to_string(),
    };
    let control = |control: picam_capture::picture::DeviceControl| Control {
        name: control.name,
        least: control.least,
        most: control.most,
        default: control.default,
        now: control.now,
    };
    Setting {
        key: key.name().to_owned(),
        form: key.form().to_owned(),
        is_available,
        wanted: wanted.map(|(value, _)| value.to_string()),
        by,
        now: shown.now.map(text),
        default: shown.default.map(text),
        words: words.into_iter().map(text).collect(),
        ranges: ranges.into_iter().map(range).collect(),
        controls: shown.controls.into_iter().map(control).collect(),
        problem: shown.problem,
    }
}
