//! Parameters of a camera on the ribbon cable (CSI).

use std::fmt;

use crate::CaptureError;
use crate::params::Param;
use crate::v4l2::Wishes;

const KEYS: &str = "size=1920x1080, fps=30, bitrate=8M, gop=30, focus=infinity|auto";
/// Longer is no name that libcamera gives, in bytes.
const MAX_NAME: usize = 256;

/// `csi:CAMERA?size=1920x1080&fps=30&bitrate=8M&gop=30&focus=infinity`; all of it may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsiParams {
    /// libcamera's name of the camera; empty for the first.
    pub camera: String,
    /// How it shall deliver; it has no formats to choose from.
    pub wishes: Wishes,
    /// How its lens shall stand, if that has a motor.
    pub focus: Focus,
}

/// What a lens with a motor is focused on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Focus {
    /// What is far away, for good: a windscreen would be focused on.
    #[default]
    Infinity,
    /// Whatever the camera finds.
    Auto,
}

impl CsiParams {
    /// The camera of this name, or the first.
    pub(crate) fn of(camera: &str, wishes: &Wishes) -> Self {
        Self {
            camera: camera.to_owned(),
            wishes: Wishes {
                format: None,
                ..*wishes
            },
            focus: Focus::default(),
        }
    }

    pub(crate) fn parse(camera: &str, params: &[Param]) -> Result<Self, CaptureError> {
        check_name(camera)?;
        let mut focus = Focus::default();
        let mut rest = Vec::new();
        for param in params {
            match param.key.as_str() {
                "focus" => focus = Focus::parse(param)?,
                "size" | "fps" | "bitrate" | "gop" => rest.push(param.clone()),
                _ => return Err(param.unknown_key("csi", KEYS)),
            }
        }
        Ok(Self {
            focus,
            ..Self::of(camera, &Wishes::parse("csi", &rest)?)
        })
    }

    /// What stands in a camera's line.
    pub(crate) fn name(&self) -> String {
        format!("{PREFIX}{}", self.camera)
    }
}

/// Before libcamera's name, where names of devices stand.
pub(super) const PREFIX: &str = "csi:";

/// libcamera's name of a camera, of a device's name that begins as this kind's do.
pub(crate) fn camera_of(device: &str) -> Option<&str> {
    let camera = device.strip_prefix(PREFIX)?;
    (!camera.is_empty() && check_name(camera).is_ok()).then_some(camera)
}

/// Whether libcamera may have named a camera so.
pub(super) fn check_name(camera: &str) -> Result<(), CaptureError> {
    let wrong = camera.len() > MAX_NAME
        || camera.starts_with('-')
        || camera.chars().any(|c| c.is_control() || c.is_whitespace());
    if wrong {
        return Err(CaptureError::Config(format!(
            "'{camera}' is no camera of libcamera: write csi: for the first one, or a name that picam probe lists, such as \
             csi:/base/soc/i2c0mux/i2c@1/imx219@10"
        )));
    }
    Ok(())
}

impl Focus {
    fn parse(param: &Param) -> Result<Self, CaptureError> {
        let named = [Self::Infinity, Self::Auto].into_iter();
        let mut found = named.filter(|focus| focus.to_string() == param.value);
        let wrong = || param.bad_value("infinity (far away, for good) or auto");
        found.next().ok_or_else(wrong)
    }
}

impl fmt::Display for Focus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Infinity => "infinity",
            Self::Auto => "auto",
        })
    }
}
