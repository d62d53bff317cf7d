//! What every microphone looks like to whoever makes frames of its sound.

use std::time::Duration;

use picam_time::BootNs;

use crate::CaptureError;

/// What a call of [`Device::read`] brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Samples, the last of which was captured then.
    Until(BootNs),
    /// Nothing within the time given.
    Nothing,
    /// Nobody took samples for so long that some are lost; those to come do not follow those before.
    Overrun,
}

/// An open microphone.
pub(super) trait Device {
    /// Samples a second, and channels.
    fn format(&self) -> (u32, u16);

    /// Appends whole samples of all channels, interleaved, waiting for them at most `timeout`.
    fn read(&mut self, samples: &mut Vec<i16>, timeout: Duration) -> Result<Heard, CaptureError>;
}
