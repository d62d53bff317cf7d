//! What waits for something, each on a thread of its own: the gauge's bus, the recorder's socket, the lines' next look.
//!
//! A bus that is stuck, or a recorder that hangs, holds up nothing else: the LED says so meanwhile.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use picam_control::power::{BatteryState, Cause};
use picam_control::{Reply, Request, exchange};
use picam_sensors::battery::{Gauge, GaugeError, Reading};
use picam_time::Clock;

use crate::guard::LOOK_EVERY;
use crate::keep::{AGAIN, Outcome, Wish, Wishes};
use crate::led::{Known, News};
use crate::panel::{Act, Lines, Panel, TICK};
use crate::view::{ASK_EVERY, SILENT_AFTER, View};

/// How long the recorder may take to take an order: it is on the card by then.
const ORDER_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer in bytes.
const MAX_REPLY: u64 = 1 << 20;
/// A gauge that could not be opened is tried again.
const REOPEN_EVERY: Duration = Duration::from_secs(5);
/// Whether the hotspot is on is looked up with every so manieth look at the lines: about once a second.
const HOTSPOT_EVERY: u64 = 50;

/// What threads tell each other.
#[derive(Default)]
struct Shared {
    known: Mutex<Known>,
    news: Mutex<Option<News>>,
    beats: AtomicU64,
    stop: AtomicBool,
}

impl Shared {
    // Plain values: a panic leaves nothing half done.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn news(&self) -> MutexGuard<'_, Option<News>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is told to whoever guards the camera.
#[derive(Debug)]
pub enum Message {
    /// What the gauge says.
    Gauge(Result<Reading, GaugeError>),
    /// The hotspot is to be switched on or off.
    Hotspot,
    /// The camera is to be switched off, for that reason.
    PowerOff(Cause),
    /// The guard is to end.
    Stop,
}

/// Where the lines get their news from, and whom they ask.
pub struct Wiring {
    /// The lines.
    pub lines: Lines,
    /// Whether the LED shows faults alone.
    pub stealth: bool,
    /// The recorder's control socket.
    pub recorder: Option<PathBuf>,
    /// What is there while the hotspot is on.
    pub hotspot: Option<PathBuf>,
    /// The kernel's id of this start.
    pub boot_id: String,
}

/// LED, button and trigger, at work.
pub struct PanelThread {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl PanelThread {
    /// Starts to look.
    pub fn start<C: Clock + Clone + Send + 'static>(
        clock: C,
        wiring: Wiring,
        to: Sender<Message>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (wish, wishes) = mpsc::channel();
        if let Some(socket) = wiring.recorder.clone() {
            let (clock, shared) = (clock.clone(), shared.clone());
            spawn("recorder", move || watch_recorder(&clock, &socket, &shared))?;
        }
        if let Some(socket) = wiring.recorder.clone() {
            let (clock, shared) = (clock.clone(), shared.clone());
            let of_boot = Wishes::of_boot(&wiring.boot_id);
            spawn("keep", move || {
                keep(&clock, &socket, &shared, of_boot, &wishes)
            })?;
        }
        let beside = shared.clone();
        let thread = spawn("panel", move || look(&clock, wiring, &beside, &wish, &to))?;
        Ok(Self { shared, thread })
    }

    /// What the battery says, for the LED.
    pub fn tell(&self, battery: Option<BatteryState>, switching_off: bool) {
        let mut known = self.shared.known();
        known.battery_is_low = battery == Some(BatteryState::Low);
        known.switching_off = switching_off;
    }

    /// How often the lines have been looked at: more often each time, or the thread hangs.
    pub fn beats(&self) -> u64 {
        self.shared.beats.load(Ordering::Relaxed)
    }

