//! A camera's writer thread: takes pictures from the queue and puts them on the card.
//!
//! What the card refuses is tried again with the same picture while the queue holds the next ones;
//! a card that was pulled is looked for until it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use picam_capture::Clock;
use picam_media::ParameterSets;
use picam_mp4::{Counters, Sample, TrackConfig};
use picam_ring::{
    Account, Boot, Fault, FsDirectory, Loss, Picture, RecordError, Recorder, RingConfig, Taken,
};

use super::boot::{Card, boot_id};
use super::queue::{Item, Receiver};
use super::status::Report;
use super::tracks;
use super::true_time::TrueTime;

/// How often what waits for pictures that do not come is looked after.
const TICK: Duration = Duration::from_millis(50);
/// Pause before the card is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// Once asked to stop, the card gets this long: the process must be gone within a second.
const LAST_CHANCE: Duration = Duration::from_millis(600);

pub(super) struct Writer {
    card: Card,
    config: RingConfig,
    clock: Arc<TrueTime>,
    report: Report,
    recorder: Option<(Recorder<FsDirectory>, FsDirectory)>,
    sets: Option<Arc<ParameterSets>>,
    tracks: Option<Arc<Vec<TrackConfig>>>,
    last_dts: Option<i64>,
    usual_duration: u32,
    /// How many times the true time had been told when the recorder heard of it.
    told: u64,
    card_failed: bool,
    stream_failed: bool,
    /// Lost while there was no recorder to count it.
    lost: Counters,
    /// Whether the last picture had no segment to go to: a key frame would help.
    skipped: bool,
    /// The count of a recorder whose card is gone.
    account: Option<Account>,
    last_tick: Instant,
    gave_up_at: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        card: Card,
        config: RingConfig,
        clock: Arc<TrueTime>,
        report: Report,
    ) -> Self {
        Self {
            card,
            config,
            clock,
            report,
            recorder: None,
            sets: None,
            tracks: None,
            last_dts: None,
            usual_duration: picam_media::TIMESCALE / 30,
            told: 0,
            card_failed: false,
            stream_failed: false,
            lost: Counters::default(),
            skipped: false,
            account: None,
            last_tick: Instant::now(),
            gave_up_at: None,
        }
    }

    /// Records until the queue is closed and empty, then finishes the last segment.
    pub(super) fn run(mut self, mut queue: Receiver, capture: &Thread, stop: &AtomicBool) {
        while !queue.is_done() {
            if let Some(item) = queue.receive() {
                self.record(&item, stop);
                if std::mem::take(&mut self.skipped) {
                    queue.request_key_frame();
                }
                queue.give_back(item, capture);
            }
            self.tick();
        }
        while let Some((recorder, _)) = &mut self.recorder {
            match recorder.finish() {
                Ok(()) => break,
                Err(error) => {
                    self.refused(&error);
                    if !self.may_try_again(true) {
                        break;
                    }
                }
            }
        }
    }

    /// Lets the recorder look after what waits.
    fn tick(&mut self) {
        if self.last_tick.elapsed() < TICK {
            return;
        }
        self.last_tick = Instant::now();
        let now = self.clock.boot_ns();
        let Some((recorder, _)) = &mut self.recorder else {
            return;
        };
        match recorder.tick(now) {
            Ok(()) => self.report_progress(),
            Err(error) => self.refused(&error),
        }
    }

    /// Puts one picture on the card, however long that takes, unless asked to stop meanwhile.
    fn record(&mut self, item: &Item, stop: &AtomicBool) {
        let unit = &item.unit;
        self.lost.add(&Counters {
            dropped_encoder: unit.dropped_before,
            dropped_queue: item.lost_in_queue,
            stream_damage: unit.damage_before,
            ..Counters::default()
        });
        let Some(tracks) = self.tracks_for(unit.parameter_sets.as_ref()) else {
            self.report.fault_persists();
            self.lost.lost_undecodable = self.lost.lost_undecodable.saturating_add(1);
            self.report_progress();
            return;
        };
        let composition_offset = unit.composition_offset().unwrap_or_else(|| {
            self.lost.times_changed = self.lost.times_changed.saturating_add(1);
            0
        });
        let picture = Picture {
            sample: Sample {
                track: 0,
                dts: unit.dts,
                composition_offset,
                duration: self.usual_duration(unit.dts),
                key: unit.start.is_start(),
                captured_boot_ns: unit.captured_boot_ns,
                data: &unit.data,
            },
            lost_before: self.lost,
        };
        loop {
            match self.push(&picture, &tracks) {
                Ok(taken) => {
                    self.lost = Counters::default();
                    self.skipped = taken != Taken::Yes;
                    if taken == Taken::Yes {
                        self.worked();
                    }
                    break;
                }
                // The recorder counts it.
                Err(error @ RecordError::Write(_)) => {
                    self.lost = Counters::default();
                    self.stream_failed(error.to_string());
                    break;
                }
                Err(error) => {
                    self.refused(&error);
                    if !self.may_try_again(stop.load(Ordering::SeqCst)) {
                        self.lose(&picture);
                        break;
                    }
                }
            }
        }
        self.report_progress();
    }

    fn push(
        &mut self,
        picture: &Picture<'_>,
        tracks: &Arc<Vec<TrackConfig>>,
    ) -> Result<Taken, RecordError> {
        if self.recorder.is_none() {
            self.open_card()?;
        }
        let (utc_minus_boot_us, told) = self.clock.utc_minus_boot_us();
        let Some((recorder, _)) = &mut self.recorder else {
            return Ok(Taken::Skipped);
        };
        recorder.set_now(self.clock.boot_ns());
        if let Some(offset) = utc_minus_boot_us.filter(|_| told != self.told) {
            // A name or header that cannot be put right now is no reason to lose the picture: it is tried with the next one.
            match recorder.set_utc(offset) {
                Ok(()) => self.told = told,
                Err(error) => tracing::debug!("the segment being recorded keeps its time: {error}"),
            }
        }
        recorder.push(picture, tracks)
    }

    fn open_card(&mut self) -> Result<(), RecordError> {
        let open = || {
            let (directory, slots) = self.card.open()?;
            slots.look(&directory)?;
            Ok((self.card.open()?.0, directory, slots))
        };
        let (watch, directory, slots) = open().map_err(|source| RecordError::Io {
            doing: "opening the footage directory",
            source,
        })?;
        let boot = Boot::after(&directory, &slots.catalog(), boot_id());
        let account = self.account.take().unwrap_or_default();
        let recorder = Recorder::new(directory, self.config.clone(), boot, slots).resume(account);
        self.recorder = Some((recorder, watch));
        self.told = 0;
        Ok(())
    }

    /// Tracks for these parameter sets; made anew only when they change.
    fn tracks_for(&mut self, sets: Option<&Arc<ParameterSets>>) -> Option<Arc<Vec<TrackConfig>>> {
        let sets = sets?;
        if self
            .sets
            .as_ref()
            .is_none_or(|known| !Arc::ptr_eq(known, sets))
        {
            self.tracks = tracks::video(sets)
                .inspect_err(|error| {
                    self.stream_failed(format!("the camera's stream cannot be stored: {error}"));
                })
                .ok();
            self.sets = Some(sets.clone());
        }
        self.tracks.clone()
    }

    /// How long a picture lasts if none follows: as long as the one before it did.
    fn usual_duration(&mut self, dts: i64) -> u32 {
        let lasted = self.last_dts.replace(dts).map(|last| dts - last);
        if let Some(lasted) = lasted.and_then(|lasted| u32::try_from(lasted).ok()) {
            self.usual_duration = lasted;
        }
        self.usual_duration
    }

    /// Gives a picture up that the card does not take.
    fn lose(&mut self, picture: &Picture<'_>) {
        match &mut self.recorder {
            Some((recorder, _)) => {
                recorder.lose(picture, Loss::Card);
                self.lost = Counters::default();
            }
            None => self.lost.lost_card = self.lost.lost_card.saturating_add(1),
        }
    }

    fn report_progress(&mut self) {
        let mut total = self.lost;
        let (mut durable_boot_ns, mut segment) = (0, None);
        if let Some((recorder, _)) = &self.recorder {
            total.add(recorder.total());
            durable_boot_ns = recorder.durable_boot_ns();
            segment = recorder.segment().map(|name| name.sequence);
        } else if let Some(account) = &self.account {
            total.add(account.total());
        }
        self.report.progress(&total, durable_boot_ns, segment);
    }

    fn stream_failed(&mut self, message: String) {
        self.stream_failed = true;
        tracing::error!(camera = self.config.camera_name, "{message}");
        self.report.stream_failed(message);
    }

    fn worked(&mut self) {
        if std::mem::take(&mut self.stream_failed) {
            self.report.stream_works();
        }
        if std::mem::take(&mut self.card_failed) {
            tracing::info!(camera = self.config.camera_name, "recording again");
            self.report.card_works();
        }
        self.gave_up_at = None;
    }

    /// Notes a refusal, and looks for the card anew if it is not there any more.
    fn refused(&mut self, error: &RecordError) {
        let fault = error.io().map_or(Fault::Other, Fault::of);
        if !std::mem::replace(&mut self.card_failed, true) {
            tracing::error!(
                camera = self.config.camera_name,
                "{error}; {}",
                fault.remedy()
            );
        }
        self.report.card_failed(error.to_string(), fault.remedy());
        let here = self
            .recorder
            .as_ref()
            .is_some_and(|(_, watch)| watch.is_current().unwrap_or(false));
        if !here && let Some((recorder, _)) = self.recorder.take() {
            self.account = Some(recorder.dismiss());
        }
    }

    /// Waits a little before the next try; `false` if there is no time left for one.
    fn may_try_again(&mut self, stopping: bool) -> bool {
        if stopping {
            let since = *self.gave_up_at.get_or_insert_with(Instant::now);
            if since.elapsed() > LAST_CHANCE {
                return false;
            }
        }
        std::thread::sleep(PAUSE);
        true
    }
}
