//! Where sound comes from, as the configuration says it.

use std::fmt;
use std::str::FromStr;

use picam_media::{AAC_RATES, SoundFormat};

/// Longest name of a device of ALSA's, in bytes.
const MAX_NAME: usize = 128;
/// Asked for where nothing else is.
const USUAL_RATE: u32 = 48_000;
/// A simulated crystal is off by no more than this, in millionths.
const MAX_DRIFT: i32 = 500;

/// Where sound comes from: `off`, `sim:?drift=200` or `alsa:NAME?rate=48000&channels=1`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MicrophoneSpec {
    /// Nowhere.
    #[default]
    Off,
    /// A simulated microphone: it hears a beep at each full second of the boot clock.
    Sim {
        /// Its crystal is so many millionths fast.
        drift: i32,
    },
    /// One that the kernel knows.
    Alsa(AlsaSpec),
}

/// A device of ALSA's, and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlsaSpec {
    /// As ALSA calls it, such as `default` or `plughw:CARD=Device`.
    pub name: String,
    /// Samples a second.
    pub rate: u32,
    /// Channels that are recorded; one is mixed of two if need be.
    pub channels: u16,
}

/// What cannot be used as a microphone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no microphone: write \"off\", \"alsa:plughw:CARD=Device\" or \"alsa:default?rate=48000&channels=1\" \
     (rates 48000, 44100, 32000)"
)]
pub struct MicrophoneError(String);

impl MicrophoneSpec {
    /// Whether sound may come.
    pub const fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// How its sound will be coded, if the device gives what is asked of it.
    pub(super) const fn wanted(&self) -> (u32, u16) {
        match self {
            Self::Alsa(alsa) => (alsa.rate, alsa.channels),
            Self::Off | Self::Sim { .. } => (USUAL_RATE, 1),
        }
    }

    /// How its sound is likely to be coded, before it was opened.
    pub fn expected(&self) -> Option<SoundFormat> {
        let (rate, channels) = self.wanted();
        let encoder = picam_media::AacEncoder::new(rate, channels).ok()?;
        self.is_on().then(|| encoder.format())
    }
}

impl FromStr for MicrophoneSpec {
    type Err = MicrophoneError;

    fn from_str(text: &str) -> Result<Self, MicrophoneError> {
        let wrong = || MicrophoneError(text.chars().take(80).collect());
        if text == "off" {
            return Ok(Self::Off);
        }
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').ok_or_else(wrong));
        let pairs: Vec<(&str, &str)> = pairs.collect::<Result<_, _>>()?;
        match kind {
            "sim" if name.is_empty() => {
                let mut drift = 0;
                for (key, value) in pairs {
                    let number = value.parse().ok().filter(|n: &i32| n.abs() <= MAX_DRIFT);
                    drift = number.filter(|_| key == "drift").ok_or_else(wrong)?;
                }
                Ok(Self::Sim { drift })
            }
            "alsa" => {
                // Arguments of a name stand in quotes and braces in ALSA's own files, and need none here.
                let sound = |c: char| c.is_ascii_alphanumeric() || "_-.,:=".contains(c);
                if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(sound) {
                    return Err(wrong());
                }
                let mut alsa = AlsaSpec {
                    name: name.to_owned(),
                    rate: USUAL_RATE,
                    channels: 1,
                };
                for (key, value) in pairs {
                    let rate = value.parse().ok().filter(|rate| AAC_RATES.contains(rate));
                    let channels = value.parse().ok().filter(|n| (1..=2).contains(n));
                    match key {
                        "rate" => alsa.rate = rate.ok_or_else(wrong)?,
                        "channels" => alsa.channels = channels.ok_or_else(wrong)?,
                        _ => return Err(wrong()),
                    }
                }
                Ok(Self::Alsa(alsa))
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for MicrophoneSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Sim { drift: 0 } => f.write_str("sim:"),
            Self::Sim { drift } => write!(f, "sim:?drift={drift}"),
            Self::Alsa(alsa) => {
                write!(f, "alsa:{}", alsa.name)?;
                match (alsa.rate, alsa.channels) {
                    (USUAL_RATE, 1) => Ok(()),
                    (rate, 1) => write!(f, "?rate={rate}"),
                    (USUAL_RATE, channels) => write!(f, "?channels={channels}"),
                    (rate, channels) => write!(f, "?rate={rate}&channels={channels}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "off",
            "sim:",
            "sim:?drift=-200",
            "alsa:default",
            "alsa:plughw:CARD=Device,DEV=0",
            "alsa:hw:1,0?rate=44100",
            "alsa:default?channels=2",
            "alsa:default?rate=32000&channels=2",
        ] {
            let spec: MicrophoneSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
            assert_eq!(spec.is_on(), text != "off");
            assert_eq!(spec.expected().is_some(), spec.is_on());
        }
        let usual: MicrophoneSpec = "alsa:default?rate=48000&channels=1".parse().unwrap();
        assert_eq!(usual.to_string(), "alsa:default");
    }

    #[test]
    fn what_cannot_be_one_is_refused_and_says_what_to_write() {
        for text in [
            "",
            "on",
            "alsa",
            "alsa:",
            "alsa:?rate=48000",
            "alsa:default?rate=8000",
            "alsa:default?rate=",
            "alsa:default?channels=3",
            "alsa:default?gain=1",
            "alsa:de fault",
            "alsa:file:'/etc/passwd'",
            "alsa:{ type hw }",
            "sim:x",
            "sim:?drift=501",
            "sim:?rate=48000",
            "pulse:default",
        ] {
            let error = text.parse::<MicrophoneSpec>().unwrap_err().to_string();
            assert!(error.contains("alsa:default"), "{text}: {error}");
        }
    }
}
