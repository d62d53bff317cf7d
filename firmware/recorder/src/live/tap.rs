//! The newest pictures of one camera, for as long as somebody watches: a bounded ring of buffers that go round.
//!
//! The capture thread owns the [`Feeder`]; each viewer follows with a [`Reader`] of its own. They share atomics and
//! pointers that are swapped, no lock: the feeder never waits for a reader, and a reader for nothing but a picture.
//! While nobody watches, a picture costs the feeder one relaxed load, and no memory is kept.
//!
//! Bounds: [`PICTURES`] pictures and [`BYTES`] of buffers, and the one picture that each viewer is taking.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use picam_media::{AccessUnit, Leading, ParameterSets, Start};
use picam_time::{BootNs, Clock};

use crate::stills::{Given, Shutter};

/// Pictures in the ring, those in spare buffers included: two seconds at 60 a second.
pub(crate) const PICTURES: usize = 128;
/// Most bytes that the ring's buffers take: two seconds at 16 Mbit/s.
pub(crate) const BYTES: usize = 4 << 20;
/// Buffers that wait to be filled, so that a small picture does not take a large one.
const SPARE: usize = 16;
/// A viewer further behind than this goes on at the newest key frame.
const MAX_LAG: Duration = Duration::from_secs(1);
/// A key frame is asked of the source for viewers no more often than this.
const KEY_FRAME_INTERVAL: Duration = Duration::from_secs(5);

/// One picture as the viewers see it.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    /// Counts the pictures of the camera.
    number: u64,
    /// The access unit, see [`AccessUnit::data`].
    pub(crate) data: Vec<u8>,
    /// What its decoder needs.
    pub(crate) sets: Option<Arc<ParameterSets>>,
    pub(crate) start: Start,
    leading: Leading,
    /// Ticks of 1/90000 s of the boot clock.
    pub(crate) dts: i64,
    /// The same.
    pub(crate) pts: i64,
    pub(crate) captured: BootNs,
}

impl Picture {
    fn fill(&mut self, number: u64, unit: &AccessUnit) {
        self.number = number;
        self.data.clear();
        self.data.reserve_exact(unit.data.len());
        self.data.extend_from_slice(&unit.data);
        if self.sets != unit.parameter_sets {
            self.sets.clone_from(&unit.parameter_sets);
        }
        self.start = unit.start;
        self.leading = unit.leading;
        self.dts = unit.dts;
        self.pts = unit.pts;
        self.captured = unit.captured;
    }
}

/// What feeder and readers share.
pub(crate) struct Tap {
    viewers: AtomicUsize,
    /// Whom to wake for a new picture.
    wake: ArcSwap<Vec<Thread>>,
    /// The picture with number n is at n modulo their count, if it is anywhere.
    slots: Vec<ArcSwapOption<Picture>>,
    /// Number of the next picture.
    head: AtomicU64,
    /// Number of the newest key frame in the ring, plus one; 0 if there is none.
    key: AtomicU64,
    /// When the newest picture was captured.
    newest_ns: AtomicU64,
    key_frame_wanted: AtomicBool,
    shutter: Shutter,
    ended: AtomicBool,
}

/// A camera's tap, and what feeds it.
pub(crate) fn tap() -> (Feeder, Arc<Tap>) {
    let tap = Arc::new(Tap {
        viewers: AtomicUsize::new(0),
        wake: ArcSwap::default(),
        slots: (0..PICTURES).map(|_| ArcSwapOption::empty()).collect(),
        head: AtomicU64::new(0),
        key: AtomicU64::new(0),
        newest_ns: AtomicU64::new(0),
        key_frame_wanted: AtomicBool::new(false),
        shutter: Shutter::default(),
        ended: AtomicBool::new(false),
    });
    let feeder = Feeder {
        tap: tap.clone(),
        ring: None,
        asked: None,
    };
    (feeder, tap)
}

impl Tap {
    fn slot(&self, number: u64) -> Option<&ArcSwapOption<Picture>> {
        self.slots.get((number % PICTURES as u64) as usize)
    }

    /// Where stills of the camera are asked for.
    pub(crate) const fn shutter(&self) -> &Shutter {
        &self.shutter
    }

    /// Whether nothing more will come.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Follows the camera from its newest key frame on, or from the next, on the thread that calls.
    pub(crate) fn follow(self: &Arc<Self>) -> Reader {
        let thread = thread::current();
        self.wake.rcu(|threads| {
            let mut threads = Vec::clone(threads);
            threads.push(thread.clone());
            threads
        });
        self.viewers.fetch_add(1, Ordering::AcqRel);
        Reader {
            tap: self.clone(),
            thread,
            next: None,
            behind: 0,
            last: None,
            asked: false,
            skip_leading: false,
        }
    }
}

/// The capture thread's side.
pub(crate) struct Feeder {
    tap: Arc<Tap>,
    /// There is one while somebody watches.
    ring: Option<Ring>,
    /// When a key frame was last asked of the source for viewers.
    asked: Option<BootNs>,
}

