//! Stills: one picture of a camera as a JPEG, while it is recorded.
//!
//! ```text
//! order --> studio's thread --press--> capture thread (one flag a picture)
//!               ^                          |
//!               +------ a copy of the picture before it is coded,
//!                       or none: then the tap's next key frame is decoded
//!           JPEG, EXIF, card
//! ```
//!
//! Everything that takes time is done on one thread of low priority: a card that is slow or full, or a picture that cannot be
//! decoded, is counted and said, and costs no picture of any camera.

mod develop;
mod priority;
mod shutter;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use picam_control::orders::{Denied, Why};
use picam_control::status::{Fault, StillsStatus};
use picam_control::stills::StillMade;
use picam_ring::{Directory, Reserve, SlotTable, Slots, Space, StillRoom};

use self::develop::{Label, expose};
use self::store::{Store, StoreError};
use crate::desk::{Desk, unavailable};
use crate::housekeeper::SlotNeeds;
use crate::live::Live;
use crate::status::{Camera, Status};
use crate::volumes::{Open, Volumes};
use crate::whereabouts::Whereabouts;

pub(crate) use self::shutter::{Given, Shutter};

/// Orders that wait at most.
const MOST_ORDERS: usize = 4;
/// How often it is looked whether to stop.
const NAP: Duration = Duration::from_millis(200);
/// So much of the reserve stills may take; the rest is the owner's, and the filesystem's own.
const SHARE_OF_RESERVE: u64 = 2;
/// So much stays free on a card whose slots are counted, in bytes.
const LEFT_FREE: u64 = 16 << 20;

/// What is wanted of stills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillsPlan {
    /// From one to the next that is taken by itself; `None` if none shall be.
    pub every: Option<Duration>,
    /// For so long after the start; `None` for as long as it records.
    pub lasting: Option<Duration>,
    /// Of this camera alone, by its name.
    pub camera: Option<String>,
    /// Quality of the JPEG, 1 to 100.
    pub quality: u8,
    /// Bytes that all stills together take at most.
    pub room: u64,
}

impl Default for StillsPlan {
    fn default() -> Self {
        Self {
            every: None,
            lasting: None,
            camera: None,
            quality: 90,
            room: 256 << 20,
        }
    }
}

/// What has become of them.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    made: AtomicU64,
    failed: AtomicU64,
    fault: ArcSwapOption<Fault>,
}

impl Shown {
    pub(crate) fn status(&self, plan: &StillsPlan) -> StillsStatus {
        StillsStatus {
            every_s: plan.every.map(|every| every.as_secs_f64()),
            made: self.made.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            fault: self.fault.load().as_deref().cloned(),
        }
    }

