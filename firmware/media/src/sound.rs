//! How sound is coded.

use crate::MediaError;

/// How the sound of a source is coded, which does not change while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SoundFormat {
    /// What a unit holds.
    pub codec: SoundCodec,
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
}

/// What a unit of sound holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoundCodec {
    /// Some milliseconds of PCM, 16 bits signed little-endian, channels interleaved.
    Pcm16,
    /// One frame of AAC without a header of its own, as MP4 stores it.
    Aac(AudioSpecificConfig),
    /// Some milliseconds of G.711, a byte a sample, A-law.
    ALaw,
    /// The same, mu-law.
    MuLaw,
}

impl SoundFormat {
    /// AAC as its configuration describes it.
    pub const fn aac(config: AudioSpecificConfig) -> Self {
        Self {
            codec: SoundCodec::Aac(config),
            rate: config.rate,
            channels: config.channels,
        }
    }
}

/// What a decoder of AAC needs before the first frame (ISO/IEC 14496-3 1.6.2.1): AAC-LC, also with spectral band replication
/// or parametric stereo, which is what players of MP4 take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AudioSpecificConfig {
    bytes: [u8; Self::MAX_LEN],
    len: u8,
    /// Of the AAC-LC core, which half of what is heard may be with spectral band replication.
    rate: u32,
    channels: u16,
    frame: u16,
}

/// Sampling frequencies by their index (ISO/IEC 14496-3 table 1.18).
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Channels by their configuration (table 1.19); 0 is described elsewhere.
const CHANNELS: [u16; 8] = [0, 1, 2, 3, 4, 5, 6, 8];
/// Audio object types (table 1.17).
const AAC_LC: u32 = 2;
const SBR: u32 = 5;
const PS: u32 = 29;

impl AudioSpecificConfig {
    /// Longer ones describe speakers one by one, and are left out.
    pub const MAX_LEN: usize = 32;

    /// Reads one.
    ///
    /// # Errors
    /// [`MediaError::Sound`] if it is cut off, or describes something else than AAC-LC; says what.
    pub fn parse(bytes: &[u8]) -> Result<Self, MediaError> {
        let cut_off = || MediaError::Sound("AAC with a configuration that is cut off".to_owned());
        let mut kept = [0; Self::MAX_LEN];
        let too_long =
            || MediaError::Sound(format!("AAC with a configuration of {} bytes", bytes.len()));
        let room = kept.get_mut(..bytes.len()).ok_or_else(too_long)?;
        room.copy_from_slice(bytes);
        let mut bits = Bits { bytes, at: 0 };
        let mut kind = bits.object_type().ok_or_else(cut_off)?;
        let rate = bits.rate().ok_or_else(cut_off)?;
        let configured = bits.take(4).ok_or_else(cut_off)?;
        if kind == SBR || kind == PS {
            bits.rate().ok_or_else(cut_off)?;
            kind = bits.object_type().ok_or_else(cut_off)?;
        }
        if kind != AAC_LC {
            return Err(MediaError::Sound(format!("MPEG-4 audio of type {kind}")));
        }
        let is_short = bits.take(1).ok_or_else(cut_off)? == 1;
        let channels = usize::try_from(configured)
            .ok()
            .and_then(|n| CHANNELS.get(n));
        match channels {
            Some(&channels) if channels > 0 && rate > 0 => Ok(Self {
                bytes: kept,
                len: bytes.len() as u8,
                rate,
                channels,
                frame: if is_short { 960 } else { 1024 },
            }),
            _ => Err(MediaError::Sound(format!(
                "AAC of {rate} Hz with channels as number {configured} says"
            ))),
        }
    }

    /// As it is coded.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Samples of each channel in a frame.
    pub const fn frame_samples(&self) -> u16 {
        self.frame
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn object_type(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            kind => Some(kind),
        }
    }

    /// 0 for an index that is reserved.
    fn rate(&mut self) -> Option<u32> {
        match self.take(4)? {
            15 => self.take(24),
            index => Some(RATES.get(index as usize).copied().unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn configurations_that_encoders_write_are_read() {
        // ffmpeg's aac at 48 kHz in stereo and 44.1 kHz in mono, with its explicit "no SBR"; a camera's at 16 kHz; HE-AAC
        // with the extension in front; a rate of its own.
        for (bytes, rate, channels, frame) in [
            (&[0x11, 0x90, 0x56, 0xe5, 0x00][..], 48_000, 2, 1024),
            (&[0x12, 0x08, 0x56, 0xe5, 0x00], 44_100, 1, 1024),
            (&[0x14, 0x08], 16_000, 1, 1024),
            (&[0x14, 0x0c], 16_000, 1, 960),
            (&[0x2b, 0x11, 0x88, 0x00], 24_000, 2, 1024),
            (&[0x17, 0x80, 0x1f, 0x40, 0x10], 16_000, 2, 1024),
        ] {
            let config = AudioSpecificConfig::parse(bytes).unwrap();
            let format = SoundFormat::aac(config);
            assert_eq!(
                (format.rate, format.channels, config.frame_samples()),
                (rate, channels, frame),
                "{bytes:x?}"
            );
            assert_eq!(config.bytes(), bytes);
        }
    }

    #[test]
    fn what_no_player_takes_is_named() {
        for (bytes, what) in [
            (&[][..], "cut off"),
            (&[0x11], "cut off"),
            // AAC Main, ALS (an escaped type), a reserved rate, channels described elsewhere.
            (&[0x09, 0x90], "type 1"),
            (&[0xf8, 0x9c, 0x80, 0x00], "type 36"),
            (&[0x16, 0x90], "AAC of 0 Hz"),
            (&[0x11, 0x80], "number 0"),
            (&[0x11; 33], "33 bytes"),
        ] {
            let error = AudioSpecificConfig::parse(bytes).unwrap_err().to_string();
            assert!(error.contains(what), "{bytes:x?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_configuration_that_can_be_used_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            if let Ok(config) = AudioSpecificConfig::parse(&bytes) {
                prop_assert_eq!(config.bytes(), &bytes[..]);
                prop_assert!(config.rate > 0 && config.channels > 0);
            }
        }
    }
}
