//! Listens to the microphone: what it hears goes to every camera.
//!
//! A thread of its own, which may wait for a driver, or hang in one. Recording threads only see what it puts into their queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use picam_capture::{CaptureError, Listened, Microphone};
use picam_media::AccessUnit;
use picam_time::{BootNs, Clock};

use crate::desk::Desk;
use crate::ear::Ear;
use crate::side_input::SideSenders;
use crate::true_time::TrueTime;

/// Pause after a device that could not be opened, or was lost; doubles with each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// A microphone may be plugged in at any moment.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long at most it sleeps before looking whether to stop.
const NAP: Duration = Duration::from_millis(100);
/// Pause where a device says at once that there is nothing, or that something was lost: it shall not keep a processor busy.
const BREATH: Duration = Duration::from_millis(10);
/// A device from which nothing comes for so long is opened anew.
const SILENCE: Duration = Duration::from_secs(5);

/// What listens.
pub(crate) struct Listener {
    pub(crate) clock: Arc<TrueTime>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) cameras: SideSenders,
    pub(crate) ear: Arc<Ear>,
}

impl Listener {
    /// Runs until `stop` is set.
    pub(crate) fn run(self, stop: &AtomicBool) {
        let mut pause = FIRST_PAUSE;
        let mut said = None;
        while !stop.load(Ordering::SeqCst) {
            if !self.shall_listen(stop) {
                self.ear.rests();
                (pause, said) = (FIRST_PAUSE, None);
                self.clock.sleep(NAP);
                continue;
            }
            self.ear.opens(self.clock.now());
            let opened = Microphone::open(self.ear.spec(), self.clock.clone());
            let lost = opened.and_then(|microphone| {
                self.listen(microphone, stop, &mut || {
                    (pause, said) = (FIRST_PAUSE, None);
                })
            });
            let Err(error) = lost else { continue };
            let message = error.to_string();
            // One that is away is away for hours: that is said once.
            if said.as_ref() == Some(&message) {
                tracing::debug!("{message}; trying again in {pause:?}");
            } else {
                tracing::warn!(
                    "{message}; pictures are recorded without sound, and it is tried again by itself"
                );
                said = Some(message.clone());
            }
            self.ear.failed(message);
            self.clock.sleep_while(pause, || self.shall_listen(stop));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn shall_listen(&self, stop: &AtomicBool) -> bool {
        self.ear.is_wanted() && !self.desk.is_paused() && !stop.load(Ordering::SeqCst)
    }

    /// Listens for as long as it shall (`Ok`) and sound comes; calls `works` once it has come.
    fn listen(
        &self,
        mut microphone: Microphone,
        stop: &AtomicBool,
        works: &mut dyn FnMut(),
    ) -> Result<(), CaptureError> {
        let format = microphone.format();
        let mut unit = AccessUnit::new();
        let mut heard: BootNs = self.clock.now();
        let (mut has_come, mut said_overrun) = (false, false);
        while self.shall_listen(stop) {
            match microphone.read(&mut unit, NAP)? {
                Listened::Unit => {
                    if !std::mem::replace(&mut has_come, true) {
                        let (rate, channels) = (format.rate, format.channels);
                        tracing::info!("the microphone listens: {rate} Hz, channels: {channels}");
                        self.ear.listens(format);
                        works();
                    }
                    heard = self.clock.now();
                    self.cameras.send(&unit);
                }
                Listened::Overrun => {
                    self.ear.overran();
                    self.clock.sleep(BREATH);
                    if !std::mem::replace(&mut said_overrun, true) {
                        tracing::warn!(
                            "sound of the microphone was lost, since nobody took it in time; it is counted"
                        );
                    }
                }
                Listened::Nothing => self.clock.sleep(BREATH),
            }
            if self.clock.now().since(heard) > SILENCE {
                let seconds = SILENCE.as_secs();
                let source = self.ear.spec();
                return Err(CaptureError::Stream(format!(
                    "the microphone {source}: no sound for {seconds} s"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use picam_control::status::MicrophoneState;
    use picam_media::UnitKind;
    use picam_time::SystemClock;

    use super::*;
    use crate::side_input::side_input;
    use crate::tests::{parts, plan};

    /// Looks until it is so.
    fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < end, "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Has a microphone listened to while `look` looks.
    fn listening(source: &str, look: impl FnOnce(&Ear, &Desk, &dyn Fn() -> usize)) {
        let directory = tempfile::tempdir().unwrap();
        let parts = parts(&plan(directory.path()));
        let clock = Arc::new(TrueTime::new(SystemClock));
        let (sender, input) = side_input();
        let cameras = SideSenders::default();
        cameras.add(sender);
        let ear = Arc::new(Ear::new(source.parse().unwrap(), None));
        let listener = Listener {
            clock,
            desk: parts.desk.clone(),
            cameras,
            ear: ear.clone(),
        };
        let stop = AtomicBool::new(false);
        let units = || {
            let all = std::iter::from_fn(|| input.receive());
            all.inspect(|unit| assert_eq!(unit.kind, UnitKind::Sound))
                .count()
        };
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| listener.run(&stop));
            look(&ear, &parts.desk, &units);
            stop.store(true, Ordering::SeqCst);
            thread.join().unwrap();
        });
    }

    fn state(ear: &Ear) -> MicrophoneState {
        ear.status(SystemClock.now()).state
    }

    #[test]
    fn it_listens_until_it_is_switched_off_and_again_when_switched_on() {
        listening("sim:", |ear, _, units| {
            wait_for("sound", || units() > 0);
            assert_eq!(state(ear), MicrophoneState::On);
            ear.switch(false);
            wait_for("off", || state(ear) == MicrophoneState::Off);
            units();
            std::thread::sleep(3 * NAP);
            assert_eq!(units(), 0, "nothing is heard once it is off");
            ear.switch(true);
            wait_for("sound again", || units() > 0);
        });
    }

    #[test]
    fn one_that_is_away_is_tried_again_and_again_and_says_why() {
        listening("alsa:no-such-device", |ear, _, units| {
            wait_for("a fault", || state(ear) == MicrophoneState::Fault);
            let fault = ear.status(SystemClock.now()).fault.unwrap();
            assert!(fault.message.contains("no-such-device"), "{fault:?}");
            assert_eq!(ear.format(SystemClock.now()), None);
            wait_for("another attempt", || {
                state(ear) == MicrophoneState::Starting || {
                    std::thread::sleep(FIRST_PAUSE);
                    state(ear) == MicrophoneState::Fault
                }
            });
            assert_eq!(units(), 0);
        });
    }
}
