//! Where pictures and sound come from: one trait, one module a kind of source.
//!
//! A source is described by one string, the same on the command line and in the configuration file:
//! `NAME=KIND:[PATH][?key=value&key=value...]`, such as `front=sim:?size=1280x720&fps=30` or
//! `ip=file:/clips/a.mp4?pace=off&loop=1`; a network camera by its URL, `gate=rtsp://user@host/path#transport=udp`
//! ([`CameraSpec`]). [`open`] makes a [`Source`] of it.
//!
//! Sound from elsewhere than a camera comes from a [`Microphone`], described likewise ([`MicrophoneSpec`]).
//!
//! Here belong reading a source, and its clock on the one timeline of a recording ([`Timeline`]). Queues, restarts and
//! what becomes of pictures do not (`picam-recorder`), nor place and motion (`picam-sensors`).

mod auto;
mod cancel;
mod csi;
mod encode;
mod file;
pub mod m2m;
mod microphone;
mod overlay;
mod pace;
mod params;
pub mod picture;
mod reorder;
mod rtsp;
mod sim;
mod source;
mod source_clock;
mod spec;
mod timeline;
mod v4l2;
mod video_node;
mod wake;

use std::sync::Arc;

use picam_time::Clock;

pub use picam_media::FrameRate;

pub use auto::{BINDINGS_NAME, BINDINGS_NEW, Binding, Bindings, LOOKED_FOR, find, probe};
pub use cancel::Cancel;
pub use csi::{CsiParams, Focus};
pub use encode::{Encode, EncoderCounts, Software, Times};
pub use file::FileParams;
pub use microphone::{AlsaSpec, Listened, Microphone, MicrophoneError, MicrophoneSpec};
pub use overlay::{Background, Caption, Overlay, OverlayStyle, Parts, Place, Rgb, write_time};
pub use rtsp::{AllocationCounter, RtspParams};
pub use sim::{BurntClock, SimParams};
pub use source::{CaptureError, Config, Event, Source, Still, StillPicture};
pub use spec::{CameraSpec, SourceSpec};
pub use timeline::Timeline;
pub use v4l2::{
    Control, DeviceName, Found, FourCc, Identity, MenuItem, Offer, PixelFormat, V4l2Params, Wishes,
};
pub use wake::Wake;

/// Opens the source that `spec` describes, unless `cancel` comes first. `bindings` say which device an `auto` camera has.
///
/// # Errors
/// [`CaptureError::Io`] if a file or device cannot be opened, [`CaptureError::Stream`] if it holds
/// nothing that can be recorded, [`CaptureError::Config`] if a parameter is missing,
/// [`CaptureError::Cancelled`].
pub fn open(
    spec: &CameraSpec,
    clock: Arc<dyn Clock>,
    cancel: &Cancel,
    bindings: &Arc<Bindings>,
) -> Result<Box<dyn Source>, CaptureError> {
    let (name, picture) = (spec.name.clone(), spec.picture.clone());
    match spec.source.clone() {
        SourceSpec::Sim(params) => Ok(Box::new(sim::Sim::open(&name, params, &picture, clock)?)),
        SourceSpec::File(params) => cancel::open_cancellable(cancel, move || {
            Ok(Box::new(file::FileSource::open(&params, clock)?))
        }),
        SourceSpec::V4l2(params) => {
            cancel::open_cancellable(cancel, move || v4l2::open(&params, &picture, clock))
        }
        SourceSpec::Csi(params) => {
            cancel::open_cancellable(cancel, move || csi::open(&params, &picture, clock))
        }
        SourceSpec::Auto(wishes) => {
            let bindings = bindings.clone();
            cancel::open_cancellable(cancel, move || {
                auto::open(&name, (&wishes, &picture), clock, &bindings)
            })
        }
        SourceSpec::Rtsp(params) => cancel::open_cancellable(cancel, move || {
            Ok(Box::new(rtsp::RtspSource::open(params, clock)?))
        }),
    }
}
