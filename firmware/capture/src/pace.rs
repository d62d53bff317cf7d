//! Holds frames back until they are due.

use std::sync::Arc;
use std::time::Duration;

use picam_media::TIMESCALE;
use picam_time::{BootNs, Clock, Ticks};

/// Ties decode times to the boot clock: the first unit is due at once.
pub(crate) struct Pacer {
    clock: Arc<dyn Clock>,
    /// Decode time of the first unit, and when it was due.
    first: Option<(i64, BootNs)>,
    live: bool,
}

impl Pacer {
    /// `live`: frames wait for their time; else they only get one.
    pub(crate) fn new(clock: Arc<dyn Clock>, live: bool) -> Self {
        Self {
            clock,
            first: None,
            live,
        }
    }

    /// The same, with the first unit due at the next full second of the boot clock.
    pub(crate) fn on_full_seconds(mut self) -> Self {
        let next = BootNs::from_secs(self.clock.now().seconds() + 1);
        self.first = Some((0, next));
        self
    }

    pub(crate) const fn is_live(&self) -> bool {
        self.live
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// When `ticks` ([`TIMESCALE`]) is due.
    pub(crate) fn due(&mut self, ticks: i64) -> BootNs {
        let ns = Ticks::new(ticks, TIMESCALE).nanos();
        let (first_ns, due) = *self.first.get_or_insert_with(|| (ns, self.clock.now()));
        due.shifted_ns(ns.saturating_sub(first_ns))
    }

    /// Waits until `due`, at most `timeout`; whether it has come.
    pub(crate) fn wait(&self, due: BootNs, timeout: Duration) -> bool {
        if !self.live {
            return true;
        }
        let wait = due.since(self.clock.now());
        if wait.is_zero() {
            return true;
        }
        self.clock.sleep(wait.min(timeout));
        wait <= timeout
    }
}
