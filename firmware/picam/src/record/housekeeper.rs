//! The housekeeper: finishes what earlier boots left, gives segments their true time, makes slots,
//! and lets old footage go; all while recording runs, and only on slots that their recorder lends.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, sync_channel};
use std::time::{Duration, Instant};

use picam_capture::{Clock, SystemClock};
use picam_ring::{
    Action, CameraNeed, Catalog, Change, Directory, FsDirectory, Needs, Provision, Retention,
    SegmentName, SlotName, Slots, anchor_slot, expired, give_up_slot, look, recover_slot,
};

use super::boot::{Card, boot_id};
use super::status::Status;
use super::writer::Order;

/// Recording comes first: nothing is done before every camera is under way, or this has passed.
const HEAD_START: Duration = Duration::from_secs(10);
/// How often the card is looked over.
const ROUND: Duration = Duration::from_secs(20);
/// How long a recorder may take to answer; it may be waiting for the card itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// A pause after so many looked-at files, so that the card stays free for recording.
const FILES_AT_ONCE: usize = 16;

pub(super) struct Housekeeper {
    pub(super) card: Card,
    pub(super) commands: Vec<(u8, Sender<Order>)>,
    pub(super) needs: Vec<CameraNeed>,
    pub(super) slots: Slots,
    pub(super) retention: Option<Duration>,
    pub(super) clock: Arc<SystemClock>,
    pub(super) status: Arc<Status>,
    pub(super) stop: Arc<AtomicBool>,
}