    fn count(&self, done: &Done) {
        match done {
            Ok(_) => {
                self.made.fetch_add(1, Ordering::Relaxed);
                self.fault.store(None);
            }
            Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The same of one that nobody waits for.
    fn note(&self, done: &Done) {
        self.count(done);
        if let Err(denied) = done {
            self.fault.store(Some(Arc::new(Fault {
                message: format!("a still was not taken: {denied}"),
                remedy: denied.remedy.clone(),
            })));
        }
    }
}

/// What becomes of an order.
type Done = Result<StillMade, Denied>;

struct Order {
    camera: String,
    reply: SyncSender<Done>,
    given: Instant,
}

/// Where stills are ordered.
#[derive(Clone)]
pub(crate) struct Orders(SyncSender<Order>);

/// An order that was taken.
pub(crate) struct Pending(Receiver<Done>);

impl Orders {
    /// Has one made of a camera, by its letter or name; returns at once.
    pub(crate) fn order(&self, camera: String) -> Result<Pending, Denied> {
        let (reply, done) = sync_channel(1);
        let given = Instant::now();
        let order = Order {
            camera,
            reply,
            given,
        };
        match self.0.try_send(order) {
            Ok(()) => Ok(Pending(done)),
            Err(TrySendError::Full(_)) => Err(Denied::new(
                Why::TooFast,
                format!("{MOST_ORDERS} stills wait to be made already"),
                "try again in a second",
            )),
            Err(TrySendError::Disconnected(_)) => Err(ending()),
        }
    }
}

impl Pending {
    /// Waits for it.
    pub(crate) fn wait(self) -> Done {
        self.0.recv().unwrap_or_else(|_| Err(ending()))
    }
}

fn ending() -> Denied {
    Denied::new(Why::Unavailable, "the recorder is ending", "start it anew")
}

/// What makes them.
pub(crate) struct Studio {
    pub(crate) plan: StillsPlan,
    pub(crate) live: Live,
    pub(crate) status: Arc<Status>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) volumes: Volumes,
    pub(crate) needs: Arc<ArcSwap<SlotNeeds>>,
    pub(crate) whereabouts: Whereabouts,
    pub(crate) shown: Arc<Shown>,
}

/// Where orders for a studio go, and where they come.
pub(crate) fn orders() -> (Orders, impl FnOnce(Studio, &AtomicBool) + Send) {
    let (sender, receiver) = sync_channel(MOST_ORDERS);
    let run = move |studio: Studio, stop: &AtomicBool| studio.run(&receiver, stop);
    (Orders(sender), run)
}

impl Studio {
    /// Runs until `stop` is set.
    fn run(self, orders: &Receiver<Order>, stop: &AtomicBool) {
        if let Err(error) = priority::step_back() {
            tracing::debug!("stills are made with everybody's priority: {error}");
        }
        let started = Instant::now();
        let mut due = self.plan.every.map(|every| started + every);
        while !stop.load(Ordering::SeqCst) {
            let left = |due: Instant| due.saturating_duration_since(Instant::now());
            match orders.recv_timeout(due.map_or(NAP, |due| left(due).min(NAP))) {
                Ok(order) => {
                    let done = self.take(&order.camera, order.given);
                    // Whoever ordered it is told why not.
                    self.shown.count(&done);
                    let _ = order.reply.send(done);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if due.is_some_and(|due| Instant::now() >= due) {
                self.take_round();
                due = next_due(&self.plan, due, started, Instant::now());
            }
        }
    }

    /// One of each camera that is to have some, by the clock.
    fn take_round(&self) {
        if self.desk.is_paused() {
            return;
        }
        let names = match &self.plan.camera {
            Some(only) => vec![only.clone()],
            None => self.status.camera_names(),
        };
        for name in &names {
            let done = self.take(name, Instant::now());
            let had_fault = self.shown.fault.load().is_some();
            self.shown.note(&done);
            match done {
                Ok(made) => tracing::debug!("still {} of {name}", made.id),
                // Said once: it is tried again and again.
                Err(denied) if !had_fault => {
                    tracing::warn!("no still of {name}: {denied}; {}", denied.remedy);
                }
                Err(denied) => tracing::debug!("no still of {name}: {denied}"),
            }
        }
    }

    fn take(&self, camera: &str, given: Instant) -> Done {
        let Camera { letter, name, .. } = self.status.camera_called(camera)?;
        if self.desk.is_paused() {
            let remedy = "resume it, or wait until it goes on by itself";
            return Err(Denied::new(Why::Refused, "recording is paused", remedy));
        }
        let tap = self.live.tap(char::from(letter)).ok_or_else(|| {
            Denied::new(
                Why::Unavailable,
                format!("camera {name} has ended"),
                "start it anew",
            )
        })?;
        let picture = expose(&tap)?;
        let (captured, from) = (picture.captured(), picture.from);
        let (booted, _) = self.desk.clock().booted();
        let taken = booted.map(|booted| booted.after_boot(captured));
        let model = format!("{} {name}", char::from(letter));
        let jpeg = picture.develop(&Label {
            model: &model,
            taken,
            place: self.whereabouts.at(captured),
            quality: self.plan.quality,
        })?;
        let (open, store) = self.open()?;
        let room = self.room(&open)?;
        let still = store.add(letter, &jpeg.bytes, room).map_err(not_stored)?;
        Ok(StillMade {
            id: still.id(open.which),
            camera: char::from(letter),
            name,
            file: self.path(&open, &still.to_string()),
            width: jpeg.size.0,
            height: jpeg.size.1,
            bytes: jpeg.bytes.len() as u64,
            taken,
            from,
            took_ms: given.elapsed().as_millis() as u64,
        })
    }

    fn open(&self) -> Result<(Open, Store), Denied> {
        let open = self.volumes.open().map_err(unavailable)?;
        let store = Store::of(self.volumes.get(open.which).path());
        Ok((open, store))
    }

    fn path(&self, open: &Open, still: &str) -> std::path::PathBuf {
        let footage = self.volumes.get(open.which).path();
        footage.join(picam_ring::STILLS_FOLDER).join(still)
    }

    fn room(&self, open: &Open) -> Result<StillRoom, Denied> {
        let space = open.directory.space().map_err(unavailable)?;
        let needs = self.needs.load();
        let missing = missing(&open.slots, &needs).ok_or_else(|| {
            let remedy = "try again in a few seconds";
            Denied::new(Why::Unavailable, "the card is being looked over", remedy)
        })?;
        Ok(room(self.plan.room, needs.slots, space, missing))
    }
}

/// Bytes of slots that are still to be made; `None` before that is known.
fn missing(table: &SlotTable, needs: &SlotNeeds) -> Option<u64> {
    let of = |need: &picam_ring::CameraNeed| {
        let has = table.ring(need.camera, |ring| ring.len());
        let slots = table.target(need.camera)?.saturating_sub(has) as u64;
        Some(need.slot_size.saturating_mul(slots))
    };
    needs.cameras.iter().map(of).sum()
}

/// What stills may take of a card.
fn room(wanted: u64, slots: Slots, space: Space, missing: u64) -> StillRoom {
    StillRoom {
        most: wanted.min(most_of(slots, space)),
        free: space
            .available
            .saturating_sub(missing)
            .saturating_sub(match slots {
                Slots::Count(_) => LEFT_FREE,
                Slots::Fill(_) => 0,
            }),
    }
}

/// What all stills together may take of a card at most.
fn most_of(slots: Slots, space: Space) -> u64 {
    match slots {
        Slots::Count(_) => u64::MAX,
        Slots::Fill(Reserve::Bytes(bytes)) => bytes / SHARE_OF_RESERVE,
        Slots::Fill(Reserve::Percent(percent)) => {
            (space.total as f64 * percent / 100.0) as u64 / SHARE_OF_RESERVE
        }
    }
}

/// The room that a ring counts as free although stills take it: they lie in what it leaves free, and must not make it
/// smaller.
pub(crate) fn lent(footage: &std::path::Path, slots: Slots, space: Space) -> Space {
    // A folder that cannot be read lends nothing.
    let stills = Store::of(footage).list().unwrap_or_default();
    let taken: u64 = stills.iter().map(|still| still.size).sum();
    let within = taken.min(most_of(slots, space));
    Space {
        available: space.available.saturating_add(within),
        ..space
    }
}

fn not_stored(error: StoreError) -> Denied {
    match error {
        StoreError::Io(error) => unavailable(error),
        StoreError::Room(error) => Denied::new(
            Why::Refused,
            error.to_string(),
            "move stills off the card, or give them more room: stills.room and reserve in picam.toml",
        ),
        StoreError::NoNumber => {
            let remedy = "move the stills off the card";
            Denied::new(Why::Refused, error.to_string(), remedy)
        }
    }
}

/// When the next one is due; what was missed is not made up for.
fn next_due(
    plan: &StillsPlan,
    due: Option<Instant>,
    started: Instant,
    now: Instant,
) -> Option<Instant> {
    let every = plan.every?;
    let mut next = due? + every;
    if next < now {
        next = now + every;
    }
    let is_over = |lasting: Duration| next.saturating_duration_since(started) > lasting;
    (!plan.lasting.is_some_and(is_over)).then_some(next)
}

#[cfg(test)]
mod tests;
