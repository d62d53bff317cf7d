//! The recording path: cameras to card.
//!
//! Here belong the threads of a recording ([`start`]), the queues between them, the housekeeper, what recorder and
//! cameras say of themselves ([`Status`]), and the bounds of what others may order. Each camera has a capture
//! thread, a queue, and a writer thread with a ring of its own; one housekeeper brings order into what earlier
//! boots left and makes slots. Nothing here waits for the network, and nothing the network does takes a lock that
//! is taken here.
//!
//! Where bytes stand in a file and which slot comes next is picam-mp4's and picam-ring's, how pictures are taken
//! picam-capture's. Options, `picam.toml`, signals, log and systemd are the program's (`picam`).

mod answers;
mod backoff;
mod books;
mod boot;
mod cameras;
mod captions;
mod capture;
mod desk;
mod disk_note;
mod drive;
mod ear;
mod gps;
mod housekeeper;
mod impacts;
mod intake;
mod joints;
mod knobs;
mod live;
mod locker;
mod microphone;
mod motion;
mod orders;
mod pictures;
mod pulse;
mod queue;
mod reload;
mod report;
mod roster;
mod saves;
mod side_input;
mod sides;
mod status;
mod stills;
#[cfg(test)]
mod tests;
mod tracks;
mod true_time;
mod volumes;
mod whereabouts;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use picam_capture::{CameraSpec, MicrophoneSpec};
use picam_control::Answer;
use picam_control::live::LiveSource;
use picam_control::orders::OrderTaker;
use picam_control::picture::PictureSource;
use picam_ring::{Shares, Slots, TooManyCameras, Volume};
use picam_sensors::gps::GpsSource;
use picam_sensors::motion::{MotionSpec, Sensitivity};
use picam_time::SystemClock;

use answers::Answers;
use desk::Desk;
use live::Live;
use pictures::Pictures;
use reload::{Now, Reloader};
use roster::{Ground, Roster, Start};
use side_input::SideSenders;
use status::Camera;
use true_time::TrueTime;

pub use boot::lock_directory;
pub use captions::OverlayPlan;
pub use disk_note::DiskNote;
pub use pulse::{Pulse, Verdict, Watch};
pub use reload::{Changes, Reload, Reread};
pub use status::Status;
pub use stills::StillsPlan;

/// What to record, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPlan {
    /// The directory of slots; created if it is missing.
    pub footage: PathBuf,
    /// Where a USB disk is mounted, if one shall take the footage whenever it is there.
    pub disk: Option<PathBuf>,
    /// What `picam firstboot disk` has to say of a disk that it did not take.
    pub disk_note: Option<PathBuf>,
    /// The cameras.
    pub cameras: Vec<CameraSpec>,
    /// Nominal length of a segment.
    pub segment: Duration,
    /// How many slots for all cameras together.
    pub slots: Slots,
    /// Length of a slot in bytes; rounded down to whole pages.
    pub slot_size: u64,
    /// Shares of the classes.
    pub shares: Shares,
    /// Footage older than this is given up.
    pub retention: Option<Duration>,
    /// Whether the system's clock is believed. Without, the time is unknown until somebody says it.
    pub system_clock: bool,
    /// Whether a simulated car drives: place and motion come along with the pictures.
    pub drive: bool,
    /// Where fixes come from; not heeded while a simulated car drives.
    pub gps: GpsSource,
    /// The accelerometer. A simulated car has a simulated one.
    pub motion: MotionSpec,
    /// How weak an impact may be that locks footage; `None` if none shall.
    pub impact: Option<Sensitivity>,
    /// Where sound comes from that every camera records which has none of its own.
    pub microphone: MicrophoneSpec,
    /// A file that is there while somebody has switched it off.
    pub microphone_off: Option<PathBuf>,
    /// What is written into pictures.
    pub overlay: OverlayPlan,
    /// What is wanted of stills.
    pub stills: StillsPlan,
    /// What was wrong with the configuration and is shown with the status.
    pub warnings: Vec<String>,
}

/// Why recording cannot even be tried.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No camera is configured.
    #[error("no camera is configured; add one, for instance --camera front=sim:")]
    NoCamera,
    /// More cameras than letters.
    #[error(transparent)]
    TooMany(#[from] TooManyCameras),
    /// A slot is too small to hold anything.
    #[error("a slot of {0} bytes is too small; 1 MiB is the least")]
    SlotSize(u64),
    /// Somebody else records there.
    #[error(
        "another picam is recording into {}; stop it, or give this one another --footage",
        .0.display()
    )]
    Busy(PathBuf),
    /// The system gives no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// How long the housekeeper is waited for once every camera has ended.
