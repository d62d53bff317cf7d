//! A response body that reads footage as fast as the client takes it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use picam_library::Member;
use tokio::task::JoinHandle;

/// The most that is read at a time, in bytes: so many are held for each client that does not take them.
const CHUNK: u64 = 64 * 1024;

/// What can be sent, or any part of it.
pub(crate) type Content = Arc<dyn Member + Send + Sync>;

/// Some of its bytes, one chunk at a time on a blocking thread. Between chunks nothing is held
/// but the open files: a slow client costs descriptors and a buffer.
pub(crate) struct ContentBody {
    content: Content,
    next: u64,
    end: u64,
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

impl ContentBody {
    /// The `len` bytes from `first` on.
    pub(crate) fn new(content: Content, first: u64, len: u64) -> Self {
        Self {
            content,
            next: first,
            end: first + len,
            reading: None,
        }
    }
}

impl Drop for ContentBody {
    /// What nobody waits for any more need not be read.
    fn drop(&mut self) {
        if let Some(reading) = &self.reading {
            reading.abort();
        }
    }
}

impl Body for ContentBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let (next, left) = (self.next, self.end - self.next);
        if left == 0 {
            return Poll::Ready(None);
        }
        let content = Arc::clone(&self.content);
        let reading = self.reading.get_or_insert_with(|| {
            tokio::task::spawn_blocking(move || content.read(next, left.min(CHUNK) as usize))
        });
        let read = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        let chunk = read.map_err(io::Error::other).flatten();
        Poll::Ready(Some(match chunk {
            Ok(chunk) => {
                self.next += chunk.len() as u64;
                Ok(Frame::data(chunk.into()))
            }
            Err(error) => {
                // An error cuts the connection: the client sees that the file is incomplete.
                tracing::info!(%error, at = next, "download cut");
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.next == self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.next)
    }
}
