//! The queue between a camera's capture thread and its writer thread: bounded, without a lock.
//!
//! Units go forth through one `heapless` ring and come back empty through another, so that in
//! steady state the same few buffers, warm in the cache, carry every picture. How many units wait
//! is bounded by [`CAPACITY`]; how many bytes, by [`MAX_BYTES`]: ten seconds at 50 Mbit/s.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use heapless::spsc;
use picam_media::{AccessUnit, SoundFormat, UnitKind};

/// Units that may wait: ten seconds at 60 pictures a second, and some.
pub(crate) const CAPACITY: usize = 1024;
/// Bytes that may wait.
pub(crate) const MAX_BYTES: usize = 64 << 20;
/// Bytes that may wait where the source can be asked to wait itself: enough to keep both threads
/// busy, few enough to stay in the processor's cache.
const MAX_BYTES_UNPACED: usize = 256 << 10;
/// Empty units kept for the next pictures; after a stall the others go back to the system.
const KEPT: usize = 32;
/// Longest sleep of a thread that waits for the other; a missed wake-up costs no more.
const NAP: Duration = Duration::from_millis(50);

/// One access unit on its way, and what was lost before it.
#[derive(Default)]
pub(crate) struct Item {
    /// The picture.
    pub(crate) unit: AccessUnit,
    /// Pictures that found the queue full since the last one that did not.
    pub(crate) lost_in_queue: u32,
    /// The same of units of sound.
    pub(crate) lost_side: u32,
    /// How the source's sound is coded, if it has any.
    pub(crate) sound: Option<SoundFormat>,
}

/// What was lost behind the last picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LostAtEnd {
    /// Pictures that found the queue full.
    pub(crate) in_queue: u32,
    /// The same of units of sound.
    pub(crate) side: u32,
    /// Places where the stream was damaged.
    pub(crate) damage: u32,
}

type Ring = spsc::Queue<Item, CAPACITY>;

#[derive(Default)]
struct Shared {
    bytes: AtomicUsize,
    writer_sleeps: AtomicBool,
    capture_sleeps: AtomicBool,
    closed: AtomicBool,
    at_end: OnceLock<LostAtEnd>,
    key_frame_wanted: AtomicBool,
}

/// The capture thread's end.
pub(crate) struct Sender {
    full: spsc::Producer<'static, Item>,
    empty: spsc::Consumer<'static, Item>,
    kept: Vec<Item>,
    shared: Arc<Shared>,
    lost: u32,
    lost_side: u32,
    /// Damage in the stream before pictures that were lost.
    damage: u32,
    /// After a loss nothing can be decoded until the next start.
    wait_for_start: bool,
}

/// The writer thread's end.
pub(crate) struct Receiver {
    full: spsc::Consumer<'static, Item>,
    empty: spsc::Producer<'static, Item>,
    shared: Arc<Shared>,
}

/// A queue for one camera. Its two rings live as long as the process: there is one a camera.
pub(crate) fn queue() -> (Sender, Receiver) {
    let forth: &'static mut Ring = Box::leak(Box::new(Ring::new()));
    let back: &'static mut Ring = Box::leak(Box::new(Ring::new()));
    let (full_in, full_out) = forth.split();
    let (empty_in, empty_out) = back.split();
    let shared = Arc::new(Shared::default());
    let sender = Sender {
        full: full_in,
        empty: empty_out,
        kept: Vec::with_capacity(KEPT),
        shared: shared.clone(),
        lost: 0,
        lost_side: 0,
        damage: 0,
        wait_for_start: false,
    };
    (
        sender,
        Receiver {
            full: full_out,
            empty: empty_in,
            shared,
        },
    )
}

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is on its way.
    Yes,
    /// The queue was full, or it depends on one that found it full.
    Lost,
}

impl Sender {
    /// An empty unit to be filled; the one given back last comes first.
    pub(crate) fn take(&mut self) -> Item {
        while let Some(item) = self.empty.dequeue() {
            if self.kept.len() < KEPT {
                self.kept.push(item);
            }
        }
        self.kept.pop().unwrap_or_default()
    }

    /// Gives back a unit that was not sent.
    pub(crate) fn put_back(&mut self, item: Item) {
        if self.kept.len() < KEPT {
            self.kept.push(item);
        }
    }

    /// Waits until the queue holds little, for a source that can be asked to wait. `false` if there
    /// is no room yet, to look at other things in between.
    pub(crate) fn wait_for_room(&self) -> bool {
        let has_room =
            || self.shared.bytes.load(Ordering::Acquire) < MAX_BYTES_UNPACED && self.full.ready();
        if has_room() {
            return true;
        }
        self.shared.capture_sleeps.store(true, Ordering::SeqCst);
        if !has_room() {
            std::thread::park_timeout(NAP);
        }
        self.shared.capture_sleeps.store(false, Ordering::SeqCst);
        has_room()
    }