const FAREWELL: Duration = Duration::from_millis(200);
/// Smallest slot.
pub const MIN_SLOT_SIZE: u64 = 1 << 20;

/// A recording under way.
pub struct Recording {
    status: Arc<Status>,
    desk: Arc<Desk>,
    live: Live,
    stop: Arc<AtomicBool>,
    roster: Arc<Roster>,
    /// Says when something has ended that was under way.
    ended: Receiver<()>,
    reloader: Arc<Reloader>,
    housekeeper: JoinHandle<()>,
}

/// Starts all threads and returns. Whatever the card or a camera then does not do is retried and
/// shown in the status.
pub fn start(mut plan: RecordPlan) -> Result<Recording, StartError> {
    if plan.cameras.is_empty() {
        return Err(StartError::NoCamera);
    }
    if plan.slot_size < MIN_SLOT_SIZE {
        return Err(StartError::SlotSize(plan.slot_size));
    }
    plan.slot_size = whole_pages(plan.slot_size);
    let asked = plan.clone();
    let bindings = cameras::gather(&mut plan, None);
    let letters = reload::letters(&plan.cameras)?;
    let clock = Arc::new(TrueTime::new(SystemClock));
    if plan.system_clock {
        clock.believe_system_clock();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let volumes = volumes::Volumes::new(plan.footage.clone(), plan.disk.clone());
    let desk = Arc::new(Desk::new(&volumes, clock.clone(), plan.shares));
    let cameras = Camera::all(&plan, &letters);
    let all = cameras.clone();
    let status = Status::new(&plan, all, volumes.clone(), desk.clone());
    let status = Arc::new(status);
    match volumes.get(Volume::Card).open() {
        Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
            return Err(StartError::Busy(plan.footage));
        }
        // A card that is not there yet is waited for.
        Ok(_) | Err(_) => {}
    }

    let motion = plan.motion_wanted();
    let is_moved = plan.drive || plan.gps.is_on() || motion.sensor.is_on();
    let ear = status.ear();
    let has_text = plan.overlay.is_on();
    let sides = (is_moved || has_text || ear.is_some()).then(SideSenders::default);
    let whereabouts = sides
        .as_ref()
        .map(SideSenders::whereabouts)
        .unwrap_or_default();
    let captions = has_text
        .then(|| captions::Captions::new(&plan.overlay, clock.clone(), whereabouts.clone()));
    let ground = Ground {
        volumes: volumes.clone(),
        desk: desk.clone(),
        clock: clock.clone(),
        sides: sides.clone(),
        has_motion: is_moved || has_text,
        ear: ear.clone(),
        captions: captions.clone(),
    };
    let (roster, ended) = Roster::new(ground, stop.clone());
    let roster = Arc::new(roster);
    for (camera, spec) in cameras.into_iter().zip(&plan.cameras) {
        roster.start(Start {
            spec: spec.clone(),
            ring: reload::ring(&plan, &camera.name, camera.letter),
            bindings: bindings.clone(),
            camera,
        })?;
    }
    let sides = sides.unwrap_or_default();
    if let Some(captions) = captions {
        let (cameras, stop) = (sides.clone(), stop.clone());
        spawn("captions", move || {
            captions::run(&captions, &cameras, &stop)
        })?;
    }
    if motion.sensor.is_on() {
        let (impacts, to_lock) = std::sync::mpsc::sync_channel(impacts::MOST);
        let listener = motion::Motion::new(
            clock.clone(),
            sides.clone(),
            desk.clone(),
            impacts,
            status.motion_shown(),
        );
        let (wanted, ends) = (motion.clone(), stop.clone());
        spawn("motion", move || listener.run(&wanted, &ends))?;
        let (desk, stop) = (desk.clone(), stop.clone());
        spawn("impacts", move || impacts::run(&desk, &to_lock, &stop))?;
    }
    if let Some(ear) = ear {
        let listener = microphone::Listener {
            clock: clock.clone(),
            desk: desk.clone(),
            cameras: sides.clone(),
            ear,
        };
        let stop = stop.clone();
        spawn("microphone", move || listener.run(&stop))?;
    }
    if plan.drive {
        let (clock, stop) = (clock.clone(), stop.clone());
        spawn("drive", move || drive::run(&clock, &sides, &stop))?;
    } else if plan.gps.is_on() {
        let gps = gps::Gps::new(clock.clone(), sides, status.gps_shown());
        let (source, stop) = (plan.gps.clone(), stop.clone());
        spawn("gps", move || gps.run(&source, &stop))?;
    }
    let needs = Arc::new(ArcSwap::from_pointee(reload::slot_needs(&plan, &letters)));
    let housekeeper = housekeeper::Housekeeper {
        desk: desk.clone(),
        volumes: volumes.clone(),
        needs: needs.clone(),
        retention: plan.retention,
        impact: motion.impact.filter(|_| motion.sensor.is_on()),
        clock,
        status: status.clone(),
        stop: stop.clone(),
        state: housekeeper::State::default(),
        others: Default::default(),
    };
    let housekeeper = spawn("housekeeper", move || housekeeper.run())?;
    desk.wake(housekeeper.thread().clone());
    let live = Live::of(roster.taps());
    let (orders, make) = stills::orders();
    let studio = stills::Studio {
        plan: plan.stills.clone(),
        live: live.clone(),
        status: status.clone(),
        desk: desk.clone(),
        volumes,
        needs: needs.clone(),
        whereabouts,
        shown: status.stills_shown(),
    };
    let ends = stop.clone();
    spawn("stills", move || make(studio, &ends))?;
    desk.set_stills(orders);
    let reloader = Arc::new(Reloader {
        roster: roster.clone(),
        status: status.clone(),
        desk: desk.clone(),
        live: live.clone(),
        needs,
        now: Mutex::new(Now {
            asked,
            bindings: bindings.clone(),
        }),
    });
    reloader.heed_new(&bindings);
    Ok(Recording {
        status,
        desk,
        live,
        stop,
        roster,
        ended,
        reloader,
        housekeeper,
    })
}

