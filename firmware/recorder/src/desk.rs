//! Where orders about footage arrive, and where recorders and housekeeper see what there is to do.
//!
//! An order is on the card before it is answered. Whoever records only looks at atomics and swapped pointers: the lock in
//! here is for those who ask, and for the housekeeper.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use picam_control::orders::{Denied, Order, OrderSpan, OrderTaker, Save, Saved, Why};
use picam_control::stills::StillMade;
use picam_mp4::RecoverError;
use picam_ring::{
    Class, Extent, Owner, SegmentId, SegmentName, Shares, SlotName, SlotTable, Volume,
    reclass_claimed,
};
use picam_time::{BootNs, Clock, UtcUs};

use crate::books::{Books, Open};
use crate::boot::{Card, boot_id};
use crate::orders::{Deletion, LockOrder, Now, Origin, Pace, Pauses, Refusal, Since, Span, Taken};
use crate::stills;
use crate::true_time::TrueTime;
use crate::volumes::Volumes;

/// Taken off both ends of a segment when what was recorded meanwhile is locked: where one ends the next begins.
const EDGE: Duration = Duration::from_millis(500);

/// The recorder's side of every order.
pub(crate) struct Desk {
    clock: Arc<TrueTime>,
    boot_id: [u8; 16],
    shares: Shares,
    books: Vec<(Volume, Books)>,
    bounds: Mutex<Bounds>,
    /// On the boot clock, in nanoseconds; 0 for never.
    paused_until: AtomicU64,
    /// How often those who record were asked to make haste.
    hastes: AtomicU64,
    housekeeper: OnceLock<Thread>,
    stills: OnceLock<stills::Orders>,
    news: AtomicBool,
}

#[derive(Default)]
struct Bounds {
    pauses: Pauses,
    pace: Pace,
}

impl Desk {
    pub(crate) fn new(volumes: &Volumes, clock: Arc<TrueTime>, shares: Shares) -> Self {
        let now = clock.now();
        let books = |(volume, card): (Volume, &Card)| (volume, Books::new(card.clone(), now));
        Self {
            boot_id: boot_id(),
            shares,
            books: volumes.all().map(books).collect(),
            bounds: Mutex::default(),
            paused_until: AtomicU64::new(0),
            hastes: AtomicU64::new(0),
            housekeeper: OnceLock::new(),
            stills: OnceLock::new(),
            news: AtomicBool::new(false),
            clock,
        }
    }

    fn bounds(&self) -> MutexGuard<'_, Bounds> {
        self.bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn books(&self, volume: Volume) -> io::Result<&Books> {
        let found = self.books.iter().find(|(which, _)| *which == volume);
        let books = found.map(|(_, books)| books);
        books.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Where a segment lies that may be there. A camera without a disk has none of a disk's.
    fn place(&self, text: &str) -> Result<(SegmentId, &Books), Denied> {
        let id = SegmentId::parse(text).ok_or_else(|| no_segment(text))?;
        let books = self.books(id.volume).map_err(|_| no_segment(text))?;
        Ok((id, books))
    }

    pub(crate) fn clock(&self) -> Arc<TrueTime> {
        self.clock.clone()
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            boot: self.clock.now(),
            utc: self.clock.utc(),
            boot_id: self.boot_id,
        }
    }

    // For those who record.

    /// The class that a segment must have at least that began then and is still being recorded.
    pub(crate) fn class_of(&self, start_boot: BootNs, start_utc: Option<UtcUs>) -> Option<Class> {
        let so_far = self.clock.now().since(start_boot);
        let extent = Extent {
            sequence: 0,
            boot_id: self.boot_id,
            start_boot,
            start_utc,
            duration: Some(so_far),
        };
        let strongest = |books: &Books| {
            let locks = books.locks();
            let met = locks.iter().filter(|order| order.span.meets(&extent));
            met.map(|order| order.origin.class())
                .reduce(Class::stronger)
        };
        let all = self.books.iter();
        all.filter_map(|(_, books)| strongest(books))
            .reduce(Class::stronger)
    }

