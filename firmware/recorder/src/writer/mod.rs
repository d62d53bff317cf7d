//! A camera's writer thread: takes pictures from the queue and puts them on the card.
//!
//! What the card refuses is tried again with the same picture while the queue holds the next ones;
//! a card that was pulled is looked for until it is back, and a disk that refuses is left for the card.

mod side;
#[cfg(test)]
mod tests;
mod volume;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use picam_media::{AccessUnit, Joint, ParameterSets, Place, UnitKind};
use picam_mp4::{Counters, Sample, TrackConfig, VIDEO_TRACK};
use picam_ring::{
    Account, FsDirectory, Loss, Picture, Placement, RecordError, Recorder, RingConfig, Taken,
    Urgency, Volume,
};
use picam_time::{BootNs, Clock};

use crate::desk::Desk;
use crate::joints::{Copy, Joints};
use crate::queue::{Item, LostAtEnd, Receiver};
use crate::report::Report;
use crate::side_input::{Elsewhere, SideInput};
use crate::sides::Sides;
use crate::tracks;
use crate::true_time::TrueTime;
use crate::volumes::Volumes;

/// How often what waits for pictures that do not come is looked after.
const TICK: Duration = Duration::from_millis(50);
/// How often it is asked whether a better place is there.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// What became of a picture that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Yes,
    /// Its segment has no room, or there is none. It is counted.
    NoPlace,
    /// The card refused it to the last. It is not counted yet.
    Refused,
}

pub(crate) struct Writer {
    volumes: Volumes,
    desk: Arc<Desk>,
    config: RingConfig,
    clock: Arc<TrueTime>,
    report: Report,
    recorder: Option<(Recorder<FsDirectory>, FsDirectory)>,
    /// Where that records, or did last.
    volume: Volume,
    /// Whether a better place is there, to which the next segment shall go.
    moving: bool,
    /// Sound, motion and text.
    sides: Sides,
    /// Where what is measured elsewhere comes in; `None` if nothing is measured, for a queue takes memory.
    side_input: Option<SideInput>,
    /// What came while a new segment waited for sound from before it.
    held_back: VecDeque<Item>,
    last_look: Instant,
    /// The newest number on the volumes recorded to since the start.
    sequence: Option<u64>,
    /// Refusals since the volume last took something.
    refusals: u32,
    sets: Option<Arc<ParameterSets>>,
    tracks: Option<Arc<Vec<TrackConfig>>>,
    /// Epoch and decode time of the picture before.
    last: Option<(u32, i64)>,
    usual_duration: u32,
    /// How many times the true time had been told when the recorder heard of it.
    told: u64,
    card_failed: bool,
    stream_failed: bool,
    /// Lost while there was no recorder to count it.
    lost: Counters,
    joints: Joints,
    wants_key_frame: bool,
    /// The count of a recorder whose card is gone.
    account: Option<Account>,
    last_tick: Instant,
    /// How often it has made haste.
    hastes: u64,
    gave_up_at: Option<Instant>,
}

impl Writer {
    pub(crate) fn new(
        volumes: Volumes,
        desk: Arc<Desk>,
        config: RingConfig,
        clock: Arc<TrueTime>,
        report: Report,
        elsewhere: Elsewhere,
    ) -> Self {
        Self {
            volumes,
            desk,
            config,
            clock,
            report,
            recorder: None,
            volume: Volume::Card,
            moving: false,
            sides: Sides::new(elsewhere.has_motion, elsewhere.ear),
            side_input: elsewhere.input,
            held_back: VecDeque::new(),
            last_look: Instant::now(),
            sequence: None,
            refusals: 0,
            sets: None,
            tracks: None,
            last: None,
            usual_duration: picam_media::TIMESCALE / 30,
            told: 0,
            card_failed: false,
            stream_failed: false,
            lost: Counters::default(),
            joints: Joints::default(),
            wants_key_frame: false,
            account: None,
            last_tick: Instant::now(),
            hastes: 0,
            gave_up_at: None,
        }
    }

