//! How sound, motion and text from elsewhere than the camera come to a camera's writer: bounded, without a lock, and without
//! anybody waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use picam_media::AccessUnit;

/// Units that may wait while the card stalls: motion a hundred times a second, and what else there is, for ten seconds.
const CAPACITY: usize = 2048;

/// The end of whoever measures.
#[derive(Debug, Clone)]
pub(crate) struct SideSender {
    units: SyncSender<AccessUnit>,
    lost: Arc<AtomicU32>,
}

/// The writer's end.
#[derive(Debug)]
pub(crate) struct SideInput {
    units: Receiver<AccessUnit>,
    lost: Arc<AtomicU32>,
}

pub(crate) fn side_input() -> (SideSender, SideInput) {
    let (sender, receiver) = sync_channel(CAPACITY);
    let lost = Arc::new(AtomicU32::new(0));
    let sender = SideSender {
        units: sender,
        lost: lost.clone(),
    };
    let input = SideInput {
        units: receiver,
        lost,
    };
    (sender, input)
}

impl SideSender {
    /// Hands a unit over, or counts it as lost. `false` once nobody takes them any more.
    pub(crate) fn send(&self, unit: AccessUnit) -> bool {
        match self.units.try_send(unit) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
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
            assert!(sender.send(unit));
        }
        assert_eq!((input.take_lost(), input.take_lost()), (3, 0));
        let received: Vec<i64> =
            std::iter::from_fn(|| input.receive().map(|unit| unit.dts)).collect();
        assert_eq!(received, (0..CAPACITY as i64).collect::<Vec<_>>());
        drop(input);
        assert!(!sender.send(AccessUnit::new()));
    }
}
