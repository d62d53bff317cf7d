//! A simulated camera: a drive along a road, encoded in software.

mod barcode;
pub(crate) mod beep;
mod canvas;
mod look;
mod params;
mod scene;
mod text;

use std::sync::Arc;
use std::time::Duration;

use picam_media::{AccessUnit, Colour, Encoder, EncoderSettings, FrameRate, UnitKind};
use picam_time::{BootNs, Clock, Ticks};

use self::look::Look;
use self::scene::Scene;
use crate::pace::Pacer;
use crate::picture::{Picture, PictureReport};
use crate::source::stream_error;
use crate::{CaptureError, Config, Event, Overlay, Source, Still, StillPicture};

pub use self::params::{BurntClock, SimParams};

/// How far encoding may lag behind, as the buffers of a camera's driver would let it.
const BACKLOG: Duration = Duration::from_millis(500);

/// The open camera. Frames are numbered by capture ticks from 0, so that a lost one leaves a gap.
pub(crate) struct Sim {
    name: String,
    params: SimParams,
    rate: FrameRate,
    pacer: Pacer,
    scene: Scene,
    look: Look,
    encoder: Encoder,
    /// Number of the next frame.
    next: u64,
    /// Frames that nobody had time to encode, since the last unit.
    lost: u32,
    /// Whether the first event was delivered.
    begun: bool,
    key_wanted: bool,
    overlay: Option<Overlay>,
    still_wanted: bool,
    still: Option<Still>,
    /// Number of the next packet of sound.
    packet: u64,
}

