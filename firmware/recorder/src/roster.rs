//! The cameras under way: started, ended, and changed while the others record on.
//!
//! A camera is two threads and what they share with the rest. Nothing that records takes the lock in here; it is for
//! whoever starts, changes or ends the recording, and is never held while a camera is waited for.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use picam_capture::{Bindings, CameraSpec};
use picam_ring::RingConfig;
use picam_time::Clock;

use crate::captions::Captions;
use crate::desk::Desk;
use crate::ear::Ear;
use crate::side_input::{Elsewhere, SideSenders, side_input};
use crate::status::Camera;
use crate::true_time::TrueTime;
use crate::volumes::Volumes;
use crate::{capture, live, queue, spawn, writer};

/// A camera that was told to end and has not by then is left to it.
const END_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// What cameras have in common.
pub(crate) struct Ground {
    pub(crate) volumes: Volumes,
    pub(crate) desk: Arc<Desk>,
    pub(crate) clock: Arc<TrueTime>,
    /// Where they hear what is measured elsewhere; `None` if nothing is.
    pub(crate) sides: Option<SideSenders>,
    /// Whether place and motion are measured.
    pub(crate) has_motion: bool,
    /// The microphone, if there is one.
    pub(crate) ear: Option<Arc<Ear>>,
    /// What is written into pictures, if anything is.
    pub(crate) captions: Option<Captions>,
}

/// A camera to start.
pub(crate) struct Start {
    pub(crate) spec: CameraSpec,
    pub(crate) ring: RingConfig,
    pub(crate) bindings: Arc<Bindings>,
    /// What it says of itself goes on where one of this name and letter has left off.
    pub(crate) camera: Camera,
}

/// A camera that was started.
struct Running {
    spec: CameraSpec,
    camera: Camera,
    tap: Arc<live::Tap>,
    stop: Arc<AtomicBool>,
    capture: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl Running {
    fn end(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.capture.thread().unpark();
    }

    fn is_ending(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn has_ended(&self) -> bool {
        self.capture.is_finished() && self.writer.is_finished()
    }
}

/// All of them.
pub(crate) struct Roster {
    ground: Ground,
    stop: Arc<AtomicBool>,
    running: Mutex<Vec<Running>>,
    under_way: Arc<AtomicUsize>,
    ended: Sender<()>,
}

/// Something that the end of the recording waits for, until it is dropped.
pub(crate) struct UnderWay {
    count: Arc<AtomicUsize>,
    ended: Sender<()>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
        // Nobody may be waiting yet, or any more.
        let _ = self.ended.send(());
    }
}

impl Roster {
    /// None yet, and what says when one has ended. `stop` ends all, also those that are started later.
    pub(crate) fn new(ground: Ground, stop: Arc<AtomicBool>) -> (Self, Receiver<()>) {
        let (sender, receiver) = channel();
        let roster = Self {
            ground,
            stop,
            running: Mutex::default(),
            under_way: Arc::default(),
            ended: sender,
        };
        (roster, receiver)
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recording does not end before this is dropped.
    pub(crate) fn hold(&self) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay {
            count: self.under_way.clone(),
            ended: self.ended.clone(),
        }
    }

