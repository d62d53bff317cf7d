//! A clock that is turned by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use picam_time::{BootNs, Clock, UtcUs};

/// A boot clock that moves only when a test turns it or somebody sleeps. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct TurnedClock(Arc<AtomicU64>);

impl TurnedClock {
    /// Lets time go by.
    pub fn turn(&self, by: Duration) {
        self.0.fetch_add(by.as_nanos() as u64, Ordering::SeqCst);
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> BootNs {
        BootNs(self.0.load(Ordering::SeqCst))
    }

    fn utc(&self) -> Option<UtcUs> {
        None
    }

    fn sleep(&self, duration: Duration) {
        self.turn(duration);
    }
}
