//! What is ordered about the footage of one volume: what is written down there, and copies that those who record look at
//! without waiting for anybody.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use picam_control::orders::Denied;
use picam_ring::{FsDirectory, SlotTable};
use picam_time::BootNs;

use crate::boot::Card;
use crate::desk::unavailable;
use crate::orders::{Deletion, Ledger, LockOrder, Orders, Origin, Since, Span, Taken};

/// How long a deletion runs before that is written down.
const WRITE_EVERY: Duration = Duration::from_secs(600);

/// The orders about a volume.
#[derive(Debug)]
pub(crate) struct Books {
    card: Card,
    state: Mutex<State>,
    locks: ArcSwap<Vec<LockOrder>>,
    deletions: ArcSwap<Vec<Deletion>>,
}

#[derive(Debug)]
struct State {
    known: Option<Known>,
    /// Up to when deletions have been told that time passes, and since when that has not been written down.
    ran_to: BootNs,
    written: BootNs,
}

/// What is written down on the medium that is there.
#[derive(Debug)]
struct Known {
    medium: (u64, u64),
    ledger: Ledger,
    orders: Orders,
}

/// An open volume: directory, who works in it, and what tells its medium from others.
pub(crate) struct Open {
    pub(crate) directory: FsDirectory,
    pub(crate) slots: SlotTable,
    medium: (u64, u64),
}

impl Books {
    pub(crate) fn new(card: Card, now: BootNs) -> Self {
        Self {
            card,
            state: Mutex::new(State {
                known: None,
                ran_to: now,
                written: BootNs::ZERO,
            }),
            locks: ArcSwap::default(),
            deletions: ArcSwap::default(),
        }
    }

    // What is in there is replaced whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks that are still being carried out.
    pub(crate) fn locks(&self) -> Arc<Vec<LockOrder>> {
        self.locks.load_full()
    }

    /// What waits for its day to pass.
    pub(crate) fn deletions(&self) -> Arc<Vec<Deletion>> {
        self.deletions.load_full()
    }

    /// Opens the volume. An error while it is away, and before anybody records to it.
    pub(crate) fn open(&self) -> io::Result<Open> {
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

    /// Lets time pass for what waits; `believed` is the time if it can be believed. Says what may be given up now.
    pub(crate) fn pass(&self, now: BootNs, believed: Option<Since>) -> io::Result<Vec<Deletion>> {
        let open = self.open()?;
        let mut state = self.state();
        let ran = now.since(std::mem::replace(&mut state.ran_to, now));
        let is_time = now.since(state.written) >= WRITE_EVERY;
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
            self.write(&mut state, &open, orders, now)?;
        }
        Ok(due)
    }

    /// Changes what is written down; on the medium before this returns.
    pub(crate) fn change(
        &self,
        now: BootNs,
        change: impl FnOnce(&mut Orders, &Open) -> Result<Taken, Denied>,
    ) -> Result<(), Denied> {
        let open = self.open().map_err(unavailable)?;
        let mut state = self.state();
        let known = self.known(&mut state, &open).map_err(unavailable)?;
        let mut orders = known.orders.clone();
        match change(&mut orders, &open)? {
            Taken::Known => Ok(()),
            Taken::New => self
                .write(&mut state, &open, orders, now)
                .map_err(unavailable),
        }
    }

    /// What the lock with this id is about, if one of that kind was taken.
    pub(crate) fn taken(&self, id: &str, origin: Origin) -> io::Result<Option<Span>> {
        let open = self.open()?;
        let mut state = self.state();
        let known = self.known(&mut state, &open)?;
        Ok(known.orders.taken(id, origin).cloned())
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

    fn write(&self, state: &mut State, open: &Open, orders: Orders, now: BootNs) -> io::Result<()> {
        let known = self.known(state, open)?;
        if let Err(error) = known.ledger.store(&open.directory, &orders) {
            // What of it is on the medium is found out when somebody asks next.
            state.known = None;
            return Err(error);
        }
        self.show(&orders);
        known.orders = orders;
        state.written = now;
        Ok(())
    }
}
