//! Sound coded in software, as AAC-LC.

use syom::{EncodeOptions, Encoder};

use crate::{AudioSpecificConfig, MediaError, SoundFormat};

/// Samples of each channel in a frame.
pub const AAC_FRAME: usize = 1024;
/// What the first frames of an encoder hold before the first sample that it was given, in samples of each channel: a decoder
/// gives out one frame of silence first.
pub const AAC_PRIMING: usize = 1024;
/// Rates that a microphone may have, in Hz: those at which a frame, and the one that it needs before it, are over within the
/// time that a segment waits for its sound.
pub const AAC_RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// Bits for each two samples of a channel: 72 kbit/s for one channel at 48 kHz (docs/dependencies.md says why).
const BITS_FOR_TWO: u32 = 3;

/// A software encoder of AAC-LC for one or two channels.
pub struct AacEncoder {
    inner: Encoder,
    format: SoundFormat,
    /// The samples of a frame, channel by channel.
    planes: [Vec<f32>; 2],
}

impl AacEncoder {
    /// Sets the encoder up.
    ///
    /// # Errors
    /// [`MediaError::Sound`] for a rate that is none of [`AAC_RATES`], and for other than one or two channels.
    pub fn new(rate: u32, channels: u16) -> Result<Self, MediaError> {
        let refused = |why: String| MediaError::Sound(format!("AAC cannot be made: {why}"));
        if !AAC_RATES.contains(&rate) || !(1..=2).contains(&channels) {
            return Err(refused(format!("{rate} Hz with {channels} channels")));
        }
        let bitrate = rate * BITS_FOR_TWO / 2 * u32::from(channels);
        // Noise is told by its loudness alone: of what a car makes, most is noise.
        let options = EncodeOptions::raw()
            .with_bitrate_bps(bitrate)
            .with_pns(true);
        let inner = Encoder::new(rate, channels.into(), &options);
        let inner = inner.map_err(|error| refused(error.to_string()))?;
        let config = AudioSpecificConfig::parse(inner.asc())?;
        Ok(Self {
            inner,
            format: SoundFormat::aac(config),
            planes: Default::default(),
        })
    }

    /// How what it gives is coded.
    pub const fn format(&self) -> SoundFormat {
        self.format
    }

    /// Appends the next frame to `out`. `samples` are [`AAC_FRAME`] of each channel, interleaved; what is missing is silence.
    /// What is heard in the frame is what was given with the call before.
    ///
    /// # Errors
    /// [`MediaError::Encoder`].
    pub fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) -> Result<(), MediaError> {
        let channels = usize::from(self.format.channels);
        for (n, plane) in self.planes.iter_mut().enumerate() {
            plane.clear();
            let own = samples.iter().skip(n).step_by(channels).take(AAC_FRAME);
            plane.extend(own.map(|&sample| f32::from(sample) / 32_768.0));
            plane.resize(AAC_FRAME, 0.0);
        }
        let [left, right] = &self.planes;
        let both: [&[f32]; 2] = [left, right];
        let given = both.get(..channels).unwrap_or_default();
        let fed = self.inner.feed(given, |frame| {
            out.extend_from_slice(frame.payload);
            Ok(())
        });
        fed.map(drop)
            .map_err(|error| MediaError::Encoder(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of 1 kHz.
    fn tone(frames: usize, rate: u32, channels: u16) -> Vec<i16> {
        let sample = |n: usize| {
            let turns = std::f64::consts::TAU * 1000.0 * n as f64 / f64::from(rate);
            (8000.0 * turns.sin()) as i16
        };
        let all = (0..frames * AAC_FRAME).map(sample);
        all.flat_map(|sample| std::iter::repeat_n(sample, channels.into()))
            .collect()
    }

    #[test]
    fn each_call_gives_one_frame_of_about_the_bitrate() {
        for (rate, channels) in [(48_000, 1), (44_100, 2), (32_000, 1)] {
            let mut encoder = AacEncoder::new(rate, channels).unwrap();
            let format = encoder.format();
            assert_eq!((format.rate, format.channels), (rate, channels));
            let samples = tone(100, rate, channels);
            let mut bytes = 0;
            for frame in samples.chunks(AAC_FRAME * usize::from(channels)) {
                let mut out = Vec::new();
                encoder.encode(frame, &mut out).unwrap();
                assert!(!out.is_empty(), "no frame of silence, and none held back");
                bytes += out.len();
            }
            let wanted = 100 * AAC_FRAME * usize::from(channels) * 3 / 2 / 8;
            assert!(bytes < wanted * 11 / 10, "{bytes} instead of {wanted}");
        }
    }

    #[test]
    fn what_comes_out_is_what_went_in_one_frame_later() {
        let samples = tone(20, 48_000, 1);
        let mut encoder = AacEncoder::new(48_000, 1).unwrap();
        let options = syom::DecodeOptions::audio();
        let mut adts = Vec::new();
        for frame in samples.chunks(AAC_FRAME) {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload).unwrap();
            let len = payload.len() + 7;
            // ADTS of AAC-LC, 48 kHz, mono (ISO/IEC 14496-3 1.A.2.2).
            let header = [
                0xff,
                0xf1,
                0x4c,
                0x40 | (len >> 11) as u8,
                (len >> 3) as u8,
                0x1f | (len << 5) as u8,
                0xfc,
            ];
            adts.extend(header);
            adts.extend(payload);
        }
        let decoded = syom::decode_with(&adts, &options).unwrap();
        let heard = &decoded.channels[0];
        // Where the tone is best found again.
        let fits = |delay: usize| -> f64 {
            let pairs = samples[4096..8192].iter().zip(&heard[4096 + delay..]);
            pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let found = (0..3000)
            .step_by(8)
            .max_by(|&a, &b| fits(a).total_cmp(&fits(b)));
        // A tone of 48 samples fits every 48.
        assert_eq!(found.unwrap() % 48, AAC_PRIMING % 48);
        let is_silent = |part: &[f32]| part.iter().all(|sample| sample.abs() < 0.01);
        assert!(is_silent(&heard[..512]) && !is_silent(&heard[1024..1536]));
    }

    #[test]
    fn noise_clipping_and_silence_are_coded_and_too_little_is_filled_up() {
        let mut encoder = AacEncoder::new(48_000, 2).unwrap();
        let mut seed = 1u32;
        let noise: Vec<i16> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as i16
        })
        .take(2048)
        .collect();
        let square: Vec<i16> = [i16::MIN, i16::MAX].repeat(1024);
        for samples in [&noise[..], &square, &[0; 2048], &noise[..100], &[], &noise] {
            let mut out = Vec::new();
            encoder.encode(samples, &mut out).unwrap();
            assert!((1..1536).contains(&out.len()), "{}", out.len());
        }
    }

    #[test]
    fn what_no_microphone_shall_have_is_refused() {
        for (rate, channels) in [(16_000, 1), (48_000, 0), (48_000, 3), (0, 1)] {
            let error = AacEncoder::new(rate, channels).err().unwrap().to_string();
            assert!(error.contains("AAC cannot be made"), "{error}");
        }
    }
}
