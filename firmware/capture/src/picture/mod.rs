//! How a camera's pictures shall look: one vocabulary for all kinds of cameras.
//!
//! A setting is a [`Key`] and a [`Value`], both with one text form, the same in `picam.toml`, on the command line and in
//! the API. [`Picture`] holds what somebody wants, [`PictureReport`] what a camera made of it. Nothing here knows a device:
//! what the keys mean to one is the business of its source (`v4l2::picture`, `csi`, `sim`). `docs/picture.md` has the
//! table.

mod flip;
mod key;
mod report;
mod value;
mod wanted;

pub use flip::Flips;
pub use key::Key;
pub use report::{DeviceControl, PictureReport, Shown, Takes};
pub use value::{Lamp, Metering, Preset, Value};
pub use wanted::{From, Picture};

/// A setting that cannot be used: what is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {remedy}")]
pub struct PictureError {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl PictureError {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}