impl Sim {
    pub(crate) fn open(
        name: &str,
        params: SimParams,
        picture: &Picture,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CaptureError> {
        let rate = FrameRate::new(params.fps, 1)
            .ok_or_else(|| CaptureError::Config(format!("fps={} is not allowed", params.fps)))?;
        let encoder = Encoder::new(EncoderSettings {
            width: params.width,
            height: params.height,
            fps: params.fps,
            bitrate: params.bitrate,
            gop: params.gop,
            colour: Colour::Bt709,
        });
        let pacer = Pacer::new(clock, params.pace);
        let pacer = match params.flash {
            true => pacer.on_full_seconds(),
            false => pacer,
        };
        Ok(Self {
            name: name.to_owned(),
            params,
            rate,
            pacer,
            scene: Scene::new(name, &params),
            look: Look::of(picture.clone()),
            encoder: encoder.map_err(|e| stream_error("the simulated camera", e))?,
            next: 0,
            lost: 0,
            begun: false,
            key_wanted: true,
            overlay: None,
            still_wanted: false,
            still: None,
            packet: 0,
        })
    }

    /// When the next packet of sound is complete, as a microphone delivers it.
    fn packet_ends(&self) -> i64 {
        beep::starts(self.packet.saturating_add(1))
    }

    fn read_sound(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Event {
        let due = self.pacer.due(self.packet_ends());
        if !self.pacer.wait(due, timeout) {
            return Event::Timeout;
        }
        let ticks = beep::starts(self.packet);
        unit.begin(UnitKind::Sound);
        beep::write_packet(self.packet, &mut unit.data);
        unit.dts = ticks;
        unit.pts = ticks;
        unit.captured = self.pacer.due(ticks);
        self.packet += 1;
        Event::Unit
    }

    /// Goes past the frames for which it is too late.
    fn skip_missed(&mut self, due: BootNs) {
        let late = self.pacer.clock().now().since(due);
        if self.pacer.is_live() && late > BACKLOG {
            let missed = Ticks::from_span(late, self.params.fps).value;
            self.next = self.next.saturating_add_signed(missed);
            self.lost = self
                .lost
                .saturating_add(u32::try_from(missed).unwrap_or(u32::MAX));
        }
    }
}

impl Source for Sim {
    fn read(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<Event, CaptureError> {
        if !std::mem::replace(&mut self.begun, true) {
            return Ok(Event::Config(Config {
                sound: self.params.audio.then_some(beep::FORMAT),
                ..Config::default()
            }));
        }
        let picture = self.rate.ticks(self.next);
        if self.params.audio && self.packet_ends() <= picture {
            return Ok(self.read_sound(unit, timeout));
        }
        let due = self.pacer.due(picture);
        if !self.pacer.wait(due, timeout) {
            return Ok(Event::Timeout);
        }
        self.skip_missed(due);
        let ticks = self.rate.ticks(self.next);
        let captured = self.pacer.due(ticks);
        let utc = self.pacer.clock().utc();
        let flash = (self.params.audio || self.params.flash) && beep::beeps(ticks);
        let drawn = self.scene.draw(self.next, captured, utc, flash);
        let picture = self.look.show(drawn);
        if std::mem::take(&mut self.still_wanted) {
            self.still = Some(Still {
                picture: StillPicture::Plain(picture.clone(), Colour::Bt709),
                captured,
            });
        }
        if let Some(overlay) = &mut self.overlay {
            overlay.draw(picture, Colour::Bt709, captured);
        }
        let force_key = std::mem::take(&mut self.key_wanted);
        let encoded = self.encoder.encode(picture, force_key, unit);
        self.next += 1;
        if !encoded.map_err(|e| stream_error("the simulated camera", e))? {
            return Ok(Event::Timeout);
        }
        unit.dropped_before = unit
            .dropped_before
            .saturating_add(std::mem::take(&mut self.lost));
        unit.dts = ticks;
        unit.pts = ticks;
        unit.captured = captured;
        Ok(Event::Unit)
    }

    fn is_live(&self) -> bool {
        self.pacer.is_live()
    }

    fn request_key_frame(&mut self) -> bool {
        self.key_wanted = true;
        true
    }

    fn set_picture(&mut self, wanted: &Picture) -> PictureReport {
        self.look = Look::of(wanted.clone());
        self.look.report()
    }

    fn picture(&mut self) -> PictureReport {
        self.look.report()
    }

    fn set_overlay(&mut self, overlay: Overlay) -> bool {
        self.overlay = Some(overlay);
        true
    }

    fn want_still(&mut self) -> bool {
        self.still_wanted = true;
        true
    }

    fn take_still(&mut self) -> Option<Still> {
        self.still.take()
    }

    fn describe(&self) -> String {
        let SimParams {
            width, height, fps, ..
        } = self.params;
        format!(
            "sim:{} {width}x{height} at {fps} frames a second",
            self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use picam_testkit::TurnedClock;

    use super::*;

    fn sim(clock: &Arc<TurnedClock>, pace: bool) -> Sim {
        let params = SimParams {
            width: 160,
            height: 120,
            fps: 10,
            gop: 10,
            pace,
            ..SimParams::default()
        };
        let mut sim = Sim::open("test", params, &Picture::default(), clock.clone()).unwrap();
        let first = sim.read(&mut AccessUnit::new(), Duration::ZERO).unwrap();
        assert_eq!(first, Event::Config(Config::default()));
        sim
    }

    #[test]
    fn a_key_frame_comes_when_asked_for() {
        let clock = Arc::new(TurnedClock::default());
        let mut sim = sim(&clock, false);
        let mut unit = AccessUnit::new();
        let mut starts = Vec::new();
        for n in 0..9 {
            if n == 4 {
                assert!(sim.request_key_frame());
            }
            assert_eq!(sim.read(&mut unit, Duration::ZERO).unwrap(), Event::Unit);
            if unit.start.is_start() {
                starts.push(n);
            }
        }
        assert_eq!(starts, [0, 4]);
    }

    #[test]
    fn a_still_is_the_next_picture_and_costs_none() {
        let clock = Arc::new(TurnedClock::default());
        let mut sim = sim(&clock, false);
        let mut unit = AccessUnit::new();
        let mut scene = Scene::new("test", &sim.params);
        for n in 0..5 {
            assert!(n != 3 || sim.want_still());
            assert_eq!(sim.read(&mut unit, Duration::ZERO).unwrap(), Event::Unit);
            assert_eq!((unit.dts, unit.dropped_before), (9000 * n, 0));
            let still = sim.take_still();
            let captured = BootNs(n as u64 * 100_000_000);
            let drawn = scene.draw(n as u64, captured, None, false).clone();
            let picture = StillPicture::Plain(drawn, Colour::Bt709);
            let wanted = (n == 3).then_some(Still { picture, captured });
            assert!(still == wanted, "{n}");
        }
    }

    #[test]
    fn each_second_begins_with_a_beep_and_a_flash() {
        let clock = Arc::new(TurnedClock::default());
        let params = SimParams {
            width: 160,
            height: 120,
            fps: 10,
            gop: 10,
            audio: true,
            pace: true,
            ..SimParams::default()
        };
        let mut sim = Sim::open("test", params, &Picture::default(), clock.clone()).unwrap();
        let mut unit = AccessUnit::new();
        let first = sim.read(&mut unit, Duration::ZERO).unwrap();
        let Event::Config(config) = first else {
            panic!("{first:?}")
        };
        assert_eq!(config.sound, Some(beep::FORMAT));
        let (mut pictures, mut packets) = (Vec::new(), Vec::new());
        while pictures.len() < 21 {
            unit.kind = UnitKind::Video;
            match sim.read(&mut unit, Duration::from_secs(1)).unwrap() {
                Event::Unit if unit.kind == UnitKind::Sound => {
                    let loud = unit.data.iter().any(|&byte| byte != 0);
                    packets.push((unit.dts, loud));
                    // It comes when it is over, and was captured when it began.
                    let begun = Ticks::new(unit.dts, 90_000).span();
                    assert_eq!(unit.captured, BootNs::ZERO + begun);
                    assert_eq!(clock.now(), unit.captured + Duration::from_millis(20));
                    assert_eq!((unit.data.len(), unit.pts), (1920, unit.dts));
                }
                Event::Unit => pictures.push((unit.dts, packets.len())),
                other => panic!("{other:?}"),
            }
        }
        for (n, (dts, before)) in pictures.iter().enumerate() {
            assert_eq!((*dts, *before), (9000 * n as i64, 5 * n));
        }
        for (n, &(dts, loud)) in packets.iter().enumerate() {
            assert_eq!((dts, loud), (1800 * n as i64, n % 50 < 5), "{n}");
        }
        let mut scene = Scene::new("test", &params);
        let middle = 60 * 160 + 80;
        let mut luma = |flash| scene.draw(5, BootNs::ZERO, None, flash).y[middle];
        assert_eq!((luma(true), luma(false) < 200), (235, true));
    }

    #[test]
    fn what_flashes_begins_at_a_full_second_as_the_microphone_beeps() {
        let clock = Arc::new(TurnedClock::default());
        clock.turn(Duration::from_millis(5_300));
        let params = SimParams {
            width: 160,
            height: 120,
            fps: 10,
            flash: true,
            pace: true,
            ..SimParams::default()
        };
        let mut sim = Sim::open("test", params, &Picture::default(), clock.clone()).unwrap();
        let mut unit = AccessUnit::new();
        let first = sim.read(&mut unit, Duration::ZERO).unwrap();
        assert_eq!(
            first,
            Event::Config(Config::default()),
            "no sound of its own"
        );
        for n in 0..12u64 {
            let event = sim.read(&mut unit, Duration::from_secs(1)).unwrap();
            assert_eq!(event, Event::Unit);
            assert_eq!(
                unit.captured,
                BootNs::from_secs(6) + Duration::from_millis(100 * n)
            );
            assert_eq!(beep::beeps(unit.dts), n % 10 == 0);
            assert_eq!(beep::beeps(unit.captured.ticks(90_000).value), n % 10 == 0);
        }
    }

    #[test]
    fn waits_for_each_frame_and_gives_up_in_time() {
        let clock = Arc::new(TurnedClock::default());
        clock.turn(Duration::from_secs(5));
        let mut sim = sim(&clock, true);
        let mut unit = AccessUnit::new();
        let mut read = |sim: &mut Sim, ms| sim.read(&mut unit, Duration::from_millis(ms)).unwrap();
        assert_eq!(read(&mut sim, 30), Event::Unit);
        assert_eq!(read(&mut sim, 30), Event::Timeout);
        assert_eq!(clock.now(), BootNs(5_030_000_000));
        assert_eq!(read(&mut sim, 100), Event::Unit);
        assert_eq!(clock.now(), BootNs(5_100_000_000));
        assert_eq!(
            (unit.dts, unit.pts, unit.captured),
            (9000, 9000, BootNs(5_100_000_000))
        );
        assert_eq!(unit.dropped_before, 0);
    }

    #[test]
    fn frames_nobody_had_time_for_are_counted_and_leave_a_gap() {
        let clock = Arc::new(TurnedClock::default());
        let mut sim = sim(&clock, true);
        let mut unit = AccessUnit::new();
        sim.read(&mut unit, Duration::ZERO).unwrap();
        // Within the backlog nothing is lost.
        clock.turn(Duration::from_millis(450));
        for n in 1..=4 {
            sim.read(&mut unit, Duration::ZERO).unwrap();
            assert_eq!((unit.dts, unit.dropped_before), (9000 * n, 0));
        }
        // Beyond it, what was missed is gone: 0.5 s was due, now it is 1.25 s.
        clock.turn(Duration::from_millis(800));
        sim.read(&mut unit, Duration::ZERO).unwrap();
        assert_eq!((unit.dts, unit.dropped_before), (9000 * 12, 7));
        sim.read(&mut unit, Duration::from_secs(1)).unwrap();
        assert_eq!((unit.dts, unit.dropped_before), (9000 * 13, 0));
    }

    #[test]
    fn without_pace_no_time_passes_and_key_frames_come_as_asked() {
        let clock = Arc::new(TurnedClock::default());
        let mut sim = sim(&clock, false);
        assert!(!sim.is_live());
        let mut unit = AccessUnit::new();
        let mut sets = None;
        for n in 0..25 {
            assert_eq!(sim.read(&mut unit, Duration::ZERO).unwrap(), Event::Unit);
            assert_eq!(unit.start.is_start(), n % 10 == 0, "frame {n}");
            assert_eq!(unit.captured, BootNs(n * 100_000_000));
            let current = unit.parameter_sets.clone().unwrap();
            let first = sets.get_or_insert_with(|| current.clone());
            assert!(Arc::ptr_eq(first, &current));
            assert_eq!((current.width, current.height), (160, 120));
        }
        assert_eq!(clock.now(), BootNs::ZERO);
    }
}
