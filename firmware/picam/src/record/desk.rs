//! Where orders about footage arrive, and where recorders and housekeeper see what there is to do.
//!
//! An order is on the card before it is answered. Whoever records only looks at atomics and swapped pointers: the lock in
//! here is for those who ask, and for the housekeeper.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use arc_swap::ArcSwap;
use picam_capture::Clock;
use picam_mp4::RecoverError;
use picam_ring::{
    Class, Extent, FsDirectory, Owner, SegmentName, Shares, SlotName, SlotTable, is_camera_letter,
    reclass_claimed,
};
use picam_web::orders::{Denied, Order, OrderSpan, OrderTaker, Why};

use super::boot::{Card, boot_id};
use super::true_time::TrueTime;
use crate::orders::{
    Deletion, Ledger, LockOrder, Now, Orders, Origin, Pace, Pauses, Refusal, Since, Span, Taken,
};

/// How long a deletion runs before that is written down, in nanoseconds.
const WRITE_EVERY_NS: u64 = 600_000_000_000;
/// Taken off both ends of a segment when what was recorded meanwhile is locked: where one ends the next begins.
const EDGE_NS: u64 = 500_000_000;

/// The recorder's side of every order.
pub(crate) struct Desk {
    card: Card,
    clock: Arc<TrueTime>,
    boot_id: [u8; 16],
    shares: Shares,
    state: Mutex<State>,
    locks: ArcSwap<Vec<LockOrder>>,
    deletions: ArcSwap<Vec<Deletion>>,
    /// In nanoseconds since boot; 0 for never.
    paused_until: AtomicU64,
    housekeeper: OnceLock<Thread>,
    news: AtomicBool,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    pauses: Pauses,
    pace: Pace,
    /// Up to when deletions have been told that time passes, and since when that has not been written down.
    ran_to_ns: u64,
    written_ns: u64,
}

/// What is written down on the card that is there.
struct Known {
    medium: (u64, u64),
    ledger: Ledger,
    orders: Orders,
}

/// An open card: directory, who works in it, and what tells it from others.
struct Open {
    directory: FsDirectory,
    slots: SlotTable,
    medium: (u64, u64),
}

impl Desk {
    pub(super) fn new(card: Card, clock: Arc<TrueTime>, shares: Shares) -> Self {
        let ran_to_ns = clock.boot_ns();
        Self {
            card,
            clock,
            boot_id: boot_id(),
            shares,
            state: Mutex::new(State {
                ran_to_ns,
                ..State::default()
            }),
            locks: ArcSwap::default(),
            deletions: ArcSwap::default(),
            paused_until: AtomicU64::new(0),
            housekeeper: OnceLock::new(),
            news: AtomicBool::new(false),
        }
    }

