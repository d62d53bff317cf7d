//! The housekeeper: finishes what earlier boots left, gives segments their true time, makes slots,
//! and lets old footage go; all while recording runs, and only on slots that it has claimed in the table of their owners.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use picam_control::status::PutInOrder;
use picam_mp4::recover::read_record;
use picam_mp4::{Mended, RecordError, RecoverError, SegmentState};
use picam_ring::{
    AgeingClock, AgeingPace, CameraNeed, Catalog, Claim, Directory, Found, FsDirectory, Lenders,
    Mender, Needs, Owner, Provision, Readback, SegmentStart, SlotName, SlotTable, Slots, Step,
    Volume, ageing_clock, corrections, date_claimed, expired, has_aged, look, newest_footage,
    recover_claimed,
};
use picam_sensors::motion::Sensitivity;
use picam_time::{BootNs, BootTime, Clock, Offer, UtcUs};

use crate::boot::boot_id;
use crate::desk::Desk;
use crate::impacts;
use crate::locker::Locker;
use crate::status::Status;
use crate::stills;
use crate::true_time::TrueTime;
use crate::volumes::Volumes;

/// Recording comes first: nothing is done before every camera is under way, or this has passed.
const HEAD_START: Duration = Duration::from_secs(10);
/// How often the card is looked over.
const ROUND: Duration = Duration::from_secs(20);
/// A pause after so many looked-at files, so that the card stays free for recording.
const FILES_AT_ONCE: usize = 16;
/// How long it is believed, once looked into, that the clock can be believed or not.
const BELIEVED_FOR: Duration = Duration::from_secs(600);

/// The slots that the cameras need; others may be recorded from now on.
#[derive(Debug)]
pub(crate) struct SlotNeeds {
    /// For all of them together.
    pub(crate) slots: Slots,
    pub(crate) cameras: Vec<CameraNeed>,
}

pub(crate) struct Housekeeper {
    pub(crate) desk: Arc<Desk>,
    pub(crate) volumes: Volumes,
    pub(crate) needs: Arc<ArcSwap<SlotNeeds>>,
    pub(crate) retention: Option<Duration>,
    /// How weak an impact may be that locks what was cut off upon it.
    pub(crate) impact: Option<Sensitivity>,
    pub(crate) clock: Arc<TrueTime>,
    pub(crate) status: Arc<Status>,
    pub(crate) stop: Arc<AtomicBool>,
    /// Of the volume that is being looked after.
    pub(crate) state: State,
    /// Of the others.
    pub(crate) others: HashMap<Volume, State>,
}

/// What the housekeeper remembers from round to round.
#[derive(Default)]
pub(crate) struct State {
    pace: HashMap<u8, AgeingPace>,
    /// What was said last of the clock, so that the log says it once.
    doubted: Option<AgeingClock>,
    readback: Readback,
    mender: Mender,
    locker: Locker,
    /// What was said last of a time that could be believed, and at which boot time.
    believed: Option<(BootNs, Option<UtcUs>)>,
    /// When the newest footage of other boots on it was recorded.
    pub(crate) newest: Option<UtcUs>,
    /// Whether everything on it has been looked at since it is there, and since the time was told.
    looked_over: bool,
}

