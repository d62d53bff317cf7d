//! Holds frames back until they are due.

use std::sync::Arc;
use std::time::Duration;

use picam_media::TIMESCALE;

use crate::Clock;

/// Ties decode times to the boot clock: the first unit is due at once.
pub(crate) struct Pacer {
    clock: Arc<dyn Clock>,
    /// Boot time of tick 0.
    zero_ns: Option<i64>,
    live: bool,
}

impl Pacer {
    /// `live`: frames wait for their time; else they only get one.
    pub(crate) fn new(clock: Arc<dyn Clock>, live: bool) -> Self {
        Self {
            clock,
            zero_ns: None,
            live,
        }
    }

    pub(crate) const fn is_live(&self) -> bool {
        self.live
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// When `ticks` ([`TIMESCALE`]) is due, in nanoseconds since boot.
    pub(crate) fn due_ns(&mut self, ticks: i64) -> u64 {
        let ns = ticks_to_ns(ticks);
        let zero = *self.zero_ns.get_or_insert_with(|| {
            i64::try_from(self.clock.boot_ns())
                .unwrap_or(i64::MAX)
                .saturating_sub(ns)
        });
        u64::try_from(zero.saturating_add(ns)).unwrap_or(0)
    }

    /// Waits for `due_ns`, at most `timeout`; whether it has come.
    pub(crate) fn wait(&self, due_ns: u64, timeout: Duration) -> bool {
        if !self.live {
            return true;
        }
        let wait = Duration::from_nanos(due_ns.saturating_sub(self.clock.boot_ns()));
        if wait.is_zero() {
            return true;
        }
        self.clock.sleep(wait.min(timeout));
        wait <= timeout
    }
}

/// [`TIMESCALE`] ticks in nanoseconds, rounded down.
fn ticks_to_ns(ticks: i64) -> i64 {
    let ns = i128::from(ticks) * 1_000_000_000 / i128::from(TIMESCALE);
    i64::try_from(ns).unwrap_or(i64::MAX)
}