    /// Records until the queue is closed and empty, then finishes the last segment.
    pub(crate) fn run(mut self, mut queue: Receiver, capture: &Thread, stop: &AtomicBool) {
        while !(queue.is_done() && self.held_back.is_empty()) {
            if let Some(item) = self.held_back.pop_front().or_else(|| queue.receive()) {
                if item.unit.kind == UnitKind::Video {
                    self.note_backlog(&item.unit, &queue);
                    self.wait_for_sides(&item.unit, &mut queue, capture);
                    self.record(&item, stop);
                } else {
                    self.record_side(&item);
                }
                if std::mem::take(&mut self.wants_key_frame) {
                    queue.request_key_frame();
                }
                queue.give_back(item, capture);
            }
            self.take_side_input();
            self.make_haste();
            self.tick();
            self.note_end_of_backlog(&queue);
        }
        self.count_at_end(queue.lost_at_end());
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

    /// What was lost behind the last picture goes into the segment of that one.
    fn count_at_end(&mut self, lost: LostAtEnd) {
        self.lost.add(&Counters {
            dropped_queue: lost.in_queue,
            lost_side: lost.side,
            stream_damage: lost.damage,
            ..Counters::default()
        });
        if let Some((recorder, _)) = &mut self.recorder {
            recorder.lost_since(&std::mem::take(&mut self.lost));
        }
        self.report_progress();
    }

    /// Lets the recorder look after what waits.
    fn tick(&mut self) {
        if self.last_tick.elapsed() < TICK {
            return;
        }
        self.last_tick = Instant::now();
        if self.last_look.elapsed() >= LOOK_AROUND {
            self.last_look = Instant::now();
            self.moving = self.volumes.prefers_over(self.volume);
        }
        let now = self.clock.now();
        let Some((recorder, _)) = &mut self.recorder else {
            return;
        };
        match recorder.tick(now) {
            Ok(()) => self.report_progress(),
            Err(error) => self.refused(&error),
        }
        self.lock_if_wanted();
    }

    /// Puts what waits on the card at once, if something hit the car. What the card refuses is tried again in its turn.
    fn make_haste(&mut self) {
        let hastes = self.desk.hastes();
        if std::mem::replace(&mut self.hastes, hastes) == hastes {
            return;
        }
        let now = self.clock.now();
        let Some((recorder, _)) = &mut self.recorder else {
            return;
        };
        match recorder.hasten(now) {
            Ok(()) => self.report_progress(),
            Err(error) => self.refused(&error),
        }
        self.lock_if_wanted();
    }

    /// Gives the segment being recorded the class that somebody wants it to have. What the card refuses now is tried again
    /// with the next tick.
    fn lock_if_wanted(&mut self) {
        let Some((recorder, _)) = &mut self.recorder else {
            return;
        };
        let wanted = recorder
            .started()
            .and_then(|(boot, utc)| self.desk.class_of(boot, utc));
        if let Some(class) = wanted
            && let Err(error) = recorder.lock(class)
        {
            tracing::debug!("the segment being recorded is not locked yet: {error}");
        }
    }

    /// Puts one picture on the card, however long that takes, unless asked to stop meanwhile.
    fn record(&mut self, item: &Item, stop: &AtomicBool) {
        let unit = &item.unit;
        self.sides.set_sound(item.sound);
        self.lost.add(&Counters {
            dropped_encoder: unit.dropped_before,
            dropped_queue: item.lost_in_queue,
            stream_damage: unit.damage_before,
            lost_side: item.lost_side,
            ..Counters::default()
        });
        let composition_offset = unit.composition_offset().unwrap_or_else(|| {
            self.lost.times_changed = self.lost.times_changed.saturating_add(1);
            0
        });
        let sample = Sample {
            track: VIDEO_TRACK,
            dts: unit.dts,
            composition_offset,
            duration: self.usual_duration(unit),
            key: unit.start.is_start(),
            captured: unit.captured,
            data: &unit.data,
        };
        let recorder = self.recorder.as_ref().map(|(recorder, _)| recorder);
        let leaves = self.moving || self.sides.changed();
        let urgency = |extra| {
            let urgency = recorder.map_or(Urgency::NoSegment, |recorder| {
                recorder.urgency(unit.dts, extra)
            });
            match urgency {
                Urgency::None if leaves => Urgency::Convenient,
                urgency => urgency,
            }
        };
        match self.joints.next(unit, item.lost_in_queue > 0, urgency) {
            Some(joint) => self.follow(joint, unit, sample, stop),
            None => self.leave_out(sample),
        }
        self.report_progress();
    }

    /// Does with a picture what the policy says.
    fn follow(&mut self, joint: Joint, unit: &AccessUnit, sample: Sample<'_>, stop: &AtomicBool) {
        self.wants_key_frame = joint.ask_key_frame;
        let mut in_band = Vec::new();
        let stored = match &unit.parameter_sets {
            Some(sets) if joint.sets_in_band => {
                sets.write_in_band(&mut in_band);
                in_band.extend_from_slice(sample.data);
                Sample {
                    data: &in_band,
                    ..sample
                }
            }
            _ => sample,
        };
        match joint.place {
            Place::Undecodable => self.leave_out(stored),
            Place::Append => self.append(stored, stop),
            Place::Begin => {
                self.joints.copy = None;
                self.begin(unit, stored, stop);
            }
            Place::AppendAndCopy => {
                let tracks = self.tracks_for(unit);
                self.joints.copy = tracks.map(|tracks| Copy::of(&sample, tracks));
                self.append(stored, stop);
            }
            Place::BeginWithCopy => {
                if let Some(copy) = self.joints.copy.take() {
                    let placement = Placement::New(&copy.tracks);
                    if self.store(placement, copy.sample(), stop) != Stored::Yes {
                        self.joints.lost();
                    }
                }
                self.append(stored, stop);
            }
        }
    }

    fn append(&mut self, sample: Sample<'_>, stop: &AtomicBool) {
        match self.store(Placement::Current, sample, stop) {
            Stored::Yes => {}
            Stored::NoPlace => {
                let recorder = self.recorder.as_ref().map(|(recorder, _)| recorder);
                let has_segment =
                    recorder.is_some_and(|r| r.urgency(sample.dts, 0) != Urgency::NoSegment);
                match has_segment {
                    true => self.joints.full(),
                    false => self.joints.lost(),
                }
            }
            Stored::Refused => {
                self.lose(sample, Loss::Card);
                self.joints.lost();
            }
        }
    }

    fn begin(&mut self, unit: &AccessUnit, sample: Sample<'_>, stop: &AtomicBool) {
        let Some(tracks) = self.tracks_for(unit) else {
            self.report.fault_persists();
            self.lose(sample, Loss::Undecodable);
            self.joints.lost();
            return;
        };
        match self.store(Placement::New(&tracks), sample, stop) {
            Stored::Yes => {}
            Stored::NoPlace => self.joints.lost(),
            Stored::Refused => {
                self.lose(sample, Loss::Card);
                self.joints.lost();
            }
        }
    }

    /// Counts a picture that cannot be decoded from any segment, or for which there is none.
    fn leave_out(&mut self, sample: Sample<'_>) {
        if self.stream_failed {
            self.report.fault_persists();
        }
        let recorder = self.recorder.as_mut().map(|(recorder, _)| recorder);
        match recorder.filter(|r| r.urgency(sample.dts, 0) == Urgency::NoSegment) {
            // It knows for which reason there is no segment.
            Some(recorder) => {
                let picture = Picture {
                    sample,
                    lost_before: std::mem::take(&mut self.lost),
                };
                let _ = recorder.place(&picture, Placement::Current);
            }
            None => self.lose(sample, Loss::Undecodable),
        }
    }

    /// Hands one picture to the recorder until it is taken, has no place, or the time to stop has come.
    fn store(&mut self, placement: Placement<'_>, sample: Sample<'_>, stop: &AtomicBool) -> Stored {
        let picture = Picture {
            sample,
            lost_before: self.lost,
        };
        loop {
            match self.place(&picture, placement) {
                Ok(Taken::Yes) => {
                    self.lost = Counters::default();
                    self.worked();
                    return Stored::Yes;
                }
                Ok(Taken::Skipped) => {
                    self.lost = Counters::default();
                    return Stored::NoPlace;
                }
                // The recorder counts it.
                Err(error @ RecordError::Write(_)) => {
                    self.lost = Counters::default();
                    self.stream_failed(error.to_string());
                    return Stored::NoPlace;
                }
                Err(error) => {
                    self.refused(&error);
                    if !self.may_try_again(stop.load(Ordering::SeqCst)) {
                        return Stored::Refused;
                    }
                }
            }
        }
    }

    fn place(
        &mut self,
        picture: &Picture<'_>,
        placement: Placement<'_>,
    ) -> Result<Taken, RecordError> {
        if self.moving && matches!(placement, Placement::New(_)) {
            self.move_over()?;
        }
        if self.recorder.is_none() {
            self.open_volume()?;
        }
        let (booted, told) = self.clock.booted();
        let Some((recorder, _)) = &mut self.recorder else {
            return Ok(Taken::Skipped);
        };
        recorder.set_now(self.clock.now());
        if let Some(booted) = booted.filter(|_| told != self.told) {
            // A name or header that cannot be put right now is no reason to lose the picture: it is tried with the next one.
            match recorder.set_utc(booted) {
                Ok(()) => self.told = told,
                Err(error) => tracing::debug!("the segment being recorded keeps its time: {error}"),
            }
        }
        recorder.place(picture, placement)
    }

    /// Tracks for a segment that begins with this picture; made anew only when its parameter sets change, or the sound.
    fn tracks_for(&mut self, unit: &AccessUnit) -> Option<Arc<Vec<TrackConfig>>> {
        let sets = unit.parameter_sets.as_ref()?;
        let known = self.sets.as_ref();
        let others = self.sides.are_others();
        if others || known.is_none_or(|known| !Arc::ptr_eq(known, sets)) {
            self.tracks = tracks::of(sets, &mut self.sides)
                .inspect_err(|error| {
                    self.stream_failed(format!("the camera's stream cannot be stored: {error}"));
                })
                .ok();
            self.sets = Some(sets.clone());
        }
        if others {
            self.sides.begin_with(unit.dts);
        }
        self.tracks.clone()
    }

    /// How long a picture lasts if none follows: as long as the one before it did. The gap between two epochs is
    /// no picture's length.
    fn usual_duration(&mut self, unit: &AccessUnit) -> u32 {
        let last = self.last.replace((unit.epoch, unit.dts));
        let lasted = last
            .filter(|&(epoch, _)| epoch == unit.epoch)
            .and_then(|(_, dts)| u32::try_from(unit.dts - dts).ok());
        self.usual_duration = lasted.unwrap_or(self.usual_duration);
        self.usual_duration
    }

    /// Gives a picture up that no recorder took.
    fn lose(&mut self, sample: Sample<'_>, why: Loss) {
        match &mut self.recorder {
            Some((recorder, _)) => {
                let picture = Picture {
                    sample,
                    lost_before: std::mem::take(&mut self.lost),
                };
                recorder.lose(&picture, why);
            }
            None if why == Loss::Card => {
                self.lost.lost_card = self.lost.lost_card.saturating_add(1);
            }
            None => self.lost.lost_undecodable = self.lost.lost_undecodable.saturating_add(1),
        }
    }

    fn report_progress(&mut self) {
        let mut total = self.lost;
        let (mut durable_until, mut segment) = (BootNs::ZERO, None);
        if let Some((recorder, _)) = &self.recorder {
            total.add(recorder.total());
            durable_until = recorder.durable_until();
            segment = recorder.segment().map(|name| name.sequence);
        } else if let Some(account) = &self.account {
            total.add(account.total());
        }
        self.report.progress(&total, durable_until, segment);
    }

    fn stream_failed(&mut self, message: String) {
        self.stream_failed = true;
        tracing::error!(camera = self.config.camera_name, "{message}");
        self.report.stream_failed(message);
    }
}