    /// Ends it; the LED is dark then.
    pub fn stop(self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}

/// Asks the gauge once a second; it is opened by `open`, again and again if that fails.
pub fn start_gauge<C: Clock + Send + 'static>(
    clock: C,
    open: impl Fn() -> Result<Box<dyn Gauge>, GaugeError> + Send + 'static,
    to: Sender<Message>,
) -> io::Result<()> {
    spawn("gauge", move || {
        let mut gauge: Option<Box<dyn Gauge>> = None;
        loop {
            let mut pause = LOOK_EVERY;
            let said = match &mut gauge {
                Some(gauge) => gauge.read(),
                None => match open() {
                    Ok(opened) => gauge.insert(opened).read(),
                    Err(error) => {
                        pause = REOPEN_EVERY;
                        Err(error)
                    }
                },
            };
            // Nobody hears it any more.
            if to.send(Message::Gauge(said)).is_err() {
                return;
            }
            clock.sleep(pause);
        }
    })
    .map(drop)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(work)
}

fn watch_recorder(clock: &impl Clock, socket: &std::path::Path, shared: &Shared) {
    let mut silent = false;
    loop {
        let asked = clock.now();
        let reply = exchange(socket, &Request::Status {}, SILENT_AFTER, MAX_REPLY);
        match reply {
            Ok(Reply::Status(status)) => {
                shared.known().view = Some(View::of(&status, asked));
                if std::mem::take(&mut silent) {
                    tracing::info!("the recorder answers again");
                }
            }
            other => {
                if !std::mem::replace(&mut silent, true) {
                    let why = other.map_or_else(
                        |error| error.to_string(),
                        |_| "it makes no sense".to_owned(),
                    );
                    tracing::warn!("the recorder does not answer: {why}");
                }
            }
        }
        clock.sleep(ASK_EVERY.saturating_sub(clock.now().since(asked)));
    }
}

fn keep(
    clock: &impl Clock,
    socket: &std::path::Path,
    shared: &Shared,
    mut wishes: Wishes,
    from: &Receiver<Wish>,
) {
    let ask = |request| exchange(socket, &request, ORDER_TIMEOUT, MAX_REPLY);
    loop {
        let wish = if wishes.is_empty() {
            from.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            from.recv_timeout(AGAIN)
        };
        match wish {
            Ok(wish) => wishes.add(wish),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while let Some(outcome) = wishes.try_oldest(clock.now(), ask) {
            *shared.news() = Some(match outcome {
                Outcome::Kept => {
                    tracing::info!("footage is kept");
                    News::Locked
                }
                Outcome::NotKept(why) => {
                    tracing::error!("footage is not kept: {why}");
                    News::NotLocked
                }
            });
        }
    }
}

fn look(
    clock: &impl Clock,
    wiring: Wiring,
    shared: &Shared,
    wish: &Sender<Wish>,
    to: &Sender<Message>,
) {
    let mut panel = Panel::new(clock.now(), wiring.lines, wiring.stealth);
    let mut sign = None;
    let mut hotspot = false;
    while !shared.stop.load(Ordering::Relaxed) {
        let now = clock.now();
        let beat = shared.beats.fetch_add(1, Ordering::Relaxed);
        if beat.is_multiple_of(HOTSPOT_EVERY) {
            hotspot = wiring.hotspot.as_ref().is_some_and(|path| path.exists());
        }
        let mut known = *shared.known();
        known.hotspot = hotspot;
        let news = shared.news().take();
        for act in panel.look(now, &known, news) {
            told(act, wish, to);
        }
        if panel.led().sign() != sign {
            sign = panel.led().sign();
            tracing::debug!("LED: {sign:?}");
        }
        clock.sleep(TICK);
    }
}

fn told(act: Act, wish: &Sender<Wish>, to: &Sender<Message>) {
    match act {
        Act::Keep(Wish { by, .. }) => tracing::info!("{by:?}: footage is to be kept"),
        Act::Hotspot => tracing::info!("the button was held: hotspot on or off"),
        Act::PowerOff(_) => {}
    }
    // Whoever no longer listens has ended with an error of its own, and all of this with it.
    let _ = match act {
        Act::Keep(kept) => wish.send(kept).map_err(drop),
        Act::Hotspot => to.send(Message::Hotspot).map_err(drop),
        Act::PowerOff(cause) => to.send(Message::PowerOff(cause)).map_err(drop),
    };
}
