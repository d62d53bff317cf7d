//! The time in the recorder's process: the boot clock, and what time of day it is by the best of those who said.
//!
//! There is one of these. Names, headers, retention and what the simulated camera draws all ask it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use picam_capture::Clock;
use picam_ring::{AnchorError, BootTime, Offer, TimeAnchor, TimeSource};

const UNKNOWN: i64 = i64::MIN;

/// The boot clock and the true time.
pub(crate) struct TrueTime {
    boot: Box<dyn Clock>,
    /// Taken by those who tell the time and by the housekeeper, never by a recording thread.
    said: Mutex<Said>,
    /// What recording threads read: UTC less boot time in microseconds, or [`UNKNOWN`].
    utc_minus_boot_us: AtomicI64,
    /// Counts the times that were taken.
    changes: AtomicU64,
}

#[derive(Default)]
struct Said {
    time: BootTime,
    /// The strongest of the offers since the housekeeper asked last.
    since: Option<Offer>,
}

impl TrueTime {
    pub(super) fn new(boot: impl Clock + 'static) -> Self {
        Self {
            boot: Box::new(boot),
            said: Mutex::new(Said {
                time: BootTime::new(),
                since: None,
            }),
            utc_minus_boot_us: AtomicI64::new(UNKNOWN),
            changes: AtomicU64::new(0),
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody says that it was `utc_us` (microseconds since 1970) at `boot_ns`.
    pub(crate) fn offer(
        &self,
        boot_ns: u64,
        utc_us: i64,
        source: TimeSource,
    ) -> Result<Offer, AnchorError> {
        let anchor = TimeAnchor::new(boot_ns, utc_us, source)?;
        let mut said = self.said();
        let offer = said.time.offer(anchor, self.boot.boot_ns());
        if offer != Offer::Ignored {
            let strongest = said.since.filter(|since| since.moves_segments());
            said.since = strongest.or(Some(offer));
            let offset = said.time.utc_minus_boot_us().unwrap_or(UNKNOWN);
            self.utc_minus_boot_us.store(offset, Ordering::Release);
            self.changes.fetch_add(1, Ordering::Release);
        }
        Ok(offer)
    }

    /// What is known, and the strongest offer since this was asked last.
    pub(super) fn news(&self) -> (BootTime, Option<Offer>) {
        let mut said = self.said();
        (said.time, said.since.take())
    }

    /// The news could not be acted on.
    pub(super) fn not_done(&self, offer: Option<Offer>) {
        let mut said = self.said();
        let newer = said.since.filter(|since| since.moves_segments());
        said.since = newer.or(offer).or(said.since);
    }

    /// What is known.
    pub(crate) fn known(&self) -> BootTime {
        self.said().time
    }

    /// UTC less boot time in microseconds, if known, and how often that has changed.
    pub(super) fn utc_minus_boot_us(&self) -> (Option<i64>, u64) {
        let changes = self.changes.load(Ordering::Acquire);
        let offset = self.utc_minus_boot_us.load(Ordering::Acquire);
        ((offset != UNKNOWN).then_some(offset), changes)
    }

    /// Believes the system's clock, unless that was obviously never set.
    pub(super) fn believe_system_clock(&self) {
        let boot_ns = self.boot.boot_ns();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let utc_us = i64::try_from(now.as_micros()).unwrap_or(0);
        if let Err(error) = self.offer(boot_ns, utc_us, TimeSource::System) {
            tracing::info!("the time is unknown: {error}");
        }
    }
}

impl Clock for TrueTime {
    fn boot_ns(&self) -> u64 {
        self.boot.boot_ns()
    }

    fn utc_us(&self) -> Option<i64> {
        let (offset, _) = self.utc_minus_boot_us();
        Some(offset?.saturating_add((self.boot_ns() / 1000) as i64))
    }

    fn sleep(&self, duration: Duration) {
        self.boot.sleep(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_172_880_000_000;

    #[test]
    fn utc_is_unknown_until_told_and_then_runs() {
        let time = TrueTime::new(picam_capture::SystemClock);
        assert_eq!(time.utc_us(), None);
        let now = time.boot_ns();
        time.offer(now, NOON, TimeSource::Ntp).unwrap();
        let utc = time.utc_us().unwrap();
        assert!((0..60_000_000).contains(&(utc - NOON)), "{utc}");
    }

    #[test]
    fn a_correction_is_news_and_a_worse_source_is_none() {
        let time = TrueTime::new(picam_capture::SystemClock);
        let now = time.boot_ns();
        let offer = |utc_us, source| time.offer(now, utc_us, source).unwrap();
        assert_eq!(offer(NOON, TimeSource::Ntp), Offer::First);
        assert_eq!(
            offer(NOON + 3_600_000_000, TimeSource::Ntp),
            Offer::Corrected
        );
        assert_eq!(
            offer(NOON + 3_600_000_001, TimeSource::Ntp),
            Offer::Refreshed
        );
        assert_eq!(offer(NOON, TimeSource::Phone), Offer::Ignored);
        assert_eq!(time.news().1, Some(Offer::Corrected));
        assert_eq!(time.news().1, None);
        time.not_done(Some(Offer::Corrected));
        assert_eq!(time.news().1, Some(Offer::Corrected));
        assert_eq!(time.utc_minus_boot_us().1, 3);
    }
}
