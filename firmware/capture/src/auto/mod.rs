//! `auto`: whatever camera is there.
//!
//! The first time, a camera that is called `front` and is `auto` takes the first device that is found, and keeps it for
//! good ([`Bindings`]): another one that is plugged in does not take its name, whichever the kernel meets first. While
//! a device is away its camera waits for it.

mod bindings;
mod lookout;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use picam_time::Clock;

use self::lookout::Lookout;
use crate::csi::{self, CsiParams};
use crate::picture::Picture;
use crate::v4l2::{self, DeviceName, Found, V4l2Params, Wishes};
use crate::{CaptureError, Source};

pub use self::bindings::{BINDINGS_NAME, BINDINGS_NEW, Binding, Bindings};

/// What was looked for, for whoever finds nothing.
pub const LOOKED_FOR: &str = "cameras on the ribbon cable (CSI, by libcamera), USB cameras and other video devices of the kernel \
     (/dev/video*)";
/// libcamera is waited for so long where nothing else is kept waiting.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Finds the cameras, below `root`: those on the ribbon cable first. libcamera is given `limit` to answer; drivers of video nodes
/// may hang.
pub fn find(root: &Path, limit: Duration) -> Vec<Found> {
    find_all(root, csi::Wanted::Names, limit)
}

/// The same, with what each mode of their sensors shows: cameras on the ribbon cable are set up for that, unless they are in use.
pub fn probe(root: &Path, limit: Duration) -> Vec<Found> {
    find_all(root, csi::Wanted::Modes, limit)
}

fn find_all(root: &Path, what: csi::Wanted, limit: Duration) -> Vec<Found> {
    let mut found = csi::find(root, what, limit);
    found.extend(v4l2::find(root));
    found
}

/// What a camera without a device of its own does.
#[derive(Debug, PartialEq)]
enum Choice<'a> {
    /// Records this one.
    Take(&'a Found),
    /// Waits for the one that it has had.
    Away(String),
    /// Waits for any.
    NoneThere,
}

fn choose<'a>(name: &str, found: &'a [Found], bindings: &Bindings) -> Choice<'a> {
    match bindings.device_of(name) {
        Some(own) => match found.iter().find(|found| found.id == own) {
            Some(found) => Choice::Take(found),
            None => Choice::Away(own),
        },
        None => match found.iter().find(|found| bindings.is_free(found)) {
            Some(found) => Choice::Take(found),
            None => Choice::NoneThere,
        },
    }
}

/// Opens the camera's own device, or the first that is free.
pub(crate) fn open(
    name: &str,
    (wishes, picture): (&Wishes, &Picture),
    clock: Arc<dyn Clock>,
    bindings: &Arc<Bindings>,
) -> Result<Box<dyn Source>, CaptureError> {
    let root = Path::new("/");
    let own = bindings.device_of(name);
    // Who has one need not look for others.
    if let Some(camera) = own.as_deref().and_then(csi::camera_of) {
        let source = csi::open(&CsiParams::of(camera, wishes), picture, clock)?;
        return Ok(Box::new(Lookout::over(source, bindings.clone())));
    }
    let found = match own {
        Some(_) => v4l2::find(root),
        None => find(root, ANSWERS_WITHIN),
    };
    let device = match choose(name, &found, bindings) {
        Choice::Take(device) => device.id.clone(),
        Choice::Away(device) => {
            let others = others(&found, &device);
            return Err(CaptureError::Stream(format!(
                "the camera {device} is not there{others}"
            )));
        }
        Choice::NoneThere => {
            let others = others(&found, "");
            return Err(CaptureError::Stream(format!(
                "no camera is there{others}; looked for {LOOKED_FOR}"
            )));
        }
    };
    let source = match csi::camera_of(&device) {
        Some(camera) => csi::open(&CsiParams::of(camera, wishes), picture, clock)?,
        None => {
            let params = V4l2Params {
                device: DeviceName::new(&device)?,
                wishes: *wishes,
            };
            v4l2::open(&params, picture, clock)?
        }
    };
    bindings.bind(name, &device);
    Ok(Box::new(Lookout::over(source, bindings.clone())))
}

/// What else is there, in words.
fn others(found: &[Found], own: &str) -> String {
    let others = found.iter().filter(|found| found.id != own);
    let words: Vec<String> = others
        .map(|found| match &found.problem {
            Some(problem) => format!("{}: {problem}", found.identity.card),
            None if found.is_new => format!("{} is getting its name", found.identity.card),
            None => format!("{} belongs to another name", found.identity.card),
        })
        .collect();
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", words.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v4l2::Identity;

    pub(super) fn found(id: &str) -> Found {
        Found {
            id: id.to_owned(),
            node: Path::new("/dev/none").join(id),
            identity: Identity {
                card: format!("card of {id}"),
                captures: true,
                ..Identity::default()
            },
            offers: Vec::new(),
            controls: Vec::new(),
            is_new: false,
            problem: None,
        }
    }

    const A: &str = "by-id/usb-A-video-index0";
    const B: &str = "by-id/usb-B-video-index0";

    #[test]
    fn a_camera_keeps_its_device_whatever_order_they_are_met_in() {
        let bindings = Arc::new(Bindings::default());
        let both = [found(A), found(B)];
        assert_eq!(choose("front", &both, &bindings), Choice::Take(&both[0]));
        bindings.bind("front", A);
        let turned = [found(B), found(A)];
        assert_eq!(
            choose("front", &turned, &bindings),
            Choice::Take(&turned[1])
        );
        assert_eq!(choose("rear", &turned, &bindings), Choice::Take(&turned[0]));
        bindings.bind("rear", B);
        // Absent: nobody takes its place, nor it another's.
        assert_eq!(
            choose("front", &turned[..1], &bindings),
            Choice::Away(A.to_owned())
        );
        assert_eq!(choose("cam2", &turned, &bindings), Choice::NoneThere);
        // A second binding of either is none.
        bindings.bind("front", "by-id/usb-C-video-index0");
        bindings.bind("other", A);
        assert_eq!(bindings.all().len(), 2);
    }

    #[test]
    fn what_cannot_be_opened_is_told_and_not_taken() {
        let bindings = Bindings::default();
        let mut locked = found(A);
        locked.problem = Some("it may not be opened".to_owned());
        let all = [locked];
        assert_eq!(choose("front", &all, &bindings), Choice::NoneThere);
        assert!(
            others(&all, "").contains("card of by-id/usb-A-video-index0: it may not be opened")
        );
        assert_eq!(others(&[], ""), "");
    }
}
