//! Where pictures come from: one trait, one module a kind of source.
//!
//! A source is described by one string, the same on the command line and in the configuration file:
//! `NAME=KIND:[PATH][?key=value&key=value...]`, such as `front=sim:?size=1280x720&fps=30` or
//! `ip=file:/clips/a.mp4?pace=off&loop=1` ([`CameraSpec`]). [`open`] makes a [`Source`] of it.

mod clock;
mod file;
mod pace;
mod params;
mod sim;
mod source;
mod spec;

use std::sync::Arc;

pub use clock::{Clock, SystemClock};
pub use file::FileParams;
pub use sim::{BurntClock, SimParams};
pub use source::{CaptureError, Next, Source};
pub use spec::{CameraSpec, SourceSpec};

/// Opens the source that `spec` describes.
///
/// # Errors
/// [`CaptureError::Io`] if a file or device cannot be opened, [`CaptureError::Stream`] if it holds
/// nothing that can be recorded, [`CaptureError::Config`] if a parameter is missing.
pub fn open(spec: &CameraSpec, clock: Arc<dyn Clock>) -> Result<Box<dyn Source>, CaptureError> {
    match &spec.source {
        SourceSpec::Sim(params) => Ok(Box::new(sim::Sim::open(&spec.name, *params, clock)?)),
        SourceSpec::File(params) => Ok(Box::new(file::FileSource::open(params, clock)?)),
    }
}
