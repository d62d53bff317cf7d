//! The time in the recorder's process: the boot clock, and what time of day it is by the best of those who say.
//!
//! There is one of these. Names, headers, retention and what the simulated camera draws all ask it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use picam_time::{BootNs, BootTime, Clock, Offer, TimeAnchor, TimeSource, UtcUs};

const UNKNOWN: i64 = i64::MIN;
/// How long at most a pause goes on before it is asked whether it shall.
const NAP: Duration = Duration::from_millis(100);

/// The boot clock and the true time.
pub(crate) struct TrueTime {
    boot: Box<dyn Clock>,
    /// Taken by those who tell the time and by the housekeeper, never by a recording thread.
    told: Mutex<Told>,
    /// What recording threads read: UTC of the moment of booting in microseconds, or [`UNKNOWN`].
    booted_us: AtomicI64,
    /// Counts the times that were believed.
    changes: AtomicU64,
}

#[derive(Default)]
struct Told {
    time: BootTime,
    /// The strongest of the offers since the housekeeper asked last.
    since: Option<Offer>,
}

impl TrueTime {
    pub(crate) fn new(boot: impl Clock + 'static) -> Self {
        Self {
            boot: Box::new(boot),
            told: Mutex::new(Told {
                time: BootTime::new(),
                since: None,
            }),
            booted_us: AtomicI64::new(UNKNOWN),
            changes: AtomicU64::new(0),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody says what time it is.
    pub(crate) fn offer(&self, anchor: TimeAnchor) -> Offer {
        let mut told = self.told();
        let offer = told.time.offer(anchor, self.boot.now());
        if offer != Offer::Ignored {
            self.believe(&mut told, offer);
        }
        offer
    }

    /// This is when the newest footage of earlier boots was recorded: what is behind it is believed last. Whether that makes
    /// another time believed, which is news as an offer is.
    pub(crate) fn note_footage(&self, newest: Option<UtcUs>) -> bool {
        let mut told = self.told();
        let offer = told.time.note_footage(newest, self.boot.now());
        if let Some(offer) = offer {
            self.believe(&mut told, offer);
        }
        offer.is_some()
    }

    fn believe(&self, told: &mut Told, offer: Offer) {
        let strongest = told.since.filter(|since| since.moves_segments());
        told.since = strongest.or(Some(offer));
        let booted = told.time.booted().map_or(UNKNOWN, |booted| booted.0);
        self.booted_us.store(booted, Ordering::Release);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// What is known, and the strongest offer since this was asked last.
    pub(crate) fn news(&self) -> (BootTime, Option<Offer>) {
        let mut told = self.told();
        (told.time, told.since.take())
    }

    /// The news could not be acted on.
    pub(crate) fn not_done(&self, offer: Option<Offer>) {
        let mut told = self.told();
        let newer = told.since.filter(|since| since.moves_segments());
        told.since = newer.or(offer).or(told.since);
    }

    /// What is known.
    pub(crate) fn known(&self) -> BootTime {
        self.told().time
    }

    /// UTC of the moment of booting, if known, and how often that has changed.
    pub(crate) fn booted(&self) -> (Option<UtcUs>, u64) {
        let changes = self.changes.load(Ordering::Acquire);
        let booted = self.booted_us.load(Ordering::Acquire);
        ((booted != UNKNOWN).then_some(UtcUs(booted)), changes)
    }

    /// Sleeps for so long, as long as it shall: that is asked now and then.
    pub(crate) fn sleep_while(&self, pause: Duration, shall: impl Fn() -> bool) {
        let end = self.now() + pause;
        while shall() && self.now() < end {
            self.sleep(NAP.min(end.since(self.now())));
        }
    }

    /// Believes the system's clock, unless that was obviously never set.
    pub(crate) fn believe_system_clock(&self) {
        let utc = UtcUs::from(SystemTime::now());
        match TimeAnchor::new(self.boot.now(), utc, TimeSource::System) {
            Ok(anchor) => drop(self.offer(anchor)),
            Err(error) => tracing::info!("the time is unknown: {error}"),
        }
    }
}

impl Clock for TrueTime {
    fn now(&self) -> BootNs {
        self.boot.now()
    }

    fn utc(&self) -> Option<UtcUs> {
        let (booted, _) = self.booted();
        Some(booted?.after_boot(self.now()))
    }

    fn sleep(&self, duration: Duration) {
        self.boot.sleep(duration);
    }
}

#[cfg(test)]
mod tests {
    use picam_testkit::TurnedClock;

    use super::*;

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);

    #[test]
    fn a_pause_ends_when_it_is_over_or_shall_not_go_on() {
        let clock = TurnedClock::default();
        let time = TrueTime::new(clock.clone());
        let begun = clock.now();
        time.sleep_while(5 * NAP / 2, || false);
        assert_eq!(clock.now(), begun);
        time.sleep_while(5 * NAP / 2, || true);
        assert_eq!(clock.now(), begun + 5 * NAP / 2);
        time.sleep_while(5 * NAP / 2, || clock.now() < begun + 3 * NAP);
        assert_eq!(clock.now(), begun + 7 * NAP / 2);
    }
    const HOUR: Duration = Duration::from_secs(3600);

    fn offer(time: &TrueTime, utc: UtcUs, source: TimeSource) -> Offer {
        time.offer(TimeAnchor::new(time.now(), utc, source).unwrap())
    }

    #[test]
    fn utc_is_unknown_until_told_and_then_runs() {
        let clock = TurnedClock::default();
        clock.turn(HOUR);
        let time = TrueTime::new(clock.clone());
        assert_eq!(time.utc(), None);
        offer(&time, NOON, TimeSource::Ntp);
        clock.turn(HOUR);
        assert_eq!(time.utc(), Some(NOON + HOUR));
    }

    #[test]
    fn a_correction_is_news_and_a_worse_source_is_none() {
        let time = TrueTime::new(TurnedClock::default());
        assert_eq!(offer(&time, NOON, TimeSource::Ntp), Offer::First);
        let later = NOON + HOUR;
        assert_eq!(offer(&time, later, TimeSource::Ntp), Offer::Corrected);
        let later = later + Duration::from_micros(1);
        assert_eq!(offer(&time, later, TimeSource::Ntp), Offer::Refreshed);
        assert_eq!(offer(&time, NOON, TimeSource::Phone), Offer::Ignored);
        assert_eq!(time.news().1, Some(Offer::Corrected));
        assert_eq!(time.news().1, None);
        time.not_done(Some(Offer::Corrected));
        assert_eq!(time.news().1, Some(Offer::Corrected));
        assert_eq!(time.booted().1, 3);
    }

    #[test]
    fn a_time_that_footage_speaks_against_is_news_to_all_who_follow_it() {
        let time = TrueTime::new(TurnedClock::default());
        offer(&time, NOON, TimeSource::Gps);
        offer(&time, NOON + 2 * HOUR, TimeSource::Phone);
        let (_, told) = time.booted();
        time.news();
        assert!(!time.note_footage(Some(NOON)));
        assert_eq!((time.news().1, time.booted().1), (None, told));
        assert!(time.note_footage(Some(NOON + HOUR)));
        assert_eq!(time.news().1, Some(Offer::Better));
        assert_eq!(time.booted(), (Some(NOON + 2 * HOUR), told + 1));
        assert_eq!(time.utc(), Some(NOON + 2 * HOUR));
    }

    #[test]
    fn the_systems_clock_is_believed_if_asked_to() {
        let clock = TurnedClock::default();
        let time = TrueTime::new(clock.clone());
        time.believe_system_clock();
        let system = UtcUs::from(SystemTime::now());
        assert!(time.utc().unwrap().apart(system) < HOUR);
        time.sleep(HOUR);
        assert_eq!(clock.now(), BootNs::ZERO + HOUR);
    }
}