    /// Whether nothing is to be recorded now.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused_for().is_some()
    }

    /// For how much longer.
    pub(crate) fn paused_for(&self) -> Option<Duration> {
        let until = BootNs(self.paused_until.load(Ordering::Relaxed));
        let left = until.since(self.clock.now());
        (!left.is_zero()).then_some(left)
    }

    /// What waits to be written should not, on any camera: something hit the car, it seems.
    pub(crate) fn make_haste(&self) {
        self.hastes.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was said.
    pub(crate) fn hastes(&self) -> u64 {
        self.hastes.load(Ordering::Relaxed)
    }

    // For those who show.

    /// What waits for its day to pass, and where it lies.
    pub(crate) fn deletions(&self) -> Vec<(Volume, Deletion)> {
        let of = |(volume, books): &(Volume, Books)| {
            let all = books.deletions();
            let here = all.iter().map(|deletion| (*volume, deletion.clone()));
            here.collect::<Vec<_>>()
        };
        self.books.iter().flat_map(of).collect()
    }

    /// Whether anything of a volume waits for its day to pass.
    pub(crate) fn has_deletions(&self, volume: Volume) -> bool {
        let books = self.books(volume);
        books.is_ok_and(|books| !books.deletions().is_empty())
    }

    /// Locks that are still being carried out, each once.
    pub(crate) fn locks(&self) -> Vec<LockOrder> {
        let mut all: Vec<LockOrder> = Vec::new();
        for (_, books) in &self.books {
            for order in books.locks().iter() {
                if !all.contains(order) {
                    all.push(order.clone());
                }
            }
        }
        all
    }

    /// Those of them that are still being carried out on a volume.
    pub(crate) fn locks_of(&self, volume: Volume) -> Arc<Vec<LockOrder>> {
        self.books(volume).map(Books::locks).unwrap_or_default()
    }

    // For the housekeeper.

    /// Wakes this thread when there is something to do.
    pub(crate) fn wake(&self, housekeeper: Thread) {
        let _ = self.housekeeper.set(housekeeper);
    }

    /// Whether anything was ordered since this was asked last.
    pub(crate) fn has_news(&self) -> bool {
        self.news.swap(false, Ordering::SeqCst)
    }

    /// There is something to do for the housekeeper.
    pub(crate) fn tell(&self) {
        self.news.store(true, Ordering::SeqCst);
        if let Some(housekeeper) = self.housekeeper.get() {
            housekeeper.unpark();
        }
    }

    /// How many slots of a ring may be locked over the page.
    pub(crate) fn most_of_page(&self, slots: usize) -> usize {
        self.shares.limit(Origin::Page.class(), slots)
    }

    /// These locks need no more looking after on a volume.
    pub(crate) fn end_locks(&self, volume: Volume, ended: &[LockOrder]) -> io::Result<()> {
        let end = self.books(volume)?.change(self.clock.now(), |orders, _| {
            let gone = ended.iter().filter(|order| orders.end_lock(order));
            Ok(match gone.count() {
                0 => Taken::Known,
                _ => Taken::New,
            })
        });
        end.map_err(io::Error::other)
    }

    /// Lets time pass for what waits on a volume; `believed` is the time if it can be believed. Says what may be given up now.
    pub(crate) fn pass(
        &self,
        volume: Volume,
        believed: Option<UtcUs>,
    ) -> io::Result<Vec<Deletion>> {
        let boot_id = self.boot_id;
        let believed = believed.map(|utc| Since { utc, boot_id });
        self.books(volume)?.pass(self.clock.now(), believed)
    }

    /// A deletion was carried out, or has become pointless.
    pub(crate) fn end_deletion(&self, volume: Volume, done: &Deletion) -> io::Result<()> {
        let end = self.books(volume)?.change(self.clock.now(), |orders, _| {
            let same =
                |other: &Deletion| other.sequence == done.sequence && other.segment == done.segment;
            Ok(orders.restore(same))
        });
        end.map_err(io::Error::other)
    }

    /// Stills are ordered here.
    pub(crate) fn set_stills(&self, orders: stills::Orders) {
        let _ = self.stills.set(orders);
    }

    // Orders.

    /// Has a still made of a camera, by its letter or name; returns at once.
    pub(crate) fn begin_still(&self, camera: String) -> Result<stills::Pending, Denied> {
        let none = || {
            Denied::new(
                Why::Unavailable,
                "this recorder makes no stills",
                "start it anew",
            )
        };
        self.stills.get().ok_or_else(none)?.order(camera)
    }

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
        self.lock_span(id, self.span(span)?, reason, origin)
    }

    /// The same, of any boot.
    pub(crate) fn lock_span(
        &self,
        id: String,
        span: Span,
        reason: String,
        origin: Origin,
    ) -> Result<(), Denied> {
        let order = LockOrder {
            id,
            span,
            reason,
            origin,
        };
        let now = self.now();
        let mut done = Err(unavailable(io::ErrorKind::NotFound.into()));
        // Every volume that is there keeps what it has of that time.
        for (_, books) in &self.books {
            match books.open() {
                Err(error) if done.is_err() => done = Err(unavailable(error)),
                Err(_) => {}
                Ok(_) => {
                    Self::lock_on(books, &order, &now)?;
                    done = Ok(());
                }
            }
        }
        done?;
        self.tell();
        Ok(())
    }

    fn lock_on(books: &Books, order: &LockOrder, now: &Now) -> Result<(), Denied> {
        books.change(now.boot, |orders, open| {
            let taken = orders.lock(order.clone(), now).map_err(refused)?;
            if taken == Taken::New {
                // Whoever wants to keep footage does not want it gone.
                let kept: Vec<Deletion> = orders
                    .deletions()
                    .iter()
                    .filter(|deletion| {
                        let id = deletion.id(Volume::Card);
                        let found = id.and_then(|id| find(&open.slots, id));
                        let extent = found.and_then(|name| Extent::of(&open.directory, name).ok());
                        extent.is_some_and(|extent| order.span.meets(&extent))
                    })
                    .cloned()
                    .collect();
                orders.restore(|deletion| kept.contains(deletion));
            }
            Ok(taken)
        })
    }

    fn span(&self, span: &OrderSpan) -> Result<Span, Denied> {
        match *span {
            OrderSpan::Utc { from, to } => Ok(Span::Utc { from, to }),
            OrderSpan::Boot { from, to } => Ok(Span::Boot {
                id: self.boot_id,
                from,
                to,
            }),
            OrderSpan::Segment(ref id) => {
                let (here, books) = self.place(id)?;
                let open = books.open().map_err(unavailable)?;
                let name = find(&open.slots, here).ok_or_else(|| no_segment(id))?;
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
    pub(crate) fn span_of(&self, extent: &Extent) -> Option<Span> {
        let so_far = || self.clock.now().since(extent.start_boot);
        let length = extent.duration.unwrap_or_else(so_far);
        let edge = EDGE.min(length / 4);
        if extent.boot_id != [0; 16] {
            return Some(Span::Boot {
                id: extent.boot_id,
                from: extent.start_boot + edge,
                to: extent.start_boot + (length - edge),
            });
        }
        let start = extent.start_utc?;
        Some(Span::Utc {
            from: start + edge,
            to: start + (length - edge),
        })
    }

    /// Unlocks one segment, at once; it becomes a normal one. What is still to be locked around it is not any more.
    pub(crate) fn unlock(&self, id: &str) -> Result<(), Denied> {
        let (here, books) = self.place(id)?;
        let open = books.open().map_err(unavailable)?;
        let name = find(&open.slots, here).ok_or_else(|| no_segment(id))?;
        let extent = Extent::of(&open.directory, name).map_err(unavailable)?;
        let locks = self.locks_of(here.volume);
        let over: Vec<LockOrder> = locks
            .iter()
            .filter(|order| order.span.meets(&extent))
            .cloned()
            .collect();
        if !over.is_empty() {
            self.end_locks(here.volume, &over).map_err(unavailable)?;
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
        let (here, books) = self.place(id)?;
        // What has run until now is none of its day.
        self.pass(here.volume, None).map_err(unavailable)?;
        books.change(self.clock.now(), |orders, open| {
            let name = find(&open.slots, here).ok_or_else(|| no_segment(id))?;
            let extent = Extent::of(&open.directory, name).map_err(unavailable)?;
            if extent.duration.is_none() {
                let reason = format!("{id} is still being recorded");
                return Err(Denied::new(
                    Why::Refused,
                    reason,
                    "try again when it is finished",
                ));
            }
            let mark = Deletion {
                segment: here.on(Volume::Card).to_string(),
                sequence: extent.sequence,
                boot_id: extent.boot_id,
                ran: Duration::ZERO,
                since: None,
            };
            orders.delete(mark).map_err(refused)
        })
    }

    fn restore(&self, id: &str) -> Result<(), Denied> {
        // What cannot be there is not marked.
        let Ok((here, books)) = self.place(id) else {
            return Ok(());
        };
        books.change(self.clock.now(), |orders, _| {
            Ok(orders.restore(|deletion| deletion.id(here.volume) == Some(here)))
        })
    }

    fn pause(&self, seconds: u64) -> Result<(), Denied> {
        let wanted = Duration::from_secs(seconds);
        let mut bounds = self.bounds();
        let until = bounds.pauses.pause(self.clock.now(), wanted);
        let until = until.map_err(refused)?;
        self.paused_until.store(until.0, Ordering::Relaxed);
        drop(bounds);
        tracing::warn!("recording is stopped as somebody wants it to be; it goes on by itself");
        Ok(())
    }

    fn resume(&self) {
        let mut bounds = self.bounds();
        bounds.pauses.resume(self.clock.now());
        self.paused_until.store(0, Ordering::Relaxed);
    }

    /// One more order of the page that is written down, unless there are too many at a time.
    pub(crate) fn take_turn(&self) -> Result<(), Denied> {
        let now = self.clock.now();
        self.bounds().pace.take(now).map_err(refused)
    }

    /// What the lock with this id is about, if one of that kind was taken.
    pub(crate) fn taken(&self, id: &str, origin: Origin) -> Option<Span> {
        let mut all = self.books.iter();
        all.find_map(|(_, books)| books.taken(id, origin).ok().flatten())
    }

    /// The volumes that are there.
    pub(crate) fn opened(&self) -> impl Iterator<Item = (Volume, Open)> {
        let all = self.books.iter();
        all.filter_map(|(volume, books)| Some((*volume, books.open().ok()?)))
    }

    /// What somebody on the page wants, within the page's bounds.
    pub(crate) fn order_of_page(&self, order: Order) -> Result<(), Denied> {
        if !matches!(order, Order::Pause { .. } | Order::Resume {}) {
            self.take_turn()?;
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

    fn save(&self, save: Save) -> Result<Saved, Denied> {
        self.save_of_page(&save)
    }

    fn still(&self, camera: &str) -> Result<StillMade, Denied> {
        self.begin_still(camera.to_owned())?.wait()
    }
}

/// The segment with this id, among those of its volume.
pub(crate) fn find(slots: &SlotTable, id: SegmentId) -> Option<SegmentName> {
    slots.ring(id.camera, |ring| {
        ring.find(id.sequence).map(|found| found.name)
    })
}

fn no_segment(id: &str) -> Denied {
    let reason = format!("no segment {id} on the card");
    Denied::new(Why::NoSegment, reason, "it was recorded over, or deleted")
}

pub(crate) fn refused(refusal: Refusal) -> Denied {
    let (reason, remedy) = refusal.parts();
    let why = match refusal {
        Refusal::TooFast(_) | Refusal::NoMorePause(_) => Why::TooFast,
        _ => Why::Refused,
    };
    Denied::new(why, reason, remedy)
}

pub(crate) fn unavailable(error: io::Error) -> Denied {
    let reason = format!("the card does not take the order: {error}");
    Denied::new(
        Why::Unavailable,
        reason,
        picam_ring::Fault::of(&error).remedy(),
    )
}
