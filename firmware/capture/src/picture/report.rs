//! What a camera made of what was wanted.

use super::{Flips, From, Key, Picture, PictureError, Value};

/// All settings of a camera.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PictureReport {
    /// One for each key, in the order of [`Key::ALL`].
    pub settings: Vec<Shown>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Which.
    pub key: Key,
    /// What is wanted, and why; `None` if nobody cares.
    pub wanted: Option<(Value, From)>,
    /// What the camera says it is now; `None` if it does not say.
    pub now: Option<Value>,
    /// What it is when nobody has set it.
    pub default: Option<Value>,
    /// What can be set; nothing if the camera does not have it.
    pub takes: Takes,
    /// The device's own controls behind it.
    pub controls: Vec<DeviceControl>,
    /// What could not be done, and what to do about it.
    pub problem: Option<String>,
}

/// What can be set on a camera.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Takes {
    /// These as they are.
    pub words: Vec<Value>,
    /// And whatever lies between two of a kind.
    pub ranges: Vec<(Value, Value)>,
}

/// A control of the device, in its own numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceControl {
    /// What the driver calls it.
    pub name: String,
    /// Least value.
    pub least: i64,
    /// Greatest value.
    pub most: i64,
    /// When nobody has set it.
    pub default: i64,
    /// Now.
    pub now: Option<i64>,
}

impl Takes {
    /// Words alone.
    pub(crate) fn words(words: impl IntoIterator<Item = Value>) -> Self {
        Self {
            words: words.into_iter().collect(),
            ranges: Vec::new(),
        }
    }

    /// Whatever lies between two values.
    pub(crate) fn range(least: Value, most: Value) -> Self {
        Self {
            words: Vec::new(),
            ranges: vec![(least, most)],
        }
    }

    /// Whether nothing can be set.
    pub fn is_nothing(&self) -> bool {
        self.words.is_empty() && self.ranges.is_empty()
    }

    /// Whether a value can be set.
    pub fn holds(&self, value: Value) -> bool {
        let within = |(least, most): &(Value, Value)| {
            if let (Value::Gains(r, b), Value::Gains(low, _), Value::Gains(high, _)) =
                (value, *least, *most)
            {
                return (low..=high).contains(&r) && (low..=high).contains(&b);
            }
            let (Some(value), Some(least), Some(most)) =
                (value.number(), least.number(), most.number())
            else {
                return false;
            };
            value.0 == least.0 && (least.1..=most.1).contains(&value.1)
        };
        self.words.contains(&value) || self.ranges.iter().any(within)
    }
}

impl std::fmt::Display for Takes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = self.words.iter().map(ToString::to_string);
        let ranges = self.ranges.iter();
        let all: Vec<String> = words
            .chain(ranges.map(|(least, most)| format!("{least} to {most}")))
            .collect();
        f.write_str(&all.join(", "))
    }
}

impl Shown {
    /// Of something that a camera does not have.
    pub(crate) fn missing(key: Key, wanted: &Picture, why: &str) -> Self {
        let wanted = wanted.get(key);
        // What a preset would like where there is one is no fault where there is none.
        let is_named = matches!(wanted, Some((_, From::Named)));
        Self {
            key,
            wanted,
            now: None,
            default: None,
            takes: Takes::default(),
            controls: Vec::new(),
            problem: is_named.then(|| why.to_owned()),
        }
    }

    /// Of the preset, which every camera has.
    pub(crate) fn preset(wanted: &Picture) -> Self {
        use super::Preset;
        Self {
            key: Key::Preset,
            wanted: wanted.get(Key::Preset),
            now: Some(Value::Preset(wanted.preset())),
            default: Some(Value::Preset(Preset::Road)),
            takes: Takes::words(Preset::ALL.iter().copied().map(Value::Preset)),
            controls: Vec::new(),
            problem: None,
        }
    }

    /// Of mirroring that picam does itself.
    pub(crate) fn flipped(key: Key, wanted: &Picture, done: Flips) -> Self {
        let now = match key {
            Key::Hflip => Value::Switch(done.horizontal != (turned(wanted))),
            Key::Vflip => Value::Switch(done.vertical != (turned(wanted))),
            _ => Value::Degrees(if turned(wanted) { 180 } else { 0 }),
        };
        let (words, default) = match key {
            Key::Rotation => ([Value::Degrees(0), Value::Degrees(180)], Value::Degrees(0)),
            _ => (
                [Value::Switch(false), Value::Switch(true)],
                Value::Switch(false),
            ),
        };
        Self {
            key,
            wanted: wanted.get(key),
            now: Some(now),
            default: Some(default),
            takes: Takes::words(words),
            controls: Vec::new(),
            problem: None,
        }
    }
}

fn turned(wanted: &Picture) -> bool {
    wanted.get(Key::Rotation).map(|(value, _)| value) == Some(Value::Degrees(180))
}

impl PictureReport {
    /// Of a source that has no settings, and why.
    pub fn without(wanted: &Picture, why: &str) -> Self {
        let shown = |&key: &Key| match key {
            Key::Preset => Shown::preset(wanted),
            key => Shown::missing(key, wanted, why),
        };
        Self {
            settings: Key::ALL.iter().map(shown).collect(),
        }
    }

    /// One of them.
    pub fn get(&self, key: Key) -> Option<&Shown> {
        self.settings.iter().find(|shown| shown.key == key)
    }

    /// Whether a value can be set on this camera.
    ///
    /// # Errors
    /// Names the camera's range.
    pub fn check(&self, key: Key, value: Value) -> Result<(), PictureError> {
        let takes = self.get(key).map(|shown| &shown.takes);
        match takes {
            Some(takes) if takes.holds(value) => Ok(()),
            Some(takes) if !takes.is_nothing() => Err(PictureError::new(
                format!("{key}={value} is out of this camera's range"),
                format!("it takes {takes}"),
            )),
            _ => Err(PictureError::new(
                format!("this camera has no {key}"),
                "`picam picture CAMERA` shows what it has",
            )),
        }
    }

    /// What was wanted and could not be done, in words.
    pub fn problems(&self) -> Vec<String> {
        let said = |shown: &Shown| {
            let problem = shown.problem.as_ref()?;
            let (value, _) = shown.wanted?;
            Some(format!("{}={value}: {problem}", shown.key))
        };
        self.settings.iter().filter_map(said).collect()
    }

    /// What the camera says its settings are, in one line.
    pub fn line(&self) -> String {
        let said = |shown: &Shown| Some(format!("{} {}", shown.key, shown.now?));
        let all: Vec<String> = self.settings.iter().filter_map(said).collect();
        all.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_told_the_range() {
        let mut wanted = Picture::default();
        wanted.set(Key::Exposure, Value::Time(1_000_000));
        let mut report = PictureReport::without(&wanted, "it is a file");
        let error = report.check(Key::Exposure, Value::Auto).unwrap_err();
        assert!(error.what.contains("no exposure"), "{error}");
        assert_eq!(report.problems(), ["exposure=1000ms: it is a file"]);
        report.settings[1].takes = Takes {
            words: vec![Value::Auto],
            ranges: vec![(Value::Time(100), Value::Time(500_000))],
        };
        assert_eq!(report.check(Key::Exposure, Value::Time(500_000)), Ok(()));
        assert_eq!(report.check(Key::Exposure, Value::Auto), Ok(()));
        let error = report
            .check(Key::Exposure, Value::Time(500_001))
            .unwrap_err();
        assert_eq!(error.remedy, "it takes auto, 100us to 500ms");
        // A number of another kind is none.
        assert!(report.check(Key::Exposure, Value::Share(1)).is_err());
    }
}
