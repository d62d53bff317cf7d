//! Parameters of a camera that the kernel knows (V4L2).

use std::fmt;
use std::path::{Path, PathBuf};

use super::format::PixelFormat;
use crate::CaptureError;
use crate::params::Param;

const KEYS: &str =
    "size=1280x720, fps=30, format=auto|h264|mjpeg|yuyv|nv12|yu12, bitrate=4M, gop=30";
/// The encoder takes no larger side.
const MAX_SIDE: u16 = 3840;

/// `v4l2:DEVICE?size=1280x720&fps=30&format=auto&bitrate=4M&gop=30`; all but the device may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V4l2Params {
    /// Which camera.
    pub device: DeviceName,
    /// How it shall deliver.
    pub wishes: Wishes,
}

/// `/dev/video0`, `by-id/NAME` or `by-path/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName(String);

/// What a camera shall deliver; what is left out is chosen by what it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Width and height in pixels.
    pub size: Option<(u16, u16)>,
    /// Pictures a second.
    pub fps: Option<u32>,
    /// `None` for `auto`.
    pub format: Option<PixelFormat>,
    /// Bits a second, where the pictures are encoded here.
    pub bitrate: Option<u32>,
    /// Pictures from key frame to key frame, likewise; a second's worth if left out.
    pub gop: Option<u32>,
}

impl DeviceName {
    /// By a path of /dev.
    pub(crate) fn new(text: &str) -> Result<Self, CaptureError> {
        let stable = |name: &str| !name.is_empty() && !name.contains('/') && name != "..";
        let good = text.starts_with("/dev/")
            || ["by-id/", "by-path/"]
                .iter()
                .any(|kind| text.strip_prefix(kind).is_some_and(stable));
        if good {
            return Ok(Self(text.to_owned()));
        }
        Err(CaptureError::Config(format!(
            "'{text}' is no camera: write v4l2:/dev/video0, v4l2:by-id/NAME or v4l2:by-path/NAME; \
             picam probe lists what is there"
        )))
    }

    /// Its node, below `root`.
    pub(crate) fn path(&self, root: &Path) -> PathBuf {
        match self.0.strip_prefix('/') {
            Some(absolute) => root.join(absolute),
            None => root.join("dev/v4l").join(&self.0),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl V4l2Params {
    pub(crate) fn parse(path: &str, params: &[Param]) -> Result<Self, CaptureError> {
        Ok(Self {
            device: DeviceName::new(path)?,
            wishes: Wishes::parse("v4l2", params)?,
        })
    }
}

impl Wishes {
    /// Those of a source of this kind.
    pub(crate) fn parse(kind: &str, params: &[Param]) -> Result<Self, CaptureError> {
        let mut all = Self::default();
        for param in params {
            match param.key.as_str() {
                "size" => all.size = Some(param.size(MAX_SIDE)?),
                "fps" => all.fps = Some(param.number(1..=120)?),
                "bitrate" => all.bitrate = Some(param.bitrate()?),
                "gop" => all.gop = Some(param.number(1..=600)?),
                "format" => all.format = format(param)?,
                _ => return Err(param.unknown_key(kind, KEYS)),
            }
        }
        Ok(all)
    }
}

fn format(param: &Param) -> Result<Option<PixelFormat>, CaptureError> {
    if param.value == "auto" {
        return Ok(None);
    }
    let named = |format: &PixelFormat| format.name() == param.value;
    let found = PixelFormat::ALL.into_iter().find(named);
    let wrong = || param.bad_value("auto, h264, mjpeg, yuyv, nv12 or yu12");
    found.map(Some).ok_or_else(wrong)
}
