//! What the thread that listens to the microphone shares with the cameras' writers, the status, and whoever switches it.
//! Nobody waits for anybody.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, io};

use arc_swap::{ArcSwap, ArcSwapOption};
use picam_capture::MicrophoneSpec;
use picam_control::status::{Fault, MicrophoneState, MicrophoneStatus};
use picam_media::SoundFormat;
use picam_time::BootNs;

/// A device that takes longer to open hangs.
const HANGS: Duration = Duration::from_secs(2);

/// The microphone, as everybody else sees it.
#[derive(Debug)]
pub(crate) struct Ear {
    spec: MicrophoneSpec,
    /// A file that is there while it shall not listen: a recorder that is started anew must not listen again by itself.
    off_note: Option<PathBuf>,
    /// Whether it shall listen.
    wanted: AtomicBool,
    /// How its sound is coded; `None` while there is none to come.
    format: ArcSwapOption<SoundFormat>,
    /// Since when the device is being opened, nanoseconds on the boot clock; 0 if it is not.
    opening: AtomicU64,
    overruns: AtomicU64,
    /// What it does, and what is wrong with it.
    seen: ArcSwap<(MicrophoneState, Option<String>)>,
}

impl Ear {
    /// One that shall listen from the start, unless there is a note that says otherwise.
    pub(crate) fn new(spec: MicrophoneSpec, off_note: Option<PathBuf>) -> Self {
        let is_off = off_note.as_ref().is_some_and(|note| note.exists());
        Self {
            // What is likely to come: the first segment shall have room for it, though it begins sooner than the device.
            format: ArcSwapOption::from(spec.expected().map(Arc::new)),
            spec,
            off_note,
            wanted: AtomicBool::new(!is_off),
            opening: AtomicU64::new(0),
            overruns: AtomicU64::new(0),
            seen: ArcSwap::from_pointee((MicrophoneState::Starting, None)),
        }
    }

    pub(crate) const fn spec(&self) -> &MicrophoneSpec {
        &self.spec
    }

    // For whoever switches it.

    /// Whether it shall listen.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    /// It shall listen, or not any more.
    pub(crate) fn switch(&self, on: bool) {
        let was_on = self.wanted.swap(on, Ordering::SeqCst);
        if let Err(error) = self.note(on) {
            tracing::warn!(
                "the microphone is switched until the recorder is started anew, since that cannot be noted: {error}"
            );
        }
        if was_on != on {
            match on {
                true => tracing::info!("the microphone is switched on"),
                false => tracing::info!("the microphone is switched off"),
            }
        }
    }