impl Housekeeper {
    pub(super) fn run(self) {
        let start = Instant::now();
        while !self.status.all_under_way() && start.elapsed() < HEAD_START && !self.stopped() {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let mut looked_over = false;
        let mut knew_time = self.clock.utc_us().is_some();
        while !self.stopped() {
            // What was recorded before somebody said the time gets it now.
            let knows_time = self.clock.utc_us().is_some();
            looked_over &= knew_time == knows_time;
            knew_time = knows_time;
            match self.round(looked_over) {
                Ok(()) => looked_over = true,
                // The card is gone; whatever comes next may be another one.
                Err(error) => {
                    looked_over = false;
                    tracing::debug!("the card cannot be looked over: {error}");
                }
            }
            self.nap(ROUND);
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn nap(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.stopped() && Instant::now() < end {
            std::thread::park_timeout(end.saturating_duration_since(Instant::now()));
        }
    }

    fn round(&self, looked_over: bool) -> std::io::Result<()> {
        let directory = self.card.open()?;
        let plan = Provision::plan(
            self.slots,
            &self.needs,
            directory.space()?,
            &Catalog::read(&directory)?,
        );
        // A few slots first, so that the ring can turn; then what is left from before; then the rest.
        self.provision(&directory, &plan, 3 * self.needs.len())?;
        if !looked_over {
            self.put_in_order(&directory)?;
        }
        self.provision(&directory, &plan, usize::MAX)?;
        self.let_old_footage_go(&directory)
    }

    /// Asks the camera's recorder for a slot, works on it, and gives it back under its new name. A
    /// camera that is not configured any more has nobody to ask.
    fn with_slot(
        &self,
        slot: SlotName,
        work: impl FnOnce() -> Result<SlotName, picam_mp4::RecoverError>,
    ) {
        let commander = self.commander(slot.camera());
        if let Some(commander) = commander {
            let (answer, reply) = sync_channel(1);
            let asked = commander.send(Order::Lend(slot, answer)).is_ok();
            match reply.recv_timeout(PATIENCE) {
                Ok(true) if asked => {}
                Ok(_) => return,
                Err(_) => {
                    // Too late an answer must not leave the slot lent for ever.
                    let _ = commander.send(Order::GiveBack(slot, slot));
                    return;
                }
            }
        }
        let now = work()
            .inspect_err(|error| tracing::warn!("{slot} cannot be put in order: {error}"))
            .unwrap_or(slot);
        if let Some(commander) = commander {
            let _ = commander.send(Order::GiveBack(slot, now));
        }
    }

    fn commander(&self, camera: u8) -> Option<&Sender<Order>> {
        self.commands
            .iter()
            .find(|(letter, _)| *letter == camera)
            .map(|(_, command)| command)
    }

    fn all_slots(catalog: &Catalog) -> Vec<SlotName> {
        catalog
            .cameras()
            .flat_map(|camera| {
                let ring = catalog.ring(camera);
                let segments = ring.segments().iter().rev().map(|segment| segment.slot());
                ring.spares()
                    .iter()
                    .map(|spare| spare.slot())
                    .chain(segments)
            })
            .collect()
    }

    /// Recovers what was cut off, newest first, and then gives segments their true time where any
    /// segment of the same boot has one.
    fn put_in_order(&self, directory: &FsDirectory) -> std::io::Result<()> {
        let catalog = Catalog::read(directory)?;
        let mut offsets: HashMap<[u8; 16], i64> = HashMap::new();
        if let Some(utc) = self.clock.utc_us() {
            let offset = utc - (self.clock.boot_ns() / 1000) as i64;
            offsets.insert(boot_id(), offset);
        }
        let mut timeless: Vec<(SegmentName, [u8; 16])> = Vec::new();
        for (n, slot) in Self::all_slots(&catalog).into_iter().enumerate() {
            if self.stopped() {
                return Ok(());
            }
            if n % FILES_AT_ONCE == FILES_AT_ONCE - 1 {
                std::thread::sleep(Duration::from_millis(5));
            }
            let Ok(seen) = look(directory, slot) else {
                continue;
            };
            if let Some((boot, offset)) = seen.boot.and_then(|(id, offset)| Some((id, offset?))) {
                offsets.insert(boot, offset);
            }
            match (seen.needs, slot, seen.boot) {
                (Needs::Recovery, _, _) => {
                    self.with_slot(slot, || {
                        let now = recover_slot(directory, slot)?;
                        tracing::info!("recovered {now}");
                        Ok(now)
                    });
                }
                (Needs::Time, SlotName::Segment(name), Some((boot, _))) => {
                    timeless.push((name, boot));
                }
                _ => {}
            }
        }
        for (name, boot) in timeless {
            if let (Some(&offset), false) = (offsets.get(&boot), self.stopped()) {
                self.with_slot(SlotName::Segment(name), || {
                    anchor_slot(directory, name, offset)
                });
            }
        }
        Ok(())
    }

    /// Makes and removes slots until all is as planned, `most` have been made, or the card is full.
    fn provision(
        &self,
        directory: &FsDirectory,
        plan: &Provision,
        most: usize,
    ) -> std::io::Result<()> {
        let mut catalog = Catalog::read(directory)?;
        let mut made = 0;
        while made < most && !self.stopped() {
            match plan.next(&catalog, directory.space()?, &[]) {
                Action::Done => {
                    self.status.card_full(None);
                    return Ok(());
                }
                Action::Full(what) => {
                    self.status.card_full(Some(what.to_string()));
                    return Ok(());
                }
                Action::Remove(slot) => {
                    self.remove(directory, slot);
                    catalog = Catalog::read(directory)?;
                }
                action @ Action::Create { .. } => {
                    let change = action.perform(directory)?;
                    catalog.apply(change);
                    if let Change::Added(slot, size) = change {
                        made += 1;
                        if let Some(commander) = self.commander(slot.camera()) {
                            let _ = commander.send(Order::Made(slot, size));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn remove(&self, directory: &FsDirectory, slot: SlotName) {
        let mut removed = false;
        self.with_slot(slot, || {
            directory.remove(&slot.to_string())?;
            directory.sync()?;
            removed = true;
            Ok(slot)
        });
        if let (true, Some(commander)) = (removed, self.commander(slot.camera())) {
            let _ = commander.send(Order::Removed(slot));
        } else if !removed {
            // Busy: it is looked at again in the next round.
            self.nap(Duration::from_secs(1));
        }
    }

    /// Footage beyond the age that its owner wants kept becomes spare.
    fn let_old_footage_go(&self, directory: &FsDirectory) -> std::io::Result<()> {
        let (Some(max_age), Some(now_us)) = (self.retention, self.clock.utc_us()) else {
            return Ok(());
        };
        let catalog = Catalog::read(directory)?;
        let retention = Retention {
            max_age,
            include_locked: false,
        };
        for camera in catalog.cameras() {
            for name in expired(catalog.ring(camera), &retention, now_us / 1_000_000, &[]) {
                self.with_slot(SlotName::Segment(name), || give_up_slot(directory, name));
            }
        }
        Ok(())
    }
}
