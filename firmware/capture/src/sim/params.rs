//! Parameters of the simulated camera.

use crate::CaptureError;
use crate::params::Param;

const KEYS: &str = "size=1280x720, fps=30, bitrate=4M, gop=30, clock=auto|uptime|off, \
                    audio=0|1, flash=0|1, pace=on|off";
const MAX_SIDE: u16 = 1920;

/// Which clock is burnt into the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BurntClock {
    /// UTC once it is known, time since boot before.
    Auto,
    /// Time since boot.
    Uptime,
    /// None.
    Off,
}

/// `sim:?size=1280x720&fps=30&bitrate=4M&gop=30&clock=auto&audio=0&flash=0&pace=on`; all may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimParams {
    /// Width in pixels, even, 64 to 1920.
    pub width: u16,
    /// Height in pixels, even, 64 to 1920.
    pub height: u16,
    /// Frames a second, 1 to 60.
    pub fps: u32,
    /// Bits a second.
    pub bitrate: u32,
    /// Frames from key frame to key frame; a second's worth if left out.
    pub gop: u32,
    /// The clock in the picture.
    pub clock: BurntClock,
    /// Whether it hears: a beep a second, with a flash in the picture.
    pub audio: bool,
    /// Whether the picture flashes at each full second of the boot clock, as a simulated microphone beeps.
    pub flash: bool,
    /// Whether frames come in real time.
    pub pace: bool,
}

impl Default for SimParams {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            fps: 30,
            bitrate: 4_000_000,
            gop: 30,
            clock: BurntClock::Auto,
            audio: false,
            flash: false,
            pace: true,
        }
    }
}

impl SimParams {
    pub(crate) fn parse(path: &str, params: &[Param]) -> Result<Self, CaptureError> {
        if !path.is_empty() {
            return Err(CaptureError::Config(format!(
                "a sim source has no path, but '{path}' stands there"
            )));
        }
        let mut all = Self::default();
        let mut gop = None;
        for param in params {
            match param.key.as_str() {
                "size" => (all.width, all.height) = param.size(MAX_SIDE)?,
                "fps" => all.fps = param.number(1..=60)?,
                "bitrate" => all.bitrate = param.bitrate()?,
                "gop" => gop = Some(param.number(1..=600)?),
                "clock" => all.clock = burnt_clock(param)?,
                "audio" => all.audio = param.switch("0", "1")?,
                "flash" => all.flash = param.switch("0", "1")?,
                "pace" => all.pace = param.switch("off", "on")?,
                _ => return Err(param.unknown_key("sim", KEYS)),
            }
        }
        all.gop = gop.unwrap_or(all.fps);
        Ok(all)
    }
}

fn burnt_clock(param: &Param) -> Result<BurntClock, CaptureError> {
    match param.value.as_str() {
        "auto" => Ok(BurntClock::Auto),
        "uptime" => Ok(BurntClock::Uptime),
        "off" => Ok(BurntClock::Off),
        _ => Err(param.bad_value("auto, uptime or off")),
    }
}
