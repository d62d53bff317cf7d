//! A camera's capture thread: takes pictures from the source and never waits for the card.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

use picam_capture::picture::PictureReport;
use picam_capture::{Bindings, CameraSpec, Cancel, CaptureError, Event, Source, Wake, open};
use picam_media::{AccessUnit, SoundFormat, UnitKind};
use picam_time::{BootNs, Clock};

use crate::backoff::{Backoff, Run};
use crate::captions::Captions;
use crate::desk::Desk;
use crate::intake::Intake;
use crate::knobs::Turn;
use crate::live::Feeder;
use crate::queue::{Sender, Sent};
use crate::report::Report;
use crate::stills::Given;

/// How long a source is waited for before looking whether to stop.
const READ_TIMEOUT: Duration = Duration::from_millis(200);
/// A live source from which nothing comes for so long is opened anew.
const SILENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether a device has come back.
const LOOK: Duration = Duration::from_millis(50);
/// An opening that takes longer hangs.
const HANGS: Duration = Duration::from_secs(2);

/// Runs until the source ends for good or `stop` is set.
pub(crate) fn run(
    (spec, bindings, captions): (&CameraSpec, &Arc<Bindings>, Option<&Captions>),
    clock: Arc<dyn Clock>,
    (sender, live): (Sender, Feeder),
    writer: &Thread,
    report: &Report,
    desk: &Desk,
    stop: &Arc<AtomicBool>,
) {
    let hanging = report.clone();
    // Said again and again: who hangs is waited for, and the others are not restarted for it.
    let cancel = Cancel::from_flag(stop.clone()).while_waiting(move |took| {
        if let Some(message) = hangs(took) {
            hanging.source_failed(message);
        }
    });
    let mut capture = Capture {
        camera: &spec.name,
        clock: &*clock,
        sender,
        live,
        writer,
        report,
        desk,
        stop,
        was_paused: false,
        turn: report.shared.knobs.wanted().0,
        intake: Intake::default(),
        sound: None,
        still_asked: false,
        said_sound: false,
        said_damage: false,
        said_picture: Vec::new(),
    };
    let mut backoff = Backoff::default();
    let mut wake = Wake::of(spec);
    let mut said = String::new();
    let mut spec = spec.clone();
    let knobs = &report.shared.knobs;
    while !capture.stops() {
        wake.note();
        let turn;
        (turn, spec.picture) = knobs.wanted();
        let opened = open(&spec, clock.clone(), &cancel, bindings);
        let mut run = Run::default();
        let outcome = match opened {
            Ok(mut source) => {
                if let Some(captions) = captions
                    && !source.set_overlay(captions.overlay())
                {
                    tracing::info!(
                        camera = spec.name,
                        "it codes by itself: what is to be written into its pictures is in the text track"
                    );
                }
                let description = source.describe();
                tracing::info!(camera = spec.name, "{description}");
                said.clear();
                report.source_opened(description);
                capture.say_picture(&knobs.opened(turn, &mut *source));
                capture.turn = turn;
                let outcome = capture.pump(source, &mut run);
                knobs.closed();
                outcome
            }
            Err(CaptureError::Cancelled) => break,
            Err(error) => Err(error.to_string()),
        };
        let Err(message) = outcome else { break };
        let pause = backoff.after(run);
        // A camera that is away is away for hours: that is said once.
        if said == message {
            tracing::debug!(camera = spec.name, "{message}; trying again in {pause:?}");
        } else {
            tracing::warn!(camera = spec.name, "{message}; trying again in {pause:?}");
            said.clone_from(&message);
        }
        report.source_failed(message);
        if capture.wait(pause, &wake) {
            backoff = Backoff::default();
        }
    }
    let damage = capture.intake.take_damage();
    if damage > 0 {
        tracing::warn!(
            camera = spec.name,
            "the source ended with damage in {damage} places"
        );
    }
    report.source_ended();
    capture.sender.close(damage, writer);
}

/// What is said of an opening that has taken so long.
fn hangs(took: Duration) -> Option<String> {
    let seconds = took.as_secs();
    (took > HANGS).then(|| format!("it has been opening for {seconds} s: it hangs"))
}

struct Capture<'a> {
    camera: &'a str,
    clock: &'a dyn Clock,
    sender: Sender,
    live: Feeder,
    writer: &'a Thread,
    report: &'a Report,
    desk: &'a Desk,
    stop: &'a AtomicBool,
    /// Whether pictures are left out, since somebody wants that or since none at which decoding can start has come after it.
    was_paused: bool,
    /// Which of the picture settings the source knows.
    turn: Turn,
    intake: Intake,
    /// How the source's sound is coded.
    sound: Option<SoundFormat>,
    /// Whether the source was asked for the still that somebody waits for.
    still_asked: bool,
    /// Whether the log says already that sound is left out, or that the stream is damaged.
    said_sound: bool,
    said_damage: bool,
    /// What it says already of picture settings.
    said_picture: Vec<String>,
}