impl RecordPlan {
    /// What is wanted of the accelerometer.
    pub(crate) fn motion_wanted(&self) -> motion::Wanted {
        let is_real = !self.drive || matches!(self.motion, MotionSpec::Sim { .. });
        motion::Wanted {
            sensor: match is_real {
                true => self.motion.clone(),
                false => MotionSpec::Sim { impacts: None },
            },
            impact: self.impact,
        }
    }
}

fn spawn(
    name: impl Into<String>,
    run: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.into());
    thread.spawn(run)
}

/// A slot is written past the page cache, a page at a time.
const fn whole_pages(slot_size: u64) -> u64 {
    slot_size / 4096 * 4096
}

/// Ends a recording from elsewhere.
#[derive(Clone)]
pub struct Stopper(Arc<Roster>);

impl Stopper {
    /// Asks every camera to finish its segment; returns at once, may be called again.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl Recording {
    /// What is going on.
    pub fn status(&self) -> Arc<Status> {
        self.status.clone()
    }

    /// Where orders of the page go, within its bounds.
    pub fn orders(&self) -> Arc<dyn OrderTaker> {
        self.desk.clone()
    }

    /// Where it is asked how its cameras' pictures look.
    pub fn pictures(&self) -> Arc<dyn PictureSource> {
        Arc::new(Pictures(self.status.clone()))
    }

    /// What it answers at its control socket, and does when its cameras are to be read anew.
    pub fn answers(&self, reload: Reload) -> impl Answer + use<> {
        let (status, desk) = (self.status.clone(), self.desk.clone());
        Answers::new(status, desk, self.live.clone(), Some(reload))
    }

    /// What changes its cameras to those that `reread` finds.
    pub fn reload(&self, reread: Reread) -> Reload {
        Reload::new(self.reloader.clone(), reread)
    }

    /// Where its cameras can be watched.
    pub fn live(&self) -> Arc<dyn LiveSource> {
        Arc::new(self.live.clone())
    }

    /// A handle that ends the recording.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.roster.clone())
    }

    /// Returns when every camera has ended and its last segment is finished.
    pub fn wait(self) {
        self.roster.wait(&self.ended);
        self.stop.store(true, Ordering::SeqCst);
        self.housekeeper.thread().unpark();
        // It may be in the middle of something long; whatever it is can be cut off and done again.
        let end = Instant::now() + FAREWELL;
        while !self.housekeeper.is_finished() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
