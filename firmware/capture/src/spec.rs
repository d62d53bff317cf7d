//! The one string that describes a camera.

use percent_encoding::percent_decode_str;

use crate::CaptureError;
use crate::csi::CsiParams;
use crate::file::FileParams;
use crate::params::Param;
use crate::picture::Picture;
use crate::rtsp::RtspParams;
use crate::sim::SimParams;
use crate::v4l2::{V4l2Params, Wishes};

/// Longest camera name in bytes; it stands in every segment's header.
const MAX_NAME_LEN: usize = 32;

/// A camera: its name and where its pictures come from.
///
/// Written `NAME=KIND:[PATH][?key=value&key=value...]`, or `NAME=auto`. Path and values are percent-decoded, so that
/// `%3F` in a path is a question mark and `%25` a percent sign. A network camera is written as the URL that it has, and
/// picam's own parameters stand behind a `#`: `NAME=rtsp://HOST/PATH?ITS-OWN#key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraSpec {
    /// What a person calls it: 1 to 32 of `a-z`, `0-9`, `_`, `-`, beginning with a letter.
    pub name: String,
    /// Where the pictures come from.
    pub source: SourceSpec,
    /// How they shall look; stands in no string that describes a camera.
    pub picture: Picture,
}

/// The kinds of sources and their parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// A simulated camera.
    Sim(SimParams),
    /// A video file.
    File(FileParams),
    /// A camera that the kernel knows.
    V4l2(V4l2Params),
    /// A camera on the ribbon cable, through libcamera.
    Csi(CsiParams),
    /// Whatever camera is there.
    Auto(Wishes),
    /// A network camera.
    Rtsp(RtspParams),
}

impl CameraSpec {
    /// Parses the string.
    ///
    /// # Errors
    /// [`CaptureError::Config`], which names what is wrong and says what is allowed.
    pub fn parse(text: &str) -> Result<Self, CaptureError> {
        let shown = shown(text);
        let wrong = |what: String| CaptureError::Config(format!("camera '{shown}': {what}"));
        let named = text.split_once('=').filter(|(name, _)| !name.contains(':'));
        let Some((name, source)) = named else {
            return Err(wrong("write NAME=KIND:..., such as front=sim:".to_owned()));
        };
        check_name(name).map_err(&wrong)?;
        // Nothing need stand behind it.
        let colon = if source == "auto" { "auto:" } else { source };
        let Some((kind, rest)) = colon.split_once(':') else {
            let is_word = source.chars().all(|c| c.is_alphanumeric());
            let source = if is_word { source } else { "..." };
            return Err(wrong(format!(
                "'{source}' needs a colon behind its kind, such as v4l2:/dev/video0 or file:/clip.mp4; or write auto"
            )));
        };
        let begins_params = if kind == "rtsp" { '#' } else { '?' };
        let (path, query) = rest.split_once(begins_params).unwrap_or((rest, ""));
        let params = parse_query(query).map_err(&wrong)?;
        let decoded = || decode(path).map_err(&wrong);
        let source = match kind {
            "sim" => SimParams::parse(&decoded()?, &params).map(SourceSpec::Sim),
            "file" => FileParams::parse(&decoded()?, &params).map(SourceSpec::File),
            "v4l2" => V4l2Params::parse(&decoded()?, &params).map(SourceSpec::V4l2),
            "csi" => CsiParams::parse(&decoded()?, &params).map(SourceSpec::Csi),
            "rtsp" => RtspParams::parse(path, &params).map(SourceSpec::Rtsp),
            "auto" if !path.is_empty() => Err(CaptureError::Config(format!(
                "auto takes no path, but '{path}' stands there; for one camera write v4l2:{path}"
            ))),
            "auto" => Wishes::parse("auto", &params).map(SourceSpec::Auto),
            _ => {
                return Err(wrong(format!(
                    "unknown kind '{kind}': use auto, csi, v4l2, rtsp, sim or file"
                )));
            }
        };
        match source {
            Ok(source) => Ok(Self {
                name: name.to_owned(),
                source,
                picture: Picture::default(),
            }),
            Err(CaptureError::Config(what)) => Err(wrong(what)),
            Err(other) => Err(other),
        }
    }
}

