//! Microphones: sound as frames of AAC, each with its time on the boot clock.
//!
//! A [`Device`] delivers samples, and says when the last of them was captured. Everything above it is the same for all: the
//! [`Framer`] cuts frames and gives them their times, the encoder codes them.

mod alsa;
mod device;
mod framer;
mod samples;
mod sim;
mod spec;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use picam_media::{AacEncoder, AccessUnit, SoundFormat, TIMESCALE};
use picam_time::{BootNs, Clock, Ticks};

use self::alsa::Alsa;
use self::device::{Device, Heard};
use self::framer::Framer;
use self::sim::Sim;
use crate::CaptureError;
use crate::source::stream_error;

pub use self::spec::{AlsaSpec, MicrophoneError, MicrophoneSpec};

/// A device without a clock of its own, a plugin of ALSA's, gives samples as fast as they are taken: it is read no further
/// ahead of the boot clock than this.
const AHEAD: Duration = Duration::from_millis(60);

/// What a call of [`Microphone::read`] brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listened {
    /// The unit was filled: a frame of AAC, at its time on the boot clock.
    Unit,
    /// Nothing came within the time given.
    Nothing,
    /// Sound was lost, since nobody took it; more follows.
    Overrun,
}

/// An open microphone.
pub struct Microphone {
    device: Box<dyn Device>,
    clock: Arc<dyn Clock>,
    framer: Framer,
    encoder: AacEncoder,
    /// Until when it has given units.
    heard: BootNs,
}

impl Microphone {
    /// Opens what `spec` describes; may take as long as the driver does.
    ///
    /// # Errors
    /// [`CaptureError::Io`] if it cannot be opened, [`CaptureError::Config`] if it delivers nothing that can be recorded.
    pub fn open(spec: &MicrophoneSpec, clock: Arc<dyn Clock>) -> Result<Self, CaptureError> {
        let device: Box<dyn Device> = match spec {
            MicrophoneSpec::Off => {
                return Err(CaptureError::Config("no microphone is configured".into()));
            }
            MicrophoneSpec::Sim { drift } => Box::new(Sim::open(clock.clone(), *drift)),
            MicrophoneSpec::Alsa(spec) => Box::new(Alsa::open(spec, clock.clone())?),
        };
        Self::of(device, clock)
    }

    fn of(device: Box<dyn Device>, clock: Arc<dyn Clock>) -> Result<Self, CaptureError> {
        let (rate, channels) = device.format();
        let encoder = AacEncoder::new(rate, channels);
        let encoder = encoder.map_err(|error| stream_error("the microphone", error))?;
        Ok(Self {
            device,
            clock,
            framer: Framer::new(rate, channels),
            encoder,
            heard: BootNs::ZERO,
        })
    }

    /// How its sound is coded.
    pub const fn format(&self) -> SoundFormat {
        self.encoder.format()
    }

    /// Fills `unit` with the next frame, waiting for it at most `timeout`, and a little longer while it is being coded.
    ///
    /// # Errors
    /// [`CaptureError`] if the device fails; it is to be opened again then.
    pub fn read(
        &mut self,
        unit: &mut AccessUnit,
        timeout: Duration,
    ) -> Result<Listened, CaptureError> {
        let give_up = self.clock.now() + timeout;
        while !self.framer.has_frame() {
            let left = give_up.since(self.clock.now());
            if left.is_zero() || !self.keep_pace(left) {
                return Ok(Listened::Nothing);
            }
            let left = give_up.since(self.clock.now());
            match self.device.read(self.framer.room(), left)? {
                Heard::Until(end) => self.framer.came(end),
                Heard::Nothing => return Ok(Listened::Nothing),
                Heard::Overrun => {
                    self.framer.break_off();
                    return Ok(Listened::Overrun);
                }
            }
        }
        let Some(samples) = self.framer.next(unit) else {
            return Ok(Listened::Nothing);
        };
        let coded = self.encoder.encode(samples, &mut unit.data);
        coded.map_err(|error| stream_error("the microphone", error))?;
        self.framer.done();
        let nanos = Ticks::new(unit.dts, TIMESCALE).nanos();
        self.heard = BootNs(u64::try_from(nanos).unwrap_or(0));
        Ok(Listened::Unit)
    }

    /// Waits until the boot clock has come to what was read; `false` if that takes longer than `most`.
    fn keep_pace(&self, most: Duration) -> bool {
        let ahead = self.heard.since(self.clock.now() + AHEAD);
        self.clock.sleep(ahead.min(most));
        ahead <= most
    }
}
