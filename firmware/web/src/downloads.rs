//! What is put together while it is sent: clips and archives. So many at a time, under names of their own.

use std::io;
use std::sync::Arc;

use picam_library::Member;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::Content;
use crate::error::ApiError;

/// Sent at a time. Each may take one of the threads that read the card while its checksums are made.
const AT_A_TIME: usize = 3;
/// When to come again if so many are, in seconds.
const LATER: u64 = 5;

/// How many are made and sent.
#[derive(Clone)]
pub(crate) struct Downloads {
    /// One at a time is planned: that takes the most memory.
    planning: Arc<Semaphore>,
    sending: Arc<Semaphore>,
}

impl Default for Downloads {
    fn default() -> Self {
        Self {
            planning: Arc::new(Semaphore::new(1)),
            sending: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

impl Downloads {
    /// A place for one more, or when to ask again.
    pub(crate) fn place(&self) -> Result<Place, ApiError> {
        let place = Arc::clone(&self.sending).try_acquire_owned();
        place.map(Place).map_err(|_| {
            ApiError::later(
                LATER,
                "other clips or archives are being downloaded",
                "try again when they are done",
            )
        })
    }

    /// Waits until no other is planned, and lets none be until what it returns is dropped.
    pub(crate) async fn plan(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.planning).acquire_owned().await.ok()
    }
}

/// One of those that may be sent.
pub(crate) struct Place(OwnedSemaphorePermit);

impl Place {
    /// What takes it, until it has been sent.
    pub(crate) fn filled<M: Member + Send + Sync + 'static>(self, member: M) -> Content {
        Arc::new(Sent {
            member,
            _place: self.0,
        })
    }
}

struct Sent<M> {
    member: M,
    _place: OwnedSemaphorePermit,
}

impl<M: Member> Member for Sent<M> {
    fn size(&self) -> u64 {
        self.member.size()
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.member.read(offset, len)
    }
}

/// The header that has a browser save it.
pub(crate) fn saved_as(name: &str, ending: &str) -> String {
    format!("attachment; filename=\"{name}.{ending}\"")
}
