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
use picam_mp4::{Sample, TrackConfig};
use picam_ring::{Boot, Fault, FsDirectory, Picture, RecordError, Recorder, RingConfig, Taken};

use super::boot::{Card, boot_id};
use super::queue::{Item, Receiver};
use super::status::Report;
use super::tracks;
use super::true_time::TrueTime;

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
    /// Pictures lost since the last one that is in a segment.
    lost: u32,
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
            lost: 0,
            gave_up_at: None,
        }
    }

    /// Records until the queue is closed and empty, then finishes the last segment.
    pub(super) fn run(mut self, mut queue: Receiver, capture: &Thread, stop: &AtomicBool) {
        while !queue.is_done() {
            let Some(item) = queue.receive() else {
                continue;
            };
            self.record(&item, stop);
            queue.give_back(item, capture);
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

    /// Puts one picture on the card, however long that takes, unless asked to stop meanwhile.
    fn record(&mut self, item: &Item, stop: &AtomicBool) {
        let unit = &item.unit;
        self.lost += item.lost_in_queue;
        let Some(tracks) = self.tracks_for(unit.parameter_sets.as_ref()) else {
            self.report.fault_persists();
            self.lose();
            return;
        };
        let picture = Picture {
            sample: Sample {
                track: 0,
                dts: unit.dts,
                composition_offset: u32::try_from(unit.pts - unit.dts).unwrap_or(0),
                duration: self.usual_duration(unit.dts),
                key: unit.key,
                captured_boot_ns: unit.captured_boot_ns,
                data: &unit.data,
            },
            lost_in_encoder: unit.dropped_before,
            lost_in_queue: self.lost,
        };
        loop {
            match self.push(&picture, &tracks) {
                Ok(Taken::Yes) => {
                    self.lost = 0;
                    self.worked();
                    return;
                }
                Ok(Taken::Skipped) => {
                    self.lose();
                    return;
                }
                Err(error) => {
                    self.refused(&error);
                    if matches!(error, RecordError::Write(_)) && error.io().is_none() {
                        // This picture will never fit; the next key frame begins anew.
                        self.lose();
                        return;
                    }
                    if !self.may_try_again(stop.load(Ordering::SeqCst)) {
                        self.lose();
                        return;
                    }
                }
            }
        }
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
        let recorder = Recorder::new(directory, self.config.clone(), boot, slots);
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
                    self.card_failed = true;
                    self.report.card_failed(
                        format!("the camera's stream cannot be stored: {error}"),
                        "choose another format for this camera",
                    );
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

    fn lose(&mut self) {
        self.lost = self.lost.saturating_add(1);
        self.report.lost_in_queue();
    }

    fn worked(&mut self) {
        if std::mem::take(&mut self.card_failed) {
            tracing::info!(camera = self.config.camera_name, "recording again");
            self.report.card_works();
        }
        self.gave_up_at = None;
        if let Some((recorder, _)) = &self.recorder {
            let segment = recorder.segment().map(|name| name.sequence);
            self.report.recorded(recorder.durable_boot_ns(), segment);
        }
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
        if !here {
            self.recorder = None;
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