    // What is in there is replaced whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> Arc<TrueTime> {
        self.clock.clone()
    }

    pub(super) fn now(&self) -> Now {
        Now {
            boot_ns: self.clock.boot_ns(),
            utc_us: self.clock.utc_us(),
            boot_id: self.boot_id,
        }
    }

    // For those who record.

    /// The class that a segment must have at least that began at `boot_ns` and is still being recorded.
    pub(super) fn class_of(&self, boot_ns: u64, utc_us: Option<i64>) -> Option<Class> {
        let locks = self.locks.load();
        if locks.is_empty() {
            return None;
        }
        let so_far = self.clock.boot_ns().saturating_sub(boot_ns);
        let extent = Extent {
            sequence: 0,
            boot_id: self.boot_id,
            start_boot_ns: boot_ns,
            start_utc_us: utc_us,
            duration_ns: Some(so_far),
        };
        let met = locks.iter().filter(|order| order.span.meets(&extent));
        met.map(|order| order.origin.class())
            .reduce(Class::stronger)
    }

    /// Whether nothing is to be recorded now.
    pub(super) fn is_paused(&self) -> bool {
        self.paused_ns().is_some()
    }

    /// For how much longer, in nanoseconds.
    pub(super) fn paused_ns(&self) -> Option<u64> {
        let until = self.paused_until.load(Ordering::Relaxed);
        let left = until.checked_sub(self.clock.boot_ns());
        left.filter(|left| until > 0 && *left > 0)
    }

    // For those who show.

    /// What waits for its day to pass.
    pub(super) fn deletions(&self) -> Arc<Vec<Deletion>> {
        self.deletions.load_full()
    }

    /// Locks that are still being carried out.
    pub(crate) fn locks(&self) -> Arc<Vec<LockOrder>> {
        self.locks.load_full()
    }

    // For the housekeeper.

    /// Wakes this thread when there is something to do.
    pub(super) fn wake(&self, housekeeper: Thread) {
        let _ = self.housekeeper.set(housekeeper);
    }

    /// Whether anything was ordered since this was asked last.
    pub(super) fn has_news(&self) -> bool {
        self.news.swap(false, Ordering::SeqCst)
    }

    fn tell(&self) {
        self.news.store(true, Ordering::SeqCst);
        if let Some(housekeeper) = self.housekeeper.get() {
            housekeeper.unpark();
        }
    }

    /// How many slots of a ring may be locked over the page.
    pub(super) fn most_of_page(&self, slots: usize) -> usize {
        self.shares.limit(Origin::Page.class(), slots)
    }

    /// These locks need no more looking after.
    pub(super) fn end_locks(&self, ended: &[LockOrder]) -> io::Result<()> {
        self.with_orders(|orders, _| {
            for order in ended {
                orders.end_lock(order);
            }
            Ok(Taken::New)
        })
        .map_err(io::Error::other)
    }

    /// Looks at what is written down, and lets time pass for what waits; `believed_utc_us` is the time if it can be believed.
    /// Says what may be given up now.
    pub(super) fn pass(&self, believed_utc_us: Option<i64>) -> io::Result<Vec<Deletion>> {
        let open = self.open()?;
        let now_ns = self.clock.boot_ns();
        let boot_id = self.boot_id;
        let believed = believed_utc_us.map(|utc_us| Since { utc_us, boot_id });
        let mut state = self.state();
        let ran = now_ns - std::mem::replace(&mut state.ran_to_ns, now_ns).min(now_ns);
        let is_time = now_ns.saturating_sub(state.written_ns) >= WRITE_EVERY_NS;
        let known = self.known(&mut state, &open)?;
        if known.orders.deletions().is_empty() {
            return Ok(Vec::new());
        }
        known.orders.run(ran, believed);
        self.deletions
            .store(Arc::new(known.orders.deletions().to_vec()));
        let due = known.orders.due(believed);
        if is_time {
            let orders = known.orders.clone();
            self.write(&mut state, &open, orders)?;
        }
        Ok(due)
    }

    /// A deletion was carried out, or has become pointless.
    pub(super) fn end_deletion(&self, done: &Deletion) -> io::Result<()> {
        self.with_orders(|orders, _| {
            Ok(orders
                .restore(|other| other.sequence == done.sequence && other.segment == done.segment))
        })
        .map_err(io::Error::other)
    }

    // Orders.

    /// Keeps footage.
    pub(crate) fn lock(
        &self,
        id: String,
        span: &OrderSpan,
        reason: String,
        origin: Origin,
    ) -> Result<(), Denied> {
        if origin == Origin::Page && self.shares.of(Class::Manual) <= 0.0 {
            return Err(refused(Refusal::NoShare));
        }
        let is_known = |order: &LockOrder| order.id == id && order.origin == origin;
        if self.locks.load().iter().any(is_known) {
            return Ok(());
        }
        let span = self.span(span)?;
        let now = self.now();
        self.with_orders(|orders, open| {
            let order = LockOrder {
                id,
                span,
                reason,
                origin,
            };
            let taken = orders.lock(order.clone(), &now).map_err(refused)?;
            if taken == Taken::New {
                // Whoever wants to keep footage does not want it gone.
                let kept: Vec<Deletion> = orders
                    .deletions()
                    .iter()
                    .filter(|deletion| {
                        let found = find(&open.slots, &deletion.segment);
                        let extent = found.and_then(|name| Extent::of(&open.directory, name).ok());
                        extent.is_some_and(|extent| order.span.meets(&extent))
                    })
                    .cloned()
                    .collect();
                orders.restore(|deletion| kept.contains(deletion));
            }
            Ok(taken)
        })?;
        self.tell();
        Ok(())
    }

    fn span(&self, span: &OrderSpan) -> Result<Span, Denied> {
        match *span {
            OrderSpan::Utc { from_us, to_us } => Ok(Span::Utc { from_us, to_us }),
            OrderSpan::Boot { from_ns, to_ns } => Ok(Span::Boot {
                id: self.boot_id,
                from_ns,
                to_ns,
            }),
            OrderSpan::Segment(ref id) => {
                let open = self.open().map_err(unavailable)?;
                let name = find(&open.slots, id).ok_or_else(|| no_segment(id))?;
                let extent = Extent::of(&open.directory, name).map_err(unavailable)?;
                self.span_of(&extent).ok_or_else(|| {
                    let remedy = "lock it by its time, or copy it off the card";
                    Denied::new(
                        Why::Refused,
                        format!("{id} is damaged, and has no time"),
                        remedy,
                    )
                })
            }
        }
    }

    /// The time of a segment by its own boot, which no correction of a clock moves.
    fn span_of(&self, extent: &Extent) -> Option<Span> {
        let ns = match extent.duration_ns {
            Some(ns) => ns,
            None => self.clock.boot_ns().saturating_sub(extent.start_boot_ns),
        };
        let edge = EDGE_NS.min(ns / 4);
        if extent.boot_id != [0; 16] {
            return Some(Span::Boot {
                id: extent.boot_id,
                from_ns: extent.start_boot_ns + edge,
                to_ns: extent.start_boot_ns.saturating_add(ns - edge),
            });
        }
        let start = extent.start_utc_us?;
        Some(Span::Utc {
            from_us: start + (edge / 1000) as i64,
            to_us: start + ((ns - edge) / 1000) as i64,
        })
    }

    /// Unlocks one segment, at once; it becomes a normal one. What is still to be locked around it is not any more.
    pub(crate) fn unlock(&self, id: &str) -> Result<(), Denied> {
        let open = self.open().map_err(unavailable)?;
        let name = find(&open.slots, id).ok_or_else(|| no_segment(id))?;
        let extent = Extent::of(&open.directory, name).map_err(unavailable)?;
        let locks = self.locks.load();
        let over: Vec<LockOrder> = locks
            .iter()
            .filter(|order| order.span.meets(&extent))
            .cloned()
            .collect();
        if !over.is_empty() {
            self.end_locks(&over).map_err(unavailable)?;
        }
        if !name.class.is_locked() {
            return Ok(());
        }
        let claim = open
            .slots
            .claim(SlotName::Segment(name), Owner::Housekeeper);
        let Some(mut claim) = claim else {
            let reason = format!("{id} is being recorded, or worked on");
            return Err(Denied::new(Why::Refused, reason, "try again in a minute"));
        };
        match reclass_claimed(&mut claim, &open.directory, Class::Normal) {
            Err(RecoverError::Io(error)) => Err(unavailable(error)),
            // Its name decides, and its header is damaged.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn delete(&self, id: &str) -> Result<(), Denied> {
        // What has run until now is none of its day.
        self.pass(None).map_err(unavailable)?;
        self.with_orders(|orders, open| {
            let name = find(&open.slots, id).ok_or_else(|| no_segment(id))?;
            let extent = Extent::of(&open.directory, name).map_err(unavailable)?;
            if extent.duration_ns.is_none() {
                let reason = format!("{id} is still being recorded");
                return Err(Denied::new(
                    Why::Refused,
                    reason,
                    "try again when it is finished",
                ));
            }
            let mark = Deletion {
                segment: id.to_owned(),
                sequence: extent.sequence,
                boot_id: extent.boot_id,
                ran_ns: 0,
                since: None,
            };
            orders.delete(mark).map_err(refused)
        })
    }

    fn restore(&self, id: &str) -> Result<(), Denied> {
        self.with_orders(|orders, _| Ok(orders.restore(|deletion| deletion.segment == id)))
    }

    fn pause(&self, seconds: u64) -> Result<(), Denied> {
        let wanted = seconds.saturating_mul(1_000_000_000);
        let mut state = self.state();
        let until = state.pauses.pause(self.clock.boot_ns(), wanted);
        let until = until.map_err(refused)?;
        self.paused_until.store(until, Ordering::Relaxed);
        drop(state);
        tracing::warn!("recording is stopped as somebody wants it to be; it goes on by itself");
        Ok(())
    }

    fn resume(&self) {
        let mut state = self.state();
        state.pauses.resume(self.clock.boot_ns());
        self.paused_until.store(0, Ordering::Relaxed);
    }

    // The card.

    fn open(&self) -> io::Result<Open> {
        let (directory, slots, medium) = self.card.beside()?;
        if !slots.is_known() {
            slots.look(&directory)?;
        }
        Ok(Open {
            directory,
            slots,
            medium,
        })
    }

    fn known<'a>(&self, state: &'a mut State, open: &Open) -> io::Result<&'a mut Known> {
        let known = state.known.take();
        let known = match known.filter(|known| known.medium == open.medium) {
            Some(known) => known,
            None => {
                let (ledger, orders) = Ledger::load(&open.directory)?;
                self.show(&orders);
                Known {
                    medium: open.medium,
                    ledger,
                    orders,
                }
            }
        };
        Ok(state.known.insert(known))
    }

    fn show(&self, orders: &Orders) {
        self.locks.store(Arc::new(orders.locks().to_vec()));
        self.deletions.store(Arc::new(orders.deletions().to_vec()));
    }

    fn write(&self, state: &mut State, open: &Open, orders: Orders) -> io::Result<()> {
        let known = self.known(state, open)?;
        if let Err(error) = known.ledger.store(&open.directory, &orders) {
            // What of it is on the card is found out when somebody asks next.
            state.known = None;
            return Err(error);
        }
        self.show(&orders);
        known.orders = orders;
        state.written_ns = self.clock.boot_ns();
        Ok(())
    }

    /// Changes what is written down; on the card before this returns.
    fn with_orders(
        &self,
        change: impl FnOnce(&mut Orders, &Open) -> Result<Taken, Denied>,
    ) -> Result<(), Denied> {
        let open = self.open().map_err(unavailable)?;
        let mut state = self.state();
        let mut orders = self
            .known(&mut state, &open)
            .map_err(unavailable)?
            .orders
            .clone();
        match change(&mut orders, &open)? {
            Taken::Known => Ok(()),
            Taken::New => self.write(&mut state, &open, orders).map_err(unavailable),
        }
    }

    /// What somebody on the page wants, within the page's bounds.
    pub(crate) fn order_of_page(&self, order: Order) -> Result<(), Denied> {
        if !matches!(order, Order::Pause { .. } | Order::Resume {}) {
            let now = self.clock.boot_ns();
            self.state().pace.take(now).map_err(refused)?;
        }
        match order {
            Order::Lock { id, span, reason } => self.lock(id, &span, reason, Origin::Page),
            Order::Delete { segment } => self.delete(&segment),
            Order::Restore { segment } => self.restore(&segment),
            Order::Pause { seconds } => self.pause(seconds),
            Order::Resume {} => {
                self.resume();
                Ok(())
            }
        }
    }
}

