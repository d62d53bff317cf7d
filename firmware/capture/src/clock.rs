//! The time, handed in so that tests can bring their own.

use std::sync::atomic::{AtomicI64, Ordering};
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

const UNKNOWN: i64 = i64::MIN;

/// The kernel's boot clock. UTC comes from whoever knows it ([`SystemClock::set_utc`]): the board has
/// no clock of its own to be trusted.
pub struct SystemClock {
    /// UTC less boot time in microseconds, or [`UNKNOWN`].
    utc_offset_us: AtomicI64,
}

impl SystemClock {
    /// A clock that does not know UTC yet.
    pub const fn new() -> Self {
        Self {
            utc_offset_us: AtomicI64::new(UNKNOWN),
        }
    }

    /// It was `utc_us` (microseconds since 1970) at `boot_ns`.
    pub fn set_utc(&self, boot_ns: u64, utc_us: i64) {
        let offset = utc_us.saturating_sub((boot_ns / 1000) as i64);
        self.utc_offset_us.store(offset, Ordering::Relaxed);
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn boot_ns(&self) -> u64 {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
    }

    fn utc_us(&self) -> Option<i64> {
        let offset = self.utc_offset_us.load(Ordering::Relaxed);
        (offset != UNKNOWN).then(|| offset.saturating_add((self.boot_ns() / 1000) as i64))
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that moves only when somebody sleeps.
#[cfg(test)]
pub(crate) mod test_clock {
    use std::sync::atomic::AtomicU64;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_is_unknown_until_told_and_then_runs() {
        let clock = SystemClock::new();
        assert_eq!(clock.utc_us(), None);
        let now = clock.boot_ns();
        clock.set_utc(now, 1_795_000_000_000_000);
        let utc = clock.utc_us().unwrap();
        assert!(
            (0..1_000_000).contains(&(utc - 1_795_000_000_000_000)),
            "{utc}"
        );
    }
}