    /// Sends a picture or a unit of sound, or counts it as lost; never waits.
    pub(crate) fn send(&mut self, mut item: Item, writer: &Thread) -> Sent {
        if item.unit.kind != UnitKind::Video {
            return self.send_side(item, writer);
        }
        if item.unit.start.is_start() {
            self.wait_for_start = false;
        }
        let len = item.unit.data.len();
        let waiting = self.shared.bytes.load(Ordering::Acquire);
        item.unit.damage_before = item.unit.damage_before.saturating_add(self.damage);
        self.damage = 0;
        if self.wait_for_start || waiting + len > MAX_BYTES {
            return self.lose(item);
        }
        item.lost_in_queue = self.lost;
        match self.enqueue(item, writer) {
            None => {
                self.lost = 0;
                Sent::Yes
            }
            Some(item) => self.lose(item),
        }
    }

    /// Sound that is lost costs no picture.
    fn send_side(&mut self, item: Item, writer: &Thread) -> Sent {
        let waiting = self.shared.bytes.load(Ordering::Acquire);
        let refused = match waiting + item.unit.data.len() > MAX_BYTES {
            true => Some(item),
            false => self.enqueue(item, writer),
        };
        let Some(item) = refused else {
            return Sent::Yes;
        };
        self.lost_side = self.lost_side.saturating_add(1);
        self.put_back(item);
        Sent::Lost
    }

    /// Puts a unit into the ring; gives it back if that is full.
    fn enqueue(&mut self, mut item: Item, writer: &Thread) -> Option<Item> {
        let len = item.unit.data.len();
        item.lost_side = self.lost_side;
        // Counted first: the other side takes it off as soon as it has the unit.
        self.shared.bytes.fetch_add(len, Ordering::AcqRel);
        match self.full.enqueue(item) {
            Ok(()) => {
                self.lost_side = 0;
                if self.shared.writer_sleeps.swap(false, Ordering::SeqCst) {
                    writer.unpark();
                }
                None
            }
            Err(item) => {
                self.shared.bytes.fetch_sub(len, Ordering::AcqRel);
                Some(item)
            }
        }
    }

    fn lose(&mut self, item: Item) -> Sent {
        self.lost = self.lost.saturating_add(1 + item.unit.dropped_before);
        self.damage = item.unit.damage_before;
        if !std::mem::replace(&mut self.wait_for_start, true) {
            self.shared.key_frame_wanted.store(true, Ordering::Relaxed);
        }
        self.put_back(item);
        Sent::Lost
    }

    /// Whether a key frame was asked for since the last call, by the other side or after a loss.
    pub(crate) fn key_frame_wanted(&self) -> bool {
        // Looked at for every picture, set almost never.
        self.shared.key_frame_wanted.load(Ordering::Relaxed)
            && self.shared.key_frame_wanted.swap(false, Ordering::Relaxed)
    }

    /// Says that nothing more will come, and that behind the last picture the stream was damaged in so many places.
    pub(crate) fn close(self, damage: u32, writer: &Thread) {
        let lost = LostAtEnd {
            in_queue: self.lost,
            side: self.lost_side,
            damage: self.damage.saturating_add(damage),
        };
        // There is one sender, which is gone after this: nothing else was set.
        let _ = self.shared.at_end.set(lost);
        self.shared.closed.store(true, Ordering::SeqCst);
        writer.unpark();
    }
}

impl Receiver {
    /// The next picture; waits a short while for it.
    pub(crate) fn receive(&mut self) -> Option<Item> {
        if !self.full.ready() {
            self.shared.writer_sleeps.store(true, Ordering::SeqCst);
            if !self.full.ready() && !self.shared.closed.load(Ordering::SeqCst) {
                std::thread::park_timeout(NAP);
            }
            self.shared.writer_sleeps.store(false, Ordering::SeqCst);
        }
        self.full.dequeue()
    }

    /// Whether something waits.
    pub(crate) fn has_more(&self) -> bool {
        self.full.ready()
    }

