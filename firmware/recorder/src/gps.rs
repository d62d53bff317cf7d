//! Listens to the GPS receiver: what it says goes to every camera, and what time it is to whoever asks.
//!
//! A thread of its own, which may wait for a socket or a serial line. Recording threads only see what it puts into their
//! queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use picam_control::status::{Fault, GpsMode, GpsRejected, GpsStatus};
use picam_media::{AccessUnit, TIMESCALE, UnitKind};
use picam_sensors::gps::{
    Fix, FixFilter, GpsSource, GpsState, LinkError, Mode, Receiver, ReceiverClock, Rejected,
    Report, Tracker, true_utc,
};
use picam_time::{BootNs, Clock, Offer, UtcUs};

use crate::side_input::SideSenders;
use crate::true_time::TrueTime;

/// Pause after a line that could not be opened, or was lost; doubles with each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// gpsd may be started at any moment, a receiver plugged in.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// From text to text under the pictures.
const TEXT_EVERY: Duration = Duration::from_secs(1);
/// Fixes come a little sooner or later than a second apart.
const JITTER: Duration = Duration::from_millis(50);

/// What is shown of the receiver. Swapped as a whole: nobody waits.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    seen: ArcSwap<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    tracker: Tracker,
    rejected: Rejected,
    broken: u64,
    fault: Option<String>,
}

impl Shown {
    /// For the status; `None` if no receiver is wanted.
    pub(crate) fn status(&self, source: &GpsSource, now: BootNs) -> Option<GpsStatus> {
        if !source.is_on() {
            return None;
        }
        let seen = self.seen.load();
        let state = match seen.tracker.state(now) {
            GpsState::None => GpsMode::None,
            GpsState::Searching => GpsMode::Searching,
            GpsState::Fix(Mode::Fix2d) => GpsMode::Fix2d,
            GpsState::Fix(Mode::Fix3d) => GpsMode::Fix3d,
        };
        let fix = seen.tracker.fix();
        let now_fixed = fix.filter(|_| matches!(state, GpsMode::Fix2d | GpsMode::Fix3d));
        Some(GpsStatus {
            source: source.to_string(),
            state,
            satellites_used: now_fixed.and_then(|fix| fix.satellites),
            satellites_visible: seen.tracker.visible(now),
            hdop: now_fixed.and_then(|fix| fix.dops.horizontal),
            last_fix_ms_ago: fix.map(|fix| now.since(fix.captured).as_millis() as u64),
            rejected: GpsRejected {
                invalid: seen.rejected.invalid,
                poor: seen.rejected.poor,
                stale: seen.rejected.stale,
                frozen: seen.rejected.frozen,
                jumps: seen.rejected.jumps,
            },
            broken: seen.broken,
            fault: seen.fault.as_ref().map(|message| Fault {
                message: message.clone(),
                remedy: "check gps.source in picam.toml, and that the receiver is plugged in; it is tried again by itself"
                    .into(),
            }),
        })
    }
}

/// What listens.
pub(crate) struct Gps {
    clock: Arc<TrueTime>,
    cameras: SideSenders,
    shown: Arc<Shown>,
    tracker: Tracker,
    filter: FixFilter,
    time: ReceiverClock,
    /// Pieces that were damaged on lines before.
    broken: u64,
    unit: AccessUnit,
    next_text: BootNs,
    /// Whether it was said that the receiver's date cannot be used, or had to be put right.
    said_date: bool,
}

impl Gps {
    pub(crate) fn new(clock: Arc<TrueTime>, cameras: SideSenders, shown: Arc<Shown>) -> Self {
        Self {
            clock,
            cameras,
            shown,
            tracker: Tracker::default(),
            filter: FixFilter::default(),
            time: ReceiverClock::default(),
            broken: 0,
            unit: AccessUnit::new(),
            next_text: BootNs::ZERO,
            said_date: false,
        }
    }

