//! What somebody wants of a camera's pictures.

use std::collections::BTreeMap;

use super::{Flips, Key, Metering, PictureError, Preset, Value};

/// Settings that were named, over a preset for the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    named: BTreeMap<Key, Value>,
}

/// Why a value is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Somebody named it: what cannot be done of it is said.
    Named,
    /// A preset has it: done where it can be.
    Preset,
}

impl Picture {
    /// Names a value.
    pub fn set(&mut self, key: Key, value: Value) {
        self.named.insert(key, value);
    }

    /// Takes a value back: what holds without it holds.
    pub fn unset(&mut self, key: Key) {
        self.named.remove(&key);
    }

    /// The same by its texts.
    ///
    /// # Errors
    /// As of [`Key::parse`] and [`Value::parse`].
    pub fn set_text(&mut self, key: &str, value: &str) -> Result<(), PictureError> {
        let key = Key::parse(key)?;
        self.set(key, Value::parse(key, value)?);
        Ok(())
    }

    /// What was named.
    pub fn named(&self) -> impl Iterator<Item = (Key, Value)> {
        self.named.iter().map(|(key, value)| (*key, *value))
    }

    /// Whether somebody named a value for it.
    pub fn names(&self, key: Key) -> bool {
        self.named.contains_key(&key)
    }

    /// The preset that holds.
    pub fn preset(&self) -> Preset {
        match self.named.get(&Key::Preset) {
            Some(Value::Preset(preset)) => *preset,
            _ => Preset::Road,
        }
    }

    /// What is wanted of a key; `None` if nobody cares.
    pub fn get(&self, key: Key) -> Option<(Value, From)> {
        let named = self.named.get(&key).map(|value| (*value, From::Named));
        named.or_else(|| of_preset(self.preset(), key).map(|value| (value, From::Preset)))
    }

    /// Whether what nobody cares about goes back to the device's own default, so that it looks the same after each start.
    pub fn resets_others(&self) -> bool {
        self.preset() != Preset::None
    }

    /// How pictures are to be mirrored, all keys taken together.
    pub fn flips(&self) -> Flips {
        let on = |key| matches!(self.named.get(&key), Some(Value::Switch(true)));
        let turned = self.named.get(&Key::Rotation) == Some(&Value::Degrees(180));
        Flips {
            horizontal: on(Key::Hflip) != turned,
            vertical: on(Key::Vflip) != turned,
        }
    }
}

fn of_preset(preset: Preset, key: Key) -> Option<Value> {
    use Preset::{Cabin, Night, None as Nothing, Road};
    Some(match (key, preset) {
        (_, Nothing) => return None,
        (Key::Preset, preset) => Value::Preset(preset),
        (Key::Exposure | Key::Gain | Key::WhiteBalance, _) => Value::Auto,
        // Blurred plates are of no use: by day, no picture is exposed for longer than its time.
        (Key::LongestShutter, Road | Cabin) => Value::Frame,
        // Two pictures' time at 30 a second.
        (Key::LongestShutter, Night) => Value::Time(66_000),
        (Key::Compensation, Night) => Value::Stops(500),
        (Key::Hdr, Road) => Value::Switch(true),
        // Made of several exposures, it costs light.
        (Key::Hdr, Night | Cabin) => Value::Switch(false),
        // Left to itself, a lens focuses on the windscreen.
        (Key::Focus, Road | Night) => Value::Infinity,
        (Key::Focus, Cabin) => Value::Auto,
        (Key::Metering, Cabin) => Value::Metering(Metering::Centre),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(named: &[(&str, &str)]) -> Picture {
        let mut picture = Picture::default();
        for (key, value) in named {
            picture.set_text(key, value).unwrap();
        }
        picture
    }

    #[test]
    fn what_is_named_goes_before_the_preset() {
        let road = Picture::default();
        assert_eq!(
            road.get(Key::Hdr),
            Some((Value::Switch(true), From::Preset))
        );
        assert_eq!(road.get(Key::Focus), Some((Value::Infinity, From::Preset)));
        assert_eq!(road.get(Key::Brightness), None);
        let own = picture(&[("preset", "night"), ("hdr", "on")]);
        assert_eq!(own.get(Key::Hdr), Some((Value::Switch(true), From::Named)));
        assert_eq!(
            own.get(Key::LongestShutter),
            Some((Value::Time(66_000), From::Preset))
        );
        let mut none = picture(&[("preset", "none"), ("gain", "10%")]);
        assert!(!none.resets_others() && road.resets_others());
        assert_eq!(none.get(Key::Exposure), None);
        assert_eq!(none.get(Key::Gain), Some((Value::Share(10), From::Named)));
        none.unset(Key::Gain);
        assert_eq!(none.get(Key::Gain), None);
    }

    #[test]
    fn turning_is_mirroring_twice() {
        for (named, horizontal, vertical) in [
            (&[][..], false, false),
            (&[("rotation", "180")], true, true),
            (&[("rotation", "180"), ("hflip", "on")], false, true),
            (&[("rotation", "0"), ("vflip", "on")], false, true),
        ] {
            let flips = picture(named).flips();
            assert_eq!((flips.horizontal, flips.vertical), (horizontal, vertical));
        }
    }

    #[test]
    fn what_belongs_to_the_source_is_said_to() {
        let error = Picture::default().set_text("size", "640x480").unwrap_err();
        assert!(error.remedy.contains("opened anew"), "{error}");
        let error = Picture::default().set_text("glow", "1").unwrap_err();
        assert!(error.remedy.contains("brightness"), "{error}");
    }
}
