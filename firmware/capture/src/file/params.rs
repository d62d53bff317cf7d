//! Parameters of a video file.

use std::path::PathBuf;

use picam_media::FrameRate;

use crate::CaptureError;
use crate::params::Param;

const KEYS: &str = "pace=on|off, loop=1|0, fps=30 (raw streams)";

/// `file:PATH?pace=on&loop=0&fps=30`; all but the path may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileParams {
    /// The file: Annex B, MP4 or MKV with H.264 or H.265.
    pub path: PathBuf,
    /// Whether frames come at their times; else as fast as they are taken.
    pub pace: bool,
    /// Whether to begin again at the end (`loop=1`).
    pub repeat: bool,
    /// Frame rate of a raw stream, overruling what it says itself.
    pub fps: Option<FrameRate>,
}

impl FileParams {
    pub(crate) fn parse(path: &str, params: &[Param]) -> Result<Self, CaptureError> {
        if path.is_empty() {
            return Err(CaptureError::Config(
                "a file source needs a path, such as file:/clips/a.mp4".to_owned(),
            ));
        }
        let mut all = Self {
            path: path.into(),
            pace: true,
            repeat: false,
            fps: None,
        };
        for param in params {
            match param.key.as_str() {
                "pace" => all.pace = param.switch("off", "on")?,
                "loop" => all.repeat = param.switch("0", "1")?,
                "fps" => all.fps = Some(frame_rate(param)?),
                _ => return Err(param.unknown_key("file", KEYS)),
            }
        }
        Ok(all)
    }
}

/// `30`, `29.97` or `30000/1001`.
fn frame_rate(param: &Param) -> Result<FrameRate, CaptureError> {
    let rate = if let Some((frames, seconds)) = param.value.split_once('/') {
        frames.parse().ok().zip(seconds.parse().ok())
    } else {
        let (whole, fraction) = param.value.split_once('.').unwrap_or((&param.value, ""));
        let seconds = 10u32.checked_pow(fraction.len() as u32);
        format!("{whole}{fraction}").parse().ok().zip(seconds)
    };
    rate.and_then(|(frames, seconds)| FrameRate::new(frames, seconds))
        .ok_or_else(|| param.bad_value("frames a second, such as 30, 29.97 or 30000/1001"))
}