    /// Asks the source for a picture that decoding can start at, if it can be asked.
    pub(crate) fn request_key_frame(&self) {
        self.shared.key_frame_wanted.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is left and nothing more will come.
    pub(crate) fn is_done(&self) -> bool {
        self.shared.closed.load(Ordering::SeqCst) && !self.full.ready()
    }

    /// What was lost behind the last picture, once nothing more will come.
    pub(crate) fn lost_at_end(&self) -> LostAtEnd {
        self.shared.at_end.get().copied().unwrap_or_default()
    }

    /// Gives a unit back to be filled again.
    pub(crate) fn give_back(&mut self, item: Item, capture: &Thread) {
        let len = item.unit.data.len();
        // If the other side has too many already, this one's memory goes back to the system.
        drop(self.empty.enqueue(item));
        let before = self.shared.bytes.fetch_sub(len, Ordering::AcqRel);
        if before - len < MAX_BYTES_UNPACED / 2
            && self.shared.capture_sleeps.swap(false, Ordering::SeqCst)
        {
            capture.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use picam_media::Start;

    use super::*;

    fn item(len: usize, key: bool) -> Item {
        let unit = AccessUnit {
            data: vec![0; len],
            start: if key { Start::Idr } else { Start::None },
            ..AccessUnit::new()
        };
        Item {
            unit,
            ..Item::default()
        }
    }

    #[test]
    fn what_finds_the_queue_full_is_counted_and_the_rest_of_its_group_with_it() {
        let (mut sender, mut receiver) = queue();
        let me = std::thread::current();
        let mut sent = 0;
        while sender.send(item(10, sent == 0), &me) == Sent::Yes {
            sent += 1;
        }
        assert_eq!(sent, CAPACITY - 1);
        receiver.receive().unwrap();
        assert!(sender.key_frame_wanted());
        // Room again, but this one depends on a lost one. The source was asked already.
        let mut damaged = item(10, false);
        damaged.unit.damage_before = 3;
        assert_eq!(sender.send(damaged, &me), Sent::Lost);
        assert!(!sender.key_frame_wanted());
        assert_eq!(sender.send(item(10, true), &me), Sent::Yes);
        let mut last = None;
        while receiver.full.ready() {
            last = receiver.receive();
        }
        let last = last.unwrap();
        assert_eq!((last.lost_in_queue, last.unit.damage_before), (2, 3));
        receiver.request_key_frame();
        assert!(sender.key_frame_wanted() && !sender.key_frame_wanted());
    }

    #[test]
    fn sound_that_is_lost_is_counted_and_keeps_no_picture_waiting() {
        let (mut sender, mut receiver) = queue();
        let me = std::thread::current();
        let sound = || {
            let mut item = item(10, false);
            item.unit.kind = UnitKind::Sound;
            item
        };
        assert_eq!(sender.send(item(10, true), &me), Sent::Yes);
        while sender.send(sound(), &me) == Sent::Yes {}
        assert_eq!(sender.send(sound(), &me), Sent::Lost);
        assert!(!sender.key_frame_wanted());
        receiver.receive().unwrap();
        assert_eq!(sender.send(item(10, false), &me), Sent::Yes);
        let mut last = None;
        while receiver.full.ready() {
            last = receiver.receive();
        }
        let last = last.unwrap();
        assert_eq!((last.unit.kind, last.lost_side), (UnitKind::Video, 2));
        assert_eq!(last.lost_in_queue, 0);
        // After lost pictures sound goes on.
        while sender.send(item(10, true), &me) == Sent::Yes {}
        receiver.receive().unwrap();
        assert_eq!(sender.send(sound(), &me), Sent::Yes);
    }

    #[test]
    fn the_same_buffer_carries_every_picture() {
        let (mut sender, mut receiver) = queue();
        let me = std::thread::current();
        let mut filled = sender.take();
        filled.unit.data.resize(1000, 1);
        let at = filled.unit.data.as_ptr();
        for _ in 0..100 {
            assert_eq!(filled.unit.data.as_ptr(), at);
            filled.unit.start = Start::Idr;
            sender.send(filled, &me);
            let received = receiver.receive().unwrap();
            receiver.give_back(received, &me);
            filled = sender.take();
        }
    }

    #[test]
    fn bytes_are_bounded_too() {
        let (mut sender, _receiver) = queue();
        let me = std::thread::current();
        let mut sent = 0;
        while sender.send(item(1 << 20, true), &me) == Sent::Yes {
            sent += 1;
        }
        assert_eq!(sent, MAX_BYTES >> 20);
        assert!(!sender.wait_for_room());
    }

    #[test]
    fn a_few_empty_units_are_kept_and_no_more() {
        let (mut sender, mut receiver) = queue();
        let me = std::thread::current();
        for n in 0..KEPT + 5 {
            assert_eq!(sender.kept.len(), n.min(KEPT));
            sender.put_back(item(1, true));
        }
        sender.kept.clear();
        let mut kept = item(1, true);
        kept.unit.data = vec![7; 4321];
        sender.put_back(kept);
        assert_eq!(sender.take().unit.data.len(), 4321);
        for _ in 0..KEPT + 5 {
            assert_eq!(sender.send(item(1, true), &me), Sent::Yes);
        }
        while receiver.has_more() {
            let item = receiver.receive().unwrap();
            receiver.give_back(item, &me);
        }
        sender.take();
        assert_eq!(sender.kept.len(), KEPT - 1);
    }

    #[test]
    fn sound_has_the_room_that_pictures_have() {
        let (mut sender, mut receiver) = queue();
        let me = std::thread::current();
        let sound = |len| {
            let mut item = item(len, false);
            item.unit.kind = UnitKind::Sound;
            item
        };
        while sender.send(item(1 << 20, true), &me) == Sent::Yes {}
        assert_eq!(sender.send(sound(1), &me), Sent::Lost);
        let first = receiver.receive().unwrap();
        receiver.give_back(first, &me);
        assert_eq!(sender.send(sound((1 << 20) + 1), &me), Sent::Lost);
        assert_eq!(sender.send(sound(1 << 20), &me), Sent::Yes);
    }

    #[test]
    fn what_an_encoder_dropped_before_a_lost_picture_is_lost_with_it() {
        let (mut sender, mut receiver) = queue();
        let me = std::thread::current();
        while sender.send(item(1 << 20, true), &me) == Sent::Yes {}
        let mut lost = item(1 << 20, false);
        lost.unit.dropped_before = 2;
        sender.send(lost, &me);
        let first = receiver.receive().unwrap();
        receiver.give_back(first, &me);
        assert_eq!(sender.send(item(1, true), &me), Sent::Yes);
        let last = std::iter::from_fn(|| receiver.has_more().then(|| receiver.receive().unwrap()));
        assert_eq!(last.last().unwrap().lost_in_queue, 1 + 1 + 2);
    }

    #[test]
    fn a_source_that_can_wait_is_woken_when_little_is_left() {
        const HALF: usize = MAX_BYTES_UNPACED / 2;
        let (mut sender, mut receiver) = queue();
        let me = std::thread::current();
        assert!(sender.wait_for_room());
        for len in [10, 10, HALF, HALF - 21] {
            sender.send(item(len, true), &me);
        }
        assert!(sender.wait_for_room());
        sender.send(item(1, true), &me);
        let begun = Instant::now();
        assert!((0..3).all(|_| !sender.wait_for_room()));
        assert!(begun.elapsed() >= NAP, "it waits for what may be taken");
        sender.shared.capture_sleeps.store(true, Ordering::SeqCst);
        let mut all: Vec<Item> =
            std::iter::from_fn(|| receiver.has_more().then(|| receiver.receive().unwrap()))
                .collect();
        let mut asleep = Vec::new();
        // The last first, down to what is just not little, and then the rest.
        for n in [4, 3, 0, 0, 0] {
            receiver.give_back(all.remove(n), &me);
            asleep.push(sender.shared.capture_sleeps.load(Ordering::SeqCst));
        }
        assert_eq!(asleep, [true, true, true, true, false]);
        // Who is awake is not woken again, and sleeps only while there is no room.
        assert!(sender.wait_for_room());
    }

    #[test]
    fn a_queue_is_done_once_it_is_closed_and_empty() {
        let (mut sender, mut receiver) = queue();
        let me = std::thread::current();
        assert!(!receiver.has_more() && !receiver.is_done());
        let begun = Instant::now();
        assert!((0..3).all(|_| receiver.receive().is_none()));
        assert!(begun.elapsed() >= NAP, "it waits for what may come");
        sender.send(item(1, true), &me);
        assert!(receiver.has_more() && !receiver.is_done());
        sender.close(0, &me);
        assert!(!receiver.is_done());
        assert!(receiver.receive().is_some());
        assert!(receiver.is_done() && receiver.receive().is_none());
        assert_eq!(receiver.lost_at_end(), LostAtEnd::default());
    }

    #[test]
    fn what_is_lost_behind_the_last_picture_is_told_when_the_queue_is_closed() {
        let (mut sender, receiver) = queue();
        let me = std::thread::current();
        assert_eq!(sender.send(item(MAX_BYTES + 1, true), &me), Sent::Lost);
        let mut delta = item(1, false);
        (delta.unit.dropped_before, delta.unit.damage_before) = (2, 3);
        assert_eq!(sender.send(delta, &me), Sent::Lost);
        let mut sound = item(MAX_BYTES + 1, false);
        sound.unit.kind = UnitKind::Sound;
        assert_eq!(sender.send(sound, &me), Sent::Lost);
        sender.close(4, &me);
        let (in_queue, side, damage) = (4, 1, 7);
        let expected = LostAtEnd {
            in_queue,
            side,
            damage,
        };
        assert_eq!(receiver.lost_at_end(), expected);
    }
}