/// What the feeder knows of the buffers.
#[derive(Default)]
struct Ring {
    /// What stands in the slots, oldest first.
    held: VecDeque<Arc<Picture>>,
    spare: Vec<Arc<Picture>>,
    /// Bytes that these two take.
    bytes: usize,
    /// Whether nothing can be decoded before the next start, as something before it was left out.
    broken: bool,
    /// Buffers made so far.
    #[cfg(test)]
    made: usize,
}

impl Feeder {
    /// Offers a picture to whoever watches. Never waits.
    pub(crate) fn offer(&mut self, unit: &AccessUnit) {
        let Self { tap, ring, .. } = self;
        if tap.viewers.load(Ordering::Relaxed) == 0 {
            if let Some(ring) = ring.take() {
                ring.empty(tap);
            }
            return;
        }
        let ring = ring.get_or_insert_with(|| Ring {
            broken: true,
            ..Ring::default()
        });
        // Only this thread writes it.
        let number = tap.head.load(Ordering::Relaxed);
        let start = unit.start.is_start();
        let fits = unit.data.len() <= BYTES;
        ring.broken = !fits || ring.broken && !start;
        if !ring.broken {
            let picture = ring.buffer(number, unit, tap);
            if let Some(slot) = tap.slot(number) {
                slot.store(Some(picture));
            }
            if start {
                tap.key.store(number + 1, Ordering::Release);
                tap.key_frame_wanted.store(false, Ordering::Relaxed);
            }
            tap.newest_ns.store(unit.captured.0, Ordering::Relaxed);
        }
        // One that is left out has a number, too: viewers notice that it is missing.
        tap.head.store(number + 1, Ordering::Release);
        tap.wake.load().iter().for_each(Thread::unpark);
    }

    /// Whether somebody waits for a still.
    pub(crate) fn is_still_wanted(&self) -> bool {
        self.tap.shutter.is_pressed()
    }

    /// Gives it.
    pub(crate) fn give_still(&self, what: Given) {
        self.tap.shutter.give(what);
    }

    /// Whether the source is to be asked for a key frame, since a viewer waits for one.
    pub(crate) fn wants_key_frame(&mut self, clock: &dyn Clock) -> bool {
        if self.ring.is_none() || !self.tap.key_frame_wanted.load(Ordering::Relaxed) {
            return false;
        }
        let now = clock.now();
        if self
            .asked
            .is_some_and(|asked| now.since(asked) < KEY_FRAME_INTERVAL)
        {
            return false;
        }
        self.tap.key_frame_wanted.store(false, Ordering::Relaxed);
        self.asked = Some(now);
        true
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        if let Some(ring) = self.ring.take() {
            ring.empty(&self.tap);
        }
        self.tap.ended.store(true, Ordering::Release);
        self.tap.wake.load().iter().for_each(Thread::unpark);
    }
}

impl Ring {
    /// A buffer with this picture, which has its place among those that are held.
    fn buffer(&mut self, number: u64, unit: &AccessUnit, tap: &Tap) -> Arc<Picture> {
        let is_due = |oldest: &Arc<Picture>| oldest.number + PICTURES as u64 <= number;
        while self.held.len() >= PICTURES - SPARE || self.held.front().is_some_and(is_due) {
            self.retire(tap);
        }
        let mut picture = self.take(unit.data.len());
        if let Some(unshared) = Arc::get_mut(&mut picture) {
            unshared.fill(number, unit);
        } else {
            let mut fresh = Picture::default();
            fresh.fill(number, unit);
            picture = Arc::new(fresh);
        }
        self.bytes += picture.data.capacity();
        while self.bytes > BYTES {
            if let Some(spare) = self.spare.pop() {
                self.bytes -= spare.data.capacity();
            } else if !self.held.is_empty() {
                self.retire(tap);
            } else {
                break;
            }
        }
        self.held.push_back(picture.clone());
        picture
    }

    /// Takes the oldest picture out of its slot; its buffer is used again, unless a viewer still has it.
    fn retire(&mut self, tap: &Tap) {
        let Some(mut oldest) = self.held.pop_front() else {
            return;
        };
        if tap.key.load(Ordering::Relaxed) == oldest.number + 1 {
            tap.key.store(0, Ordering::Release);
        }
        if let Some(slot) = tap.slot(oldest.number) {
            slot.store(None);
        }
        if Arc::get_mut(&mut oldest).is_some() {
            self.spare.push(oldest);
        } else {
            self.bytes -= oldest.data.capacity();
        }
    }

