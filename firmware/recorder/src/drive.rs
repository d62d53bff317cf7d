//! Drives the simulated car, and hands what it measures to every camera.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use picam_media::AccessUnit;
use picam_sensors::{Drive, DriveParams};
use picam_time::Clock;

use crate::side_input::SideSender;
use crate::true_time::TrueTime;

/// How long at most it sleeps before looking whether to stop.
const NAP: Duration = Duration::from_millis(200);
/// What is longer ago was missed: the machine stood still, and nobody measured.
const MISSED: Duration = Duration::from_secs(1);

/// Runs until `stop` is set, or nobody listens any more.
pub(crate) fn run(clock: &Arc<TrueTime>, cameras: &[SideSender], stop: &AtomicBool) {
    let mut drive = Drive::new(DriveParams::default(), clock.now());
    let mut unit = AccessUnit::new();
    while !stop.load(Ordering::SeqCst) {
        let now = clock.now();
        let wait = drive.due().since(now);
        if !wait.is_zero() {
            clock.sleep(wait.min(NAP));
            continue;
        }
        let missed = now.since(drive.due()) > MISSED;
        if !drive.next(clock.booted().0, &mut unit) || missed {
            continue;
        }
        let mut heard = false;
        for camera in cameras {
            heard |= camera.send(unit.clone());
        }
        if !heard {
            return;
        }
    }
}
