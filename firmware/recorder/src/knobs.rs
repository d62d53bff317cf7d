//! How a camera's pictures shall look: what its capture thread shares with those who change it.
//!
//! Who changes something leaves it here and waits for a moment; the capture thread looks between two pictures, has the
//! source set it, and leaves what came of it. It takes no lock, and the camera stays open.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use picam_capture::Source;
use picam_capture::picture::{Key, Picture, PictureReport, Value};

use crate::orders::Pace;

/// How often whoever waits looks.
const LOOK: Duration = Duration::from_millis(5);

/// What is wanted, and what the camera made of it.
#[derive(Default)]
pub(crate) struct Knobs {
    wishes: Mutex<Wishes>,
    /// All wishes together.
    wanted: ArcSwap<Picture>,
    /// Counts what was changed, and what was asked for.
    changed: AtomicU64,
    asked: AtomicU64,
    is_open: AtomicBool,
    /// How often the page may change something.
    pub(crate) pace: Mutex<Pace>,
    seen: ArcSwapOption<Seen>,
}

/// What the configuration says, and what was changed since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    pub(crate) configured: Picture,
    pub(crate) changes: Vec<(Key, Value)>,
}

/// The camera's word, and which question it answers.
struct Seen {
    asked: u64,
    report: PictureReport,
}

/// How far the capture thread has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    changed: u64,
    asked: u64,
}

impl Wishes {
    /// Changes a value, or takes a change back.
    pub(crate) fn change(&mut self, key: Key, value: Option<Value>) {
        self.changes.retain(|(other, _)| *other != key);
        self.changes.extend(value.map(|value| (key, value)));
    }

    pub(crate) fn picture(&self) -> Picture {
        let mut picture = self.configured.clone();
        for (key, value) in &self.changes {
            picture.set(*key, *value);
        }
        picture
    }
}

