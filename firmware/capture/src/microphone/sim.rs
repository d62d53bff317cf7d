//! A simulated microphone: it hears a beep at each full second of the boot clock.

use std::sync::Arc;
use std::time::Duration;

use picam_time::{BootNs, Clock};

use super::device::{Device, Heard};
use crate::CaptureError;
use crate::sim::beep;

/// Samples in a block: 20 ms.
const BLOCK: u64 = 960;
/// What a driver would have room for.
const BUFFER: Duration = Duration::from_secs(1);

/// The open microphone.
pub(super) struct Sim {
    clock: Arc<dyn Clock>,
    begun: BootNs,
    /// Samples so far.
    samples: u64,
    /// Samples a second by the boot clock.
    true_rate: f64,
}

impl Sim {
    /// One whose crystal is so many millionths fast.
    pub(super) fn open(clock: Arc<dyn Clock>, drift: i32) -> Self {
        Self {
            begun: clock.now(),
            clock,
            samples: 0,
            true_rate: f64::from(beep::RATE) * (1.0 + f64::from(drift) * 1e-6),
        }
    }

    /// When a sample is captured.
    fn at(&self, sample: u64) -> BootNs {
        self.begun + Duration::from_secs_f64(sample as f64 / self.true_rate)
    }
}

impl Device for Sim {
    fn format(&self) -> (u32, u16) {
        (beep::RATE, 1)
    }

    fn read(&mut self, samples: &mut Vec<i16>, timeout: Duration) -> Result<Heard, CaptureError> {
        let ends = self.at(self.samples + BLOCK);
        let wait = ends.since(self.clock.now());
        self.clock.sleep(wait.min(timeout));
        if wait > timeout {
            return Ok(Heard::Nothing);
        }
        if self.clock.now().since(ends) > BUFFER {
            (self.begun, self.samples) = (self.clock.now(), 0);
            return Ok(Heard::Overrun);
        }
        for sample in self.samples..self.samples + BLOCK {
            samples.push(beep::sample(self.at(sample)));
        }
        self.samples += BLOCK;
        Ok(Heard::Until(ends))
    }
}
