//! Network cameras: H.264 and H.265 over RTSP, copied as they come, and sound beside them.
//!
//! The client library (`retina`) runs on a thread of its own ([`session`]), which puts whole pictures into a bounded mailbox
//! ([`mailbox`]). Times are made here ([`clock`]). The password stands in [`params`] and nowhere else.

mod clock;
mod mailbox;
mod memory;
mod params;
mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_media::{AccessUnit, Codec, NalKind, TIMESCALE, UnitBuilder, UnitKind};
use picam_time::Clock;
use tokio::sync::oneshot;

use self::clock::{CameraClock, Placed};
use self::mailbox::{Inbox, Message, Picture, Sound, mailbox};
use self::session::Offer;
use crate::source::stream_error;
use crate::{CaptureError, Config, Event, Source};

pub use self::memory::AllocationCounter;
pub use self::params::RtspParams;
#[cfg(test)]
pub(crate) use memory::asked;

/// How long a picture lasts of a stream that does not say so, in ticks.
const USUAL_FRAME: i64 = (TIMESCALE / 30) as i64;

/// An open session.
pub(crate) struct RtspSource {
    params: RtspParams,
    inbox: Inbox,
    offer: Offer,
    builder: UnitBuilder,
    clock: CameraClock,
    epoch: u32,
    /// Whether the first event was delivered, and whether a picture was.
    begun: bool,
    started: bool,
    /// The first unit of an epoch that was announced just now.
    waiting: Option<AccessUnit>,
    /// Ends the session when it goes.
    _stop: oneshot::Sender<()>,
}

impl RtspSource {
    /// Asks the camera for its stream.
    pub(crate) fn open(params: RtspParams, clock: Arc<dyn Clock>) -> Result<Self, CaptureError> {
        let (outbox, inbox) = mailbox();
        let (offering, offered) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let own = params.clone();
        std::thread::Builder::new()
            .name("rtsp".to_owned())
            .spawn(move || session::run(&own, &*clock, &outbox, offering, stopped))
            .map_err(|source| CaptureError::Io {
                context: "starting a thread".to_owned(),
                source,
            })?;
        let shown = params.shown();
        let failed = |why: &str| CaptureError::Stream(format!("{shown}: {why}"));
        let offer = offered
            .blocking_recv()
            .map_err(|_| failed("the connection failed"))?
            .map_err(|why| failed(&why))?;
        Ok(Self {
            builder: UnitBuilder::new(offer.codec),
            params,
            inbox,
            offer,
            clock: CameraClock::default(),
            epoch: 0,
            begun: false,
            started: false,
            waiting: None,
            _stop: stop,
        })
    }

    fn config(&self) -> Config {
        Config {
            epoch: self.epoch,
            sound: self.offer.sound,
            sound_left_out: self.offer.sound_left_out.clone(),
        }
    }

    /// Makes a unit of a picture; `None` if it is of no use.
    fn take_picture(
        &mut self,
        picture: &Picture,
        unit: &mut AccessUnit,
    ) -> Result<Option<Placed>, CaptureError> {
        let error = |error| stream_error("what it sends", error);
        for set in &picture.sets {
            self.builder.take_parameter_set(set).map_err(error)?;
        }
        if picture.lost > 0 {
            self.builder.count_damage().map_err(error)?;
        }
        unit.kind = UnitKind::Video;
        self.builder.begin(unit);
        let torn = picture.lost > 0 && !begins_whole(self.offer.codec, &picture.data);
        for nal in length_prefixed_nals(&picture.data, LengthSize::Four) {
            let Ok(nal) = nal else { return Ok(None) };
            self.builder.push(unit, nal).map_err(error)?;
        }
        let useful = self.builder.finish(unit).map_err(error)?;
        if !useful {
            return Ok(None);
        }
        if torn || !(self.started || unit.start.is_start()) {
            self.builder.skip(unit);
            return Ok(None);
        }
        unit.dropped_before = picture.dropped;
        if !std::mem::replace(&mut self.started, true) {
            // What came before the first picture that can be shown is no loss.
            (unit.damage_before, unit.dropped_before) = (0, 0);
        }
        let facts = self.builder.sets().facts();
        let reorders = facts.map_or(0, |facts| facts.max_reorder);
        let frame = facts
            .and_then(|facts| facts.rate)
            .map_or(USUAL_FRAME, |rate| rate.frame_ticks().into());
        let placed = self
            .clock
            .picture(picture.time, picture.arrived, reorders, frame);
        (unit.dts, unit.pts) = (placed.dts, placed.pts);
        unit.captured = placed.captured;
        Ok(Some(placed))
    }

    fn take_sound(&mut self, sound: &Sound, unit: &mut AccessUnit) -> bool {
        let placed = self.clock.sound(sound.time, sound.arrived);
        // What is heard before the first picture belongs to none.
        let Some(placed) = placed.filter(|placed| placed.dts >= 0) else {
            return false;
        };
        unit.begin(UnitKind::Sound);
        unit.data.extend_from_slice(&sound.data);
        (unit.dts, unit.pts) = (placed.dts, placed.pts);
        unit.captured = placed.captured;
        true
    }

    /// What a message comes to; `None` if it is no event.
    fn take(
        &mut self,
        message: Message,
        unit: &mut AccessUnit,
    ) -> Result<Option<Event>, CaptureError> {
        match message {
            Message::Picture(picture) => {
                let is_first = !self.started;
                let Some(placed) = self.take_picture(&picture, unit)? else {
                    return Ok(None);
                };
                if is_first || !placed.begins {
                    return Ok(Some(Event::Unit));
                }
                self.epoch = self.epoch.saturating_add(1);
                self.waiting = Some(std::mem::take(unit));
                Ok(Some(Event::Config(self.config())))
            }
            Message::Sound(sound) => Ok(self.take_sound(&sound, unit).then_some(Event::Unit)),
            Message::Report(stream, report) => {
                self.clock.report(stream, report);
                Ok(None)
            }
            Message::Damage if self.started => {
                let counted = self.builder.count_damage();
                counted.map_err(|error| stream_error("what it sends", error))?;
                Ok(None)
            }
            Message::Damage => Ok(None),
            Message::Ended(why) => Err(CaptureError::Stream(why)),
        }
    }
}

/// Whether the first slice of a picture is the picture's first: packets before it may be lost.
fn begins_whole(codec: Codec, data: &[u8]) -> bool {
    let kinds = length_prefixed_nals(data, LengthSize::Four)
        .filter_map(Result::ok)
        .filter_map(|nal| NalKind::of(codec, nal));
    let mut slices = kinds.filter_map(|kind| match kind {
        NalKind::Slice { first, .. } => Some(first),
        _ => None,
    });
    slices.next().unwrap_or(false)
}

impl Source for RtspSource {
    fn read(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<Event, CaptureError> {
        if !std::mem::replace(&mut self.begun, true) {
            return Ok(Event::Config(self.config()));
        }
        if let Some(mut waiting) = self.waiting.take() {
            std::mem::swap(unit, &mut waiting);
            return Ok(Event::Unit);
        }
        let until = Instant::now() + timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Some(message) = self.inbox.take(left) else {
                return Ok(Event::Timeout);
            };
            if let Some(event) = self.take(message, unit)? {
                return Ok(event);
            }
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        self.params.shown()
    }
}