impl OrderTaker for Desk {
    fn order(&self, order: Order) -> Result<(), Denied> {
        self.order_of_page(order)
    }
}

/// The segment with an id such as `F000123`.
pub(super) fn find(slots: &SlotTable, id: &str) -> Option<SegmentName> {
    let (&camera, digits) = id.as_bytes().split_first()?;
    let is_id = is_camera_letter(camera) && digits.len() == 6;
    let sequence = id.get(1..).filter(|_| is_id && digits.is_ascii())?;
    let all_digits = sequence.bytes().all(|byte| byte.is_ascii_digit());
    let sequence = sequence.parse().ok().filter(|_| all_digits)?;
    slots.ring(camera, |ring| ring.find(sequence).map(|found| found.name))
}

fn no_segment(id: &str) -> Denied {
    let reason = format!("no segment {id} on the card");
    Denied::new(Why::NoSegment, reason, "it was recorded over, or deleted")
}

fn refused(refusal: Refusal) -> Denied {
    let (reason, remedy) = refusal.parts();
    let why = match refusal {
        Refusal::TooFast(_) | Refusal::NoMorePause(_) => Why::TooFast,
        _ => Why::Refused,
    };
    Denied::new(why, reason, remedy)
}

fn unavailable(error: io::Error) -> Denied {
    let reason = format!("the card does not take the order: {error}");
    Denied::new(
        Why::Unavailable,
        reason,
        picam_ring::Fault::of(&error).remedy(),
    )
}
