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
mod capture;
mod desk;
mod disk_note;
mod drive;
mod gps;
mod housekeeper;
mod intake;
mod joints;
mod live;
mod locker;
mod orders;
mod pulse;
mod queue;
mod report;
mod saves;
mod side_input;
mod sides;
mod status;
#[cfg(test)]
mod tests;
mod tracks;
mod true_time;
mod volumes;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use picam_capture::CameraSpec;
use picam_control::Answer;
use picam_control::live::LiveSource;
use picam_control::orders::OrderTaker;
use picam_media::TIMESCALE;
use picam_ring::{
    CameraNeed, RingConfig, Shares, Slots, TooManyCameras, Volume, assign_letters, head_len_for,
};
use picam_sensors::gps::GpsSource;
use picam_time::{Clock, SystemClock, Ticks};

use answers::Answers;
use desk::Desk;
use live::Live;
use true_time::TrueTime;

pub use boot::lock_directory;
pub use disk_note::DiskNote;
pub use pulse::{Pulse, Verdict, Watch};
pub use status::Status;

/// What to record, and where.
#[derive(Debug, Clone)]
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
    stopper: Stopper,
    cameras: Vec<JoinHandle<()>>,
    housekeeper: JoinHandle<()>,
}

/// Starts all threads and returns. Whatever the card or a camera then does not do is retried and
/// shown in the status.
pub fn start(mut plan: RecordPlan) -> Result<Recording, StartError> {
    if plan.cameras.is_empty() {
        return Err(StartError::NoCamera);
    }
    let slot_size = plan.slot_size / 4096 * 4096;
    if slot_size < MIN_SLOT_SIZE {
        return Err(StartError::SlotSize(plan.slot_size));
    }
    let bindings = cameras::gather(&mut plan);
    let letters = assign_letters(plan.cameras.iter().map(|camera| camera.name.as_str()))?;
    let clock = Arc::new(TrueTime::new(SystemClock));
    if plan.system_clock {
        clock.believe_system_clock();
    }
    let needs: Vec<CameraNeed> = letters
        .iter()
        .map(|&camera| CameraNeed {
            camera,
            weight: 1,
            slot_size,
        })
        .collect();
    let stop = Arc::new(AtomicBool::new(false));
    let volumes = volumes::Volumes::new(plan.footage.clone(), plan.disk.clone());
    let desk = Arc::new(Desk::new(&volumes, clock.clone(), plan.shares));
    let (status, reports) = Status::new(&plan, &letters, slot_size, volumes.clone(), desk.clone());
    let status = Arc::new(status);
    match volumes.get(Volume::Card).open() {
        Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
            return Err(StartError::Busy(plan.footage));
        }
        // A card that is not there yet is waited for.
        Ok(_) | Err(_) => {}
    }

    let mut cameras = Vec::new();
    let mut captures = Vec::new();
    let mut side_senders = Vec::new();
    let mut taps = Vec::new();
    let has_motion = plan.drive || plan.gps.is_on();
    for ((camera, &letter), report) in plan.cameras.iter().zip(&letters).zip(reports) {
        let ring = RingConfig {
            letter,
            camera_name: camera.name.clone(),
            slot_size,
            slots: slots_of_one(plan.slots, letters.len()),
            head_len: head_len_for(plan.segment.as_secs(), slot_size),
            nominal_ticks: Ticks::from_span(plan.segment, TIMESCALE).value,
            shares: plan.shares,
            limits: picam_mp4::FragmentLimits::default(),
        };
        let (sender, receiver) = queue::queue();
        let side_input = has_motion.then(|| {
            let (sender, input) = side_input::side_input();
            side_senders.push(sender);
            input
        });
        let source_clock: Arc<dyn Clock> = clock.clone();
        let (capture_handle, writer_report) = (std::sync::mpsc::sync_channel(1), report.clone());
        let writer = {
            let (volumes, desk, clock) = (volumes.clone(), desk.clone(), clock.clone());
            let capture = capture_handle.1;
            let stop = stop.clone();
            spawn(format!("write-{}", camera.name), move || {
                // The capture thread says who it is as soon as it runs.
                let Ok(capture) = capture.recv() else { return };
                writer::Writer::new(volumes, desk, ring, clock, writer_report, side_input)
                    .run(receiver, &capture, &stop);
            })?
        };
        let (feeder, tap) = live::tap();
        taps.push((char::from(letter), tap));
        let capture = {
            let spec = camera.clone();
            let stop = stop.clone();
            let writer = writer.thread().clone();
            let desk = desk.clone();
            let bindings = bindings.clone();
            spawn(format!("capture-{}", camera.name), move || {
                let camera = (&spec, &bindings);
                let ends = (sender, feeder);
                capture::run(camera, source_clock, ends, &writer, &report, &desk, &stop);
            })?
        };
        // Cannot fail: the writer thread waits for exactly this.
        let _ = capture_handle.0.send(capture.thread().clone());
        captures.push(capture.thread().clone());
        cameras.extend([capture, writer]);
    }
    if plan.drive {
        let (clock, stop) = (clock.clone(), stop.clone());
        spawn("drive", move || drive::run(&clock, &side_senders, &stop))?;
    } else if plan.gps.is_on() {
        let gps = gps::Gps::new(clock.clone(), side_senders, status.gps_shown());
        let stop = stop.clone();
        spawn("gps", move || gps.run(&plan.gps, &stop))?;
    }
    let housekeeper = housekeeper::Housekeeper {
        desk: desk.clone(),
        volumes,
        needs,
        slots: plan.slots,
        retention: plan.retention,
        clock,
        status: status.clone(),
        stop: stop.clone(),
        state: housekeeper::State::default(),
        others: Default::default(),
    };
    let housekeeper = spawn("housekeeper", move || housekeeper.run())?;
    desk.wake(housekeeper.thread().clone());
    Ok(Recording {
        status,
        desk,
        live: Live::of(taps),
        stopper: Stopper { stop, captures },
        cameras,
        housekeeper,
    })
}

fn spawn(
    name: impl Into<String>,
    run: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.into());
    thread.spawn(run)
}

fn slots_of_one(slots: Slots, cameras: usize) -> usize {
    match slots {
        Slots::Count(count) => count as usize / cameras.max(1),
        Slots::Fill(_) => usize::MAX,
    }
}

/// Ends a recording from elsewhere.
#[derive(Clone)]
pub struct Stopper {
    stop: Arc<AtomicBool>,
    captures: Vec<std::thread::Thread>,
}

impl Stopper {
    /// Asks every camera to finish its segment; returns at once, may be called again.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        for capture in &self.captures {
            capture.unpark();
        }
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

    /// What it answers at its control socket.
    pub fn answers(&self) -> impl Answer + use<> {
        Answers::new(self.status.clone(), self.desk.clone(), self.live.clone())
    }

    /// Where its cameras can be watched.
    pub fn live(&self) -> Arc<dyn LiveSource> {
        Arc::new(self.live.clone())
    }

    /// A handle that ends the recording.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Returns when every camera has ended and its last segment is finished.
    pub fn wait(self) {
        for thread in self.cameras {
            // A panic was reported by the hook; the others go on.
            let _ = thread.join();
        }
        self.stopper.stop.store(true, Ordering::SeqCst);
        self.housekeeper.thread().unpark();
        // It may be in the middle of something long; whatever it is can be cut off and done again.
        let end = Instant::now() + FAREWELL;
        while !self.housekeeper.is_finished() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
