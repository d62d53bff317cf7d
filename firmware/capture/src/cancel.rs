//! Giving up what may wait for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::{CaptureError, Source};

/// How often a cancelled opening is noticed.
const POLL: Duration = Duration::from_millis(50);

/// Says whether a source is still wanted. Clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// One that shares `flag`: `true` cancels.
    pub const fn from_flag(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }

    /// Cancels; cannot be taken back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Runs `open` on a thread of its own, which is left to itself if `cancel` comes first: the kernel lets
/// nobody call off the opening of a file on a server that does not answer.
pub(crate) fn open_cancellable(
    cancel: &Cancel,
    open: impl FnOnce() -> Result<Box<dyn Source>, CaptureError> + Send + 'static,
) -> Result<Box<dyn Source>, CaptureError> {
    let (done, opened) = sync_channel(1);
    std::thread::Builder::new()
        .name("open".to_owned())
        // Nobody listens any more if it was cancelled.
        .spawn(move || drop(done.send(open())))
        .map_err(|source| CaptureError::Io {
            context: "starting a thread".to_owned(),
            source,
        })?;
    loop {
        if cancel.is_cancelled() {
            return Err(CaptureError::Cancelled);
        }
        match opened.recv_timeout(POLL) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(CaptureError::Stream("opening it failed".to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_that_never_ends_is_given_up() {
        let cancel = Cancel::default();
        let (release, hangs) = sync_channel::<()>(0);
        let (began, beginning) = sync_channel(1);
        let canceller = cancel.clone();
        let helper = std::thread::spawn(move || {
            // Not before it hangs.
            let _ = beginning.recv();
            canceller.cancel();
        });
        let outcome = open_cancellable(&cancel, move || {
            let _ = began.send(());
            let _ = hangs.recv();
            Err(CaptureError::Stream("late".to_owned()))
        });
        assert!(matches!(outcome, Err(CaptureError::Cancelled)));
        helper.join().unwrap();
        drop(release);
    }

    #[test]
    fn what_opens_is_handed_over_even_if_it_panics() {
        let cancel = Cancel::default();
        let failed = open_cancellable(&cancel, || Err(CaptureError::Stream("why".to_owned())));
        assert!(matches!(failed, Err(CaptureError::Stream(why)) if why == "why"));
        let dead = open_cancellable(&cancel, || panic!("on purpose"));
        assert!(matches!(dead, Err(CaptureError::Stream(_))));
        cancel.cancel();
        let never = open_cancellable(&cancel, || Err(CaptureError::Stream("why".to_owned())));
        assert!(matches!(never, Err(CaptureError::Cancelled)));
    }
}
