//! How sound, motion and text from elsewhere than the camera come to a camera's writer: bounded, without a lock, and without
//! anybody waiting.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use picam_media::{AccessUnit, UnitKind};

use crate::ear::Ear;
use crate::whereabouts::Whereabouts;

/// Units that may wait while the card stalls: motion a hundred times a second, and what else there is, for ten seconds.
const CAPACITY: usize = 2048;

/// The end of whoever measures.
#[derive(Debug, Clone)]
pub(crate) struct SideSender {
    units: SyncSender<AccessUnit>,
    lost: Arc<AtomicU32>,
    /// Gone once nobody takes them any more.
    heard: Weak<()>,
}

/// The cameras that hear what is measured: some end and others begin while it is. Clones are the same cameras.
#[derive(Debug, Clone, Default)]
pub(crate) struct SideSenders {
    cameras: Arc<ArcSwap<Vec<SideSender>>>,
    whereabouts: Whereabouts,
    /// Whether text comes from [`crate::captions`] alone.
    has_captions: Arc<AtomicBool>,
}

impl SideSenders {
    /// One more, in place of those that have ended.
    pub(crate) fn add(&self, sender: SideSender) {
        self.cameras.rcu(|senders| {
            let there = senders.iter().filter(|sender| sender.is_heard());
            there.chain([&sender]).cloned().collect::<Vec<_>>()
        });
    }

    /// The newest place that was handed to them.
    pub(crate) fn whereabouts(&self) -> Whereabouts {
        self.whereabouts.clone()
    }

    /// Hands a unit to all of them.
    pub(crate) fn send(&self, unit: &AccessUnit) {
        self.whereabouts.note(unit);
        if unit.kind == UnitKind::Text && self.has_captions.load(Ordering::Relaxed) {
            return;
        }
        self.send_to_all(unit);
    }

    /// The same with text that says all there is to say: no other is sent from now on.
    pub(crate) fn send_caption(&self, unit: &AccessUnit) {
        self.has_captions.store(true, Ordering::Relaxed);
        self.send_to_all(unit);
    }

    fn send_to_all(&self, unit: &AccessUnit) {
        for sender in self.cameras.load().iter() {
            sender.send(unit.clone());
        }
    }
}

/// What a camera's writer hears of what is measured and heard elsewhere than by its camera.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    /// Where it comes in; `None` if nothing does, for a queue takes memory.
    pub(crate) input: Option<SideInput>,
    /// Whether place and motion are measured.
    pub(crate) has_motion: bool,
    /// The microphone, if there is one.
    pub(crate) ear: Option<Arc<Ear>>,
}

/// The writer's end.
#[derive(Debug)]
pub(crate) struct SideInput {
    units: Receiver<AccessUnit>,
    lost: Arc<AtomicU32>,
    _hears: Arc<()>,
}

pub(crate) fn side_input() -> (SideSender, SideInput) {
    let (sender, receiver) = sync_channel(CAPACITY);
    let lost = Arc::new(AtomicU32::new(0));
    let hears = Arc::new(());
    let sender = SideSender {
        units: sender,
        lost: lost.clone(),
        heard: Arc::downgrade(&hears),
    };
    let input = SideInput {
        units: receiver,
        lost,
        _hears: hears,
    };
    (sender, input)
}

impl SideSender {
    /// Hands a unit over, or counts it as lost.
    pub(crate) fn send(&self, unit: AccessUnit) {
        if let Err(TrySendError::Full(_)) = self.units.try_send(unit) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_heard(&self) -> bool {
        self.heard.strong_count() > 0
    }
}

impl SideInput {
    /// The next unit, if one waits.
    pub(crate) fn receive(&self) -> Option<AccessUnit> {
        self.units.try_recv().ok()
    }

    /// Units that found no room since this was asked last.
    pub(crate) fn take_lost(&self) -> u32 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_nobody_waits() {
        let (sender, input) = side_input();
        for n in 0..CAPACITY as i64 + 3 {
            let mut unit = AccessUnit::new();
            unit.dts = n;
            sender.send(unit);
        }
        assert_eq!((input.take_lost(), input.take_lost()), (3, 0));
        let received: Vec<i64> =
            std::iter::from_fn(|| input.receive().map(|unit| unit.dts)).collect();
        assert_eq!(received, (0..CAPACITY as i64).collect::<Vec<_>>());
    }

    #[test]
    fn cameras_hear_from_when_they_begin_until_they_end() {
        let senders = SideSenders::default();
        let heard = |input: &SideInput| std::iter::from_fn(|| input.receive()).count();
        senders.send(&AccessUnit::new());
        let (first, of_first) = side_input();
        senders.add(first);
        senders.send(&AccessUnit::new());
        let (second, of_second) = side_input();
        senders.clone().add(second);
        senders.send(&AccessUnit::new());
        assert_eq!((heard(&of_first), heard(&of_second)), (2, 1));
        drop(of_first);
        senders.send(&AccessUnit::new());
        // Whoever has ended makes room for whoever begins.
        let (third, of_third) = side_input();
        senders.add(third);
        senders.send(&AccessUnit::new());
        assert_eq!((heard(&of_second), heard(&of_third)), (2, 1));
        assert_eq!(senders.cameras.load().len(), 2);
    }
}
