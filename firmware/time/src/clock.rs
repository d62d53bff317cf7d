//! The present, handed in so that tests can bring their own.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::{BootNs, UtcUs};

/// A clock that also runs while the board sleeps, and what is known of UTC.
pub trait Clock: Send + Sync {
    /// Now; never goes back.
    fn now(&self) -> BootNs;

    /// Now in UTC; `None` until somebody said what time it is.
    fn utc(&self) -> Option<UtcUs>;

    /// Returns after `duration`, or a little later.
    fn sleep(&self, duration: Duration);
}

/// The kernel's boot clock. It does not know UTC: the board has no clock of its own to be trusted.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> BootNs {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = BootNs::from_secs(u64::try_from(now.tv_sec).unwrap_or(0));
        seconds + Duration::from_nanos(u64::try_from(now.tv_nsec).unwrap_or(0))
    }

    fn utc(&self) -> Option<UtcUs> {
        None
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_clock_runs_and_knows_no_date() {
        let clock = SystemClock;
        let before = clock.now();
        clock.sleep(Duration::from_millis(2));
        assert!(clock.now().since(before) >= Duration::from_millis(2));
        assert_eq!(clock.utc(), None);
    }
}
