//! How a capture thread is asked for a still: it looks at one flag a picture, and waits for nobody.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arc_swap::ArcSwapOption;
use picam_capture::Still;

/// What a capture thread has to give.
#[derive(Debug)]
pub(crate) enum Given {
    /// A picture from before it was coded.
    Still(Still),
    /// Pictures come coded.
    Coded,
}

/// A camera's.
#[derive(Debug, Default)]
pub(crate) struct Shutter {
    pressed: AtomicBool,
    waits: ArcSwapOption<SyncSender<Given>>,
}

impl Shutter {
    /// Asks for one; what is given then comes here.
    pub(crate) fn press(&self) -> Receiver<Given> {
        let (sender, receiver) = sync_channel(1);
        self.waits.store(Some(sender.into()));
        self.pressed.store(true, Ordering::Release);
        receiver
    }

    /// Nobody waits any more.
    pub(crate) fn release(&self) {
        self.pressed.store(false, Ordering::Release);
        self.waits.store(None);
    }

    /// Whether somebody waits.
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Acquire)
    }

    /// For the capture thread.
    pub(crate) fn give(&self, what: Given) {
        self.pressed.store(false, Ordering::Release);
        if let Some(waits) = self.waits.load().as_deref() {
            // Whoever has gone meanwhile does not want it.
            let _ = waits.try_send(what);
        }
    }
}
