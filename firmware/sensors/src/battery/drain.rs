//! A battery that is not there, and runs down: to see what happens then.

use std::time::Duration;

use picam_time::{BootNs, Clock};

use super::{Gauge, GaugeError, Reading, reading};

/// Voltages of a lithium cell from full to empty, in millivolts, a tenth of its charge apart; at rest. Cells differ by some
/// 50 mV.
const CURVE: [u16; 11] = [
    3_000, 3_450, 3_600, 3_680, 3_740, 3_790, 3_850, 3_920, 4_000, 4_090, 4_200,
];

/// Goes from full to empty within a time, and stays there.
pub(super) struct Drain<C> {
    clock: C,
    since: BootNs,
    lasts: Duration,
}

impl<C: Clock> Drain<C> {
    pub(super) fn new(clock: C, lasts: Duration) -> Self {
        let since = clock.now();
        Self {
            clock,
            since,
            lasts,
        }
    }

    #[cfg(test)]
    pub(super) fn set(&mut self, clock: C) {
        self.clock = clock;
    }
}

impl<C: Clock> Gauge for Drain<C> {
    fn read(&mut self) -> Result<Reading, GaugeError> {
        let gone = self.clock.now().since(self.since).as_secs_f32();
        let left = 1.0 - (gone / self.lasts.as_secs_f32().max(f32::EPSILON)).min(1.0);
        let place = left * 10.0;
        let at = |index: usize| f32::from(CURVE.get(index).copied().unwrap_or(4_200));
        let (below, above) = (at(place as usize), at(place as usize + 1));
        reading(
            (below + (above - below) * place.fract()) as u32,
            Some(left * 100.0),
        )
    }
}