impl Capture<'_> {
    fn stops(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn since(&self, moment: BootNs) -> Duration {
        self.clock.now().since(moment)
    }

    /// Takes pictures until the source ends (`Ok`) or fails.
    fn pump(&mut self, mut source: Box<dyn Source>, run: &mut Run) -> Result<(), String> {
        let opened = self.clock.now();
        run.replays = source.replays();
        self.still_asked = false;
        let outcome = self.take_all(&mut *source, opened, run);
        run.lasted = self.since(opened);
        outcome
    }

    fn take_all(
        &mut self,
        source: &mut dyn Source,
        opened: BootNs,
        run: &mut Run,
    ) -> Result<(), String> {
        let mut heard = opened;
        while !self.stops() {
            if !source.is_live() && !self.sender.wait_for_room() {
                continue;
            }
            let knobs = &self.report.shared.knobs;
            if let Some(report) = knobs.attend(&mut self.turn, source) {
                self.say_picture(&report);
            }
            if self.sender.key_frame_wanted() || self.live.wants_key_frame(self.clock) {
                source.request_key_frame();
            }
            self.look_at_shutter(source);
            let mut item = self.sender.take();
            item.unit.kind = UnitKind::Video;
            item.sound = self.sound;
            match source.read(&mut item.unit, READ_TIMEOUT) {
                Ok(Event::Unit) if item.unit.kind != UnitKind::Video => {
                    if self.was_paused {
                        self.sender.put_back(item);
                        continue;
                    }
                    self.intake.accept_side(&mut item.unit);
                    self.sender.send(item, self.writer);
                    continue;
                }
                Ok(Event::Unit) => {
                    heard = self.clock.now();
                    run.reached = run.reached.max(Some(item.unit.dts));
                    if self.leaves_out(&item.unit) {
                        if !self.desk.is_paused() {
                            source.request_key_frame();
                        }
                        self.sender.put_back(item);
                        continue;
                    }
                    self.intake.accept(&mut item.unit);
                    self.say_damage(item.unit.damage_before);
                    self.report.delivered(&item.unit);
                    self.live.offer(&item.unit);
                    if self.sender.send(item, self.writer) == Sent::Lost {
                        self.report.lost_in_queue();
                    }
                    continue;
                }
                Ok(Event::Config(config)) => {
                    self.intake.begin_epoch();
                    self.sound = config.sound;
                    if let Some(what) = config.sound_left_out
                        && !std::mem::replace(&mut self.said_sound, true)
                    {
                        tracing::warn!(camera = self.camera, "its sound is not recorded: {what}");
                    }
                }
                Ok(Event::Gap { damaged }) => {
                    self.say_damage(damaged);
                    self.intake.note_gap(damaged);
                }
                Ok(Event::Timeout) => {
                    if source.is_live() && self.since(heard) > SILENCE {
                        let source = source.describe();
                        return Err(format!("{source}: no picture for {} s", SILENCE.as_secs()));
                    }
                }
                Ok(Event::End) => return Ok(()),
                Err(error) => return Err(format!("{}: {error}", source.describe())),
            }
            self.sender.put_back(item);
        }
        Ok(())
    }

    /// Hands a still over once the source has one, if somebody waits for one.
    fn look_at_shutter(&mut self, source: &mut dyn Source) {
        if !self.live.is_still_wanted() {
            self.still_asked = false;
        } else if !self.still_asked {
            // One that nobody waited for any more.
            drop(source.take_still());
            self.still_asked = source.want_still();
            if !self.still_asked {
                self.live.give_still(Given::Coded);
            }
        } else if let Some(still) = source.take_still() {
            self.still_asked = false;
            self.live.give_still(Given::Still(still));
        }
    }

    /// Whether a picture is not to be recorded, as somebody wants that. It is no loss: nobody counts it.
    fn leaves_out(&mut self, unit: &AccessUnit) -> bool {
        if self.desk.is_paused() {
            self.was_paused = true;
        } else if self.was_paused && unit.start.is_start() {
            self.was_paused = false;
            // It goes on as from a source that was opened anew.
            self.intake.begin_epoch();
        }
        if self.was_paused {
            self.report.fault_persists();
        }
        self.was_paused
    }

    fn say_damage(&mut self, damaged: u32) {
        if damaged > 0 && !std::mem::replace(&mut self.said_damage, true) {
            tracing::warn!(
                camera = self.camera,
                "what the source delivers is damaged; what cannot be used is left out and counted"
            );
        }
    }

    /// Says how the pictures look; what cannot be had of that, once.
    fn say_picture(&mut self, report: &PictureReport) {
        let line = report.line();
        tracing::info!(camera = self.camera, "picture: {line}");
        let problems = report.problems();
        if problems != self.said_picture {
            for problem in &problems {
                tracing::warn!(
                    camera = self.camera,
                    "picture: {problem}; it records on without"
                );
            }
            self.said_picture = problems;
        }
    }

    /// Waits, but not beyond the order to stop, nor once the device has come back: then it returns `true`.
    fn wait(&self, mut pause: Duration, wake: &Wake) -> bool {
        while !self.stops() && !pause.is_zero() {
            let step = pause.min(LOOK);
            self.report.fault_persists();
            std::thread::park_timeout(step);
            if wake.has_come() {
                return true;
            }
            pause -= step;
        }
        false
    }
}

#[cfg(test)]
mod tests;
