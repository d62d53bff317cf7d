//! Hardware as long as it works, software from then on.

use std::time::Duration;

use picam_media::{AccessUnit, EncoderSettings, Yuv420};

use super::encoder::Hardware;
use super::port::Port;
use crate::{CaptureError, Encode, EncoderCounts, Software, Times};

/// An encoder in hardware that is replaced by software when it does not work any more, not even set up anew.
pub(super) struct WithFallback<P> {
    now: Now<P>,
    settings: EncoderSettings,
    /// What the hardware had done when it was given up.
    before: EncoderCounts,
    /// Pictures lost, of those that units have told.
    told: u64,
    /// Pictures that the hardware lost and no unit has told yet.
    untold: u32,
}

enum Now<P> {
    Hardware(Box<Hardware<P>>),
    Software(Box<Software>),
}

impl<P: Port> WithFallback<P> {
    pub(super) fn new(hardware: Hardware<P>, settings: EncoderSettings) -> Self {
        Self {
            now: Now::Hardware(Box::new(hardware)),
            settings,
            before: EncoderCounts::default(),
            told: 0,
            untold: 0,
        }
    }

    fn give_up(&mut self, error: &CaptureError) -> Result<(), CaptureError> {
        let Now::Hardware(hardware) = &self.now else {
            return Ok(());
        };
        let mut counts = hardware.counts();
        counts.lost += std::mem::take(&mut counts.pending);
        let untold = (counts.handed_in - counts.coded).saturating_sub(self.told);
        let software = Software::new(self.settings, format!("{error}"))?;
        self.untold = u32::try_from(untold).unwrap_or(u32::MAX);
        self.before = counts;
        self.now = Now::Software(Box::new(software));
        Ok(())
    }
}

impl<P: Port> Encode for WithFallback<P> {
    fn put(&mut self, picture: &Yuv420, times: Times, key: bool) -> Result<(), CaptureError> {
        if let Now::Hardware(hardware) = &mut self.now {
            match hardware.put(picture, times, key) {
                Ok(()) => return Ok(()),
                // It did not get as far as this picture.
                Err(error) => self.give_up(&error)?,
            }
        }
        match &mut self.now {
            Now::Software(software) => software.put(picture, times, key),
            Now::Hardware(_) => Ok(()),
        }
    }

    fn take(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<bool, CaptureError> {
        match &mut self.now {
            Now::Hardware(hardware) => match hardware.take(unit, timeout) {
                Ok(came) => {
                    self.told += if came {
                        u64::from(unit.dropped_before)
                    } else {
                        0
                    };
                    Ok(came)
                }
                Err(error) => self.give_up(&error).map(|()| false),
            },
            Now::Software(software) => {
                let came = software.take(unit, timeout)?;
                if came {
                    let untold = std::mem::take(&mut self.untold);
                    unit.dropped_before = unit.dropped_before.saturating_add(untold);
                }
                Ok(came)
            }
        }
    }

    fn finish(&mut self) -> Result<(), CaptureError> {
        match &mut self.now {
            Now::Hardware(hardware) => hardware.finish(),
            Now::Software(software) => software.finish(),
        }
    }

    fn set_bitrate(&mut self, bitrate: u32) -> bool {
        match &mut self.now {
            Now::Hardware(hardware) => {
                self.settings.bitrate = bitrate;
                hardware.set_bitrate(bitrate)
            }
            Now::Software(software) => software.set_bitrate(bitrate),
        }
    }

    fn counts(&self) -> EncoderCounts {
        match &self.now {
            Now::Hardware(hardware) => hardware.counts(),
            Now::Software(software) => self.before.and(&software.counts()),
        }
    }

    fn describe(&self) -> String {
        match &self.now {
            Now::Hardware(hardware) => hardware.describe(),
            Now::Software(software) => software.describe(),
        }
    }
}
