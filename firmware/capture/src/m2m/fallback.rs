//! Hardware as long as it works, software from then on.

use std::time::Duration;

use picam_media::{AccessUnit, EncoderSettings, Yuv420};

use super::encoder::Hardware;
use super::port::Port;
use crate::{CaptureError, Encode, EncoderCounts, Software, Times};

/// An encoder in hardware that is replaced by software when it does not work any more, not even set up anew.
pub(super) struct WithFallback {
    now: Box<dyn Encode>,
    is_hardware: bool,
    settings: EncoderSettings,
    /// What the hardware had done when it was given up.
    before: EncoderCounts,
    /// Pictures lost, of those that units have told.
    told: u64,
    /// Pictures that the hardware lost and no unit has told yet.
    untold: u32,
}

impl WithFallback {
    pub(super) fn new<P: Port + 'static>(hardware: Hardware<P>, settings: EncoderSettings) -> Self {
        Self {
            now: Box::new(hardware),
            is_hardware: true,
            settings,
            before: EncoderCounts::default(),
            told: 0,
            untold: 0,
        }
    }

    fn give_up(&mut self, error: &CaptureError) -> Result<(), CaptureError> {
        let mut counts = self.now.counts();
        counts.lost += std::mem::take(&mut counts.pending);
        let untold = (counts.handed_in - counts.coded).saturating_sub(self.told);
        let software = Software::new(self.settings, format!("{error}"))?;
        self.untold = u32::try_from(untold).unwrap_or(u32::MAX);
        self.before = counts;
        self.now = Box::new(software);
        self.is_hardware = false;
        Ok(())
    }
}

impl Encode for WithFallback {
    fn put(&mut self, picture: &Yuv420, times: Times, key: bool) -> Result<(), CaptureError> {
        match self.now.put(picture, times, key) {
            // It did not get as far as this picture.
            Err(error) if self.is_hardware => {
                self.give_up(&error)?;
                self.now.put(picture, times, key)
            }
            done => done,
        }
    }

    fn take(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<bool, CaptureError> {
        match self.now.take(unit, timeout) {
            Err(error) if self.is_hardware => self.give_up(&error).map(|()| false),
            Ok(true) => {
                let untold = std::mem::take(&mut self.untold);
                self.told += u64::from(unit.dropped_before);
                unit.dropped_before = unit.dropped_before.saturating_add(untold);
                Ok(true)
            }
            none => none,
        }
    }

    fn finish(&mut self) -> Result<(), CaptureError> {
        self.now.finish()
    }

    fn counts(&self) -> EncoderCounts {
        self.before.and(&self.now.counts())
    }

    fn describe(&self) -> String {
        self.now.describe()
    }
}
