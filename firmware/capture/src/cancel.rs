//! Giving up what may wait for ever.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::{CaptureError, Source};

/// How often a cancelled opening is noticed.
const POLL: Duration = Duration::from_millis(50);

/// Says whether a source is still wanted. Clones share one flag.
#[derive(Clone, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    /// Told how long an opening takes, again and again.
    waiting: Option<Arc<dyn Fn(Duration) + Send + Sync>>,
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.flag).finish()
    }
}

impl Cancel {
    /// One that shares `flag`: `true` cancels.
    pub const fn from_flag(flag: Arc<AtomicBool>) -> Self {
        Self {
            flag,
            waiting: None,
        }
    }

    /// Has `tell` told how long an opening has taken, some times a second, while it takes long.
    #[must_use]
    pub fn while_waiting(self, tell: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self {
            waiting: Some(Arc::new(tell)),
            ..self
        }
    }

    /// Cancels; cannot be taken back.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::SeqCst);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
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
    let begun = Instant::now();
    loop {
        if cancel.is_cancelled() {
            return Err(CaptureError::Cancelled);
        }
        match opened.recv_timeout(POLL) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Timeout) => {
                if let Some(tell) = &cancel.waiting {
                    tell(begun.elapsed());
                }
            }
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
        let (told, telling) = sync_channel(1);
        let cancel = Cancel::default().while_waiting(move |took| {
            // The first is enough.
            let _ = told.try_send(took);
        });
        let (release, hangs) = sync_channel::<()>(0);
        let (began, beginning) = sync_channel(1);
        let canceller = cancel.clone();
        let helper = std::thread::spawn(move || {
            // Not before it hangs, and that was told.
            let _ = beginning.recv();
            assert!(telling.recv().unwrap() >= POLL);
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