    /// Runs until `stop` is set.
    pub(crate) fn run(mut self, source: &GpsSource, stop: &AtomicBool) {
        let mut pause = FIRST_PAUSE;
        let mut said = None;
        while !stop.load(Ordering::SeqCst) {
            let opened = Receiver::open(source, self.clock.now());
            let lost = opened.and_then(|mut receiver| {
                tracing::debug!("the line to the GPS receiver is open");
                self.listen(&mut receiver, &mut pause, stop)
            });
            let error = match lost {
                Ok(()) => return,
                Err(error) => error,
            };
            self.tracker.lost();
            let message = error.to_string();
            // A camera of picam's image listens for gpsd whether or not a receiver was bought.
            let is_fault = *source != GpsSource::Auto || matches!(error, LinkError::TooOld(_));
            if said.as_ref() != Some(&message) {
                match is_fault {
                    true => tracing::warn!("{message}; it is tried again by itself"),
                    false => tracing::info!("there is no GPS: {message}"),
                }
                said = Some(message.clone());
            }
            self.show(is_fault.then_some(message), 0);
            self.clock
                .sleep_while(pause, || !stop.load(Ordering::SeqCst));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Listens for as long as the line holds; `Ok` if it is told to stop.
    fn listen(
        &mut self,
        receiver: &mut Receiver,
        pause: &mut Duration,
        stop: &AtomicBool,
    ) -> Result<(), LinkError> {
        let clock = self.clock.clone();
        let mut shown_at = BootNs::ZERO;
        let mut rate = None;
        while !stop.load(Ordering::SeqCst) {
            let mut heard = false;
            let polled = receiver.poll(&*clock, &mut |report| {
                heard = true;
                self.take(&report);
            });
            if heard {
                *pause = FIRST_PAUSE;
            }
            if receiver.rate() != rate {
                rate = receiver.rate();
                if let Some(rate) = rate {
                    tracing::info!("the GPS receiver is understood at {rate} bits a second");
                }
            }
            let now = clock.now();
            if let Some(news) = self.tracker.news(now) {
                tracing::info!("{news}");
            }
            if heard || now.since(shown_at) >= TEXT_EVERY {
                shown_at = now;
                self.show(None, receiver.broken());
            }
            if polled.is_err() {
                self.broken += receiver.broken();
            }
            polled?;
        }
        Ok(())
    }

    fn show(&self, fault: Option<String>, broken: u64) {
        self.shown.seen.store(Arc::new(Seen {
            tracker: self.tracker.clone(),
            rejected: self.filter.rejected(),
            broken: self.broken + broken,
            fault,
        }));
    }

    /// Takes a report.
    fn take(&mut self, report: &Report) {
        self.tracker.heard(report, self.clock.now());
        let Report::Fix(fix) = report else {
            return;
        };
        if self.filter.check(fix).is_err() {
            return;
        }
        self.tracker.believed(fix);
        let utc = self.receivers_time(fix);
        if let Some(utc) = utc {
            self.tell_time(fix.captured, utc);
        }
        let utc = utc.or_else(|| Some(self.clock.booted().0?.after_boot(fix.captured)));
        self.record(fix, utc);
    }

    /// The time of a fix by the receiver, put right where its week counter began anew.
    fn receivers_time(&mut self, fix: &Fix) -> Option<UtcUs> {
        let said = fix.utc?;
        let corrected = true_utc(said);
        let news = match corrected {
            Ok(utc) if utc == said => None,
            Ok(_) => Some(
                "the GPS receiver's date is 1024 weeks behind, or a multiple: its week counter has begun anew; put right"
                    .to_owned(),
            ),
            Err(error) => Some(format!("{error}; its time is not used")),
        };
        if let Some(news) = news
            && !self.said_date
        {
            tracing::warn!("{news}");
            self.said_date = true;
        }
        corrected.ok()
    }

    fn tell_time(&mut self, captured: BootNs, utc: UtcUs) {
        // What is out of bounds was refused above.
        let Some(Ok(anchor)) = self.time.note(captured, utc) else {
            return;
        };
        match self.clock.offer(anchor) {
            Offer::Ignored => tracing::warn!(
                "another source says another time than GPS, and is believed (docs/recording.md, \"What time it is\")"
            ),
            Offer::Refreshed => {}
            offer => tracing::info!("GPS has told the time: {offer:?}"),
        }
    }

    /// Hands a fix to every camera, and once a second a line of text.
    fn record(&mut self, fix: &Fix, utc: Option<UtcUs>) {
        self.begin(UnitKind::Motion, fix);
        fix.write_sample(utc, &mut self.unit.data);
        self.cameras.send(&self.unit);
        if fix.captured + JITTER >= self.next_text {
            self.next_text = fix.captured + TEXT_EVERY;
            self.begin(UnitKind::Text, fix);
            fix.write_text(&mut self.unit.data);
            self.cameras.send(&self.unit);
        }
    }

    fn begin(&mut self, kind: UnitKind, fix: &Fix) {
        self.unit.begin(kind);
        self.unit.captured = fix.captured;
        self.unit.dts = fix.captured.ticks(TIMESCALE).value;
        self.unit.pts = self.unit.dts;
    }
}

#[cfg(test)]
mod tests {
    use picam_mp4::camm;
    use picam_testkit::TurnedClock;
    use picam_time::TimeSource;

    use super::*;
    use crate::side_input::{SideInput, side_input};

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn gps() -> (Gps, TurnedClock, SideInput) {
        let clock = TurnedClock::default();
        clock.turn(100 * SECOND);
        let (sender, input) = side_input();
        let time = Arc::new(TrueTime::new(clock.clone()));
        let cameras = SideSenders::default();
        cameras.add(sender);
        (Gps::new(time, cameras, Arc::default()), clock, input)
    }

    /// A fix that comes now, of a car that drives north.
    fn fix(gps: &Gps, utc: Option<UtcUs>) -> Report {
        let captured = gps.clock.now();
        let mut fix = Fix::at(captured, 48.0 + captured.as_secs_f64() * 1e-4, 11.0);
        fix.utc = utc;
        fix.speed = Some(11.0);
        Report::Fix(fix)
    }

    #[test]
    fn fixes_reach_a_camera_with_a_text_a_second_and_tell_the_time() {
        let (mut gps, clock, input) = gps();
        for n in 0..30 {
            let utc = NOON + SECOND * n / 10;
            let report = fix(&gps, Some(utc));
            gps.take(&report);
            clock.turn(SECOND / 10);
        }
        let units: Vec<AccessUnit> = std::iter::from_fn(|| input.receive()).collect();
        let fixes: Vec<camm::Fix> = units
            .iter()
            .filter_map(|unit| camm::Fix::from_sample(&unit.data))
            .collect();
        let texts = units.iter().filter(|unit| unit.kind == UnitKind::Text);
        assert_eq!((fixes.len(), texts.count()), (30, 3));
        assert_eq!(fixes[29].utc(), Some(NOON + SECOND * 29 / 10));
        assert_eq!(units[0].dts, 100 * 90_000);
        let known = gps.clock.known();
        assert_eq!(
            known.anchor().map(|anchor| anchor.source()),
            Some(TimeSource::Gps)
        );
        assert_eq!(gps.clock.utc(), Some(NOON + 3 * SECOND));
        gps.show(None, 2);
        let now = gps.clock.now();
        let source = GpsSource::Auto;
        let status = gps.shown.status(&source, now).unwrap();
        assert_eq!(
            (status.state, status.broken, status.last_fix_ms_ago),
            (GpsMode::Fix2d, 2, Some(100))
        );
        assert_eq!(gps.shown.status(&GpsSource::Off, now), None);
    }

    #[test]
    fn a_receiver_of_2007_is_put_right_and_one_of_1980_tells_nothing() {
        const WEEKS_1024: Duration = Duration::from_secs(1024 * 7 * 86_400);
        const EPOCH: UtcUs = UtcUs::from_secs(315_964_800);
        for (said, is) in [(NOON - WEEKS_1024, Some(NOON)), (EPOCH, None)] {
            let (mut gps, clock, input) = gps();
            for n in 0..5 {
                let report = fix(&gps, Some(said + n * SECOND));
                gps.take(&report);
                clock.turn(SECOND);
            }
            assert_eq!(gps.clock.utc(), is.map(|noon| noon + 5 * SECOND));
            // The place is recorded all the same; without a time that can be believed, without any.
            let unit = input.receive().unwrap();
            assert_eq!(camm::Fix::from_sample(&unit.data).is_some(), is.is_some());
            assert_eq!(camm::position(&unit.data).is_some(), is.is_none());
        }
    }

    #[test]
    fn what_is_not_believed_reaches_nobody_and_is_shown() {
        let (mut gps, clock, input) = gps();
        let report = fix(&gps, Some(NOON));
        gps.take(&report);
        // Frozen: the receiver says the same again and again.
        for _ in 0..5 {
            clock.turn(SECOND);
            gps.take(&report);
        }
        let motion = std::iter::from_fn(|| input.receive()).filter(|u| u.kind == UnitKind::Motion);
        assert_eq!(motion.count(), 1);
        gps.show(Some("unplugged".into()), 0);
        let status = gps.shown.status(&GpsSource::Auto, gps.clock.now()).unwrap();
        assert_eq!(status.rejected.stale, 5);
        assert_eq!(status.state, GpsMode::Searching);
        assert_eq!(
            status.fault.map(|fault| fault.message),
            Some("unplugged".into())
        );
    }

    #[test]
    fn fixes_that_come_a_little_sooner_than_a_second_apart_have_a_text_each() {
        let (mut gps, clock, input) = gps();
        for _ in 0..10 {
            let report = fix(&gps, None);
            gps.take(&report);
            clock.turn(SECOND - JITTER);
        }
        let units = std::iter::from_fn(|| input.receive());
        let texts = units.filter(|unit| unit.kind == UnitKind::Text);
        assert_eq!(texts.count(), 10);
    }

    #[test]
    fn a_source_that_is_not_there_is_tried_again_until_told_to_stop() {
        let (gps, clock, _input) = gps();
        let shown = gps.shown.clone();
        let stop = Arc::new(AtomicBool::new(false));
        // Nobody listens at a port that was just given back.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let source: GpsSource = format!("gpsd:{}", port.local_addr().unwrap())
            .parse()
            .unwrap();
        drop(port);
        let thread = {
            let (source, stop) = (source.clone(), stop.clone());
            std::thread::spawn(move || gps.run(&source, &stop))
        };
        let fault = loop {
            let status = shown.status(&source, clock.now()).unwrap();
            match status.fault {
                Some(fault) => break fault,
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        assert!(fault.message.contains("gpsd does not answer"), "{fault:?}");
        stop.store(true, Ordering::SeqCst);
        clock.turn(60 * SECOND);
        thread.join().unwrap();
    }
}
