//! Cameras shown while they are recorded.
//!
//! ```text
//! capture thread --> Feeder ~~ Tap ~~ Reader --> viewer's thread --> Unix socket --> page
//! ```
//!
//! Whoever watches gets a thread and a socket of its own, at most [`MAX_VIEWERS`] for all cameras together; the page in
//! this process gets one end of a pair, the page in another one its connection to the control socket. A viewer that is
//! slow blocks its own thread, which then goes on at a later key frame ([`tap`]).

mod tap;
mod viewer;

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use arc_swap::ArcSwap;
use picam_control::live::{Follow, LiveSource};
use picam_control::orders::{Denied, Why};

pub(crate) use tap::{Feeder, Next, Tap, tap};

/// Viewers at a time, of all cameras together.
const MAX_VIEWERS: usize = 8;
/// Stack of a viewer's thread in bytes: it calls little.
const STACK: usize = 128 << 10;

/// What can be watched, by its letter.
pub(crate) type Taps = Vec<(char, Arc<Tap>)>;

/// Every camera that can be watched. Clones count the same viewers.
#[derive(Clone)]
pub(crate) struct Live {
    cameras: Arc<ArcSwap<Taps>>,
    viewers: Arc<AtomicUsize>,
}

impl Live {
    pub(crate) fn of(cameras: Taps) -> Self {
        Self {
            cameras: Arc::new(ArcSwap::from_pointee(cameras)),
            viewers: Arc::default(),
        }
    }

    /// From now on these can be watched; whoever watches another goes on until that has ended.
    pub(crate) fn set(&self, cameras: Taps) {
        self.cameras.store(Arc::new(cameras));
    }

    /// A camera's, unless it has ended.
    pub(crate) fn tap(&self, camera: char) -> Option<Arc<Tap>> {
        let cameras = self.cameras.load();
        let found = cameras.iter().find(|(letter, _)| *letter == camera);
        found
            .map(|(_, tap)| tap.clone())
            .filter(|tap| !tap.has_ended())
    }

    /// Lets another viewer in, or says why not.
    pub(crate) fn admit(&self, camera: char) -> Result<Follow, Denied> {
        let cameras = self.cameras.load();
        let Some((_, tap)) = cameras.iter().find(|(letter, _)| *letter == camera) else {
            return Err(Denied::new(
                Why::NoCamera,
                format!("there is no camera {camera}"),
                "the cameras there are have their letters in /api/status",
            ));
        };
        if tap.has_ended() {
            return Err(Denied::new(
                Why::Unavailable,
                format!("camera {camera} has ended"),
                "watch what it has recorded",
            ));
        }
        let place = Place::take(&self.viewers).ok_or_else(|| {
            Denied::new(
                Why::Unavailable,
                format!("{MAX_VIEWERS} viewers watch already"),
                "close another live view and try again",
            )
        })?;
        let tap = tap.clone();
        Ok(Box::new(move |stream| {
            let started = thread::Builder::new()
                .name(format!("live-{camera}"))
                .stack_size(STACK)
                .spawn(move || {
                    let ended = viewer::serve(&tap, &stream);
                    tracing::debug!("a viewer of camera {camera} is gone: {ended:?}");
                    drop(place);
                });
            if let Err(error) = started {
                tracing::warn!("nobody can watch camera {camera}: {error}");
            }
        }))
    }
}

impl LiveSource for Live {
    fn follow(&self, camera: char) -> Result<UnixStream, Denied> {
        let follow = self.admit(camera)?;
        let (ours, theirs) = UnixStream::pair().map_err(no_socket)?;
        follow(ours);
        Ok(theirs)
    }
}

fn no_socket(error: io::Error) -> Denied {
    Denied::new(
        Why::Unavailable,
        format!("the system has no socket for it: {error}"),
        "try again in a few seconds",
    )
}

/// One of the viewers' places, until it is dropped.
struct Place {
    viewers: Arc<AtomicUsize>,
}

impl Place {
    fn take(viewers: &Arc<AtomicUsize>) -> Option<Self> {
        let more = |now: usize| (now < MAX_VIEWERS).then_some(now + 1);
        let taken = viewers.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.is_ok().then(|| Self {
            viewers: viewers.clone(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.viewers.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
