//! Stills: single pictures of a camera, taken while it is recorded.

use std::path::PathBuf;

use picam_time::UtcUs;
use serde::{Deserialize, Serialize};

/// Where a still's picture comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StillFrom {
    /// The picture before it was coded.
    Raw,
    /// The JPEG that the camera itself made.
    Jpeg,
    /// A key frame of the recording: the camera delivers nothing else.
    KeyFrame,
}

/// A still on the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillMade {
    /// What it is called, such as `100F0001`.
    pub id: String,
    /// The letter of its camera.
    pub camera: char,
    /// The camera's name.
    pub name: String,
    /// Where it lies, for who is on the same machine.
    pub file: PathBuf,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Its length.
    pub bytes: u64,
    /// When it was taken; `None` if nobody has said what time it is.
    #[serde(rename = "taken_us")]
    pub taken: Option<UtcUs>,
    /// Where its picture comes from.
    pub from: StillFrom,
    /// Milliseconds from the order until it was on the card.
    pub took_ms: u64,
}