    /// Starts a camera.
    pub(crate) fn start(&self, start: Start) -> std::io::Result<()> {
        let Ground {
            volumes,
            desk,
            clock,
            sides,
            has_motion,
            ear,
            captions,
        } = &self.ground;
        let Start {
            spec,
            ring,
            bindings,
            camera,
        } = start;
        let report = camera.report();
        report.starts();
        report.shared.knobs.configure(&spec.picture);
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = queue::queue();
        let input = sides.as_ref().map(|sides| {
            let (sender, input) = side_input();
            sides.add(sender);
            input
        });
        let elsewhere = Elsewhere {
            input,
            has_motion: *has_motion,
            ear: ear.clone(),
        };
        let (who, capture_thread) = sync_channel::<Thread>(1);
        let writer = {
            let (volumes, desk, clock) = (volumes.clone(), desk.clone(), clock.clone());
            let (report, stop, open) = (report.clone(), stop.clone(), self.hold());
            spawn(format!("write-{}", spec.name), move || {
                let _open = open;
                // The capture thread says who it is as soon as it runs.
                let Ok(capture) = capture_thread.recv() else {
                    return;
                };
                writer::Writer::new(volumes, desk, ring, clock, report, elsewhere)
                    .run(receiver, &capture, &stop);
            })?
        };
        let (feeder, tap) = live::tap();
        let capture = {
            let (spec, desk, stop) = (spec.clone(), desk.clone(), stop.clone());
            let captions = captions.clone();
            let (writer, open) = (writer.thread().clone(), self.hold());
            let source_clock: Arc<dyn Clock> = clock.clone();
            spawn(format!("capture-{}", spec.name), move || {
                let _open = open;
                let camera = (&spec, &bindings, captions.as_ref());
                let ends = (sender, feeder);
                capture::run(camera, source_clock, ends, &writer, &report, &desk, &stop);
            })?
        };
        // Cannot fail: the writer thread waits for exactly this.
        let _ = who.send(capture.thread().clone());
        let started = Running {
            spec,
            camera,
            tap,
            stop,
            capture,
            writer,
        };
        let mut running = self.running();
        // Whoever ends the recording does so under this lock, or has done so.
        if self.stop.load(Ordering::SeqCst) {
            started.end();
        }
        running.push(started);
        Ok(())
    }

    /// Ends all; returns at once, may be called again.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.running().iter().for_each(Running::end);
    }

    /// Returns when every camera has ended and its last segment is finished.
    pub(crate) fn wait(&self, ended: &Receiver<()>) {
        while self.under_way.load(Ordering::SeqCst) > 0 {
            // It cannot fail: this side keeps a sender.
            let _ = ended.recv();
        }
        for camera in self.running().drain(..) {
            // A panic was reported by the hook; the others go on.
            let _ = (camera.capture.join(), camera.writer.join());
        }
    }

    /// Ends every camera that `stays` does not name, and waits for their last segments. Gives the names of those that have
    /// not ended after [`END_WITHIN`].
    pub(crate) fn end(&self, stays: impl Fn(&CameraSpec, &Camera) -> bool) -> Vec<String> {
        let ending = |running: &mut Vec<Running>| {
            for one in running.iter().filter(|one| !stays(&one.spec, &one.camera)) {
                one.end();
            }
            running.retain(|one| !one.is_ending() || !one.has_ended());
            let ending = running.iter().filter(|one| one.is_ending());
            ending.map(|one| one.spec.name.clone()).collect::<Vec<_>>()
        };
        let until = Instant::now() + END_WITHIN;
        loop {
            let left = ending(&mut self.running());
            if left.is_empty() || Instant::now() >= until {
                return left;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Changes how the pictures of a camera look that records on; whether they looked otherwise.
    pub(crate) fn set_picture(&self, spec: &CameraSpec) -> bool {
        let mut running = self.running();
        let mut all = running.iter_mut();
        let other =
            |one: &&mut Running| one.spec.name == spec.name && one.spec.picture != spec.picture;
        let Some(one) = all.find(other) else {
            return false;
        };
        one.spec.picture = spec.picture.clone();
        one.camera.shared.knobs.configure(&spec.picture);
        true
    }

    /// What each shows to those who watch, by its letter.
    pub(crate) fn taps(&self) -> live::Taps {
        let tap = |(camera, tap): (Camera, _)| (char::from(camera.letter), tap);
        self.cameras().into_iter().map(tap).collect()
    }

    /// Those that are under way, or have come to their end by themselves, in the order of their start.
    pub(crate) fn cameras(&self) -> Vec<(Camera, Arc<live::Tap>)> {
        let running = self.running();
        let show = |one: &Running| (one.camera.clone(), one.tap.clone());
        running.iter().map(show).collect()
    }
}
