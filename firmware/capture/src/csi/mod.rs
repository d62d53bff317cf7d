//! Cameras on the ribbon cable (CSI), through libcamera.
//!
//! libcamera runs in a process of its own, `picam-csi` (`firmware/csi`): it is C++ whose binary interface changes with each
//! release, it may hang when it is stopped, and what it does wrong must end no other camera's recording. docs/cameras.md has
//! the reasons.
//!
//! | file | does |
//! |---|---|
//! | `params` | `csi:...` |
//! | `list` | which cameras there are |
//! | `process` | starts, hears and kills the process |
//! | `link` | the socket to it |
//! | `protocol` | what it may say |
//! | `look` | what settings of pictures mean to libcamera |
//! | `memory` | memory that pictures lie in |
//! | `camera` | all of that as a device, which the rest of [`crate::v4l2`] records |

mod camera;
#[cfg(test)]
mod imitation;
mod link;
mod list;
mod look;
mod memory;
mod params;
mod process;
mod protocol;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use picam_media::AccessUnit;
use picam_time::Clock;

use self::camera::{Camera, Timeouts};
use self::link::Link;
use self::process::{Process, program};
use crate::m2m::open_encoder;
use crate::picture::{Key, Picture, PictureReport, Value};
use crate::v4l2::{V4l2Source, Wishes};
use crate::{CaptureError, Event, Overlay, Source, Still};

pub(crate) use self::list::{Wanted, find, media_signature};
pub(crate) use self::params::camera_of;
pub use self::params::{CsiParams, Focus};

/// Where nobody asks for another one: what the boards' encoders take at most.
const USUAL_SIZE: (u16, u16) = (1920, 1080);
/// Pictures a second, likewise.
const USUAL_RATE: u32 = 30;
/// Buffers between camera and encoder: a fifth of a second, 19 MB at 1920x1080.
const BUFFERS: u32 = 6;

/// The open camera, and whether it was torn off.
struct CsiSource {
    camera: V4l2Source<Camera>,
    focus: Focus,
    /// Whether a picture has come.
    has_begun: bool,
    /// Why none comes any more.
    ending: Option<CaptureError>,
}

/// Opens the camera that `params` names.
pub(crate) fn open(
    params: &CsiParams,
    picture: &Picture,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn Source>, CaptureError> {
    let source = open_with(program(), (params, picture), clock, Timeouts::default())?;
    Ok(Box::new(source))
}

fn open_with(
    program: OsString,
    (params, picture): (&CsiParams, &Picture),
    clock: Arc<dyn Clock>,
    timeouts: Timeouts,
) -> Result<CsiSource, CaptureError> {
    let params = with_usual(params);
    let failed = |source| CaptureError::Io {
        context: params.name(),
        source,
    };
    let (link, theirs) = Link::pair().map_err(failed)?;
    let process = Process::start(program, arguments(&params), (theirs.into(), Stdio::null()))?;
    let camera = Camera::begin(link, Some(process), timeouts).map_err(failed)?;
    CsiSource::over(camera, &params, picture, clock)
}

fn with_usual(params: &CsiParams) -> CsiParams {
    CsiParams {
        wishes: Wishes {
            size: params.wishes.size.or(Some(USUAL_SIZE)),
            fps: params.wishes.fps.or(Some(USUAL_RATE)),
            ..params.wishes
        },
        ..params.clone()
    }
}

/// What the process is told.
fn arguments(params: &CsiParams) -> Vec<OsString> {
    let (width, height) = params.wishes.size.unwrap_or(USUAL_SIZE);
    let mut arguments = vec!["--record".to_owned()];
    let mut say = |option: &str, value: String| arguments.extend([option.to_owned(), value]);
    if !params.camera.is_empty() {
        say("--camera", params.camera.clone());
    }
    say("--size", format!("{width}x{height}"));
    let fps = params.wishes.fps.unwrap_or(USUAL_RATE);
    say("--fps", fps.to_string());
    say("--buffers", BUFFERS.to_string());
    say("--focus", params.focus.to_string());
    arguments.into_iter().map(OsString::from).collect()
}

/// What the source's own line says of the lens goes before a preset, and behind what is named.
fn with_focus(focus: Focus, wanted: &Picture) -> Picture {
    let mut wanted = wanted.clone();
    if focus == Focus::Auto && !wanted.names(Key::Focus) {
        wanted.set(Key::Focus, Value::Auto);
    }
    wanted
}

impl CsiSource {
    fn over(
        camera: Camera,
        params: &CsiParams,
        picture: &Picture,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CaptureError> {
        let name = params.name();
        let picture = with_focus(params.focus, picture);
        Ok(Self {
            camera: V4l2Source::start(
                camera,
                &name,
                (&params.wishes, &picture),
                clock,
                open_encoder,
            )?,
            focus: params.focus,
            has_begun: false,
            ending: None,
        })
    }
}

impl Source for CsiSource {
    fn read(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<Event, CaptureError> {
        if let Some(error) = self.ending.take() {
            return Err(error);
        }
        match self.camera.read(unit, timeout) {
            Ok(event) => {
                self.has_begun |= event == Event::Unit;
                Ok(event)
            }
            // Nobody knows how many pictures are missing until it delivers again: that is one place.
            Err(error) if self.has_begun => {
                self.has_begun = false;
                self.ending = Some(error);
                Ok(Event::Gap { damaged: 1 })
            }
            Err(error) => Err(error),
        }
    }

    fn request_key_frame(&mut self) -> bool {
        self.camera.request_key_frame()
    }

    fn set_picture(&mut self, wanted: &Picture) -> PictureReport {
        self.camera.set_picture(&with_focus(self.focus, wanted))
    }

    fn picture(&mut self) -> PictureReport {
        self.camera.picture()
    }

    fn set_overlay(&mut self, overlay: Overlay) -> bool {
        self.camera.set_overlay(overlay)
    }

    fn want_still(&mut self) -> bool {
        self.camera.want_still()
    }

    fn take_still(&mut self) -> Option<Still> {
        self.camera.take_still()
    }

    fn is_live(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        self.camera.describe()
    }
}
