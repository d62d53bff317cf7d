//! How a camera's pictures look: what can be set, what is, and what somebody wants changed.
//!
//! Values are texts in the units of `docs/picture.md`, the same as in `picam.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lock::Origin;
use crate::orders::Denied;

/// Names and values; a value that is none is taken back: what the configuration says holds again.
pub type Wanted = BTreeMap<String, Option<String>>;

/// Who knows and changes how pictures look: the recorder in this process, or the one behind a socket.
pub trait PictureSource: Send + Sync + 'static {
    /// Changes a camera's settings, or none, and says what they are. All of it is done or nothing. Runs on a thread that may
    /// block for a short while.
    fn picture(&self, camera: &str, set: Wanted, origin: Origin) -> Result<CameraPicture, Denied>;
}

/// A camera's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraPicture {
    /// Name as in the configuration.
    pub name: String,
    /// Its letter in file names.
    pub letter: char,
    /// Whether the camera is there; otherwise what is known is from when it was, and what is wanted is set when it comes.
    pub is_open: bool,
    /// All settings, those that the camera does not have included.
    pub settings: Vec<Setting>,
    /// What can be changed only by opening the camera anew: keys of its source in the configuration.
    pub reopens: Vec<String>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// What may be written for it, whatever the camera has.
    pub form: String,
    /// Whether the camera has it.
    pub is_available: bool,
    /// What is wanted; `None` if nobody cares.
    pub wanted: Option<String>,
    /// Whether that stands in the configuration, was changed since, or comes with the preset.
    pub by: Option<WantedBy>,
    /// What the camera says it is; `None` if it does not say.
    pub now: Option<String>,
    /// What it is when nobody has set it.
    pub default: Option<String>,
    /// What the camera takes as it is written here.
    pub words: Vec<String>,
    /// And between which values.
    pub ranges: Vec<Range>,
    /// The device's own controls behind it, in its own numbers.
    pub controls: Vec<Control>,
    /// What could not be done, and what to do about it.
    pub problem: Option<String>,
}

/// Who wants a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WantedBy {
    /// `picam.toml`.
    Configuration,
    /// Somebody, since the recorder's start.
    Change,
    /// The preset.
    Preset,
}

/// From one value to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The least.
    pub least: String,
    /// The greatest.
    pub most: String,
}

/// A control of the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// What the driver calls it.
    pub name: String,
    /// Least value.
    pub least: i64,
    /// Greatest value.
    pub most: i64,
    /// When nobody has set it.
    pub default: i64,
    /// Now; `None` if it cannot be read.
    pub now: Option<i64>,
}
