//! The writer's way to the place that it records to: opens it, leaves it for a better one, and decides what becomes of a
//! refusal.

use std::time::{Duration, Instant};

use picam_ring::{ATTEMPTS, Boot, Fault, RecordError, Recorder, Volume};

use super::Writer;
use crate::boot::boot_id;
use crate::volumes::Open;

/// Pause before the card is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// Once asked to stop, the card gets this long: the process must be gone within a second.
const LAST_CHANCE: Duration = Duration::from_millis(600);

impl Writer {
    /// Finishes the segment that is being recorded, so that the next one begins in the better place.
    pub(super) fn move_over(&mut self) -> Result<(), RecordError> {
        if let Some((recorder, _)) = &mut self.recorder {
            recorder.finish()?;
        }
        self.leave();
        self.moving = false;
        Ok(())
    }

    /// Lets go of the volume, and keeps what was counted.
    pub(super) fn leave(&mut self) {
        if let Some((recorder, _)) = self.recorder.take() {
            self.sequence = self.sequence.max(recorder.last_sequence());
            self.account = Some(recorder.dismiss());
        }
    }

    pub(super) fn open_volume(&mut self) -> Result<(), RecordError> {
        let open = || {
            let Open {
                which,
                directory,
                slots,
            } = self.volumes.open()?;
            slots.look(&directory)?;
            Ok((which, self.volumes.get(which).open()?.0, directory, slots))
        };
        let (volume, watch, directory, slots) = open().map_err(|source| RecordError::Io {
            doing: "opening the footage directory",
            source,
        })?;
        let boot = Boot::after(&directory, &slots.catalog(), boot_id());
        let account = self.account.take().unwrap_or_default();
        let recorder = Recorder::new(directory, self.config.clone(), boot, slots)
            .resume(account)
            .behind(self.sequence);
        self.recorder = Some((recorder, watch));
        self.told = 0;
        if std::mem::replace(&mut self.volume, volume) != volume {
            tracing::info!(camera = self.config.camera_name, "recording to {volume}");
        }
        self.report.records_to(volume);
        Ok(())
    }

    pub(super) fn worked(&mut self) {
        if std::mem::take(&mut self.stream_failed) {
            self.report.stream_works();
        }
        if std::mem::take(&mut self.card_failed) {
            tracing::info!(camera = self.config.camera_name, "recording again");
            self.report.card_works();
        }
        self.gave_up_at = None;
        self.refusals = 0;
    }

    /// Notes a refusal, and looks for the card anew if it is not there any more.
    pub(super) fn refused(&mut self, error: &RecordError) {
        let fault = error.io().map_or(Fault::Other, Fault::of);
        if !std::mem::replace(&mut self.card_failed, true) {
            tracing::error!(
                camera = self.config.camera_name,
                "{error}; {}",
                fault.remedy()
            );
        }
        self.report.card_failed(error.to_string(), fault.remedy());
        let here = self
            .recorder
            .as_ref()
            .is_some_and(|(_, watch)| watch.is_current().unwrap_or(false));
        self.refusals += 1;
        // A disk that was pulled is mounted for a while yet. The card takes over before the queue has filled.
        let is_given_up = self.volume == Volume::Usb && self.refusals >= ATTEMPTS;
        if is_given_up {
            self.volumes.refused(self.volume);
        }
        if is_given_up || !here {
            self.leave();
            self.refusals = 0;
        }
    }

    /// Waits a little before the next try; `false` if there is no time left for one.
    pub(super) fn may_try_again(&mut self, stopping: bool) -> bool {
        if stopping {
            let since = *self.gave_up_at.get_or_insert_with(Instant::now);
            if since.elapsed() > LAST_CHANCE {
                return false;
            }
        }
        std::thread::sleep(PAUSE);
        true
    }
}