impl CameraSpec {
    /// Sets the password that opens the camera; it stands in no string that describes one.
    ///
    /// # Errors
    /// [`CaptureError::Config`] if there is nothing that it could open.
    pub fn set_password(&mut self, password: &str) -> Result<(), CaptureError> {
        match &mut self.source {
            SourceSpec::Rtsp(params) => params.set_password(password),
            SourceSpec::Sim(_)
            | SourceSpec::File(_)
            | SourceSpec::V4l2(_)
            | SourceSpec::Csi(_)
            | SourceSpec::Auto(_) => Err(CaptureError::Config(
                "only a network camera (rtsp://USER@HOST/...) has a password".to_owned(),
            )),
        }
    }
}

/// A description as messages repeat it: of a network camera, and of what nobody knows, its kind alone, as the rest may hold
/// what opens a camera.
fn shown(text: &str) -> String {
    let (front, _) = text.split_once(':').unwrap_or((text, ""));
    match front.rsplit_once('=').map_or(front, |(_, kind)| kind) {
        "sim" | "file" | "v4l2" | "csi" | "auto" => text.to_owned(),
        _ if front.len() == text.len() => text.to_owned(),
        _ => format!("{front}:..."),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    let good = name.len() <= MAX_NAME_LEN
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && name.bytes().all(allowed);
    if good {
        return Ok(());
    }
    Err(format!(
        "the name '{name}' is not allowed: use 1 to {MAX_NAME_LEN} of a-z, 0-9, _ and -, beginning with a letter"
    ))
}

fn parse_query(query: &str) -> Result<Vec<Param>, String> {
    let mut params: Vec<Param> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(format!("parameter '{pair}' has no value: write {pair}=..."));
        };
        if params.iter().any(|p| p.key == key) {
            return Err(format!("parameter '{key}' stands there twice"));
        }
        params.push(Param {
            key: key.to_owned(),
            value: decode(value)?,
        });
    }
    Ok(params)
}