    /// The smallest spare buffer for so many bytes; a new one while there may be more, or if there is none.
    fn take(&mut self, len: usize) -> Arc<Picture> {
        let capacity = |picture: &Arc<Picture>| picture.data.capacity();
        let fitting = self.spare.iter().enumerate();
        let fitting = fitting.filter(|(_, spare)| capacity(spare) >= len);
        let best = fitting.min_by_key(|(_, spare)| capacity(spare));
        let wasteful = best.is_none_or(|(_, spare)| capacity(spare) > 2 * len + 4096);
        let may_grow = self.held.len() + self.spare.len() < PICTURES;
        let index = match best.map(|(index, _)| index) {
            _ if wasteful && may_grow => None,
            Some(index) => Some(index),
            // The largest grows the least.
            None => {
                let all = self.spare.iter().enumerate();
                all.max_by_key(|(_, spare)| capacity(spare))
                    .map(|(index, _)| index)
            }
        };
        match index {
            Some(index) => {
                let picture = self.spare.swap_remove(index);
                self.bytes -= capacity(&picture);
                picture
            }
            None => {
                #[cfg(test)]
                {
                    self.made += 1;
                }
                Arc::default()
            }
        }
    }

    fn empty(mut self, tap: &Tap) {
        tap.key.store(0, Ordering::Release);
        while !self.held.is_empty() {
            self.retire(tap);
        }
    }
}

/// What a viewer gets.
#[derive(Debug)]
pub(crate) enum Next {
    /// A picture, and how many were left out before it.
    Picture(Arc<Picture>, u64),
    /// Nothing came in time.
    Nothing,
    /// Nothing more will come.
    End,
}

/// A viewer's side. It keeps no more than the picture that it gave last, and only as long as its caller does.
pub(crate) struct Reader {
    tap: Arc<Tap>,
    thread: Thread,
    /// Number of the picture to come; `None` before a key frame.
    next: Option<u64>,
    /// The key frame must be this one or a later one.
    behind: u64,
    /// Number of the picture given last.
    last: Option<u64>,
    /// Whether a key frame was asked for to begin with.
    asked: bool,
    /// Decoding began where what leads the start cannot be decoded.
    skip_leading: bool,
}

impl Reader {
    /// The next picture, waiting for it at most `timeout`.
    pub(crate) fn next(&mut self, timeout: Duration) -> Next {
        let until = Instant::now() + timeout;
        loop {
            // Asked first: what came before the end is there to be seen then.
            let has_ended = self.tap.has_ended();
            if let Some((picture, left_out)) = self.poll() {
                return Next::Picture(picture, left_out);
            }
            if has_ended {
                return Next::End;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::Nothing;
            }
            // Whoever feeds wakes this thread after each picture; a wake-up from before is not lost.
            thread::park_timeout(left);
        }
    }

    /// Goes on at the next key frame only.
    pub(crate) fn skip_to_key_frame(&mut self) {
        if let Some(next) = self.next.take() {
            self.behind = next;
        }
    }

    fn poll(&mut self) -> Option<(Arc<Picture>, u64)> {
        loop {
            let number = match self.next {
                Some(next) => next,
                None => self.begin()?,
            };
            let began = self.next.is_none();
            if !began && number >= self.tap.head.load(Ordering::Acquire) {
                return None;
            }
            let found = self.tap.slot(number).and_then(ArcSwapOption::load_full);
            let found = found.filter(|picture| picture.number == number);
            match found {
                Some(picture) if began || !self.is_late(&picture) => {
                    self.next = Some(number + 1);
                    if began {
                        self.skip_leading = !picture.start.is_closed();
                    } else if picture.leading == Leading::No {
                        self.skip_leading = false;
                    } else if self.skip_leading && picture.leading == Leading::Skipped {
                        continue;
                    }
                    let expected = self.last.map_or(number, |last| last + 1);
                    self.last = Some(number);
                    return Some((picture, number - expected));
                }
                // It was taken out of the ring before it was looked at, or never was in it.
                _ => {
                    self.next = None;
                    self.behind = number + u64::from(!began);
                }
            }
        }
    }

    /// Number of the key frame to begin at.
    fn begin(&mut self) -> Option<u64> {
        let key = self.tap.key.load(Ordering::Acquire).checked_sub(1);
        let key = key.filter(|&key| key >= self.behind);
        if key.is_none() && self.last.is_none() && !std::mem::replace(&mut self.asked, true) {
            self.tap.key_frame_wanted.store(true, Ordering::Relaxed);
        }
        key
    }

    /// Whether to go on at a later key frame instead.
    fn is_late(&self, picture: &Picture) -> bool {
        let newest = BootNs(self.tap.newest_ns.load(Ordering::Relaxed));
        newest.since(picture.captured) > MAX_LAG
            && self.tap.key.load(Ordering::Acquire) > picture.number + 1
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.tap.wake.rcu(|threads| {
            let mut threads = Vec::clone(threads);
            let own = threads
                .iter()
                .position(|other| other.id() == self.thread.id());
            if let Some(own) = own {
                threads.swap_remove(own);
            }
            threads
        });
        self.tap.viewers.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