impl Knobs {
    fn lock(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the configuration says; if that is something else than before, what was changed since is forgotten.
    pub(crate) fn configure(&self, picture: &Picture) {
        let mut wishes = self.lock();
        if wishes.configured != *picture {
            *wishes = Wishes {
                configured: picture.clone(),
                changes: Vec::new(),
            };
            self.want(&wishes);
        }
    }

    /// Changes what is wanted, if `change` does not refuse to.
    pub(crate) fn change<E>(
        &self,
        change: impl FnOnce(&mut Wishes) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut wishes = self.lock();
        change(&mut wishes)?;
        self.want(&wishes);
        Ok(())
    }

    fn want(&self, wishes: &Wishes) {
        self.wanted.store(Arc::new(wishes.picture()));
        self.changed.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn wishes(&self) -> Wishes {
        self.lock().clone()
    }

    /// Whether the camera is open, and what it last said; asked anew if it is, and waited for no longer than that. One that
    /// has not answered before is not waited for again: the recorder's other answers wait meanwhile.
    pub(crate) fn ask(&self, within: Duration) -> (bool, Option<PictureReport>) {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let answered = self.seen.load_full().map_or(0, |seen| seen.asked);
        let until = Instant::now() + if answered + 1 >= asked { within } else { LOOK };
        loop {
            let seen = self.seen.load_full();
            let is_open = self.is_open.load(Ordering::SeqCst);
            let is_answer = seen.as_ref().is_some_and(|seen| seen.asked >= asked);
            if is_answer || !is_open || Instant::now() >= until {
                return (is_open, seen.map(|seen| seen.report.clone()));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// What the camera does not do of what is wanted.
    pub(crate) fn problems(&self) -> Vec<String> {
        let seen = self.seen.load_full();
        seen.map_or_else(Vec::new, |seen| seen.report.problems())
    }

    /// What to open the camera with.
    pub(crate) fn wanted(&self) -> (Turn, Picture) {
        // First the numbers: what is changed meanwhile is set once more.
        let turn = self.turn();
        (turn, Picture::clone(&self.wanted.load()))
    }

    fn turn(&self) -> Turn {
        Turn {
            changed: self.changed.load(Ordering::SeqCst),
            asked: self.asked.load(Ordering::SeqCst),
        }
    }

    /// The camera was opened with that.
    pub(crate) fn opened(&self, turn: Turn, source: &mut dyn Source) -> PictureReport {
        let report = source.picture();
        self.say(turn, report.clone());
        self.is_open.store(true, Ordering::SeqCst);
        report
    }

    /// It is open no more.
    pub(crate) fn closed(&self) {
        self.is_open.store(false, Ordering::SeqCst);
    }

    /// Has the source do what was changed since `turn`, and answer what was asked; what it made of a change.
    pub(crate) fn attend(&self, turn: &mut Turn, source: &mut dyn Source) -> Option<PictureReport> {
        let now = self.turn();
        if now == *turn {
            return None;
        }
        let is_changed = now.changed != turn.changed;
        *turn = now;
        let report = match is_changed {
            true => source.set_picture(&self.wanted.load()),
            false => source.picture(),
        };
        self.say(now, report.clone());
        is_changed.then_some(report)
    }

    fn say(&self, turn: Turn, report: PictureReport) {
        let asked = turn.asked;
        self.seen.store(Some(Arc::new(Seen { asked, report })));
    }
}

#[cfg(test)]
mod tests {
    use picam_capture::{CaptureError, Event};
    use picam_media::AccessUnit;

    use super::*;

    /// A source that takes everything.
    struct Takes(Picture);

    impl Source for Takes {
        fn read(&mut self, _: &mut AccessUnit, _: Duration) -> Result<Event, CaptureError> {
            Ok(Event::End)
        }

        fn set_picture(&mut self, wanted: &Picture) -> PictureReport {
            self.0 = wanted.clone();
            self.picture()
        }

        fn picture(&mut self) -> PictureReport {
            PictureReport::without(&self.0, "a test")
        }

        fn is_live(&self) -> bool {
            true
        }

        fn describe(&self) -> String {
            "a test".into()
        }
    }

    #[test]
    fn what_is_changed_while_a_camera_opens_is_set_once_it_is_open() {
        let knobs = Knobs::default();
        let long = Duration::from_secs(60);
        assert_eq!(knobs.ask(long), (false, None));
        let (mut turn, picture) = knobs.wanted();
        let mut source = Takes(picture);
        let change = |wishes: &mut Wishes| {
            wishes.change(Key::Brightness, Some(Value::Level(7)));
            Ok::<(), ()>(())
        };
        knobs.change(change).unwrap();
        knobs.opened(turn, &mut source);
        assert!(source.0.named().next().is_none());
        let report = knobs.attend(&mut turn, &mut source).unwrap();
        assert_eq!(source.0.named().count(), 1);
        assert_eq!(report.problems(), ["brightness=7: a test"]);
        assert_eq!(knobs.problems(), report.problems());
        // Nothing more to do; what is only asked is no change.
        assert_eq!(knobs.attend(&mut turn, &mut source), None);
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| knobs.ask(long));
            while !asks.is_finished() {
                assert_eq!(knobs.attend(&mut turn, &mut source), None);
            }
            assert_eq!(asks.join().unwrap(), (true, Some(report.clone())));
        });
        // The configuration goes before what was changed, once it is another one.
        knobs.configure(&Picture::default());
        assert_eq!(knobs.wanted().1.named().count(), 1);
        let mut other = Picture::default();
        other.set(Key::Gain, Value::Auto);
        knobs.configure(&other);
        assert_eq!(knobs.wanted().1, other);
    }

    #[test]
    fn a_camera_that_does_not_answer_is_waited_for_once() {
        let knobs = Knobs::default();
        let (turn, picture) = knobs.wanted();
        knobs.opened(turn, &mut Takes(picture));
        let began = Instant::now();
        let within = Duration::from_millis(200);
        assert!(knobs.ask(within).1.is_some());
        assert!(began.elapsed() >= within);
        let long = Duration::from_secs(60);
        assert!(knobs.ask(long).1.is_some());
        assert!(began.elapsed() < long);
        knobs.closed();
        assert!(!knobs.ask(long).0);
    }
}