    fn note(&self, on: bool) -> io::Result<()> {
        let Some(note) = &self.off_note else {
            return Ok(());
        };
        match on {
            false => fs::write(note, ""),
            true => match fs::remove_file(note) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    // For the cameras' writers.

    /// How the sound is coded that a segment which begins now shall have room for.
    pub(crate) fn format(&self, now: BootNs) -> Option<SoundFormat> {
        let format = self.format.load();
        let comes = self.is_wanted() && self.hangs(now).is_none();
        format.as_deref().copied().filter(|_| comes)
    }

    // For the thread that listens.

    /// The device is being opened.
    pub(crate) fn opens(&self, now: BootNs) {
        self.opening.store(now.0.max(1), Ordering::Relaxed);
        self.see(MicrophoneState::Starting, None);
    }

    /// Sound comes, coded like this.
    pub(crate) fn listens(&self, format: SoundFormat) {
        self.opening.store(0, Ordering::Relaxed);
        if self.format.load().as_deref() != Some(&format) {
            self.format.store(Some(Arc::new(format)));
        }
        self.see(MicrophoneState::On, None);
    }

    /// Some was lost, since nobody took it.
    pub(crate) fn overran(&self) {
        self.overruns.fetch_add(1, Ordering::Relaxed);
    }

    /// It does not listen, as somebody wants that.
    pub(crate) fn rests(&self) {
        self.opening.store(0, Ordering::Relaxed);
        self.see(MicrophoneState::Paused, None);
    }

    /// There is none, for this reason.
    pub(crate) fn failed(&self, why: String) {
        self.opening.store(0, Ordering::Relaxed);
        self.format.store(None);
        self.see(MicrophoneState::Fault, Some(why));
    }

    fn see(&self, state: MicrophoneState, fault: Option<String>) {
        let seen = (state, fault);
        if **self.seen.load() != seen {
            self.seen.store(Arc::new(seen));
        }
    }

    /// For how long it has been opening, if that is too long.
    fn hangs(&self, now: BootNs) -> Option<Duration> {
        let since = self.opening.load(Ordering::Relaxed);
        let took = now.since(BootNs(since));
        (since > 0 && took > HANGS).then_some(took)
    }

    /// For the status.
    pub(crate) fn status(&self, now: BootNs) -> MicrophoneStatus {
        let hangs = self.hangs(now);
        let hangs =
            hangs.map(|took| format!("it has been opening for {} s: it hangs", took.as_secs()));
        let (state, message) = match (self.is_wanted(), hangs, &**self.seen.load()) {
            (false, _, (MicrophoneState::On, _)) => (MicrophoneState::On, None),
            (false, _, _) => (MicrophoneState::Off, None),
            (true, Some(message), _) => (MicrophoneState::Fault, Some(message)),
            (true, None, (state, message)) => (*state, message.clone()),
        };
        MicrophoneStatus {
            source: self.spec.to_string(),
            state,
            overruns: self.overruns.load(Ordering::Relaxed),
            fault: message.map(|message| Fault {
                message,
                remedy: "check microphone.source in picam.toml, and that the microphone is plugged in; it is tried again by \
                         itself, and pictures are recorded without sound"
                    .into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: BootNs = BootNs(100_000_000_000);

    fn ear() -> Ear {
        Ear::new("sim:".parse().unwrap(), None)
    }

    fn state(ear: &Ear) -> MicrophoneState {
        ear.status(NOW).state
    }

    #[test]
    fn sound_is_expected_before_the_device_is_open_and_not_once_it_hangs() {
        let ear = ear();
        let expected = ear.format(NOW).unwrap();
        ear.opens(NOW);
        assert_eq!(ear.format(NOW + HANGS), Some(expected));
        let later = NOW + HANGS + Duration::from_millis(1);
        assert_eq!(ear.format(later), None);
        let status = ear.status(NOW + Duration::from_secs(9));
        assert_eq!(status.state, MicrophoneState::Fault);
        assert!(status.fault.unwrap().message.contains("for 9 s: it hangs"));
        ear.listens(expected);
        assert_eq!(ear.format(later), Some(expected));
    }

    #[test]
    fn off_holds_for_a_recorder_that_is_started_anew() {
        let directory = tempfile::tempdir().unwrap();
        let note = directory.path().join("microphone-off");
        let start = || Ear::new("sim:".parse().unwrap(), Some(note.clone()));
        start().switch(false);
        let ear = start();
        assert_eq!((ear.is_wanted(), ear.format(NOW)), (false, None));
        ear.switch(true);
        ear.switch(true);
        assert!(start().is_wanted());
        // Without a place for the note it is off all the same.
        fs::remove_dir_all(&directory).unwrap();
        ear.switch(false);
        assert!(!ear.is_wanted());
    }

    #[test]
    fn it_is_shown_as_on_until_it_does_not_listen_any_more() {
        let ear = ear();
        assert_eq!(state(&ear), MicrophoneState::Starting);
        ear.listens(ear.format(NOW).unwrap());
        assert_eq!(state(&ear), MicrophoneState::On);
        ear.switch(false);
        // The thread that listens has not heard of it yet.
        assert_eq!((state(&ear), ear.format(NOW)), (MicrophoneState::On, None));
        ear.rests();
        assert_eq!(state(&ear), MicrophoneState::Off);
        ear.switch(true);
        assert_eq!(state(&ear), MicrophoneState::Paused);
        ear.failed("it is gone".into());
        assert_eq!(
            (state(&ear), ear.format(NOW)),
            (MicrophoneState::Fault, None)
        );
    }
}