fn decode(text: &str) -> Result<String, String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) if !decoded.contains('\0') => Ok(decoded.into_owned()),
        _ => Err(format!(
            "'{text}' does not decode to text (% begins a hexadecimal code; write %25)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        match CameraSpec::parse(text) {
            Err(CaptureError::Config(what)) => what,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn reads_the_documented_examples() {
        let sim = CameraSpec::parse("front=sim:?size=1280x720&fps=30").unwrap();
        assert_eq!(sim.name, "front");
        let SourceSpec::Sim(params) = sim.source else {
            panic!()
        };
        assert_eq!((params.width, params.height, params.fps), (1280, 720, 30));
        let file = CameraSpec::parse("ip=file:/path/clip.mp4?pace=off&loop=1").unwrap();
        let SourceSpec::File(params) = file.source else {
            panic!()
        };
        assert_eq!(params.path.to_str(), Some("/path/clip.mp4"));
        assert!(!params.pace && params.repeat);
    }

    #[test]
    fn reads_cameras_of_the_kernel() {
        let source = |text: &str| CameraSpec::parse(text).unwrap().source;
        let plain = source("a=v4l2:by-id/usb-A_B-video-index0");
        let SourceSpec::V4l2(params) = plain else {
            panic!()
        };
        assert_eq!(params.device.to_string(), "by-id/usb-A_B-video-index0");
        assert_eq!(params.wishes, Wishes::default());
        let wishes = Wishes {
            size: Some((1280, 720)),
            fps: Some(30),
            format: Some(crate::PixelFormat::Mjpeg),
            bitrate: Some(800_000),
            gop: Some(60),
        };
        let rest = "?size=1280x720&fps=30&format=mjpeg&bitrate=800k&gop=60";
        assert_eq!(source(&format!("a=auto:{rest}")), SourceSpec::Auto(wishes));
        let SourceSpec::V4l2(params) = source(&format!("a=v4l2:/dev/video0{rest}")) else {
            panic!()
        };
        assert_eq!(params.wishes, wishes);
        for text in ["a=auto", "a=auto:", "a=auto:?format=auto"] {
            assert_eq!(source(text), SourceSpec::Auto(Wishes::default()), "{text}");
        }
    }

    #[test]
    fn reads_cameras_on_the_ribbon_cable() {
        let csi = |text: &str| match CameraSpec::parse(text).unwrap().source {
            SourceSpec::Csi(params) => params,
            other => panic!("{other:?}"),
        };
        assert_eq!(csi("a=csi:"), CsiParams::of("", &Wishes::default()));
        let named = csi(
            "a=csi:/base/soc/i2c@1/imx219@10?size=1920x1080&fps=25&bitrate=8M&gop=50&focus=auto",
        );
        assert_eq!(named.camera, "/base/soc/i2c@1/imx219@10");
        assert_eq!(named.focus, crate::Focus::Auto);
        let wishes = Wishes {
            size: Some((1920, 1080)),
            fps: Some(25),
            format: None,
            bitrate: Some(8_000_000),
            gop: Some(50),
        };
        assert_eq!(named.wishes, wishes);
        assert_eq!(csi("a=csi:?focus=infinity").focus, crate::Focus::Infinity);
    }

    #[test]
    fn decodes_awkward_paths() {
        let file = CameraSpec::parse("a=file:/x%3Fy%25 &=z.mp4?fps=25").unwrap();
        let SourceSpec::File(params) = file.source else {
            panic!()
        };
        assert_eq!(params.path.to_str(), Some("/x?y% &=z.mp4"));
    }

    #[test]
    fn says_what_is_wrong_and_what_is_allowed() {
        for (text, parts) in [
            ("sim:", &["NAME=KIND"][..]),
            ("Front=sim:", &["'Front'", "a-z"]),
            ("1a=sim:", &["'1a'", "letter"]),
            ("=sim:", &["''"]),
            ("a=sim", &["colon"]),
            (
                "a=webcam:",
                &["'webcam'", "auto, csi, v4l2, rtsp, sim or file"],
            ),
            ("a=rtsp:", &["URL", "rtsp://user@"]),
            ("a=rtsp:///x", &["names no camera"]),
            ("a=rtsp://h/x#colour=red", &["'colour'", "transport"]),
            (
                "a=rtsp://h/x#transport=http",
                &["transport=http", "udp or tcp"],
            ),
            ("a=sim:?size=1281x720", &["size=1281x720", "even"]),
            ("a=sim:?size=32x32", &["size=32x32", "64"]),
            ("a=sim:?fps=61", &["fps=61", "1 to 60"]),
            ("a=sim:?fps", &["'fps'", "fps="]),
            ("a=sim:?fps=1&fps=2", &["'fps'", "twice"]),
            ("a=sim:?colour=red", &["'colour'", "size"]),
            ("a=sim:/dev/video0", &["/dev/video0", "no path"]),
            ("a=sim:?bitrate=lots", &["bitrate=lots", "4M"]),
            ("a=v4l2:", &["'' is no camera", "picam probe"]),
            ("a=v4l2:/etc/passwd", &["'/etc/passwd'", "/dev/video0"]),
            ("a=v4l2:by-id/", &["by-id/NAME"]),
            ("a=v4l2:by-id/../../sda", &["by-id/../../sda"]),
            ("a=v4l2:/dev/video0?format=rgb", &["format=rgb", "yuyv"]),
            (
                "a=v4l2:/dev/video0?size=5000x100",
                &["size=5000x100", "3840"],
            ),
            ("a=auto:/dev/video0", &["no path", "v4l2:/dev/video0"]),
            ("a=auto?fps=3", &["colon"]),
            ("a=auto:?speed=3", &["'speed'", "fps=30"]),
            ("a=csi:--list", &["'--list' is no camera", "picam probe"]),
            ("a=csi:a b", &["no camera of libcamera"]),
            ("a=csi:a%0Ab", &["no camera of libcamera"]),
            ("a=csi:?format=nv12", &["'format'", "focus=infinity|auto"]),
            ("a=csi:?focus=near", &["focus=near", "infinity"]),
            ("a=csi:?fps=0", &["fps=0", "1 to 120"]),
            ("a=csi", &["colon"]),
            ("a=file:", &["path"]),
            ("a=file:/x?loop=yes", &["loop=yes", "1 or 0"]),
            ("a=file:/x?pace=fast", &["pace=fast", "on or off"]),
            ("a=file:/x?fps=0", &["fps=0", "30000/1001"]),
            ("a=file:/x%FF", &["%FF"]),
        ] {
            let what = error(text);
            for part in parts {
                assert!(what.contains(part), "{text}: {what}");
            }
        }
        let long = format!("{}=sim:", "a".repeat(33));
        assert!(error(&long).contains("32"));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_spec_or_a_config_error(text in "([a-z]{1,3}=(sim:|file:|v4l2:|csi:|auto:?|rtsp:|rtsp://|rtsp://h/))?.{0,60}") {
            let parsed = CameraSpec::parse(&text);
            prop_assert!(matches!(parsed, Ok(_) | Err(CaptureError::Config(_))));
        }
    }
}
