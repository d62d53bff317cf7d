//! Drives the simulated car, and hands what it measures to every camera.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use picam_media::AccessUnit;
use picam_sensors::{Drive, Road};
use picam_time::Clock;

use crate::side_input::SideSenders;
use crate::true_time::TrueTime;

/// How long at most it sleeps before looking whether to stop.
const NAP: Duration = Duration::from_millis(200);
/// What is longer ago was missed: the machine stood still, and nobody measured.
const MISSED: Duration = Duration::from_secs(1);

/// Runs until `stop` is set.
pub(crate) fn run(clock: &Arc<TrueTime>, cameras: &SideSenders, stop: &AtomicBool) {
    let mut drive = Drive::new(Road::default(), clock.now());
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
        cameras.send(&unit);
    }
}

#[cfg(test)]
mod tests {
    use picam_testkit::TurnedClock;
    use picam_time::{BootNs, TimeAnchor, TimeSource, UtcUs};

    use super::*;
    use crate::side_input::side_input;

    #[test]
    fn it_measures_until_told_to_stop_and_skips_what_it_missed() {
        let clock = TurnedClock::default();
        clock.turn(100 * MISSED);
        let time = Arc::new(TrueTime::new(clock.clone()));
        // A receiver without time has no fix.
        let noon = UtcUs(1_795_172_880_000_000);
        time.offer(TimeAnchor::new(clock.now(), noon, TimeSource::Phone).unwrap());
        let (sender, input) = side_input();
        let cameras = SideSenders::default();
        cameras.add(sender);
        let stop = AtomicBool::new(false);
        let mut captured = Vec::new();
        std::thread::scope(|scope| {
            // Time passes only as it sleeps.
            let thread = scope.spawn(|| run(&time, &cameras, &stop));
            while captured.len() < 200 {
                match input.receive() {
                    Some(unit) => captured.push(unit.captured),
                    None => std::thread::sleep(Duration::from_millis(1)),
                }
            }
            assert!(!thread.is_finished());
            stop.store(true, Ordering::SeqCst);
            thread.join().unwrap();
        });
        assert!(captured[0] >= BootNs::from_secs(100));
        assert!(captured.is_sorted());
        // The machine stood still: what would have been measured then was not.
        let stopped = AtomicBool::new(true);
        run(&time, &cameras, &stopped);
    }
}
