//! The time, handed in so that tests can bring their own.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A clock that also runs while the board sleeps, and what is known of UTC.
pub trait Clock: Send + Sync {
    /// Nanoseconds since boot; never goes back.
    fn boot_ns(&self) -> u64;

    /// UTC in microseconds since 1970; `None` until somebody said what time it is.
    fn utc_us(&self) -> Option<i64>;

    /// Returns after `duration`, or a little later.
    fn sleep(&self, duration: Duration);
}

/// The kernel's boot clock. It does not know UTC: the board has no clock of its own to be trusted.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The clock.
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    fn boot_ns(&self) -> u64 {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
    }

    fn utc_us(&self) -> Option<i64> {
        None
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that moves only when somebody sleeps.
#[cfg(test)]
pub(crate) mod test_clock {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Default)]
    pub(crate) struct TestClock {
        ns: AtomicU64,
    }

    impl TestClock {
        pub(crate) fn advance(&self, duration: Duration) {
            self.ns
                .fetch_add(duration.as_nanos() as u64, Ordering::Relaxed);
        }
    }

    impl Clock for TestClock {
        fn boot_ns(&self) -> u64 {
            self.ns.load(Ordering::Relaxed)
        }

        fn utc_us(&self) -> Option<i64> {
            None
        }

        fn sleep(&self, duration: Duration) {
            self.advance(duration);
        }
    }
}