impl Housekeeper {
    pub(crate) fn run(mut self) {
        let start = Instant::now();
        while !self.status.all_under_way() && start.elapsed() < HEAD_START && !self.stopped() {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        while !self.stopped() {
            self.look_after_all();
            self.nap(ROUND);
        }
    }

    /// One round on every volume. What was said of the time is news in the next one, too, if none of them could be had.
    fn look_after_all(&mut self) {
        // What was recorded before somebody said the time gets it now.
        let (time, offer) = self.clock.news();
        let mut done = false;
        let volumes: Vec<Volume> = self.volumes.all().map(|(volume, _)| volume).collect();
        for volume in volumes {
            done |= self.look_after(volume, &time, offer);
        }
        if !done {
            self.clock.not_done(offer);
        }
    }

    /// One round on one volume; whether that could be had.
    pub(crate) fn look_after(
        &mut self,
        volume: Volume,
        time: &BootTime,
        offer: Option<Offer>,
    ) -> bool {
        self.state = self.others.remove(&volume).unwrap_or_default();
        self.state.looked_over &= offer.is_none();
        let looked = self.round(volume, time, offer, self.state.looked_over);
        // If it is gone, whatever comes next may be another one.
        self.state.looked_over = looked.is_ok();
        if let Err(error) = &looked {
            tracing::debug!("{volume} cannot be looked over: {error}");
        }
        self.others.insert(volume, std::mem::take(&mut self.state));
        looked.is_ok()
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Waits, and carries out what is ordered meanwhile.
    fn nap(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while !self.stopped() && Instant::now() < end {
            if self.desk.has_news()
                && let Err(error) = self.carry_out_orders()
            {
                tracing::debug!("orders wait for the card: {error}");
            }
            std::thread::park_timeout(end.saturating_duration_since(Instant::now()));
        }
    }

    /// Carries out what was ordered, on every volume that is there.
    fn carry_out_orders(&mut self) -> std::io::Result<()> {
        let volumes: Vec<Volume> = self.volumes.all().map(|(volume, _)| volume).collect();
        let mut done = Err(std::io::ErrorKind::NotFound.into());
        for volume in volumes {
            let Ok((directory, table)) = self.volumes.get(volume).open() else {
                continue;
            };
            if !table.is_known() {
                table.look(&directory)?;
            }
            let state = self.others.entry(volume).or_default();
            done = state.locker.lock(&directory, &table, &self.desk, volume);
        }
        done
    }

    /// Locks what is to be locked, and frees what was marked for a day.
    fn look_after_orders(
        &mut self,
        volume: Volume,
        directory: &FsDirectory,
        table: &SlotTable,
        time: &BootTime,
    ) -> std::io::Result<()> {
        // What earlier starts were told is read here for the first time, by locks and by marks alike.
        let believed = match self.desk.has_deletions(volume) {
            false => None,
            true => self.believed_now(directory, table, time),
        };
        let locker = &mut self.state.locker;
        locker.give_up(directory, table, &self.desk, volume, believed)?;
        locker.lock(directory, table, &self.desk, volume)
    }

    /// The time if it can be believed. Every header is read for that, and so not every round.
    fn believed_now(
        &mut self,
        directory: &FsDirectory,
        table: &SlotTable,
        time: &BootTime,
    ) -> Option<UtcUs> {
        let now = self.clock.now();
        let (at, utc) = match self.state.believed {
            Some((at, utc)) if now.since(at) < BELIEVED_FOR => (at, utc),
            _ => {
                let starts = self.starts(directory, &table.catalog());
                let utc = match ageing_clock(time, now, boot_id(), &starts) {
                    AgeingClock::Believed(utc) => Some(utc),
                    _ => None,
                };
                *self.state.believed.insert((now, utc))
            }
        };
        utc.map(|utc| utc + now.since(at))
    }

    fn round(
        &mut self,
        volume: Volume,
        time: &BootTime,
        offer: Option<Offer>,
        looked_over: bool,
    ) -> std::io::Result<()> {
        let (directory, table) = self.volumes.get(volume).open()?;
        table.look(&directory)?;
        let needs = self.needs.load_full();
        // Stills lie in what the ring leaves free.
        let footage = self.volumes.get(volume).path();
        let space = stills::lent(footage, needs.slots, directory.space()?);
        let plan = Provision::plan(needs.slots, &needs.cameras, space, &table.catalog());
        // A card that is smaller than it says gets no more.
        for need in needs
            .cameras
            .iter()
            .filter(|_| !self.state.readback.is_forged())
        {
            table.set_target(need.camera, plan.target(need.camera));
        }
        // A few slots first, so that the ring can turn; then what is left from before; then the rest.
        self.provision(volume, &directory, &table, &plan, 3 * needs.cameras.len())?;
        if !looked_over {
            self.put_in_order(volume, &directory, &table, time, offer)?;
        }
        // Whatever is wrong with what is written down, the rest of the round is not.
        if let Err(error) = self.look_after_orders(volume, &directory, &table, time) {
            tracing::warn!("orders about footage wait: {error}");
        }
        self.provision(volume, &directory, &table, &plan, usize::MAX)?;
        // A clock that was told meanwhile has not moved segments yet.
        let known = self.clock.known();
        if known.anchor() == time.anchor() {
            self.let_old_footage_go(&directory, &table, &known)?;
        }
        self.mend(volume, &directory, &table);
        self.read_back(volume, &directory, &table);
        Ok(())
    }

    /// Works on a slot unless somebody else does.
    fn with_slot(
        table: &SlotTable,
        slot: SlotName,
        work: impl FnOnce(&mut Claim) -> Result<(), RecoverError>,
    ) -> bool {
        let Some(mut claim) = table.claim(slot, Owner::Housekeeper) else {
            return false;
        };
        work(&mut claim)
            .inspect_err(|error| tracing::warn!("{slot} cannot be put in order: {error}"))
            .is_ok()
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
    fn put_in_order(
        &mut self,
        volume: Volume,
        directory: &FsDirectory,
        table: &SlotTable,
        time: &BootTime,
        offer: Option<Offer>,
    ) -> std::io::Result<()> {
        let (mut cut_off, mut done) = (Vec::new(), PutInOrder::default());
        let lenders = Lenders::new(directory, Self::all_slots(&table.catalog()));
        for slot in self.slots_in_turn(&table.catalog()) {
            let in_need = |slot| {
                let seen = look(directory, slot).map(|seen| seen.needs);
                matches!(seen, Ok(Needs::Recovery | Needs::Mending))
            };
            if !in_need(slot) {
                continue;
            }
            Self::with_slot(table, slot, |claim| {
                // Its recorder may have finished it, or begun another, before it was claimed.
                if in_need(slot) {
                    let mended = recover_claimed(claim, directory, &|crc| lenders.lend(crc))?;
                    count_mended(&mut done, &mended);
                    let damaged = damage(&mended);
                    tracing::info!("recovered {}{damaged}", claim.slot());
                    cut_off.push(claim.slot());
                }
                table.holds_no_footage(slot);
                Ok(())
            });
        }
        self.status.put_in_order(volume, &done);
        self.lock_impacts_of(directory, &cut_off);
        let starts = self.starts(directory, &table.catalog());
        self.state.newest = newest_footage(boot_id(), &starts);
        let others = self.others.values().map(|state| state.newest);
        let newest = others.chain([self.state.newest]).max().flatten();
        if self.clock.note_footage(newest) {
            // Nothing gets a time that is not believed any more; the next round knows the better one.
            return Ok(());
        }
        let offer = offer.unwrap_or(Offer::Ignored);
        for correction in corrections(time, offer, boot_id(), &starts) {
            if self.stopped() {
                return Ok(());
            }
            Self::with_slot(table, SlotName::Segment(correction.from), |claim| {
                date_claimed(claim, directory, correction.start_utc)
            });
        }
        Ok(())
    }

    /// Locks what was cut off by what hit the car, unless it was while it was recorded.
    fn lock_impacts_of(&self, directory: &FsDirectory, cut_off: &[SlotName]) {
        let Some(sensitivity) = self.impact else {
            return;
        };
        for slot in cut_off {
            let file = directory.open(&slot.to_string());
            let read = file.map(|file| (read_record(&file), file));
            let Ok((Ok((record, _)), file)) = read else {
                continue;
            };
            for impact in impacts::at_the_end(&file, &record, sensitivity) {
                if self.desk.has_lock_at(record.boot_id, impact.at) {
                    continue;
                }
                tracing::info!(
                    "{slot} ends with an impact of {:.1} g, and is locked",
                    impact.peak_g
                );
                if let Err(denied) = self.desk.lock_impact(record.boot_id, &impact) {
                    tracing::warn!("{slot} ends with an impact, and is not locked: {denied}");
                }
            }
        }
    }

    /// When every finished segment started.
    fn starts(&self, directory: &FsDirectory, catalog: &Catalog) -> Vec<SegmentStart> {
        self.slots_in_turn(catalog)
            .filter_map(|slot| look(directory, slot).ok()?.start)
            .collect()
    }

    /// All slots, slowly, until asked to stop.
    fn slots_in_turn(&self, catalog: &Catalog) -> impl Iterator<Item = SlotName> {
        Self::all_slots(catalog)
            .into_iter()
            .enumerate()
            .take_while(|_| !self.stopped())
            .map(|(n, slot)| {
                if n % FILES_AT_ONCE == FILES_AT_ONCE - 1 {
                    std::thread::sleep(Duration::from_millis(5));
                }
                slot
            })
    }

    /// Makes and removes slots until all is as planned, `most` have been made, or the card is full.
    fn provision(
        &self,
        volume: Volume,
        directory: &impl Directory,
        table: &SlotTable,
        plan: &Provision,
        most: usize,
    ) -> std::io::Result<()> {
        let mut made = 0;
        let mut busy = Vec::new();
        while made < most && !self.stopped() && !self.state.readback.is_forged() {
            match plan.step(directory, table, &mut busy)? {
                Step::Created(_) => made += 1,
                // One that somebody works on is looked at again in the next round.
                Step::Removed(_) => {}
                Step::Done => {
                    self.status.card_full(volume, None);
                    return Ok(());
                }
                Step::Full(what) => {
                    self.status.card_full(volume, Some(what.to_string()));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Footage beyond the age that its owner wants kept becomes spare; slowly, and by a clock that can be believed.
    fn let_old_footage_go(
        &mut self,
        directory: &FsDirectory,
        table: &SlotTable,
        time: &BootTime,
    ) -> std::io::Result<()> {
        let Some(max_age) = self.retention else {
            return Ok(());
        };
        let now = self.clock.now();
        let catalog = table.catalog();
        let Some(utc) = time.utc(now) else {
            return Ok(());
        };
        let candidates = |camera| expired(catalog.ring(camera), max_age, utc);
        if catalog
            .cameras()
            .all(|camera| candidates(camera).is_empty())
        {
            return Ok(());
        }
        let starts = self.starts(directory, &catalog);
        let clock = ageing_clock(time, now, boot_id(), &starts);
        let AgeingClock::Believed(utc) = clock else {
            if self.state.doubted != Some(clock) {
                tracing::warn!("no footage is given up for its age: {}", doubt(clock));
            }
            self.state.doubted = Some(clock);
            return Ok(());
        };
        self.state.doubted = None;
        let headers: HashMap<_, _> = starts.iter().map(|start| (start.name, start)).collect();
        for camera in catalog.cameras() {
            let pace = self.state.pace.entry(camera);
            let pace = pace.or_insert_with(|| AgeingPace::beginning(now));
            let slots = catalog.ring(camera).len();
            for name in candidates(camera) {
                if pace.allowance(now, slots) == 0 {
                    break;
                }
                let aged = |start: &&&SegmentStart| has_aged(start, max_age, utc, now, boot_id());
                // Without a readable header nothing is known of its age but the name.
                if headers.get(&name).is_some_and(|start| !aged(&start)) {
                    continue;
                }
                let given_up = Self::with_slot(table, SlotName::Segment(name), |claim| {
                    Ok(claim.make_spare(directory)?)
                });
                if given_up {
                    pace.gone(slots);
                    self.status.aged(camera);
                    tracing::info!("{name} is older than max-age, and given up");
                }
            }
        }
        Ok(())
    }

    /// Mends what the card damaged of a few finished segments.
    fn mend(&mut self, volume: Volume, directory: &FsDirectory, table: &SlotTable) {
        let mut done = PutInOrder::default();
        for (slot, mended) in self.state.mender.next(directory, table) {
            match mended {
                Ok(mended) => {
                    count_mended(&mut done, &mended);
                    let damaged = damage(&mended);
                    tracing::warn!("{slot} was damaged by the card, and is mended{damaged}");
                }
                Err(RecoverError::Record(RecordError::Foreign)) => {
                    tracing::info!("{slot} is named like a segment, and is none: left alone");
                }
                Err(error) => tracing::warn!("{slot} is damaged and stays so: {error}"),
            }
        }
        self.status.put_in_order(volume, &done);
    }

    /// Reads a little of what was written back from the card itself.
    fn read_back(&mut self, volume: Volume, directory: &FsDirectory, table: &SlotTable) {
        for found in self.state.readback.next(directory, table) {
            match found {
                Found::Forged(slot) => {
                    tracing::error!(
                        "{slot} does not hold what was written to it: {volume} is smaller than it says"
                    );
                    self.status.card_is_forged(volume);
                }
                Found::Rotten(slot) => {
                    tracing::warn!("{slot} has damaged footage: {volume} forgets");
                    self.status.slot_is_rotten(volume);
                }
            }
        }
    }
}

/// Adds what was put in order. A slot that holds no footage after all is none of it.
fn count_mended(done: &mut PutInOrder, mended: &Mended) {
    if mended.empty {
        return;
    }
    match mended.was {
        SegmentState::Finished => done.mended += 1,
        SegmentState::Recording => done.recovered += 1,
    }
    done.damaged_fragments += u64::from(mended.damaged);
}

/// For the log: what stays damaged.
fn damage(mended: &Mended) -> String {
    match mended.damaged {
        0 => String::new(),
        n => format!("; damaged fragments, kept as far as they can be shown: {n}"),
    }
}

fn doubt(clock: AgeingClock) -> &'static str {
    match clock {
        AgeingClock::Behind => "the clock is behind the newest footage",
        AgeingClock::Ahead => {
            "the clock is more than a day ahead of the newest footage, and nothing else speaks for it yet"
        }
        AgeingClock::Unknown | AgeingClock::Believed(_) => "nobody has said what time it is",
    }
}
